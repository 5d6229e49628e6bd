// signatures/evidence.h - all that a signature and the data under it say, whatever the kernel.
//
// Collected once for an artifact, by whoever has its bytes; the rules are then applied to it for as
// many kernels as are asked about, without another look at the file.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "crypto/hash.h"
#include "formats/cms.h"
#include "signatures/certificate.h"

namespace assay {

class SignatureEvidence {
 public:
  // `message` is a PKCS#7 message that lies at `origin` in its file.
  SignatureEvidence(std::vector<std::uint8_t> message, std::uint64_t origin);
  SignatureEvidence(SignatureEvidence&&) = default;
  SignatureEvidence& operator=(SignatureEvidence&&) = default;

  // Computes the digests that its signers name, over what they sign: the content that the message
  // carries inside (for msIndirectData its value without the header, RFC 2315, 9.3), or where it
  // carries none the bytes [offset, offset + size) of the file. A digest that libcrypto lacks is
  // left out.
  Result<void> digest_data(const Content& file, std::uint64_t offset, std::uint64_t size);
  // The same, of a signature that is appended to `payload_size` bytes. Gives digests of the whole
  // file, which begins with the payload: those that come of themselves.
  Result<std::vector<Digest>> digest_appended(const Content& file, std::uint64_t payload_size);

  // Gives away the message, and with it all that was read from it: what is large of a signature
  // that waits. The digests of the data stay. Nothing else may be asked until restore().
  std::vector<std::uint8_t> give_message();
  // About how much memory give_message() frees.
  std::size_t weight() const;
  // Requires the bytes that give_message() gave.
  void restore(std::vector<std::uint8_t> message);

  const CmsMessage& cms() const { return cms_; }
  std::size_t size() const { return message_.size(); }
  View bytes() const { return View(message_, origin_); }
  // The embedded certificates, in the order of cms().certificates.
  const std::vector<std::unique_ptr<const PreparedCertificate>>& certificates() const {
    return certificates_;
  }
  // The digest of the data; nothing where it was not computed.
  const Digest* content_digest(Hash hash) const;
  // The digest of a signer's signed attributes, retagged as a SET (RFC 5652, 5.4).
  const Digest* attributes_digest(std::size_t signer) const;
  PrimitiveCache& cache() const { return *cache_; }

 private:
  std::vector<Hash> wanted_hashes() const;

  std::vector<std::uint8_t> message_;
  std::uint64_t origin_;
  CmsMessage cms_;
  std::vector<std::unique_ptr<const PreparedCertificate>> certificates_;
  std::vector<Digest> content_digests_;
  std::vector<std::optional<Digest>> attributes_digests_;
  std::unique_ptr<PrimitiveCache> cache_;
};

}  // namespace assay
