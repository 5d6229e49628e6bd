// assay guard explain: why a file is refused, or whose a digest is.

#include <CLI/CLI.hpp>

#include "cli/cmd_guard.h"
#include "cli/progress_line.h"
#include "report/guard_report.h"

namespace assay {

namespace {

class GuardExplainCommand final : public Command {
 public:
  const char* name() const override { return "explain"; }
  const char* purpose() const override { return "why a guard refuses a file or a digest"; }
  const char* arguments() const override { return "--list LIST FILE|DIGEST..."; }
  const char* notes() const override {
    return R"(Of a file it is said what on the list it nearly is: signed once more, compressed, of another build; with
--packages also whether it was stripped, or is another program. Of a digest (an event of the guard
has it) it is said which file under --packages it is of.

Exit status: 0 all are on the list, 1 some are not, 2 something could not be found out.

Examples:
  assay guard explain --list debian.list r8126.ko
  assay guard explain --list debian.list --packages linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb 0b2e...
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("FILE", what_, "files, or digests of 64 hexadecimal digits")->option_text(" ");
    app.add_option("--list", list_, "the list that is enforced")
        ->type_name("LIST")
        ->option_text("LIST");
    app.add_option("--packages", packages_, "where files are looked for (repeatable)")
        ->type_name("PATH")
        ->option_text("PATH")
        ->allow_extra_args(false);
  }

  Result<void> check() const override {
    if (what_.empty()) return fail(Reason::usage, {}, "FILE or DIGEST is missing");
    if (list_.empty()) return fail(Reason::usage, {}, "--list is missing");
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto loaded = load_guard_list(list_, {});
    if (!loaded) {
      output.error(loaded.error());
      return kUndetermined;
    }
    bool is_bad = false;
    bool is_open = false;
    for (const std::string& one : what_) {
      Progress numbers;
      ProgressLine progress(numbers, !common.quiet);
      GuardExplainOptions options{loaded->list, {}};
      options.packages.paths = packages_;
      options.packages.jobs = common.job_count();
      options.packages.progress = &numbers;
      const GuardExplanation explanation = explain_guard(one, options);
      progress.hide();
      for (const Error& error : explanation.errors) output.error(error);
      output.print(common.json ? to_json(explanation) + '\n' : to_text(explanation));
      is_open |= explanation.said.empty();
      is_bad |= !explanation.is_listed && !explanation.said.empty();
    }
    return is_bad ? kBad : is_open ? kUndetermined : kGood;
  }

 private:
  std::vector<std::string> what_;
  std::string list_;
  std::vector<std::string> packages_;
};

}  // namespace

std::unique_ptr<Command> make_guard_explain_command() {
  return std::make_unique<GuardExplainCommand>();
}

}  // namespace assay
