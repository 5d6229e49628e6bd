// assay hashes: lists and Merkle trees of module hashes (CONFIG_MODULE_HASHES).

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/name.h"
#include "bytes/atomic_file.h"
#include "cli/command.h"
#include "cli/edit_arguments.h"
#include "cli/hashes_plan.h"
#include "cli/progress_line.h"
#include "edit/module_proofs.h"
#include "report/hashes_report.h"
#include "survey/proof_files.h"

namespace assay {

namespace {

constexpr std::array<std::string_view, 5> kActions = {"build", "attach", "verify", "explain",
                                                      "plan"};

class HashesCommand final : public Command {
 public:
  const char* name() const override { return "hashes"; }
  const char* purpose() const override { return "module hash lists and Merkle trees"; }
  const char* arguments() const override { return "ACTION PATH..."; }
  const char* notes() const override {
    return R"(For kernels with CONFIG_MODULE_HASHES, a proposed series that is not merged (docs/module-hashes.md).
ACTION is
  build    hash the modules of PATH in the order of modules.order: the root of the tree, or the list
  attach   append to each module of PATH its proof (--in-place or -o)
  verify   is each module of PATH one that the kernel knows (--kernel, --root and --levels, --list)?
  explain  the same, and why those that are not, are not
  plan     what it takes to load each module PATH on that kernel: nothing, its proof, a signature
           (--key), a new root and a reboot (--tree); each is tried in memory, and judged

PATH is a folder that modules were installed into, a package, a build tree. Positions are those of
modules.order beside them, so build and attach need all modules; verify needs none but those it is
given. Compressed modules are hashed as what they decompress to, and proofs they have are cut off
first.

Exit status: 0, 1 some module is not one that the kernel knows, or is refused as it is (plan), 2
something could not be found out.

Examples:
  assay hashes build --json /lib/modules/6.1.0-56-amd64
  assay hashes attach --in-place root/lib/modules/7.1.0
  assay hashes verify --kernel root/boot/vmlinuz-7.1.0 root/lib/modules/7.1.0
  assay hashes plan --kernel /boot/vmlinuz-7.1.0 --key MOK.priv --cert MOK.der r8126.ko
  assay hashes plan --kernel /boot/vmlinuz-7.1.0 --tree /lib/modules/7.1.0 --write-to new ext4.ko
)";
  }

  void add_options(CLI::App& app) override {
    // Commands of their own to CLI11: attach and verify would be taken for those of assay.
    for (const std::string_view action : kActions)
      app.add_subcommand(std::string(action))->fallthrough()->group("")->callback([this, action] {
        action_ = action;
      });
    arguments_.add_to(app, "folders, packages (.deb), modules");
    const auto text = [&app](const char* option, std::string& value, const char* type,
                             const char* help) {
      app.add_option(option, value, help)->type_name(type)->option_text(type);
    };
    text("--order", order_, "FILE", "the modules.order to go by");
    text("--format", format_, "FORMAT", "list-v3, merkle-v4 or merkle-v5 (the default)");
    app.add_flag("--without-signatures", without_signatures_,
                 "hash modules as they are without their appended signatures");
    text("--section", section_, "FILE", "build: write what stands in .module_hashes");
    app.add_flag("--big-endian", big_endian_,
                 "--section, --write-to: for a kernel of that byte order");
    text("--c-source", c_source_, "FILE", "build: write the same as C source");
    text("--proofs", proofs_, "DIR",
         "build: write what goes behind each module, as NAME.merkle, under its name in "
         "modules.order");
    app.add_flag("--each", each_, "build: print every module with its leaf and its proof, or row");
    kernel_.add_to(app);
    text("--reference", reference_, "PATH",
         "explain: modules as they may have been hashed (the build tree, a package that was not "
         "stripped), which the others are held against");
    plan_.add_to(app);
  }

  Result<void> check() const override {
    if (action_.empty())
      return fail(Reason::usage, {}, "ACTION is missing: build, attach, verify, explain or plan");
    if (!find_module_hashes_format(format_))
      return fail(
          Reason::usage, {},
          fmt::format("unknown format {}, expected list-v3, merkle-v4 or merkle-v5", format_));
    if (action_ == "attach") {
      if (is_list()) return fail(Reason::usage, {}, "a list has no proofs to attach");
      return arguments_.check();
    }
    if (action_ == "plan") ASSAY_CHECK(plan_.check(kernel_));
    if (action_ == "verify" || action_ == "explain") ASSAY_CHECK(kernel_.check());
    if (is_list() && !proofs_.empty()) return fail(Reason::usage, {}, "--proofs: a list has none");
    if (!reference_.empty() && action_ != "explain")
      return fail(Reason::usage, {}, "--reference is for explain");
    return require_paths(arguments_.paths());
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const Result<ExitStatus> status = action_ == "build"    ? build(common, output)
                                      : action_ == "attach" ? attach(common, output)
                                      : action_ == "plan"   ? plan(common, output)
                                                            : verify(common, output);
    if (status) return *status;
    output.error(status.error());
    return kUndetermined;
  }

