#include "crypto/hash.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/hex.h"

namespace assay {

namespace {

struct Row {
  Hash hash;
  std::string_view name;
  const char* libcrypto;  // nullptr: libcrypto has none
  std::uint8_t size;
};

constexpr Row kRows[] = {
    {Hash::md4, "md4", "MD4", 16},
    {Hash::md5, "md5", "MD5", 16},
    {Hash::sha1, "sha1", "SHA1", 20},
    {Hash::rmd160, "rmd160", "RIPEMD160", 20},
    {Hash::sha224, "sha224", "SHA224", 28},
    {Hash::sha256, "sha256", "SHA256", 32},
    {Hash::sha384, "sha384", "SHA384", 48},
    {Hash::sha512, "sha512", "SHA512", 64},
    {Hash::sha3_256, "sha3-256", "SHA3-256", 32},
    {Hash::sha3_384, "sha3-384", "SHA3-384", 48},
    {Hash::sha3_512, "sha3-512", "SHA3-512", 64},
    {Hash::sm3, "sm3", "SM3", 32},
    {Hash::streebog256, "streebog256", nullptr, 32},
    {Hash::streebog512, "streebog512", nullptr, 64},
};
static_assert(std::size(kRows) == kHashCount);

const Row& row(Hash hash) { return kRows[static_cast<std::size_t>(hash)]; }

// Fetched once: EVP_MD_fetch looks through the providers each time.
const EVP_MD* method(Hash hash) {
  static const auto methods = [] {
    std::array<EVP_MD*, kHashCount> fetched{};
    for (std::size_t i = 0; i < kHashCount; ++i)
      if (kRows[i].libcrypto != nullptr)
        fetched[i] = EVP_MD_fetch(nullptr, kRows[i].libcrypto, nullptr);
    return fetched;
  }();
  return methods[static_cast<std::size_t>(hash)];
}

}  // namespace

std::string_view hash_name(Hash hash) { return row(hash).name; }

std::optional<Hash> find_hash(std::string_view name) {
  for (const Row& candidate : kRows)
    if (candidate.name == name) return candidate.hash;
  return std::nullopt;
}

std::size_t digest_size(Hash hash) { return row(hash).size; }

bool hash_available(Hash hash) { return method(hash) != nullptr; }

Digest::Digest(Hash hash, std::span<const std::uint8_t> bytes)
    : hash_(hash), size_(static_cast<std::uint8_t>(bytes.size())) {
  std::ranges::copy(bytes, bytes_.begin());
}

std::string Digest::hex() const { return to_hex(bytes()); }

const Digest* find_digest(std::span<const Digest> digests, Hash hash) {
  const auto found = std::ranges::find(digests, hash, &Digest::hash);
  return found == digests.end() ? nullptr : &*found;
}

struct Hasher::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> evp{EVP_MD_CTX_new()};
};

Hasher::Hasher(Hash hash, std::unique_ptr<Context> context)
    : hash_(hash), context_(std::move(context)) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

Result<Hasher> Hasher::make(Hash hash) {
  const EVP_MD* evp = method(hash);
  if (evp == nullptr) return fail(Reason::crypto_unavailable, {}, std::string(hash_name(hash)));
  auto context = std::make_unique<Context>();
  if (context->evp == nullptr || EVP_DigestInit_ex2(context->evp.get(), evp, nullptr) != 1)
    return fail(Reason::crypto_failed, {}, std::string(hash_name(hash)));
  return Hasher(hash, std::move(context));
}

void Hasher::update(std::span<const std::uint8_t> bytes) {
  EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size());
}

Result<void> Hasher::update(const Content& content, std::uint64_t offset, std::uint64_t size) {
  constexpr std::uint64_t kPiece = 256 * 1024;  // fits a second-level cache
  std::vector<std::uint8_t> scratch;
  while (size != 0) {
    const std::uint64_t step = content.memory() ? size : std::min(size, kPiece);
    ASSAY_TRY(const View piece, view_of(content, offset, step, scratch));
    update(piece.bytes());
    offset += step;
    size -= step;
  }
  return {};
}

Result<Hasher> Hasher::fork() const {
  auto copy = std::make_unique<Context>();
  if (copy->evp == nullptr || EVP_MD_CTX_copy_ex(copy->evp.get(), context_->evp.get()) != 1)
    return fail(Reason::crypto_failed, {}, std::string(hash_name(hash_)));
  return Hasher(hash_, std::move(copy));
}

Digest Hasher::finish() && {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_->evp.get(), bytes.data(), &size);
  return Digest(hash_, std::span(bytes).first(size));
}

Result<Digest> compute_digest(Hash hash, std::span<const std::uint8_t> bytes) {
  ASSAY_TRY(Hasher hasher, Hasher::make(hash));
  hasher.update(bytes);
  return std::move(hasher).finish();
}

Result<Digest> compute_digest(Hash hash, const Content& content, std::uint64_t offset,
                              std::uint64_t size) {
  ASSAY_TRY(Hasher hasher, Hasher::make(hash));
  ASSAY_CHECK(hasher.update(content, offset, size));
  return std::move(hasher).finish();
}

}  // namespace assay
