#include "cli/hashes_plan.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/name.h"
#include "cli/platform_arguments.h"
#include "cli/progress_line.h"
#include "edit/artifact.h"
#include "report/hashes_plan_report.h"
#include "survey/hashes_check.h"
#include "survey/package_platform.h"
#include "survey/proof_files.h"
#include "trust/boot_state.h"

namespace assay {

namespace {

// The root that the tree leads to, or the proof of the first of the modules that has one.
Result<std::optional<ModuleRoot>> expected_root(const std::vector<std::string>& paths,
                                                const std::optional<KernelTree>& tree) {
  if (tree) {
    if (auto root = common_root(tree->modules)) return root;
    if (const auto whole = tree_over(tree->order, tree->modules))
      return ModuleRoot{whole->levels(), whole->root()};
  }
  for (const std::string& path : paths) {
    ASSAY_TRY(const Artifact artifact, open_artifact(path, encode_name(path)));
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(*artifact.plain));
    ASSAY_TRY(const auto proof, follow_module_proof(*artifact.plain, trailer));
    if (proof) return ModuleRoot{static_cast<std::uint32_t>(proof->siblings.size()), proof->root};
  }
  return std::nullopt;
}

ExitStatus status_of(const HashesPlan& plan) {
  bool is_bad = false;
  bool is_open = false;
  for (const ModulePlan& one : plan.modules) {
    const Verdict& verdict = one.as_is.verdict;
    if (!one.error && (verdict.is_refused() || verdict.decision == Decision::crashes))
      is_bad = true;
    else if (one.error || verdict.decision == Decision::undetermined)
      is_open = true;
  }
  return is_bad ? kBad : is_open ? kUndetermined : kGood;
}

}  // namespace

void HashesPlanRun::add_to(CLI::App& app) {
  const auto text = [&app](const char* option, auto& value, const char* type, const char* help) {
    app.add_option(option, value, help)->type_name(type)->option_text(type);
  };
  text("--tree", tree_, "FOLDER",
       "plan: the modules that the kernel was built with, for a new root and its proofs");
  text("--platform", platform_, "PLATFORM",
       "plan, explain: the state that the kernel is in, as judge takes it (default: what the image "
       "and the configuration beside it say)");
  text("--cmdline", cmdline_, "LINE",
       "plan, explain: the kernel's command line, where the platform does not say it");
  text("--write-to", write_to_, "DIR",
       "plan: write the new root, modules.order, and the proofs of all modules");
  signer_.add_to(app);
}

Result<void> HashesPlanRun::check(const KernelHashesArguments& kernel) const {
  if (kernel.is_given()) ASSAY_CHECK(kernel.check());
  if (!kernel.is_given() && platform_.empty())
    return fail(Reason::usage, {}, "--kernel IMAGE or --platform PLATFORM is missing");
  if (kernel.kernel().empty() && platform_.empty())
    return fail(Reason::usage, {},
                "--platform PLATFORM is missing: --root and --list name no kernel");
  if (!write_to_.empty() && tree_.empty())
    return fail(Reason::usage, {},
                "--write-to wants --tree, the modules that the kernel was built with");
  if (signer_.is_given()) ASSAY_CHECK(signer_.check());
  return {};
}

Result<std::optional<KernelTree>> HashesPlanRun::hash_tree(const CommonOptions& common,
                                                           const Given& given) const {
  if (tree_.empty()) return std::nullopt;
  Progress numbers;
  const ProgressLine progress(numbers, !common.quiet);
  ModuleSetOptions options;
  options.survey.paths = {tree_};
  options.survey.jobs = common.job_count();
  options.survey.progress = &numbers;
  options.without_signatures = given.without_signatures;
  options.against_kernel = true;
  KernelTree tree;
  ASSAY_TRY(tree.order, given.order.empty() ? find_module_order(options.survey)
                                            : read_module_order(given.order));
  hash_modules(options, &tree.order,
               [&](const HashedModule& module) { tree.modules.push_back(module); });
  return tree;
}

