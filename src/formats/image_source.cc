#include "formats/image_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

bool is_damage(Reason reason) {
  switch (reason) {
    case Reason::stream_corrupt:
    case Reason::stream_truncated:
    case Reason::codec_unsupported:
    case Reason::limit_memory:
    case Reason::limit_expansion: return true;
    default: return false;
  }
}

Result<std::vector<std::uint8_t>> read_up_to(Stream& stream, std::uint64_t size) {
  std::vector<std::uint8_t> bytes(size);
  ASSAY_TRY(const std::size_t got, read_full(stream, bytes));
  bytes.resize(got);
  return bytes;
}

}  // namespace

Result<std::optional<View>> ImageSource::at(std::uint64_t offset, std::uint64_t size) {
  ASSAY_TRY(const View view, up_to(offset, size));
  if (view.size() < size) return std::nullopt;
  return view;
}

Result<View> FileSource::up_to(std::uint64_t offset, std::uint64_t size) {
  if (offset >= content_.size()) return View();
  return view_of(content_, offset, std::min(size, content_.size() - offset), scratch_);
}

Result<std::unique_ptr<Stream>> FileSource::stream(std::uint64_t offset) const {
  return std::make_unique<ContentStream>(content_, offset);
}

Result<View> DecodedSource::up_to(std::uint64_t offset, std::uint64_t size) {
  if (offset >= kReach) return View();
  const std::uint64_t end = offset + std::min(size, kReach - offset);
  if (auto extended = extend(end); !extended) {
    if (!is_damage(extended.error().reason)) return std::unexpected(std::move(extended).error());
    ended_ = true;
  }
  if (offset >= decoded_.size()) return View();
  return View(decoded_).sub(offset, std::min<std::uint64_t>(end, decoded_.size()) - offset);
}

Result<void> DecodedSource::extend(std::uint64_t size) {
  if (ended_ || decoded_.size() >= size) return {};
  if (!decoder_) {
    ASSAY_TRY(decoder_, open_decoder(codec_, std::make_unique<ContentStream>(content_), options_));
  }
  ASSAY_TRY(const std::vector<std::uint8_t> more, read_up_to(*decoder_, size - decoded_.size()));
  ended_ = decoded_.size() + more.size() < size;
  decoded_.insert(decoded_.end(), more.begin(), more.end());
  return {};
}

Result<std::unique_ptr<Stream>> DecodedSource::stream(std::uint64_t offset) const {
  ASSAY_TRY(std::unique_ptr<Stream> stream,
            open_decoder(codec_, std::make_unique<ContentStream>(content_), options_));
  ASSAY_TRY(const std::uint64_t skipped, skip(*stream, offset));
  if (skipped != offset)
    return fail(Reason::truncated, {skipped, 0},
                fmt::format("{} bytes decompressed, {} expected", skipped, offset));
  return stream;
}

}  // namespace assay
