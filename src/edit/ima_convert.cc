#include "edit/ima_convert.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/attach.h"
#include "edit/ima_sign.h"
#include "formats/appended_signature.h"
#include "formats/cms.h"
#include "formats/ima_xattr.h"
#include "ima/evidence.h"
#include "ima/hash_algo.h"
#include "signatures/algorithms.h"
#include "signatures/certificate.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

std::unexpected<Error> not_convertible(std::string why) {
  return fail(Reason::not_signable, {}, std::move(why));
}

Result<void> check_value(const SigningCertificate& certificate, const Digest& digest, View value) {
  const PreparedCertificate prepared{View(certificate.der)};
  Walk walk(KernelId{}, {}, false);
  PrimitiveCache cache;
  const Outcome bad =
      verify_public_key(walk, KeyKind::rsa, prepared.key(),
                        {KeyKind::rsa, digest.hash(), digest, value}, KernelCrypto(), cache);
  if (!bad.failed() && walk.choices().empty()) return {};
  return not_convertible("the signature is not one by the certificate over this content");
}

Result<void> check_container(const Artifact& artifact) {
  if (!artifact.codec) return {};
  return not_convertible("of a compressed file the two cover different bytes");
}

// What a message needs to know of a key that is not there.
SigningKey public_half(const SigningCertificate& certificate) {
  SigningKey key;
  key.algorithm = SigningAlgorithm::rsa;
  const Certificate parsed = parse_certificate(View(certificate.der));
  key.bits = parsed.key.size() * 8;
  return key;
}

RecordPart attribute_part(const Artifact& artifact, std::optional<Bytes> after) {
  RecordPart part;
  part.carrier = RecordPart::Carrier::xattr;
  part.attribute = kXattrIma;
  if (const auto found = artifact.attributes.find(part.attribute);
      found != artifact.attributes.end())
    part.before = found->second;
  part.after = std::move(after);
  return part;
}

Result<Edited> apply(const Artifact& artifact, RecordPart content, RecordPart attribute) {
  const bool changes = attribute.before || attribute.after;
  ASSAY_TRY(Edited edited, apply_parts(artifact, {std::move(content)}));
  if (!changes) return edited;
  edited.attributes.push_back({attribute.attribute, attribute.after});
  edited.record.parts.push_back(std::move(attribute));
  return edited;
}

}  // namespace

Result<Edited> append_ima_signature(const Artifact& artifact, View attribute,
                                    const SigningCertificate& certificate) {
  ASSAY_CHECK(check_container(artifact));
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(*artifact.plain));
  if (trailer.has_marker) return fail(Reason::already_signed);
  const ImaXattr xattr = read_ima_xattr(attribute);
  if (!xattr.is(ImaXattrType::signature) || xattr.second != 2 || !xattr.signature)
    return not_convertible("security.ima is no signature of version 2");
  const HashAlgo* algo = find_hash_algo(xattr.signature->hash_algo);
  if (algo == nullptr || !algo->hash) return not_convertible("its digest is not known");
  ASSAY_TRY(const Digest digest,
            compute_digest(*algo->hash, *artifact.plain, 0, artifact.plain->size()));
  const View value = xattr.signature->value;
  ASSAY_CHECK(check_value(certificate, digest, value));
  CmsTemplate form;
  form.hash = *algo->hash;
  const SigningKey key = public_half(certificate);
  ASSAY_TRY(const PreparedMessage prepared, prepare_message(std::move(form), key, digest, {}));
  const auto octets = value.bytes();
  ASSAY_TRY(const DerBytes message,
            write_message(prepared, key, certificate, {octets.begin(), octets.end()}));
  return apply(artifact, describe_appended_signature(*artifact.plain, View(message)),
               attribute_part(artifact, std::nullopt));
}

Result<Edited> detach_ima_signature(const Artifact& artifact,
                                    const SigningCertificate& certificate) {
  ASSAY_CHECK(check_container(artifact));
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(*artifact.plain));
  if (!trailer.has_marker || !trailer.splits) return fail(Reason::no_record);
  const Extent where = trailer.signature_extent();
  std::vector<std::uint8_t> tail(artifact.plain->size() - where.offset);
  ASSAY_CHECK(artifact.plain->read(where.offset, tail));
  const CmsMessage message = parse_cms(View(tail).sub(0, where.size));
  if (message.fault) return not_convertible("PKCS#7: " + describe(*message.fault));
  if (message.content) return not_convertible("the message carries content of its own");
  if (message.signers.size() != 1) return not_convertible("the message has not one signer");
  const CmsSigner& signer = message.signers.front();
  if (signer.authattrs) return not_convertible("the message has signed attributes");
  const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
  if (algorithm == nullptr) return not_convertible("its digest is not known");
  ASSAY_TRY(const Digest digest,
            compute_digest(algorithm->hash, *artifact.plain, 0, trailer.payload_size));
  ASSAY_CHECK(check_value(certificate, digest, signer.signature));
  ImaSignature signature;
  signature.version = 2;
  signature.hash_algo = hash_algo_of(algorithm->hash).number;
  ASSAY_TRY(signature.keyid, ima_key_id(certificate));
  signature.sig_size = static_cast<std::uint16_t>(signer.signature.size());
  signature.value = signer.signature;
  Bytes attribute = write_ima_signature(ImaXattrType::signature, signature);
  RecordPart part;
  part.carrier = RecordPart::Carrier::appended;
  part.splices.push_back({where.offset, std::move(tail), {}});
  return apply(artifact, std::move(part), attribute_part(artifact, std::move(attribute)));
}

}  // namespace assay
