// cli/confinement.h - commands that only read give up everything else before they do
// (sandbox/confine.h); --sandbox says whether.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/output.h"

namespace CLI {
class App;
}

namespace assay {

class ConfinementArguments {
 public:
  // Not for commands that write, start others or speak to devices.
  void add_to(CLI::App& app);

  // `words` are the command line's: what they name stays readable, with the kernels and settings
  // of the host. An Error only with `require`.
  Result<void> apply(std::string_view command, std::span<char*> words, bool is_verbose,
                     Output& output) const;

 private:
  std::string mode_ = "auto";
};

}  // namespace assay
