#include "cli/signer_arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "base/name.h"
#include "bytes/content.h"
#include "crypto/private_key.h"
#include "trust/certificate_file.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestKeyFile = 1 << 20;

Result<std::vector<std::uint8_t>> read_small(const std::string& path) {
  const auto read = [&]() -> Result<std::vector<std::uint8_t>> {
    ASSAY_TRY(const auto file, open_file(path));
    if (file->size() > kLargestKeyFile) return fail(Reason::limit_size);
    std::vector<std::uint8_t> bytes(file->size());
    ASSAY_CHECK(file->read(0, bytes));
    return bytes;
  };
  auto bytes = read();
  if (!bytes) return std::unexpected(with_path(std::move(bytes.error()), encode_name(path)));
  return bytes;
}

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

std::string first_line(std::string text) { return text.substr(0, text.find_first_of("\r\n")); }

}  // namespace

void SignerArguments::add_to(CLI::App& app) {
  app.add_option("--key", key_, "the private key: PEM, DER or PKCS#12")
      ->type_name("FILE")
      ->option_text("FILE");
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
  if (key_.empty()) return fail(Reason::usage, {}, "--key is missing");
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
    ASSAY_TRY(const auto bytes, read_small(passphrase_.substr(5)));
    return first_line(std::string(bytes.begin(), bytes.end()));
  }
  return from_environment("KBUILD_SIGN_PIN");
}

Result<SigningIdentity> SignerArguments::load() const {
  ASSAY_TRY(const auto file, read_small(key_));
  ASSAY_TRY(const auto given, passphrase());
  auto key = parse_private_key(View(file), [&]() -> std::optional<std::string> {
    if (given || ::isatty(STDIN_FILENO) == 0) return given;
    const char* typed = ::getpass("Passphrase of the key: ");
    return typed == nullptr ? std::nullopt : std::optional<std::string>(typed);
  });
  if (!key) return std::unexpected(with_path(std::move(key.error()), encode_name(key_)));
  SigningIdentity identity;
  identity.signer = std::move(key->signer);
  auto certificates = std::move(key->certificates);
  if (!certificate_.empty()) {
    ASSAY_TRY(certificates, read_certificates(certificate_));
  }
  if (certificates.empty()) return fail(Reason::usage, {}, "--cert is missing");
  identity.certificate.der = std::move(certificates.front());
  identity.certificate.chain.assign(certificates.begin() + 1, certificates.end());
  for (const std::string& path : chain_) {
    ASSAY_TRY(auto more, read_certificates(path));
    identity.certificate.chain.insert(identity.certificate.chain.end(), more.begin(), more.end());
  }
  ASSAY_CHECK(check_same_key(identity.certificate, identity.signer->key()));
  return identity;
}

}  // namespace assay
