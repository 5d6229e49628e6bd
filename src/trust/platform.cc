#include "trust/platform.h"

#include <algorithm>

#include "trust/boot_state.h"
#include "trust/command_line.h"

namespace assay {

namespace {

struct RingNames {
  std::string_view key;
  std::string_view name;
};

constexpr std::array<RingNames, kRingCount> kRings = {{
    {"builtin_trusted_keys", ".builtin_trusted_keys"},
    {"secondary_trusted_keys", ".secondary_trusted_keys"},
    {"machine", ".machine"},
    {"platform", ".platform"},
    {"ima", ".ima"},
    {"evm", ".evm"},
    {"ima_blacklist", ".ima_blacklist"},
    {"fs_verity", ".fs-verity"},
}};

// The architectures whose IMA policy depends on EFI's Secure Boot.
bool has_efi_ima_policy(Arch arch) { return arch == Arch::x86_64 || arch == Arch::arm64; }

}  // namespace

std::string_view lockdown_name(Lockdown lockdown) {
  switch (lockdown) {
    case Lockdown::none: return "none";
    case Lockdown::integrity: return "integrity";
    case Lockdown::confidentiality: return "confidentiality";
  }
  return "";
}

std::string_view ring_key(Ring ring) { return kRings[static_cast<std::size_t>(ring)].key; }
std::string_view ring_name(Ring ring) { return kRings[static_cast<std::size_t>(ring)].name; }

std::optional<Ring> find_ring(std::string_view key) {
  for (std::size_t i = 0; i < kRings.size(); ++i)
    if (kRings[i].key == key) return static_cast<Ring>(i);
  return std::nullopt;
}

Truth Platform::has_option(std::string_view option) const {
  if (!cmdline) return Truth::unknown;
  const std::size_t equals = option.find('=');
  return truth(
      std::ranges::any_of(parse_command_line(*cmdline), [&](const BootParameter& parameter) {
        if (parameter.name != option.substr(0, equals)) return false;
        return equals == option.npos ? !parameter.has_value
                                     : parameter.value == option.substr(equals + 1);
      }));
}

// Where nothing makes it true for good, root may have set it since.
Truth Platform::sig_enforce() const {
  if (state.sig_enforce) return truth(*state.sig_enforce);
  if (config.is_on("CONFIG_MODULE_SIG_FORCE") == Truth::yes) return Truth::yes;
  return (config.is_on("CONFIG_MODULE_SIG") && says_sig_enforce(*this)) == Truth::yes
             ? Truth::yes
             : Truth::unknown;
}

Truth Platform::kexec_sig_enforce() const {
  const Truth forced = config.is_on("CONFIG_KEXEC_SIG_FORCE");
  if (forced == Truth::yes || !has_efi_ima_policy(kernel.arch)) return forced;
  return forced || (config.is_on("CONFIG_IMA_ARCH_POLICY") && secure_boot());
}

// Whatever the configuration and the command line do not settle, firmware and root may have.
Truth Platform::locked_down(Lockdown at_least) const {
  if (state.lockdown) return truth(*state.lockdown >= at_least);
  const Lockdown least = std::max(lockdown_of_config(config), lockdown_of_command_line(*this));
  return least >= at_least && has_lockdown(*this) == Truth::yes ? Truth::yes : Truth::unknown;
}

KernelCrypto crypto_of(const KernelConfig& config, Truth autoload) {
  const auto has = [&](std::string_view name) {
    const auto value = config.find(name);
    if (!config.is_known()) return Truth::unknown;
    if (value == "y") return Truth::yes;
    return value == "m" ? autoload : Truth::no;
  };
  KernelCrypto crypto;
  const auto set = [&](Hash hash, Truth value) {
    crypto.hashes[static_cast<std::size_t>(hash)] = value;
  };
  set(Hash::md4, has("CONFIG_CRYPTO_MD4"));
  set(Hash::md5, has("CONFIG_CRYPTO_MD5"));
  set(Hash::sha1, has("CONFIG_CRYPTO_SHA1"));
  set(Hash::rmd160, has("CONFIG_CRYPTO_RMD160"));
  for (const Hash hash : {Hash::sha224, Hash::sha256}) set(hash, has("CONFIG_CRYPTO_SHA256"));
  for (const Hash hash : {Hash::sha384, Hash::sha512}) set(hash, has("CONFIG_CRYPTO_SHA512"));
  for (const Hash hash : {Hash::sha3_256, Hash::sha3_384, Hash::sha3_512})
    set(hash, has("CONFIG_CRYPTO_SHA3"));
  set(Hash::sm3, has("CONFIG_CRYPTO_SM3") || has("CONFIG_CRYPTO_SM3_GENERIC"));
  for (const Hash hash : {Hash::streebog256, Hash::streebog512})
    set(hash, has("CONFIG_CRYPTO_STREEBOG"));
  crypto.rsa = has("CONFIG_CRYPTO_RSA");
  crypto.ecdsa = has("CONFIG_CRYPTO_ECDSA");
  crypto.ecrdsa = has("CONFIG_CRYPTO_ECRDSA");
  crypto.sm2 = has("CONFIG_CRYPTO_SM2");
  crypto.ml_dsa = has("CONFIG_CRYPTO_MLDSA");
  return crypto;
}

SignatureContext signatures_of(const KernelConfig& config, Truth autoload) {
  SignatureContext context;
  context.crypto = crypto_of(config, autoload);
  context.waive_mldsa_attributes = config.is_on("CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA");
  return context;
}

}  // namespace assay
