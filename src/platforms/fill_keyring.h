// platforms/fill_keyring.h - a keyring as the kernel has it after it was given these certificates.

#pragma once

#include <string>
#include <vector>

#include "trust/certificate_file.h"
#include "trust/platform.h"

namespace assay {

// A certificate that a platform says is in a ring.
struct ListedKey {
  std::shared_ptr<const PreparedCertificate> certificate;
  KeyState usable = KeyState::good;
  std::string source;
};

// What this kernel cannot parse it leaves out (certs/common.c); those are named in `refused`.
std::shared_ptr<Keyring> fill_keyring(Ring ring, const std::vector<ListedKey>& listed,
                                      const Platform& platform, std::vector<std::string>& refused);

// The revoked certificates in .blacklist. `builtin` says which ring's keys are compiled in.
std::shared_ptr<Keyring> fill_revoked(const std::vector<ListedKey>& listed,
                                      const Platform& platform);

// What this kernel links into .secondary_trusted_keys: .builtin_trusted_keys always, .machine
// where MOKs are trusted.
std::vector<Ring> default_secondary_links(const Platform& platform);

// Makes `own`, linked to these rings, the platform's .secondary_trusted_keys. A ring whose keys are
// not known leaves it incomplete; one that this kernel does not have does not.
void set_secondary(Platform& platform, std::shared_ptr<Keyring> own,
                   const std::vector<Ring>& links);

}  // namespace assay
