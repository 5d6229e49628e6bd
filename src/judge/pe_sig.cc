#include "judge/pe_sig.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "base/name.h"
#include "judge/rules.h"
#include "judge/two_keyrings.h"

namespace assay {

namespace {

namespace rule = rules::pe_sig;

// The kernel's chkaddr: x is not below `base`, and [x, x + size) lies in a file that is longer than
// size.
bool fits(std::uint64_t base, std::uint64_t x, std::uint64_t size, std::uint64_t length) {
  return x >= base && size < length && x <= length - size;
}

// pefile_strip_sig_wrapper computes in 32 bits: a dwLength below the header's size wraps around.
std::uint32_t data_size(const WinCertificate& certificate) {
  return certificate.length - static_cast<std::uint32_t>(pe::kCertificateHeaderSize);
}

// The length of the DER element that starts with these bytes, as the kernel reads it; nothing for
// an indefinite length. Requires four bytes.
std::optional<std::uint32_t> der_size(std::span<const std::uint8_t> start) {
  const std::uint32_t first = start[1];
  if (first <= 0x7F) return first + 2;
  if (first == 0x81) return start[2] + 3U;
  if (first == 0x82) return (std::uint32_t{start[2]} << 8 | start[3]) + 4U;
  return std::nullopt;
}

bool has_room_for_sections(const PeHeaders& headers) {
  const std::uint64_t start = headers.kernel_sections_offset();
  const std::uint64_t end = headers.optional->headers_size;
  return end >= start && headers.coff.section_count <= (end - start) / pe::kSectionHeaderSize;
}

class TableChecker {
 public:
  TableChecker(Walk& walk, const PeEvidence& evidence)
      : walk_(walk), evidence_(evidence), headers_(evidence.headers) {}

  // pefile_parse_binary.
  Outcome check_headers() {
    const std::uint64_t length = headers_.file_size;
    const auto size = [&] { return fmt::format("{} bytes", length); };
    if (const Outcome bad =
            walk_.check(rule::dos_header, length > pe::kDosHeaderSize, {0, length}, size);
        bad.failed())
      return bad;
    const auto magic = [&] { return fmt::format("0x{:04x}", *headers_.dos_magic); };
    if (const Outcome bad =
            walk_.check(rule::dos_magic, *headers_.dos_magic == pe::kDosMagic, {0, 2}, magic);
        bad.failed())
      return bad;
    const auto offset = [&] {
      return fmt::format("offset {} of {} bytes", headers_.pe_offset, length);
    };
    const bool in_file = fits(pe::kDosHeaderSize, headers_.pe_offset, pe::kCoffHeaderSize, length);
    if (const Outcome bad = walk_.check(rule::pe_header, in_file, {60, 4}, offset); bad.failed())
      return bad;
    const auto signature = [&] { return fmt::format("0x{:08x}", *headers_.signature); };
    if (const Outcome bad = walk_.check(rule::pe_magic, *headers_.signature == pe::kSignature,
                                        {headers_.pe_offset, 4}, signature);
        bad.failed())
      return bad;
    return check_optional_header();
  }

  // pefile_strip_sig_wrapper.
  Outcome check_wrapper() {
    const std::uint32_t table_size = headers_.certificate_table->size;
    const auto sizes = [&] {
      return fmt::format("{} bytes, at least {}", table_size, pe::kCertificateHeaderSize);
    };
    const Extent table{headers_.certificate_table->address, table_size};
    if (const Outcome bad =
            walk_.check(rule::wrapper_size, table_size >= pe::kCertificateHeaderSize, table, sizes);
        bad.failed())
      return bad;
    const WinCertificate& certificate = *evidence_.certificate;
    const Extent where{certificate.offset, pe::kCertificateHeaderSize};
    const auto lengths = [&] {
      return fmt::format("dwLength {}, table {}", certificate.length, table_size);
    };
    const auto log = [&] {
      return fill_log(rule::wrapper_length,
                      {fmt::format("{:x}", table_size), fmt::format("{:x}", certificate.length)});
    };
    if (const Outcome bad = walk_.check(rule::wrapper_length, certificate.length <= table_size,
                                        where, lengths, log);
        bad.failed())
      return bad;
    const auto revision = [&] { return fmt::format("0x{:04x}", certificate.revision); };
    if (const Outcome bad = walk_.check(rule::wrapper_revision,
                                        certificate.revision == pe::kRevision2, where, revision);
        bad.failed())
      return bad;
    const auto type = [&] { return fmt::format("0x{:04x}", certificate.type); };
    if (const Outcome bad =
            walk_.check(rule::wrapper_type, certificate.type == pe::kTypePkcs7, where, type);
        bad.failed())
      return bad;
    const auto length = [&] { return fmt::format("dwLength {}", certificate.length); };
    if (const Outcome bad =
            walk_.check(rule::wrapper_data, data_size(certificate) >= 4, where, length);
        bad.failed())
      return bad;
    return check_der();
  }

