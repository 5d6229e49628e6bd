// assay inspect: what is this, and which records does it carry, where, by whom?

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "report/json.h"

namespace assay {

namespace {

class InspectCommand final : public Command {
 public:
  const char* name() const override { return "inspect"; }
  const char* purpose() const override {
    return "what is this, and which records does it carry, where, by whom";
  }

  void add_options(CLI::App& app) override {
    app.add_option("PATH", paths_, "files, folders, packages (.deb)")->required();
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
  }

  ExitStatus run(const CommonOptions& common) override {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    ExitStatus status = kGood;
    const SurveyOptions options{paths_, common.job_count(), all_, {}, &numbers};
    survey(
        options,
        [&](const Examined& artifact) {
          progress.hide();
          if (artifact.error) status = kUndetermined;
          fmt::print("{}", common.json ? to_json(artifact) + '\n' : to_text(artifact, style));
        },
        [&](const Error& error) {
          progress.hide();
          status = kUndetermined;
          if (common.json) fmt::print("{}\n", to_json_error(error));
          print_error(error);
        });
    return status;
  }

 private:
  std::vector<std::string> paths_;
  bool all_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace assay
