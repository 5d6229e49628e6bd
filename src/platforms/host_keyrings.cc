#include "platforms/host_keyrings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"
#include "bytes/content.h"
#include "formats/kernel_image.h"
#include "platforms/fill_keyring.h"
#include "platforms/installed_kernel.h"
#include "platforms/kernel_keys.h"
#include "platforms/uefi_keys.h"
#include "trust/system_certificates.h"

namespace assay {

namespace {

struct RingOption {
  Ring ring;
  std::string_view option;  // without it the kernel has no such ring
};

constexpr std::array<RingOption, 9> kRingOptions = {{
    {Ring::builtin_trusted_keys, "CONFIG_SYSTEM_TRUSTED_KEYRING"},
    {Ring::secondary_trusted_keys, "CONFIG_SECONDARY_TRUSTED_KEYRING"},
    {Ring::machine, "CONFIG_INTEGRITY_MACHINE_KEYRING"},
    {Ring::platform, "CONFIG_INTEGRITY_PLATFORM_KEYRING"},
    {Ring::ima, "CONFIG_IMA_APPRAISE"},
    {Ring::ima, "CONFIG_INTEGRITY_TRUSTED_KEYRING"},
    {Ring::evm, "CONFIG_EVM"},
    {Ring::ima_blacklist, "CONFIG_IMA_BLACKLIST_KEYRING"},
    {Ring::fs_verity, "CONFIG_FS_VERITY_BUILTIN_SIGNATURES"},
}};

std::uint64_t count_keys(const Keyring& ring) { return ring.keys().size() + ring.links().size(); }

class RingReader {
 public:
  RingReader(HostRoot& host, Platform& platform) : host_(host), platform_(platform) {}

  void read() {
    mark_absent_rings(platform_);
    read_kernel_keys();
    platform_.state.mok_list_trusted = trusts_mok_list(host_, platform_);
    const UefiKeys uefi = read_firmware();
    fill_blocklist(uefi);
    if (const auto keys = read_builtin()) fill(Ring::builtin_trusted_keys, *keys);
    fill_firmware(uefi);
    fill_empty();
    fill_secondary();
    name_unexplained();
  }

 private:
  void read_kernel_keys() {
    const auto text = host_.text("/proc/keys");
    if (text) seen_ = parse_kernel_keys(*text);
    is_visible_ = seen_.rings.contains(ring_name(Ring::builtin_trusted_keys));
    if (!is_visible_ && !platform_.has_no(Ring::builtin_trusted_keys))
      host_.note("/proc/keys does not show the kernel's keyrings (it does to root)");
    if (!is_visible_) return;
    for (const RingOption& row : kRingOptions)
      if (!seen_.rings.contains(ring_name(row.ring)))
        platform_.absent[static_cast<std::size_t>(row.ring)] = true;
  }

  // How many keys the kernel has in a ring.
  std::optional<std::uint64_t> seen_in(std::string_view name) const {
    const auto found = seen_.rings.find(name);
    if (!is_visible_ || found == seen_.rings.end()) return std::nullopt;
    return found->second;
  }

  UefiKeys read_firmware() {
    switch (platform_.kernel.arch) {
      case Arch::x86_64:
      case Arch::arm64:
      case Arch::riscv64: return read_uefi_keys(host_, platform_);
      case Arch::ppc64le:
      case Arch::s390x: break;
    }
    UefiKeys keys;
    keys.is_complete = false;
    return keys;
  }

