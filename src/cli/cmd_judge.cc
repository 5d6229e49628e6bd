// assay judge: what would this kernel do with it, and why?

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/fact_arguments.h"
#include "cli/platform_arguments.h"
#include "cli/progress_line.h"
#include "formats/module_name.h"
#include "report/json.h"
#include "trust/boot_state.h"

namespace assay {

namespace {

JudgedArtifact describe(const JudgedModule& judged, const std::string& request) {
  return {request,         judged.path,    judged.platform,      judged.rules,
          judged.reason,   judged.taint,   judged.signature_err, judged.kernel,
          judged.measured, judged.audited, judged.notes};
}

std::string fate(const Verdict& verdict) {
  const bool has_error = verdict.decision == Decision::refused && verdict.err != Errno::none;
  return has_error ? fmt::format("refused {}", errno_name(verdict.err))
                   : std::string(decision_name(verdict.decision));
}

// What becomes of one file on several platforms, where that is not the same.
std::string difference(const std::vector<JudgedModule>& verdicts) {
  const Verdict& first = verdicts.front().verdict;
  if (std::ranges::all_of(verdicts, [&](const JudgedModule& judged) {
        return judged.verdict.decision == first.decision && judged.verdict.err == first.err;
      }))
    return {};
  std::string text = verdicts.front().path + '\n';
  for (const JudgedModule& judged : verdicts) {
    const Rule* rule = judged.verdict.deciding;
    text += fmt::format("  {:<24} {:<22} {}\n", judged.platform, fate(judged.verdict),
                        rule != nullptr ? rule->id
                        : judged.reason ? std::string_view(judged.reason->text)
                                        : "");
  }
  return text;
}

class JudgeCommand final : public Command {
 public:
  const char* name() const override { return "judge"; }
  const char* purpose() const override { return "what would this kernel do with it, and why"; }
  bool only_reads() const override { return true; }
  const char* arguments() const override { return "REQUEST [--platform PLATFORM] PATH..."; }
  const char* notes() const override {
    return R"(For one artifact the walk through the kernel's rules is printed; for more, what was refused or
could not be found out, and -v prints every walk. With several platforms: the artifacts whose fate
is not the same on all of them. Without --platform the running kernel is asked, as far as it can be
read (root sees more).

REQUEST is module (init_module, finit_module), kexec (kexec_file_load, kexec_load), or what IMA
alone decides: kexec-initramfs, firmware, policy, read, exec, mmap. A module is judged as far as its
file and the platform decide: symbols that the kernel lacks, and what the module itself says when it
starts, are not looked at. Of a script its interpreter is not looked at.

IMA sees a file with the extended attributes, the owner and the file system that it has where it
lies, or that the options say; the members of a package have no attributes. The file is opened first,
and a rule for FILE_CHECK may refuse that.

Exit status: 0 every request is allowed, 1 some request is refused (with whatever error), 2 something
could not be found out and nothing is known to be refused.

Examples:
  sudo assay judge module r8126.ko
  assay judge module --platform package --cmdline quiet linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
  assay judge module --platform server.toml r8126.ko
  assay judge kexec --platform today.toml --platform proposed.toml /boot/vmlinuz
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("REQUEST", request_,
                   "what the kernel is asked to do: module, kexec, kexec-initramfs, firmware, "
                   "policy, read, exec, mmap")
        ->option_text(" ");
    app.add_option("PATH", paths_,
                   "files, folders, packages, archives, images; - is standard input")
        ->option_text(" ");
    app.add_option(
           "--platform", platforms_,
           "the kernel that is asked: host (the default), package (the one beside the "
           "artifact), a platform file, a folder of them, a kernel package, a Kconfig file; "
           "may be repeated")
        ->type_name("PLATFORM")
        ->option_text("PLATFORM")
        ->allow_extra_args(false);
    app.add_option("--syscall", syscall_,
                   "init_module, finit_module, kexec_load or kexec_file_load")
        ->type_name("CALL")
        ->option_text("CALL");
    app.add_option("--cmdline", cmdline_,
                   "the kernel's command line, where the platform does not say it (a package and a "
                   "Kconfig file do not)")
        ->type_name("LINE")
        ->option_text("LINE");
    app.add_option("--append", kexec_cmdline_,
                   "the command line of the kernel to be started (kexec), which IMA may measure")
        ->type_name("LINE")
        ->option_text("LINE");
    facts_.add_options(app);
    app.add_option("--flags", flags_,
                   "of finit_module: force-modversions, force-vermagic, compressed; of "
                   "kexec_file_load: no-initramfs, on-crash; or numbers")
        ->type_name("LIST")
        ->option_text("LIST");
  }

