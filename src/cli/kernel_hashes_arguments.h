// cli/kernel_hashes_arguments.h - the options that say which modules a kernel was built with:
// --kernel, or --root and --levels, or --list.

#pragma once

#include <optional>
#include <string>

#include "trust/module_root.h"

namespace CLI {
class App;
}

namespace assay {

struct GivenHashes {
  ModuleHashes hashes;
  std::string where;  // in the image they were found, for people
};

class KernelHashesArguments {
 public:
  void add_to(CLI::App& app);
  bool is_given() const { return !kernel_.empty() || !root_.empty() || !list_.empty(); }
  // One of the three.
  Result<void> check() const;
  const std::string& kernel() const { return kernel_; }

  // `expected` is what the modules' proofs lead to: an image without sections is searched for it.
  // `format` is that of the series' version, where it is a tree.
  Result<GivenHashes> load(const std::optional<ModuleRoot>& expected,
                           ModuleHashesFormat format) const;

 private:
  std::string kernel_;
  std::string root_;
  std::optional<std::uint32_t> levels_;
  std::string list_;
};

}  // namespace assay
