// cli/hashes_plan.h - assay hashes plan: what it takes to load these modules on that kernel.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/kernel_hashes_arguments.h"
#include "cli/signer_arguments.h"
#include "survey/hashes_plan.h"

namespace assay {

class HashesPlanRun {
 public:
  void add_to(CLI::App& app);

  // What the other actions take too.
  struct Given {
    const std::vector<std::string>& paths;
    const KernelHashesArguments& kernel;
    std::string order;
    ModuleHashesFormat format;
    bool without_signatures;
    bool big_endian;
  };
  Result<void> check(const KernelHashesArguments& kernel) const;
  Result<ExitStatus> run(const CommonOptions& common, const Given& given, Output& output) const;

  // The kernel and its state, as --platform or the image says; nothing where neither is given, or
  // the image is not whole. `hashes` are what it was built with.
  Result<std::optional<Platform>> find_platform(const KernelHashesArguments& kernel,
                                                const ModuleHashes& hashes) const;

 private:
  Result<Platform> load_one(std::vector<std::string>& notes) const;
  Result<std::optional<KernelTree>> hash_tree(const CommonOptions& common,
                                              const Given& given) const;
  Result<Platform> read_platform(const Given& given, const std::optional<KernelTree>& tree,
                                 std::vector<std::string>& notes) const;
  Result<void> add_hashes(Platform& platform, const Given& given,
                          const std::optional<KernelTree>& tree) const;

  std::string tree_;
  std::string platform_;
  std::optional<std::string> cmdline_;
  std::string write_to_;
  SignerArguments signer_;
};

}  // namespace assay
