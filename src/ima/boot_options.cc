#include "ima/boot_options.h"

namespace assay {

namespace {

constexpr std::string_view kLegacyTemplate = "ima";

// policy_setup: words between blanks, bars and newlines.
void add_policies(std::string_view words, ImaBootOptions& options) {
  while (true) {
    const std::size_t end = words.find_first_of(" |\n");
    const std::string_view word = words.substr(0, end);
    if (word == "tcb" && options.tcb == TcbPolicy::none)
      options.tcb = TcbPolicy::standard;
    else if (word == "appraise_tcb")
      options.appraise_tcb = true;
    else if (word == "secure_boot")
      options.secure_boot = true;
    else if (word == "critical_data")
      options.critical_data = true;
    else if (word == "fail_securely")
      options.fail_securely = true;
    else
      options.unknown_policies.emplace_back(word);
    if (end == words.npos) return;
    words.remove_prefix(end + 1);
  }
}

class Reader {
 public:
  Reader(Walk& walk, std::string_view default_template)
      : walk_(walk), default_template_(default_template) {}

  void read(const BootParameter& parameter) {
    const std::string_view name = parameter.name;
    // Names without an equals sign in the kernel's table match whatever begins with them.
    if (name.starts_with("ima_tcb") && options.tcb == TcbPolicy::none)
      options.tcb = TcbPolicy::original;
    if (name.starts_with("ima_appraise_tcb")) options.appraise_tcb = true;
    if (name.starts_with("ima_canonical_fmt")) options.canonical_format = true;
    if (!parameter.has_value) return;
    if (name == "ima_policy") add_policies(parameter.value, options);
    if (name == "ima_appraise") options.appraise = parameter.value;
    if (name == "ima_hash") read_hash(parameter.value);
    if (name == "ima_template") read_template(parameter.value);
    if (name == "ima_template_fmt" && !options.tmpl && are_ima_template_fields(parameter.value)) {
      options.custom_template = ImaTemplate{"", parameter.value};
      options.tmpl = options.custom_template;
    }
  }

  ImaBootOptions options;

 private:
  // hash_setup: the legacy template has room for md5 and sha1 only.
  void read_hash(std::string_view value) {
    if (options.hash != nullptr) return;
    const std::string_view current =
        options.tmpl ? std::string_view(options.tmpl->name) : default_template_;
    if (current == kLegacyTemplate) {
      if (value.starts_with("sha1")) options.hash = find_hash_algo("sha1");
      if (value.starts_with("md5")) options.hash = find_hash_algo("md5");
      return;
    }
    const HashAlgo* algo = find_hash_algo(value);
    if (algo != nullptr && walk_.covers(algo->scope)) options.hash = algo;
  }

  void read_template(std::string_view value) {
    if (options.tmpl) return;
    const ImaTemplate* found = find_ima_template(value, nullptr);
    if (found == nullptr) return;
    const bool fits =
        options.hash == nullptr || options.hash->name == "sha1" || options.hash->name == "md5";
    if (value == kLegacyTemplate && !fits) return;
    options.tmpl = *found;
  }

  Walk& walk_;
  std::string_view default_template_;
};

}  // namespace

ImaBootOptions parse_ima_boot_options(Walk& walk, const std::vector<BootParameter>& parameters,
                                      std::string_view default_template) {
  Reader reader(walk, default_template);
  for (const BootParameter& parameter : parameters) reader.read(parameter);
  return std::move(reader.options);
}

}  // namespace assay
