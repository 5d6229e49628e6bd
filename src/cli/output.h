// cli/output.h - the one place where the command writes.
//
// Results go to standard output, messages to standard error, and never torn: what was said before
// stands before. A write that fails is noted and told once, at the end; nothing is thrown. A reader
// that goes away ends the command as it ends other filters (SIGPIPE), and is a failed write where
// that signal is ignored.

#pragma once

#include <string_view>

#include "base/result.h"

namespace assay {

class Output {
 public:
  void print(std::string_view text);
  // What was printed reaches its reader now, not when enough has come together.
  void flush();
  // One line on standard error: "assay: TEXT".
  void warn(std::string_view text, std::string_view who = "assay");
  // "assay: PATH: offset N: ...".
  void error(const Error& error);
  // False when something did not reach its reader; says so.
  bool finish();

 private:
  bool failed_ = false;
};

}  // namespace assay
