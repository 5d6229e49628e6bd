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
    if (is_first && element.tag == ber::context_constructed(0)) {
      outline.is_version_1 = false;
      outline.is_version_3 = std::ranges::equal(element.content.bytes(),
                                                std::array<std::uint8_t, 3>{ber::kInteger, 1, 2});
    }
    if (element.tag == ber::context_constructed(3)) extensions = element.raw;
    is_first = false;
  } while (ber.more());
  if (!ber.ok()) return std::nullopt;
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
