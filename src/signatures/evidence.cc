#include "signatures/evidence.h"

#include <utility>

namespace assay {

namespace {

std::optional<Digest> digest_attributes(const CmsSigner& signer) {
  const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
  if (!signer.authattrs || algorithm == nullptr) return std::nullopt;
  auto hasher = Hasher::make(algorithm->hash);
  if (!hasher) return std::nullopt;
  const std::uint8_t set_tag = ber::kSet;
  const auto attributes = signer.authattrs->raw.bytes();
  hasher->update(std::span(&set_tag, 1));
  hasher->update(attributes.subspan(1));
  return std::move(*hasher).finish();
}

}  // namespace

SignatureEvidence::SignatureEvidence(std::vector<std::uint8_t> message, std::uint64_t origin)
    : origin_(origin) {
  restore(std::move(message));
}

void SignatureEvidence::restore(std::vector<std::uint8_t> message) {
  message_ = std::move(message);
  cms_ = parse_cms(View(message_, origin_));
  cache_ = std::make_unique<PrimitiveCache>();
  for (const View certificate : cms_.certificates)
    certificates_.push_back(std::make_unique<const PreparedCertificate>(certificate));
  for (const CmsSigner& signer : cms_.signers)
    attributes_digests_.push_back(digest_attributes(signer));
}

std::vector<std::uint8_t> SignatureEvidence::give_message() {
  cache_.reset();
  decltype(attributes_digests_)().swap(attributes_digests_);
  decltype(certificates_)().swap(certificates_);
  cms_ = CmsMessage();
  return std::exchange(message_, {});
}

std::size_t SignatureEvidence::weight() const {
  constexpr std::size_t kRemembered = 1024;  // of public-key operations, for each signer
  return message_.size() + cms_.items.size() * sizeof(CmsItem) +
         cms_.signers.size() * (sizeof(CmsSigner) + sizeof(Digest) + kRemembered) +
         cms_.certificates.size() * sizeof(PreparedCertificate);
}

std::vector<Hash> SignatureEvidence::wanted_hashes() const {
  std::vector<Hash> hashes;
  for (const CmsSigner& signer : cms_.signers) {
    const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
    if (algorithm != nullptr && hash_available(algorithm->hash) &&
        std::ranges::find(hashes, algorithm->hash) == hashes.end())
      hashes.push_back(algorithm->hash);
  }
  return hashes;
}

Result<void> SignatureEvidence::digest_data(const Content& file, std::uint64_t offset,
                                            std::uint64_t size) {
  for (const Hash hash : wanted_hashes()) {
    auto digest = cms_.content ? compute_digest(hash, cms_.content->content.bytes())
                               : compute_digest(hash, file, offset, size);
    if (!digest) return std::unexpected(std::move(digest).error());
    content_digests_.push_back(*digest);
  }
  return {};
}

Result<std::vector<Digest>> SignatureEvidence::digest_appended(const Content& file,
                                                               std::uint64_t payload_size) {
  std::vector<Digest> whole;
  if (cms_.content) {
    ASSAY_CHECK(digest_data(file, 0, payload_size));
    return whole;
  }
  for (const Hash hash : wanted_hashes()) {
    ASSAY_TRY(Hasher payload, Hasher::make(hash));
    ASSAY_CHECK(payload.update(file, 0, payload_size));
    ASSAY_TRY(Hasher all, payload.fork());
    ASSAY_CHECK(all.update(file, payload_size, file.size() - payload_size));
    content_digests_.push_back(std::move(payload).finish());
    whole.push_back(std::move(all).finish());
  }
  return whole;
}

const Digest* SignatureEvidence::content_digest(Hash hash) const {
  return find_digest(content_digests_, hash);
}

const Digest* SignatureEvidence::attributes_digest(std::size_t signer) const {
  return attributes_digests_[signer] ? &*attributes_digests_[signer] : nullptr;
}

}  // namespace assay
