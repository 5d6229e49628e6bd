// crypto/prefix_hash.h - digests of contents that begin alike: what they share is hashed once.

#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "bytes/content.h"
#include "crypto/hash.h"

namespace assay {

class PrefixHash {
 public:
  // Of the first `size` bytes; requires that there are so many. crypto_unavailable when
  // hash_available says no.
  static Result<PrefixHash> make(Hash hash, const Content& content, std::uint64_t size);
  PrefixHash(PrefixHash&&) noexcept;
  PrefixHash& operator=(PrefixHash&&) noexcept;
  ~PrefixHash();

  std::uint64_t size() const { return size_; }
  // The digest of all of `content`, which begins with these bytes (nobody looks whether it does).
  Result<Digest> finish(const Content& content) const;

 private:
  struct Context;
  PrefixHash(Hash hash, std::uint64_t size, std::unique_ptr<Context> context);

  Hash hash_;
  std::uint64_t size_;
  std::unique_ptr<Context> context_;
};

}  // namespace assay