  void fill_blocklist(const UefiKeys& uefi) {
    Blocklist& blocklist = platform_.signatures.blocklist;
    if (is_visible_) {
      for (const std::string& hash : seen_.hashes) blocklist.add(hash);
    } else {
      for (const std::string& hash : uefi.hashes) blocklist.add(hash);
      if (!platform_.config.find("CONFIG_SYSTEM_BLACKLIST_HASH_LIST").value_or("").empty())
        host_.note("hashes that are compiled into .blacklist are not known");
    }
    if (platform_.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST") == Truth::no) return;
    const auto revoked = fill_revoked(uefi.revoked, platform_);
    platform_.revoked = revoked;
    const auto seen = seen_in(".blacklist");
    const std::uint64_t known = count_keys(*revoked) + seen_.hashes.size();
    if (seen && *seen > known)
      host_.note(fmt::format(".blacklist has {} keys, of which {} are known", *seen, known));
    if (!platform_.config.find("CONFIG_SYSTEM_REVOCATION_KEYS").value_or("").empty() && !seen)
      host_.note("certificates that are compiled into .blacklist are not known");
  }

  // The certificates in the installed image of the running kernel.
  std::optional<std::vector<ListedKey>> read_builtin() {
    if (platform_.has_no(Ring::builtin_trusted_keys)) return std::nullopt;
    if (!is_plain_release(platform_.release)) return std::nullopt;
    for (const std::string& path : installed_images(platform_.release)) {
      if (!host_.exists(path)) continue;
      const auto list = read_image(host_.path(path));
      if (!list) {
        host_.note(fmt::format("{}: {}", path, describe(list.error())));
        continue;
      }
      if (release_of_banner(list->banner) != platform_.release) {
        host_.note(fmt::format("{} is another kernel: {}", path, encode_name(list->banner)));
        continue;
      }
      std::vector<ListedKey> keys;
      for (const auto& der : list->certificates)
        keys.push_back({PreparedCertificate::own(der), KeyState::good, path});
      return keys;
    }
    host_.note(fmt::format("no installed image of {}: its built-in keys are not known",
                           encode_name(platform_.release)));
    return std::nullopt;
  }

  static Result<SystemCertificates> read_image(const std::string& path) {
    ASSAY_TRY(const auto content, open_file(path));
    ASSAY_TRY(const auto image, find_kernel_image(*content));
    if (!image) return fail(Reason::image_unknown);
    ASSAY_TRY(auto list, find_system_certificates(*content, *image));
    if (list.banner.empty()) list.banner = image->banner;
    return list;
  }

  // False where the kernel has more in it than `keys`.
  bool fill(Ring name, const std::vector<ListedKey>& keys) {
    if (platform_.has_no(name)) return true;
    std::vector<std::string> refused;
    const auto ring = fill_keyring(name, keys, platform_, refused);
    for (const std::string& text : refused) host_.note(text);
    for (const Key& key : ring->keys()) known_.insert(key_description(key.certificate->x509()));
    platform_.ring(name) = ring;
    const auto seen = seen_in(ring_name(name));
    const std::uint64_t known = count_keys(*ring);
    if (!seen || *seen == known) return true;
    host_.note(
        fmt::format("{} has {} keys, of which {} were found", ring_name(name), *seen, known));
    is_short_ = is_short_ || *seen > known;
    if (*seen > known && name != Ring::platform) platform_.secondary_is_complete = false;
    return *seen < known;
  }

  void fill_firmware(const UefiKeys& uefi) {
    // Counted by the kernel, what was found may be all there is.
    const auto is_whole = [&](Ring ring, const std::vector<ListedKey>& keys) {
      return uefi.is_complete || seen_in(ring_name(ring)) == keys.size();
    };
    if (is_whole(Ring::machine, uefi.machine)) fill(Ring::machine, uefi.machine);
    if (uefi.platform.empty() && !is_whole(Ring::platform, uefi.platform)) return;
    const bool has_all = fill(Ring::platform, uefi.platform);
    if (platform_.ring(Ring::platform))
      platform_.platform_is_complete = has_all && is_whole(Ring::platform, uefi.platform);
  }

  // A ring without keys is known without their certificates.
  void fill_empty() {
    for (std::size_t i = 0; i < kRingCount; ++i) {
      const auto name = static_cast<Ring>(i);
      if (name == Ring::secondary_trusted_keys || platform_.ring(name) || platform_.has_no(name))
        continue;
      const auto seen = seen_in(ring_name(name));
      if (seen == 0U)
        fill(name, {});
      else if (seen)
        host_.note(fmt::format("{} has {} keys, whose certificates are not known", ring_name(name),
                               *seen));
    }
  }

  // Keys that were added at run time cannot be told from the certificates at hand.
  void fill_secondary() {
    auto own = std::make_shared<Keyring>(std::string(ring_name(Ring::secondary_trusted_keys)));
    if (platform_.has_no(Ring::secondary_trusted_keys)) {
      set_secondary(platform_, std::move(own), {Ring::builtin_trusted_keys});
      return;
    }
    std::vector<Ring> links = default_secondary_links(platform_);
    if (platform_.has_no(Ring::machine)) std::erase(links, Ring::machine);
    const auto seen = seen_in(ring_name(Ring::secondary_trusted_keys));
    if (!seen) {
      platform_.secondary_is_complete = false;
      host_.note(".secondary_trusted_keys may hold keys that were added at run time");
    } else if (*seen > links.size()) {
      platform_.secondary_is_complete = false;
      is_short_ = true;
      host_.note(fmt::format(".secondary_trusted_keys has {} keys that were added at run time",
                             *seen - links.size()));
    }
    set_secondary(platform_, std::move(own), links);
  }

  // The kernel's keys that no certificate at hand explains; the kernel does not say in which ring
  // each of them is.
  void name_unexplained() {
    if (!is_visible_ || !is_short_) return;
    for (const std::string& description : seen_.certificates)
      if (!known_.contains(description))
        host_.note(fmt::format("the kernel has the key {}, whose certificate was not found",
                               encode_name(description)));
  }

  HostRoot& host_;
  Platform& platform_;
  KernelKeys seen_;
  bool is_visible_ = false;
  bool is_short_ = false;  // some ring has more keys than were found
  std::set<std::string, std::less<>> known_;
};

}  // namespace

void mark_absent_rings(Platform& platform) {
  for (const RingOption& row : kRingOptions)
    if (platform.config.is_on(row.option) == Truth::no)
      platform.absent[static_cast<std::size_t>(row.ring)] = true;
}

void read_keyrings(HostRoot& host, Platform& platform) { RingReader(host, platform).read(); }

}  // namespace assay
