#include "crypto/pkcs11_scheme.h"

#include <algorithm>

namespace assay {

namespace {

bool begins_with(std::string_view text, std::string_view start) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= start.size() &&
         std::ranges::equal(text.substr(0, start.size()), start, {}, lower);
}

}  // namespace

std::string_view without_blanks_before(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\v\f"), text.size()));
  return text;
}

bool is_pkcs11_uri(std::string_view text) {
  return begins_with(without_blanks_before(text), kPkcs11Scheme);
}

std::string without_pin(std::string_view uri) {
  uri = without_blanks_before(uri);
  constexpr std::string_view kBetween = ";?&";
  const std::size_t start = is_pkcs11_uri(uri) ? kPkcs11Scheme.size() : 0;
  std::string shown(uri.substr(0, start));
  char before = 0;
  for (std::size_t at = start; at <= uri.size();) {
    const std::size_t end = std::min(uri.find_first_of(kBetween, at), uri.size());
    const std::string_view part = uri.substr(at, end - at);
    // What follows the one that is left out stands where it stood.
    if (!begins_with(part, "pin-value=")) {
      if (before != 0) shown += before;
      shown += part;
      before = 0;
    }
    if (end < uri.size() && (before == 0 || before == '&')) before = uri[end];
    at = end + 1;
  }
  return shown;
}

}  // namespace assay
