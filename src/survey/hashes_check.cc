#include "survey/hashes_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace assay {

namespace {

constexpr std::string_view kNames[] = {"matches",    "no-proof",   "other-height",
                                       "other-root", "not-listed", "unreadable"};

ModuleRoot root_of(const HashedModule& module) {
  return {static_cast<std::uint32_t>(module.proof->siblings.size()), module.proof->root};
}

class Explanation {
 public:
  Explanation(const std::vector<HashedModule>& modules, const ModuleHashes& kernel)
      : modules_(modules), kernel_(kernel), common_(common_root(modules)) {
    for (const HashedModule& module : modules) {
      const HashFinding finding = check_module(module, kernel);
      ++counts_[finding];
      if (finding == HashFinding::matches) continue;
      if (!module.has_symbols) ++stripped_;
      if (module.is_signed) ++signed_;
      if (common_ && module.proof && root_of(module) != *common_) ++apart_;
    }
  }

  std::vector<HashDiagnosis> run() {
    if (misses() == 0) {
      if (count(HashFinding::unreadable) == 0) say("none", "every module is one the kernel knows");
      return std::move(said_);
    }
    explain_kernel();
    explain_other_build();
    explain_missing_proofs();
    explain_changes();
    return std::move(said_);
  }

 private:
  std::uint64_t count(HashFinding finding) const {
    const auto found = counts_.find(finding);
    return found == counts_.end() ? 0 : found->second;
  }
  std::uint64_t misses() const {
    return modules_.size() - count(HashFinding::matches) - count(HashFinding::unreadable);
  }
  void say(std::string id, std::string text) { said_.push_back({std::move(id), std::move(text)}); }

  void explain_kernel() {
    if (kernel_.root && kernel_.root->levels == 0 && kernel_.root->hash.is_zero())
      say("placeholder",
          "the kernel's root is all zero: vmlinux was taken before the root was written into it "
          "(vmlinux.unstripped keeps zeros), or built with no modules; every proof fails there");
    if (kernel_.list && kernel_.list->empty())
      say("placeholder", "the kernel's list is empty: every module misses");
  }

  void explain_other_build() {
    const bool is_placeholder = kernel_.root && kernel_.root->hash.is_zero();
    if (!common_ || !kernel_.root || is_placeholder || *common_ == *kernel_.root) return;
    is_other_build_ = true;
    say("other-kernel",
        fmt::format("the proofs of these modules agree with each other on root {} ({} levels), the "
                    "kernel has {} ({} levels): modules and kernel come from different builds; "
                    "install both from one",
                    common_->hash.hex(), common_->levels, kernel_.root->hash.hex(),
                    kernel_.root->levels));
  }

  void explain_missing_proofs() {
    const std::uint64_t none = count(HashFinding::no_proof);
    if (none == 0) return;
    if (signed_ != 0)
      say("signed-after",
          fmt::format("{} modules end with a signature: what was signed after it was hashed is "
                      "judged by the signature alone (CONFIG_MODULE_SIG); do not sign, or add the "
                      "proof last",
                      signed_));
    if (none > signed_)
      say("without-proof",
          fmt::format("{} modules end with no proof: taken from the build tree (modules_install "
                      "appends the proofs), or stripped, which cuts what stands behind an ELF "
                      "file; assay hashes attach appends them, where the modules are as they were "
                      "hashed",
                      none - signed_));
  }

  void explain_changes() {
    if (apart_ != 0 && common_ && kernel_.root && *common_ == *kernel_.root)
      say("changed",
          fmt::format("{} modules lead to another root than the others: they were changed after "
                      "they were hashed",
                      apart_));
    if (is_other_build_) return;
    const bool is_by_content = count(HashFinding::other_root) + count(HashFinding::not_listed) != 0;
    if (is_by_content && stripped_ == misses() && stripped_ > 1)
      say("stripped",
          fmt::format("none of the {} modules that miss has a symbol table: they were stripped "
                      "after they were hashed; set CONFIG_MODULE_INSTALL_STRIP (version 5), or "
                      "keep the packaging from stripping (dh_strip -X.ko, brp-strip, dontStrip)",
                      stripped_));
    else if (count(HashFinding::not_listed) != 0 && signed_ != 0)
      say("signed-after",
          fmt::format("{} modules end with a signature, which the list's hashes are without",
                      signed_));
  }

  const std::vector<HashedModule>& modules_;
  const ModuleHashes& kernel_;
  const std::optional<ModuleRoot> common_;
  std::map<HashFinding, std::uint64_t> counts_;
  std::uint64_t stripped_ = 0;  // of those that miss
  std::uint64_t signed_ = 0;
  std::uint64_t apart_ = 0;
  bool is_other_build_ = false;
  std::vector<HashDiagnosis> said_;
};

}  // namespace

std::string_view hash_finding_name(HashFinding finding) {
  return kNames[static_cast<std::size_t>(finding)];
}

HashFinding check_module(const HashedModule& module, const ModuleHashes& kernel) {
  if (module.error) return HashFinding::unreadable;
  if (kernel.is_list())
    return std::ranges::find(*kernel.list, module.sha256) == kernel.list->end()
               ? HashFinding::not_listed
               : HashFinding::matches;
  if (!module.proof) return HashFinding::no_proof;
  if (module.proof->siblings.size() != kernel.root->levels) return HashFinding::other_height;
  return module.proof->root == kernel.root->hash ? HashFinding::matches : HashFinding::other_root;
}

std::optional<ModuleRoot> common_root(const std::vector<HashedModule>& modules) {
  std::map<std::pair<ModuleHash, std::uint32_t>, std::uint64_t> votes;
  for (const HashedModule& module : modules)
    if (module.proof) {
      const ModuleRoot root = root_of(module);
      ++votes[{root.hash, root.levels}];
    }
  const auto most =
      std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  if (most == votes.end() || (most->second < 2 && modules.size() > 1)) return std::nullopt;
  return ModuleRoot{most->first.second, most->first.first};
}

std::vector<HashDiagnosis> explain_hashes(const std::vector<HashedModule>& modules,
                                          const ModuleHashes& kernel) {
  return Explanation(modules, kernel).run();
}

}  // namespace assay
