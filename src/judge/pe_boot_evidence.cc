// All that a PE image says to those who start it: its certificate table, its digests, its SBAT
// entries.

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "formats/efi_signature_list.h"
#include "judge/pe_boot.h"

namespace assay {

namespace {

// The size of the DER element that starts here, where it has a definite length of at most two
// octets and lies in `room`.
std::optional<std::uint64_t> message_size(View start, std::uint64_t room) {
  if (start.size() < 4 || start[0] != ber::kSequence) return std::nullopt;
  std::uint64_t size = 0;
  if (start[1] <= 0x7F)
    size = start[1] + 2U;
  else if (start[1] == 0x81)
    size = start[2] + 3U;
  else if (start[1] == 0x82)
    size = (std::uint64_t{start[2]} << 8 | start[3]) + 4U;
  else
    return std::nullopt;
  return size <= room ? std::optional(size) : std::nullopt;
}

bool all_zero(View bytes) {
  return std::ranges::all_of(bytes.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

class TableWalk {
 public:
  TableWalk(const Content& content, PeBootEvidence& evidence)
      : content_(content), evidence_(evidence) {}

  Result<void> walk(const PeDirectory& table) {
    if (!lies_inside(table.address, table.size, content_.size())) {
      evidence_.damaged_table = Extent{table.address, table.size};
      return {};
    }
    const std::uint64_t end = std::uint64_t{table.address} + table.size;
    std::uint64_t at = table.address;
    while (at < end) {
      if (evidence_.entries.size() == kMostEntries)
        return fail(Reason::limit_count, {at, end - at},
                    fmt::format("more than {} entries in the certificate table", kMostEntries));
      ASSAY_TRY(const auto next, take_entry(at, end));
      if (!next) {
        evidence_.damaged_table = Extent{at, end - at};
        evidence_.uncovered.push_back({at, end - at});
        return {};
      }
      at = *next;
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kAlignment = 8;
  // Images are signed once or twice. An entry may have eight bytes, and takes many times that.
  static constexpr std::size_t kMostEntries = 1024;

  // The end of the entry with its alignment; nothing where there is none.
  Result<std::optional<std::uint64_t>> take_entry(std::uint64_t at, std::uint64_t end) {
    if (end - at < pe::kCertificateHeaderSize) return std::nullopt;
    ASSAY_TRY(const auto certificate, read_win_certificate(content_, at));
    const std::uint64_t length = certificate->length;
    if (length < pe::kCertificateHeaderSize || length > end - at) return std::nullopt;
    PeCertificateEntry entry;
    entry.certificate = *certificate;
    entry.where = {at, length};
    const std::uint64_t aligned =
        std::min(end, at + (length + kAlignment - 1) / kAlignment * kAlignment);
    ASSAY_CHECK(take_message(entry, aligned));
    evidence_.entries.push_back(std::move(entry));
    return aligned;
  }

  // Where the message starts: behind the header, and behind the GUID of PKCS#7 where the entry has
  // one, which firmware alone looks for (WIN_CERT_TYPE_EFI_GUID). Nothing for other entries.
  Result<std::optional<std::uint64_t>> message_start(const PeCertificateEntry& entry) const {
    const std::uint64_t start = entry.where.offset + pe::kCertificateHeaderSize;
    if (entry.certificate.type == pe::kTypePkcs7) return start;
    if (entry.certificate.type != pe::kTypeEfiGuid || entry.where.size <= pe::kGuidHeaderSize)
      return std::nullopt;
    std::vector<std::uint8_t> scratch;
    EfiGuid guid;
    ASSAY_TRY(const View bytes, view_of(content_, start, guid.bytes.size(), scratch));
    std::ranges::copy(bytes.bytes(), guid.bytes.begin());
    if (find_signature_type(guid) != EfiSignatureType::pkcs7) return std::nullopt;
    return entry.where.offset + pe::kGuidHeaderSize;
  }

  Result<void> take_message(PeCertificateEntry& entry, std::uint64_t aligned) {
    ASSAY_TRY(const auto start, message_start(entry));
    const std::uint64_t data = start.value_or(entry.where.offset + pe::kCertificateHeaderSize);
    const std::uint64_t size = entry.where.end() - data;
    // No message is longer than this, whatever dwLength says.
    constexpr std::uint64_t kLongest = 4 + 0xFFFF;
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View bytes,
              view_of(content_, data, std::min(aligned - data, kLongest + kAlignment), scratch));
    const auto message = message_size(bytes, size);
    if (!start || !message) {
      if (aligned > data) evidence_.uncovered.push_back({data, aligned - data});
      return {};
    }
    const View der = bytes.sub(0, *message);
    entry.signature.emplace(std::vector<std::uint8_t>(der.bytes().begin(), der.bytes().end()),
                            data);
    ASSAY_CHECK(entry.signature->digest_data(content_, 0, 0));
    if (const auto& attached = entry.signature->cms().content)
      entry.indirect = parse_indirect_data(attached->raw);
    for (const View inner : nested_signatures(entry.signature->cms())) {
      if (entry.nested.size() == kMostEntries)
        return fail(Reason::limit_count, inner.extent(),
                    fmt::format("more than {} nested signatures", kMostEntries));
      NestedSignature nested{
          SignatureEvidence({inner.bytes().begin(), inner.bytes().end()}, inner.origin()), {}};
      ASSAY_CHECK(nested.signature.digest_data(content_, 0, 0));
      if (const auto& attached = nested.signature.cms().content)
        nested.indirect = parse_indirect_data(attached->raw);
      entry.nested.push_back(std::move(nested));
    }
    const Extent behind{data + *message, aligned - data - *message};
    if (behind.size >= kAlignment || !all_zero(bytes.sub(*message, behind.size)))
      evidence_.uncovered.push_back(behind);
    return {};
  }

  const Content& content_;
  PeBootEvidence& evidence_;
};

// The algorithms that some verifier hashes this image by: those of its signatures, and SHA-256,
// which lists of digests and shim go by.
std::vector<Hash> wanted_hashes(const PeBootEvidence& evidence) {
  std::vector<Hash> hashes = {Hash::sha256};
  const auto want = [&](const IndirectData& indirect) {
    if (!indirect.digest_algo) return;
    const DigestAlgorithm* algorithm = find_image_digest_algorithm(find_oid(*indirect.digest_algo));
    if (algorithm != nullptr && hash_available(algorithm->hash) &&
        std::ranges::find(hashes, algorithm->hash) == hashes.end())
      hashes.push_back(algorithm->hash);
  };
  for (const PeCertificateEntry& entry : evidence.entries) {
    want(entry.indirect);
    for (const NestedSignature& nested : entry.nested) want(nested.indirect);
  }
  return hashes;
}

Result<void> add_digests(const Content& content, const PeEvidence& kernel,
                         PeBootEvidence& evidence) {
  for (const Digest& digest : kernel.digests)
    evidence.digests.push_back({CoverageRule::kernel, digest});
  for (const Hash hash : wanted_hashes(evidence)) {
    for (const Coverage& coverage : evidence.coverages) {
      if (!coverage.is_defined() || evidence.digest(coverage.rule, hash) != nullptr ||
          is_hashed_too_often(coverage.ranges, content.size()))
        continue;
      ASSAY_TRY(Hasher hasher, Hasher::make(hash));
      ASSAY_CHECK(hash_ranges(hasher, content, coverage.ranges));
      const std::array<std::uint8_t, 8> zeros{};
      hasher.update(std::span(zeros).first(coverage.zeros));
      evidence.digests.push_back({coverage.rule, std::move(hasher).finish()});
    }
  }
  return {};
}

Result<void> add_sbat(const Content& content, PeBootEvidence& evidence) {
  for (const PeSection& section : evidence.sections) {
    constexpr std::array<std::uint8_t, 8> kName = {'.', 's', 'b', 'a', 't'};
    if (section.name != kName) continue;
    if (evidence.sbat) {
      evidence.sbat = fail(Reason::bad_value, {}, "more than one .sbat section");
      return {};
    }
    if (section.has_relocations()) {
      evidence.sbat = fail(Reason::bad_value, {section.raw_offset, section.raw_size},
                           "the .sbat section has relocations");
      return {};
    }
    // verify_buffer_sbat passes over one whose data is shorter than its content.
    if (section.raw_size == 0 || section.raw_size < section.virtual_size) continue;
    if (section.raw_size > limits::kTrustFile ||
        !lies_inside(section.raw_offset, section.raw_size, content.size())) {
      evidence.sbat = fail(Reason::bad_length, {section.raw_offset, section.raw_size}, ".sbat");
      return {};
    }
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View text, view_of(content, section.raw_offset, section.raw_size, scratch));
    evidence.sbat = parse_sbat(text);
  }
  return {};
}

}  // namespace

Result<PeBootEvidence> collect_pe_boot(const Content& content, const PeEvidence& kernel) {
  PeBootEvidence evidence;
  evidence.headers = kernel.headers;
  if (!evidence.headers.optional) {
    for (Coverage& coverage : evidence.coverages) coverage.refusal = "no optional header";
    return evidence;
  }
  ASSAY_TRY(evidence.sections, read_pe_sections(content, evidence.headers));
  for (const PeSection& section : evidence.sections) {
    ASSAY_TRY(std::string name, read_section_name(content, evidence.headers, section));
    evidence.section_names.push_back(std::move(name));
  }
  const auto& table = evidence.headers.certificate_table;
  if (table && table->address != 0 && table->size != 0)
    ASSAY_CHECK(TableWalk(content, evidence).walk(*table));
  // An unsigned image's sections were not read for the kernel, which does not come to them.
  std::vector<PeSection> kernel_sections = kernel.sections;
  if (kernel_sections.empty() &&
      evidence.headers.sections_offset() == evidence.headers.kernel_sections_offset())
    kernel_sections = evidence.sections;
  for (std::size_t i = 0; i < kCoverageRuleCount; ++i)
    evidence.coverages[i] = image_coverage(static_cast<CoverageRule>(i), evidence.headers,
                                           kernel_sections, evidence.sections);
  ASSAY_CHECK(add_digests(content, kernel, evidence));
  ASSAY_CHECK(add_sbat(content, evidence));
  return evidence;
}

}  // namespace assay
