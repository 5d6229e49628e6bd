// cli/trust_arguments.h - the options by which a user says what is trusted.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "survey/trust_book.h"

namespace CLI {
class App;
}

namespace assay {

struct TrustArguments {
  std::vector<std::string> trust;
  std::string kernel_image;
  std::string kernel_version;

  void add_to(CLI::App& app);
  Result<TrustOptions> load() const;
};

}  // namespace assay
