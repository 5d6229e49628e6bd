#include "platforms/uefi_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "formats/efi_signature_list.h"
#include "platforms/efi_variables.h"

namespace assay {

namespace {

// uefi_skip_cert in load_uefi.c: Apple's T2 firmware, whose variables are not read.
constexpr std::array<std::string_view, 16> kSkippedProducts = {
    "MacBookPro15,1", "MacBookPro15,2", "MacBookPro15,3", "MacBookPro15,4",
    "MacBookPro16,1", "MacBookPro16,2", "MacBookPro16,3", "MacBookPro16,4",
    "MacBookAir8,1",  "MacBookAir8,2",  "MacBookAir9,1",  "Macmini8,1",
    "MacPro7,1",      "iMac20,1",       "iMac20,2",       "iMacPro1,1"};

// Debian's kernels trust MOKs whatever shim says; no longer in 7.2.
constexpr Scope kAlwaysTrusted = Scope::until(kAnchor612).in(Variant::debian);

class UefiReader {
 public:
  UefiReader(HostRoot& host, const Platform& platform)
      : host_(host), platform_(platform), variables_(host) {}

  UefiKeys read() && {
    // Neither EFI nor code that would read its variables: nothing is loaded.
    if (platform_.state.efi == false ||
        platform_.config.is_on("CONFIG_LOAD_UEFI_KEYS") == Truth::no)
      return std::move(keys_);
    if (!platform_.state.efi || !variables_.are_visible()) {
      if (platform_.state.efi)
        host_.note("/sys/firmware/efi/efivars shows no db, dbx or MokListRT");
      keys_.is_complete = false;
      return std::move(keys_);
    }
    if (is_skipped()) return std::move(keys_);
    if (!variables_.exists("MokIgnoreDB", kEfiShimLock))
      add_trusted("db", read_variable("db", kEfiImageSecurity), keys_.platform);
    add_denied("dbx", read_variable("dbx", kEfiImageSecurity));
    if (!platform_.state.secure_boot) keys_.is_complete = false;
    if (!platform_.state.secure_boot.value_or(false)) return std::move(keys_);
    add_denied("MokListXRT", read_variable("MokListXRT", kEfiShimLock));
    read_mok_list();
    return std::move(keys_);
  }

 private:
  using Bytes = std::optional<std::vector<std::uint8_t>>;

  bool is_skipped() {
    const auto vendor = host_.text("/sys/class/dmi/id/sys_vendor");
    const auto product = host_.text("/sys/class/dmi/id/product_name");
    if (!vendor || !product || vendor->find("Apple Inc.") == vendor->npos) return false;
    return std::ranges::any_of(kSkippedProducts, [&](std::string_view skipped) {
      return product->find(skipped) != product->npos;
    });
  }

  // What does not exist is empty; what cannot be read may hold anything.
  Bytes read_variable(std::string_view name, std::string_view guid) {
    if (!variables_.exists(name, guid)) return std::nullopt;
    auto variable = variables_.find(name, guid);
    if (variable) return std::move(variable->data);
    keys_.is_complete = false;
    return std::nullopt;
  }

  EfiSignatureDatabase parse(std::string_view name, const std::vector<std::uint8_t>& bytes) {
    EfiSignatureDatabase database = parse_efi_signature_lists(View(bytes));
    if (database.stops)
      host_.note(
          fmt::format("{}: {}, the kernel stops there too", name, describe(*database.stops)));
    return database;
  }

  static ListedKey key_of(std::string_view name, View der) {
    const auto bytes = der.bytes();
    return {PreparedCertificate::own({bytes.begin(), bytes.end()}), KeyState::good,
            std::string(name)};
  }

  // get_handler_for_db; false where the kernel's parser gives up.
  bool add_trusted(std::string_view name, const Bytes& bytes, std::vector<ListedKey>& keys) {
    if (!bytes) return true;
    const EfiSignatureDatabase database = parse(name, *bytes);
    for (const EfiSignatureList& list : database.lists)
      if (list.type == EfiSignatureType::x509)
        for (const EfiSignature& signature : list.signatures)
          keys.push_back(key_of(name, signature.data));
    return !database.stops;
  }

  // get_handler_for_dbx. A hash of a certificate is written down with the revocation time behind
  // it.
  void add_denied(std::string_view name, const Bytes& bytes) {
    if (!bytes) return;
    for (const EfiSignatureList& list : parse(name, *bytes).lists) {
      for (const EfiSignature& signature : list.signatures) {
        if (list.type == EfiSignatureType::x509)
          keys_.revoked.push_back(key_of(name, signature.data));
        else if (list.type == EfiSignatureType::sha256)
          keys_.hashes.push_back("bin:" + to_hex(signature.data.bytes()));
        else if (list.type == EfiSignatureType::x509_sha256)
          keys_.hashes.push_back("tbs:" + to_hex(signature.data.bytes()));
      }
    }
  }

  // load_moklist_certs.
  void read_mok_list() {
    std::vector<ListedKey> owner_keys;
    constexpr std::string_view kName = "MokListRT";
    bool is_done = false;
    if (variables_.has_mok(kName)) {
      const Bytes bytes = variables_.find_mok(kName);
      if (bytes)
        is_done = add_trusted(kName, bytes, owner_keys);
      else
        keys_.is_complete = false;
    }
    if (!is_done) add_trusted(kName, read_variable(kName, kEfiShimLock), owner_keys);
    if (!platform_.state.mok_list_trusted && !owner_keys.empty()) keys_.is_complete = false;
    for (ListedKey& key : owner_keys) {
      auto& ring = ring_of_mok(key, platform_) == Ring::machine ? keys_.machine : keys_.platform;
      ring.push_back(std::move(key));
    }
  }

  HostRoot& host_;
  const Platform& platform_;
  EfiVariables variables_;
  UefiKeys keys_;
};

}  // namespace

// get_handler_for_mok, add_to_machine_keyring; restrict_link_by_ca, which 6.1 does not have.
Ring ring_of_mok(const ListedKey& key, const Platform& platform) {
  const KernelConfig& config = platform.config;
  if (config.is_on("CONFIG_INTEGRITY_MACHINE_KEYRING") != Truth::yes ||
      !platform.state.mok_list_trusted.value_or(false))
    return Ring::platform;
  if (config.is_on("CONFIG_INTEGRITY_CA_MACHINE_KEYRING") != Truth::yes) return Ring::machine;
  const Certificate& certificate = key.certificate->x509();
  const bool may_enter = certificate.ca && certificate.key_cert_sign &&
                         !(certificate.digital_signature &&
                           config.is_on("CONFIG_INTEGRITY_CA_MACHINE_KEYRING_MAX") == Truth::yes);
  return may_enter ? Ring::machine : Ring::platform;
}

UefiKeys read_uefi_keys(HostRoot& host, const Platform& platform) {
  return UefiReader(host, platform).read();
}

std::optional<bool> trusts_mok_list(const HostRoot& host, const Platform& platform) {
  if (platform.config.is_on("CONFIG_INTEGRITY_MACHINE_KEYRING") != Truth::yes) return std::nullopt;
  const Truth always = kAlwaysTrusted.covers(platform.kernel);
  if (always == Truth::yes) return true;
  if (!platform.state.efi) return std::nullopt;
  // Where no EFI booted it, the kernel trusts what takes the place of MOKs (powerpc).
  if (!*platform.state.efi) return platform.kernel.version > kAnchor61;
  if (host.exists("/sys/firmware/efi/mok-variables/MokListTrustedRT")) return true;
  if (always == Truth::unknown) return std::nullopt;
  return false;
}

}  // namespace assay
