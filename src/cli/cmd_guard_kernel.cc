// assay guard probe, status, watch, metrics, self-test: what the guard of the running kernel says.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/cmd_guard.h"
#include "report/live_guard_report.h"

namespace assay {

namespace {

// A command without arguments of its own.
class PlainGuardCommand : public Command {
 public:
  const char* arguments() const override { return ""; }
  void add_options(CLI::App&) override {}
  Result<void> check() const override { return {}; }
};

class ProbeCommand final : public PlainGuardCommand {
 public:
  const char* name() const override { return "probe"; }
  const char* purpose() const override { return "what this kernel offers, by trying"; }
  const char* notes() const override {
    return R"(Loads and attaches each variant of the guard, with everything off, and takes it out again. Needs root.

Exit status: 0 the guard works here, 1 it does not.
)";
  }
  ExitStatus run(const CommonOptions& common, Output& output) override {
    const GuardProbe probe = probe_guard();
    output.print(common.json ? to_json(probe) : to_text(probe, common.text_style()));
    return probe.chosen ? kGood : kBad;
  }
};

class StatusCommand final : public PlainGuardCommand {
 public:
  const char* name() const override { return "status"; }
  const char* purpose() const override { return "what the armed guard decides, and did"; }
  const char* notes() const override {
    return R"(Exit status: 0 armed and effective, 1 armed and not effective, 2 none is armed, or it cannot be asked.
)";
  }
  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto status = read_guard_status();
    if (!status) {
      output.error(status.error());
      return kUndetermined;
    }
    output.print(common.json ? to_json(*status) : to_text(*status));
    return status->problems.empty() ? kGood : kBad;
  }
};

class MetricsCommand final : public PlainGuardCommand {
 public:
  const char* name() const override { return "metrics"; }
  const char* purpose() const override { return "the same, for Prometheus"; }
  const char* notes() const override {
    return R"(Exit status: 0, or 2 where no guard is armed.

Example:
  assay guard metrics > /var/lib/prometheus/node-exporter/assay.prom
)";
  }
  ExitStatus run(const CommonOptions&, Output& output) override {
    const auto status = read_guard_status();
    if (!status) {
      output.error(status.error());
      return kUndetermined;
    }
    output.print(to_prometheus(*status));
    return kGood;
  }
};

class SelfTestCommand final : public PlainGuardCommand {
 public:
  const char* name() const override { return "self-test"; }
  const char* purpose() const override { return "is the armed guard called, and does it answer?"; }
  const char* notes() const override {
    return R"(Makes two loads that cannot succeed; they are counted as not listed.

Exit status: 0 passed, 1 not, 2 none is armed.
)";
  }
  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto test = test_guard();
    if (!test) {
      output.error(test.error());
      return kUndetermined;
    }
    output.print(common.json ? to_json(*test) : to_text(*test));
    return test->passed() ? kGood : kBad;
  }
};

class WatchCommand final : public PlainGuardCommand {
 public:
  const char* name() const override { return "watch"; }
  const char* purpose() const override { return "events as they come"; }
  const char* notes() const override {
    return R"(Every file and buffer that the guard was asked about, and attempts on itself. An event is shown to
one reader. What has no room is counted (status), and changes no verdict.

Exit status: 0, or 2 where no guard is armed.
)";
  }
  void add_options(CLI::App& app) override {
    app.add_option("--count", count_, "end after N events")->type_name("N")->option_text("N");
    app.add_option("--timeout", timeout_, "end when none came for N seconds")
        ->type_name("N")
        ->option_text("N")
        ->check(CLI::Range(0, 1000000));
  }
  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto guard = LiveGuard::open();
    std::uint64_t left = count_;
    const auto watched =
        guard ? guard->watch(timeout_ < 0 ? -1 : timeout_ * 1000,
                             [&](const GuardEvent& event) {
                               output.print(common.json ? to_json(event) : to_text(event));
                               output.flush();
                               return left == 0 || --left != 0;
                             })
              : Result<void>(std::unexpected(guard.error()));
    if (watched) return kGood;
    output.error(watched.error());
    return kUndetermined;
  }

 private:
  std::uint64_t count_ = 0;
  int timeout_ = -1;
};

}  // namespace

void add_guard_kernel_commands(CLI::App& guard, GuardCommands& commands) {
  add_guard_command(guard, commands, std::make_unique<ProbeCommand>());
  add_guard_arming_commands(guard, commands);
  add_guard_command(guard, commands, std::make_unique<StatusCommand>());
  add_guard_command(guard, commands, std::make_unique<WatchCommand>());
  add_guard_command(guard, commands, std::make_unique<MetricsCommand>());
  add_guard_command(guard, commands, std::make_unique<SelfTestCommand>());
}

}  // namespace assay
