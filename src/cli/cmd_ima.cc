// assay ima: what IMA makes of a policy.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "cli/command.h"
#include "report/policy_report.h"
#include "trust/platform.h"

namespace assay {

namespace {

Result<std::vector<std::uint8_t>> read_text(const std::string& path) {
  ASSAY_TRY(const auto file, open_file(path));
  if (file->size() > limits::kConfig)
    return fail(Reason::limit_size, {0, file->size()}, "a policy or configuration");
  std::vector<std::uint8_t> bytes(file->size());
  ASSAY_CHECK(file->read(0, bytes));
  return bytes;
}

class ImaCommand final : public Command {
 public:
  const char* name() const override { return "ima"; }
  const char* purpose() const override { return "what IMA makes of a policy"; }
  const char* arguments() const override { return "policy check FILE"; }
  const char* notes() const override {
    return R"(policy check: what the kernel's parser makes of each rule, and what is odd about those it takes.

Exit status: 0 every rule is taken, 1 some rule is refused, 2 something could not be found out.

Examples:
  assay ima policy check --kernel-version 6.1 /etc/ima/ima-policy
  assay ima policy check --config /boot/config-6.12.0-amd64 --json policy | jq .shown
)";
  }

  void add_options(CLI::App& app) override {
    policy_ = app.add_subcommand("policy", "IMA policies");
    check_ = policy_->add_subcommand("check", "hold a policy against the kernel's parser");
    check_->add_option("FILE", path_, "a policy")->option_text(" ");
    check_->add_option("--kernel-version", version_, "the kernel that is asked (default: 7.2)")
        ->type_name("V")
        ->option_text("V");
    check_->add_option("--config", config_, "its Kconfig file, on which some words depend")
        ->type_name("FILE")
        ->option_text("FILE");
    for (CLI::App* each : {policy_, check_}) each->fallthrough();
  }

  Result<void> check() const override {
    if (!policy_->parsed()) return fail(Reason::usage, {}, "policy is missing");
    if (!check_->parsed()) return fail(Reason::usage, {}, "check is missing");
    if (path_.empty()) return fail(Reason::usage, {}, "FILE is missing");
    if (!version_.empty() && !find_kernel_version(version_))
      return fail(Reason::usage, {}, "unknown kernel version " + encode_name(version_));
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (!version_.empty()) kernel_.version = *find_kernel_version(version_);
    const std::string path = encode_name(path_);
    const auto checked = check_policy();
    if (!checked) {
      output.error(with_path(checked.error(), path));
      return kUndetermined;
    }
    ExitStatus status = kGood;
    for (const CheckedPolicyLine& line : *checked) {
      output.print(common.json ? to_json(line, path) + '\n'
                               : to_text(line, path, common.text_style()));
      if (line.accepted == Truth::no) status = kBad;
      if (line.accepted == Truth::unknown && status == kGood) status = kUndetermined;
    }
    if (!common.json && !common.quiet)
      output.warn(fmt::format("{} rules, by the parser of {}", checked->size(),
                              to_string(kernel_.version)));
    return status;
  }

 private:
  Result<std::vector<CheckedPolicyLine>> check_policy() const {
    KernelConfig config;
    if (!config_.empty()) {
      const auto text = read_text(config_);
      if (!text) return std::unexpected(with_path(text.error(), encode_name(config_)));
      auto parsed = KernelConfig::parse(View(*text).text());
      if (!parsed) return std::unexpected(with_path(parsed.error(), encode_name(config_)));
      config = *std::move(parsed);
    }
    ASSAY_TRY(const auto policy, read_text(path_));
    return check_ima_policy(kernel_, View(policy).text(), config,
                            crypto_of(config, Truth::unknown));
  }

  CLI::App* policy_ = nullptr;
  CLI::App* check_ = nullptr;
  std::string path_;
  std::string version_;
  std::string config_;
  KernelId kernel_;
};

}  // namespace

std::unique_ptr<Command> make_ima_command() { return std::make_unique<ImaCommand>(); }

}  // namespace assay
