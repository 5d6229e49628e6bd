// assay rules: every rule the judge knows.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "catalogue/mechanism_pages.h"
#include "catalogue/proofs.h"
#include "cli/command.h"
#include "report/json.h"

namespace assay {

namespace {

class RulesCommand final : public Command {
 public:
  const char* name() const override { return "rules"; }
  const char* purpose() const override { return "every rule the judge knows, and what proves it"; }
  const char* arguments() const override { return "[RULE...]"; }
  const char* notes() const override {
    return R"(A rule is named MECHANISM/NAME; a mechanism alone names all of its rules. Rules stand in the
kernel's order. "rows" counts recorded verdicts of booted kernels that the rule decided; without
any it is from source alone.

Examples:
  assay rules module-sig
  assay rules --json | jq 'select(.rows == 0) | .id'
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option("RULE", wanted_, "rules or mechanisms")->option_text(" ");
    app.add_option("--docs", docs_, "write the pages of docs/mechanisms into this folder")
        ->type_name("FOLDER")
        ->option_text("FOLDER");
  }

  Result<void> check() const override {
    for (const std::string& wanted : wanted_)
      if (!is_known(wanted))
        return fail(Reason::usage, {}, fmt::format("there is no rule or mechanism {}", wanted));
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (!docs_.empty()) return write_docs(output);
    for (const RuleTable& table : all_rule_tables())
      for (const Rule* rule : table.rules)
        if (wanted_.empty() || is_wanted(*rule))
          output.print(common.json ? to_json(*rule, count_proofs(rule->id)) + '\n'
                                   : text_of(*rule));
    return kGood;
  }

 private:
  static bool is_known(const std::string& wanted) {
    for (const RuleTable& table : all_rule_tables())
      for (const Rule* rule : table.rules)
        if (rule->id == wanted || rule->mechanism() == wanted) return true;
    return false;
  }

  bool is_wanted(const Rule& rule) const {
    return std::ranges::any_of(wanted_, [&](const std::string& wanted) {
      return rule.id == wanted || rule.mechanism() == wanted;
    });
  }

  static std::string text_of(const Rule& rule) {
    const std::string scope = rule.scope.describe();
    return fmt::format("{:<36} {:<13} {:>6} rows  {}{}\n{:36} {}\n", rule.id,
                       rule.crashes ? "crash" : errno_name(rule.otherwise), count_proofs(rule.id),
                       rule.site, scope.empty() ? "" : " (" + scope + ")", "", rule.holds);
  }

  ExitStatus write_docs(Output& output) const {
    const auto write = [&](const std::string& file, const std::string& text) {
      std::ofstream page(std::filesystem::path(docs_) / file);
      page << text;
      page.close();
      if (!page) output.error({Reason::cannot_write, {}, {}, docs_ + "/" + file});
      return static_cast<bool>(page);
    };
    bool good = write("README.md", mechanism_index());
    for (const RuleTable& table : all_rule_tables())
      good &= write(std::string(table.file) + ".md", mechanism_page(table));
    return good ? kGood : kUndetermined;
  }

  std::vector<std::string> wanted_;
  std::string docs_;
};

}  // namespace

std::unique_ptr<Command> make_rules_command() { return std::make_unique<RulesCommand>(); }

}  // namespace assay
