// crypto/hash.h - message digests, by the kernel's names for them, computed by libcrypto.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/view.h"

namespace assay {

enum class Hash : std::uint8_t {
  md4,
  md5,
  sha1,
  rmd160,
  sha224,
  sha256,
  sha384,
  sha512,
  sha3_256,
  sha3_384,
  sha3_512,
  sm3,
  streebog256,
  streebog512,
};
inline constexpr std::size_t kHashCount = 14;
inline constexpr std::size_t kMaxDigestSize = 64;

std::string_view hash_name(Hash hash);  // the kernel's: "sha256", "sha3-256"
std::optional<Hash> find_hash(std::string_view name);
std::size_t digest_size(Hash hash);

// False for what this libcrypto does not offer (streebog; md4 without the legacy provider).
bool hash_available(Hash hash);

class Digest {
 public:
  Digest() = default;
  // Requires bytes.size() <= kMaxDigestSize.
  Digest(Hash hash, std::span<const std::uint8_t> bytes);

  Hash hash() const { return hash_; }
  std::span<const std::uint8_t> bytes() const { return std::span(bytes_).first(size_); }
  std::size_t size() const { return size_; }
  std::string hex() const;
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  Hash hash_ = Hash::sha256;
  std::uint8_t size_ = 0;
  std::array<std::uint8_t, kMaxDigestSize> bytes_{};
};

// Nothing where it is not among them.
const Digest* find_digest(std::span<const Digest> digests, Hash hash);

// A digest computed piece by piece. crypto_unavailable when hash_available says no.
class Hasher {
 public:
  static Result<Hasher> make(Hash hash);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::span<const std::uint8_t> bytes);
  // The bytes [offset, offset + size) of an artifact, read in pieces where it is not in memory.
  Result<void> update(const Content& content, std::uint64_t offset, std::uint64_t size);
  // Another that has been given the same so far.
  Result<Hasher> fork() const;
  Digest finish() &&;

 private:
  struct Context;
  Hasher(Hash hash, std::unique_ptr<Context> context);

  Hash hash_;
  std::unique_ptr<Context> context_;
};

Result<Digest> compute_digest(Hash hash, std::span<const std::uint8_t> bytes);

// Over the bytes [offset, offset + size) of an artifact, read in pieces where it is not in memory.
Result<Digest> compute_digest(Hash hash, const Content& content, std::uint64_t offset,
                              std::uint64_t size);

}  // namespace assay
