#include "edit/sign.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/attach.h"
#include "edit/pe_table.h"
#include "formats/cms.h"
#include "signatures/algorithms.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

Result<Digest> image_digest(const Artifact& artifact, const SignaturePlace& place, Hash hash) {
  ASSAY_TRY(const RecordPart part, describe_signature(*artifact.plain, place, View()));
  ASSAY_TRY(const Rope image, splice(Rope(artifact.plain), part.splices, Direction::forward));
  return compute_image_digest(image, hash);
}

// The content octets of a DER element, which is what PKCS#7 digests of SpcIndirectDataContent (RFC
// 2315, 9.3).
Result<Digest> digest_of_value(Hash hash, const DerBytes& element) {
  const std::size_t header = element[1] < 0x80 ? 2U : 2U + (element[1] & 0x7fU);
  return compute_digest(hash, std::span(element).subspan(header));
}

Result<void> prepare_image(const Artifact& artifact, const SignaturePlace& place,
                           const SigningKey& key, const SignOptions& options,
                           PreparedSignature& prepared) {
  prepared.carrier = Carrier::pe;
  ASSAY_TRY(const Digest digest, image_digest(artifact, place, options.hash));
  CmsTemplate form;
  form.hash = options.hash;
  form.by_key_identifier = options.by_key_identifier;
  form.embeds_certificates = options.embeds_certificates.value_or(true);
  form.signed_attributes = true;  // the kernel's parser insists (pkcs7_check_authattrs)
  form.time = options.time;
  form.indirect_data = write_indirect_data(digest);
  ASSAY_TRY(const Digest inner, digest_of_value(options.hash, form.indirect_data));
  ASSAY_TRY(prepared.message, prepare_message(std::move(form), key, inner, {}));
  return {};
}

Result<void> prepare_appended(const Artifact& artifact, const SignaturePlace& place,
                              const SigningKey& key, const SignOptions& options,
                              PreparedSignature& prepared) {
  ASSAY_TRY(const Digest digest,
            compute_digest(options.hash, *artifact.plain, 0, place.payload_size));
  CmsTemplate form;
  form.hash = options.hash;
  form.by_key_identifier = options.by_key_identifier;
  form.embeds_certificates = options.embeds_certificates.value_or(false);
  form.signed_attributes = options.signed_attributes;
  form.time = options.time;
  if (!key.signs_digests() && !form.signed_attributes) {
    prepared.content.resize(place.payload_size);
    ASSAY_CHECK(artifact.plain->read(0, prepared.content));
  }
  ASSAY_TRY(prepared.message, prepare_message(std::move(form), key, digest, prepared.content));
  return {};
}

}  // namespace

DerBytes write_indirect_data(const Digest& digest) {
  // SpcPeImageData: no flags, and a file name that means nothing.
  DerBytes name;
  for (const char c : std::string_view("<<<Obsolete>>>")) {
    name.push_back(0);
    name.push_back(static_cast<std::uint8_t>(c));
  }
  const DerBytes link =
      der_element(ber::context_constructed(0),
                  {der_element(ber::context_constructed(2), {der_element(ber::context(0), name)})});
  const DerBytes flags = {ber::kBitString, 1, 0};
  Oid hash = Oid::sha256;
  for (const DigestAlgorithm& row : digest_algorithms())
    if (row.hash == digest.hash()) hash = row.oid;
  return der_sequence({der_sequence({der_oid(Oid::ms_pe_image_data), der_sequence({flags, link})}),
                       der_sequence({der_sequence({der_oid(hash), der_null()}),
                                     der_octet_string(digest.bytes())})});
}

Result<SignaturePlace> find_signature_place(const Artifact& artifact, const SignOptions& options) {
  if (!options.always_appended) {
    ASSAY_TRY(const auto image, find_image_place(*artifact.plain, options.existing));
    if (image) return *image;
  }
  return find_appended_place(*artifact.plain, options.existing);
}

Result<std::unique_ptr<PreparedSignature>> prepare_signature(const Artifact& artifact,
                                                             const SigningKey& key,
                                                             const SignOptions& options) {
  ASSAY_TRY(const SignaturePlace place, find_signature_place(artifact, options));
  auto prepared = std::make_unique<PreparedSignature>();
  ASSAY_CHECK(place.headers ? prepare_image(artifact, place, key, options, *prepared)
                            : prepare_appended(artifact, place, key, options, *prepared));
  return prepared;
}

Result<Edited> finish_signature(const Artifact& artifact, const PreparedSignature& prepared,
                                const SignOptions& options, const SigningKey& key,
                                const SigningCertificate& certificate,
                                const SignatureOctets& value) {
  ASSAY_TRY(const SignaturePlace place, find_signature_place(artifact, options));
  ASSAY_TRY(const DerBytes message, write_message(prepared.message, key, certificate, value));
  ASSAY_TRY(RecordPart part, describe_signature(*artifact.plain, place, View(message)));
  ASSAY_TRY(Edited edited, apply_parts(artifact, {std::move(part)}));
  for (const auto& [name, attribute] : artifact.attributes)
    edited.notes.push_back(name + " is of the content before");
  return edited;
}

Result<Edited> sign_artifact(const Artifact& artifact, Signer& signer,
                             const SigningCertificate& certificate, const SignOptions& options) {
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, signer.key(), options));
  ASSAY_TRY(const SignatureOctets value, sign_one(signer, prepared->message.request));
  return finish_signature(artifact, *prepared, options, signer.key(), certificate, value);
}

}  // namespace assay
