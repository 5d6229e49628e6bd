#include "ima/signature.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima_sig;

bool is_on(Walk& walk, const KernelConfig& config, std::string_view option) {
  return walk.settle(config.is_on(option), fmt::format("config: {}", option));
}

class Check {
 public:
  Check(Walk& walk, const SignatureVerifier& with, const ImaXattr& xattr, const FileDigest& digest,
        const KnownRing& ring)
      : walk_(walk), with_(with), xattr_(xattr), digest_(digest), ring_(ring) {}

  Outcome run() {
    const bool built = is_on(walk_, with_.config, "CONFIG_INTEGRITY_SIGNATURE");
    if (const Outcome bad = check(rule::built, built); bad.failed()) return bad;
    if (const Outcome bad = check(rule::has_version, xattr_.bytes.size() >= 2); bad.failed())
      return bad;
    if (const Outcome bad = check(rule::ring_present, !ring_.is_absent); bad.failed()) return bad;
    switch (xattr_.second) {
      case 1: return check_v1();
      case 2: return check_asymmetric(false);
      case 3: return check_asymmetric(walk_.covers(Scope::since(kAnchor72)));
      default: return check(rule::known_version, false);
    }
  }

 private:
  Outcome check(const Rule& row, bool holds) {
    return walk_.check(row, holds, xattr_.bytes.extent());
  }

  // digsig_verify (lib/digsig.c): wants a key of the type "user", which only a ring made by user
  // space can have.
  Outcome check_v1() {
    constexpr std::size_t kSmallest = 1 + 15 + 2;  // type, struct signature_hdr, an MPI's length
    const auto bytes = xattr_.bytes;
    if (const Outcome bad = check(rule::v1_size, bytes.size() >= kSmallest); bad.failed())
      return bad;
    constexpr std::size_t kAlgo = 6;
    if (const Outcome bad = check(rule::v1_rsa, bytes[kAlgo] == 0); bad.failed()) return bad;
    const bool closed = is_on(walk_, with_.config, "CONFIG_INTEGRITY_TRUSTED_KEYRING");
    const bool found =
        !closed && walk_.settle(Truth::unknown, fmt::format("{}: keys of type user", ring_.name));
    return check(rule::v1_key, found);
  }

  // asymmetric_verify, asymmetric_verify_v3. `with_id` says that the digest is wrapped here; up to
  // 6.12 the caller has done so, for fs-verity alone.
  Outcome check_asymmetric(bool with_id) {
    const bool built = is_on(walk_, with_.config, "CONFIG_INTEGRITY_ASYMMETRIC_KEYS");
    if (const Outcome bad = check(rule::asymmetric_built, built); bad.failed()) return bad;
    if (const Outcome bad = check(rule::size, xattr_.signature.has_value()); bad.failed())
      return bad;
    const bool early = walk_.covers(Scope::until(kAnchor61));
    if (early)
      if (const Outcome bad = check_header(); bad.failed()) return bad;
    const Key* key = nullptr;
    if (const Outcome bad = find(key); bad.failed() || key == nullptr) return bad;
    const KeyKind kind = key->state.key_kind;
    if (with_id && is_ml_dsa(kind)) return check_hashless(*key);
    if (!early)
      if (const Outcome bad = check_header(); bad.failed()) return bad;
    const bool sm2 = kind == KeyKind::sm2 && early;
    const bool known = kind == KeyKind::rsa || curve_of(kind) || kind == KeyKind::ecrdsa || sm2;
    const auto name = [kind] { return std::string(key_kind_name(kind)); };
    if (const Outcome bad = walk_.check(rule::key_kind, known, xattr_.bytes.extent(), name);
        bad.failed())
      return bad;
    return verify_with(*key, xattr_.second == 3);
  }

  Outcome check_header() {
    const ImaSignature& signature = *xattr_.signature;
    const auto sizes = [&] {
      return fmt::format("sig_size {}, {} bytes follow", signature.sig_size,
                         signature.value.size());
    };
    if (const Outcome bad =
            walk_.check(rule::sig_size, signature.sig_size == signature.value.size(),
                        xattr_.bytes.extent(), sizes);
        bad.failed())
      return bad;
    const HashAlgo* algo = find_hash_algo(signature.hash_algo);
    const bool known = algo != nullptr && walk_.covers(algo->scope);
    return walk_.check(rule::hash_algo, known, xattr_.bytes.extent(),
                       [&] { return fmt::format("hash_algo {}", signature.hash_algo); });
  }

