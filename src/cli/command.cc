#include "cli/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <new>
#include <span>
#include <thread>

#include "cli/confinement.h"
#include "cli/drop_in.h"
#include "cli/help.h"

namespace assay {

namespace {

using Commands = std::array<std::unique_ptr<Command>, 14>;

void add_common_options(CLI::App& app, CommonOptions& common) {
  app.add_option("-j,--jobs", common.jobs, "threads to work with (default: one a processor)")
      ->type_name("N")
      ->option_text("N")
      ->check(CLI::Range(1, 1024));
  app.add_flag("-q,--quiet", common.quiet, "print only problems");
  app.add_flag("-v,--verbose", common.verbose,
               "a line for everything, and each rule that was applied");
  app.add_flag("--json", common.json, "one JSON object a line on standard output");
  app.add_option("--color", common.color, "when to use colour: auto, always, never")
      ->type_name("WHEN")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

// What the command line library kept for nobody.
std::string describe_unknown(const std::vector<std::string>& rest, bool has_command) {
  if (!has_command && !rest.front().starts_with('-')) return "unknown command " + rest.front();
  for (const std::string& word : rest)
    if (word.size() > 1 && word.starts_with('-')) return "unknown option " + word;
  return "unknown argument " + rest.front();
}

// Actions of a group "" are words of their command alone: its help is theirs, where CLI11 would
// print one without options.
std::string help_of(const CLI::App& command) {
  const auto chosen = command.get_subcommands();
  if (chosen.empty()) return command.help();
  if (!chosen.front()->get_group().empty()) return help_of(*chosen.front());
  return command.get_formatter()->make_help(&command, "", CLI::AppFormatMode::Normal);
}

ExitStatus refuse(const std::string& who, std::string_view why, Output& output) {
  const std::string name = who.empty() ? "assay" : "assay " + who;
  output.warn(fmt::format("{} (see {} --help)", why, name), name);
  return kUndetermined;
}

ExitStatus run(int argc, char** argv, Output& output) {
  CLI::App app("Says what a Linux kernel would do with signed artifacts, and why.", "assay");
  set_up_help(app, "COMMAND ...", kOverview);
  app.set_version_flag("--version", "assay " ASSAY_VERSION, "print the version");
  app.allow_extras();
  CommonOptions common;
  ConfinementArguments confinement;
  Commands commands{make_inspect_command(), make_verify_command(),   make_judge_command(),
                    make_doctor_command(),  make_platform_command(), make_ima_command(),
                    make_excise_command(),  make_attach_command(),   make_sign_command(),
                    make_compare_command(), make_expect_command(),   make_hashes_command(),
                    make_guard_command(),   make_rules_command()};
  for (const auto& command : commands) {
    CLI::App* sub = app.add_subcommand(command->name(), command->purpose());
    sub->group("Commands");
    set_up_help(*sub, command->arguments(), command->notes());
    sub->allow_extras();
    command->add_options(*sub);
    if (command->only_reads()) confinement.add_to(*sub);
    add_common_options(*sub, common);
  }
  const auto chosen = [&]() -> Command* {
    for (const auto& command : commands)
      if (app.got_subcommand(command->name())) return command.get();
    return nullptr;
  };
  const auto name_of = [](const Command* command) {
    return std::string(command == nullptr ? "" : command->name());
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const Command* command = chosen();
    output.print(command == nullptr ? app.help() : help_of(*app.get_subcommand(command->name())));
    return kGood;
  } catch (const CLI::CallForVersion& version) {
    output.print(std::string(version.what()) + '\n');
    return kGood;
  } catch (const CLI::ParseError& error) {
    return refuse(name_of(chosen()), error.what(), output);
  }
  Command* command = chosen();
  if (const auto rest = app.remaining(true); !rest.empty())
    return refuse(name_of(command), describe_unknown(rest, command != nullptr), output);
  if (command == nullptr) return refuse({}, "a command is missing", output);
  if (const auto complete = command->check(); !complete)
    return refuse(command->name(), complete.error().detail, output);
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (command->only_reads())
    if (const auto confined = confinement.apply(command->name(), words, common.verbose > 0, output);
        !confined)
      return refuse(command->name(), confined.error().detail, output);
  return command->run(common, output);
}

}  // namespace

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

Result<void> require_paths(const std::vector<std::string>& paths) {
  if (paths.empty()) return fail(Reason::usage, {}, "PATH is missing");
  return {};
}

void warn_of_empty_paths(const std::vector<std::string>& paths, std::string_view what,
                         Output& output) {
  for (const std::string& path : paths) output.warn(fmt::format("{}: no {}", path, what));
}

int run_command_line(int argc, char** argv) {
  Output output;
  ExitStatus status = kUndetermined;
  try {
    const DropIn drop_in = argc > 0 ? find_drop_in(argv[0]) : nullptr;
    if (drop_in != nullptr) return drop_in(argc, argv, output);
    status = run(argc, argv, output);
  } catch (const std::bad_alloc&) {
    output.warn("out of memory");
  } catch (const std::exception& error) {
    output.warn(fmt::format("internal error: {}", error.what()));
  }
  // What did not reach the reader was not said.
  if (!output.finish() && status == kGood) status = kUndetermined;
  return status;
}

}  // namespace assay
