// catalogue/mechanism_pages.h - the pages of docs/mechanisms, written from the rule tables.

#pragma once

#include <string>

#include "catalogue/rule_tables.h"

namespace assay {

// docs/mechanisms/FILE.md: what the table is about, and its rows in the kernel's order.
std::string mechanism_page(const RuleTable& table);

// docs/mechanisms/README.md: all pages, and how the mechanisms that check a kernel image relate.
std::string mechanism_index();

}  // namespace assay
