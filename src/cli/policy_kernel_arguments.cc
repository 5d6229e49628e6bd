#include "cli/policy_kernel_arguments.h"

#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "platforms/config_facts.h"
#include "trust/platform.h"

namespace assay {

Result<std::vector<std::uint8_t>> read_text_file(const std::string& path) {
  ASSAY_TRY(const auto file, open_file(path));
  if (file->size() > limits::kConfig)
    return fail(Reason::limit_size, {0, file->size()}, "a policy or configuration");
  std::vector<std::uint8_t> bytes(file->size());
  ASSAY_CHECK(file->read(0, bytes));
  return bytes;
}

void PolicyKernelArguments::add_options(CLI::App& app) {
  const auto add = [&app](const char* name, std::string& value, const char* text,
                          const char* type) {
    app.add_option(name, value, text)->type_name(type)->option_text(type);
  };
  add("--kernel-version", version_,
      "the kernel that is asked (default: that of --config, else the newest known)", "V");
  add("--config", config_, "its Kconfig file, on which some words depend", "FILE");
  add("--cmdline", cmdline_, "its command line, which may name built-in policies", "TEXT");
  app.add_flag("--secure-boot", secure_boot_, "it was booted with Secure Boot");
}

Result<void> PolicyKernelArguments::check() const {
  if (!version_.empty() && !find_kernel_version(version_))
    return fail(Reason::usage, {}, "unknown kernel version " + encode_name(version_));
  return {};
}

Result<PolicyKernel> PolicyKernelArguments::read() const {
  PolicyKernel kernel;
  kernel.cmdline = cmdline_;
  kernel.secure_boot = truth(secure_boot_);
  kernel.id_from = "the newest known";
  if (!config_.empty()) {
    const auto read = [this]() -> Result<KconfigFile> {
      ASSAY_TRY(auto bytes, read_text_file(config_));
      return read_config(std::move(bytes));
    };
    auto file = read();
    if (!file) return std::unexpected(with_path(file.error(), encode_name(config_)));
    kernel.config = std::move(file->config);
    if (const auto arch = arch_of_config(kernel.config)) kernel.id.arch = *arch;
    if (const auto version = version_of_config(file->text)) {
      kernel.id.version = *find_kernel_version(*version);
      kernel.id_from = "the configuration";
    }
  }
  if (!version_.empty()) {
    kernel.id.version = *find_kernel_version(version_);
    kernel.id_from = "--kernel-version";
  }
  kernel.crypto = crypto_of(kernel.config, Truth::unknown);
  return kernel;
}

}  // namespace assay
