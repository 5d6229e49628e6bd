#include "ima/template.h"

#include <algorithm>

namespace assay {

std::vector<std::string_view> ImaTemplate::field_ids() const {
  std::vector<std::string_view> ids;
  std::string_view left = fields;
  while (true) {
    const std::size_t end = left.find('|');
    ids.push_back(left.substr(0, end));
    if (end == left.npos) return ids;
    left.remove_prefix(end + 1);
  }
}

bool ImaTemplate::has_field(std::string_view field) const {
  const std::vector<std::string_view> ids = field_ids();
  return std::ranges::find(ids, field) != ids.end();
}

bool are_ima_template_fields(std::string_view fields) {
  // supported_fields.
  static constexpr std::string_view kFields[] = {
      "d",      "n",      "d-ng", "d-ngv2", "n-ng",  "sig",        "buf",          "d-modsig",
      "modsig", "evmsig", "iuid", "igid",   "imode", "xattrnames", "xattrlengths", "xattrvalues"};
  constexpr std::size_t kMaxCount = 15;  // TEMPLATE_NUM_FIELDS_MAX
  const ImaTemplate asked{"", std::string(fields)};
  const std::vector<std::string_view> ids = asked.field_ids();
  return ids.size() <= kMaxCount && std::ranges::all_of(ids, [](std::string_view id) {
           return std::ranges::find(kFields, id) != std::end(kFields);
         });
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