 private:
  Outcome check_optional_header() {
    const std::uint64_t length = headers_.file_size;
    const std::uint64_t at = headers_.optional_offset();
    if (const Outcome bad = walk_.check(rule::optional_header, fits(0, at, 2, length), {at, 2});
        bad.failed())
      return bad;
    const auto magic = [&] { return fmt::format("0x{:x}", *headers_.magic); };
    const bool known = *headers_.magic == pe::kPe32 || *headers_.magic == pe::kPe32Plus;
    const auto log = [&] {
      return fill_log(rule::optional_magic, {fmt::format("{:04x}", *headers_.magic)});
    };
    if (const Outcome bad = walk_.check(rule::optional_magic, known, {at, 2}, magic, log);
        bad.failed())
      return bad;
    const std::uint64_t fixed = *headers_.magic == pe::kPe32 ? 96 : 112;
    if (const Outcome bad =
            walk_.check(rule::optional_header, fits(0, at, fixed, length), {at, fixed});
        bad.failed())
      return bad;
    const PeOptional& optional = *headers_.optional;
    const std::uint64_t end = at + fixed;
    const auto sizes = [&] {
      return fmt::format("SizeOfHeaders {}, the optional header ends at {}, the file at {}",
                         optional.headers_size, end, length);
    };
    const bool reaches = end < optional.headers_size && optional.headers_size < length;
    if (const Outcome bad = walk_.check(rule::headers_size, reaches, {at + 60, 4}, sizes);
        bad.failed())
      return bad;
    const auto count = [&] { return fmt::format("{} directories", optional.directory_count); };
    const bool room =
        optional.directory_count <= (optional.headers_size - end) / pe::kDirectorySize;
    if (const Outcome bad = walk_.check(rule::directories, room, {end - 4, 4}, count); bad.failed())
      return bad;
    return check_table();
  }

  Outcome check_table() {
    // The kernel looks at the fifth directory whether or not there are five.
    const Extent entry{headers_.certificate_entry_offset(), pe::kDirectorySize};
    if (const Outcome bad =
            walk_.check(rule::readable, headers_.certificate_table.has_value(), entry);
        bad.failed())
      return bad;
    const PeDirectory& table = *headers_.certificate_table;
    const auto values = [&] {
      return fmt::format("offset {}, size {}", table.address, table.size);
    };
    if (const Outcome bad =
            walk_.check(rule::signed_, table.address != 0 && table.size != 0, entry, values);
        bad.failed())
      return bad;
    const bool inside =
        fits(headers_.optional->headers_size, table.address, table.size, headers_.file_size);
    if (const Outcome bad = walk_.check(rule::table_bounds, inside, entry, values); bad.failed())
      return bad;
    const auto count = [&] { return fmt::format("{} sections", headers_.coff.section_count); };
    return walk_.check(rule::sections, has_room_for_sections(headers_),
                       {headers_.pe_offset + 6ULL, 2}, count);
  }

  Outcome check_der() {
    const WinCertificate& certificate = *evidence_.certificate;
    const Extent where{certificate.offset + pe::kCertificateHeaderSize, evidence_.start.size()};
    const auto start = [&] { return "starts " + to_hex(evidence_.start); };
    // A wrapped-around length promises more than there is; the first bytes may be missing
    // altogether.
    if (const Outcome bad = walk_.check(rule::readable, evidence_.start.size() == 4, where, start);
        bad.failed())
      return bad;
    if (const Outcome bad =
            walk_.check(rule::der_tag, evidence_.start[0] == ber::kSequence, where, start);
        bad.failed())
      return bad;
    const bool indefinite = evidence_.start[1] == 0x80;
    const auto size = der_size(evidence_.start);
    if (const Outcome bad =
            walk_.check(rule::der_length, indefinite || size.has_value(), where, start);
        bad.failed())
      return bad;
    const auto both = [&] {
      return fmt::format("{} bytes, room for {}", size.value_or(0), data_size(certificate));
    };
    if (const Outcome bad =
            walk_.check(rule::der_fits, indefinite || *size <= data_size(certificate), where, both);
        bad.failed())
      return bad;
    return walk_.check(rule::readable, evidence_.signature.has_value(), where, both);
  }

