#include "edit/signature_place.h"

#include <fmt/format.h>

#include <array>

#include "bytes/rope.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

std::unexpected<Error> already_signed(std::string what) {
  return fail(Reason::already_signed, {}, std::move(what));
}

}  // namespace

Result<SignaturePlace> find_appended_place(const Content& content, Existing existing) {
  SignaturePlace place{existing, {}, {}, content.size()};
  Rope left{std::shared_ptr<const Content>(std::shared_ptr<const Content>(), &content)};
  for (;;) {
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(left));
    if (!trailer.has_marker || existing == Existing::add) return place;
    if (existing == Existing::refuse) return already_signed("an appended signature");
    if (!trailer.splits)
      return fail(Reason::bad_length, trailer.marker_extent(), "of the signature to be replaced");
    place.payload_size = trailer.payload_size;
    left = left.sub({0, place.payload_size});
  }
}

Result<std::optional<SignaturePlace>> find_image_place(const Content& content, Existing existing) {
  SignaturePlace place{existing, {}, {}, 0};
  ASSAY_TRY(place.headers, find_pe_image(content));
  if (!place.headers) return std::nullopt;
  ASSAY_TRY(place.table, find_pe_table(content, *place.headers));
  if (place.table && existing == Existing::refuse)
    return already_signed(fmt::format("a certificate table of {} bytes", place.table->extent.size));
  if (place.table && existing == Existing::add && place.table->entries.empty())
    return fail(Reason::not_signable, place.table->extent,
                "the entries of the certificate table do not fill it: one more would not be found");
  return place;
}

Result<RecordPart> describe_signature(const Content& content, const SignaturePlace& place,
                                      View message) {
  if (place.headers) {
    std::vector<std::uint8_t> certificate = write_win_certificate(message);
    if (place.table && place.existing == Existing::replace)
      return describe_replacement(content, *place.table, std::move(certificate));
    return describe_addition(content, *place.headers, std::move(certificate));
  }
  RecordPart part = describe_appended_signature(content, message);
  Splice& splice = part.splices.front();
  splice.offset = place.payload_size;
  splice.before.resize(content.size() - place.payload_size);
  ASSAY_CHECK(content.read(place.payload_size, splice.before));
  return part;
}

RecordPart describe_appended_signature(const Content& content, View message) {
  std::vector<std::uint8_t> tail(message.bytes().begin(), message.bytes().end());
  const std::array<std::uint8_t, kInfoBlockSize - 4> block = {0, 0, kIdTypePkcs7};
  tail.insert(tail.end(), block.begin(), block.end());
  for (int shift = 24; shift >= 0; shift -= 8)
    tail.push_back(static_cast<std::uint8_t>(message.size() >> shift));
  tail.insert(tail.end(), kSignatureMarker.begin(), kSignatureMarker.end());
  RecordPart part;
  part.carrier = RecordPart::Carrier::appended;
  part.splices = {{content.size(), {}, std::move(tail)}};
  return part;
}

}  // namespace assay
