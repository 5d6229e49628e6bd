#include "edit/cms_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/ber.h"
#include "signatures/algorithms.h"

namespace assay {

namespace {

Result<Oid> digest_oid(Hash hash) {
  for (const DigestAlgorithm& row : digest_algorithms())
    if (row.hash == hash) return row.oid;
  return fail(Reason::crypto_unavailable, {}, fmt::format("{} in a signature", hash_name(hash)));
}

struct EcdsaRow {
  Hash hash;
  Oid oid;
};
constexpr EcdsaRow kEcdsa[] = {
    {Hash::sha1, Oid::ecdsa_sha1},         {Hash::sha224, Oid::ecdsa_sha224},
    {Hash::sha256, Oid::ecdsa_sha256},     {Hash::sha384, Oid::ecdsa_sha384},
    {Hash::sha512, Oid::ecdsa_sha512},     {Hash::sha3_256, Oid::ecdsa_sha3_256},
    {Hash::sha3_384, Oid::ecdsa_sha3_384}, {Hash::sha3_512, Oid::ecdsa_sha3_512},
};

// SignerInfo.signatureAlgorithm. RSA names no digest, as libcrypto's CMS has it.
Result<DerBytes> signature_algorithm(const SigningKey& key, Hash hash) {
  switch (key.algorithm) {
    case SigningAlgorithm::rsa: return der_sequence({der_oid(Oid::rsa), der_null()});
    case SigningAlgorithm::ed25519: return der_sequence({der_oid(Oid::ed25519)});
    case SigningAlgorithm::mldsa44: return der_sequence({der_oid(Oid::ml_dsa_44)});
    case SigningAlgorithm::mldsa65: return der_sequence({der_oid(Oid::ml_dsa_65)});
    case SigningAlgorithm::mldsa87: return der_sequence({der_oid(Oid::ml_dsa_87)});
    case SigningAlgorithm::ecdsa: break;
  }
  for (const EcdsaRow& row : kEcdsa)
    if (row.hash == hash) return der_sequence({der_oid(row.oid)});
  return fail(Reason::crypto_unavailable, {}, fmt::format("ECDSA with {}", hash_name(hash)));
}

// Parameters as libcrypto writes them: absent, but for the oldest digests; in Authenticode NULL, as
// all its tools do.
Result<DerBytes> digest_algorithm(const CmsTemplate& form) {
  ASSAY_TRY(const Oid oid, digest_oid(form.hash));
  const bool has_null = !form.indirect_data.empty() || form.hash == Hash::md5 ||
                        form.hash == Hash::md4 || form.hash == Hash::rmd160;
  return der_sequence({der_oid(oid), has_null ? der_null() : DerBytes()});
}

Oid content_type(const CmsTemplate& form) {
  return form.indirect_data.empty() ? Oid::data : Oid::ms_indirect_data;
}

DerBytes attribute(Oid type, DerBytes value) {
  return der_sequence({der_oid(type), der_set_of({std::move(value)})});
}

DerBytes write_attributes(const CmsTemplate& form, const Digest& digest) {
  std::vector<DerBytes> attributes = {
      attribute(Oid::content_type, der_oid(content_type(form))),
      attribute(Oid::message_digest, der_octet_string(digest.bytes()))};
  if (form.time) attributes.push_back(attribute(Oid::signing_time, der_time(*form.time)));
  return der_set_of(std::move(attributes));
}

// With the tag that it has in SignerInfo (RFC 5652, 5.4: signed as a SET, carried as [0]).
DerBytes retagged(DerBytes bytes, std::uint8_t tag) {
  if (!bytes.empty()) bytes.front() = tag;
  return bytes;
}

Result<DerBytes> signer_identifier(const CmsTemplate& form, const Certificate& certificate) {
  if (form.by_key_identifier) {
    if (!certificate.skid)
      return fail(Reason::not_signable, {}, "the certificate has no subject key identifier");
    return der_element(ber::context(0), certificate.skid->bytes());
  }
  return der_sequence({der_element(ber::kSequence, certificate.issuer.bytes()),
                       der_element(ber::kInteger, certificate.serial.bytes())});
}

DerBytes write_certificates(const SigningCertificate& certificate) {
  std::vector<DerBytes> all = certificate.chain;
  all.insert(all.begin(), certificate.der);
  return der_set_of(std::move(all), ber::context_constructed(0));
}

}  // namespace

Result<PreparedMessage> prepare_message(CmsTemplate form, const SigningKey& key,
                                        const Digest& digest,
                                        std::span<const std::uint8_t> content) {
  PreparedMessage prepared;
  prepared.form = std::move(form);
  prepared.request = {digest, content};
  if (!prepared.form.signed_attributes) return prepared;
  prepared.attributes = write_attributes(prepared.form, digest);
  prepared.message = prepared.attributes;
  prepared.request.message = prepared.message;
  if (key.signs_digests()) {
    ASSAY_TRY(prepared.request.digest, compute_digest(prepared.form.hash, prepared.attributes));
  }
  return prepared;
}

Result<DerBytes> write_message(const PreparedMessage& prepared, const SigningKey& key,
                               const SigningCertificate& certificate,
                               const SignatureOctets& value) {
  const CmsTemplate& form = prepared.form;
  const Certificate parsed = parse_certificate(View(certificate.der));
  ASSAY_TRY(const DerBytes digest, digest_algorithm(form));
  ASSAY_TRY(const DerBytes signature, signature_algorithm(key, form.hash));
  ASSAY_TRY(DerBytes identifier, signer_identifier(form, parsed));
  const DerBytes version = der_small_integer(form.by_key_identifier ? 3 : 1);
  const DerBytes signer = der_sequence({version, std::move(identifier), digest,
                                        retagged(prepared.attributes, ber::context_constructed(0)),
                                        signature, der_octet_string(value)});
  const DerBytes carried = form.indirect_data.empty()
                               ? DerBytes()
                               : der_element(ber::context_constructed(0), form.indirect_data);
  const DerBytes signed_data = der_sequence(
      {version, der_set_of({digest}), der_sequence({der_oid(content_type(form)), carried}),
       form.embeds_certificates ? write_certificates(certificate) : DerBytes(),
       der_set_of({signer})});
  DerBytes message = der_sequence(
      {der_oid(Oid::signed_data), der_element(ber::context_constructed(0), signed_data)});
  // lib/asn1_decoder.c takes no more (EMSGSIZE).
  if (message.size() > ber::kMaxSize)
    return fail(
        Reason::not_signable, {},
        fmt::format("a message of {} bytes, kernels take {}", message.size(), ber::kMaxSize));
  return message;
}

DerBytes write_public_key(const SigningCertificate& certificate) {
  const Certificate parsed = parse_certificate(View(certificate.der));
  if (parsed.fault) return {};
  const auto copy = [](View view) { return DerBytes(view.bytes().begin(), view.bytes().end()); };
  return der_sequence(
      {der_sequence({der_element(ber::kOid, parsed.key_algo_oid.bytes()), copy(parsed.key_params)}),
       der_element(ber::kBitString, {DerBytes{0}, copy(parsed.key)})});
}

Result<void> check_same_key(const SigningCertificate& certificate, const SigningKey& key) {
  const Certificate parsed = parse_certificate(View(certificate.der));
  if (parsed.fault) return fail(Reason::not_a_certificate, {}, describe(*parsed.fault));
  if (write_public_key(certificate) != key.public_key)
    return fail(Reason::key_mismatch, {}, name_text(parsed.subject));
  return {};
}

}  // namespace assay
