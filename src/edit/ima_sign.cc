#include "edit/ima_sign.h"

#include <algorithm>

#include "formats/ber.h"
#include "formats/ima_xattr.h"
#include "ima/evm.h"
#include "ima/hash_algo.h"
#include "sources/file_attributes.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

// What asymmetric_verify takes a key of (7.2: ML-DSA too, with version 3).
Result<void> check_key(const SigningKey& key, std::uint8_t version) {
  if (key.signs_digests()) return {};
  const bool is_ml_dsa = key.algorithm != SigningAlgorithm::ed25519;
  if (is_ml_dsa && version == 3) return {};
  return fail(Reason::not_signable, {},
              std::string("IMA verifies no such signature by ") +
                  std::string(signing_algorithm_name(key.algorithm)));
}

// What is signed: `digest`, or what version 3 makes of it. 6.1 to 7.2 hash the identity of the file
// with the same algorithm, and for ML-DSA not at all, with the number of "none" there.
Result<PreparedImaSignature> prepare_digest(ImaXattrType type, const Digest& digest,
                                            std::uint8_t version) {
  PreparedImaSignature prepared{digest, {}};
  if (version != 3) return prepared;
  prepared.identity = {static_cast<std::uint8_t>(type), hash_algo_of(digest.hash()).number};
  const auto value = digest.bytes();
  prepared.identity.insert(prepared.identity.end(), value.begin(), value.end());
  ASSAY_TRY(prepared.digest, compute_digest(digest.hash(), prepared.identity));
  return prepared;
}

// The attribute with the key's answer.
Result<Bytes> write_signature(ImaXattrType type, const ImaKeyId& key_id,
                              const ImaSignOptions& options, const SignatureOctets& octets) {
  constexpr std::size_t kMostOctets = 0xffff;
  if (octets.size() > kMostOctets)
    return fail(Reason::not_signable, {}, "the signature is longer than its field can say");
  ImaSignature signature;
  signature.version = options.version;
  signature.hash_algo = hash_algo_of(options.hash).number;
  signature.keyid = key_id;
  signature.sig_size = static_cast<std::uint16_t>(octets.size());
  signature.value = View(octets);
  return write_ima_signature(type, signature);
}

Result<Bytes> sign_digest(ImaXattrType type, const Digest& digest, Signer& signer,
                          const ImaKeyId& key_id, const ImaSignOptions& options) {
  ASSAY_TRY(const PreparedImaSignature prepared, prepare_digest(type, digest, options.version));
  ASSAY_TRY(const SignatureOctets octets, sign_one(signer, {prepared.digest, prepared.identity}));
  return write_signature(type, key_id, options, octets);
}

bool is_signature(View attribute) {
  const ImaXattr xattr = read_ima_xattr(attribute);
  return xattr.is(ImaXattrType::signature) || xattr.is(ImaXattrType::verity_signature) ||
         xattr.is(ImaXattrType::portable_signature);
}

// Whether there is a signature that is to stay.
Result<void> check_free(const Artifact& artifact, std::string_view name, Existing existing) {
  const auto found = artifact.attributes.find(std::string(name));
  if (found != artifact.attributes.end() && existing != Existing::replace &&
      is_signature(View(found->second)))
    return fail(Reason::already_signed, {}, found->first);
  return {};
}

Result<RecordPart> change(const Artifact& artifact, std::string_view name, Bytes value,
                          Existing existing) {
  ASSAY_CHECK(check_free(artifact, name, existing));
  RecordPart part;
  part.carrier = RecordPart::Carrier::xattr;
  part.attribute = name;
  if (const auto found = artifact.attributes.find(part.attribute);
      found != artifact.attributes.end())
    part.before = found->second;
  part.after = std::move(value);
  return part;
}

Result<PreparedImaSignature> hash_stored(const Artifact& artifact, const ImaSignOptions& options) {
  ASSAY_TRY(const Digest digest,
            compute_digest(options.hash, *artifact.stored, 0, artifact.stored->size()));
  return prepare_digest(ImaXattrType::signature, digest, options.version);
}

