// platforms/platform_inputs.h - what several platforms name: each kernel image and each
// configuration is read once however many of them name it, and equal certificates are one in
// memory.
//
// What was computed with a key for one platform then serves the others
// (signatures/public_key_verify.h).

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "signatures/certificate.h"
#include "trust/kernel_config.h"
#include "trust/module_root.h"

namespace assay {

class PlatformInputs {
 public:
  using Keys = std::vector<std::shared_ptr<const PreparedCertificate>>;

  // The certificates of the image at `path`, in the order of its list.
  Result<Keys> find(const std::string& path);

  // What CONFIG_MODULE_HASHES left in the image at `path`; nothing where there is no section of it,
  // as in flat images, whose root only a module's proof tells.
  Result<std::optional<FoundModuleHashes>> module_hashes(const std::string& path);

  // The Kconfig file at `path`.
  Result<KernelConfig> config(const std::string& path);

  // The certificate of these bytes that came first.
  std::shared_ptr<const PreparedCertificate> share(
      std::shared_ptr<const PreparedCertificate> certificate);

 private:
  std::map<std::string, Keys> by_path_;
  std::map<std::string, std::optional<FoundModuleHashes>> hashes_;
  std::map<std::string, KernelConfig> configs_;
  std::map<std::vector<std::uint8_t>, std::shared_ptr<const PreparedCertificate>> by_content_;
};

}  // namespace assay
