// cli/signer_arguments.h - the options that say who signs: --key or --signer, --cert, --chain,
// --passphrase, --tcti.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/signer.h"
#include "edit/cms_writer.h"

namespace CLI {
class App;
}

namespace assay {

struct SigningIdentity {
  std::unique_ptr<Signer> signer;
  SigningCertificate certificate;
};

// Who is to sign, where the key is not: the public half.
struct PublicIdentity {
  SigningKey key;
  SigningCertificate certificate;
};

class SignerArguments {
 public:
  void add_to(CLI::App& app);
  // What --key, --cert and --chain would say, for commands that have them otherwise.
  void give(std::string key, std::string certificate, std::vector<std::string> chain = {}) {
    key_ = std::move(key);
    certificate_ = std::move(certificate);
    chain_ = std::move(chain);
  }
  bool is_given() const { return !key_.empty() || !command_.empty(); }
  // The options as they were given, for a command that is to be typed; empty where none were.
  std::string words() const;
  Result<void> check() const;
  // The key and the certificate, which must be the key's (key_mismatch).
  Result<SigningIdentity> load() const;

  // --cert and --chain alone, and no key.
  Result<void> check_public() const;
  Result<PublicIdentity> load_public() const;

 private:
  Result<std::optional<std::string>> passphrase() const;
  Result<std::optional<std::string>> pin(const std::string& prompt) const;
  Result<SigningIdentity> load_key() const;
  Result<SigningIdentity> open_token() const;
  Result<std::unique_ptr<Signer>> open_tpm() const;
  Result<SigningIdentity> load_tpm() const;
  Result<void> add_chain(SigningCertificate& certificate) const;
  Result<SigningIdentity> start_command() const;
  Result<std::vector<std::vector<std::uint8_t>>> given_certificates() const;

  std::string key_;
  std::string command_;
  std::string certificate_;
  std::vector<std::string> chain_;
  std::string passphrase_;
  std::string tcti_;
};

}  // namespace assay
