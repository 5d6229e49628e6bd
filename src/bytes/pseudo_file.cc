#include "bytes/pseudo_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "bytes/file_descriptor.h"

namespace assay {

Result<std::optional<std::vector<std::uint8_t>>> read_pseudo_file(const std::string& path,
                                                                  std::uint64_t limit) {
  constexpr std::size_t kPiece = 64 << 10;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail(Reason::cannot_open, {}, std::strerror(errno));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(Reason::cannot_read, {}, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(Reason::not_a_regular_file);
  std::vector<std::uint8_t> bytes;
  for (std::size_t filled = 0;;) {
    bytes.resize(filled + kPiece);
    const ssize_t got = ::read(file.get(), bytes.data() + filled, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Reason::cannot_read, {}, std::strerror(errno));
    filled += static_cast<std::size_t>(got);
    bytes.resize(filled);
    if (got == 0) return bytes;
    if (filled > limit)
      return fail(Reason::limit_size, {limit, 0}, fmt::format("more than {} bytes", limit));
  }
}

}  // namespace assay
