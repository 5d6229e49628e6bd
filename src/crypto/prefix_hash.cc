#include "crypto/prefix_hash.h"

#include <utility>

namespace assay {

Result<PrefixHash> PrefixHash::make(Hash hash, const Content& content, std::uint64_t size) {
  ASSAY_TRY(Hasher hasher, Hasher::make(hash));
  ASSAY_CHECK(hasher.update(content, 0, size));
  return PrefixHash(std::move(hasher), size);
}

Result<Digest> PrefixHash::finish(const Content& content) const {
  if (content.size() < size_)
    return fail(Reason::bad_length, {0, content.size()}, "shorter than what was hashed");
  ASSAY_TRY(Hasher whole, hasher_.fork());
  ASSAY_CHECK(whole.update(content, size_, content.size() - size_));
  return std::move(whole).finish();
}

}  // namespace assay
