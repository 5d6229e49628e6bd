// catalogue/rule_tables.h - every rule that assay knows, table by table, in the kernel's order.
//
// What `assay rules` lists, docs/mechanisms explains and tests count comes from here.

#pragma once

#include <span>
#include <string_view>

#include "signatures/rule.h"

namespace assay {

struct RuleTable {
  std::string_view file;   // docs/mechanisms/FILE.md
  std::string_view title;  // what the table is about
  std::string_view text;   // how it fits in, for people; paragraphs are separated by empty lines
  std::span<const Rule* const> rules;
};

std::span<const RuleTable> all_rule_tables();

const Rule* find_rule(std::string_view id);

}  // namespace assay
