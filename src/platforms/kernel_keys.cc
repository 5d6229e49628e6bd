#include "platforms/kernel_keys.h"

#include <charconv>

namespace assay {

namespace {

// Takes the next word and the blanks before it.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// "NAME: 12", "NAME: empty".
void add_ring(std::string_view description, KernelKeys& keys) {
  const std::size_t colon = description.rfind(": ");
  if (colon == description.npos) return;
  const std::string_view number = description.substr(colon + 2);
  std::uint64_t count = 0;
  if (number != "empty" &&
      std::from_chars(number.data(), number.data() + number.size(), count).ec != std::errc())
    return;
  keys.rings.insert_or_assign(std::string(description.substr(0, colon)), count);
}

// What describes the key's algorithm follows the last but one colon of "CN: ID: X509.rsa ID []".
void add_certificate(std::string_view description, KernelKeys& keys) {
  const std::size_t algorithm = description.rfind(": ");
  keys.certificates.emplace(description.substr(0, algorithm));
}

}  // namespace

KernelKeys parse_kernel_keys(std::string_view text) {
  constexpr int kWordsBeforeType = 7;
  KernelKeys keys;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    for (int i = 0; i < kWordsBeforeType; ++i) next_word(line);
    const std::string_view type = next_word(line);
    const std::string_view description =
        line.substr(std::min(line.find_first_not_of(' '), line.size()));
    if (type == "keyring")
      add_ring(description, keys);
    else if (type == "asymmetri")
      add_certificate(description, keys);
    else if (type == "blacklist")
      keys.hashes.emplace(description);
  }
  return keys;
}

}  // namespace assay
