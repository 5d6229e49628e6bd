#include "signatures/public_key_verify.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::public_key;

bool is_ecdsa_curve(KeyKind kind) { return curve_of(kind).has_value(); }

// EMSA-PKCS1-v1_5 (RFC 8017, 9.2): DigestInfo up to the digest itself. Empty for a digest that the
// kernel's table does not have (rsa_digest_info_*, hash_prefix_*).
std::vector<std::uint8_t> make_digest_info(Hash hash) {
  const auto oid_of = [hash] {
    switch (hash) {
      case Hash::md5: return Oid::md5;
      case Hash::sha1: return Oid::sha1;
      case Hash::rmd160: return Oid::rmd160;
      case Hash::sha224: return Oid::sha224;
      case Hash::sha256: return Oid::sha256;
      case Hash::sha384: return Oid::sha384;
      case Hash::sha512: return Oid::sha512;
      case Hash::sha3_256: return Oid::sha3_256;
      case Hash::sha3_384: return Oid::sha3_384;
      case Hash::sha3_512: return Oid::sha3_512;
      case Hash::md4:
      case Hash::sm3:
      case Hash::streebog256:
      case Hash::streebog512: return Oid::unknown;
    }
    return Oid::unknown;
  };
  const Oid oid = oid_of();
  if (oid == Oid::unknown) return {};
  const auto content = oid_content(oid);
  const auto size = static_cast<std::uint8_t>(content.size());
  const auto digest = static_cast<std::uint8_t>(digest_size(hash));
  std::vector<std::uint8_t> info{ber::kSequence, static_cast<std::uint8_t>(8 + size + digest),
                                 ber::kSequence, static_cast<std::uint8_t>(4 + size),
                                 ber::kOid,      size};
  info.insert(info.end(), content.begin(), content.end());
  info.insert(info.end(), {ber::kNull, 0, ber::kOctetString, digest});
  return info;
}

std::span<const std::uint8_t> digest_info(Hash hash) {
  static const auto infos = [] {
    std::array<std::vector<std::uint8_t>, kHashCount> made;
    for (std::size_t i = 0; i < kHashCount; ++i) made[i] = make_digest_info(static_cast<Hash>(i));
    return made;
  }();
  return infos[static_cast<std::size_t>(hash)];
}

bool ecdsa_takes(Hash hash, Walk& walk) {
  switch (hash) {
    case Hash::sha1:
    case Hash::sha224:
    case Hash::sha256:
    case Hash::sha384:
    case Hash::sha512: return true;
    case Hash::sha3_256:
    case Hash::sha3_384:
    case Hash::sha3_512: return walk.covers(Scope::since(kAnchor612));
    default: return false;
  }
}

std::string missing(std::string_view what) { return fmt::format("libcrypto: {}", what); }

class RsaVerifier {
 public:
  RsaVerifier(Walk& walk, const PreparedRsaKey& key, const SignatureValue& signature,
              PrimitiveCache& cache)
      : walk_(walk), key_(key), signature_(signature), cache_(cache) {}

  Outcome verify() {
    if (const Outcome bad = check_key(); bad.failed()) return bad;
    const View value = signature_.value;
    const Extent where = value.extent();
    const bool hashed = !signature_.digest || signature_.digest->size() != 0;
    if (const Outcome bad = walk_.check(
            rule::rsa_length, hashed && value.size() == key_.limb_size, where,
            [&] {
              return hashed ? fmt::format("{} bytes, expected {}", value.size(), key_.limb_size)
                            : fmt::format("without {}", hash_name(*signature_.hash));
            });
        bad.failed())
      return bad;
    if (!key_.key) return open("RSA with this key");
    if (const Outcome bad = check_range(); bad.failed()) return bad;
    const auto& block = cache_.rsa_block(key_, value);
    if (!block) return open("RSA with this key");
    return check_block(*block);
  }

 private:
  Outcome open(std::string_view what) {
    return walk_.check(rule::rsa_digest, Truth::unknown, missing(what),
                       [] { return std::string("not computed"); });
  }

