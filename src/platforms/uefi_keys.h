// platforms/uefi_keys.h - the certificates and hashes that a kernel takes over from UEFI and shim.
//
// Mirrors load_uefi_certs (security/integrity/platform_certs/load_uefi.c):
//
//   db           .platform, unless shim's MokIgnoreDB exists
//   dbx          .blacklist, with Secure Boot on or off
//   MokListXRT   .blacklist, with Secure Boot on only; likewise
//   MokListRT    .machine where MOKs are trusted, else .platform; the table that shim leaves
//                (mok-variables) before the variable

#pragma once

#include <string>
#include <vector>

#include "platforms/fill_keyring.h"
#include "platforms/host_root.h"

namespace assay {

struct UefiKeys {
  std::vector<ListedKey> platform;
  std::vector<ListedKey> machine;
  std::vector<ListedKey> revoked;
  std::vector<std::string> hashes;  // as .blacklist names them
  // False: something that may hold further certificates could not be read.
  bool is_complete = true;
};

// For the architectures that EFI boots. `platform` has its kernel, configuration and state.
UefiKeys read_uefi_keys(HostRoot& host, const Platform& platform);

// The ring that an owner's key of MokListRT goes into: .machine where MOKs are known to be trusted
// and the ring takes it, else .platform.
Ring ring_of_mok(const ListedKey& key, const Platform& platform);

// trust_moklist and, later, imputed_trust_enabled (machine_keyring.c): do MOKs go into .machine?
std::optional<bool> trusts_mok_list(const HostRoot& host, const Platform& platform);

}  // namespace assay
