#include "survey/package_platform.h"

#include "platforms/fill_keyring.h"
#include "platforms/host_keyrings.h"
#include "platforms/installed_kernel.h"
#include "platforms/module_hashes_section.h"
#include "trust/boot_state.h"

namespace assay {

Platform platform_for_verify(const KernelId& kernel) {
  Platform platform;
  platform.kernel = kernel;
  platform.config.set("CONFIG_MODULE_SIG", "y");
  platform.state.ipl_secure = true;  // s390 looks at a signature only then
  return platform;
}

Platform platform_for_package(const ImageTrust& image, const ConfigFile* config,
                              const std::optional<std::string>& cmdline) {
  Platform platform;
  platform.name = "package of " + image.name;
  platform.kernel = image.kernel.id;
  platform.secondary_is_complete = false;
  if (config != nullptr) platform.config = *config->config;
  platform.signatures = signatures_of(platform.config, Truth::unknown);
  mark_absent_rings(platform);
  if (image.module_hashes)
    platform.module_hashes = module_hashes_of(*image.module_hashes, platform.config);
  // As it is after boot: root has turned nothing off, and loaded no policy.
  platform.cmdline = cmdline;
  if (says_nomodule(platform) == Truth::no) platform.state.modules_disabled = false;
  if (has_lockdown(platform) == Truth::no) platform.state.lockdown = Lockdown::none;
  platform.state.kexec_load_disabled = false;
  platform.ima.policy_is_known = true;
  return platform;
}

Result<Platform> platform_of_image(const std::string& path,
                                   const std::optional<std::string>& cmdline) {
  ASSAY_TRY(const auto image, open_image_trust(path));
  const auto config = find_config_beside(*image);
  if (config && !config->config)
    return std::unexpected(with_path(config->config.error(), config->name));
  Platform platform = platform_for_package(*image, config.get(), cmdline);
  ASSAY_CHECK(check_command_line(platform));
  platform.name = image->name;
  platform.release = image->release;
  platform.platform_is_complete = false;
  // A kernel without a list has no CONFIG_MODULE_SIG perhaps.
  if (image->error) return platform;
  std::vector<ListedKey> keys;
  for (const auto& certificate : image->certificates)
    keys.push_back({certificate, KeyState::good, image->name});
  std::vector<std::string> refused;
  platform.ring(Ring::builtin_trusted_keys) =
      fill_keyring(Ring::builtin_trusted_keys, keys, platform, refused);
  set_secondary(platform,
                std::make_shared<Keyring>(std::string(ring_name(Ring::secondary_trusted_keys))),
                default_secondary_links(platform));
  return platform;
}

}  // namespace assay
