#include "bytes/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "base/name.h"
#include "bytes/file_descriptor.h"

namespace assay {

namespace {

constexpr std::string_view kTemporaryPrefix = ".assay-";
constexpr std::uint64_t kPiece = 256 * 1024;

std::unexpected<Error> fail_at(const std::string& path, Reason reason, std::string detail = {}) {
  return std::unexpected(Error{reason, {}, std::move(detail), encode_name(path)});
}

std::unexpected<Error> cannot_write(const std::string& path, std::string_view what) {
  return fail_at(path, Reason::cannot_write, std::string(what) + ": " + std::strerror(errno));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

// The file that is there, and the path under which it is to be replaced.
struct Target {
  std::string path;
  std::optional<struct stat> status;  // nothing: there is none yet
  FileDescriptor old;                 // open for its attributes
};

Result<Target> find_target(const std::string& path, const WritePolicy& policy) {
  Target target{path, std::nullopt, {}};
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return target;
    return cannot_write(path, "lstat");
  }
  const bool is_link = S_ISLNK(status.st_mode);
  if (is_link) {
    if (::stat(path.c_str(), &status) != 0) return cannot_write(path, "symbolic link");
    const std::unique_ptr<char, FreeText> real(::realpath(path.c_str(), nullptr));
    if (!real) return cannot_write(path, "symbolic link");
    if (!policy.replace_symlinks) target.path = real.get();
  }
  if (!S_ISREG(status.st_mode)) return fail_at(path, Reason::not_a_regular_file);
  // A link that is replaced leaves the names of the file it led to as they are.
  const bool keeps_inode = is_link && policy.replace_symlinks;
  if (status.st_nlink > 1 && !policy.break_hard_links && !keeps_inode)
    return fail_at(path, Reason::hard_links, fmt::format("{} names", status.st_nlink));
  target.old = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!target.old.is_open()) return cannot_write(path, "open");
  target.status = status;
  return target;
}

// Names of all extended attributes, none where the file system has none.
Result<std::vector<std::string>> attribute_names(const FileDescriptor& file,
                                                 const std::string& path) {
  std::vector<char> names(65536);  // XATTR_LIST_MAX
  const ssize_t size = ::flistxattr(file.get(), names.data(), names.size());
  if (size < 0 && errno == ENOTSUP) return std::vector<std::string>();
  if (size < 0) return cannot_write(path, "extended attributes");
  std::vector<std::string> found;
  std::string_view left(names.data(), static_cast<std::size_t>(size));
  while (!left.empty()) {
    found.emplace_back(left.substr(0, left.find('\0')));
    left.remove_prefix(std::min(found.back().size() + 1, left.size()));
  }
  return found;
}

using Attributes = std::map<std::string, std::vector<std::uint8_t>>;

Result<Attributes> attributes_of(const FileDescriptor& file, const std::string& path) {
  Attributes attributes;
  ASSAY_TRY(const auto names, attribute_names(file, path));
  std::vector<std::uint8_t> value(65536);  // XATTR_SIZE_MAX
  for (const std::string& name : names) {
    const ssize_t got = ::fgetxattr(file.get(), name.c_str(), value.data(), value.size());
    if (got < 0 && errno == ENODATA) continue;  // gone since
    if (got < 0) return cannot_write(path, name);
    attributes[name].assign(value.begin(), value.begin() + got);
  }
  return attributes;
}

void apply(const std::vector<AttributeChange>& changes, Attributes& attributes) {
  for (const AttributeChange& change : changes) {
    if (change.value)
      attributes[change.name] = *change.value;
    else
      attributes.erase(change.name);
  }
}

std::string temporary_beside(const std::string& target) {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    number = static_cast<std::uint64_t>(::getpid());
  return fmt::format("{}/{}{:016x}", folder_of(target), kTemporaryPrefix, number);
}

// Removes the file unless it is kept.
class Scrap {
 public:
  Scrap(FileCalls& calls, std::string path) : calls_(calls), path_(std::move(path)) {}
  Scrap(const Scrap&) = delete;
  Scrap& operator=(const Scrap&) = delete;
  ~Scrap() {
    if (!path_.empty()) calls_.remove(path_);
  }
  void keep() { path_.clear(); }

 private:
  FileCalls& calls_;
  std::string path_;
};

Result<void> write_content(FileCalls& calls, int file, const Content& content,
                           const std::string& path) {
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = 0; at < content.size();) {
    const std::uint64_t size = std::min(kPiece, content.size() - at);
    auto piece = view_of(content, at, size, scratch);
    if (!piece) return std::unexpected(with_path(std::move(piece.error()), encode_name(path)));
    auto left = piece->bytes();
    while (!left.empty()) {
      const ssize_t written = calls.write(file, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return cannot_write(path, "write");
      left = left.subspan(static_cast<std::size_t>(written));
    }
    at += size;
  }
  return {};
}

// Mode, owner and attributes as the old file has them. The owner goes first, whose change takes
// set-user-id bits and capabilities away.
Result<void> copy_status(FileCalls& calls, int file, const Target& target,
                         const FileToWrite& wanted, const WritePolicy& policy) {
  Attributes attributes;
  if (target.status) {
    const struct stat& old = *target.status;
    struct stat now{};
    if (::fstat(file, &now) != 0) return cannot_write(wanted.path, "fstat");
    if ((now.st_uid != old.st_uid || now.st_gid != old.st_gid) &&
        calls.change_owner(file, old.st_uid, old.st_gid) != 0)
      return cannot_write(wanted.path, "the owner cannot be kept");
    if (calls.change_mode(file, old.st_mode & 07777) != 0)
      return cannot_write(wanted.path, "the mode cannot be kept");
    ASSAY_TRY(attributes, attributes_of(target.old, wanted.path));
  }
  apply(wanted.attributes, attributes);
  for (const auto& [name, value] : attributes)
    if (calls.set_attribute(file, name, value) != 0) return cannot_write(wanted.path, name);
  if (target.status && policy.keep_times) {
    const timespec times[2] = {target.status->st_atim, target.status->st_mtim};
    if (calls.set_times(file, times) != 0) return cannot_write(wanted.path, "times");
  }
  return {};
}

mode_t mode_like(const std::string& path) {
  struct stat status{};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) return 0666;
  return status.st_mode & 0777;
}

}  // namespace

