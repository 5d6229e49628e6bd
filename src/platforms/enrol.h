// platforms/enrol.h - a machine as it is after its owner has enrolled a key with shim (mokutil
// --import) and started it again.

#pragma once

#include <optional>

#include "platforms/fill_keyring.h"

namespace assay {

// Nothing where the kernel reads no MOKs: with Secure Boot off, and without EFI firmware
// (load_moklist_certs), or where it cannot parse the certificate.
std::optional<Platform> enrol(const Platform& platform, const ListedKey& key);

}  // namespace assay
