#include "formats/name_attributes.h"

#include <fmt/format.h>

#include "formats/oid.h"

namespace assay {

namespace {

// OpenSSL's short names of types that nothing else here has a name for.
std::string short_type(View type) {
  const std::string name = oid_text(type);
  if (name == "2.5.4.8") return "ST";
  return name == "0.9.2342.19200300.100.1.25" ? "DC" : name;
}

}  // namespace

std::string oneline_name(View name) {
  std::string text;
  each_attribute(name, [&](View type, View value) {
    text += fmt::format("/{}=", short_type(type));
    // UTF-16 of ASCII is printed as ASCII.
    const bool is_wide = value.size() % 2 == 0 && value.size() > 1 && value.text()[0] == 0;
    for (std::size_t i = is_wide ? 1 : 0; i < value.size(); i += is_wide ? 2 : 1) {
      const auto c = static_cast<unsigned char>(value.text()[i]);
      text +=
          c < ' ' || c > '~' ? fmt::format("\\x{:02X}", c) : std::string(1, static_cast<char>(c));
    }
  });
  return text;
}

}  // namespace assay
