#include "trust/certificate_run.h"

#include "bytes/reader.h"
#include "formats/ber.h"

namespace assay {

namespace {

constexpr std::size_t kPrefixSize = 4;

// SEQUENCE { SEQUENCE tbsCertificate, SEQUENCE signatureAlgorithm, BIT STRING signature }
bool is_certificate(View bytes) {
  BerDecoder decoder(bytes);
  BerElement to_be_signed;
  BerElement algorithm;
  BerElement signature;
  decoder.enter(ber::kSequence);
  decoder.any(to_be_signed);
  decoder.any(algorithm);
  decoder.leaf(ber::kBitString, signature);
  decoder.leave();
  return decoder.ok() && to_be_signed.tag == ber::kSequence && algorithm.tag == ber::kSequence &&
         !signature.content.empty();
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
