// bytes/content.h - the bytes of one artifact, readable at any offset.
//
// Files that others may change are read, never mapped: a mapped file that shrinks raises SIGBUS.
// What is too large to hold is read in pieces, so that memory stays bounded whatever the file.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/file_descriptor.h"
#include "bytes/stream.h"
#include "bytes/view.h"

namespace assay {

class Content {
 public:
  virtual ~Content() = default;

  virtual std::uint64_t size() const = 0;

  // Fills `out` with the bytes at `offset`. A range outside the content is bad_length; a file that
  // has become shorter is changed_while_read.
  virtual Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;

  // All bytes, where they are in memory anyway.
  virtual std::optional<View> memory() const { return std::nullopt; }

  // The bytes from `offset` on that lie in memory side by side: empty where none do. Requires
  // offset < size().
  virtual std::span<const std::uint8_t> run(std::uint64_t offset) const;
};

// The bytes [offset, offset + size), either where they lie in memory or copied into `scratch`.
Result<View> view_of(const Content& content, std::uint64_t offset, std::uint64_t size,
                     std::vector<std::uint8_t>& scratch);

// Content in memory that this object owns.
class MemoryContent final : public Content {
 public:
  explicit MemoryContent(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  std::optional<View> memory() const override { return View(bytes_); }
  std::vector<std::uint8_t> release() && { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Content in memory that this object owns, to be filled once: memory that is not zeroed before.
class FilledContent final : public Content {
 public:
  explicit FilledContent(std::size_t size)
      : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(size)), size_(size) {}

  std::span<std::uint8_t> all() { return {bytes_.get(), size_}; }

  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  std::optional<View> memory() const override { return View({bytes_.get(), size_}); }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

// Content in memory that somebody else owns and keeps.
class ViewContent final : public Content {
 public:
  explicit ViewContent(View view) : view_(view) {}

  std::uint64_t size() const override { return view_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  std::optional<View> memory() const override { return view_; }

 private:
  View view_;
};

// An open regular file, read with pread(2).
class FileContent final : public Content {
 public:
  FileContent(FileDescriptor file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  FileDescriptor file_;
  std::uint64_t size_;
};

// Opens a regular file without following it into a device or waiting on a FIFO: anything else is
// not_a_regular_file. Symbolic links are followed. size_unknown for files of /proc, which claim to
// be empty and are not.
Result<std::unique_ptr<FileContent>> open_file(const std::string& path);

// Everything a stream delivers: in memory up to `memory_limit`, beyond that in an unlinked
// temporary file (in $TMPDIR or /tmp), up to `size_limit`. `expected` is the size that the stream
// probably has; it may be wrong, and never makes more memory be taken than the limit.
Result<std::unique_ptr<Content>> hold(Stream& stream, std::uint64_t memory_limit,
                                      std::uint64_t size_limit, std::uint64_t expected = 0);

// Content as a stream. The content outlives the stream.
class ContentStream final : public Stream {
 public:
  explicit ContentStream(const Content& content, std::uint64_t offset = 0);
  ContentStream(const Content& content, std::uint64_t offset, std::uint64_t size);
  Result<std::size_t> read(std::span<std::uint8_t> out) override;

 private:
  const Content& content_;
  std::uint64_t next_;
  std::uint64_t end_;
};

}  // namespace assay
