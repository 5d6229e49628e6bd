#include "platforms/enrol.h"

#include "platforms/uefi_keys.h"

namespace assay {

namespace {

std::shared_ptr<Keyring> copy_of(const std::shared_ptr<const Keyring>& ring, Ring name) {
  return ring ? std::make_shared<Keyring>(*ring)
              : std::make_shared<Keyring>(std::string(ring_name(name)));
}

}  // namespace

std::optional<Platform> enrol(const Platform& platform, const ListedKey& key) {
  const Ring name = ring_of_mok(key, platform);
  if (platform.state.secure_boot == false || platform.state.efi == false || platform.has_no(name))
    return std::nullopt;
  std::vector<std::string> refused;
  const auto added = fill_keyring(name, {key}, platform, refused);
  if (!refused.empty()) return std::nullopt;
  Platform enrolled = platform;
  const auto ring = copy_of(platform.ring(name), name);
  ring->add(added->keys().front());
  enrolled.ring(name) = ring;
  if (name == Ring::machine) {
    const auto secondary =
        copy_of(platform.ring(Ring::secondary_trusted_keys), Ring::secondary_trusted_keys);
    secondary->link(ring);
    enrolled.ring(Ring::secondary_trusted_keys) = secondary;
  }
  return enrolled;
}

}  // namespace assay
