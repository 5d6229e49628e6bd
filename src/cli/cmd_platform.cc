// assay platform: describe a platform, and say what it enforces.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "cli/command.h"
#include "platforms/find_platform.h"
#include "platforms/platform_writer.h"
#include "report/platform_report.h"

namespace assay {

namespace {

constexpr std::array<std::string_view, 4> kActions = {"capture", "check", "show", "matrix"};

class PlatformCommand final : public Command {
 public:
  const char* name() const override { return "platform"; }
  const char* purpose() const override { return "describe a platform, and say what it enforces"; }
  const char* arguments() const override { return "ACTION [PLATFORM...]"; }
  const char* notes() const override {
    return R"(ACTION is
  capture  write PLATFORM as a platform file (-o), which judge reads
  show     what PLATFORM is: kernel, state, keyrings
  check    what PLATFORM enforces for modules, kexec and IMA, and the gaps
  matrix   options about kexec and IMA: which architecture can turn them on, and in which of the
           PLATFORMs they are

PLATFORM is host (the default: the machine this runs on; root sees more), a platform file, a folder
with platform.toml, a kernel package or a folder it was unpacked into, a Kconfig file.

Exit status: 0, or 2 where a platform could not be read.

Examples:
  sudo assay platform capture -o here.toml
  assay platform check linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
  assay platform matrix *.deb
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("ACTION", action_, "capture, show, check or matrix")->option_text(" ");
    app.add_option("PLATFORM", platforms_, "host, a platform file, a package, a Kconfig file")
        ->option_text(" ");
    app.add_option("-o", output_path_, "capture: the platform file (*.toml), or a folder for it")
        ->type_name("PATH")
        ->option_text("PATH");
    app.add_option("--root", root_, "the folder that is read as host (default: /)")
        ->type_name("DIR")
        ->option_text("DIR");
  }

  Result<void> check() const override {
    if (action_.empty()) return fail(Reason::usage, {}, "ACTION is missing");
    if (std::ranges::find(kActions, action_) == kActions.end())
      return fail(
          Reason::usage, {},
          fmt::format("unknown action {}, expected capture, show, check or matrix", action_));
    if (action_ == "capture" && output_path_.empty())
      return fail(Reason::usage, {}, "-o is missing");
    if (action_ == "capture" && named().size() > 1)
      return fail(Reason::usage, {}, "one platform at a time");
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    std::vector<std::string> platforms = named();
    if (action_ == "matrix") return show_matrix(platforms, common, output);
    if (platforms.empty()) platforms.emplace_back("host");
    ExitStatus status = kGood;
    for (const std::string& what : platforms) {
      const auto captured = find_platform(what, root_, images_);
      if (!captured) {
        output.error(captured.error());
        status = kUndetermined;
      } else if (!tell(*captured, common, output)) {
        status = kUndetermined;
      }
    }
    return status;
  }

 private:
  // "package PATH" says the same as PATH.
  std::vector<std::string> named() const {
    const bool says_package = platforms_.size() > 1 && platforms_.front() == "package";
    return {platforms_.begin() + (says_package ? 1 : 0), platforms_.end()};
  }

  bool tell(const Capture& capture, const CommonOptions& common, Output& output) const {
    if (action_ == "capture") return write(capture, common, output);
    if (action_ == "show") {
      output.print(common.json ? platform_to_json(capture) : platform_to_text(capture));
      return true;
    }
    const auto rows = check_platform(capture.platform);
    const auto gaps = find_gaps(capture.platform);
    const std::string& name = capture.platform.name;
    output.print(common.json ? check_to_json(name, rows, gaps)
                             : check_to_text(name, rows, gaps, common.text_style()));
    return true;
  }

  bool write(const Capture& capture, const CommonOptions& common, Output& output) const {
    const auto written = write_platform(capture.platform, capture.notes, output_path_);
    if (!written) {
      output.error(written.error());
      return false;
    }
    if (common.json) output.print(platform_to_json(capture));
    if (!common.json && !common.quiet)
      for (const std::string& note : capture.notes) output.warn(note);
    return true;
  }

  ExitStatus show_matrix(const std::vector<std::string>& platforms, const CommonOptions& common,
                         Output& output) const {
    std::vector<NamedConfig> configs;
    ExitStatus status = kGood;
    for (const std::string& what : platforms) {
      auto captured = find_platform(what, root_, images_);
      if (!captured) {
        output.error(captured.error());
        status = kUndetermined;
        continue;
      }
      Platform& platform = captured->platform;
      if (!platform.config.is_known()) {
        output.warn(fmt::format("{}: its configuration is not known", what));
        status = kUndetermined;
        continue;
      }
      configs.push_back({platform.name, platform.kernel.arch, std::move(platform.config)});
    }
    const auto cells = platform_matrix(configs);
    output.print(common.json ? matrix_to_json(cells) : matrix_to_text(cells, common.text_style()));
    return status;
  }

  std::string action_;
  std::vector<std::string> platforms_;
  std::string output_path_;
  std::string root_ = "/";
  mutable PlatformInputs images_;
};

}  // namespace

std::unique_ptr<Command> make_platform_command() { return std::make_unique<PlatformCommand>(); }

}  // namespace assay
