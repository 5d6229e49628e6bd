#include "ima/evm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/hmac.h"
#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima;

// evm_config_default_xattrnames, in the order in which they are hashed, and the option with which
// what names the inode covers them.
struct Protected {
  std::string_view name;
  std::string_view option;
};
constexpr std::array<Protected, 8> kProtected = {
    {{"security.selinux", "CONFIG_SECURITY_SELINUX"},
     {"security.SMACK64", "CONFIG_SECURITY_SMACK"},
     {"security.SMACK64EXEC", "CONFIG_EVM_EXTRA_SMACK_XATTRS"},
     {"security.SMACK64TRANSMUTE", "CONFIG_EVM_EXTRA_SMACK_XATTRS"},
     {"security.SMACK64MMAP", "CONFIG_EVM_EXTRA_SMACK_XATTRS"},
     {"security.apparmor", "CONFIG_SECURITY_APPARMOR"},
     {"security.ima", "CONFIG_IMA_APPRAISE"},
     {"security.capability", ""}}};

bool has_protected(const ImaEvidence& evidence) {
  return std::ranges::any_of(
      kProtected, [&](const Protected& each) { return evidence.xattrs->contains(each.name); });
}

void append_integer(std::vector<std::uint8_t>& bytes, std::uint64_t value, int size,
                    bool big_endian) {
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big_endian ? size - 1 - i : i);
    bytes.push_back(static_cast<std::uint8_t>(value >> shift & 0xFF));
  }
}

// struct h_misc of a 64-bit kernel.
void append_misc(std::vector<std::uint8_t>& bytes, std::uint64_t inode, std::uint32_t generation,
                 std::uint32_t owner, std::uint32_t group, std::uint16_t mode, bool big_endian) {
  append_integer(bytes, inode, 8, big_endian);
  append_integer(bytes, generation, 4, big_endian);
  append_integer(bytes, owner, 4, big_endian);
  append_integer(bytes, group, 4, big_endian);
  append_integer(bytes, mode, 2, big_endian);
  append_integer(bytes, 0, 2, big_endian);
}

// A signature in security.evm over these bytes. Requires xattr.signature.
Outcome verify_over(Walk& walk, const SignatureVerifier& verifier, const ImaXattr& xattr,
                    const std::vector<std::uint8_t>& data) {
  const HashAlgo* algo = find_hash_algo(xattr.signature->hash_algo);
  const bool known = algo != nullptr && walk.covers(algo->scope) &&
                     walk.settle(has_hash_algo(*algo, verifier.crypto, verifier.config),
                                 "algorithm: of security.evm");
  if (!known) return walk.check(rule::evm_valid, false);
  FileDigest digest{algo, std::nullopt};
  if (algo->hash && hash_available(*algo->hash))
    if (auto computed = compute_digest(*algo->hash, data)) digest.value = *computed;
  return verifier.verify(walk, xattr, digest, verifier.rings.evm);
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
  const bool big_endian = walk.kernel().arch == Arch::s390x;
  return verify_over(walk, verifier, xattr,
                     evm_portable_data(*evidence.xattrs, *evidence.file.owner, *evidence.file.group,
                                       *evidence.mode, big_endian));
}

// What an HMAC, or a signature that names the inode, is over: enabled attributes alone. Nothing
// where something in it is not known.
std::optional<std::vector<std::uint8_t>> local_data(Walk& walk, const KernelConfig& config,
                                                    const ImaEvidence& evidence) {
  const auto is_on = [&](std::string_view option) {
    return walk.settle(config.is_on(option), fmt::format("config: {}", option));
  };
  if (!evidence.file.owner || !evidence.file.group || !evidence.mode || !evidence.inode_number ||
      !evidence.generation)
    return std::nullopt;
  std::vector<std::uint8_t> bytes;
  for (const Protected& each : kProtected) {
    const auto found = evidence.xattrs->find(each.name);
    if (found == evidence.xattrs->end()) continue;
    if (each.option.empty() || is_on(each.option))
      bytes.insert(bytes.end(), found->second.begin(), found->second.end());
  }
  append_misc(bytes, *evidence.inode_number, *evidence.generation, *evidence.file.owner,
              *evidence.file.group, *evidence.mode, walk.kernel().arch == Arch::s390x);
  if (is_on("CONFIG_EVM_ATTR_FSUUID")) {
    if (!evidence.file.filesystem.uuid) return std::nullopt;
    bytes.insert(bytes.end(), evidence.file.filesystem.uuid->begin(),
                 evidence.file.filesystem.uuid->end());
  }
  return bytes;
}

// EVM_XATTR_HMAC: 02 and 20 bytes.
Truth is_hmac(const EvmState& evm, const std::optional<std::vector<std::uint8_t>>& data,
              const ImaXattr& xattr) {
  if (!evm.hmac_key || !data) return Truth::unknown;
  const auto value = compute_hmac(Hash::sha1, *evm.hmac_key, *data);
  if (!value) return Truth::unknown;
  return truth(std::ranges::equal(value->bytes(), xattr.bytes.bytes().subspan(1)));
}

std::string nothing() { return {}; }

}  // namespace

std::span<const std::string_view> evm_protected_names() {
  static const auto kNames = [] {
    std::array<std::string_view, kProtected.size()> names;
    std::ranges::transform(kProtected, names.begin(), &Protected::name);
    return names;
  }();
  return kNames;
}

std::vector<std::uint8_t> evm_portable_data(const Xattrs& xattrs, std::uint32_t owner,
                                            std::uint32_t group, std::uint16_t mode,
                                            bool big_endian) {
  std::vector<std::uint8_t> bytes;
  for (const Protected& each : kProtected)
    if (const auto found = xattrs.find(each.name); found != xattrs.end())
      bytes.insert(bytes.end(), found->second.begin(), found->second.end());
  append_misc(bytes, 0, 0, owner, group, mode, big_endian);
  return bytes;
}

EvmVerdict evm_verify(Walk& walk, const EvmState& evm, const SignatureVerifier& verifier,
                      const ImaEvidence& evidence) {
  const bool hmac = walk.settle(evm.has_hmac_key, "evm: HMAC key");
  const bool ring_is_described = verifier.rings.evm.keys != nullptr;
  if (!hmac &&
      !walk.settle(evm.has_public_key, ring_is_described ? "evm: public key" : "keyrings.evm"))
    return {};
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
  const auto ended = [](const Outcome& bad) {
    return EvmVerdict{bad.failed() ? IntegrityStatus::fail : IntegrityStatus::pass, bad};
  };
  constexpr std::size_t kHmacSize = 21;
  const bool is_whole = xattr->bytes.size() == kHmacSize && hmac;
  if (xattr->is(ImaXattrType::hmac) && is_whole)
    return ended(walk.check(
        rule::evm_valid, is_hmac(evm, local_data(walk, verifier.config, evidence), *xattr),
        evm.hmac_key ? "file: inode, generation, UUID of the file system" : "evm: the HMAC key",
        nothing));
  if (!xattr->is(ImaXattrType::signature) || !xattr->signature)
    return ended(walk.check(rule::evm_valid, false));
  if (const auto data = local_data(walk, verifier.config, evidence))
    return ended(verify_over(walk, verifier, *xattr, *data));
  return ended(walk.check(rule::evm_valid, Truth::unknown,
                          "file: inode, generation, UUID of the file system", nothing));
}

}  // namespace assay