 private:
  bool is_list() const { return format_ == "list-v3"; }

  ModuleSetOptions set_options(const CommonOptions& common, Progress& numbers) const {
    ModuleSetOptions options;
    options.survey.paths = arguments_.paths();
    options.survey.jobs = common.job_count();
    options.survey.progress = &numbers;
    options.without_signatures = without_signatures_;
    options.against_kernel = action_ == "verify" || action_ == "explain";
    options.details = action_ == "explain";
    options.file_sha256 = is_list();
    return options;
  }

  struct Hashed {
    ModuleOrder order;
    std::vector<HashedModule> modules;
  };

  Result<Hashed> hash_in_order(const CommonOptions& common) const {
    Progress numbers;
    const ProgressLine progress(numbers, !common.quiet);
    const ModuleSetOptions options = set_options(common, numbers);
    Hashed hashed;
    ASSAY_TRY(hashed.order,
              order_.empty() ? find_module_order(options.survey) : read_module_order(order_));
    hash_modules(options, &hashed.order,
                 [&](const HashedModule& module) { hashed.modules.push_back(module); });
    // The root of nothing is that of a kernel whose build did not come to its modules.
    if (hashed.order.size() == 0 && !hashed.modules.empty())
      return fail(Reason::usage, {}, "modules.order is empty, and there are modules");
    return hashed;
  }

  static void name_unlisted(const CommonOptions& common, const Hashed& hashed, Output& output) {
    for (const HashedModule& module : hashed.modules)
      if (!module.position && !common.quiet)
        output.warn(fmt::format("{}: not in modules.order", module.name));
  }

  Result<ExitStatus> build(const CommonOptions& common, Output& output) const {
    ASSAY_TRY(const Hashed hashed, hash_in_order(common));
    // Of a list too, each module has to be there.
    ASSAY_TRY(const ModuleTree tree, tree_over(hashed.order, hashed.modules));
    BuiltHashes built;
    built.format = *find_module_hashes_format(format_);
    built.count = hashed.order.size();
    if (is_list()) {
      built.list.resize(built.count);
      for (const HashedModule& module : hashed.modules)
        if (module.position) built.list[*module.position] = *module.sha256;
    } else {
      built.root = ModuleRoot{tree.levels(), tree.root()};
    }
    ASSAY_CHECK(write_files(built));
    if (!proofs_.empty()) ASSAY_CHECK(write_proof_files(proofs_, hashed.order, tree));
    output.print(common.json ? to_json(built) + '\n' : to_text(built));
    if (each_) print_each(common, hashed, tree, output);
    name_unlisted(common, hashed, output);
    return kGood;
  }

  void print_each(const CommonOptions& common, const Hashed& hashed, const ModuleTree& tree,
                  Output& output) const {
    std::vector<const HashedModule*> at(hashed.order.size());
    for (const HashedModule& module : hashed.modules)
      if (module.position) at[*module.position] = &module;
    for (std::uint32_t i = 0; i < hashed.order.size(); ++i) {
      BuiltModule one{hashed.order.name(i), *at[i], {}};
      if (!is_list()) one.proof = tree.proof(i);
      output.print(common.json ? to_json(one) + '\n' : to_text(one));
    }
  }

  Result<void> write_files(const BuiltHashes& built) const {
    AtomicWriter writer{WritePolicy{}};
    const auto write = [&](const std::string& path,
                           std::vector<std::uint8_t> bytes) -> Result<void> {
      if (path.empty()) return {};
      return writer.write({.path = path, .content = MemoryContent(std::move(bytes))});
    };
    std::vector<std::uint8_t> section;
    if (built.root) {
      const auto bytes = write_module_root(*built.root, big_endian_);
      section.assign(bytes.begin(), bytes.end());
    }
    for (const FileSha256& row : built.list) section.insert(section.end(), row.begin(), row.end());
    ASSAY_CHECK(write(section_, std::move(section)));
    const std::string source = to_c_source(built);
    ASSAY_CHECK(write(c_source_, {source.begin(), source.end()}));
    for (const Error& error : writer.commit()) return std::unexpected(error);
    return {};
  }

  Result<ExitStatus> attach(const CommonOptions& common, Output& output) const {
    ASSAY_TRY(const Hashed hashed, hash_in_order(common));
    ASSAY_TRY(const ModuleTree tree, tree_over(hashed.order, hashed.modules));
    const auto edit = [&](const Artifact& artifact,
                          bool is_named) -> Result<std::optional<Edited>> {
      const auto position = hashed.order.find(artifact.path);
      if (!position && is_named) return fail(Reason::no_record, {}, "not in modules.order");
      if (!position) return std::nullopt;
      return attach_proof(artifact, tree.proof(*position), tree.root(), without_signatures_);
    };
    const ExitStatus status = arguments_.run(common, "hashes", "proved", {}, edit, output);
    name_unlisted(common, hashed, output);
    return status;
  }

