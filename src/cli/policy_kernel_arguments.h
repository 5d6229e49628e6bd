// cli/policy_kernel_arguments.h - options that describe the kernel whose parser a policy meets.

#pragma once

#include <string>

#include "ima/state.h"
#include "signatures/kernel.h"

namespace CLI {
class App;
}

namespace assay {

// Owns what an ImaSetup refers to.
struct PolicyKernel {
  KernelId id;
  std::string id_from;  // "--kernel-version", "the configuration", "the newest known"
  KernelConfig config;
  KernelCrypto crypto;
  std::string cmdline;
  Truth secure_boot = Truth::no;

  ImaSetup setup() const { return {config, crypto, cmdline, secure_boot, Truth::no}; }
};

class PolicyKernelArguments {
 public:
  void add_options(CLI::App& app);
  Result<void> check() const;
  // The version is the option's, else that of the heading of the configuration.
  Result<PolicyKernel> read() const;
  bool names_builtin_policies() const { return !cmdline_.empty(); }

 private:
  std::string version_;
  std::string config_;
  std::string cmdline_;
  bool secure_boot_ = false;
};

// A file of text, up to the limit of configurations.
Result<std::vector<std::uint8_t>> read_text_file(const std::string& path);

}  // namespace assay
