#include "bytes/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace assay {

namespace {

std::string system_error() { return std::strerror(errno); }

}  // namespace

Result<FileDescriptor> open_temporary() {
  const char* configured = std::getenv("TMPDIR");
  const std::string folder = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  if (FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
      file.is_open())
    return file;
  // Not every file system has O_TMPFILE (tmpfs before 3.11, overlayfs before 6.1, NFS).
  std::string name = folder + "/assay-XXXXXX";
  FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.is_open()) return fail(Reason::cannot_write, {}, folder + ": " + system_error());
  ::unlink(name.c_str());
  return file;
}

Result<void> write_all(const FileDescriptor& file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Reason::cannot_write, {}, "temporary file: " + system_error());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> read_at(const FileDescriptor& file, std::uint64_t offset,
                            std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled != out.size()) {
    const auto rest = out.subspan(filled);
    const ssize_t got =
        ::pread(file.get(), rest.data(), rest.size(), static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Reason::cannot_read, {offset + filled, rest.size()}, system_error());
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace assay