  Walk& walk_;
  const PeEvidence& evidence_;
  const PeHeaders& headers_;
};

// mscode_parse.
Outcome check_indirect_data(Walk& walk, const IndirectData& data) {
  if (data.content_type) {
    const Oid oid = find_oid(*data.content_type);
    const bool image = oid == Oid::ms_pe_image_data || oid == Oid::ms_individual_key_purpose;
    if (const Outcome bad = walk.check(rule::content_type, image, data.content_type->extent(),
                                       [&] { return oid_text(*data.content_type); });
        bad.failed())
      return bad;
  }
  if (data.digest_algo) {
    const Oid oid = find_oid(*data.digest_algo);
    const auto name = [&] { return oid_text(*data.digest_algo); };
    const Extent where = data.digest_algo->extent();
    const bool known = is_in_registry(oid) && walk.covers(registry_scope(oid));
    const auto log = [&] { return fill_log(rule::digest_known, {oid_text(*data.digest_algo)}); };
    if (const Outcome bad = walk.check(rule::digest_known, known, where, name, log); bad.failed())
      return bad;
    const DigestAlgorithm* algorithm = find_image_digest_algorithm(oid);
    const bool suits = algorithm != nullptr && walk.covers(algorithm->scope);
    if (const Outcome bad = walk.check(rule::digest_algo, suits, where, name); bad.failed())
      return bad;
  }
  const Extent where = data.fault ? data.fault->where : Extent();
  return walk.check(rule::content_form, !data.fault, where,
                    [&] { return data.fault ? describe(*data.fault) : std::string(); });
}

// pefile_digest_pe.
Outcome check_digest(Walk& walk, const PeEvidence& evidence, const SignatureContext& context) {
  const Hash hash = find_image_digest_algorithm(find_oid(*evidence.indirect.digest_algo))->hash;
  const auto name = [&] { return std::string(hash_name(hash)); };
  if (const Outcome bad = walk.check(rule::hash_available, context.crypto.has(hash),
                                     fmt::format("config: {}", hash_name(hash)), name);
      bad.failed())
    return bad;
  const View wanted = *evidence.indirect.digest;
  const auto sizes = [&] {
    return fmt::format("{} bytes, expected {}", wanted.size(), digest_size(hash));
  };
  const auto size_log = [&] {
    return fill_log(rule::digest_size,
                    {fmt::format("{:x}", digest_size(hash)), fmt::format("{:x}", wanted.size())});
  };
  if (const Outcome bad = walk.check(rule::digest_size, wanted.size() == digest_size(hash),
                                     wanted.extent(), sizes, size_log);
      bad.failed())
    return bad;
  const ImageRanges& ranges = evidence.ranges;
  if (const Outcome bad = walk.check(rule::entry_in_headers, ranges.entry_in_headers); bad.failed())
    return bad;
  if (const Outcome bad = walk.check(rule::some_section, ranges.has_section); bad.failed())
    return bad;
  const auto section = [&] {
    return ranges.outside ? fmt::format("{}: [{}, +{})", encode_name(ranges.outside->name_text()),
                                        ranges.outside->raw_offset, ranges.outside->raw_size)
                          : std::string();
  };
  if (const Outcome bad = walk.check(rule::sections_in_file, !ranges.outside, {}, section);
      bad.failed())
    return bad;
  if (const Outcome bad = walk.check(rule::sizes_add_up, ranges.sizes_add_up); bad.failed())
    return bad;
  const auto found = std::ranges::find(evidence.digests, hash, &Digest::hash);
  if (found == evidence.digests.end())
    return walk.check(rule::digest, Truth::unknown, fmt::format("libcrypto: {}", hash_name(hash)),
                      [] { return std::string("not computed"); });
  const auto digests = [&] {
    return fmt::format("signed {}, image has {}", to_hex(wanted.bytes()), found->hex());
  };
  return walk.check(rule::digest, std::ranges::equal(found->bytes(), wanted.bytes()),
                    wanted.extent(), digests);
}

Result<void> collect_signature(const Content& content, PeEvidence& evidence) {
  ASSAY_TRY(evidence.certificate,
            read_win_certificate(content, evidence.headers.certificate_table->address));
  if (!evidence.certificate) return {};
  const std::uint64_t data = evidence.certificate->offset + pe::kCertificateHeaderSize;
  const std::uint64_t left = content.size() - data;
  evidence.start.resize(std::min<std::uint64_t>(4, left));
  ASSAY_CHECK(content.read(data, evidence.start));
  if (evidence.start.size() < 4) return {};
  // With an indefinite length the kernel takes all that dwLength says.
  const std::uint64_t size = der_size(evidence.start).value_or(data_size(*evidence.certificate));
  // A longer message is EMSGSIZE before a byte of it is looked at; a shorter one that does not lie
  // in the file is for the kernel what lies behind it.
  if (size <= ber::kMaxSize && size > left) return {};
  std::vector<std::uint8_t> message(std::min<std::uint64_t>(size, ber::kMaxSize + 1));
  ASSAY_CHECK(
      content.read(data, std::span(message).first(std::min<std::uint64_t>(message.size(), left))));
  evidence.signature.emplace(std::move(message), data);
  ASSAY_CHECK(evidence.signature->digest_data(content, 0, 0));
  if (const auto& attached = evidence.signature->cms().content)
    evidence.indirect = parse_indirect_data(attached->raw);
  return {};
}

}  // namespace

Result<PeEvidence> collect_pe(const Content& content) {
  PeEvidence evidence;
  ASSAY_TRY(evidence.headers, read_pe_headers(content));
  const PeHeaders& headers = evidence.headers;
  if (!headers.optional || !headers.certificate_table) return evidence;
  const PeDirectory& table = *headers.certificate_table;
  const bool in_file =
      fits(headers.optional->headers_size, table.address, table.size, headers.file_size);
  if (table.address == 0 || table.size == 0 || !in_file ||
      headers.optional->headers_size >= headers.file_size)
    return evidence;
  ASSAY_CHECK(collect_signature(content, evidence));
  if (!has_room_for_sections(headers)) return evidence;
  ASSAY_TRY(evidence.sections, read_pe_sections(content, headers.kernel_sections_offset(),
                                                headers.coff.section_count));
  evidence.ranges = kernel_image_ranges(headers, evidence.sections);
  if (!evidence.ranges.is_defined() || !evidence.indirect.digest_algo) return evidence;
  const DigestAlgorithm* algorithm =
      find_image_digest_algorithm(find_oid(*evidence.indirect.digest_algo));
  if (algorithm == nullptr || !hash_available(algorithm->hash) ||
      is_hashed_too_often(evidence.ranges.ranges, headers.file_size))
    return evidence;
  ASSAY_TRY(const Digest digest, compute_digest(algorithm->hash, content, evidence.ranges.ranges));
  evidence.digests.push_back(digest);
  return evidence;
}

Outcome verify_pefile_signature(Walk& walk, const PeEvidence& evidence,
                                const SignatureContext& context, const SignatureKeyrings& keyrings,
                                TrustedBy& trusted_by) {
  TableChecker table(walk, evidence);
  if (const Outcome bad = table.check_headers(); bad.failed()) return bad;
  if (const Outcome bad = table.check_wrapper(); bad.failed()) return bad;
  if (const Outcome bad = verify_pkcs7_attached(walk, *evidence.signature, context, keyrings,
                                                Usage::kexec_pe, trusted_by);
      bad.failed())
    return bad;
  const auto& content = evidence.signature->cms().content;
  if (const Outcome bad = walk.check(rule::content, content.has_value(),
                                     content ? content->raw.extent() : Extent());
      bad.failed())
    return bad;
  if (const Outcome bad = check_indirect_data(walk, evidence.indirect); bad.failed()) return bad;
  return check_digest(walk, evidence, context);
}

Outcome kexec_kernel_verify_pe_sig(Walk& walk, const PeEvidence& evidence, const Platform& platform,
                                   TrustedBy& trusted_by) {
  return verify_in_keyrings(walk, platform, true, [&](const SignatureKeyrings& keyrings) {
    return verify_pefile_signature(walk, evidence, platform.signatures, keyrings, trusted_by);
  });
}

}  // namespace assay
