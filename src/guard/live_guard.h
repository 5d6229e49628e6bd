// guard/live_guard.h - the guard of the running kernel, through what is pinned under kPinFolder.
//
// Once it is sealed, the guard itself refuses what changes it; these functions then fail with
// EPERM.

#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/file_descriptor.h"
#include "guard/guard_entry.h"
#include "guard/guard_maps.h"

namespace assay {

struct LiveProgram {
  std::string name;  // of the program, as the pin of its link says it
  std::uint32_t id = 0;
  std::uint32_t link_id = 0;
  // With kernel.bpf_stats_enabled, and while the guard is not sealed.
  std::uint64_t runs = 0;
  std::uint64_t run_ns = 0;
};

std::vector<std::uint32_t> link_ids(std::span<const LiveProgram> programs);

struct GuardEvent {
  std::uint64_t time = 0;  // ns since boot
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint8_t class_number = 0;
  std::string verdict;  // allowed, missed, denied, protected
  std::string attempt;  // on the guard: "unlink" and so on
  std::string digest;   // hexadecimal; empty: none
  std::string command;
  std::string name;  // of the file, without its folder; empty: none, or not known
};

class LiveGuard {
 public:
  // usage where no guard is armed.
  static Result<LiveGuard> open();

  Result<abi::guard_conf> conf() const;
  Result<void> set_conf(const abi::guard_conf& conf);
  Result<abi::guard_stats> stats() const;
  // Those whose links are pinned; a link that is gone has no id.
  Result<std::vector<LiveProgram>> programs() const;
  Result<std::uint32_t> added_count() const;
  Result<void> add(std::span<const GuardEntry> entries);
  // For good: then nothing but a signed overlay changes what is allowed.
  Result<void> seal();
  // Ends when no program is called any more. usage where it is sealed.
  Result<void> unload();
  // The data of an overlay and the signature behind it; `keyring` 0 builtin, 1 secondary,
  // 2 platform. The negative error that the kernel answered, or 0.
  Result<int> apply_overlay(std::span<const std::uint8_t> file, std::size_t data_size,
                            unsigned keyring) const;
  // Calls for each event until it returns false, or none came for `timeout_ms` (-1: for ever).
  Result<void> watch(int timeout_ms, const std::function<bool(const GuardEvent&)>& take) const;

 private:
  LiveGuard() = default;
};

// usage with E2BIG where the map has no more room.
Result<void> fill_map(int map, std::span<const GuardEntry> entries);

}  // namespace assay
