#include "crypto/prefix_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>

namespace assay {

struct PrefixHash::Context {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> evp{EVP_MD_CTX_new()};

  Result<void> update(const Content& content, std::uint64_t from, std::uint64_t end) const {
    constexpr std::uint64_t kPiece = 256 * 1024;  // fits a second-level cache
    std::vector<std::uint8_t> scratch;
    while (from != end) {
      const std::uint64_t size = std::min(kPiece, end - from);
      ASSAY_TRY(const View piece, view_of(content, from, size, scratch));
      if (EVP_DigestUpdate(evp.get(), piece.bytes().data(), piece.size()) != 1)
        return fail(Reason::crypto_failed, {}, "digest");
      from += size;
    }
    return {};
  }
};

PrefixHash::PrefixHash(Hash hash, std::uint64_t size, std::unique_ptr<Context> context)
    : hash_(hash), size_(size), context_(std::move(context)) {}
PrefixHash::PrefixHash(PrefixHash&&) noexcept = default;
PrefixHash& PrefixHash::operator=(PrefixHash&&) noexcept = default;
PrefixHash::~PrefixHash() = default;

Result<PrefixHash> PrefixHash::make(Hash hash, const Content& content, std::uint64_t size) {
  const std::string name(hash_name(hash));
  const EVP_MD* method = hash_available(hash) ? EVP_get_digestbyname(name.c_str()) : nullptr;
  if (method == nullptr) return fail(Reason::crypto_unavailable, {}, name);
  auto context = std::make_unique<Context>();
  if (context->evp == nullptr || EVP_DigestInit_ex2(context->evp.get(), method, nullptr) != 1)
    return fail(Reason::crypto_failed, {}, name);
  ASSAY_CHECK(context->update(content, 0, size));
  return PrefixHash(hash, size, std::move(context));
}

Result<Digest> PrefixHash::finish(const Content& content) const {
  if (content.size() < size_)
    return fail(Reason::bad_length, {0, content.size()}, "shorter than what was hashed");
  const Context rest;
  if (rest.evp == nullptr || EVP_MD_CTX_copy_ex(rest.evp.get(), context_->evp.get()) != 1)
    return fail(Reason::crypto_failed, {}, std::string(hash_name(hash_)));
  ASSAY_CHECK(rest.update(content, size_, content.size()));
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(rest.evp.get(), bytes.data(), &size) != 1)
    return fail(Reason::crypto_failed, {}, std::string(hash_name(hash_)));
  return Digest(hash_, std::span(bytes).first(size));
}

}  // namespace assay
