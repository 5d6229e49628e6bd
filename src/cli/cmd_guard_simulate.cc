// assay guard simulate: what a guard with this list would say, without one.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/whole_file.h"
#include "cli/cmd_guard.h"
#include "cli/platform_arguments.h"
#include "cli/progress_line.h"
#include "cli/trust_arguments.h"
#include "report/guard_report.h"
#include "survey/guard_simulation.h"

namespace assay {

namespace {

constexpr std::uint64_t kIpePolicySize = 64 * limits::kKiB;

class GuardSimulateCommand final : public Command {
 public:
  const char* name() const override { return "simulate"; }
  const char* purpose() const override { return "what a guard with this list would say"; }
  const char* arguments() const override { return "--list LIST PATH..."; }
  const char* notes() const override {
    return R"(Every module, kernel image, initrd and firmware file under PATH is asked about. With --platform the kernel
is asked after the guard, as assay judge does, and what comes first decides: modules disabled, then
the guard, then IMA, signatures and lockdown. With --ipe a policy of IPE is asked as well.

Exit status: 0 everything is allowed, 1 something is refused, 2 something could not be found out.

Examples:
  assay guard simulate --list debian.list r8126.ko
  assay guard simulate --list debian.list --platform server.toml --trust MOK.der /lib/modules/6.1.0-56-amd64
)";
  }

  void add_options(CLI::App& app) override {
    const auto text = [&app](const char* option, std::string& value, const char* type,
                             const char* help) {
      app.add_option(option, value, help)->type_name(type)->option_text(type);
    };
    app.add_option("PATH", paths_, "modules, kernel images, packages, folders")->option_text(" ");
    text("--list", list_, "LIST", "the list that is enforced");
    app.add_option("--overlay", overlays_, "that were added to it (repeatable)")
        ->type_name("FILE")
        ->option_text("FILE")
        ->allow_extra_args(false);
    text("--mode", mode_, "MODE", "enforce (the default) or audit");
    text("--variant", variant_, "VARIANT", "buffer (the default), cast or ima");
    text("--errno", errno_, "NAME", "that it returns (default: EKEYREJECTED)");
    text("--platform", platform_, "PLATFORM", "the kernel that is asked afterwards");
    text("--syscall", syscall_, "CALL", "init_module, finit_module or kexec_load");
    text("--flags", flags_, "LIST", "of finit_module: compressed ...");
    text("--ipe", ipe_, "FILE", "the text of the active policy of IPE");
    text("--fs-verity", verity_, "WORD", "on or off: do the files have fs-verity?");
    trust_.add_to(app);
  }

  Result<void> check() const override {
    ASSAY_CHECK(require_paths(paths_));
    if (list_.empty()) return fail(Reason::usage, {}, "--list is missing");
    if (!find_guard_enforcement(mode_) || mode_ == "off")
      return fail(Reason::usage, {}, "--mode is enforce or audit");
    if (!find_guard_program(variant_))
      return fail(Reason::usage, {}, "--variant is buffer, cast or ima");
    if (!find_errno(errno_)) return fail(Reason::usage, {}, "--errno: unknown");
    if (!verity_.empty() && verity_ != "on" && verity_ != "off")
      return fail(Reason::usage, {}, "--fs-verity is on or off");
    if (!syscall_.empty() && syscall_ != "init_module" && syscall_ != "finit_module" &&
        syscall_ != "kexec_load")
      return fail(Reason::usage, {}, "--syscall: init_module, finit_module or kexec_load");
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto status = simulate(common, output);
    if (status) return *status;
    output.error(status.error());
    return kUndetermined;
  }

 private:
  // False: it is not signed by whom it should be.
  Result<bool> load_list(GuardState& guard, Output& output) const {
    TrustOptions trust;
    const bool has_trust = !trust_.trust.empty() || trust_.kernel_image;
    if (has_trust) {
      ASSAY_TRY(trust, trust_.load([&](const Error& error) { output.error(error); }));
    }
    ASSAY_TRY(LoadedGuardList loaded, load_guard_list(list_, trust));
    if (has_trust && loaded.signature.standing != Standing::verified) {
      output.warn(fmt::format(
          "{}: the list is {}{}", encode_name(list_), standing_name(loaded.signature.standing),
          loaded.signature.reason ? ": " + loaded.signature.reason->text : std::string()));
      return false;
    }
    for (const std::string& path : overlays_) ASSAY_CHECK(add_overlay(path, loaded.list));
    guard.classes = loaded.list.classes;
    guard.list = std::make_shared<const GuardList>(std::move(loaded.list));
    return true;
  }

