// formats/image_source.h - a possible kernel image as its recognisers read it: a few small reads,
// the same whether the file is the image or is compressed as a whole.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/stream.h"
#include "bytes/view.h"
#include "codec/codec.h"

namespace assay {

class ImageSource {
 public:
  virtual ~ImageSource() = default;

  // Nothing where it is not known without decompressing everything.
  virtual std::optional<std::uint64_t> size() const = 0;
  // The bytes from `offset`, up to `size` of them, valid until the next call; fewer where the image
  // ends, or lies beyond what is worth decompressing.
  virtual Result<View> up_to(std::uint64_t offset, std::uint64_t size) = 0;
  // All `size` of them, or nothing.
  Result<std::optional<View>> at(std::uint64_t offset, std::uint64_t size);
  // Everything from `offset` on.
  virtual Result<std::unique_ptr<Stream>> stream(std::uint64_t offset) const = 0;
};

class FileSource final : public ImageSource {
 public:
  explicit FileSource(const Content& content) : content_(content) {}
  std::optional<std::uint64_t> size() const override { return content_.size(); }
  Result<View> up_to(std::uint64_t offset, std::uint64_t size) override;
  Result<std::unique_ptr<Stream>> stream(std::uint64_t offset) const override;

 private:
  const Content& content_;
  std::vector<std::uint8_t> scratch_;
};

// What `content` decodes to. It ends where it is damaged: what cannot be decoded is no image.
class DecodedSource final : public ImageSource {
 public:
  // As far as up_to() reaches: the headers of every format lie before this.
  static constexpr std::uint64_t kReach = 8 * limits::kMiB;

  DecodedSource(const Content& content, Codec codec, const DecoderOptions& options)
      : content_(content), codec_(codec), options_(options) {}
  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  Result<View> up_to(std::uint64_t offset, std::uint64_t size) override;
  Result<std::unique_ptr<Stream>> stream(std::uint64_t offset) const override;

 private:
  // Decodes until there are `size` bytes, or no more.
  Result<void> extend(std::uint64_t size);

  const Content& content_;
  Codec codec_;
  DecoderOptions options_;
  std::unique_ptr<Stream> decoder_;
  std::vector<std::uint8_t> decoded_;  // so far
  bool ended_ = false;
};

}  // namespace assay
