#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace assay {

namespace {

class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter(std::string arguments, std::string notes)
      : arguments_(std::move(arguments)), notes_(std::move(notes)) {
    column_width(28);
    label("Positionals", "Arguments");
    label("Subcommands", "Commands");
  }

  std::string make_usage(const CLI::App* app, std::string) const override {
    std::string name = app->get_name();
    for (const CLI::App* up = app->get_parent(); up != nullptr; up = up->get_parent())
      name = up->get_name() + ' ' + name;
    return "Usage: " + name + (app->get_parent() == nullptr ? " " : " [OPTIONS] ") + arguments_ +
           '\n';
  }
  std::string make_footer(const CLI::App*) const override { return notes_; }

 private:
  std::string arguments_;
  std::string notes_;
};

}  // namespace

const char* const kOverview = R"(`assay COMMAND --help` explains one command.

Exit status: 0 all is well, 1 something is known to be bad, 2 something could not be
found out. One known bad artifact decides.
)";

void set_up_help(CLI::App& app, const std::string& arguments, const std::string& notes) {
  app.set_help_flag("-h,--help", "print this");
  app.formatter(std::make_shared<HelpFormatter>(arguments, notes));
}

}  // namespace assay
