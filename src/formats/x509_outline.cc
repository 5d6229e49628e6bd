#include "formats/x509_outline.h"

#include <algorithm>
#include <array>

namespace assay {

std::optional<CertificateOutline> outline_of(const Certificate& certificate) {
  CertificateOutline outline;
  if (certificate.raw.empty() || certificate.tbs.empty()) return std::nullopt;
  BerDecoder ber(certificate.tbs);
  BerElement element;
  ber.enter(ber::kSequence);
  std::optional<View> extensions;
  bool is_first = true;
  do {
    if (!ber.any(element)) return std::nullopt;
    // Behind the version and the serial number stands the first SEQUENCE.
    if (outline.signed_algorithm.empty() && element.tag == ber::kSequence)
      outline.signed_algorithm = element.raw;
    if (is_first && element.tag == ber::context_constructed(0)) {
      outline.is_version_1 = false;
      outline.is_version_3 = std::ranges::equal(element.content.bytes(),
                                                std::array<std::uint8_t, 3>{ber::kInteger, 1, 2});
    }
    if (element.tag == ber::context_constructed(3)) extensions = element.raw;
    is_first = false;
  } while (ber.more());
  if (!ber.ok()) return std::nullopt;
  BerDecoder outer(certificate.raw);
  outer.enter(ber::kSequence);
  if (!outer.any(element) || !outer.any(element)) return std::nullopt;
  outline.algorithm = element.raw;
  if (!extensions) return outline;
  BerDecoder list(*extensions);
  list.enter(ber::context_constructed(3));
  list.enter(ber::kSequence);
  do {
    X509Extension extension;
    list.enter(ber::kSequence);
    if (list.leaf(ber::kOid, element)) extension.oid = find_oid(element.content);
    if (list.leaf_or_skip(ber::kBoolean, element))
      extension.is_critical = !element.content.empty() && element.content[0] != 0;
    if (list.leaf(ber::kOctetString, element)) extension.value = element.content;
    list.leave();
    if (list.ok()) outline.extensions.push_back(extension);
  } while (list.more());
  list.leave();
  if (!list.ok()) return std::nullopt;
  return outline;
}

namespace {

// GeneralNames of the usual kinds (RFC 5280, 4.2.1.6).
std::optional<bool> are_names(View content) {
  if (content.empty()) return false;
  BerDecoder ber(content);
  BerElement name;
  while (ber.any_or_skip(name)) {
    const bool is_text = name.tag == ber::context(1) || name.tag == ber::context(2) ||
                         name.tag == ber::context(6) || name.tag == ber::context(7);
    if (!is_text && name.tag != ber::context_constructed(4)) return std::nullopt;
  }
  return ber.ok();
}

std::optional<bool> are_distribution_points(View value) {
  BerDecoder ber(value);
  BerElement point;
  ber.enter(ber::kSequence);
  do {
    BerElement full_name;
    ber.enter(ber::kSequence);
    ber.enter(ber::context_constructed(0));
    if (!ber.any(full_name) || full_name.tag != ber::context_constructed(0)) return std::nullopt;
    ber.leave();
    // Reasons and issuers of their own are rare.
    if (ber.any_or_skip(point)) return std::nullopt;
    ber.leave();
    if (const auto names = are_names(full_name.content); names != true) return names;
  } while (ber.more());
  return ber.ok() ? std::optional(true) : std::nullopt;
}

bool are_usages(View value) {
  BerDecoder ber(value);
  BerElement element;
  ber.enter(ber::kSequence);
  do {
    ber.leaf(ber::kOid, element);
  } while (ber.more());
  return ber.ok();
}

bool is_one(std::uint8_t tag, View value) {
  BerDecoder ber(value);
  BerElement element;
  return ber.leaf(tag, element) && element.raw.size() == value.size();
}

}  // namespace

std::optional<bool> is_well_formed(const X509Extension& extension) {
  const View value = extension.value;
  switch (extension.oid) {
    case Oid::subject_key_identifier: return is_one(ber::kOctetString, value);
    case Oid::netscape_certificate_type: return is_one(ber::kBitString, value);
    case Oid::key_usage: {
      constexpr std::size_t kLeast = 4;  // header, unused bits, one octet
      if (!is_one(ber::kBitString, value) || value.size() < kLeast) return false;
      const View bits = value.sub(3, value.size() - 3);
      return std::ranges::any_of(bits.bytes(), [](std::uint8_t octet) { return octet != 0; });
    }
    case Oid::extended_key_usage: return are_usages(value);
    case Oid::subject_alt_name: {
      BerDecoder ber(value);
      BerElement names;
      if (!ber.any(names) || names.tag != ber::kSequence || names.raw.size() != value.size())
        return false;
      return are_names(names.content);
    }
    case Oid::crl_distribution_points: return are_distribution_points(value);
    case Oid::basic_constraints:
    case Oid::authority_key_identifier:
    case Oid::certificate_policies:
    case Oid::authority_info_access:
    case Oid::ocsp_no_check:
    case Oid::unknown: return true;
    default: return std::nullopt;
  }
}

bool has_extended_usage(View value, Oid purpose) {
  BerDecoder ber(value);
  BerElement element;
  bool found = false;
  ber.enter(ber::kSequence);
  do {
    if (ber.leaf(ber::kOid, element)) found = found || find_oid(element.content) == purpose;
  } while (ber.more());
  return ber.ok() && found;
}

}  // namespace assay
