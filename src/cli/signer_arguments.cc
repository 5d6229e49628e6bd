#include "cli/signer_arguments.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "base/name.h"
#include "base/shell_word.h"
#include "bytes/content.h"
#include "bytes/whole_file.h"
#include "crypto/command_signer.h"
#include "crypto/pem.h"
#include "crypto/pkcs11_key.h"
#include "crypto/pkcs11_scheme.h"
#include "crypto/private_key.h"
#include "crypto/signature_check.h"
#include "crypto/tpm_key.h"
#include "formats/tpm_key_file.h"
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

std::optional<std::string> from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<std::string> ask_on_terminal(const std::string& prompt) {
  if (::isatty(STDIN_FILENO) == 0) return std::nullopt;
  const char* typed = ::getpass(prompt.c_str());
  return typed == nullptr ? std::nullopt : std::optional<std::string>(typed);
}

std::string first_line(std::string text) { return text.substr(0, text.find_first_of("\r\n")); }

// The token's certificate of the key, where --cert names none.
Result<std::vector<std::uint8_t>> choose_certificate(const Pkcs11Key& key) {
  std::vector<std::vector<std::uint8_t>> fitting;
  for (const auto& der : key.certificates())
    if (SigningCertificate one{der, {}};
        !key.public_half() || check_same_key(one, *key.public_half()))
      fitting.push_back(std::move(one.der));
  if (fitting.empty())
    return fail(Reason::usage, {},
                "--cert is missing, and the token has no certificate of the key");
  if (fitting.size() > 1)
    return fail(Reason::usage, {},
                "--cert is missing, and the token has several certificates of the key");
  return std::move(fitting.front());
}

}  // namespace

void SignerArguments::add_to(CLI::App& app) {
  app.add_option("--key", key_,
                 "the private key: a file (PEM, DER or PKCS#12), a PKCS#11 URI "
                 "(pkcs11:token=T;object=O?pin-source=file:PATH), or a TPM's (tpm2:0x81000001, "
                 "tpm2:FILE)")
      ->type_name("KEY")
      ->option_text("KEY");
  app.add_option("--signer", command_,
                 "a command that has the key: it is started once and asked with digests "
                 "(docs/signer-protocol.md)")
      ->type_name("COMMAND")
      ->option_text("COMMAND");
  app.add_option("--cert", certificate_,
                 "its certificate, PEM, DER or a PKCS#11 URI; of PKCS#12 and in a token the one "
                 "that comes with the key")
      ->type_name("FILE")
      ->option_text("FILE");
  app.add_option("--chain", chain_,
                 "certificates of issuers that are embedded with it (repeatable)")
      ->type_name("FILE")
      ->option_text("FILE")
      ->allow_extra_args(false);
  app.add_option("--tcti", tcti_,
                 "where the TPM is: device:/dev/tpmrm0, swtpm:port=2321... (default: "
                 "TPM2TOOLS_TCTI, else the first that there is)")
      ->type_name("TCTI")
      ->option_text("TCTI");
  app.add_option(
         "--passphrase", passphrase_,
         "of an encrypted key, the PIN of a token, the authorization of a TPM's key: "
         "env:NAME or file:PATH; else ASSAY_PIN (not of files), KBUILD_SIGN_PIN, else asked "
         "for on the terminal")
      ->type_name("FROM")
      ->option_text("FROM");
}

std::string SignerArguments::words() const {
  std::string text;
  const auto add = [&text](std::string_view option, const std::string& value) {
    if (value.empty()) return;
    if (!text.empty()) text += ' ';
    text.append(option).append(" ").append(shell_word(value));
  };
  add("--key", is_pkcs11_uri(key_) ? without_pin(key_) : key_);
  // A command line may hold anything.
  if (!command_.empty()) add("--signer", "COMMAND");
  add("--cert", is_pkcs11_uri(certificate_) ? without_pin(certificate_) : certificate_);
  for (const std::string& one : chain_) add("--chain", one);
  add("--passphrase", passphrase_);
  add("--tcti", tcti_);
  return text;
}

Result<void> SignerArguments::check() const {
  if (key_.empty() == command_.empty())
    return fail(Reason::usage, {}, "one of --key and --signer is to be given");
  if ((!command_.empty() || is_tpm_key(key_)) && certificate_.empty())
    return fail(Reason::usage, {}, "--cert is missing");
  if (!passphrase_.empty() && !passphrase_.starts_with("env:") && !passphrase_.starts_with("file:"))
    return fail(Reason::usage, {}, "--passphrase is env:NAME or file:PATH");
  return {};
}

Result<std::optional<std::string>> SignerArguments::passphrase() const {
  if (passphrase_.starts_with("env:")) return from_environment(passphrase_.c_str() + 4);
  if (passphrase_.starts_with("file:")) {
    ASSAY_TRY(const auto bytes, read_whole_file(passphrase_.substr(5), kLargestKeyFile));
    return first_line(std::string(bytes.begin(), bytes.end()));
  }
  return from_environment("KBUILD_SIGN_PIN");
}

// Of a key that lies outside: a PIN that is in no URI.
Result<std::optional<std::string>> SignerArguments::pin(const std::string& prompt) const {
  if (passphrase_.empty())
    if (auto given = from_environment("ASSAY_PIN")) return given;
  ASSAY_TRY(auto given, passphrase());
  return given || prompt.empty() ? given : ask_on_terminal(prompt);
}

