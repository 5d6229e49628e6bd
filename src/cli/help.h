// cli/help.h - how --help reads.

#pragma once

#include <string>

namespace CLI {
class App;
}

namespace assay {

// What `assay --help` says after the list of commands.
extern const char* const kOverview;

// `arguments` follow the options in the usage line; `notes` end the text.
void set_up_help(CLI::App& app, const std::string& arguments, const std::string& notes);

}  // namespace assay
