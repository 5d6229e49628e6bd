#include "compare/record_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/signature_check.h"
#include "edit/cms_writer.h"
#include "edit/message_check.h"
#include "formats/appended_signature.h"
#include "formats/ima_xattr.h"
#include "ima/hash_algo.h"
#include "signatures/certificate.h"

namespace assay {

namespace {

constexpr std::uint8_t kIdTypeMerkle = 3;

// Is the signature of `child` one by the key of `issuer`?
bool signs(const Certificate& issuer, const Certificate& child) {
  if (!same_bytes(issuer.subject, child.issuer)) return false;
  const SigningCertificate holder{{issuer.raw.bytes().begin(), issuer.raw.bytes().end()}, {}};
  const auto public_key = write_public_key(holder);
  const auto key = describe_public_key(View(public_key));
  const std::optional<Digest> digest = PreparedCertificate(child.raw).own_tbs_digest();
  if (!key || !digest) return false;
  SignRequest request{*digest, {}};
  if (!key->signs_digests()) request.message = child.tbs.bytes();
  return check_signature(*key, request,
                         {child.signature.bytes().begin(), child.signature.bytes().end()})
      .has_value();
}

class MessageAudit {
 public:
  explicit MessageAudit(const CmsMessage& message) : message_(message) {}

  std::vector<Uncovered> run() {
    structure_ = message_.raw.size();
    for (const CmsSigner& signer : message_.signers) count(signer);
    if (message_.content) take(message_.content->raw.size());
    count_certificates();
    const std::uint64_t allowed = kMessageStructure + kSignerStructure * message_.signers.size();
    if (structure_ > allowed)
      uncovered_.push_back({fmt::format("structure of the message beyond {} bytes", allowed),
                            {message_.raw.extent().offset, structure_ - allowed}});
    if (!message_.trailing.empty())
      uncovered_.push_back({"bytes behind the message", message_.trailing.extent()});
    return std::move(uncovered_);
  }

 private:
  void take(std::uint64_t size) { structure_ -= std::min(structure_, size); }

  void count(const CmsSigner& signer) {
    if (!signer.unauthattrs.raw.empty()) {
      uncovered_.push_back({"unauthenticated attributes", signer.unauthattrs.raw.extent()});
      take(signer.unauthattrs.raw.size());
    }
    if (signer.authattrs) take(signer.authattrs->raw.size());
    take(signer.signature.size());
    take(signer.issuer.size() + signer.serial.size());
    if (signer.by_skid) take(signer.sid.first.size());
  }

  // From the signers' certificates upwards.
  void count_certificates() {
    std::vector<Certificate> parsed;
    for (const View der : message_.certificates) {
      parsed.push_back(parse_certificate(der));
      take(der.size());
    }
    std::vector<bool> is_covered(parsed.size());
    std::vector<std::size_t> covered;
    const auto cover = [&](std::size_t i) {
      if (is_covered[i]) return;
      is_covered[i] = true;
      covered.push_back(i);
    };
    for (std::size_t i = 0; i < parsed.size(); ++i)
      for (const CmsSigner& signer : message_.signers)
        if (!parsed[i].fault && names_certificate(signer, parsed[i])) cover(i);
    for (std::size_t at = 0; at < covered.size(); ++at)
      for (std::size_t i = 0; i < parsed.size(); ++i)
        if (!is_covered[i] && !parsed[i].fault && signs(parsed[i], parsed[covered[at]])) cover(i);
    for (std::size_t i = 0; i < parsed.size(); ++i)
      if (!is_covered[i])
        uncovered_.push_back(
            {"a certificate that no signature leads to", message_.certificates[i].extent()});
  }

  const CmsMessage& message_;
  std::uint64_t structure_ = 0;
  std::vector<Uncovered> uncovered_;
};

}  // namespace

std::vector<Uncovered> find_uncovered(const CmsMessage& message) {
  if (message.fault || message.signers.empty())
    return {{"no message that can be read", message.raw.extent()}};
  return MessageAudit(message).run();
}

std::vector<Uncovered> find_uncovered_appended(View bytes) {
  const auto trailer = read_signature_trailer(ViewContent(bytes));
  if (!trailer || !trailer->splits) return {{"no signature that can be read", bytes.extent()}};
  const View message = bytes.sub(0, trailer->before_block);
  if (trailer->block->id_type == kIdTypeMerkle) return {};
  if (trailer->block->id_type != kIdTypePkcs7)
    return {{"a signature of a kind that is not checked", message.extent()}};
  return find_uncovered(parse_cms(message));
}

std::vector<Uncovered> find_uncovered_attribute(View value) {
  const ImaXattr xattr = read_ima_xattr(value);
  std::size_t covered = value.size();
  if (xattr.is(ImaXattrType::digest_ng)) {
    const HashAlgo* algo = find_hash_algo(xattr.second);
    covered = 2 + (algo != nullptr ? algo->size : 0);
  } else if (xattr.is(ImaXattrType::digest) && value.size() > 1 + hash_algo_of(Hash::sha1).size) {
    // Of MD5 or SHA-1 by its size, else of the default algorithm (ima_get_hash_algo).
    covered = 1 + hash_algo_of(Hash::sha256).size;
  }
  if (value.size() <= covered) return {};
  return {{"bytes behind the digest", {covered, value.size() - covered}}};
}

std::uint64_t total_size(const std::vector<Uncovered>& uncovered) {
  std::uint64_t size = 0;
  for (const Uncovered& one : uncovered) size += one.where.size;
  return size;
}

}  // namespace assay
