// crypto/prefix_hash.h - digests of contents that begin alike: what they share is hashed once.

#pragma once

#include <cstdint>
#include <utility>

#include "base/result.h"
#include "bytes/content.h"
#include "crypto/hash.h"

namespace assay {

class PrefixHash {
 public:
  // Of the first `size` bytes; requires that there are so many. crypto_unavailable when
  // hash_available says no.
  static Result<PrefixHash> make(Hash hash, const Content& content, std::uint64_t size);

  std::uint64_t size() const { return size_; }
  // The digest of all of `content`, which begins with these bytes (nobody looks whether it does).
  Result<Digest> finish(const Content& content) const;

 private:
  PrefixHash(Hasher hasher, std::uint64_t size) : hasher_(std::move(hasher)), size_(size) {}

  Hasher hasher_;
  std::uint64_t size_;
};

}  // namespace assay
