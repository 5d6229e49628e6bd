// bytes/runs_content.h - a file that lies in pieces in an image of a file system.

#pragma once

#include <vector>

#include "bytes/content.h"

namespace assay {

class RunsContent final : public Content {
 public:
  // A piece of the file, and where it lies; a hole, which has zeros, lies nowhere.
  struct Run {
    std::uint64_t start = 0;  // in the file
    std::uint64_t size = 0;
    std::optional<std::uint64_t> offset;  // in the image
  };

  // `runs` are in order and do not overlap; what lies between them is a hole. `image` outlives it.
  RunsContent(const Content& image, std::vector<Run> runs, std::uint64_t size)
      : image_(image), runs_(std::move(runs)), size_(size) {}
  // One piece.
  RunsContent(const Content& image, Extent where)
      : RunsContent(image, {{0, where.size, where.offset}}, where.size) {}

  std::uint64_t size() const override { return size_; }
  // bad_length where a piece lies outside the image.
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;

 private:
  const Content& image_;
  std::vector<Run> runs_;
  std::uint64_t size_;
};

}  // namespace assay
