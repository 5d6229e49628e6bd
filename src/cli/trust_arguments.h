// cli/trust_arguments.h - the options by which a user says what is trusted.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "survey/trust_book.h"
#include "trust/certificate_file.h"

namespace CLI {
class App;
}

namespace assay {

struct TrustArguments {
  std::vector<std::string> trust;
  std::optional<std::string> kernel_image;
  std::optional<std::string> kernel_version;

  void add_to(CLI::App& app);
  // `warn` is told what in a folder is no certificate.
  Result<TrustOptions> load(const Warn& warn) const;
};

}  // namespace assay
