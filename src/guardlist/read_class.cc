#include "guardlist/read_class.h"

#include <array>
#include <utility>

namespace assay {

namespace {

constexpr std::array<std::pair<ReadClass, std::string_view>, 7> kClasses = {{
    {ReadClass::firmware, "firmware"},
    {ReadClass::module, "module"},
    {ReadClass::kexec_image, "kexec-image"},
    {ReadClass::kexec_initramfs, "kexec-initramfs"},
    {ReadClass::policy, "policy"},
    {ReadClass::x509, "x509"},
    {ReadClass::module_compressed, "module-compressed"},
}};

}  // namespace

std::string_view read_class_name(ReadClass one) {
  for (const auto& [id, name] : kClasses)
    if (id == one) return name;
  return "unknown";
}

std::optional<ReadClass> find_read_class(std::string_view name) {
  for (const auto& [id, known] : kClasses)
    if (known == name) return id;
  return std::nullopt;
}

std::string read_mask_text(ReadMask mask) {
  std::string text;
  for (const auto& [id, name] : kClasses) {
    if ((mask & mask_of(id)) == 0) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  return text;
}

std::optional<ReadMask> parse_read_mask(std::string_view text) {
  ReadMask mask = 0;
  for (;;) {
    const std::size_t comma = text.find(',');
    const auto one = find_read_class(text.substr(0, comma));
    // A bit that is not above all before it is one of another order, or one that is there already.
    if (!one || mask_of(*one) <= mask) return std::nullopt;
    mask |= mask_of(*one);
    if (comma == std::string_view::npos) return mask;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace assay
