// survey/reason.h - why an artifact has its status, in words for people and in names for programs.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "judge/verdict.h"
#include "signatures/walk.h"

namespace assay {

// The rule that decided, or the Error that kept us from finding out.
struct ReasonReport {
  std::string id;  // "pkcs7/trusted-key", "codec/truncated"
  Errno err = Errno::none;
  std::string kernel_function;  // empty for an Error
  Extent where;
  std::string in;    // the artifact that `where` is in
  std::string text;  // what is wrong, and the values compared
  // The rule that it all comes from, where that is another: "public-key/rsa-digest".
  std::string cause;
  std::string kind;  // what is wrong without the values: alike for results that are alike
};

ReasonReport explain(const Error& error);

// Does this error mean that the bytes of a kernel image are damaged?
bool is_damage(const Error& error);

// The rule at steps[step]. The text leads with what it all comes from.
ReasonReport explain(const std::vector<Step>& steps, std::int32_t step, const std::string& name);

// What decided a verdict, or what is open and would; nothing where no rule failed.
std::optional<ReasonReport> explain(const Verdict& verdict, const std::string& name);

// What the platform, the version or libcrypto leaves open.
ReasonReport explain_open(const std::vector<std::string>& open, const std::string& name);

}  // namespace assay
