// assay guard: let a kernel load what is on a list, and nothing else.

#include "cli/cmd_guard.h"

#include <CLI/CLI.hpp>

#include "cli/help.h"

namespace assay {

namespace {

class GuardCommand final : public Command {
 public:
  const char* name() const override { return "guard"; }
  const char* purpose() const override { return "let a kernel load what is on a list"; }
  const char* arguments() const override { return "COMMAND ..."; }
  const char* notes() const override {
    return R"(docs/guard.md says how a machine is armed, docs/guard-list.md what the files are. assay guard COMMAND --help has the options of each.
)";
  }

  void add_options(CLI::App& app) override {
    app_ = &app;
    add_guard_kernel_commands(app, commands_);
    add_guard_list_commands(app, commands_);
  }

  Result<void> check() const override {
    const Command* command = chosen();
    if (command == nullptr)
      return fail(Reason::usage, {}, "COMMAND is missing: probe, list, load, status ...");
    return command->check();
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    return chosen()->run(common, output);
  }

 private:
  Command* chosen() const {
    for (const auto& command : commands_)
      if (app_->got_subcommand(command->name())) return command.get();
    return nullptr;
  }

  CLI::App* app_ = nullptr;
  GuardCommands commands_;
};

}  // namespace

void add_guard_command(CLI::App& guard, GuardCommands& commands, std::unique_ptr<Command> command) {
  CLI::App* sub = guard.add_subcommand(command->name(), command->purpose());
  sub->group("Commands");
  sub->fallthrough();  // -q, -v, --json, -j are those of guard
  set_up_help(*sub, command->arguments(), command->notes());
  sub->allow_extras();
  command->add_options(*sub);
  commands.push_back(std::move(command));
}

std::unique_ptr<Command> make_guard_command() { return std::make_unique<GuardCommand>(); }

}  // namespace assay
