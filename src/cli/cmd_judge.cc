// assay judge: what would this kernel do with it, and why?

#include <CLI/CLI.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "report/json.h"

namespace assay {

namespace {

class JudgeCommand final : public Command {
 public:
  const char* name() const override { return "judge"; }
  const char* purpose() const override { return "what would this kernel do with it, and why"; }
  const char* arguments() const override { return "REQUEST --platform PLATFORM PATH..."; }
  const char* notes() const override {
    return R"(For one artifact the walk through the kernel's rules is printed; for more, what was refused or
could not be found out, and -v prints every walk.

Exit status: 0 every request is allowed, 1 some request is refused, 2 something could not be
found out and nothing is known to be refused.

Examples:
  assay judge module --platform package linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
  assay judge module --platform package --json root/ | jq 'select(.decision != "allowed")'
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("REQUEST", request_, "what the kernel is asked to do: module (load it)")
        ->option_text(" ");
    app.add_option("PATH", paths_, "modules, folders, Debian packages (.deb); - is standard input")
        ->option_text(" ");
    app.add_option("--platform", platform_,
                   "the kernel that is asked: package (the one beside the artifact)")
        ->type_name("PLATFORM")
        ->option_text("PLATFORM");
  }

  Result<void> check() const override {
    if (request_.empty()) return fail(Reason::usage, {}, "REQUEST is missing: module");
    if (request_ != "module")
      return fail(Reason::usage, {}, "unknown request " + request_ + ", expected module");
    if (platform_.empty())
      return fail(Reason::usage, {}, "--platform is missing: --platform package");
    if (platform_ != "package")
      return fail(Reason::usage, {}, "unknown platform " + platform_ + ", expected package");
    return require_paths(paths_);
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    Groups groups;
    VerdictSummary summary;
    std::optional<JudgedModule> only;  // as long as there is no second
    const SurveyOptions options{paths_, common.job_count(), false, {}, &numbers};
    const Surveyed surveyed =
        survey_and_judge(options, TrustOptions(), [&](const JudgedModule& judged) {
          summary.add(judged.verdict.decision);
          const JudgedArtifact artifact{request_, judged.path, judged.platform, judged.rules,
                                        judged.reason};
          if (common.json || style.verbose) {
            progress.hide();
            output.print(common.json ? to_json(artifact, judged.verdict) + '\n'
                                     : to_text(artifact, judged.verdict, style));
            return;
          }
          add_to(groups, artifact, judged.verdict, style);
          if (summary.artifacts == 1)
            only = judged;
          else
            only.reset();
        });
    summary.skipped = surveyed.skipped;
    progress.hide();
    if (common.json) {
      output.print(to_json(summary) + '\n');
    } else if (only && !common.quiet) {
      style.verbose = true;
      output.print(
          to_text({request_, only->path, only->platform, only->rules, only->reason}, only->verdict, style));
    } else {
      output.print(groups.to_text(common.quiet));
      if (!common.quiet) output.print(to_text(summary));
    }
    warn_of_empty_paths(surveyed.empty_paths, "modules", output);
    if (summary.refused + summary.crashes != 0) return kBad;
    return summary.undetermined != 0 || summary.artifacts == 0 ? kUndetermined : kGood;
  }

 private:
  std::string request_;
  std::vector<std::string> paths_;
  std::string platform_;
};

}  // namespace

std::unique_ptr<Command> make_judge_command() { return std::make_unique<JudgeCommand>(); }

}  // namespace assay
