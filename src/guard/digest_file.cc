#include "guard/digest_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"

namespace assay {

namespace {

constexpr std::size_t kDigits = 64;

bool is_line(std::string_view line) {
  return line.size() == kDigits || (line.size() > kDigits + 2 && line[kDigits] == ' ' &&
                                    (line[kDigits + 1] == ' ' || line[kDigits + 1] == '*'));
}

}  // namespace

Result<std::vector<GuardEntry>> parse_digest_file(std::string_view text, std::uint32_t mask) {
  std::vector<GuardEntry> entries;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with('\\')) line.remove_prefix(1);
    const auto digest = is_line(line) ? from_hex(line.substr(0, kDigits)) : std::nullopt;
    if (!digest)
      return fail(
          Reason::bad_value, {},
          fmt::format("line {} does not begin with a SHA-256 as sha256sum writes it", number));
    GuardEntry entry{.mask = mask, .source = number};
    std::ranges::copy(*digest, entry.digest.begin());
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace assay
