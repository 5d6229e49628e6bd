// platforms/check.h - what a platform enforces for modules, kexec and IMA, and where it does not.
//
// Answers about requests are the judge's own, to requests made up for the purpose: a module without
// a signature, an image of the platform's architecture without one.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trust/platform.h"

namespace assay {

struct CheckRow {
  std::string_view area;     // "modules", "kexec", "keys", "ima"
  std::string_view subject;  // "a module without a signature"
  std::string answer;        // "refused (EKEYREJECTED)", "yes", "not known"
  std::string because;
  std::string kernel_function;
  std::vector<std::string> open;  // what would have to be known
};

// A row of platforms/gaps.def that holds.
struct Gap {
  std::string_view id;
  std::string_view area;
  std::string_view kernel_function;
  std::string_view text;
  std::string_view remedy;
  std::vector<std::string> open;  // empty: it holds; else it may, and this would have to be known
};

std::vector<CheckRow> check_platform(const Platform& platform);

std::vector<Gap> find_gaps(const Platform& platform);

}  // namespace assay