Result<Platform> HashesPlanRun::read_platform(const Given& given,
                                              const std::optional<KernelTree>& tree,
                                              std::vector<std::string>& notes) const {
  if (platform_.empty()) {
    ASSAY_TRY(Platform platform, platform_of_image(given.kernel.kernel(), cmdline_));
    ASSAY_CHECK(add_hashes(platform, given, tree));
    return platform;
  }
  ASSAY_TRY(Platform platform, load_one(notes));
  if (given.kernel.is_given()) ASSAY_CHECK(add_hashes(platform, given, tree));
  return platform;
}

// A kernel that says to be without CONFIG_MODULE_HASHES needs none.
Result<void> HashesPlanRun::add_hashes(Platform& platform, const Given& given,
                                       const std::optional<KernelTree>& tree) const {
  const bool is_without =
      platform.config.is_known() && platform.config.is_on("CONFIG_MODULE_HASHES") == Truth::no;
  if (is_without) return {};
  ASSAY_TRY(const auto expected, expected_root(given.paths, tree));
  const auto format = platform.module_hashes ? platform.module_hashes->format : given.format;
  ASSAY_TRY(GivenHashes hashes, given.kernel.load(expected, format));
  platform.module_hashes = std::move(hashes.hashes);
  return {};
}

Result<std::optional<Platform>> HashesPlanRun::find_platform(const KernelHashesArguments& kernel,
                                                             const ModuleHashes& hashes) const {
  std::optional<Platform> platform;
  if (!platform_.empty()) {
    std::vector<std::string> notes;
    ASSAY_TRY(platform, load_one(notes));
  } else if (!kernel.kernel().empty()) {
    if (auto read = platform_of_image(kernel.kernel(), cmdline_)) platform = std::move(*read);
  }
  if (platform) platform->module_hashes = hashes;
  return platform;
}

Result<Platform> HashesPlanRun::load_one(std::vector<std::string>& notes) const {
  ASSAY_TRY(LoadedPlatforms loaded, load_platforms({platform_}));
  if (loaded.platforms.size() != 1) return fail(Reason::usage, {}, "--platform is one platform");
  notes = std::move(loaded.notes);
  Platform platform = std::move(loaded.platforms.front());
  if (!platform.cmdline) {
    platform.cmdline = cmdline_;
    ASSAY_CHECK(check_command_line(platform));
  }
  return platform;
}

Result<ExitStatus> HashesPlanRun::run(const CommonOptions& common, const Given& given,
                                      Output& output) const {
  ASSAY_TRY(const auto tree, hash_tree(common, given));
  std::vector<std::string> notes;
  ASSAY_TRY(const Platform platform, read_platform(given, tree, notes));
  std::optional<SigningIdentity> identity;
  std::optional<PlanSigner> signer;
  if (signer_.is_given()) {
    ASSAY_TRY(identity, signer_.load());
    signer = PlanSigner{identity->signer.get(), identity->certificate};
  }
  ASSAY_TRY(const HashesPlan plan,
            plan_modules(given.paths, tree, {platform, signer, given.without_signatures}));
  std::optional<ModuleRoot> root;
  if (plan.tree) root = ModuleRoot{plan.tree->levels(), plan.tree->root()};
  if (!write_to_.empty()) {
    if (!plan.tree)
      return fail(Reason::usage, {}, "--write-to is for kernels with the root of a tree");
    ASSAY_CHECK(write_tree_files(write_to_, *plan.order, *plan.tree, given.big_endian));
  }
  const PlanWords words{signer_.words(), tree_, write_to_};
  for (const ModulePlan& one : plan.modules)
    output.print(common.json ? to_json(one, root, words) + '\n' : to_text(one, root, words));
  const ExitStatus status = status_of(plan);
  if (status == kUndetermined && !common.quiet)
    for (const std::string& note : notes) output.warn(note);
  return status;
}

}  // namespace assay
