#include "bytes/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <tuple>

#include "base/name.h"
#include "bytes/file_descriptor.h"
#include "bytes/temporary_name.h"
#include "bytes/write_error.h"

namespace assay {

namespace {

constexpr std::uint64_t kPiece = 256 * 1024;

FileStamp stamp_of(const struct stat& status) {
  return {
      status.st_dev,          status.st_ino,          static_cast<std::uint64_t>(status.st_size),
      status.st_mtim.tv_sec,  status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
      status.st_ctim.tv_nsec, status.st_nlink,        S_ISREG(status.st_mode)};
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
  // Most files have none or few.
  std::array<char, 512> few;
  std::vector<char> many;
  std::span<char> names(few);
  ssize_t size = ::flistxattr(file.get(), names.data(), names.size());
  if (size < 0 && errno == ERANGE) {
    many.resize(65536);  // XATTR_LIST_MAX
    names = many;
    size = ::flistxattr(file.get(), names.data(), names.size());
  }
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
  if (names.empty()) return attributes;
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

Result<void> write_bytes(FileCalls& calls, int file, std::span<const std::uint8_t> left,
                         const std::string& path) {
  while (!left.empty()) {
    const ssize_t written = calls.write(file, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot_write(path, "write");
    left = left.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// From memory where it lies there, else in pieces.
Result<void> write_content(FileCalls& calls, int file, const Content& content,
                           const std::string& path) {
  // Kept by the thread: to be given one anew, and zeroed, costs as much as to fill it.
  thread_local std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = 0; at < content.size();) {
    auto piece = content.run(at);
    if (piece.empty()) {
      const auto read = view_of(content, at, std::min(kPiece, content.size() - at), scratch);
      if (!read) return std::unexpected(with_path(read.error(), encode_name(path)));
      piece = read->bytes();
    }
    ASSAY_CHECK(write_bytes(calls, file, piece, path));
    at += piece.size();
  }
  return {};
}

// The file whose status the new one gets.
struct Model {
  struct stat status{};
  std::shared_ptr<const FileDescriptor> file;
  bool is_replaced = false;
};

Result<std::optional<Model>> find_model(Target target, const FileToWrite& wanted) {
  Model model;
  if (!wanted.like) {
    if (!target.status) return std::nullopt;
    model = {*target.status, std::make_shared<FileDescriptor>(std::move(target.old)), true};
    return model;
  }
  model.file = wanted.like;
  if (::fstat(model.file->get(), &model.status) != 0)
    return cannot_write(wanted.path, "the file that it is made of");
  return model;
}

// The mode of a file with an access list is not its whole: the group's bits are the list's mask.
bool is_access_list(std::string_view name) { return name.starts_with("system.posix_acl_"); }
bool is_security(std::string_view name) { return name.starts_with("security."); }
constexpr const char* kEvm = "security.evm";

// Gives the new file its status, in an order in which no step undoes another, and it is open to
// nobody who may not read it in the end.
class StatusCopy {
 public:
  // `now`: of the new file.
  StatusCopy(FileCalls& calls, const FileDescriptor& file, const struct stat& now,
             const std::optional<Model>& model, const FileToWrite& wanted)
      : calls_(calls), file_(file), now_(now), model_(model), wanted_(wanted) {}

  Result<void> run(const WritePolicy& policy) {
    ASSAY_CHECK(collect_attributes());
    if (model_) ASSAY_CHECK(copy_owner());
    // Before the mode: others than the owner may write none to a file that is read-only.
    ASSAY_CHECK(set_attributes(false));
    if (model_) ASSAY_CHECK(copy_mode());
    // IMA takes its own away when the mode changes.
    ASSAY_CHECK(set_attributes(true));
    if (attributes_.contains(kEvm)) ASSAY_CHECK(check_security());
    if (!model_ || !policy.keep_times) return {};
    const timespec times[2] = {model_->status.st_atim, model_->status.st_mtim};
    if (calls_.set_times(file_.get(), times) != 0) return cannot_write(wanted_.path, "times");
    return {};
  }

 private:
  Result<void> collect_attributes() {
    if (model_) {
      ASSAY_TRY(attributes_, attributes_of(*model_->file, wanted_.path));
      if (!model_->is_replaced && !wanted_.keeps_attributes)
        std::erase_if(attributes_, [](const auto& one) { return !is_access_list(one.first); });
    }
    apply(wanted_.attributes, attributes_);
    return {};
  }

  // First: it takes set-user-id bits and capabilities away. security.evm is over the owner too.
  Result<void> copy_owner() {
    const struct stat& old = model_->status;
    if (now_.st_uid == old.st_uid && now_.st_gid == old.st_gid) return {};
    if (calls_.change_owner(file_.get(), old.st_uid, old.st_gid) == 0) return {};
    keeps_owner_ = false;
    if (model_->is_replaced || errno != EPERM || attributes_.contains(kEvm))
      return cannot_write(wanted_.path, "the owner cannot be kept");
    return {};
  }

  Result<void> set_attributes(bool of_security) {
    for (const auto& [name, value] : attributes_)
      if (is_security(name) == of_security && calls_.set_attribute(file_.get(), name, value) != 0)
        return cannot_write(wanted_.path, name);
    return {};
  }

  // The folder's default access list, which every new file in it inherits, goes.
  Result<void> copy_mode() {
    ASSAY_TRY(const auto names, attribute_names(file_, wanted_.path));
    for (const std::string& name : names)
      if (is_access_list(name) && !attributes_.contains(name) &&
          calls_.remove_attribute(file_.get(), name) != 0)
        return cannot_write(wanted_.path, name);
    const mode_t kept = keeps_owner_ ? 07777 : 0777;
    if (calls_.change_mode(file_.get(), model_->status.st_mode & kept) != 0)
      return cannot_write(wanted_.path, "the mode cannot be kept");
    return {};
  }

  // A label that the system gave to the new file would be under security.evm, and nobody signed it.
  Result<void> check_security() {
    ASSAY_TRY(const auto names, attribute_names(file_, wanted_.path));
    for (const std::string& name : names)
      if (is_security(name) && !attributes_.contains(name))
        return fail_at(wanted_.path, Reason::cannot_write,
                       name + " is the system's own, and security.evm is not over it");
    return {};
  }

  FileCalls& calls_;
  const FileDescriptor& file_;
  const struct stat& now_;
  const std::optional<Model>& model_;
  const FileToWrite& wanted_;
  Attributes attributes_;
  bool keeps_owner_ = true;
};

}  // namespace

Result<FileStamp> stamp_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return fail_at(path, Reason::cannot_open, std::strerror(errno));
  return stamp_of(status);
}

Result<FileStamp> stamp_file(const FileDescriptor& file) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(Reason::cannot_read, {}, std::strerror(errno));
  return stamp_of(status);
}

Result<void> sync_file_systems(FileCalls& calls,
                               const std::map<std::uint64_t, std::string>& folders) {
  for (const auto& [device, path] : folders) {
    const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open() || calls.sync_file_system(folder.get()) != 0)
      return cannot_write(path, "sync");
  }
  return {};
}

bool is_unchanged(const FileStamp& then, const FileStamp& now) {
  const auto content = [](const FileStamp& stamp) {
    return std::tuple(stamp.device, stamp.inode, stamp.size, stamp.modified_sec,
                      stamp.modified_nsec);
  };
  const auto inode = [](const FileStamp& stamp) {
    return std::tuple(stamp.changed_sec, stamp.changed_nsec);
  };
  if (content(then) != content(now)) return false;
  return now.link_count < then.link_count || inode(then) == inode(now);
}

AtomicWriter::AtomicWriter(WritePolicy policy, FileCalls& calls)
    : policy_(policy), calls_(calls), mark_(temporary_mark()) {}

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
  const std::string folder = folder_of(target.path);
  remove_left_over(folder);
  Waiting waiting{folder + '/' + make_temporary_name(mark_), target.path, wanted.path,
                  wanted.replaces, 0};
  ASSAY_TRY(const auto model, find_model(std::move(target), wanted));
  // Nobody else reads a file that is like a private one before it has that one's mode.
  const FileDescriptor file(calls_.create(waiting.temporary, model ? 0600 : 0666));
  if (!file.is_open()) return cannot_write(wanted.path, "the folder");
  Scrap scrap(calls_, waiting.temporary);
  ASSAY_CHECK(write_content(calls_, file.get(), wanted.content, wanted.path));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot_write(wanted.path, "fstat");
  ASSAY_CHECK(StatusCopy(calls_, file, status, model, wanted).run(policy_));
  if (policy_.durability == Durability::each && calls_.sync_file(file.get()) != 0)
    return cannot_write(wanted.path, "fsync");
  waiting.device = status.st_dev;
  scrap.keep();
  return waiting;
}

void AtomicWriter::remove_left_over(const std::string& folder) {
  {
    const std::lock_guard lock(mutex_);
    if (!swept_.insert(folder).second) return;
  }
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (is_temporary_name(name) && is_left_over(folder, name)) calls_.remove(at->path().native());
  }
}

// The temporary is gone afterwards, one way or the other.
Result<void> AtomicWriter::put_in_place(const Waiting& waiting) {
  Scrap scrap(calls_, waiting.temporary);
  if (waiting.replaces) {
    const auto now = stamp_file(waiting.target);
    if (!now || !is_unchanged(*waiting.replaces, *now))
      return fail_at(waiting.path, Reason::changed_while_read);
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
  std::map<std::uint64_t, std::string> folders;
  for (const Waiting& waiting : files)
    folders.try_emplace(waiting.device, folder_of(waiting.target));
  return sync_file_systems(calls_, folders);
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
