#include "platforms/capture.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "formats/kernel_image.h"
#include "ima/platform_ima.h"
#include "platforms/config_facts.h"
#include "platforms/contradictions.h"
#include "platforms/fill_keyring.h"
#include "platforms/host_keyrings.h"
#include "platforms/host_root.h"
#include "platforms/installed_kernel.h"
#include "platforms/module_hashes_section.h"
#include "platforms/secure_boot.h"
#include "sources/source.h"
#include "trust/module_root.h"
#include "trust/system_certificates.h"

namespace assay {

namespace {

Truth autoload_of(const PlatformState& state) {
  return state.module_autoload ? truth(*state.module_autoload) : Truth::unknown;
}

class HostCapture {
 public:
  explicit HostCapture(const std::string& root) : host_(root) {}

  Result<Capture> capture() && {
    ASSAY_CHECK(read_kernel());
    platform_.cmdline = host_.text("/proc/cmdline");
    if (!platform_.cmdline) host_.note("/proc/cmdline: the kernel's command line is not known");
    read_secure_boot(host_, platform_.kernel.arch, platform_.state);
    read_lockdown();
    read_modules();
    read_kexec();
    platform_.signatures = signatures_of(platform_.config, autoload_of(platform_.state));
    read_keyrings(host_, platform_);
    read_ima();
    read_module_hashes();
    if (const auto fits = check_contradictions(platform_); !fits) host_.note(fits.error().detail);
    platform_.name = "host";
    return Capture{std::move(platform_), host_.notes()};
  }

 private:
  Result<void> read_kernel() {
    const auto release = host_.text("/proc/sys/kernel/osrelease");
    const auto banner = host_.text("/proc/version");
    platform_.release = release ? *release : release_of_banner(banner.value_or("")).value_or("");
    const auto version = find_kernel_version(platform_.release);
    if (!version)
      return std::unexpected(Error{Reason::cannot_read,
                                   {},
                                   "the running kernel's release is not known",
                                   encode_name(host_.path("/proc/sys/kernel/osrelease"))});
    find_config();
    platform_.kernel.version = *version;
    platform_.kernel.variant =
        guess_variant(banner.value_or(""))
            .value_or(guess_variant(platform_.release).value_or(Variant::mainline));
    const auto machine = host_.text("/proc/sys/kernel/arch");  // since 6.1
    auto arch = find_arch(machine.value_or(""));
    if (!arch) arch = arch_of_config(platform_.config);
    if (!arch)
      return std::unexpected(Error{Reason::cannot_read,
                                   {},
                                   "the running kernel's architecture is not known",
                                   encode_name(host_.path("/proc/sys/kernel/arch"))});
    platform_.kernel.arch = *arch;
    return {};
  }

  void find_config() {
    std::vector<std::string> candidates{"/proc/config.gz"};
    if (is_plain_release(platform_.release))
      for (std::string& path : installed_configs(platform_.release))
        candidates.push_back(std::move(path));
    for (const std::string& path : candidates) {
      auto bytes = host_.bytes(path);
      if (!bytes) continue;
      const auto config = read_config(std::move(*bytes));
      if (config) {
        platform_.config = config->config;
        return;
      }
      host_.note(fmt::format("{}: {}", path, describe(config.error())));
    }
    host_.note(
        fmt::format("neither /proc/config.gz nor /boot/config-{}: the configuration is not "
                    "known",
                    encode_name(platform_.release)));
  }

  bool is_off(std::string_view option) const { return platform_.config.is_on(option) == Truth::no; }

  // "none [integrity] confidentiality"
  void read_lockdown() {
    const auto text = host_.text("/sys/kernel/security/lockdown");
    for (const Lockdown level : {Lockdown::none, Lockdown::integrity, Lockdown::confidentiality})
      if (text && text->find(fmt::format("[{}]", lockdown_name(level))) != text->npos)
        platform_.state.lockdown = level;
    if (is_off("CONFIG_SECURITY_LOCKDOWN_LSM")) platform_.state.lockdown = Lockdown::none;
    if (!platform_.state.lockdown)
      host_.note("/sys/kernel/security/lockdown: the lockdown level is not known");
  }

  void read_modules() {
    PlatformState& state = platform_.state;
    state.sig_enforce = host_.flag("/sys/module/module/parameters/sig_enforce");
    if (is_off("CONFIG_MODULE_SIG")) state.sig_enforce = false;
    if (!state.sig_enforce)
      host_.note(
          "/sys/module/module/parameters/sig_enforce: whether module signatures are enforced is "
          "not known");
    state.modules_disabled = host_.flag("/proc/sys/kernel/modules_disabled");
    if (!state.modules_disabled)
      host_.note("/proc/sys/kernel/modules_disabled: whether modules may be loaded is not known");
    if (const auto modprobe = host_.text("/proc/sys/kernel/modprobe"))
      state.module_autoload = !modprobe->empty() && !state.modules_disabled.value_or(false);
  }

