// testing/softhsm.h - tokens of SoftHSM, in a folder of their own.

#pragma once

#include <string>
#include <vector>

#include "testing/temporary_folder.h"

namespace assay {

// SOFTHSM2_CONF of this process names the folder from now on.
class SoftHsm {
 public:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr const char* kPin = "secret-pin";

  SoftHsm();

  // By tools that must succeed (run_tool).
  void make_token(const std::string& label) const;
  // A key file (PEM) goes in, and its public half.
  void import_key(const std::string& token, const std::string& file, const std::string& label,
                  const std::string& id) const;
  // pkcs11-tool on this module, logged in to the token.
  void pkcs11_tool(const std::string& token, std::vector<std::string> arguments) const;

 private:
  TemporaryFolder folder_;
};

}  // namespace assay
