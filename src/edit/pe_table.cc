#include "edit/pe_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "bytes/reader.h"
#include "signatures/authenticode.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint64_t kAlignment = 8;

std::uint64_t round_up(std::uint64_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

Bytes le32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
}

Bytes entry_bytes(std::uint64_t address, std::uint64_t size) {
  Bytes bytes = le32(static_cast<std::uint32_t>(address));
  const Bytes second = le32(static_cast<std::uint32_t>(size));
  bytes.insert(bytes.end(), second.begin(), second.end());
  return bytes;
}

Result<Bytes> bytes_at(const Content& content, Extent where) {
  Bytes bytes(where.size);
  ASSAY_CHECK(content.read(where.offset, bytes));
  return bytes;
}

// The end of the section data; of the symbols and their names behind it, where there are any
// (PE/COFF, "COFF Symbol Table": 18 bytes each, then the size of the names, itself included).
Result<std::uint64_t> end_of_data(const Content& content, const PeHeaders& headers) {
  constexpr std::uint64_t kSymbolSize = 18;
  std::uint64_t end = headers.optional->headers_size;
  ASSAY_TRY(const auto sections, read_pe_sections(content, headers));
  for (const PeSection& section : sections)
    if (section.raw_size != 0)
      end = std::max(end, std::uint64_t{section.raw_offset} + section.raw_size);
  const std::uint64_t names = headers.coff.symbols_offset + kSymbolSize * headers.coff.symbol_count;
  if (headers.coff.symbols_offset == 0 || !lies_inside(names, 4, content.size())) return end;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View size, view_of(content, names, 4, scratch));
  return std::max(end, names + Record<4>(size).le32<0>());
}

// Less than eight zeros between what is signed and an aligned table are padding.
Result<std::uint64_t> find_content_end(const Content& content, const PeHeaders& headers,
                                       std::uint64_t table) {
  ASSAY_TRY(const std::uint64_t end, end_of_data(content, headers));
  if (end > table || table - end >= kAlignment || table % kAlignment != 0) return table;
  ASSAY_TRY(const Bytes between, bytes_at(content, {end, table - end}));
  return std::ranges::all_of(between, [](std::uint8_t b) { return b == 0; }) ? end : table;
}

Result<std::vector<Extent>> find_entries(const Content& content, Extent table) {
  constexpr std::size_t kMostEntries = 1024;
  std::vector<Extent> entries;
  for (std::uint64_t at = table.offset; at != table.end();) {
    ASSAY_TRY(const auto header, read_win_certificate(content, at));
    if (!header || header->length < pe::kCertificateHeaderSize || entries.size() == kMostEntries)
      return std::vector<Extent>();
    const std::uint64_t size = std::min(round_up(header->length), table.end() - at);
    if (size < header->length) return std::vector<Extent>();
    entries.push_back({at, size});
    at += size;
  }
  return entries;
}

std::unexpected<Error> odd_table(Extent where, std::string detail) {
  return fail(Reason::certificate_table, where, std::move(detail));
}

// `content` for a rope that does not outlive it.
std::shared_ptr<const Content> borrowed(const Content& content) {
  return {std::shared_ptr<const Content>(), &content};
}

Splice checksum_splice(const PeHeaders& headers, std::uint32_t before, std::uint32_t after) {
  return {headers.checksum_offset(), le32(before), le32(after)};
}

}  // namespace

Result<std::optional<PeHeaders>> find_pe_image(const Content& content) {
  ASSAY_TRY(PeHeaders headers, read_pe_headers(content));
  if (!headers.optional || !headers.certificate_table ||
      headers.optional->directory_count <= pe::kCertificateDirectory)
    return std::nullopt;
  return headers;
}

Result<std::optional<PeTable>> find_pe_table(const Content& content, const PeHeaders& headers) {
  const PeDirectory entry = *headers.certificate_table;
  if (entry.address == 0 || entry.size == 0) return std::nullopt;
  PeTable table{headers, {entry.address, entry.size}, 0, {}};
  if (!lies_inside(table.extent.offset, table.extent.size, content.size()))
    return odd_table(table.extent, "it lies outside the file");
  if (table.extent.end() != content.size())
    return odd_table(table.extent,
                     fmt::format("{} bytes follow it", content.size() - table.extent.end()));
  ASSAY_TRY(const std::uint64_t data, end_of_data(content, headers));
  const std::uint64_t entry_end = headers.certificate_entry_offset() + pe::kDirectorySize;
  if (table.extent.offset < std::max(data, entry_end))
    return odd_table(table.extent, "it overlaps headers, sections or symbols");
  if (table.extent.size > limits::kTrustFile)
    return fail(Reason::limit_size, table.extent, "certificate table");
  ASSAY_TRY(table.content_end, find_content_end(content, headers, table.extent.offset));
  ASSAY_TRY(table.entries, find_entries(content, table.extent));
  return table;
}

Result<RecordPart> describe_table(const Content& content, const PeTable& table) {
  const PeDirectory entry = *table.headers.certificate_table;
  RecordPart part;
  part.carrier = RecordPart::Carrier::pe;
  ASSAY_TRY(Bytes tail, bytes_at(content, {table.content_end, content.size() - table.content_end}));
  part.splices = {checksum_splice(table.headers, 0, table.headers.optional->checksum),
                  {table.headers.certificate_entry_offset(), entry_bytes(0, 0),
                   entry_bytes(entry.address, entry.size)},
                  {table.content_end, {}, std::move(tail)}};
  return part;
}