  void read_kexec() {
    PlatformState& state = platform_.state;
    state.kexec_load_disabled = host_.flag("/proc/sys/kernel/kexec_load_disabled");
    if (!state.kexec_load_disabled)
      host_.note("/proc/sys/kernel/kexec_load_disabled: whether kexec is permitted is not known");
  }

  void read_ima() {
    ImaSettings& ima = platform_.ima;
    if (is_off("CONFIG_IMA")) {
      ima.initial_rules.emplace();
      return;
    }
    if (platform_.config.is_on("CONFIG_IMA_READ_POLICY") != Truth::yes) return guess_ima_policy();
    const auto policy = host_.text(kImaPolicy);
    if (!policy)
      return host_.note(fmt::format("{}: the IMA rules in force are not known", kImaPolicy));
    ima.initial_rules.emplace();
    std::string_view rest = *policy;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (end != 0) ima.initial_rules->emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    // With a rule left out, the others would be another policy.
    if (const auto refused = find_refused_rule(platform_)) {
      host_.note(
          fmt::format("{}: the IMA rules in force are not known: rule {} is not understood ({})",
                      kImaPolicy, refused->index + 1, refused->why));
      ima.initial_rules.reset();
    }
  }

  // A kernel that can neither show its policy nor take a second one removes the file when one is
  // written (security/integrity/ima/ima_fs.c: ima_release_policy).
  void guess_ima_policy() {
    if (is_off("CONFIG_IMA_READ_POLICY") && is_off("CONFIG_IMA_WRITE_POLICY") &&
        host_.exists(kImaPolicy)) {
      platform_.ima.policy_is_known = true;
      return;
    }
    host_.note(
        fmt::format("{}: whether an IMA policy was loaded is not known (kernels with "
                    "CONFIG_IMA_READ_POLICY show it)",
                    kImaPolicy));
  }

  // They are in the image alone: nothing under /proc or /sys tells them.
  void read_module_hashes() {
    if (platform_.config.is_on("CONFIG_MODULE_HASHES") != Truth::yes) return;
    std::string why = "no image of it was found";
    if (is_plain_release(platform_.release))
      for (const std::string& path : installed_images(platform_.release)) {
        if (!host_.exists(path)) continue;
        const auto found = open_module_hashes(host_.path(path), {});
        if (found) platform_.module_hashes = module_hashes_of(*found, platform_.config);
        if (platform_.module_hashes) return;
        why = found ? fmt::format("{}: the version of the series is not known", path)
                    : describe(found.error());
      }
    host_.note(fmt::format("which modules the kernel was built with is not known: {}", why));
  }

  static constexpr std::string_view kImaPolicy = "/sys/kernel/security/ima/policy";

  HostRoot host_;
  Platform platform_;
};

// The kernel's parts among the files of a package.
class PackageParts final : public SourceVisitor {
 public:
  void found(Found found) override {
    const std::string_view name = found.inner_name;
    const std::string_view file = name.substr(name.rfind('/') + 1);
    if (file.starts_with("config-") || file == "config") return add_config(found);
    if (is_likely_image_name(file)) add_image(found);
  }
  void failed(Error error) override {
    if (!error_) error_ = std::move(error);
  }
  void skipped() override {}

  Result<Capture> capture(const std::string& path) && {
    if (!list_ && bare_ && needs_no_certificates(config_of(bare_->banner)))
      list_ = std::move(bare_);
    if (!list_) return std::unexpected(why_nothing(path));
    Capture capture;
    Platform& platform = capture.platform;
    platform.release = release_of_banner(list_->banner).value_or("");
    const auto version = find_kernel_version(platform.release);
    if (!version)
      return std::unexpected(
          Error{Reason::image_unknown, {}, "its release is not known", image_name_});
    platform.config = config_of(list_->banner);
    if (!platform.config.is_known())
      capture.notes.push_back("no configuration of this kernel was found beside it");
    if (!arch_) arch_ = arch_of_config(platform.config);
    if (!arch_)
      return std::unexpected(
          Error{Reason::image_unknown, {}, "its architecture is not known", image_name_});
    platform.kernel = {*version,
                       guess_variant(list_->banner)
                           .value_or(guess_variant(platform.release).value_or(Variant::mainline)),
                       *arch_};
    platform.signatures = signatures_of(platform.config, Truth::unknown);
    fill_rings(capture);
    if (hashes_) platform.module_hashes = module_hashes_of(*hashes_, platform.config);
    platform.name = encode_name(platform.release);
    return capture;
  }

 private:
  // That of the kernel with this banner, or the only one; one that is not known.
  KernelConfig config_of(const std::string& banner) const {
    const auto config = configs_.find("config-" + release_of_banner(banner).value_or(""));
    if (config != configs_.end()) return config->second;
    return configs_.size() == 1 ? configs_.begin()->second : KernelConfig();
  }

  // As far as is known by now.
  bool may_have_hashes() const {
    return configs_.empty() || std::ranges::any_of(configs_, [](const auto& entry) {
             return entry.second.is_on("CONFIG_MODULE_HASHES") != Truth::no;
           });
  }

