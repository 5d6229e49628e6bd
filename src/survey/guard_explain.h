// survey/guard_explain.h - why a guard refuses a file, or a digest that it told of: what on the
// list it nearly is, stripped, signed once more, compressed, of another build.

#pragma once

#include <string>
#include <vector>

#include "guardlist/guard_list.h"
#include "survey/survey.h"

namespace assay {

struct GuardExplainOptions {
  const GuardList& list;
  // Where files are looked for that are it, or that have its name: packages, folders.
  SurveyOptions packages;
};

struct GuardDiagnosis {
  std::string id;  // "listed", "signed-again", "compressed", "stripped", ... (docs/guard-list.md)
  std::string text;
};

struct GuardExplanation {
  std::string what;  // the file's name, or the digest
  bool is_listed = false;
  std::vector<Error> errors;  // what could not be read
  std::vector<GuardDiagnosis> said;
};

// A file, or 64 hexadecimal digits.
GuardExplanation explain_guard(const std::string& what, const GuardExplainOptions& options);

}  // namespace assay
