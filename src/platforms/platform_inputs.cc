#include "platforms/platform_inputs.h"

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "trust/system_certificates.h"

namespace assay {

Result<PlatformInputs::Keys> PlatformInputs::find(const std::string& path) {
  if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second;
  const auto list = [&]() -> Result<SystemCertificates> {
    ASSAY_TRY(const auto file, open_file(path));
    ASSAY_TRY(const auto image, find_kernel_image(*file));
    if (!image) return fail(Reason::image_unknown);
    return find_system_certificates(*file, *image);
  }();
  if (!list) return std::unexpected(with_path(list.error(), encode_name(path)));
  Keys keys;
  for (const auto& der : list->certificates) keys.push_back(share(PreparedCertificate::own(der)));
  return by_path_.emplace(path, std::move(keys)).first->second;
}

Result<std::optional<FoundModuleHashes>> PlatformInputs::module_hashes(const std::string& path) {
  if (const auto known = hashes_.find(path); known != hashes_.end()) return known->second;
  std::optional<FoundModuleHashes> hashes;
  auto found = open_module_hashes(path, {});
  if (found)
    hashes = std::move(*found);
  else if (found.error().reason != Reason::no_trust)
    return std::unexpected(found.error());
  return hashes_.emplace(path, std::move(hashes)).first->second;
}

Result<KernelConfig> PlatformInputs::config(const std::string& path) {
  if (const auto known = configs_.find(path); known != configs_.end()) return known->second;
  auto config = [&]() -> Result<KernelConfig> {
    ASSAY_TRY(const auto file, open_file(path));
    ContentStream stream(*file);
    ASSAY_TRY(const auto bytes, read_all(stream, limits::kConfig));
    return KernelConfig::parse(View(bytes).text());
  }();
  if (!config) return std::unexpected(with_path(config.error(), encode_name(path)));
  return configs_.emplace(path, std::move(*config)).first->second;
}

std::shared_ptr<const PreparedCertificate> PlatformInputs::share(
    std::shared_ptr<const PreparedCertificate> certificate) {
  if (certificate->x509().fault) return certificate;  // it is not known where it ends
  const auto bytes = certificate->x509().raw.bytes();
  return by_content_.try_emplace(std::vector<std::uint8_t>(bytes.begin(), bytes.end()), certificate)
      .first->second;
}

}  // namespace assay
