#include "trust/certificate_run.h"

#include "bytes/reader.h"
#include "formats/ber.h"

namespace assay {

namespace {

constexpr std::size_t kPrefixSize = 4;

// Takes an element with this tag from the front of `rest`; says whether it was there and not empty.
// Not BerDecoder, which has to look through all of an element to find the end of an indefinite
// length: there is none in DER.
bool take(View& rest, std::uint8_t tag) {
  Reader reader(rest);
  const auto header = reader.record<2>();
  if (!header || header->u8<0>() != tag) return false;
  std::size_t size = header->u8<1>();
  if (size == 0x81) {
    const auto octet = reader.record<1>();
    if (!octet) return false;
    size = octet->u8<0>();
  } else if (size == 0x82) {
    const auto octets = reader.record<2>();
    if (!octets) return false;
    size = octets->be16<0>();
  } else if (size > 0x7F) {
    return false;
  }
  const View left = reader.left();
  if (size == 0 || size > left.size()) return false;
  rest = left.sub(size, left.size() - size);
  return true;
}

// SEQUENCE { SEQUENCE tbsCertificate, SEQUENCE signatureAlgorithm, BIT STRING signature }
bool is_certificate(View bytes) {
  View rest = bytes.sub(kPrefixSize, bytes.size() - kPrefixSize);
  return bytes.size() <= ber::kMaxSize && take(rest, ber::kSequence) &&
         take(rest, ber::kSequence) && take(rest, ber::kBitString) && rest.empty();
}

// The size that the first four bytes announce, if what follows them can be a certificate: random
// data rarely gets past the second tag, so nobody waits for bytes that do not matter.
std::optional<std::size_t> announced_size(View bytes) {
  Reader reader(bytes);
  const auto prefix = reader.record<kPrefixSize>();
  if (!prefix || prefix->be16<0>() != 0x3082) return std::nullopt;
  if (!reader.empty() && reader.left()[0] != ber::kSequence) return std::nullopt;
  return kPrefixSize + prefix->be16<2>();
}

}  // namespace

CertificateRun measure_certificates(View bytes, std::size_t limit) {
  CertificateRun run;
  while (run.size <= limit) {
    const View rest = bytes.sub(run.size, bytes.size() - run.size);
    run.is_cut_off = rest.size() < kPrefixSize;
    const auto size = announced_size(rest);
    if (!size) break;
    run.is_cut_off = *size > rest.size();
    if (run.is_cut_off || !is_certificate(rest.sub(0, *size))) break;
    run.size += *size;
    run.sizes.push_back(*size);
  }
  return run;
}

}  // namespace assay
