#include "edit/cms_embed.h"

#include <fmt/format.h>

#include "formats/ber.h"

namespace assay {

namespace {

DerBytes copy(const BerElement& element) {
  return {element.raw.bytes().begin(), element.raw.bytes().end()};
}

}  // namespace

Result<DerBytes> embed_content(View message, std::span<const std::uint8_t> content) {
  BerDecoder decoder(message);
  BerElement type;
  BerElement version;
  BerElement digests;
  BerElement data;
  BerElement certificates;
  BerElement signers;
  decoder.enter(ber::kSequence);
  decoder.leaf(ber::kOid, type);
  decoder.enter(ber::context_constructed(0));
  decoder.enter(ber::kSequence);
  decoder.leaf(ber::kInteger, version);
  decoder.any(digests);
  decoder.enter(ber::kSequence);
  decoder.leaf(ber::kOid, data);
  decoder.leave();
  decoder.any(certificates);
  const bool has_certificates = decoder.ok() && certificates.tag == ber::context_constructed(0);
  if (has_certificates)
    decoder.any(signers);
  else
    signers = certificates;
  decoder.leave();
  decoder.leave();
  decoder.leave();
  if (!decoder.ok())
    return fail(Reason::bad_value, decoder.fault()->where, describe(*decoder.fault()));
  const DerBytes carried = der_element(ber::context_constructed(0), der_octet_string(content));
  const DerBytes signed_data =
      der_sequence({copy(version), copy(digests), der_sequence({copy(data), carried}),
                    has_certificates ? copy(certificates) : DerBytes(), copy(signers)});
  DerBytes whole =
      der_sequence({copy(type), der_element(ber::context_constructed(0), signed_data)});
  if (whole.size() > ber::kMaxSize)
    return fail(Reason::not_signable, {},
                fmt::format("a message of {} bytes, kernels take {} (EMSGSIZE)", whole.size(),
                            ber::kMaxSize));
  return whole;
}

}  // namespace assay
