#include "testing/softhsm.h"

#include <cstdlib>
#include <filesystem>

#include "testing/tool.h"

namespace assay {

SoftHsm::SoftHsm() {
  const std::string tokens = folder_ / "tokens";
  std::filesystem::create_directory(tokens);
  const std::string text = "directories.tokendir = " + tokens + "\nlog.level = ERROR\n";
  write_file(folder_ / "softhsm2.conf", std::vector<std::uint8_t>(text.begin(), text.end()));
  ::setenv("SOFTHSM2_CONF", (folder_ / "softhsm2.conf").c_str(), 1);
}

void SoftHsm::make_token(const std::string& label) const {
  run_tool({"softhsm2-util", "--init-token", "--free", "--label", label, "--pin", kPin, "--so-pin",
            "administrator"});
}

void SoftHsm::import_key(const std::string& token, const std::string& file,
                         const std::string& label, const std::string& id) const {
  // softhsm2-util reads PKCS#8 alone.
  run_tool({"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", file, "-out", folder_ / "key.pem"});
  run_tool({"softhsm2-util", "--import", folder_ / "key.pem", "--token", token, "--label", label,
            "--id", id, "--pin", kPin});
}

void SoftHsm::pkcs11_tool(const std::string& token, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"pkcs11-tool", "--module", kModule, "--token-label", token,
                                       "--login", "--pin", kPin});
  run_tool(arguments);
}

}  // namespace assay
