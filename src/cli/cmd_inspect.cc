// assay inspect: what is this, and which records does it carry, where, by whom?

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress_line.h"
#include "report/json.h"
#include "report/manifest_report.h"

namespace assay {

namespace {

class InspectCommand final : public Command {
 public:
  const char* name() const override { return "inspect"; }
  const char* purpose() const override {
    return "what is this, and which records does it carry, where, by whom";
  }
  bool only_reads() const override { return true; }
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(Kernel images inside others (.linux of a unified kernel image, the Image in an EFI zboot or a compressed
Image) follow them. Records are signatures, and the certificates that a kernel image has built in (-v, --json).

--digest and --manifest tell of a build what signing does not change: each file by its path, its mode
and the SHA-256 of it without its records, decompressed where it is a module. With --json all of it is
printed, with the records found.

Exit status: 0 whenever everything could be read, else 2.

Examples:
  assay inspect module.ko
  assay inspect -v /boot/vmlinuz-6.1.0-56-amd64
  assay inspect --digest linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("PATH", paths_,
                   "files, folders, packages, archives, images; - is standard input")
        ->option_text(" ");
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
    auto* digest = app.add_flag(
        "--digest", digest_,
        "of each PATH one digest, the same signed and unsigned: the SHA-256 of its manifest");
    app.add_flag("--manifest", manifest_,
                 "the manifest: SHA-256 without records, size, mode and path of every file")
        ->excludes(digest);
  }

  Result<void> check() const override {
    if (manifest_ && paths_.size() > 1)
      return fail(Reason::usage, {}, "--manifest takes one PATH: the manifests of two are not one");
    return require_paths(paths_);
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (digest_ || manifest_) return print_manifests(common, output);
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
  ExitStatus print_manifests(const CommonOptions& common, Output& output) const {
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    ExitStatus status = kGood;
    for (const std::string& path : paths_) {
      const auto manifest =
          make_manifest({path, common.job_count(), &numbers}, [&](const Error& error) {
            progress.hide();
            if (common.json) output.print(to_json_error(error) + '\n');
            output.error(error);
          });
      progress.hide();
      if (!manifest)
        status = kUndetermined;
      else if (common.json)
        output.print(to_json(*manifest) + '\n');
      else
        output.print(digest_ ? to_digest_line(*manifest) : to_text(*manifest));
    }
    return status;
  }

  std::vector<std::string> paths_;
  bool all_ = false;
  bool digest_ = false;
  bool manifest_ = false;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace assay
