#include "bytes/content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bytes/file_io.h"

namespace assay {

namespace {

std::unexpected<Error> outside(std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
  return fail(Reason::bad_length, {offset, size},
              fmt::format("bytes [{}, +{}) wanted of {}", offset, size, whole));
}

std::string system_error() { return std::strerror(errno); }

Result<void> copy_out(View view, std::uint64_t offset, std::span<std::uint8_t> out) {
  if (!lies_inside(offset, out.size(), view.size()))
    return outside(offset, out.size(), view.size());
  // Not std::ranges::copy, which libstdc++ 12 compiles to a loop over bytes.
  const auto from = view.bytes().subspan(offset, out.size());
  std::copy(from.begin(), from.end(), out.begin());
  return {};
}

// Files of /proc have size 0, whatever they yield.
Result<void> check_empty(const FileDescriptor& file) {
  std::uint8_t byte = 0;
  const ssize_t got = ::pread(file.get(), &byte, 1, 0);
  if (got < 0) return fail(Reason::cannot_read, {}, system_error());
  if (got != 0) return fail(Reason::size_unknown);
  return {};
}

}  // namespace

std::span<const std::uint8_t> Content::run(std::uint64_t offset) const {
  const auto whole = memory();
  return whole ? whole->bytes().subspan(offset) : std::span<const std::uint8_t>();
}

Result<View> view_of(const Content& content, std::uint64_t offset, std::uint64_t size,
                     std::vector<std::uint8_t>& scratch) {
  if (!lies_inside(offset, size, content.size())) return outside(offset, size, content.size());
  if (const auto whole = content.memory()) return whole->sub(offset, size);
  scratch.resize(size);
  ASSAY_CHECK(content.read(offset, scratch));
  return View(scratch, offset);
}

Result<void> MemoryContent::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  return copy_out(View(bytes_), offset, out);
}

Result<void> FilledContent::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  return copy_out(*memory(), offset, out);
}

Result<void> ViewContent::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  return copy_out(view_, offset, out);
}

Result<void> FileContent::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!lies_inside(offset, out.size(), size_)) return outside(offset, out.size(), size_);
  ASSAY_TRY(const std::size_t got, read_at(file_, offset, out));
  if (got != out.size())
    return fail(Reason::changed_while_read, {offset + got, out.size() - got},
                fmt::format("{} bytes when opened, ends at {} now", size_, offset + got));
  return {};
}

Result<std::unique_ptr<FileContent>> open_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO without a writer would wait for ever; for regular files it means
  // nothing. O_NOCTTY: a terminal must not become ours by being looked at.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return fail(Reason::cannot_open, {}, system_error());
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(Reason::cannot_read, {}, system_error());
  if (!S_ISREG(status.st_mode)) return fail(Reason::not_a_regular_file);
  if (status.st_size == 0) ASSAY_CHECK(check_empty(file));
  return std::make_unique<FileContent>(std::move(file), static_cast<std::uint64_t>(status.st_size));
}

Result<std::unique_ptr<Content>> hold(Stream& stream, std::uint64_t memory_limit,
                                      std::uint64_t size_limit, std::uint64_t expected) {
  // One byte more than expected, so that the end is seen without another doubling.
  std::vector<std::uint8_t> bytes(
      std::min<std::uint64_t>(memory_limit, std::max<std::uint64_t>(expected, 64 << 10)) + 1);
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) {
      if (filled > memory_limit) break;
      bytes.resize(std::min<std::uint64_t>(memory_limit + 1, filled * 2ULL));
    }
    ASSAY_TRY(const std::size_t got, stream.read(std::span(bytes).subspan(filled)));
    if (got == 0) {
      bytes.resize(filled);
      return std::make_unique<MemoryContent>(std::move(bytes));
    }
    filled += got;
  }
  ASSAY_TRY(FileDescriptor file, open_temporary());
  std::uint64_t size = 0;
  while (filled != 0) {
    size += filled;
    if (size > size_limit)
      return fail(Reason::limit_size, {size_limit, 0},
                  fmt::format("more than {} bytes", size_limit));
    ASSAY_CHECK(write_all(file, std::span(bytes).first(filled)));
    ASSAY_TRY(filled, stream.read(bytes));
  }
  return std::make_unique<FileContent>(std::move(file), size);
}

ContentStream::ContentStream(const Content& content, std::uint64_t offset)
    : ContentStream(content, offset, content.size() - std::min(offset, content.size())) {}

ContentStream::ContentStream(const Content& content, std::uint64_t offset, std::uint64_t size)
    : content_(content), next_(offset), end_(offset + size) {}

Result<std::size_t> ContentStream::read(std::span<std::uint8_t> out) {
  const std::size_t size = std::min<std::uint64_t>(out.size(), end_ - next_);
  if (size == 0) return 0;
  ASSAY_CHECK(content_.read(next_, out.first(size)));
  next_ += size;
  return size;
}

}  // namespace assay