  Outcome check_key() {
    // No extents: the key is one of a certificate, not of the artifact.
    if (const Outcome bad =
            walk_.check(rule::rsa_key, !key_.fault, {},
                        [&] { return key_.fault ? describe(*key_.fault) : std::string(); });
        bad.failed())
      return bad;
    if (const Outcome bad = walk_.check(rule::rsa_numbers, key_.has_modulus && key_.has_exponent);
        bad.failed())
      return bad;
    if (const Outcome bad = walk_.check(
            rule::rsa_number_size, key_.limb_size <= kMaxNumberSize && key_.exponent_fits, {},
            [&] { return fmt::format("modulus of {} bytes", key_.modulus.size()); });
        bad.failed())
      return bad;
    const std::size_t bits = key_.limb_size * 8;
    const bool known =
        bits == 512 || bits == 1024 || bits == 1536 || bits == 2048 || bits == 3072 || bits == 4096;
    return walk_.check(rule::rsa_key_size, known, {}, [&] { return fmt::format("{} bits", bits); });
  }

  Outcome check_range() {
    const auto bytes = signature_.value.bytes();
    const Extent where = signature_.value.extent();
    const bool below = key_.key->compare_with_modulus(bytes) < 0;
    if (const Outcome bad = walk_.check(rule::rsa_below_modulus, below, where); bad.failed())
      return bad;
    const bool above_one = std::ranges::any_of(bytes.first(bytes.size() - 1),
                                               [](std::uint8_t byte) { return byte != 0; }) ||
                           bytes.back() > 1;
    const bool in_range = above_one && key_.key->compare_with_modulus(bytes, true) < 0;
    return walk_.check(rule::rsa_range, in_range, where);
  }

  Outcome check_block(std::span<const std::uint8_t> block) {
    const Extent where = signature_.value.extent();
    const auto start = [&] {
      return "recovered block starts " +
             to_hex(block.first(std::min<std::size_t>(4, block.size())));
    };
    if (const Outcome bad = walk_.check(rule::rsa_first_octet, block[0] == 0, where, start);
        bad.failed())
      return bad;

    constexpr std::size_t kFirstPad = 2;
    constexpr std::size_t kMinPad = 8;
    std::size_t at = kFirstPad;
    while (at < block.size() && block[at] == 0xFF) ++at;
    const bool padded =
        block[1] == 1 && at >= kFirstPad + kMinPad && at < block.size() && block[at] == 0;
    if (const Outcome bad = walk_.check(rule::rsa_padding, padded, where, start); bad.failed())
      return bad;

    auto rest = block.subspan(at + 1);
    const auto info = digest_info(*signature_.hash);
    const bool same_info =
        rest.size() >= info.size() && std::ranges::equal(rest.first(info.size()), info);
    if (const Outcome bad = walk_.check(
            rule::rsa_digest_info, same_info, where,
            [&] { return fmt::format("expected that of {}", hash_name(*signature_.hash)); });
        bad.failed())
      return bad;

    rest = rest.subspan(info.size());
    if (!signature_.digest) return open(hash_name(*signature_.hash));
    return walk_.check(rule::rsa_digest, std::ranges::equal(rest, signature_.digest->bytes()),
                       where, [&] {
                         return fmt::format("signed digest {}, content has {}", to_hex(rest),
                                            signature_.digest->hex());
                       });
  }

  Walk& walk_;
  const PreparedRsaKey& key_;
  const SignatureValue& signature_;
  PrimitiveCache& cache_;
};

class EcdsaVerifier {
 public:
  EcdsaVerifier(Walk& walk, Curve curve, const PreparedEcKey& key, const SignatureValue& signature,
                PrimitiveCache& cache)
      : walk_(walk), curve_(curve), key_(key), signature_(signature), cache_(cache) {}

