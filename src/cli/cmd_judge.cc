// assay judge: what would this kernel do with it, and why?

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "report/json.h"

namespace assay {

namespace {

class JudgeCommand final : public Command {
 public:
  const char* name() const override { return "judge"; }
  const char* purpose() const override { return "what would this kernel do with it, and why"; }

  void add_options(CLI::App& app) override {
    app.add_option("REQUEST", request_, "what the kernel is asked to do")
        ->required()
        ->check(CLI::IsMember({"module"}));
    app.add_option("PATH", paths_, "modules, folders, packages (.deb)")->required();
    app.add_option("--platform", platform_,
                   "the kernel that is asked: package (the one beside the artifact)")
        ->required()
        ->check(CLI::IsMember({"package"}));
  }

  ExitStatus run(const CommonOptions& common) override {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    bool refused = false;
    bool undetermined = false;
    const SurveyOptions options{paths_, common.job_count(), false, {}, &numbers};
    survey_and_judge(options, TrustOptions(), [&](const JudgedModule& judged) {
      const Decision decision = judged.verdict.decision;
      refused = refused || decision == Decision::refused || decision == Decision::crashes;
      undetermined = undetermined || decision == Decision::undetermined;
      progress.hide();
      const JudgedArtifact artifact{request_, judged.path, judged.platform, judged.rules};
      if (judged.error) print_error(*judged.error);
      fmt::print("{}", common.json ? to_json(artifact, judged.verdict) + '\n'
                                   : to_text(artifact, judged.verdict, style));
    });
    return refused ? kBad : undetermined ? kUndetermined : kGood;
  }

 private:
  std::string request_;
  std::vector<std::string> paths_;
  std::string platform_;
};

}  // namespace

std::unique_ptr<Command> make_judge_command() { return std::make_unique<JudgeCommand>(); }

}  // namespace assay
