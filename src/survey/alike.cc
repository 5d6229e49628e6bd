#include "survey/alike.h"

#include <algorithm>

#include "trust/boot_state.h"

namespace assay {

namespace {

bool is_same(const KernelCrypto& a, const KernelCrypto& b) {
  return a.hashes == b.hashes && a.rsa == b.rsa && a.ecdsa == b.ecdsa && a.ecrdsa == b.ecrdsa &&
         a.sm2 == b.sm2 && a.ml_dsa == b.ml_dsa;
}

// What a key is to this kernel follows from its certificate and from what is compared beside it.
bool is_same_key(const Key& a, const Key& b) {
  return a.certificate == b.certificate && a.usable == b.usable && a.builtin == b.builtin &&
         a.source == b.source;
}

bool is_same(const std::shared_ptr<const Keyring>& a, const std::shared_ptr<const Keyring>& b) {
  if (a == b) return true;
  if (!a || !b) return false;
  return a->name() == b->name() && std::ranges::equal(a->keys(), b->keys(), is_same_key) &&
         std::ranges::equal(a->links(), b->links(),
                            [](const auto& one, const auto& other) { return is_same(one, other); });
}

bool has_same_state(const Platform& a, const Platform& b) {
  return has_modules(a) == has_modules(b) && modules_disabled(a) == modules_disabled(b) &&
         a.sig_enforce() == b.sig_enforce() &&
         a.locked_down(Lockdown::integrity) == b.locked_down(Lockdown::integrity) &&
         a.cmdline.has_value() == b.cmdline.has_value() &&
         module_blacklist(a) == module_blacklist(b);
}

// Nothing in force asks about any file, and nothing else can be.
bool is_silent(const PlatformIma& ima) { return !ima.has_rules() && ima.is_whole() == Truth::yes; }

}  // namespace

bool is_alike_for_modules(const Platform& a, const Platform& b) {
  return a.kernel == b.kernel && a.release == b.release && has_same_state(a, b) &&
         is_same(a.signatures.crypto, b.signatures.crypto) &&
         a.signatures.waive_mldsa_attributes == b.signatures.waive_mldsa_attributes &&
         a.signatures.blocklist.entries() == b.signatures.blocklist.entries() &&
         a.absent == b.absent && a.secondary_is_complete == b.secondary_is_complete &&
         a.platform_is_complete == b.platform_is_complete &&
         std::ranges::equal(
             a.rings, b.rings,
             [](const auto& one, const auto& other) { return is_same(one, other); }) &&
         is_same(a.revoked, b.revoked) && a.config == b.config &&
         a.module_hashes == b.module_hashes;
}

std::vector<std::size_t> find_alike_for_modules(std::span<const PlatformIma> platforms) {
  std::vector<std::size_t> alike;
  for (std::size_t i = 0; i < platforms.size(); ++i) {
    std::size_t first = i;
    for (std::size_t j = 0; j < i && first == i && is_silent(platforms[i]); ++j)
      if (alike[j] == j && is_silent(platforms[j]) &&
          is_alike_for_modules(platforms[j].platform(), platforms[i].platform()))
        first = j;
    alike.push_back(first);
  }
  return alike;
}

}  // namespace assay
