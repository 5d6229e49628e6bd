#include "formats/tpm_key_file.h"

#include <algorithm>
#include <array>

#include "formats/ber.h"

namespace assay {

namespace {

constexpr std::array<std::uint8_t, 6> kLoadable = {0x67, 0x81, 0x05, 0x0A, 0x01, 0x03};

std::unexpected<Error> no_key(std::string why) {
  return fail(Reason::not_a_private_key, {}, "TSS2 PRIVATE KEY: " + std::move(why));
}

}  // namespace

Result<TpmKeyFile> parse_tpm_key_file(View der) {
  TpmKeyFile file;
  BerDecoder decoder(der);
  BerElement type;
  BerElement flag;
  BerElement parent;
  BerElement public_area;
  BerElement private_area;
  decoder.enter(ber::kSequence);
  decoder.leaf(ber::kOid, type);
  if (decoder.ok() && !std::ranges::equal(type.content.bytes(), kLoadable))
    return no_key("not of the loadable kind");
  if (decoder.enter_or_skip(ber::context_constructed(0))) {
    decoder.leaf(ber::kBoolean, flag);
    decoder.leave();
    file.empty_auth = flag.content.size() == 1 && flag.content.bytes()[0] != 0;
  }
  for (std::uint8_t tag = 1; tag <= 3; ++tag)
    if (decoder.enter_or_skip(ber::context_constructed(tag)))
      return no_key("it has a policy, which is not supported");
  decoder.leaf(ber::kInteger, parent);
  decoder.leaf(ber::kOctetString, public_area);
  decoder.leaf(ber::kOctetString, private_area);
  decoder.leave();
  if (!decoder.ok()) return no_key(describe(*decoder.fault()));
  // Not negative, and of 32 bits: with the first of them set there is a zero before.
  std::span<const std::uint8_t> number = parent.content.bytes();
  if (number.size() == 5 && number[0] == 0) number = number.subspan(1);
  if (number.empty() || number.size() > 4) return no_key("the parent is no handle");
  for (const std::uint8_t octet : number) file.parent = file.parent << 8 | octet;
  file.public_area = public_area.content;
  file.private_area = private_area.content;
  return file;
}

}  // namespace assay
