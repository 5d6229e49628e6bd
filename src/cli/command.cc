#include "cli/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace assay {

unsigned CommonOptions::job_count() const {
  return jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
}

TextStyle CommonOptions::text_style() const {
  TextStyle style;
  style.verbose = verbose > 0;
  // https://no-color.org
  const char* no_color = std::getenv("NO_COLOR");
  const bool wanted = (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) != 0;
  style.color = color == "always" || (color == "auto" && wanted);
  return style;
}

void add_common_options(CLI::App& app, CommonOptions& common) {
  app.add_option("-j,--jobs", common.jobs, "threads to work with (default: one a processor)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("-q,--quiet", common.quiet, "print only problems");
  app.add_flag("-v,--verbose", common.verbose,
               "a line for everything, and each rule that was applied");
  app.add_flag("--json", common.json, "one JSON object a line on standard output");
  app.add_option("--color", common.color, "when to use colour")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void print_error(const Error& error) { fmt::print(stderr, "assay: {}\n", describe(error)); }

int run_command_line(int argc, char** argv) {
  CLI::App app("Says what a Linux kernel would do with signed artifacts, and why.", "assay");
  app.set_version_flag("--version", ASSAY_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.failure_message(CLI::FailureMessage::help);
  CommonOptions common;
  std::array commands{make_inspect_command(), make_verify_command(), make_judge_command()};
  for (const auto& command : commands) {
    CLI::App* sub = app.add_subcommand(command->name(), command->purpose());
    command->add_options(*sub);
    add_common_options(*sub, common);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version arrive here too, with status 0.
    return app.exit(error) == 0 ? kGood : kUndetermined;
  }
  for (const auto& command : commands) {
    if (!app.got_subcommand(command->name())) continue;
    const ExitStatus status = command->run(common);
    // What did not reach the reader was not said.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      print_error({Reason::cannot_write, {}, "standard output", {}});
      return status == kBad ? kBad : kUndetermined;
    }
    return status;
  }
  return kUndetermined;
}

}  // namespace assay