  Result<ExitStatus> plan(const CommonOptions& common, Output& output) const {
    return plan_.run(common,
                     {arguments_.paths(), kernel_, order_, *find_module_hashes_format(format_),
                      without_signatures_, big_endian_},
                     output);
  }

  // The modules of --reference, as they were hashed perhaps.
  Result<std::optional<HashesReference>> read_reference(const CommonOptions& common,
                                                        bool for_list) const {
    if (reference_.empty()) return std::nullopt;
    Progress numbers;
    const ProgressLine progress(numbers, !common.quiet);
    ModuleSetOptions options = set_options(common, numbers);
    options.survey.paths = {reference_};
    options.outlines = true;
    options.file_sha256 = for_list;
    HashesReference reference;
    reference.name = encode_name(reference_);
    ASSAY_TRY(reference.order,
              order_.empty() ? find_module_order(options.survey) : read_module_order(order_));
    hash_modules(options, &reference.order,
                 [&](const HashedModule& module) { reference.modules.push_back(module); });
    return reference;
  }

  Result<void> explain(const CommonOptions& common, const std::vector<HashedModule>& modules,
                       const ModuleHashes& kernel, const std::optional<HashesReference>& reference,
                       Output& output) const {
    ExplainFacts facts;
    facts.reference = reference ? &*reference : nullptr;
    Progress numbers;
    const auto order = find_module_order(set_options(common, numbers).survey);
    facts.is_build_tree = order && order->is_of_build();
    ASSAY_TRY(const std::optional<Platform> platform, plan_.find_platform(kernel_, kernel));
    facts.platform = platform ? &*platform : nullptr;
    for (const HashDiagnosis& diagnosis : explain_hashes(modules, kernel, facts))
      output.print(common.json ? to_json(diagnosis) + '\n' : diagnosis.text + '\n');
    return {};
  }

  // Nothing where a flat image has to be searched for what the modules' proofs lead to.
  Result<std::optional<GivenHashes>> kernel_alone() const {
    auto given = kernel_.load({}, *find_module_hashes_format(format_));
    if (given) return std::optional(std::move(*given));
    if (given.error().reason == Reason::no_trust) return std::nullopt;
    return std::unexpected(given.error());
  }

  Result<ExitStatus> verify(const CommonOptions& common, Output& output) const {
    ASSAY_TRY(std::optional<GivenHashes> given, kernel_alone());
    const bool is_list_given = given && given->hashes.is_list();
    ASSAY_TRY(const auto reference, read_reference(common, is_list_given));
    std::vector<HashedModule> modules;
    Surveyed surveyed;
    {
      Progress numbers;
      const ProgressLine progress(numbers, !common.quiet);
      ModuleSetOptions options = set_options(common, numbers);
      options.outlines = options.places_by_name = reference.has_value();
      options.file_sha256 = is_list_given;
      surveyed = hash_modules(options, reference ? &reference->order : nullptr,
                              [&](const HashedModule& module) { modules.push_back(module); });
    }
    if (!given) {
      ASSAY_TRY(given, kernel_.load(common_root(modules), *find_module_hashes_format(format_)));
    }
    const ModuleHashes& kernel = given->hashes;
    std::uint64_t matching = 0;
    bool is_bad = false;
    bool is_open = modules.empty();
    for (const HashedModule& module : modules) {
      const HashFinding finding = check_module(module, kernel);
      if (finding == HashFinding::matches) ++matching;
      (finding == HashFinding::unreadable ? is_open : is_bad) |= finding != HashFinding::matches;
      if (common.json)
        output.print(to_json(module, finding) + '\n');
      else if (common.verbose > 0 || (action_ == "verify" && finding != HashFinding::matches))
        output.print(to_text(module, finding));
    }
    if (action_ == "explain") ASSAY_CHECK(explain(common, modules, kernel, reference, output));
    if (!common.json && !common.quiet) {
      if (!given->where.empty()) output.print(given->where + '\n');
      output.print(fmt::format("{} modules: {} the kernel knows, {} it does not\n", modules.size(),
                               matching, modules.size() - matching));
    }
    warn_of_empty_paths(surveyed.empty_paths, "modules", output);
    return is_bad ? kBad : is_open ? kUndetermined : kGood;
  }

  std::string action_;
  EditArguments arguments_;
  std::string order_;
  std::string format_ = "merkle-v5";
  bool without_signatures_ = false;
  std::string section_;
  bool big_endian_ = false;
  std::string c_source_;
  std::string proofs_;
  bool each_ = false;
  KernelHashesArguments kernel_;
  std::string reference_;
  HashesPlanRun plan_;
};

}  // namespace

std::unique_ptr<Command> make_hashes_command() { return std::make_unique<HashesCommand>(); }

}  // namespace assay
