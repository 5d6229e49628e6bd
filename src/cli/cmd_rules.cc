// assay rules: every rule the judge knows.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>

#include "catalogue/boot_rules.h"
#include "catalogue/mechanism_pages.h"
#include "catalogue/module_hashes_page.h"
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
any it is from source alone, as all of firmware, shim and GRUB are.

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
    for (const BootRule* rule : all_boot_rules())
      if (wanted_.empty() || is_wanted(*rule))
        output.print(common.json ? to_json(*rule) + '\n' : text_of(*rule));
    return kGood;
  }

 private:
  static bool is_known(const std::string& wanted) {
    for (const RuleTable& table : all_rule_tables())
      for (const Rule* rule : table.rules)
        if (is_named(*rule, wanted)) return true;
    return std::ranges::any_of(all_boot_rules(),
                               [&](const BootRule* rule) { return is_named(*rule, wanted); });
  }

  static bool is_named(const Rule& rule, std::string_view name) {
    return rule.id == name || rule.mechanism() == name;
  }
  static bool is_named(const BootRule& rule, std::string_view name) {
    return rule.id == name || mechanism_of(rule) == name;
  }

  template <class AnyRule>
  bool is_wanted(const AnyRule& rule) const {
    return std::ranges::any_of(wanted_,
                               [&](const std::string& wanted) { return is_named(rule, wanted); });
  }

  static std::string text_of(const Rule& rule) {
    const std::string scope = rule.scope.describe();
    return fmt::format("{:<36} {:<13} {:>6} rows  {}{}\n{:36} {}\n", rule.id,
                       rule.crashes ? "crash" : errno_name(rule.otherwise), count_proofs(rule.id),
                       rule.site, scope.empty() ? "" : " (" + scope + ")", "", rule.holds);
  }

  static std::string text_of(const BootRule& rule) {
    return fmt::format("{:<36} {:<24} unproven  {}\n{:36} {}\n", rule.id, rule.status, rule.site,
                       "", rule.holds);
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
    good &= write("boot.md", boot_rules_page());
    good &= write("module_hashes.md", module_hashes_page());
    return good ? kGood : kUndetermined;
  }

  std::vector<std::string> wanted_;
  std::string docs_;
};

}  // namespace

std::unique_ptr<Command> make_rules_command() { return std::make_unique<RulesCommand>(); }

}  // namespace assay