  static Result<void> add_overlay(const std::string& path, GuardList& list) {
    ASSAY_TRY(const LoadedOverlay loaded, load_overlay(path));
    const Overlay& overlay = loaded.overlay;
    if (overlay.list != list.name)
      return fail(Reason::usage, {},
                  fmt::format("{} is for list {}, and this is {}", encode_name(path), overlay.list,
                              list.name));
    for (const OverlayRow& row : overlay.rows) list.rows.push_back({row.digest, row.mask, {}});
    make_canonical(list);
    return {};
  }

  Result<void> load_ipe(GuardSimulationOptions& options) const {
    if (ipe_.empty()) return {};
    ASSAY_TRY(const auto text, read_whole_file(ipe_, kIpePolicySize));
    auto policy = std::make_shared<IpePolicy>();
    Walk walk(options.kernel, {}, true);
    const Outcome bad = parse_ipe_policy(walk, View(text).text(), *policy);
    if (bad.failed()) {
      const Step& step = walk.steps()[static_cast<std::size_t>(bad.step)];
      return std::unexpected(Error{Reason::bad_value,
                                   {},
                                   fmt::format("the kernel does not take this policy ({}): {}, {}",
                                               errno_name(bad.err), step.rule->fails, step.because),
                                   encode_name(ipe_)});
    }
    options.ipe = IpeState{std::move(policy), true};
    return {};
  }

  Result<ExitStatus> simulate(const CommonOptions& common, Output& output) const {
    GuardSimulationOptions options;
    options.survey.paths = paths_;
    options.survey.jobs = common.job_count();
    options.guard.variant = *find_guard_program(variant_);
    options.guard.enforcement = *find_guard_enforcement(mode_);
    options.guard.err = *find_errno(errno_);
    options.kernel = {kAnchor72, Variant::debian, Arch::x86_64};
    options.syscall = syscall_;
    options.flags = flags_;
    if (!verity_.empty()) options.has_fsverity = verity_ == "on";
    ASSAY_TRY(const bool is_trusted, load_list(options.guard, output));
    if (!is_trusted) return kBad;
    if (!platform_.empty()) {
      ASSAY_TRY(LoadedPlatforms loaded, load_platforms({platform_}));
      if (loaded.platforms.size() != 1) return fail(Reason::usage, {}, "one --platform at a time");
      options.platform = std::make_shared<const Platform>(std::move(loaded.platforms.front()));
      options.kernel = options.platform->kernel;
    }
    ASSAY_CHECK(load_ipe(options));
    return run_over(options, common, output);
  }

  static ExitStatus run_over(GuardSimulationOptions& options, const CommonOptions& common,
                             Output& output) {
    std::uint64_t files = 0;
    std::uint64_t refused = 0;
    std::uint64_t open = 0;
    Progress numbers;
    options.survey.progress = &numbers;
    ProgressLine progress(numbers, !common.quiet);
    const Surveyed surveyed = simulate_guard(options, [&](const GuardSimulation& one) {
      progress.hide();
      ++files;
      const bool is_refused =
          one.decision == Decision::refused || one.decision == Decision::crashes;
      if (is_refused) ++refused;
      if (one.decision == Decision::undetermined) ++open;
      const bool is_quiet = one.decision == Decision::allowed && !has_miss(one);
      if (common.json)
        output.print(to_json(one) + '\n');
      else if (common.verbose > 0 || !is_quiet)
        output.print(to_text(one));
    });
    progress.hide();
    warn_of_empty_paths(surveyed.empty_paths, "modules, kernel images, initrds or firmware",
                        output);
    if (!common.json && !common.quiet)
      output.print(fmt::format("{} files: {} refused, {} undetermined\n", files, refused, open));
    return refused != 0 ? kBad : open != 0 || files == 0 ? kUndetermined : kGood;
  }

  std::vector<std::string> paths_;
  std::string list_;
  std::vector<std::string> overlays_;
  std::string mode_ = "enforce";
  std::string variant_ = "buffer";
  std::string errno_ = "EKEYREJECTED";
  std::string platform_;
  std::string syscall_;
  std::string flags_;
  std::string ipe_;
  std::string verity_;
  TrustArguments trust_;
};

}  // namespace

std::unique_ptr<Command> make_guard_simulate_command() {
  return std::make_unique<GuardSimulateCommand>();
}

}  // namespace assay
