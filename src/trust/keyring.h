// trust/keyring.h - a kernel keyring of certificates, and the search in it.
//
// Mirrors find_asymmetric_key (crypto/asymmetric_keys/asymmetric_type.c) and
// keyring_search_iterator (security/keys/keyring.c). The search asks of every key whether it is
// revoked or expired *before* it compares identifiers: one such key anywhere turns "not found" into
// EKEYREVOKED or EKEYEXPIRED.

#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "signatures/certificate.h"
#include "signatures/walk.h"

namespace assay {

enum class KeyState : std::uint8_t { good, expired, revoked };

// A certificate in a keyring, as the kernel parsed it when it was added.
struct Key {
  std::shared_ptr<const PreparedCertificate> certificate;
  CertificateState state;
  KeyState usable = KeyState::good;
  bool builtin = false;  // KEY_FLAG_BUILTIN
  std::string source;    // where the certificate was found, for people
};

// What the kernel calls the key of a certificate (x509_key_preparse): the name of its subject, and
// its key identifier or else its serial number. A keyring has one key of a description: keys of
// this type cannot be updated (key_type_asymmetric), so key_create_or_update links a new one in the
// place of the old (assoc_array_insert). 6.1, 6.12 and 7.2 alike.
std::string key_description(const Certificate& certificate);

class Keyring {
 public:
  explicit Keyring(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  const std::vector<Key>& keys() const { return keys_; }
  std::vector<Key>& keys() { return keys_; }
  // As the kernel adds a certificate: one of the same description is replaced by it (see
  // key_description).
  void add(Key key);

  // Rings linked into this one are searched after its own keys.
  void link(std::shared_ptr<const Keyring> ring) { links_.push_back(std::move(ring)); }
  const std::vector<std::shared_ptr<const Keyring>>& links() const { return links_; }

 private:
  std::string name_;
  std::vector<Key> keys_;
  std::vector<std::shared_ptr<const Keyring>> links_;
};

struct KeySearch {
  const Key* key = nullptr;  // found
  Outcome missing;           // else: the error, ENOKEY when simply nothing matched
};

// By `id` (compared with both identifiers of each key), or without it by `skid`. With both, the key
// found by the first must have the second as its key identifier. A failed search that ends in
// ENOKEY leaves no step: what a caller makes of it is the caller's rule.
KeySearch find_key(Walk& walk, const Keyring& ring, const std::optional<KeyId>& id,
                   const std::optional<KeyId>& skid);

// By the name of its subject: for a certificate that does not say which key of its issuer signed
// it.
KeySearch find_key_by_subject(Walk& walk, const Keyring& ring, View subject);

// By the last bytes of an identifier, which both of each key are looked at for ("id:571f2bd8").
KeySearch find_key_by_suffix(Walk& walk, const Keyring& ring, std::span<const std::uint8_t> suffix);

}  // namespace assay
