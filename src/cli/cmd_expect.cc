// assay expect: write down what artifacts are like, for `assay verify --expect`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/trust_arguments.h"
#include "expect/expectation_file.h"
#include "survey/survey.h"

namespace assay {

namespace {

class ExpectCommand final : public Command {
 public:
  const char* name() const override { return "expect"; }
  const char* purpose() const override {
    return "write down what is true now, for `assay verify --expect` to hold later ones against";
  }
  const char* arguments() const override { return "init PATH..."; }
  const char* notes() const override {
    return R"(Writes a TOML file to standard output: how many modules there are, who signed them and how, the
certificates built into the kernel, who signed it for Secure Boot, its SBAT generations, how modules
are compressed, records of IMA, bytes that no signature covers. Keys may be changed or deleted:
docs/expect.md.

How signatures stand depends on the trust at hand: give `verify --expect` the same --trust.

Exit status: 0 all of it could be found out, 1 something is bad or malformed, which no expectation
allows, 2 something could not be found out, and its key is left out.

Example:
  assay expect init linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb > kernel.expect.toml
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("ACTION", action_, "init")->option_text(" ");
    app.add_option("PATH", paths_, "modules, kernel images, folders, Debian packages (.deb)")
        ->option_text(" ");
    trust_.add_to(app);
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
  }

  Result<void> check() const override {
    if (action_.empty()) return fail(Reason::usage, {}, "ACTION is missing");
    if (action_ != "init")
      return fail(Reason::usage, {}, fmt::format("unknown action {}, expected init", action_));
    return require_paths(paths_);
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    auto trust = trust_.load([&output](const Error& error) { output.error(error); });
    if (!trust) {
      output.error(trust.error());
      return kUndetermined;
    }
    VerifyOptions verify;
    verify.pe.version = trust->version;
    verify.pe.material = trust->material;
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    SurveyOptions options{paths_, common.job_count(), all_, {}, &numbers};
    options.contents = true;
    Inventory inventory;
    bool bad = false;
    const Summary summary =
        survey_and_verify(options, *trust, verify, [&](const ArtifactReport& report) {
          inventory.add(report);
          const bool is_bad =
              report.standing == Standing::bad || report.standing == Standing::malformed;
          if (!is_bad && group_of(report)) return;
          (is_bad ? bad : undetermined_) = true;
          progress.hide();
          output.warn(fmt::format("{} is {}{}", report.path, standing_name(report.standing),
                                  report.reason ? ": " + report.reason->text : ""));
        });
    progress.hide();
    warn_of_empty_paths(summary.empty_paths, kAnyArtifact, output);
    if (summary.artifacts == 0) return kUndetermined;
    output.print(write_expectation(expect_same(inventory), &inventory));
    warn_of_unknown(inventory, output);
    if (bad) return kBad;
    return undetermined_ ? kUndetermined : kGood;
  }

 private:
  // Without trust nothing is known of who may sign images, which need not be known here.
  void warn_of_unknown(const Inventory& inventory, Output& output) {
    for (const Group group : kGroups)
      for (const KeyRow& row : key_rows()) {
        const Fact& fact = inventory.at(group, row.key);
        if (fact.unknown.empty()) continue;
        output.warn(fmt::format("{} is left out: {}", full_name(group, row.key), fact.unknown));
        const bool is_without_trust = (group == Group::images || group == Group::pe) &&
                                      row.key == ExpectKey::status && trust_.trust.empty();
        undetermined_ = undetermined_ || !is_without_trust;
      }
  }

  std::string action_;
  std::vector<std::string> paths_;
  TrustArguments trust_;
  bool all_ = false;
  bool undetermined_ = false;
};

}  // namespace

std::unique_ptr<Command> make_expect_command() { return std::make_unique<ExpectCommand>(); }

}  // namespace assay
