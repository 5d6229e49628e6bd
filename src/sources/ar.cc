#include "sources/ar.h"

#include <fmt/format.h>

#include <charconv>

#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kHeaderSize = 60;

std::string_view without_padding(std::string_view field) {
  const auto end = field.find_last_not_of(' ');
  return end == field.npos ? std::string_view() : field.substr(0, end + 1);
}

}  // namespace

Result<ArReader> ArReader::open(const Content& content) {
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size = std::min<std::uint64_t>(content.size(), kArMagic.size());
  ASSAY_TRY(const View magic, view_of(content, 0, size, scratch));
  if (magic.text() != kArMagic)
    return fail(Reason::bad_magic, magic.extent(), "expected \"!<arch>\\n\"");
  return ArReader(content);
}

Result<std::optional<ArMember>> ArReader::next() {
  if (next_ >= content_->size()) return std::nullopt;
  std::vector<std::uint8_t> scratch;
  const std::uint64_t left = content_->size() - next_;
  if (left < kHeaderSize)
    return fail(Reason::truncated, {next_, left}, "a member header needs 60 bytes");
  ASSAY_TRY(const View header, view_of(*content_, next_, kHeaderSize, scratch));
  const std::string_view text = header.text();
  if (text.substr(58) != "`\n")
    return fail(Reason::bad_magic, {next_ + 58, 2},
                "expected \"`\\n\" at the end of a member header");
  const std::string_view size_text = without_padding(text.substr(48, 10));
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(size_text.data(), size_text.data() + size_text.size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != size_text.data() + size_text.size())
    return fail(Reason::bad_value, {next_ + 48, 10}, "the size is no decimal number");
  const std::uint64_t start = next_ + kHeaderSize;
  if (!lies_inside(start, size, content_->size()))
    return fail(Reason::truncated, {start, size},
                fmt::format("{} bytes needed, {} left", size, content_->size() - start));
  next_ = start + size + size % 2;
  std::string_view name = without_padding(text.substr(0, 16));
  if (name.ends_with('/')) name.remove_suffix(1);
  return ArMember{std::string(name), {start, size}};
}

}  // namespace assay