  Outcome verify() {
    const bool fits = key_.fits_61 == key_.fits_612 || !walk_.covers(Scope::since(kAnchor612))
                          ? key_.fits_61
                          : key_.fits_612;
    if (const Outcome bad = walk_.check(rule::ec_key, fits && key_.key.has_value()); bad.failed())
      return bad;
    BerDecoder ber(signature_.value);
    View r;
    View s;
    ber.enter(ber::kSequence);
    if (const Outcome bad = number(ber, r); bad.failed()) return bad;
    if (const Outcome bad = number(ber, s); bad.failed()) return bad;
    ber.leave();
    if (const Outcome bad = form(ber); bad.failed()) return bad;

    const Extent where = signature_.value.extent();
    const bool in_range = key_.key->in_range(r.bytes()) && key_.key->in_range(s.bytes());
    if (const Outcome bad = walk_.check(rule::ecdsa_range, in_range, where); bad.failed())
      return bad;
    std::optional<bool> holds;
    if (signature_.digest)
      holds = cache_.ecdsa_holds(*key_.key, signature_.value, r, s, *signature_.digest);
    if (!holds)
      return walk_.check(rule::ecdsa_equation, Truth::unknown, missing(hash_name(*signature_.hash)),
                         [] { return std::string("not computed"); });
    return walk_.check(rule::ecdsa_equation, *holds, where);
  }

 private:
  Outcome form(const BerDecoder& ber) {
    return walk_.check(rule::ecdsa_form, ber.ok(),
                       ber.ok() ? signature_.value.extent() : ber.fault()->where,
                       [&] { return ber.ok() ? std::string() : describe(*ber.fault()); });
  }

  // The kernel checks r's size before it looks for s.
  Outcome number(BerDecoder& ber, View& out) {
    BerElement element;
    if (!ber.leaf(ber::kInteger, element)) return form(ber);
    constexpr std::size_t kDigitSize = 8;
    const std::size_t most = (coordinate_size(curve_) + kDigitSize - 1) / kDigitSize * kDigitSize;
    out = element.content;
    const bool fits =
        !out.empty() && (out.size() <= most || (out.size() == most + 1 && out[0] == 0));
    return walk_.check(rule::ecdsa_size, fits, out.extent(),
                       [&] { return fmt::format("{} bytes, at most {}", out.size(), most); });
  }

  Walk& walk_;
  Curve curve_;
  const PreparedEcKey& key_;
  const SignatureValue& signature_;
  PrimitiveCache& cache_;
};

Outcome verify_ml_dsa(Walk& walk, KeyKind kind, const PreparedKey& key,
                      const SignatureValue& signature) {
  constexpr std::size_t kKeySizes[] = {1312, 1952, 2592};  // FIPS 204, table 2
  constexpr std::size_t kSignatureSizes[] = {2420, 3309, 4627};
  const auto set = static_cast<std::size_t>(kind) - static_cast<std::size_t>(KeyKind::ml_dsa_44);
  if (const Outcome bad = walk.check(
          rule::ml_dsa_key_size, key.bytes().size() == kKeySizes[set], {},
          [&] { return fmt::format("{} bytes, expected {}", key.bytes().size(), kKeySizes[set]); });
      bad.failed())
    return bad;
  if (const Outcome bad =
          walk.check(rule::ml_dsa_signature_size, signature.value.size() == kSignatureSizes[set],
                     signature.value.extent(),
                     [&] {
                       return fmt::format("{} bytes, expected {}", signature.value.size(),
                                          kSignatureSizes[set]);
                     });
      bad.failed())
    return bad;
  // OpenSSL has ML-DSA from 3.5 on.
  return walk.check(rule::ml_dsa_equation, Truth::unknown, missing("ML-DSA"),
                    [] { return std::string("not computed"); });
}

}  // namespace

const std::optional<std::vector<std::uint8_t>>& PrimitiveCache::rsa_block(const PreparedRsaKey& key,
                                                                          View signature) {
  for (const RsaEntry& entry : rsa_)
    if (entry.key == &key && entry.signature == signature.bytes().data()) return entry.block;
  std::optional<std::vector<std::uint8_t>> block;
  if (auto made = key.key->apply(signature.bytes(), key.limb_size)) block = std::move(*made);
  rsa_.push_back({&key, signature.bytes().data(), std::move(block)});
  return rsa_.back().block;
}

