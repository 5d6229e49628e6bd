#include "survey/open_whole.h"

#include <utility>
#include <vector>

#include "base/limits.h"
#include "formats/compressed_module.h"
#include "formats/module_name.h"

namespace assay {

namespace {

// A whole file in memory. Its buffer is one that the thread keeps for the next file; while it is in
// use, another file gets a buffer of its own.
class WholeFile final : public Content {
 public:
  static Result<std::unique_ptr<Content>> read(const Content& file) {
    auto whole = std::make_unique<WholeFile>(std::exchange(spare(), {}));
    if (whole->buffer_.size() < file.size()) whole->buffer_.resize(file.size());
    const auto bytes = std::span(whole->buffer_).first(file.size());
    ASSAY_CHECK(file.read(0, bytes));
    whole->bytes_ = View(bytes);
    return whole;
  }

  explicit WholeFile(std::vector<std::uint8_t> buffer) : buffer_(std::move(buffer)) {}
  ~WholeFile() override {
    if (spare().size() < buffer_.size()) spare() = std::move(buffer_);
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return ViewContent(bytes_).read(offset, out);
  }
  std::optional<View> memory() const override { return bytes_; }

 private:
  static std::vector<std::uint8_t>& spare() {
    thread_local std::vector<std::uint8_t> buffer;
    return buffer;
  }

  std::vector<std::uint8_t> buffer_;
  View bytes_;
};

}  // namespace

Result<std::unique_ptr<Content>> open_whole(const std::string& path) {
  constexpr std::uint64_t kWhole = 4 * limits::kMiB;
  ASSAY_TRY(auto file, open_file(path));
  if (file->size() > kWhole) return file;
  return WholeFile::read(*file);
}

Result<void> OpenedWhenRead::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!file_) {
    ASSAY_TRY(file_, open_whole(path_));
    if (file_->size() != size_) return fail(Reason::changed_while_read, {0, size_}, {});
  }
  return file_->read(offset, out);
}

Result<std::unique_ptr<Content>> decompress_module(const Content& content,
                                                   std::string_view file_name) {
  const auto name = parse_module_name(file_name);
  if (!name || !name->codec) return nullptr;
  return decompress_module(content, *name->codec);
}

}  // namespace assay
