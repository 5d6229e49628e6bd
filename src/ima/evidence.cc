#include "ima/evidence.h"

#include <algorithm>

#include "ima/verity.h"

namespace assay {

std::optional<ImaXattr> ImaEvidence::xattr(std::string_view name) const {
  const auto found = xattrs->find(name);
  if (found == xattrs->end()) return std::nullopt;
  return read_ima_xattr(View(found->second));
}

const Digest* ImaEvidence::digest(Hash hash) const { return find_digest(digests, hash); }

namespace {

// The algorithms that some kernel takes security.ima to name.
std::vector<const HashAlgo*> named_algos(const ImaEvidence& evidence) {
  std::vector<const HashAlgo*> algos;
  if (!evidence.xattrs) return algos;
  const auto xattr = evidence.xattr(kXattrIma);
  if (!xattr) return algos;
  if (xattr->signature) algos.push_back(find_hash_algo(xattr->signature->hash_algo));
  if (xattr->is(ImaXattrType::digest_ng)) algos.push_back(find_hash_algo(xattr->second));
  if (xattr->is(ImaXattrType::digest)) {
    algos.push_back(find_hash_algo("md5"));
    algos.push_back(find_hash_algo("sha1"));
  }
  return algos;
}

// The algorithm of the fs-verity digest that security.ima signs.
std::optional<Hash> verity_hash(const ImaEvidence& evidence) {
  if (!evidence.xattrs) return std::nullopt;
  const auto xattr = evidence.xattr(kXattrIma);
  if (!xattr || !xattr->is(ImaXattrType::verity_signature) || !xattr->signature)
    return std::nullopt;
  const HashAlgo* algo = find_hash_algo(xattr->signature->hash_algo);
  if (algo == nullptr || !algo->hash || !is_verity_hash(*algo->hash)) return std::nullopt;
  return algo->hash;
}

}  // namespace

Result<ImaEvidence> collect_ima(const Content& content, std::optional<Xattrs> xattrs,
                                const std::vector<const HashAlgo*>& defaults,
                                std::vector<Digest> known) {
  ImaEvidence evidence;
  evidence.digests = std::move(known);
  evidence.xattrs = std::move(xattrs);
  evidence.size = content.size();
  std::vector<const HashAlgo*> wanted = named_algos(evidence);
  wanted.insert(wanted.end(), defaults.begin(), defaults.end());
  for (const HashAlgo* algo : wanted) {
    if (algo == nullptr || !algo->hash || !hash_available(*algo->hash)) continue;
    if (evidence.digest(*algo->hash) != nullptr) continue;
    ASSAY_TRY(const Digest digest, compute_digest(*algo->hash, content, 0, content.size()));
    evidence.digests.push_back(digest);
  }
  if (const std::optional<Hash> hash = verity_hash(evidence)) {
    ASSAY_TRY(evidence.verity, compute_verity_digest(*hash, content));
  }
  return evidence;
}

}  // namespace assay
