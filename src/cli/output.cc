#include "cli/output.h"

#include <cstdio>
#include <string>

namespace assay {

void Output::print(std::string_view text) {
  if (failed_) return;
  failed_ = std::fwrite(text.data(), 1, text.size(), stdout) != text.size();
}

void Output::flush() { failed_ = std::fflush(stdout) != 0 || failed_; }

void Output::warn(std::string_view text, std::string_view who) {
  failed_ = std::fflush(stdout) != 0 || failed_;
  const std::string line = std::string(who) + ": " + std::string(text) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Output::error(const Error& error) {
  warn(error.reason == Reason::usage ? error.detail : describe(error));
}

bool Output::finish() {
  failed_ = std::fflush(stdout) != 0 || failed_;
  if (!failed_) return true;
  error({Reason::cannot_write, {}, {}, "standard output"});
  return false;
}

}  // namespace assay