  // request_asymmetric_key: an unknown ring may or may not have the key.
  Outcome find(const Key*& key) {
    const auto& keyid = xattr_.signature->keyid;
    const auto text = [&] { return fmt::format("key id {}", to_hex(keyid)); };
    if (listed_as_black(keyid))
      return walk_.check(rule::key_not_blacklisted, false, xattr_.bytes.extent(), text);
    if (ring_.keys == nullptr) {
      const bool found = walk_.settle(Truth::unknown, ring_.name);
      return walk_.check(rule::key_known, found, xattr_.bytes.extent(), text);
    }
    const KeySearch search = find_key_by_suffix(walk_, *ring_.keys, keyid);
    key = search.key;
    const bool hidden = search.missing.err == Errno::enokey;
    if (search.missing.failed() && !hidden) return search.missing;
    return walk_.check(rule::key_known, key != nullptr, xattr_.bytes.extent(), text);
  }

  bool listed_as_black(const std::array<std::uint8_t, 4>& keyid) {
    const KnownRing& black = with_.rings.blacklist;
    if (black.is_absent) return false;
    if (!is_on(walk_, with_.config, "CONFIG_IMA_BLACKLIST_KEYRING")) return false;
    if (black.keys == nullptr) return !walk_.settle(Truth::unknown, black.name);
    Walk apart(walk_.kernel(), walk_.choices(), false);
    return find_key_by_suffix(apart, *black.keys, keyid).key != nullptr;
  }

  Outcome verify_with(const Key& key, bool over_file_id) {
    const HashAlgo& algo = *find_hash_algo(xattr_.signature->hash_algo);
    SignatureValue signature{key.state.key_kind, algo.hash, digest_.value, xattr_.signature->value};
    if (over_file_id) signature.digest = file_id_digest();
    // An algorithm that no key is used with, or that assay does not compute.
    if (!algo.hash)
      return walk_.settle(Truth::unknown, fmt::format("libcrypto: {}", algo.name))
                 ? Outcome()
                 : check(rule::hash_algo, false);
    return verify_public_key(walk_, key.state.key_kind, key.certificate->key(), signature,
                             with_.crypto, with_.cache);
  }

  // struct ima_file_id: type, algorithm, digest.
  std::vector<std::uint8_t> file_id() const {
    std::vector<std::uint8_t> id{xattr_.type, digest_.algo->number};
    const auto bytes = digest_.value->bytes();
    id.insert(id.end(), bytes.begin(), bytes.end());
    return id;
  }
  std::optional<Digest> file_id_digest() const {
    if (!digest_.value || !digest_.algo->hash) return std::nullopt;
    auto digest = compute_digest(*digest_.algo->hash, file_id());
    if (!digest) return std::nullopt;
    return *digest;
  }

  // asymmetric_verify_v3_hashless: ML-DSA signs the file's identity itself.
  Outcome check_hashless(const Key& key) {
    const ImaSignature& signature = *xattr_.signature;
    if (const Outcome bad =
            check(rule::hashless_size, signature.sig_size == signature.value.size());
        bad.failed())
      return bad;
    const SignatureValue value{key.state.key_kind, std::nullopt, std::nullopt, signature.value};
    return verify_public_key(walk_, key.state.key_kind, key.certificate->key(), value, with_.crypto,
                             with_.cache);
  }

  Walk& walk_;
  const SignatureVerifier& with_;
  const ImaXattr& xattr_;
  const FileDigest& digest_;
  const KnownRing& ring_;
};

}  // namespace

Outcome SignatureVerifier::verify(Walk& walk, const ImaXattr& xattr, const FileDigest& digest,
                                  const KnownRing& ring) const {
  return Check(walk, *this, xattr, digest, ring).run();
}

}  // namespace assay
