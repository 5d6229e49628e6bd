// assay compare: are two builds the same but for their records?

#include <CLI/CLI.hpp>

#include "base/name.h"
#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/trust_arguments.h"
#include "compare/transplant.h"
#include "report/comparison_report.h"

namespace assay {

namespace {

class CompareCommand final : public Command {
 public:
  const char* name() const override { return "compare"; }
  const char* purpose() const override { return "are two builds the same but for their records"; }
  bool only_reads() const override { return out_.empty(); }
  const char* arguments() const override { return "A B"; }
  const char* notes() const override {
    return R"(A's records (signatures, certificate tables, security.ima) are put onto B's content, in memory, and
the SHA-256 of the result is compared with A's. Every record of either is verified over that
content first, with the certificate it carries, --trust, or the keys of its kernel image; one that
does not verify, or that carries bytes which no signature covers, is a difference.

Verdicts: identical, identical-after-transplant, content-equal (what is wrapped around equal content
differs: a compressor's stream, mode, owner; or kernels differ in the certificate of the key that
the build made and signed all their modules with), different, undetermined.

--transplant-to writes A's bytes, made of B's and A's records, where A and B are single files and no
worse than content-equal; it is A by its SHA-256, or nothing is written. Extended attributes are not
written. What holds files is refused; on unpacked trees `assay excise` and `assay attach` do it.

Exit status: 0 identical or identical after transplant, 1 content-equal or different, 2 something
could not be found out and nothing is known to differ, or A could not be made of B.

Examples:
  assay compare vmlinuz-6.1.0-56-amd64 rebuilt/vmlinuz
  assay compare --transplant-to again vmlinuz-6.1.0-56-amd64 rebuilt/vmlinuz
  assay compare linux-image-6.1.0-56-amd64_*.deb linux-image-6.1.0-56-amd64-unsigned_*.deb
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("PATH", paths_,
                   "what was published, and what was built from its source: files, "
                   "folders, packages (.deb, .rpm)")
        ->option_text(" ");
    app.add_option("--transplant-to", out_, "write A, made of B and A's records, to this file")
        ->type_name("OUT")
        ->option_text("OUT");
    trust_.add_to(app);
  }

  Result<void> check() const override {
    if (paths_.size() == 2) return {};
    return fail(Reason::usage, {}, "A and B are wanted, two paths");
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    auto trust = trust_.load([&output](const Error& error) { output.error(error); });
    if (!trust) {
      output.error(trust.error());
      return kUndetermined;
    }
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    CompareOptions options{paths_[0], paths_[1], common.job_count(), std::move(*trust), &numbers};
    TransplantRequest transplant{paths_[0], paths_[1], out_, {}, {}};
    const BuildVerdict comparison = compare_builds(
        options,
        [&](const Difference& difference) {
          transplant.compared_a = difference.a;
          transplant.compared_b = difference.b;
          progress.hide();
          if (common.json)
            output.print(to_json(difference) + '\n');
          else if (!common.quiet || difference.verdict != Sameness::transplanted)
            output.print(to_text(difference, style));
        },
        [&](const Error& error) {
          progress.hide();
          if (common.json) output.print(to_json_error(error) + '\n');
          output.error(error);
        });
    progress.hide();
    if (common.json)
      output.print(to_json(comparison) + '\n');
    else if (!common.quiet)
      output.print(to_text(comparison));
    const bool is_written = out_.empty() || write(transplant, comparison, common, output);
    if (comparison.different != 0) return kBad;
    if (!is_written) return kUndetermined;
    if (comparison.content_equal != 0) return kBad;
    return comparison.verdict == Sameness::undetermined ? kUndetermined : kGood;
  }

 private:
  static bool write(const TransplantRequest& transplant, const BuildVerdict& comparison,
                    const CommonOptions& common, Output& output) {
    const bool is_shown = comparison.different == 0 && comparison.verdict != Sameness::undetermined;
    const auto written =
        is_shown ? write_transplant(transplant)
                 : fail(Reason::not_restored, {},
                        "nothing is written: A and B are not shown to have the same content");
    if (written) return true;
    const Error error = with_path(written.error(), encode_name(transplant.out));
    if (common.json) output.print(to_json_error(error) + '\n');
    output.error(error);
    return false;
  }

  std::vector<std::string> paths_;
  std::string out_;
  TrustArguments trust_;
};

}  // namespace

std::unique_ptr<Command> make_compare_command() { return std::make_unique<CompareCommand>(); }

}  // namespace assay
