// assay guard overlay: rows that a key adds to the list of a running guard.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>

#include "base/name.h"
#include "bytes/atomic_file.h"
#include "cli/cmd_guard.h"
#include "cli/progress_line.h"
#include "cli/signer_arguments.h"
#include "cli/trust_arguments.h"
#include "report/guard_report.h"

namespace assay {

namespace {

constexpr std::array<std::string_view, 3> kActions = {"sign", "show", "verify"};

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

class GuardOverlayCommand final : public Command {
 public:
  const char* name() const override { return "overlay"; }
  const char* purpose() const override { return "rows that a key adds to a running list"; }
  const char* arguments() const override { return "ACTION PATH..."; }
  const char* notes() const override {
    return R"(ACTION is
  sign    make an overlay (-o) of the modules PATH, for the list --for
  show    say what is in the overlays PATH
  verify  is each overlay PATH signed by whom --trust trusts, by the kernel's rules?

An overlay is taken by a kernel once: its serial has to be greater than that of the one before.

Exit status: 0, 1 an overlay is not good (verify), 2 something could not be found out.

Examples:
  assay guard overlay sign --for debian.list --key MOK.priv --cert MOK.der -o r8126.overlay r8126.ko
  assay guard overlay verify --trust MOK.der r8126.overlay
)";
  }

  void add_options(CLI::App& app) override {
    for (const std::string_view action : kActions)
      app.add_subcommand(std::string(action))->fallthrough()->group("")->callback([this, action] {
        action_ = action;
      });
    const auto text = [&app](const char* option, std::string& value, const char* type,
                             const char* help) {
      app.add_option(option, value, help)->type_name(type)->option_text(type);
    };
    app.add_option("PATH", paths_, "modules, kernel images ... (sign), or overlays")
        ->option_text(" ");
    text("-o", out_, "FILE", "sign: where the overlay goes");
    text("--for", for_, "LIST", "sign: the list that it adds to, or its name");
    app.add_option("--serial", serial_, "sign: its serial (default: seconds since 1970)")
        ->type_name("N")
        ->option_text("N");
    text("--mode", mode_, "MODE",
         "sign: where --for is a name, the list's mode: body (the default) or whole");
    text("--classes", classes_, "LIST", "sign: what of PATH is added (default: module)");
    signer_.add_to(app);
    trust_.add_to(app);
  }

  Result<void> check() const override {
    if (action_.empty()) return fail(Reason::usage, {}, "ACTION is missing: sign, show or verify");
    ASSAY_CHECK(require_paths(paths_));
    if (action_ == "verify" && trust_.trust.empty() && !trust_.kernel_image)
      return fail(Reason::usage, {}, "--trust or --kernel is missing");
    if (action_ != "sign") return {};
    if (out_.empty()) return fail(Reason::usage, {}, "-o is missing");
    if (for_.empty()) return fail(Reason::usage, {}, "--for is missing");
    if (!find_guard_mode(mode_)) return fail(Reason::usage, {}, "--mode is body or whole");
    if (!parse_read_mask(classes_))
      return fail(Reason::usage, {}, "--classes: unknown, or not in their order");
    return signer_.check();
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (action_ != "sign") return look_at_all(common, output);
    const auto signed_ = sign(common, output);
    if (signed_) return *signed_;
    output.error(signed_.error());
    return kUndetermined;
  }

 private:
  // A name, where there is no such file.
  Result<GuardList> target() const {
    const auto kind = source_kind(for_);
    if (!kind && is_list_name(for_)) {
      GuardList list;
      list.name = for_;
      list.mode = *find_guard_mode(mode_);
      list.classes = kAllReads;
      return list;
    }
    ASSAY_TRY(LoadedGuardList loaded, load_guard_list(for_, {}));
    return std::move(loaded.list);
  }

  Result<ExitStatus> sign(const CommonOptions& common, Output& output) const {
    ASSAY_TRY(const GuardList list, target());
    GuardListOptions options;
    options.survey.paths = paths_;
    options.survey.jobs = common.job_count();
    options.head = list;
    options.head.classes = *parse_read_mask(classes_);
    if (const ReadMask other = options.head.classes & ~list.classes; other != 0)
      return fail(Reason::usage, {},
                  fmt::format("the list does not decide {}", read_mask_text(other)));
    const BuiltGuardList built = build_guard_list(options);
    for (const Error& error : built.errors) output.error(error);
    if (!built.errors.empty()) return kUndetermined;
    warn_of_empty_paths(built.surveyed.empty_paths, "files of these classes", output);
    Overlay overlay{list.name, serial_ ? *serial_ : seconds_since_1970(), {}};
    for (const GuardRow& row : built.list.rows) overlay.rows.push_back({row.digest, row.mask});
    const std::size_t count = overlay.rows.size();
    ASSAY_TRY(std::vector<std::uint8_t> bytes, write_overlay(std::move(overlay)));
    ASSAY_TRY(const SigningIdentity identity, signer_.load());
    ASSAY_TRY(bytes, sign_bytes(out_, std::move(bytes), *identity.signer, identity.certificate));
    ASSAY_CHECK(split_overlay(View(bytes)));  // the signature is not longer than kernels are given
    AtomicWriter writer{WritePolicy{}};
    ASSAY_CHECK(writer.write({.path = out_, .content = MemoryContent(std::move(bytes))}));
    for (const Error& error : writer.commit()) return std::unexpected(error);
    if (!common.quiet)
      output.print(
          fmt::format("{}: {} digests for list {}\n", encode_name(out_), count, list.name));
    return kGood;
  }

  ExitStatus look_at_all(const CommonOptions& common, Output& output) const {
    TrustOptions trust;
    if (action_ == "verify") {
      auto loaded = trust_.load([&](const Error& error) { output.error(error); });
      if (!loaded) {
        output.error(loaded.error());
        return kUndetermined;
      }
      trust = std::move(*loaded);
    }
    ExitStatus status = kGood;
    for (const std::string& path : paths_) {
      const auto one = look_at(path, trust, common, output);
      if (!one) output.error(with_path(one.error(), encode_name(path)));
      const ExitStatus its = one ? *one : kUndetermined;
      if (status != kBad && its != kGood) status = its;
    }
    return status;
  }

  Result<ExitStatus> look_at(const std::string& path, const TrustOptions& trust,
                             const CommonOptions& common, Output& output) const {
    ASSAY_TRY(const LoadedOverlay loaded, load_overlay(path));
    ArtifactReport report;
    if (action_ == "verify") report = verify_bytes(encode_name(path), View(loaded.file), trust);
    const OverlayReport told{encode_name(path), loaded.overlay,
                             action_ == "verify" ? &report : nullptr};
    output.print(common.json ? to_json(told) + '\n' : to_text(told));
    if (action_ == "show" || report.standing == Standing::verified) return kGood;
    return report.standing == Standing::undetermined ? kUndetermined : kBad;
  }

  std::string action_;
  std::vector<std::string> paths_;
  std::string out_;
  std::string for_;
  std::optional<std::uint64_t> serial_;
  std::string mode_ = "body";
  std::string classes_ = "module";
  SignerArguments signer_;
  TrustArguments trust_;
};

}  // namespace

std::unique_ptr<Command> make_guard_overlay_command() {
  return std::make_unique<GuardOverlayCommand>();
}

}  // namespace assay
