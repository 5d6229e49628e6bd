// guard/guard_programs.h - the guard's BPF programs in this kernel: loaded, attached, pinned.
//
// Owns what libbpf opened; links that are not pinned end with it.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/guard_entry.h"

struct bpf_link;
struct bpf_map;
struct bpf_object;

namespace assay {

inline constexpr std::string_view kBpfFolder = "/sys/fs/bpf";
inline constexpr std::string_view kPinFolder = "/sys/fs/bpf/assay";
inline constexpr std::string_view kGuardMaps[] = {"conf", "shown", "allow",  "added", "overlay",
                                                  "prot", "stats", "events", "priv"};

// The programs of a variant, in the order in which they are attached: what protects the guard
// first.
std::vector<std::string> programs_of(GuardVariant variant, bool with_overlays);

// The hooks of the kernel that programs of the guard are attached to.
inline constexpr std::string_view kGuardHooks[] = {"kernel_post_read_file",
                                                   "kernel_post_load_data",
                                                   "kernel_read_file",
                                                   "kernel_load_data",
                                                   "inode_unlink",
                                                   "inode_rename",
                                                   "sb_umount",
                                                   "bpf",
                                                   "bpf_map",
                                                   "bpf_prog",
                                                   "file_open",
                                                   "task_prctl"};

class GuardPrograms {
 public:
  // Loads; nothing is attached. usage, with what the kernel says, where it refuses.
  static Result<GuardPrograms> load(std::span<const std::string> names);
  GuardPrograms(GuardPrograms&&) noexcept;
  GuardPrograms& operator=(GuardPrograms&&) noexcept;
  ~GuardPrograms();

  int map(std::string_view name) const;  // its file descriptor
  std::vector<std::uint32_t> program_ids() const;
  // usage, with the error number: 524 where the architecture cannot.
  Result<void> attach(const std::string& name);
  // Every map and link under kPinFolder, which is made.
  Result<void> pin();
  // Takes back what pin() made.
  void unpin();

 private:
  GuardPrograms() = default;
  struct Deleter {
    void operator()(bpf_object* object) const;
  };
  std::unique_ptr<bpf_object, Deleter> object_;
  std::vector<std::pair<std::string, bpf_link*>> links_;
};

// "EINVAL"; "error 5" for what has no name here.
std::string describe_errno(int number);

}  // namespace assay
