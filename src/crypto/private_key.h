// crypto/private_key.h - private keys in files, and a Signer over one in memory.
//
// Read by libcrypto: PEM (PKCS#8, encrypted or not, and the older forms of one algorithm), the same
// as DER, and PKCS#12, whose certificates come along. A passphrase is asked for only where the file
// is encrypted, and stays in no message.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"
#include "crypto/signer.h"

namespace assay {

// Answers with the passphrase, or nothing where there is none to be had.
using AskPassphrase = std::function<std::optional<std::string>()>;

struct PrivateKeyFile {
  std::unique_ptr<Signer> signer;
  // DER, in the file's order (PKCS#12: the key's own first).
  std::vector<std::vector<std::uint8_t>> certificates;
};

// not_a_private_key when there is none, or when the passphrase is wrong; crypto_unavailable for an
// algorithm that this libcrypto, or Assay, does not know.
Result<PrivateKeyFile> parse_private_key(View file, const AskPassphrase& ask);

}  // namespace assay