std::optional<bool> PrimitiveCache::ecdsa_holds(const EcdsaKey& key, View signature, View r, View s,
                                                const Digest& digest) {
  for (const EcdsaEntry& entry : ecdsa_)
    if (entry.key == &key && entry.signature == signature.bytes().data() && entry.digest == digest)
      return entry.holds;
  std::optional<bool> holds;
  if (const auto made = key.verify(r.bytes(), s.bytes(), digest.bytes())) holds = *made;
  ecdsa_.push_back({&key, signature.bytes().data(), digest, holds});
  return holds;
}

Outcome verify_public_key(Walk& walk, KeyKind key_kind, const PreparedKey& key,
                          const SignatureValue& signature, const KernelCrypto& crypto,
                          PrimitiveCache& cache) {
  const bool same_kind =
      key_kind == signature.kind || (is_ecdsa_curve(key_kind) && signature.kind == KeyKind::ecdsa);
  if (const Outcome bad = walk.check(rule::same_kind, same_kind, signature.value.extent(),
                                     [&] {
                                       return fmt::format("signature {}, key {}",
                                                          key_kind_name(signature.kind),
                                                          key_kind_name(key_kind));
                                     });
      bad.failed())
    return bad;

  const auto hash_text = [&] {
    return std::string(signature.hash ? hash_name(*signature.hash) : "none");
  };
  bool hash_fits = true;  // of the template pkcs1(rsa,HASH), which not every digest has
  bool hash_missing = false;
  if (is_ecdsa_curve(key_kind)) {
    const bool takes = signature.hash && ecdsa_takes(*signature.hash, walk);
    if (const Outcome bad = walk.check(rule::ecdsa_hash, takes, {}, hash_text); bad.failed())
      return bad;
  } else if (key_kind == KeyKind::sm2) {
    const bool takes = signature.hash == Hash::sm3;
    if (const Outcome bad = walk.check(rule::sm2_hash, takes, {}, hash_text); bad.failed())
      return bad;
  } else if (key_kind == KeyKind::ecrdsa) {
    const bool takes = signature.hash == Hash::streebog256 || signature.hash == Hash::streebog512;
    if (const Outcome bad = walk.check(rule::ecrdsa_hash, takes, {}, hash_text); bad.failed())
      return bad;
  } else if (is_ml_dsa(key_kind)) {
    const bool takes = !signature.hash || *signature.hash == Hash::sha512;
    if (const Outcome bad = walk.check(rule::ml_dsa_hash, takes, {}, hash_text); bad.failed())
      return bad;
  } else if (key_kind == KeyKind::rsa) {
    hash_fits = signature.hash && !digest_info(*signature.hash).empty();
    // Since 6.12 at the latest the error of the template is passed on (crypto/algboss.c).
    hash_missing = !hash_fits && !walk.covers(Scope::since(kAnchor612));
  }
  const Truth available = crypto.has(key_kind) && truth(!hash_missing);
  if (const Outcome bad = walk.check(
          rule::available, available, fmt::format("config: {}", key_kind_name(key_kind)),
          [&] { return fmt::format("{} with {}", key_kind_name(key_kind), hash_text()); });
      bad.failed())
    return bad;

  if (key_kind == KeyKind::rsa) {
    if (const Outcome bad = walk.check(rule::rsa_hash, hash_fits, {}, hash_text); bad.failed())
      return bad;
    return RsaVerifier(walk, key.rsa(), signature, cache).verify();
  }
  if (const auto curve = curve_of(key_kind))
    return EcdsaVerifier(walk, *curve, key.ec(), signature, cache).verify();
  if (is_ml_dsa(key_kind)) return verify_ml_dsa(walk, key_kind, key, signature);
  return walk.check(rule::available, Truth::unknown, missing(key_kind_name(key_kind)),
                    [] { return std::string("not computed"); });
}

}  // namespace assay
