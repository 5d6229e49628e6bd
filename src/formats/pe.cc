#include "formats/pe.h"

#include <algorithm>
#include <charconv>

#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kFixedPe32 = 96;
constexpr std::size_t kFixedPe32Plus = 112;

template <std::size_t N>
Result<std::optional<Record<N>>> record_at(const Content& content, std::uint64_t offset) {
  if (!lies_inside(offset, N, content.size())) return std::nullopt;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view, view_of(content, offset, N, scratch));
  return Record<N>(view);
}

template <std::size_t Fixed>
PeOptional read_optional(const Record<Fixed>& record) {
  PeOptional optional;
  optional.magic = record.template le16<0>();
  optional.is_plus = Fixed == kFixedPe32Plus;
  optional.image_size = record.template le32<56>();
  optional.headers_size = record.template le32<60>();
  optional.checksum = record.template le32<64>();
  optional.subsystem = record.template le16<68>();
  optional.dll_characteristics = record.template le16<70>();
  optional.directory_count = record.template le32<Fixed - 4>();
  return optional;
}

Result<void> read_optional_header(const Content& content, PeHeaders& headers) {
  const std::uint64_t offset = headers.optional_offset();
  ASSAY_TRY(const auto magic, record_at<2>(content, offset));
  if (!magic) return {};
  headers.magic = magic->template le16<0>();
  if (*headers.magic == pe::kPe32) {
    ASSAY_TRY(const auto fixed, record_at<kFixedPe32>(content, offset));
    if (fixed) headers.optional = read_optional(*fixed);
  } else if (*headers.magic == pe::kPe32Plus) {
    ASSAY_TRY(const auto fixed, record_at<kFixedPe32Plus>(content, offset));
    if (fixed) headers.optional = read_optional(*fixed);
  }
  if (!headers.optional) return {};
  ASSAY_TRY(const auto entry,
            record_at<pe::kDirectorySize>(content, headers.certificate_entry_offset()));
  if (entry)
    headers.certificate_table = PeDirectory{entry->template le32<0>(), entry->template le32<4>()};
  return {};
}

}  // namespace

std::string_view PeSection::name_text() const {
  const std::string_view text = View(name).text();
  return text.substr(0, text.find('\0'));
}

bool PeSection::has_relocations() const {
  const Record<pe::kSectionHeaderSize> fields{View(header)};
  return fields.le32<24>() != 0 || fields.le16<32>() != 0;
}

Result<PeHeaders> read_pe_headers(const Content& content) {
  PeHeaders headers;
  headers.file_size = content.size();
  ASSAY_TRY(const auto dos, record_at<pe::kDosHeaderSize>(content, 0));
  if (!dos) return headers;
  headers.dos_magic = dos->template le16<0>();
  headers.pe_offset = dos->template le32<60>();
  if (*headers.dos_magic != pe::kDosMagic) return headers;
  ASSAY_TRY(const auto coff, record_at<pe::kCoffHeaderSize>(content, headers.pe_offset));
  if (!coff) return headers;
  headers.signature = coff->template le32<0>();
  if (*headers.signature != pe::kSignature) return headers;
  headers.coff.machine = coff->template le16<4>();
  headers.coff.section_count = coff->template le16<6>();
  headers.coff.time_stamp = coff->template le32<8>();
  headers.coff.symbols_offset = coff->template le32<12>();
  headers.coff.symbol_count = coff->template le32<16>();
  headers.coff.optional_header_size = coff->template le16<20>();
  headers.coff.characteristics = coff->template le16<22>();
  ASSAY_CHECK(read_optional_header(content, headers));
  return headers;
}

Result<std::vector<PeSection>> read_pe_sections(const Content& content, std::uint64_t offset,
                                                std::uint16_t count) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View table, view_of(content, offset, count * pe::kSectionHeaderSize, scratch));
  std::vector<PeSection> sections;
  sections.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Record<pe::kSectionHeaderSize> header(
        table.sub(i * pe::kSectionHeaderSize, pe::kSectionHeaderSize));
    PeSection section;
    std::ranges::copy(header.field<0, 8>(), section.name.begin());
    std::ranges::copy(header.field<0, 40>(), section.header.begin());
    section.virtual_size = header.le32<8>();
    section.virtual_address = header.le32<12>();
    section.raw_size = header.le32<16>();
    section.raw_offset = header.le32<20>();
    section.characteristics = header.le32<36>();
    sections.push_back(section);
  }
  return sections;
}

Result<std::vector<PeSection>> read_pe_sections(const Content& content, const PeHeaders& headers) {
  if (!headers.optional) return std::vector<PeSection>();
  const std::uint64_t size = headers.coff.section_count * pe::kSectionHeaderSize;
  if (!lies_inside(headers.sections_offset(), size, content.size()))
    return std::vector<PeSection>();
  return read_pe_sections(content, headers.sections_offset(), headers.coff.section_count);
}

Result<std::string> read_section_name(const Content& content, const PeHeaders& headers,
                                      const PeSection& section) {
  constexpr std::uint64_t kSymbolSize = 18;
  constexpr std::uint64_t kLongest = 256;
  const std::string_view name = section.name_text();
  std::uint32_t offset = 0;
  const char* const end = name.data() + name.size();
  if (!name.starts_with('/') || headers.coff.symbols_offset == 0 ||
      std::from_chars(name.data() + 1, end, offset).ptr != end)
    return std::string(name);
  const std::uint64_t at =
      headers.coff.symbols_offset + kSymbolSize * headers.coff.symbol_count + offset;
  if (at >= content.size()) return std::string(name);
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view,
            view_of(content, at, std::min(kLongest, content.size() - at), scratch));
  const std::string_view text = view.text();
  return std::string(text.substr(0, text.find('\0')));
}

Result<std::optional<WinCertificate>> read_win_certificate(const Content& content,
                                                           std::uint64_t offset) {
  ASSAY_TRY(const auto header, record_at<pe::kCertificateHeaderSize>(content, offset));
  if (!header) return std::nullopt;
  return WinCertificate{offset, header->template le32<0>(), header->template le16<4>(),
                        header->template le16<6>()};
}

}  // namespace assay
