// survey/host_layout.h - where a distribution keeps what loads or signs modules on a host: DKMS,
// the machine owner's key (MOK), the package manager.
//
//   /var/lib/shim-signed/mok/MOK.der, MOK.priv      Debian's and Ubuntu's update-secureboot-policy
//   /var/lib/dkms/mok.pub, mok.key                  dkms 3
//   /etc/dkms/framework.conf, framework.conf.d/*    mok_certificate=, mok_signing_key= of dkms
//   /var/lib/dkms/NAME/VERSION/RELEASE/ARCH/module  what dkms built
//   /etc/os-release                                 ID=, ID_LIKE=

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platforms/host_root.h"
#include "trust/certificate_file.h"

namespace assay {

// A certificate on the host whose key modules are signed with there.
struct OwnersKey {
  std::string certificate_path;  // from the root folder
  std::string key_path;          // empty: the private key is not there
  std::shared_ptr<const PreparedCertificate> certificate;
};

// A module that dkms built for this kernel.
struct DkmsModule {
  std::string name;
  std::string version;
  std::string file;  // "r8126.ko.xz"
};

enum class PackageManager : std::uint8_t { unknown, apt, dnf, zypper };

struct HostLayout {
  std::vector<OwnersKey> owners_keys;
  std::vector<DkmsModule> dkms;
  PackageManager packages = PackageManager::unknown;
  bool enrolment_pending = false;  // MokNew: a request waits for the next start

  const DkmsModule* find_dkms(std::string_view file) const;
};

HostLayout read_host_layout(HostRoot& host, const std::string& release);

}  // namespace assay
