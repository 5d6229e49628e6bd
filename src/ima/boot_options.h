// ima/boot_options.h - what the command line says to IMA.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ima/hash_algo.h"
#include "ima/template.h"
#include "trust/command_line.h"

namespace assay {

enum class TcbPolicy : std::uint8_t { none, original, standard };  // ima_tcb; ima_policy=tcb

struct ImaBootOptions {
  TcbPolicy tcb = TcbPolicy::none;
  bool appraise_tcb = false;
  bool secure_boot = false;
  bool critical_data = false;
  bool fail_securely = false;
  std::vector<std::string> unknown_policies;   // words of ima_policy= that name none
  std::optional<std::string> appraise;         // ima_appraise=, the last one
  const HashAlgo* hash = nullptr;              // ima_hash=, where it counts
  std::optional<ImaTemplate> tmpl;             // ima_template=, ima_template_fmt=, where they count
  std::optional<ImaTemplate> custom_template;  // ima_template_fmt=
  bool canonical_format = false;               // ima_canonical_fmt: lists are little endian
};

// ima_policy.c, ima_main.c hash_setup, ima_template.c: in the order of the command line.
// `default_template` is CONFIG_IMA_DEFAULT_TEMPLATE.
ImaBootOptions parse_ima_boot_options(Walk& walk, const std::vector<BootParameter>& parameters,
                                      std::string_view default_template);

}  // namespace assay
