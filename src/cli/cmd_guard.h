// cli/cmd_guard.h - the commands of assay guard, each a Command of its own under it.

#pragma once

#include <memory>
#include <vector>

#include "cli/command.h"

namespace assay {

using GuardCommands = std::vector<std::unique_ptr<Command>>;

// Registers a command under `guard`.
void add_guard_command(CLI::App& guard, GuardCommands& commands, std::unique_ptr<Command> command);

// What the guard of the running kernel is asked: probe, load, status and so on.
void add_guard_kernel_commands(CLI::App& guard, GuardCommands& commands);

// That change it: load, mode, seal, add, apply, unload.
void add_guard_arming_commands(CLI::App& guard, GuardCommands& commands);

// What needs no kernel: list, overlay, simulate, explain, emit.
void add_guard_list_commands(CLI::App& guard, GuardCommands& commands);

std::unique_ptr<Command> make_guard_list_command();
std::unique_ptr<Command> make_guard_overlay_command();
std::unique_ptr<Command> make_guard_simulate_command();
std::unique_ptr<Command> make_guard_explain_command();
std::unique_ptr<Command> make_guard_emit_command();

}  // namespace assay
