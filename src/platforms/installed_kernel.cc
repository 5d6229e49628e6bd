#include "platforms/installed_kernel.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

std::vector<std::string> installed_images(std::string_view release) {
  return {
      fmt::format("/lib/modules/{}/vmlinuz", release),
      fmt::format("/usr/lib/modules/{}/vmlinuz", release),
      fmt::format("/boot/vmlinuz-{}", release),
      fmt::format("/boot/vmlinux-{}", release),
  };
}

std::vector<std::string> installed_configs(std::string_view release) {
  return {
      fmt::format("/boot/config-{}", release),
      fmt::format("/lib/modules/{}/config", release),
      fmt::format("/usr/lib/modules/{}/config", release),
  };
}

std::vector<std::string> installed_modules(std::string_view release) {
  return {
      fmt::format("/lib/modules/{}", release),
      fmt::format("/usr/lib/modules/{}", release),
  };
}

bool is_plain_release(std::string_view release) {
  constexpr std::size_t kLongest = 64;  // __NEW_UTS_LEN
  return !release.empty() && release.size() <= kLongest && release != "." && release != ".." &&
         std::ranges::all_of(release, [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
}

}  // namespace assay
