#include "formats/cpio.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace assay {

namespace {

constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kFieldSize = 8;

Result<std::uint32_t> field(View header, std::size_t index) {
  const std::size_t at = kMagicSize + index * kFieldSize;
  const std::string_view digits = header.text().substr(at, kFieldSize);
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    return fail(Reason::bad_value, {header.origin() + at, kFieldSize},
                "expected eight hexadecimal digits");
  return value;
}

std::uint64_t rounded_up(std::uint64_t size) {
  return (size + kCpioAlignment - 1) / kCpioAlignment * kCpioAlignment;
}

}  // namespace

std::uint64_t CpioHeader::name_room() const {
  return rounded_up(kCpioHeaderSize + name_size) - kCpioHeaderSize;
}

std::uint64_t CpioHeader::padding() const {
  return rounded_up(std::uint64_t{file_size}) - file_size;
}

bool is_cpio(View head) { return parse_cpio_header(head).has_value(); }

Result<CpioHeader> parse_cpio_header(View bytes) {
  if (bytes.size() < kCpioHeaderSize)
    return fail(Reason::truncated, bytes.extent(),
                fmt::format("a header needs {} bytes", kCpioHeaderSize));
  const View header = bytes.sub(0, kCpioHeaderSize);
  const std::string_view magic = header.text().substr(0, kMagicSize);
  if (magic != "070701" && magic != "070702")
    return fail(
        Reason::bad_magic, {header.origin(), kMagicSize},
        magic == "070707" ? "incorrect cpio method used: use -H newc option" : "no cpio magic");
  CpioHeader out;
  out.has_checksum = magic == "070702";
  ASSAY_TRY(out.ino, field(header, 0));
  ASSAY_TRY(out.mode, field(header, 1));
  ASSAY_TRY(out.uid, field(header, 2));
  ASSAY_TRY(out.gid, field(header, 3));
  ASSAY_TRY(out.nlink, field(header, 4));
  ASSAY_TRY(out.mtime, field(header, 5));
  ASSAY_TRY(out.file_size, field(header, 6));
  ASSAY_TRY(out.major, field(header, 7));
  ASSAY_TRY(out.minor, field(header, 8));
  ASSAY_TRY(out.name_size, field(header, 11));
  ASSAY_TRY(out.checksum, field(header, 12));
  // Of a device that an entry describes nobody asks here; digits they have to be.
  ASSAY_CHECK(field(header, 9));
  ASSAY_CHECK(field(header, 10));
  return out;
}

}  // namespace assay
