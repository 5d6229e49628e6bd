#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "bytes/file_descriptor.h"

namespace assay {

namespace {

// Headers of Debian 12 know nothing beyond ABI 1; the kernel is asked which it has.
struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t network = 0;  // since ABI 4
};

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kReadFolder = LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kTruncate = 1ULL << 14;   // since ABI 3
constexpr std::uint64_t kBindAndConnect = 1 | 2;  // TCP

// All rights that this ABI can take away.
std::uint64_t rights_of(long abi) {
  if (abi >= 5) return (1ULL << 16) - 1;
  if (abi >= 3) return (1ULL << 15) - 1;
  return abi == 2 ? (1ULL << 14) - 1 : (1ULL << 13) - 1;
}

std::string failed(const std::string& what) {
  return "Landlock: " + what + ": " + std::strerror(errno);
}

// Those that a path gets; of a file those alone that files have. False: it cannot be ruled.
bool allow(const FileDescriptor& ruleset, const std::string& path, std::uint64_t rights) {
  const FileDescriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return true;
  if (!S_ISDIR(status.st_mode)) rights &= kReadFile | kWriteFile | kTruncate;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = file.get();
  return ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

// Where files without a name cannot be made, they are made with one and unlinked (bytes/file_io.h).
bool has_unnamed_files(const std::string& folder) {
  return FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)).is_open();
}

}  // namespace

std::string restrict_files(const ConfinementRules& rules) {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return failed("not there");
  Ruleset attributes;
  attributes.files = rights_of(abi);
  attributes.network = kBindAndConnect;
  const std::size_t size = abi >= 4 ? sizeof(attributes) : sizeof(attributes.files);
  const FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset.is_open()) return failed("no rules");
  for (const std::string& path : rules.readable)
    if (!allow(ruleset, path, kReadFile | kReadFolder)) return failed(path);
  if (!rules.scratch.empty()) {
    std::uint64_t rights = kReadFile | kWriteFile;
    if (abi >= 3) rights |= kTruncate;
    if (!has_unnamed_files(rules.scratch))
      rights |= LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    if (!allow(ruleset, rules.scratch, rights)) return failed(rules.scratch);
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return failed("not taken");
  return {};
}

}  // namespace assay
