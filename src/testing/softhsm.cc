#include "testing/softhsm.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "testing/process.h"

namespace assay {

namespace {

void run(const std::vector<std::string>& command) {
  const Finished done = run_command(command);
  if (done.status == 0) return;
  std::fprintf(stderr, "%s: status %d: %s\n", command.front().c_str(), done.status,
               done.error.c_str());
  std::abort();
}

}  // namespace

SoftHsm::SoftHsm() {
  const std::string tokens = folder_ / "tokens";
  std::filesystem::create_directory(tokens);
  const std::string text = "directories.tokendir = " + tokens + "\nlog.level = ERROR\n";
  write_file(folder_ / "softhsm2.conf", std::vector<std::uint8_t>(text.begin(), text.end()));
  ::setenv("SOFTHSM2_CONF", (folder_ / "softhsm2.conf").c_str(), 1);
}

void SoftHsm::make_token(const std::string& label) const {
  run({"softhsm2-util", "--init-token", "--free", "--label", label, "--pin", kPin, "--so-pin",
       "administrator"});
}

void SoftHsm::import_key(const std::string& token, const std::string& file,
                         const std::string& label, const std::string& id) const {
  // softhsm2-util reads PKCS#8 alone.
  run({"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", file, "-out", folder_ / "key.pem"});
  run({"softhsm2-util", "--import", folder_ / "key.pem", "--token", token, "--label", label, "--id",
       id, "--pin", kPin});
}

void SoftHsm::pkcs11_tool(const std::string& token, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"pkcs11-tool", "--module", kModule, "--token-label", token,
                                       "--login", "--pin", kPin});
  run(arguments);
}

}  // namespace assay
