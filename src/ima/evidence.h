// ima/evidence.h - all that a file says to IMA, whatever the kernel: its attributes, its digests,
// what is appended to it.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "formats/appended_signature.h"
#include "formats/ima_xattr.h"
#include "ima/event.h"
#include "ima/hash_algo.h"
#include "signatures/evidence.h"

namespace assay {

using Xattrs = std::map<std::string, std::vector<std::uint8_t>, std::less<>>;

// Results of public-key operations, for the very bytes that it lies beside: it knows them by their
// address. A copy of the bytes begins with an empty one.
class CacheBeside {
 public:
  CacheBeside() = default;
  CacheBeside(const CacheBeside&) : CacheBeside() {}
  CacheBeside(CacheBeside&&) = default;
  CacheBeside& operator=(const CacheBeside&) {
    cache_ = std::make_unique<PrimitiveCache>();
    return *this;
  }
  CacheBeside& operator=(CacheBeside&&) = default;
  ~CacheBeside() = default;
  PrimitiveCache& get() const { return *cache_; }

 private:
  std::unique_ptr<PrimitiveCache> cache_ = std::make_unique<PrimitiveCache>();
};

// Not changed once it was asked about: what changes a file makes new evidence.
struct ImaEvidence {
  ImaFile file;
  std::optional<Xattrs> xattrs;  // those of the security namespace; nothing: not known
  std::uint64_t size = 0;
  std::vector<Digest> digests;  // of the whole content
  // The fs-verity digest, where security.ima signs one: with the parameters of the file system, or
  // where it has none (has_verity) with those that are usual.
  std::optional<Digest> verity;
  Truth has_verity = Truth::no;
  // The mode of the inode with its type, for security.evm.
  std::optional<std::uint16_t> mode;
  // For what of security.evm names the inode.
  std::optional<std::uint64_t> inode_number;
  std::optional<std::uint32_t> generation;
  // What is appended, for hooks that have the content in memory. Refer to whoever collected them.
  const SignatureTrailer* trailer = nullptr;
  const SignatureEvidence* appended = nullptr;
  CacheBeside cache;

  // Nothing where the file has none; requires xattrs.
  std::optional<ImaXattr> xattr(std::string_view name) const;
  const Digest* digest(Hash hash) const;
};

// With the digests that kernels may ask for: the one that security.ima names, and `defaults`, which
// are ima_hash= of the platforms.
// `known` are digests of the whole content that were computed before.
Result<ImaEvidence> collect_ima(const Content& content, std::optional<Xattrs> xattrs,
                                const std::vector<const HashAlgo*>& defaults,
                                std::vector<Digest> known = {});

inline constexpr std::string_view kXattrIma = "security.ima";
inline constexpr std::string_view kXattrEvm = "security.evm";

}  // namespace assay
