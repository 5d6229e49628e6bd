// crypto/pkcs11_key.h - a private key in a PKCS#11 token, named by a URI (RFC 7512), and a Signer
// over it.
//
//   pkcs11:token=release;object=kernel;type=private?pin-source=file:/etc/release.pin
//
// The token signs with CKM_RSA_PKCS and CKM_ECDSA. As many sessions are opened as threads ask at
// once; where the token has fewer, threads wait for one (CKR_SESSION_COUNT). It is logged in to
// once, and once a signature where the key wants that (CKA_ALWAYS_AUTHENTICATE). A wrong PIN is
// never tried twice. PINs are in no message.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/signer.h"

namespace assay {

// The PIN of a token, by its label: asked for once, and where the URI has none.
using AskPin = std::function<Result<std::optional<std::string>>(const std::string& token)>;

class Pkcs11Key {
 public:
  // Finds the one key that the URI names, and logs in. usage for a URI that is not one, or names
  // several tokens or keys (which the message lists); signer_failed for what the token refuses, by
  // its name: "token "release": C_Login: CKR_PIN_INCORRECT".
  static Result<Pkcs11Key> open(const std::string& uri, const AskPin& ask);
  Pkcs11Key(Pkcs11Key&&) noexcept;
  ~Pkcs11Key();

  // What the token says of the public half; nothing where it does not.
  const std::optional<SigningKey>& public_half() const;
  // DER, those that have the key's CKA_ID.
  const std::vector<std::vector<std::uint8_t>>& certificates() const;

  // `key`: the public half, of the certificate where the token does not say. key_mismatch where it
  // is of another kind.
  Result<std::unique_ptr<Signer>> make_signer(SigningKey key) &&;

  struct Parts;

 private:
  explicit Pkcs11Key(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The certificate that a URI names, DER: one, as above.
Result<std::vector<std::uint8_t>> read_pkcs11_certificate(const std::string& uri);

}  // namespace assay