  Error why_nothing(const std::string& path) const {
    if (error_) return with_path(*error_, encode_name(path));
    return {Reason::image_unknown, {}, "no kernel image in it", encode_name(path)};
  }

  Result<std::unique_ptr<Content>> open(Found& found) {
    if (found.content) return std::move(found.content);
    return open_file(found.path);
  }

  void add_config(Found& found) {
    const auto config = [&]() -> Result<KernelConfig> {
      ASSAY_TRY(const auto content, open(found));
      ContentStream stream(*content);
      ASSAY_TRY(auto bytes, read_all(stream, limits::kConfig));
      ASSAY_TRY(KconfigFile file, read_config(std::move(bytes)));
      return std::move(file.config);
    }();
    if (!config) return failed(with_path(config.error(), found.name));
    configs_.insert_or_assign(found.inner_name.substr(found.inner_name.rfind('/') + 1), *config);
  }

  void add_image(Found& found) {
    if (list_) return;
    auto list = [&]() -> Result<std::optional<SystemCertificates>> {
      ASSAY_TRY(const auto content, open(found));
      ASSAY_TRY(const auto image, find_kernel_image(*content));
      if (!image) return std::nullopt;
      arch_ = image->arch;
      image_name_ = found.name;
      auto certificates = find_system_certificates(*content, *image);
      if (may_have_hashes())
        if (auto hashes = find_module_hashes(*content, *image, {})) hashes_ = std::move(*hashes);
      if (!certificates && certificates.error().reason == Reason::trust_not_found) {
        bare_.emplace();
        bare_->banner = image->banner;
      }
      if (!certificates) return std::unexpected(certificates.error());
      if (certificates->banner.empty()) certificates->banner = image->banner;
      return std::move(*certificates);
    }();
    if (!list) return failed(with_path(list.error(), found.name));
    list_ = std::move(*list);
  }

  void fill_rings(Capture& capture) {
    Platform& platform = capture.platform;
    mark_absent_rings(platform);
    std::vector<ListedKey> keys;
    for (const auto& der : list_->certificates)
      keys.push_back({PreparedCertificate::own(der), KeyState::good, image_name_});
    platform.ring(Ring::builtin_trusted_keys) =
        fill_keyring(Ring::builtin_trusted_keys, keys, platform, capture.notes);
    // Whether further keys are added, and MOKs are there, is decided when it runs.
    platform.secondary_is_complete = platform.has_no(Ring::secondary_trusted_keys);
    std::vector<Ring> links = default_secondary_links(platform);
    if (platform.has_no(Ring::secondary_trusted_keys)) links = {Ring::builtin_trusted_keys};
    set_secondary(platform,
                  std::make_shared<Keyring>(std::string(ring_name(Ring::secondary_trusted_keys))),
                  links);
    if (platform.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST") != Truth::no)
      platform.revoked = fill_revoked({}, platform);
  }

  std::map<std::string, KernelConfig> configs_;
  std::optional<SystemCertificates> list_;
  std::optional<SystemCertificates> bare_;  // of an image without a list: its banner
  std::optional<FoundModuleHashes> hashes_;
  std::optional<Arch> arch_;
  std::string image_name_;
  std::optional<Error> error_;
};

}  // namespace

Result<Capture> capture_host(const std::string& root) { return HostCapture(root).capture(); }

Result<Capture> capture_package(const std::string& path) {
  ASSAY_TRY(const SourceKind kind, source_kind(path));
  ByteBudget budget(limits::kInFlight);
  PackageParts parts;
  walk_source(path, kind, {budget, 1}, parts);
  return std::move(parts).capture(path);
}

Result<Capture> capture_config(const std::string& path) {
  auto captured = [&]() -> Result<Capture> {
    ASSAY_TRY(const auto file, open_file(path));
    ContentStream stream(*file);
    ASSAY_TRY(auto bytes, read_all(stream, limits::kConfig));
    ASSAY_TRY(KconfigFile read, read_config(std::move(bytes)));
    Capture capture;
    Platform& platform = capture.platform;
    platform.config = std::move(read.config);
    const auto version = version_of_config(read.text);
    if (!version) return fail(Reason::bad_value, {}, "its heading names no kernel version");
    const auto arch = arch_of_config(platform.config);
    if (!arch) return fail(Reason::bad_value, {}, "it is for no architecture that is known");
    const std::string salt(platform.config.find("CONFIG_BUILD_SALT").value_or(""));
    platform.release = salt.empty() ? *version : salt;
    platform.kernel = {*find_kernel_version(*version),
                       guess_variant(salt).value_or(Variant::mainline), *arch};
    platform.signatures = signatures_of(platform.config, Truth::unknown);
    mark_absent_rings(platform);
    platform.name = encode_name(platform.release);
    return capture;
  }();
  if (!captured) return std::unexpected(with_path(captured.error(), encode_name(path)));
  return captured;
}

}  // namespace assay