Result<RecordPart> describe_entry(const Content& content, const PeTable& table, std::size_t index) {
  if (index >= table.entries.size())
    return odd_table(table.extent, fmt::format("it has {} entries", table.entries.size()));
  if (table.entries.size() == 1) return describe_table(content, table);
  const PeHeaders& headers = table.headers;
  const Extent entry = table.entries[index];
  const std::uint32_t checksum = headers.optional->checksum;
  RecordPart part;
  part.carrier = RecordPart::Carrier::pe;
  ASSAY_TRY(Bytes bytes, bytes_at(content, entry));
  part.splices = {checksum_splice(headers, checksum, checksum),
                  {headers.certificate_entry_offset(),
                   entry_bytes(table.extent.offset, table.extent.size - entry.size),
                   entry_bytes(table.extent.offset, table.extent.size)},
                  {entry.offset, {}, std::move(bytes)}};
  ASSAY_TRY(const std::uint32_t valid, compute_pe_checksum(content, headers.checksum_offset()));
  if (checksum != valid) return part;
  ASSAY_TRY(const Rope without, splice(Rope(borrowed(content)), part.splices, Direction::backward));
  ASSAY_TRY(const std::uint32_t other, compute_pe_checksum(without, headers.checksum_offset()));
  part.splices.front() = checksum_splice(headers, other, checksum);
  return part;
}

namespace {

// From `content` to itself cut at `end`, padded, and with `certificate` behind the entries that
// stay.
Result<RecordPart> describe_table_change(const Content& content, const PeHeaders& headers,
                                         std::uint64_t end, std::optional<std::uint64_t> table,
                                         Bytes certificate) {
  const PeDirectory entry = *headers.certificate_table;
  const std::uint64_t start = round_up(end);
  const std::uint64_t address = table.value_or(start);
  ASSAY_TRY(Bytes old_tail, bytes_at(content, {end, content.size() - end}));
  Bytes tail(start - end);
  tail.insert(tail.end(), certificate.begin(), certificate.end());
  tail.resize(tail.size() + round_up(certificate.size()) - certificate.size());
  const std::uint64_t new_end = end + tail.size();
  if (new_end > UINT32_MAX) return odd_table({}, "the image is too large");
  const std::uint32_t checksum = headers.optional->checksum;
  RecordPart part;
  part.carrier = RecordPart::Carrier::pe;
  part.splices = {checksum_splice(headers, checksum, checksum),
                  {headers.certificate_entry_offset(), entry_bytes(entry.address, entry.size),
                   entry_bytes(address, new_end - address)},
                  {end, std::move(old_tail), std::move(tail)}};
  ASSAY_TRY(const Rope with, splice(Rope(borrowed(content)), part.splices, Direction::forward));
  ASSAY_TRY(const std::uint32_t valid, compute_pe_checksum(with, headers.checksum_offset()));
  part.splices.front() = checksum_splice(headers, checksum, valid);
  return part;
}

}  // namespace

Result<RecordPart> describe_addition(const Content& content, const PeHeaders& headers,
                                     Bytes certificate) {
  ASSAY_TRY(const auto table, find_pe_table(content, headers));
  return describe_table_change(content, headers, content.size(),
                               table ? std::optional(table->extent.offset) : std::nullopt,
                               std::move(certificate));
}

Result<RecordPart> describe_replacement(const Content& content, const PeTable& table,
                                        Bytes certificate) {
  return describe_table_change(content, table.headers, table.content_end, std::nullopt,
                               std::move(certificate));
}

Bytes write_win_certificate(View message) {
  Bytes bytes = le32(static_cast<std::uint32_t>(pe::kCertificateHeaderSize + message.size()));
  for (const std::uint16_t half : {pe::kRevision2, pe::kTypePkcs7}) {
    bytes.push_back(static_cast<std::uint8_t>(half));
    bytes.push_back(static_cast<std::uint8_t>(half >> 8));
  }
  bytes.insert(bytes.end(), message.bytes().begin(), message.bytes().end());
  return bytes;
}

Result<std::uint32_t> compute_pe_checksum(const Content& content, std::uint64_t checksum_offset) {
  constexpr std::uint64_t kPiece = 256 * 1024;  // even
  std::uint64_t sum = 0;
  Bytes scratch;
  for (std::uint64_t at = 0; at < content.size(); at += kPiece) {
    const std::uint64_t size = std::min(kPiece, content.size() - at);
    ASSAY_TRY(const View piece, view_of(content, at, size, scratch));
    const auto bytes = piece.bytes();
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
      sum += static_cast<std::uint64_t>(bytes[i] | bytes[i + 1] << 8);
    if (bytes.size() % 2 != 0) sum += bytes.back();
  }
  // The field, wherever it lies in its words.
  ASSAY_TRY(const Bytes field, bytes_at(content, {checksum_offset, 4}));
  for (std::size_t i = 0; i < field.size(); ++i)
    sum -= static_cast<std::uint64_t>(field[i]) << ((checksum_offset + i) % 2 * 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint32_t>(sum + content.size());
}

Result<Digest> compute_image_digest(const Content& image, Hash hash) {
  ASSAY_TRY(const PeHeaders headers, read_pe_headers(image));
  ASSAY_TRY(const auto sections, read_pe_sections(image, headers));
  const ImageRanges ranges = kernel_image_ranges(headers, sections);
  if (!ranges.is_defined() || is_hashed_too_often(ranges.ranges, image.size()))
    return fail(Reason::not_signable, {}, "the image has no digest: its sections do not add up");
  return compute_digest(hash, image, ranges.ranges);
}

}  // namespace assay
