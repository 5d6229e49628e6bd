#include "ima/evm.h"

#include <array>

#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima;

constexpr std::array<std::string_view, 8> kProtected = {
    "security.selinux",     "security.SMACK64",
    "security.SMACK64EXEC", "security.SMACK64TRANSMUTE",
    "security.SMACK64MMAP", "security.apparmor",
    "security.ima",         "security.capability"};

bool has_protected(const ImaEvidence& evidence) {
  for (const std::string_view name : kProtected)
    if (evidence.xattrs->contains(name)) return true;
  return false;
}

void append_le(std::vector<std::uint8_t>& bytes, std::uint64_t value, int size, bool big_endian) {
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big_endian ? size - 1 - i : i);
    bytes.push_back(static_cast<std::uint8_t>(value >> shift & 0xFF));
  }
}

Outcome verify_portable(Walk& walk, const EvmState& evm, const SignatureVerifier& verifier,
                        const ImaEvidence& evidence, const ImaXattr& xattr, bool& has_form) {
  const bool v3 = evm.requires_sigv3 && walk.covers(Scope::since(kAnchor72));
  has_form = xattr.signature && (!v3 || xattr.second == 3);
  if (!has_form) return walk.check(rule::evm_valid, false);
  const HashAlgo* algo = find_hash_algo(xattr.signature->hash_algo);
  const bool known = algo != nullptr && walk.covers(algo->scope) &&
                     walk.settle(has_hash_algo(*algo, verifier.crypto, verifier.config),
                                 "algorithm: of security.evm");
  if (!known || !evidence.xattrs->contains(kXattrIma)) return walk.check(rule::evm_portable, false);
  if (!evidence.file.owner || !evidence.file.group || !evidence.mode)
    return walk.check(rule::evm_portable, Truth::unknown, "file: owner, group and mode",
                      [] { return std::string(); });
  FileDigest digest{algo, std::nullopt};
  if (algo->hash && hash_available(*algo->hash)) {
    const bool big_endian = walk.kernel().arch == Arch::s390x;
    if (auto computed = compute_digest(
            *algo->hash, evm_portable_data(*evidence.xattrs, *evidence.file.owner,
                                           *evidence.file.group, *evidence.mode, big_endian)))
      digest.value = *computed;
  }
  return verifier.verify(walk, xattr, digest, verifier.rings.evm);
}

}  // namespace

std::span<const std::string_view> evm_protected_names() { return kProtected; }

std::vector<std::uint8_t> evm_portable_data(const Xattrs& xattrs, std::uint32_t owner,
                                            std::uint32_t group, std::uint16_t mode,
                                            bool big_endian) {
  std::vector<std::uint8_t> bytes;
  for (const std::string_view name : kProtected)
    if (const auto found = xattrs.find(name); found != xattrs.end())
      bytes.insert(bytes.end(), found->second.begin(), found->second.end());
  append_le(bytes, 0, 8, big_endian);
  append_le(bytes, 0, 4, big_endian);
  append_le(bytes, owner, 4, big_endian);
  append_le(bytes, group, 4, big_endian);
  append_le(bytes, mode, 2, big_endian);
  append_le(bytes, 0, 2, big_endian);
  return bytes;
}

EvmVerdict evm_verify(Walk& walk, const EvmState& evm, const SignatureVerifier& verifier,
                      const ImaEvidence& evidence) {
  const bool hmac = walk.settle(evm.has_hmac_key, "evm: HMAC key");
  if (!hmac && !walk.settle(evm.has_public_key, "evm: public key")) return {};
  const auto xattr = evidence.xattr(kXattrEvm);
  if (!xattr || xattr->bytes.empty()) {
    if (xattr) return {IntegrityStatus::fail, walk.check(rule::evm_valid, false)};
    if (!has_protected(evidence)) return {IntegrityStatus::no_xattrs, {}};
    return {IntegrityStatus::no_label, walk.check(rule::evm_present, false)};
  }
  if (xattr->is(ImaXattrType::portable_signature)) {
    bool has_form = false;
    const Outcome bad = verify_portable(walk, evm, verifier, evidence, *xattr, has_form);
    if (!bad.failed()) return {IntegrityStatus::pass_immutable, {}};
    return {has_form ? IntegrityStatus::fail_immutable : IntegrityStatus::fail, bad};
  }
  // What depends on the inode's number or on the key of the machine.
  constexpr std::size_t kHmacSize = 21;
  const bool could_be_hmac =
      xattr->is(ImaXattrType::hmac) && xattr->bytes.size() == kHmacSize && hmac;
  const bool could_be_signature =
      xattr->is(ImaXattrType::signature) && xattr->signature.has_value();
  const bool could_hold = could_be_hmac || could_be_signature;
  const Outcome bad = walk.check(rule::evm_valid, could_hold ? Truth::unknown : Truth::no,
                                 "security.evm", [] { return std::string(); });
  return {bad.failed() ? IntegrityStatus::fail : IntegrityStatus::pass, bad};
}

}  // namespace assay
