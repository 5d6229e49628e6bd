// ima/template.h - the forms that an entry of the measurement list can have.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct ImaTemplate {
  std::string name;    // "ima-sig"; empty for the form given by ima_template_fmt=
  std::string fields;  // "d-ng|n-ng|sig"
  friend bool operator==(const ImaTemplate&, const ImaTemplate&) = default;

  std::vector<std::string_view> field_ids() const;
  bool has_field(std::string_view field) const;
};

std::span<const ImaTemplate> ima_templates();

// template_desc_init_fields: are these, between bars, what a kernel has?
bool are_ima_template_fields(std::string_view fields);

// lookup_template_desc: by its name or by its fields. `custom` is the form that the command line
// defines, where it does.
const ImaTemplate* find_ima_template(std::string_view name_or_fields, const ImaTemplate* custom);

}  // namespace assay
