// ima/event.h - what the kernel asks IMA about: a hook, the process, the file it touches.
//
// What is not given is not known, and open where a rule asks for it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/truth.h"
#include "ima/hook.h"
#include "ima/policy_rule.h"

namespace assay {

// The process; for CREDS_CHECK as it will be after execve.
struct ImaSubject {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> euid;
  std::optional<std::uint32_t> suid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint32_t> egid;
  std::optional<std::uint32_t> sgid;
  Truth cap_setuid = Truth::unknown;
  Truth cap_setgid = Truth::unknown;

  // With all its numbers alike, and both capabilities if they are those of root.
  static ImaSubject with_ids(std::uint32_t uid, std::uint32_t gid);
};

struct ImaFilesystem {
  std::optional<std::uint64_t> magic;
  std::optional<std::string> name;     // "ext4"
  std::optional<std::string> subtype;  // "" where it has none
  std::optional<FsUuid> uuid;
  Truth has_xattrs = Truth::unknown;  // ramfs has not
  // Signatures on it cannot be trusted to stay those of the data (FUSE).
  Truth is_unverifiable = Truth::no;
  Truth has_untrusted_mounter = Truth::no;
};

struct ImaFile {
  std::optional<std::string> path;  // absolute, as measurements have it
  ImaFilesystem filesystem;
  std::optional<std::uint32_t> owner;
  std::optional<std::uint32_t> group;
};

struct ImaEvent {
  ImaHook hook = ImaHook::file_check;
  std::uint32_t mask = 0;
  ImaSubject subject;
  std::string data;            // the keyring of KEY_CHECK, the label of CRITICAL_DATA
  bool direct_io = false;      // the file is open with O_DIRECT
  bool is_created = false;     // by this open(2)
  bool has_writers = false;    // mapped writable somewhere (MMAP hooks)
  bool is_compressed = false;  // finit_module with a file that the kernel decompresses
};

// The mask that the kernel gives a hook, where it is always the same; for FILE_CHECK that of
// reading.
std::uint32_t usual_mask(ImaHook hook);

}  // namespace assay
