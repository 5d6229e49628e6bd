// trust/boot_keyring.h - the keyring that a kernel fills at boot from a list of certificates.
//
// Mirrors x509_load_certificate_list (crypto/asymmetric_keys/x509_loader.c): what the kernel cannot
// parse it leaves out, and goes on. Where that is open - the version lies between anchors that
// differ, libcrypto lacks the algorithm of a self-signature - the ring is another in each walk, and
// a question put to it names what would have to be known.

#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "signatures/pkcs7.h"
#include "trust/keyring.h"

namespace assay {

// An entry of the list.
struct ListedCertificate {
  std::shared_ptr<const PreparedCertificate> certificate;
  std::string source;  // where it was found, for people
};

class BootKeyring {
 public:
  BootKeyring() = default;  // empty
  BootKeyring(const std::string& name, std::span<const ListedCertificate> certificates,
              const KernelId& kernel, const SignatureContext& context);

  // The ring where it is the same in every walk; else nothing.
  const std::shared_ptr<const Keyring>& fixed() const { return fixed_; }
  // The ring as the answers of this walk make it; settles what is open.
  std::shared_ptr<const Keyring> in(Walk& walk) const;

 private:
  // One way in which the load of a certificate ends.
  struct Way {
    std::vector<Choice> choices;
    std::optional<Key> key;  // nothing: the kernel leaves it out
  };
  // All ways of one certificate: a tree, with "yes" before "no".
  using Ways = std::vector<Way>;

  static Ways load(const ListedCertificate& certificate, const KernelId& kernel,
                   const SignatureContext& context);

  std::string name_;
  std::vector<Ways> certificates_;
  std::shared_ptr<const Keyring> fixed_;
};

}  // namespace assay