Result<std::vector<std::vector<std::uint8_t>>> SignerArguments::given_certificates() const {
  std::vector<std::vector<std::uint8_t>> all;
  if (is_pkcs11_uri(certificate_)) {
    ASSAY_TRY(auto one, read_pkcs11_certificate(certificate_));
    all.push_back(std::move(one));
  } else if (!certificate_.empty()) {
    ASSAY_TRY(all, read_certificates(certificate_));
  }
  return all;
}

Result<SigningIdentity> SignerArguments::load_key() const {
  ASSAY_TRY(const auto file, read_whole_file(key_, kLargestKeyFile));
  ASSAY_TRY(const auto given, passphrase());
  auto key = parse_private_key(View(file), [&]() -> std::optional<std::string> {
    return given ? given : ask_on_terminal("Passphrase of the key: ");
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

Result<SigningIdentity> SignerArguments::open_token() const {
  ASSAY_TRY(Pkcs11Key key, Pkcs11Key::open(key_, [this](const std::string& token) {
              return pin("PIN of token \"" + token + "\": ");
            }));
  ASSAY_TRY(auto certificates, given_certificates());
  if (certificates.empty()) {
    ASSAY_TRY(auto own, choose_certificate(key));
    certificates.push_back(std::move(own));
  }
  SigningIdentity identity;
  identity.certificate = make_signing_certificate(std::move(certificates));
  if (key.public_half()) ASSAY_CHECK(check_same_key(identity.certificate, *key.public_half()));
  ASSAY_TRY(SigningKey known, describe_public_key(View(write_public_key(identity.certificate))));
  ASSAY_TRY(auto signer, std::move(key).make_signer(std::move(known)));
  identity.signer = make_checked_signer(std::move(signer));
  return identity;
}

Result<std::unique_ptr<Signer>> SignerArguments::open_tpm() const {
  TpmOptions options;
  options.tcti = tcti_.empty() ? from_environment("TPM2TOOLS_TCTI").value_or("") : tcti_;
  if (const auto handle = parse_tpm_handle(key_)) {
    ASSAY_TRY(options.auth, pin({}));
    return open_tpm_key(*handle, options);
  }
  const std::string path = key_.substr(5);
  ASSAY_TRY(const auto text, read_whole_file(path, kLargestKeyFile));
  const auto load = [&]() -> Result<std::unique_ptr<Signer>> {
    ASSAY_TRY(const auto blocks, parse_pem(View(text)));
    const auto block = std::ranges::find(blocks, "TSS2 PRIVATE KEY", &PemBlock::label);
    if (block == blocks.end()) return fail(Reason::not_a_private_key, {}, "no TSS2 PRIVATE KEY");
    ASSAY_TRY(const TpmKeyFile file, parse_tpm_key_file(View(block->der)));
    ASSAY_TRY(options.auth, pin(file.empty_auth ? "" : "Authorization of the TPM's key: "));
    const auto copy = [](View view) {
      return std::vector<std::uint8_t>(view.bytes().begin(), view.bytes().end());
    };
    return load_tpm_key({file.parent, copy(file.public_area), copy(file.private_area)}, options);
  };
  auto signer = load();
  if (!signer) return std::unexpected(with_path(std::move(signer.error()), encode_name(path)));
  return signer;
}

Result<SigningIdentity> SignerArguments::load_tpm() const {
  ASSAY_TRY(auto certificates, given_certificates());
  SigningIdentity identity;
  identity.certificate = make_signing_certificate(std::move(certificates));
  ASSAY_TRY(auto signer, open_tpm());
  identity.signer = make_checked_signer(std::move(signer));
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
  ASSAY_TRY(SigningIdentity identity, !command_.empty()     ? start_command()
                                      : is_pkcs11_uri(key_) ? open_token()
                                      : is_tpm_key(key_)    ? load_tpm()
                                                            : load_key());
  ASSAY_CHECK(add_chain(identity.certificate));
  ASSAY_CHECK(check_same_key(identity.certificate, identity.signer->key()));
  return identity;
}

Result<void> SignerArguments::add_chain(SigningCertificate& certificate) const {
  for (const std::string& path : chain_) {
    if (is_pkcs11_uri(path))
      return fail(Reason::usage, {}, "--chain is a file, and this is a PKCS#11 URI");
    ASSAY_TRY(auto more, read_certificates(path));
    auto& chain = certificate.chain;
    chain.insert(chain.end(), more.begin(), more.end());
  }
  return {};
}

Result<void> SignerArguments::check_public() const {
  if (!key_.empty() || !command_.empty())
    return fail(Reason::usage, {}, "--prepare is without a key: --key and --signer are for later");
  if (certificate_.empty()) return fail(Reason::usage, {}, "--cert is missing");
  return {};
}

Result<PublicIdentity> SignerArguments::load_public() const {
  PublicIdentity identity;
  ASSAY_TRY(auto certificates, given_certificates());
  identity.certificate = make_signing_certificate(std::move(certificates));
  ASSAY_CHECK(add_chain(identity.certificate));
  ASSAY_TRY(identity.key, describe_public_key(View(write_public_key(identity.certificate))));
  return identity;
}

}  // namespace assay
