#include "platforms/fill_keyring.h"

#include <fmt/format.h>

namespace assay {

namespace {

std::shared_ptr<Keyring> fill(std::string name, bool builtin, const std::vector<ListedKey>& listed,
                              const Platform& platform, std::vector<std::string>& refused) {
  auto ring = std::make_shared<Keyring>(std::move(name));
  for (const ListedKey& key : listed) {
    Walk walk(platform.kernel, {}, false);
    PrimitiveCache cache;
    CertificateState state;
    const Outcome bad = check_certificate(walk, *key.certificate, platform.signatures.crypto,
                                          platform.signatures.blocklist, cache, state);
    if (bad.failed())
      refused.push_back(fmt::format("{}: {} {}", ring->name(), key.source, errno_name(bad.err)));
    else
      ring->add({key.certificate, state, key.usable, builtin, key.source});
  }
  return ring;
}

}  // namespace

std::shared_ptr<Keyring> fill_keyring(Ring ring, const std::vector<ListedKey>& listed,
                                      const Platform& platform, std::vector<std::string>& refused) {
  return fill(std::string(ring_name(ring)), ring == Ring::builtin_trusted_keys, listed, platform,
              refused);
}

std::shared_ptr<Keyring> fill_revoked(const std::vector<ListedKey>& listed,
                                      const Platform& platform) {
  std::vector<std::string> refused;
  return fill(".blacklist", true, listed, platform, refused);
}

std::vector<Ring> default_secondary_links(const Platform& platform) {
  std::vector<Ring> links{Ring::builtin_trusted_keys};
  if (platform.state.mok_list_trusted.value_or(true)) links.push_back(Ring::machine);
  return links;
}

void set_secondary(Platform& platform, std::shared_ptr<Keyring> own,
                   const std::vector<Ring>& links) {
  for (const Ring name : links) {
    if (platform.ring(name))
      own->link(platform.ring(name));
    else if (!platform.has_no(name))
      platform.secondary_is_complete = false;
  }
  platform.ring(Ring::secondary_trusted_keys) = std::move(own);
}

}  // namespace assay
