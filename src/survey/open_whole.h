// survey/open_whole.h - a file that is opened to be read to its end.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bytes/content.h"

namespace assay {

// Most artifacts are small: one read of the whole file is cheaper than several small ones. A large
// file is read piece by piece.
Result<std::unique_ptr<Content>> open_whole(const std::string& path);

// The file of `size` bytes at `path`, of which all that is needed may be known already: it is
// opened when it is read. One that has another size by then is changed_while_read. For one thread.
class OpenedWhenRead final : public Content {
 public:
  OpenedWhenRead(std::string path, std::uint64_t size) : path_(std::move(path)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  std::string path_;
  std::uint64_t size_;
  mutable std::unique_ptr<const Content> file_;
};

// What kmod does with a compressed module: the module; nothing where its name does not say that it
// is compressed.
Result<std::unique_ptr<Content>> decompress_module(const Content& content,
                                                   std::string_view file_name);

}  // namespace assay
