#include "trust/shim.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "bytes/reader.h"
#include "formats/pe.h"

namespace assay {

namespace {

constexpr std::size_t kTable = 16;

Result<std::vector<std::uint8_t>> part_of(View section, std::uint32_t offset, std::uint32_t size) {
  ASSAY_TRY(const View part, slice(section, offset, size));
  return std::vector<std::uint8_t>(part.bytes().begin(), part.bytes().end());
}

}  // namespace

Result<std::optional<ShimCertificates>> read_shim_certificates(const Content& content) {
  ASSAY_TRY(const PeHeaders headers, read_pe_headers(content));
  ASSAY_TRY(const auto sections, read_pe_sections(content, headers));
  const PeSection* found = nullptr;
  for (const PeSection& section : sections) {
    ASSAY_TRY(const std::string name, read_section_name(content, headers, section));
    if (name == ".vendor_cert") found = &section;
  }
  if (found == nullptr) return std::nullopt;
  if (found->raw_size > limits::kTrustFile)
    return fail(Reason::limit_size, {found->raw_offset, found->raw_size}, ".vendor_cert");
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View section, view_of(content, found->raw_offset, found->raw_size, scratch));
  Reader reader(section);
  ASSAY_TRY(const auto table, reader.record<kTable>());
  ShimCertificates shim;
  ASSAY_TRY(shim.authorized, part_of(section, table.le32<8>(), table.le32<0>()));
  ASSAY_TRY(shim.deauthorized, part_of(section, table.le32<12>(), table.le32<4>()));
  return shim;
}

}  // namespace assay
