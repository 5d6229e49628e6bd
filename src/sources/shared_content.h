// sources/shared_content.h - a file that is looked at under several names, or handed over while it
// is still read.

#pragma once

#include <memory>

#include "base/budget.h"
#include "bytes/content.h"

namespace assay {

class SharedContent final : public Content {
 public:
  struct File {
    ByteBudget::Lease lease;
    std::unique_ptr<Content> content;
  };
  explicit SharedContent(std::shared_ptr<const File> file) : file_(std::move(file)) {}

  std::uint64_t size() const override { return file_->content->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return file_->content->read(offset, out);
  }
  std::optional<View> memory() const override { return file_->content->memory(); }

 private:
  std::shared_ptr<const File> file_;
};

}  // namespace assay
