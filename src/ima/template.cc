#include "ima/template.h"

namespace assay {

bool ImaTemplate::has_field(std::string_view field) const {
  std::string_view left = fields;
  while (true) {
    const std::size_t end = left.find('|');
    if (left.substr(0, end) == field) return true;
    if (end == left.npos) return false;
    left.remove_prefix(end + 1);
  }
}

std::span<const ImaTemplate> ima_templates() {
  static const ImaTemplate kTemplates[] = {
#define IMA_TEMPLATE(name, fields) {name, fields},
#include "ima/templates.def"
#undef IMA_TEMPLATE
  };
  return kTemplates;
}

const ImaTemplate* find_ima_template(std::string_view name_or_fields, const ImaTemplate* custom) {
  for (const ImaTemplate& known : ima_templates())
    if (known.name == name_or_fields || known.fields == name_or_fields) return &known;
  return custom != nullptr && custom->fields == name_or_fields ? custom : nullptr;
}

}  // namespace assay