  Result<void> check() const override {
    if (request_.empty())
      return fail(Reason::usage, {}, "REQUEST is missing: module, kexec, exec ...");
    ASSAY_TRY(const JudgeRequest request, request_of_options());
    if (asks_package() && platforms_.size() > 1)
      return fail(Reason::usage, {}, "--platform package stands alone");
    if (asks_package() && is_for_ima_alone(request.request))
      return fail(Reason::usage, {}, "--platform package is for module and kexec");
    return require_paths(paths_);
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    Judging judging;
    judging.style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    JudgeRequest request = *request_of_options();
    request.explain = common.json || judging.style.verbose;
    SurveyOptions options{paths_, common.job_count(), false, {}, &numbers};
    // Of these the file itself is what the kernel reads: an initramfs, firmware in an archive.
    options.opens_images = !is_for_ima_alone(request.request);
    const auto judge = [&]() -> Result<Surveyed> {
      if (asks_package())
        return survey_and_judge(options, request, cmdline_, [&](const JudgedModule& judged) {
          progress.hide();
          add(judged, common, output, judging);
        });
      return survey_and_judge_on(
          options, request, [&] { return read_platforms(judging.notes); },
          [&](const std::vector<JudgedModule>& verdicts) {
            progress.hide();
            add(verdicts, common, output, judging);
          });
    };
    const Result<Surveyed> surveyed = judge();
    progress.hide();
    if (!surveyed) {
      output.error(surveyed.error());
      return kUndetermined;
    }
    judging.summary.skipped = surveyed->skipped;
    print(common, output, judging);
    warn_of_empty_paths(surveyed->empty_paths,
                        request_ == "module"  ? "modules"
                        : request_ == "kexec" ? "kernel images"
                                              : "files",
                        output);
    const VerdictSummary& summary = judging.summary;
    if (summary.undetermined != 0 && !common.quiet)
      for (const std::string& note : judging.notes) output.warn(note);
    if (judging.any_refused || summary.crashes != 0) return kBad;
    return summary.undetermined != 0 || summary.artifacts == 0 ? kUndetermined : kGood;
  }

 private:
  // What has been said and what is still to be.
  struct Judging {
    TextStyle style;
    Groups groups;
    VerdictSummary summary;
    std::optional<JudgedModule> only;  // as long as there is no second
    std::string differences;           // between platforms
    std::vector<std::string> notes;    // of platforms
    bool any_refused = false;          // with whatever error
    std::uint64_t files = 0;           // with verdicts on several platforms
    std::size_t platforms = 1;
  };

  Result<JudgeRequest> request_of_options() const {
    ASSAY_TRY(JudgeRequest request, parse_request(request_, syscall_, flags_));
    ASSAY_TRY(request.facts, facts_.read());
    request.kexec_cmdline = kexec_cmdline_;
    return request;
  }

  bool asks_package() const { return std::ranges::find(platforms_, "package") != platforms_.end(); }

  Result<std::vector<Platform>> read_platforms(std::vector<std::string>& notes) const {
    ASSAY_TRY(LoadedPlatforms loaded,
              load_platforms(platforms_.empty() ? std::vector<std::string>{"host"} : platforms_));
    notes = std::move(loaded.notes);
    for (Platform& platform : loaded.platforms) {
      if (platform.cmdline) continue;
      platform.cmdline = cmdline_;
      ASSAY_CHECK(check_command_line(platform));
    }
    return std::move(loaded.platforms);
  }

