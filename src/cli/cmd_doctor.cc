// assay doctor: would everything that is installed here load, and what helps where it would not?

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "report/doctor_report.h"

namespace assay {

namespace {

class DoctorCommand final : public Command {
 public:
  const char* name() const override { return "doctor"; }
  const char* purpose() const override {
    return "would everything installed here load, and what helps where not";
  }
  const char* arguments() const override { return "[--root DIR]"; }
  const char* notes() const override {
    return R"(Judges the modules of the running kernel's release and all installed kernel images (for
kexec_file_load) on the platform that `assay platform capture` finds. No program is started and no
log is read; run it as root, or keyrings and state stay unknown.

Exit status: 0 everything loads (or taints the kernel), 1 something is rejected, 2 something could
not be found out and nothing is known to be rejected.

Examples:
  sudo assay doctor
  sudo assay doctor --json | jq -r 'select(.prognosis == "rejected") | .fix.command'
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("--root", root_, "the folder of the host to be looked at (default: /)")
        ->type_name("DIR")
        ->option_text("DIR");
  }

  Result<void> check() const override { return {}; }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    Groups groups;
    DoctorSummary summary;
    const DoctorOptions options{root_, common.job_count(), &numbers};
    const auto host = examine_host(options, [&](const Diagnosis& diagnosis) {
      summary.add(prognosis_of(diagnosis.judged.verdict));
      if (!common.json && !style.verbose) return add_to(groups, diagnosis, style);
      progress.hide();
      output.print(common.json ? to_json(diagnosis) + '\n' : to_text(diagnosis, style));
    });
    progress.hide();
    if (!host) {
      output.error(host.error());
      return kUndetermined;
    }
    output.print(common.json ? to_json(summary) + '\n' : groups.to_text(common.quiet));
    if (!common.json && !common.quiet) output.print(to_text(summary));
    if (!common.quiet)
      for (const std::string& note : host->notes) output.warn(note);
    if (summary.count(Prognosis::rejected) != 0) return kBad;
    return summary.count(Prognosis::unknown) != 0 || summary.artifacts == 0 ? kUndetermined : kGood;
  }

 private:
  std::string root_ = "/";
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace assay
