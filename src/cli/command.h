// cli/command.h - the table of commands, and what they share.
//
// A command parses its options, calls the library once and renders. No decision is made here.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/output.h"
#include "report/table.h"

namespace CLI {
class App;
}

namespace assay {

// As grep and cmp have it; docs/exit-status.md.
enum ExitStatus : int {
  kGood = 0,          // everything is as it should be
  kBad = 1,           // something is known not to be
  kUndetermined = 2,  // something could not be found out, and nothing is known to be bad
};

// Options that every command has.
struct CommonOptions {
  unsigned jobs = 0;  // 0: one a processor
  bool quiet = false;
  int verbose = 0;
  bool json = false;
  std::string color = "auto";

  unsigned job_count() const;
  TextStyle text_style() const;
};

class Command {
 public:
  virtual ~Command() = default;
  virtual const char* name() const = 0;
  virtual const char* purpose() const = 0;    // one line
  virtual const char* arguments() const = 0;  // "PATH..."
  virtual const char* notes() const = 0;      // after the options: words, exit status, examples
  // Whether it needs nothing but to read what it is given (cli/confinement.h).
  virtual bool only_reads() const { return false; }
  virtual void add_options(CLI::App& app) = 0;
  // Is the command line complete? Options are never marked as required: an unknown option is to be
  // named before a missing one.
  virtual Result<void> check() const = 0;
  virtual ExitStatus run(const CommonOptions& common, Output& output) = 0;
};

// "PATH is missing".
Result<void> require_paths(const std::vector<std::string>& paths);

// Says of every path in which nothing was found that there is none of `what`.
void warn_of_empty_paths(const std::vector<std::string>& paths, std::string_view what,
                         Output& output);
inline constexpr std::string_view kAnyArtifact =
    "modules, kernel images or signed files (--all makes every file an artifact)";

std::unique_ptr<Command> make_attach_command();
std::unique_ptr<Command> make_compare_command();
std::unique_ptr<Command> make_excise_command();
std::unique_ptr<Command> make_guard_command();
std::unique_ptr<Command> make_hashes_command();
std::unique_ptr<Command> make_expect_command();
std::unique_ptr<Command> make_ima_command();
std::unique_ptr<Command> make_inspect_command();
std::unique_ptr<Command> make_judge_command();
std::unique_ptr<Command> make_doctor_command();
std::unique_ptr<Command> make_platform_command();
std::unique_ptr<Command> make_rules_command();
std::unique_ptr<Command> make_sign_command();
std::unique_ptr<Command> make_verify_command();

int run_command_line(int argc, char** argv);

}  // namespace assay
