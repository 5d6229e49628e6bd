#include "survey/hashes_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "edit/excise.h"
#include "edit/module_proofs.h"
#include "edit/sign.h"
#include "platforms/enrol.h"

namespace assay {

namespace {

constexpr std::string_view kNames[] = {"nothing",    "attach-proof",   "excise",
                                       "sign",       "enrol-and-sign", "new-root",
                                       "impossible", "undetermined"};

bool is_certain(const JudgedModule& judged) {
  const Decision decision = judged.verdict.decision;
  return decision == Decision::allowed || decision == Decision::allowed_tainted;
}

// A remedy that leaves the kernel tainted for want of a proof or a signature is none.
bool helps(const JudgedModule& judged) { return is_certain(judged) && !judged.taint.contains('E'); }

FileSha256 row_of(const Digest& digest) {
  FileSha256 row;
  std::ranges::copy(digest.bytes(), row.begin());
  return row;
}

// One kernel that is asked about modules.
class Kernel {
 public:
  explicit Kernel(Platform platform)
      : platform_(std::make_unique<const Platform>(std::move(platform))),
        ima_(std::make_unique<const PlatformIma>(*platform_)) {}

  const Platform& platform() const { return *platform_; }

  Result<JudgedModule> judge(const Artifact& artifact, const Content& stored,
                             bool is_on_disk) const {
    const JudgeRequest request;
    const RequestFile file{stored, artifact.path, is_on_disk ? artifact.path : std::string(),
                           ima_->hashes()};
    ASSAY_TRY(const RequestEvidence evidence, collect_request(request, file, true));
    return judge_on(request, evidence, artifact.name, *ima_, true);
  }

 private:
  std::unique_ptr<const Platform> platform_;
  std::unique_ptr<const PlatformIma> ima_;
};

// In the place of what was there before.
void put_module(std::vector<HashedModule>& modules, std::uint32_t position,
                const ModuleHash& leaf) {
  std::erase_if(modules, [&](const HashedModule& one) { return one.position == position; });
  HashedModule module;
  module.position = position;
  module.leaf = leaf;
  modules.push_back(std::move(module));
}

Platform with_hashes(Platform platform, ModuleHashes hashes) {
  platform.module_hashes = std::move(hashes);
  return platform;
}

// One module, the remedies in the order of what they cost.
class Planner {
 public:
  Planner(const Artifact& artifact, const Kernel& kernel, const PlanOptions& options,
          ModulePlan& plan)
      : artifact_(artifact), kernel_(kernel), options_(options), plan_(plan) {}

  // `tree` is what the kernel was built with, `all` the new tree with these modules in it, which
  // `rebuilt` has: as far as they are known.
  Result<void> run(const std::optional<KernelTree>& tree, const HashesPlan& all,
                   const std::optional<Kernel>& rebuilt) {
    ASSAY_TRY(plan_.as_is, kernel_.judge(artifact_, *artifact_.stored, true));
    if (!helps(plan_.as_is)) {
      ASSAY_TRY(bool done, try_old_hash(tree));
      if (!done) {
        ASSAY_TRY(done, try_signature());
      }
      if (!done && has_hashes()) ASSAY_CHECK(try_new_root(all, rebuilt));
    }
    plan_.remedy = conclude_plan();
    return {};
  }

 private:
  bool has_hashes() const { return kernel_.platform().module_hashes.has_value(); }
  const ModuleHashes& hashes() const { return *kernel_.platform().module_hashes; }

  Remedy conclude_plan() const {
    if (is_certain(plan_.as_is)) return Remedy::nothing;
    bool is_open = plan_.as_is.verdict.decision == Decision::undetermined;
    for (const Trial& trial : plan_.tried) {
      if (helps(trial.judged)) return trial.remedy;
      is_open = is_open || !trial.judged.verdict.is_refused();
    }
    return is_open ? Remedy::undetermined : Remedy::impossible;
  }

  // Does it help? What does not is kept where it tells why nothing does.
  Result<bool> try_on(const Kernel& kernel, const Content& stored, Remedy remedy,
                      bool tells = true) {
    ASSAY_TRY(JudgedModule judged, kernel.judge(artifact_, stored, false));
    const bool does = helps(judged);
    if (does || tells) plan_.tried.push_back({remedy, std::move(judged)});
    return does;
  }

  // The module that the kernel was built with, with something missing or in the way.
  Result<bool> try_old_hash(const std::optional<KernelTree>& tree) {
    if (!has_hashes()) return false;
    if (hashes().is_list()) {
      const auto excised = excise(artifact_, {.attributes = false});
      if (!excised || !*excised) return false;
      return try_on(kernel_, *(**excised).stored, Remedy::excise, false);
    }
    if (!tree || !plan_.position || plan_.is_added || !hashes().root) return false;
    for (const bool without_signatures : {false, true}) {
      ASSAY_TRY(const std::uint64_t end, end_of_hashed(*artifact_.plain, without_signatures));
      ASSAY_TRY(const ModuleHash leaf, module_leaf(*plan_.position, *artifact_.plain, end));
      std::vector<HashedModule> modules = tree->modules;
      put_module(modules, *plan_.position, leaf);
      const auto old = tree_over(tree->order, modules);
      if (!old || old->root() != hashes().root->hash) continue;
      const auto proved =
          attach_proof(artifact_, old->proof(*plan_.position), old->root(), without_signatures);
      if (proved && *proved)
        return try_on(kernel_, *(**proved).stored, Remedy::attach_proof, false);
    }
    return false;
  }