Result<FileStamp> stamp_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return fail_at(path, Reason::cannot_open, std::strerror(errno));
  return stamp_of(status);
}

AtomicWriter::~AtomicWriter() {
  for (const Waiting& waiting : waiting_) calls_.remove(waiting.temporary);
}

Result<void> AtomicWriter::write(const FileToWrite& file) {
  ASSAY_TRY(Waiting waiting, write_beside(file));
  if (policy_.durability == Durability::run || policy_.wait_for_commit) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(waiting));
    return {};
  }
  ASSAY_CHECK(put_in_place(waiting));
  if (policy_.durability == Durability::each) ASSAY_CHECK(sync_folder(waiting.target));
  return {};
}

Result<AtomicWriter::Waiting> AtomicWriter::write_beside(const FileToWrite& wanted) {
  ASSAY_TRY(Target target, find_target(wanted.path, policy_));
  Waiting waiting{temporary_beside(target.path), target.path, wanted.path, wanted.replaces, 0};
  // Nobody else reads a file that replaces a private one before it has that one's mode.
  const FileDescriptor file(
      calls_.create(waiting.temporary, target.status ? 0600 : mode_like(wanted.like)));
  if (!file.is_open()) return cannot_write(wanted.path, "the folder");
  Scrap scrap(calls_, waiting.temporary);
  ASSAY_CHECK(write_content(calls_, file.get(), wanted.content, wanted.path));
  ASSAY_CHECK(copy_status(calls_, file.get(), target, wanted, policy_));
  if (policy_.durability == Durability::each && calls_.sync_file(file.get()) != 0)
    return cannot_write(wanted.path, "fsync");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot_write(wanted.path, "fstat");
  waiting.device = status.st_dev;
  scrap.keep();
  return waiting;
}

// The temporary is gone afterwards, one way or the other.
Result<void> AtomicWriter::put_in_place(const Waiting& waiting) {
  Scrap scrap(calls_, waiting.temporary);
  if (waiting.replaces) {
    const auto now = stamp_file(waiting.target);
    if (!now || *now != *waiting.replaces) return fail_at(waiting.path, Reason::changed_while_read);
  }
  if (calls_.rename(waiting.temporary, waiting.target) != 0)
    return cannot_write(waiting.path, "rename");
  scrap.keep();
  return {};
}

Result<void> AtomicWriter::sync_folder(const std::string& target) {
  const FileDescriptor folder(
      ::open(folder_of(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open() || calls_.sync_file(folder.get()) != 0)
    return cannot_write(target, "fsync of the folder");
  return {};
}

// Each file system once.
Result<void> AtomicWriter::sync_all(const std::vector<Waiting>& files) {
  std::map<std::uint64_t, const Waiting*> devices;
  for (const Waiting& waiting : files) devices.emplace(waiting.device, &waiting);
  for (const auto& [device, waiting] : devices) {
    const FileDescriptor folder(
        ::open(folder_of(waiting->target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open() || calls_.sync_file_system(folder.get()) != 0)
      return cannot_write(folder_of(waiting->target), "sync");
  }
  return {};
}

std::vector<Error> AtomicWriter::commit() {
  const std::lock_guard lock(mutex_);
  const std::vector<Waiting> files = std::move(waiting_);
  waiting_.clear();
  std::vector<Error> errors;
  const bool is_synced = policy_.durability == Durability::run;
  if (const auto synced = is_synced ? sync_all(files) : Result<void>(); !synced) {
    for (const Waiting& waiting : files) {
      calls_.remove(waiting.temporary);
      errors.push_back(synced.error());
      errors.back().path = encode_name(waiting.path);
    }
    return errors;
  }
  for (const Waiting& waiting : files) {
    auto placed = put_in_place(waiting);
    if (placed && policy_.durability == Durability::each) placed = sync_folder(waiting.target);
    if (!placed) errors.push_back(std::move(placed.error()));
  }
  if (auto synced = is_synced ? sync_all(files) : Result<void>(); !synced)
    errors.push_back(std::move(synced.error()));
  return errors;
}

bool is_temporary_name(std::string_view file_name) {
  return file_name.starts_with(kTemporaryPrefix);
}

Result<void> make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_at(path, Reason::cannot_write, error.message());
  return {};
}

Result<FileDescriptor> lock_folder(const std::string& path) {
  FileDescriptor folder(
      ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return cannot_write(path, "the folder");
  while (::flock(folder.get(), LOCK_EX) != 0)
    if (errno != EINTR) return cannot_write(path, "lock of the folder");
  return folder;
}

}  // namespace assay
