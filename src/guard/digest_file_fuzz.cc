// Law: what is read has a line each, and writes back to its first 64 digits.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

#include "base/hex.h"
#include "guard/digest_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto entries = assay::parse_digest_file(text, 4);
  if (!entries) return 0;
  std::string rest = text;
  for (const auto& entry : *entries) {
    std::string line = rest.substr(0, rest.find('\n'));
    rest.erase(0, std::min(rest.size(), line.size() + 1));
    if (line.starts_with('\\')) line.erase(0, 1);
    std::string digits = line.substr(0, 64);
    std::ranges::transform(digits, digits.begin(), [](unsigned char c) { return std::tolower(c); });
    if (assay::to_hex(entry.digest) != digits) std::abort();
  }
  if (!rest.empty()) std::abort();
  return 0;
}