// Whose attributes security.evm covers: those of the file that is written.
Result<Bytes> make_evm_signature(const Artifact& artifact, const Bytes& ima, Signer& signer,
                                 const ImaKeyId& key_id, const ImaSignOptions& options) {
  if (artifact.path.empty())
    return fail(Reason::not_signable, {}, "the owner and the mode of the file are not known");
  ASSAY_TRY(FileAttributes attributes, read_file_attributes(artifact.path));
  if (!options.has_all_attributes) attributes.security.clear();
  attributes.security[std::string(kXattrIma)] = ima;
  const Bytes data = evm_portable_data(attributes.security, attributes.owner, attributes.group,
                                       attributes.mode, false);
  ASSAY_TRY(const Digest digest, compute_digest(options.hash, data));
  ImaSignOptions plain = options;
  plain.version = 2;
  return sign_digest(ImaXattrType::portable_signature, digest, signer, key_id, plain);
}

// With `evm`, which may be empty.
Result<Edited> put_in(const Artifact& artifact, Bytes ima, Bytes evm,
                      const ImaSignOptions& options) {
  Edited edited;
  edited.stored = artifact.stored;
  edited.record.name = artifact.name;
  ASSAY_CHECK(name_sides(artifact, *artifact.plain, *artifact.plain, edited.record));
  ASSAY_TRY(RecordPart part, change(artifact, kXattrIma, std::move(ima), options.existing));
  edited.record.parts.push_back(std::move(part));
  if (!evm.empty()) {
    ASSAY_TRY(RecordPart second, change(artifact, kXattrEvm, std::move(evm), options.existing));
    edited.record.parts.push_back(std::move(second));
  } else if (options.has_all_attributes && artifact.attributes.contains(std::string(kXattrEvm))) {
    edited.notes.emplace_back("security.evm stays, and is of the security.ima before");
  }
  for (const RecordPart& each : edited.record.parts)
    edited.attributes.push_back({each.attribute, each.after});
  return edited;
}

}  // namespace

Result<ImaKeyId> ima_key_id(const SigningCertificate& certificate) {
  const Certificate parsed = parse_certificate(View(certificate.der));
  ImaKeyId id{};
  if (parsed.skid && parsed.skid->size() >= id.size()) {
    std::ranges::copy(parsed.skid->bytes().last(id.size()), id.begin());
    return id;
  }
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha1, parsed.key.bytes()));
  std::ranges::copy(digest.bytes().last(id.size()), id.begin());
  return id;
}

Result<PreparedImaSignature> prepare_ima(const Artifact& artifact, const SigningKey& key,
                                         const ImaSignOptions& options) {
  ASSAY_CHECK(check_key(key, options.version));
  ASSAY_CHECK(check_free(artifact, kXattrIma, options.existing));
  return hash_stored(artifact, options);
}

Result<Bytes> make_ima_signature(const Artifact& artifact, Signer& signer,
                                 const ImaKeyId& key_id, const ImaSignOptions& options) {
  ASSAY_CHECK(check_key(signer.key(), options.version));
  ASSAY_TRY(const PreparedImaSignature prepared, hash_stored(artifact, options));
  ASSAY_TRY(const SignatureOctets octets, sign_one(signer, {prepared.digest, prepared.identity}));
  return write_signature(ImaXattrType::signature, key_id, options, octets);
}

Result<Edited> finish_ima(const Artifact& artifact, const SigningCertificate& certificate,
                          const ImaSignOptions& options, const SignatureOctets& value) {
  ASSAY_TRY(const ImaKeyId key_id, ima_key_id(certificate));
  ASSAY_TRY(Bytes ima, write_signature(ImaXattrType::signature, key_id, options, value));
  return put_in(artifact, std::move(ima), {}, options);
}

Result<Edited> sign_ima(const Artifact& artifact, Signer& signer, const ImaKeyId& key_id,
                        const ImaSignOptions& options) {
  ASSAY_TRY(Bytes ima, make_ima_signature(artifact, signer, key_id, options));
  Bytes evm;
  if (options.evm) {
    ASSAY_TRY(evm, make_evm_signature(artifact, ima, signer, key_id, options));
  }
  return put_in(artifact, std::move(ima), std::move(evm), options);
}

}  // namespace assay