  Result<bool> try_signature() {
    if (!options_.signer) return false;
    SignOptions how;
    how.existing = Existing::replace;
    how.always_appended = true;
    ASSAY_TRY(const Edited edited, sign_artifact(artifact_, *options_.signer->signer,
                                                 options_.signer->certificate, how));
    ASSAY_TRY(const bool done, try_on(kernel_, *edited.stored, Remedy::sign));
    if (done) return true;
    const auto certificate = PreparedCertificate::own(options_.signer->certificate.der);
    auto enrolled = enrol(kernel_.platform(), {certificate, KeyState::good, "--cert"});
    if (!enrolled) return false;
    return try_on(Kernel(std::move(*enrolled)), *edited.stored, Remedy::enrol_and_sign);
  }

  Result<void> try_new_root(const HashesPlan& all, const std::optional<Kernel>& rebuilt) {
    if (all.tree && plan_.position)
      return prove_on(*rebuilt, all.tree->proof(*plan_.position), all.tree->root());
    ModuleHashes other = hashes();
    if (hashes().is_list()) {
      ASSAY_TRY(const Digest digest,
                compute_digest(Hash::sha256, *artifact_.plain, 0, artifact_.plain->size()));
      if (!other.list) other.list.emplace();
      other.list->push_back(row_of(digest));
      ASSAY_CHECK(try_on(Kernel(with_hashes(kernel_.platform(), std::move(other))),
                         *artifact_.stored, Remedy::new_root));
      return {};
    }
    // Some tree with this module in it: what else is in it makes no difference to this one.
    const std::uint32_t levels = hashes().root ? hashes().root->levels : 1;
    const ModuleProof proof{0, std::vector<ModuleHash>(levels)};
    ASSAY_TRY(const std::uint64_t end,
              end_of_hashed(*artifact_.plain, options_.without_signatures));
    ASSAY_TRY(const ModuleHash leaf, module_leaf(0, *artifact_.plain, end));
    ASSAY_TRY(const ModuleHash root, climb(proof, leaf));
    other.root = ModuleRoot{levels, root};
    return prove_on(Kernel(with_hashes(kernel_.platform(), std::move(other))), proof, root);
  }

  Result<void> prove_on(const Kernel& kernel, const ModuleProof& proof, const ModuleHash& root) {
    ASSAY_TRY(const auto proved, attach_proof(artifact_, proof, root, options_.without_signatures));
    ASSAY_CHECK(try_on(kernel, proved ? *proved->stored : *artifact_.stored, Remedy::new_root));
    return {};
  }

  const Artifact& artifact_;
  const Kernel& kernel_;
  const PlanOptions& options_;
  ModulePlan& plan_;
};

// Where a module is in the tree: at the place of its name, else behind all others.
void place(ModuleOrder& order, const std::string& path, ModulePlan& plan) {
  plan.position = order.find(path);
  if (!plan.position) plan.position = order.find_by_name(path);
  if (plan.position) return;
  plan.position = order.add(path);
  plan.is_added = true;
}

// The old tree with these modules in it.
Result<void> rebuild_tree(const std::vector<Artifact>& artifacts, const KernelTree& tree,
                          const PlanOptions& options, HashesPlan& all) {
  all.order = tree.order;
  std::vector<HashedModule> modules = tree.modules;
  for (std::size_t i = 0; i < artifacts.size(); ++i) {
    ModulePlan& plan = all.modules[i];
    place(*all.order, artifacts[i].path, plan);
    for (std::size_t j = 0; j < i; ++j) {
      if (all.modules[j].position == plan.position) {
        return fail(Reason::usage, {},
                    fmt::format("{} and {} are both {}", artifacts[j].name, artifacts[i].name,
                                all.order->name(*plan.position)));
      }
    }
    const Content& plain = *artifacts[i].plain;
    ASSAY_TRY(const std::uint64_t end, end_of_hashed(plain, options.without_signatures));
    ASSAY_TRY(const ModuleHash leaf, module_leaf(*plan.position, plain, end));
    put_module(modules, *plan.position, leaf);
  }
  ASSAY_TRY(all.tree, tree_over(*all.order, modules));
  return {};
}

}  // namespace

std::string_view remedy_name(Remedy remedy) { return kNames[static_cast<std::size_t>(remedy)]; }

Result<HashesPlan> plan_modules(const std::vector<std::string>& paths,
                                const std::optional<KernelTree>& tree, const PlanOptions& options) {
  HashesPlan all;
  std::vector<Artifact> artifacts;
  for (const std::string& path : paths) {
    auto artifact = open_artifact(path, encode_name(path));
    if (!artifact) return std::unexpected(with_path(artifact.error(), encode_name(path)));
    artifacts.push_back(std::move(*artifact));
    all.modules.push_back({.path = path});
  }
  const Kernel kernel(options.platform);
  std::optional<Kernel> rebuilt;
  const auto& hashes = options.platform.module_hashes;
  if (tree && hashes && !hashes->is_list()) {
    ASSAY_CHECK(rebuild_tree(artifacts, *tree, options, all));
    ModuleHashes other = *hashes;
    other.root = ModuleRoot{all.tree->levels(), all.tree->root()};
    rebuilt.emplace(with_hashes(options.platform, std::move(other)));
  }
  for (std::size_t i = 0; i < artifacts.size(); ++i) {
    const auto done =
        Planner(artifacts[i], kernel, options, all.modules[i]).run(tree, all, rebuilt);
    if (!done) all.modules[i].error = with_path(done.error(), artifacts[i].name);
  }
  return all;
}

}  // namespace assay