  // One file on one platform or several.
  void add(const std::vector<JudgedModule>& verdicts, const CommonOptions& common, Output& output,
           Judging& judging) const {
    ++judging.files;
    judging.platforms = std::max(judging.platforms, verdicts.size());
    const bool shows_each = common.json || judging.style.verbose;
    for (const JudgedModule& judged : verdicts)
      if (shows_each || verdicts.size() == 1)
        add(judged, common, output, judging);
      else
        count(judged, judging);
    if (verdicts.size() == 1) return;
    judging.differences += difference(verdicts);
    if (!shows_each && is_open_everywhere(verdicts)) hold(verdicts, judging);
  }

  static bool is_open_everywhere(const std::vector<JudgedModule>& verdicts) {
    return std::ranges::all_of(verdicts, [](const JudgedModule& judged) {
      return judged.verdict.decision == Decision::undetermined;
    });
  }

  // A file that nothing can be said of, whatever the platform.
  void hold(const std::vector<JudgedModule>& verdicts, Judging& judging) const {
    JudgedArtifact artifact = describe(verdicts.front(), request_);
    artifact.platform = fmt::format("each of {} platforms", verdicts.size());
    artifact.rules.clear();
    add_to(judging.groups, artifact, verdicts.front().verdict, judging.style);
  }

  static void count(const JudgedModule& judged, Judging& judging) {
    judging.summary.add(judged.verdict.decision);
    judging.any_refused |= judged.verdict.is_refused();
    if (judging.summary.artifacts == 1)
      judging.only = judged;
    else
      judging.only.reset();
  }

  void add(const JudgedModule& judged, const CommonOptions& common, Output& output,
           Judging& judging) const {
    count(judged, judging);
    if (common.json || judging.style.verbose) {
      const JudgedArtifact artifact = describe(judged, request_);
      output.print(common.json ? to_json(artifact, judged.verdict) + '\n'
                               : to_text(artifact, judged.verdict, judging.style));
      return;
    }
    if (common.quiet && judged.verdict.decision == Decision::allowed) return;
    add_to(judging.groups, describe(judged, request_), judged.verdict, judging.style);
  }

  // "15 artifacts on 3 platforms, 45 verdicts: 30 allowed, ...".
  static std::string on_platforms(std::string summary, const Judging& judging) {
    if (judging.platforms < 2) return summary;
    return fmt::format("{} on {} platforms, {} verdicts{}", count_of(judging.files, "artifact"),
                       judging.platforms, judging.summary.artifacts,
                       summary.substr(summary.find(':')));
  }

  static void print_summary(const CommonOptions& common, Output& output, const Judging& judging) {
    if (common.json)
      output.print(to_json(judging.summary) + '\n');
    else if (!common.quiet)
      output.print(on_platforms(to_text(judging.summary), judging));
  }

  // What kmod does with a compressed module, where no call is asked for.
  bool is_unpacked(const std::string& path) const {
    const auto name = parse_module_name(path.substr(path.rfind('/') + 1));
    return request_ == "module" && syscall_.empty() && flags_.empty() && name && name->codec;
  }

  void print(const CommonOptions& common, Output& output, Judging& judging) const {
    if (common.json) return print_summary(common, output, judging);
    if (judging.only && !common.quiet) {
      judging.style.verbose = true;
      output.print(
          to_text(describe(*judging.only, request_), judging.only->verdict, judging.style));
      if (is_unpacked(judging.only->path))
        output.print(
            "  assumes that modprobe unpacks the file; --syscall finit_module --flags compressed "
            "has "
            "the kernel do it\n");
      return;
    }
    output.print(judging.differences);
    output.print(judging.groups.to_text(common.quiet));
    print_summary(common, output, judging);
  }

  std::string request_;
  std::vector<std::string> paths_;
  std::vector<std::string> platforms_;
  std::string syscall_;
  std::string flags_;
  std::optional<std::string> cmdline_;
  std::string kexec_cmdline_;
  FactArguments facts_;
};

}  // namespace

std::unique_ptr<Command> make_judge_command() { return std::make_unique<JudgeCommand>(); }

}  // namespace assay
