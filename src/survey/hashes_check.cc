#include "survey/hashes_check.h"

#include <algorithm>
#include <map>

namespace assay {

namespace {

constexpr std::string_view kNames[] = {"matches",    "no-proof",   "malformed", "other-height",
                                       "other-root", "not-listed", "unreadable"};

ModuleRoot root_of(const HashedModule& module) {
  return {static_cast<std::uint32_t>(module.proof->siblings.size()), module.proof->root};
}

}  // namespace

std::string_view hash_finding_name(HashFinding finding) {
  return kNames[static_cast<std::size_t>(finding)];
}

HashFinding check_module(const HashedModule& module, const ModuleHashes& kernel) {
  if (module.error) return HashFinding::unreadable;
  if (kernel.is_list())
    return module.sha256 && std::ranges::find(*kernel.list, *module.sha256) != kernel.list->end()
               ? HashFinding::matches
               : HashFinding::not_listed;
  if (!module.proof) return HashFinding::no_proof;
  if (!module.proof->is_well_formed) return HashFinding::malformed;
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

}  // namespace assay
