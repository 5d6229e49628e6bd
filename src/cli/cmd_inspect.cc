// assay inspect: what is this, and which records does it carry, where, by whom?

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
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(Kernel images inside others (.linux of a unified kernel image, the Image in an EFI zboot or a compressed
Image) follow them. Records are signatures, and the certificates that a kernel image has built in (-v, --json).

Exit status: 0 whenever everything could be read, else 2.

Examples:
  assay inspect module.ko
  assay inspect -v /boot/vmlinuz-6.1.0-56-amd64
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("PATH", paths_,
                   "files, folders, packages, archives, images; - is standard input")
        ->option_text(" ");
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
  }

  Result<void> check() const override { return require_paths(paths_); }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    ExitStatus status = kGood;
    SurveyOptions options{paths_, common.job_count(), all_, {}, &numbers};
    options.builtin_certificates = common.json || style.verbose;
    options.inner_images = true;
    const Surveyed surveyed = survey(
        options,
        [&](const Examined& artifact) {
          progress.hide();
          if (artifact.error) status = kUndetermined;
          if (common.json)
            output.print(to_json(artifact) + '\n');
          else if (!common.quiet || artifact.error)
            output.print(to_text(artifact, style));
        },
        [&](const Error& error) {
          progress.hide();
          status = kUndetermined;
          if (common.json) output.print(to_json_error(error) + '\n');
          output.error(error);
        });
    progress.hide();
    warn_of_empty_paths(surveyed.empty_paths, kAnyArtifact, output);
    return status;
  }

 private:
  std::vector<std::string> paths_;
  bool all_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace assay
