#include "guardlist/overlay.h"

#include <fmt/format.h>

#include <algorithm>

#include "bytes/reader.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '+' || c == '~' || c == '-';
}

void put(std::vector<std::uint8_t>& bytes, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

using Header = Record<kOverlayHeaderSize>;

// The name, where it is one and nothing but NULs follows it.
Result<std::string> list_of(const Header& header) {
  const auto field = header.field<24, kOverlayListSize>();
  const auto end = std::ranges::find(field, 0);
  const std::string name(field.begin(), end);
  if (!is_list_name(name) || std::any_of(end, field.end(), [](auto byte) { return byte != 0; }))
    return fail(Reason::bad_value, header.extent_of<24, kOverlayListSize>(),
                "the name of the list");
  return name;
}

Result<OverlayRow> parse_row(const Record<kOverlayRowSize>& record, const OverlayRow* before) {
  OverlayRow row;
  std::ranges::copy(record.field<0, 32>(), row.digest.begin());
  row.mask = record.le32<32>();
  if (!is_read_mask(row.mask))
    return fail(Reason::bad_value, record.extent_of<32, 4>(), fmt::format("mask {:#x}", row.mask));
  if (record.le32<36>() != 0) return fail(Reason::bad_value, record.extent_of<36, 4>(), "reserved");
  if (before != nullptr && !(before->digest < row.digest))
    return fail(Reason::bad_value, record.extent_of<0, 32>(), "rows are not in order");
  return row;
}

}  // namespace

bool is_list_name(std::string_view name) {
  return !name.empty() && name.size() < kOverlayListSize &&
         std::ranges::all_of(name, is_name_character);
}

Result<Overlay> parse_overlay(View data) {
  Reader reader(data);
  ASSAY_TRY(const Header header, reader.record<kOverlayHeaderSize>());
  if (View(header.field<0, 8>()).text() != kOverlayMagic)
    return fail(Reason::bad_magic, header.extent_of<0, 8>());
  if (header.le32<8>() != kOverlayVersion)
    return fail(Reason::bad_value, header.extent_of<8, 4>(),
                fmt::format("version {}, expected {}", header.le32<8>(), kOverlayVersion));
  const std::uint32_t count = header.le32<12>();
  if (count == 0) return fail(Reason::bad_value, header.extent_of<12, 4>(), "no rows");
  if (count > kOverlayRows)
    return fail(Reason::limit_count, header.extent_of<12, 4>(),
                fmt::format("{} rows, at most {}", count, kOverlayRows));
  Overlay overlay;
  overlay.serial = header.le64<16>();
  ASSAY_TRY(overlay.list, list_of(header));
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSAY_TRY(const auto record, reader.record<kOverlayRowSize>());
    ASSAY_TRY(const OverlayRow row,
              parse_row(record, overlay.rows.empty() ? nullptr : &overlay.rows.back()));
    overlay.rows.push_back(row);
  }
  if (!reader.empty())
    return fail(Reason::trailing_bytes, reader.left().extent(), "behind the last row");
  return overlay;
}

Result<std::vector<std::uint8_t>> write_overlay(Overlay overlay) {
  if (!is_list_name(overlay.list)) return fail(Reason::bad_value, {}, "the name of the list");
  std::vector<OverlayRow> rows;
  std::ranges::sort(overlay.rows, {}, &OverlayRow::digest);
  for (const OverlayRow& row : overlay.rows) {
    if (!is_read_mask(row.mask))
      return fail(Reason::bad_value, {}, fmt::format("mask {:#x}", row.mask));
    if (!rows.empty() && rows.back().digest == row.digest)
      rows.back().mask |= row.mask;
    else
      rows.push_back(row);
  }
  if (rows.empty()) return fail(Reason::bad_value, {}, "no rows");
  if (rows.size() > kOverlayRows)
    return fail(Reason::limit_count, {},
                fmt::format("{} rows, at most {}", rows.size(), kOverlayRows));
  std::vector<std::uint8_t> bytes(kOverlayMagic.begin(), kOverlayMagic.end());
  bytes.reserve(kOverlayHeaderSize + rows.size() * kOverlayRowSize);
  put(bytes, kOverlayVersion, 4);
  put(bytes, rows.size(), 4);
  put(bytes, overlay.serial, 8);
  bytes.insert(bytes.end(), overlay.list.begin(), overlay.list.end());
  bytes.resize(kOverlayHeaderSize);
  for (const OverlayRow& row : rows) {
    bytes.insert(bytes.end(), row.digest.begin(), row.digest.end());
    put(bytes, row.mask, 4);
    put(bytes, 0, 4);
  }
  return bytes;
}

Result<OverlayFile> split_overlay(View file) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(ViewContent(file)));
  if (!trailer.has_marker) return OverlayFile{file, {}};
  if (!trailer.splits || trailer.block->id_type != kIdTypePkcs7)
    return fail(Reason::bad_value, trailer.marker_extent(),
                "what is appended is no PKCS#7 message");
  const Extent where = trailer.signature_extent();
  if (where.size > kOverlaySignatureSize)
    return fail(
        Reason::limit_size, where,
        fmt::format("a signature of {} bytes, at most {}", where.size, kOverlaySignatureSize));
  return OverlayFile{file.sub(0, trailer.payload_size), file.sub(where.offset, where.size)};
}

}  // namespace assay
