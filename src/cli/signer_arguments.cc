#include "cli/signer_arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "base/name.h"
#include "bytes/content.h"
#include "bytes/whole_file.h"
#include "crypto/command_signer.h"
#include "crypto/private_key.h"
#include "crypto/signature_check.h"
#include "trust/certificate_file.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestKeyFile = 1 << 20;

// PEM or DER, as many as there are.
Result<std::vector<std::vector<std::uint8_t>>> read_certificates(const std::string& path) {
  ASSAY_TRY(const Certificates loaded, load_certificates(path, [](const Error&) {}));
  std::vector<std::vector<std::uint8_t>> found;
  for (const auto& certificate : loaded) {
    const auto raw = certificate->x509().raw.bytes();
    found.emplace_back(raw.begin(), raw.end());
  }
  return found;
}

// The first is the signer's own.
SigningCertificate make_signing_certificate(std::vector<std::vector<std::uint8_t>> all) {
  SigningCertificate certificate;
  certificate.der = std::move(all.front());
  certificate.chain.assign(std::make_move_iterator(all.begin() + 1),
                           std::make_move_iterator(all.end()));
  return certificate;
}

std::string first_line(std::string text) { return text.substr(0, text.find_first_of("\r\n")); }

}  // namespace

void SignerArguments::add_to(CLI::App& app) {
  app.add_option("--key", key_, "the private key: PEM, DER or PKCS#12")
      ->type_name("FILE")
      ->option_text("FILE");
  app.add_option("--signer", command_,
                 "a command that has the key: it is started once and asked with digests "
                 "(docs/signer-protocol.md)")
      ->type_name("COMMAND")
      ->option_text("COMMAND");
  app.add_option("--cert", certificate_,
                 "its certificate, PEM or DER; of PKCS#12 the one that comes with the key")
      ->type_name("FILE")
      ->option_text("FILE");
  app.add_option("--chain", chain_,
                 "certificates of issuers that are embedded with it (repeatable)")
      ->type_name("FILE")
      ->option_text("FILE")
      ->allow_extra_args(false);
  app.add_option("--passphrase", passphrase_,
                 "of an encrypted key: env:NAME or file:PATH; else KBUILD_SIGN_PIN, else asked for "
                 "on the terminal")
      ->type_name("FROM")
      ->option_text("FROM");
}

Result<void> SignerArguments::check() const {
  if (key_.empty() == command_.empty())
    return fail(Reason::usage, {}, "one of --key and --signer is to be given");
  if (!command_.empty() && certificate_.empty())
    return fail(Reason::usage, {}, "--cert is missing");
  if (!passphrase_.empty() && !passphrase_.starts_with("env:") && !passphrase_.starts_with("file:"))
    return fail(Reason::usage, {}, "--passphrase is env:NAME or file:PATH");
  return {};
}

Result<std::optional<std::string>> SignerArguments::passphrase() const {
  const auto from_environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  if (passphrase_.starts_with("env:")) return from_environment(passphrase_.substr(4));
  if (passphrase_.starts_with("file:")) {
    ASSAY_TRY(const auto bytes, read_whole_file(passphrase_.substr(5), kLargestKeyFile));
    return first_line(std::string(bytes.begin(), bytes.end()));
  }
  return from_environment("KBUILD_SIGN_PIN");
}

Result<std::vector<std::vector<std::uint8_t>>> SignerArguments::given_certificates() const {
  std::vector<std::vector<std::uint8_t>> all;
  if (!certificate_.empty()) {
    ASSAY_TRY(all, read_certificates(certificate_));
  }
  return all;
}

Result<SigningIdentity> SignerArguments::load_key() const {
  ASSAY_TRY(const auto file, read_whole_file(key_, kLargestKeyFile));
  ASSAY_TRY(const auto given, passphrase());
  auto key = parse_private_key(View(file), [&]() -> std::optional<std::string> {
    if (given || ::isatty(STDIN_FILENO) == 0) return given;
    const char* typed = ::getpass("Passphrase of the key: ");
    return typed == nullptr ? std::nullopt : std::optional<std::string>(typed);
  });
  if (!key) return std::unexpected(with_path(std::move(key.error()), encode_name(key_)));
  ASSAY_TRY(auto certificates, given_certificates());
  if (certificates.empty()) certificates = std::move(key->certificates);
  if (certificates.empty()) return fail(Reason::usage, {}, "--cert is missing");
  SigningIdentity identity;
  identity.signer = std::move(key->signer);
  identity.certificate = make_signing_certificate(std::move(certificates));
  return identity;
}

// The key that the command has is the one of the certificate: each answer is checked with it.
Result<SigningIdentity> SignerArguments::start_command() const {
  ASSAY_TRY(auto certificates, given_certificates());
  SigningIdentity identity;
  identity.certificate = make_signing_certificate(std::move(certificates));
  ASSAY_TRY(SigningKey key, describe_public_key(View(write_public_key(identity.certificate))));
  ASSAY_TRY(auto signer, start_command_signer(command_, std::move(key)));
  identity.signer = make_checked_signer(std::move(signer));
  return identity;
}

Result<SigningIdentity> SignerArguments::load() const {
  ASSAY_TRY(SigningIdentity identity, command_.empty() ? load_key() : start_command());
  for (const std::string& path : chain_) {
    ASSAY_TRY(auto more, read_certificates(path));
    auto& chain = identity.certificate.chain;
    chain.insert(chain.end(), more.begin(), more.end());
  }
  ASSAY_CHECK(check_same_key(identity.certificate, identity.signer->key()));
  return identity;
}

}  // namespace assay
