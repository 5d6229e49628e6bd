#include "survey/hashes_explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/name.h"
#include "judge/rules.h"
#include "survey/open_whole.h"

namespace assay {

namespace {

constexpr std::string_view kKeepFromStripping =
    "set CONFIG_MODULE_INSTALL_STRIP (version 5), or keep the packaging from stripping (dh_strip "
    "-X.ko, brp-strip, dontStrip)";

// How a module differs from the one that was hashed.
struct Compared {
  const HashedModule* module;
  OutlineDifference difference;
};

class Explanation {
 public:
  Explanation(const std::vector<HashedModule>& modules, const ModuleHashes& kernel,
              const ExplainFacts& facts)
      : modules_(modules), kernel_(kernel), facts_(facts), common_(common_root(modules)) {
    for (const HashedModule& module : modules) {
      const HashFinding finding = check_module(module, kernel);
      ++counts_[finding];
      if (finding == HashFinding::matches || finding == HashFinding::unreadable) continue;
      misses_.push_back(&module);
      if (module.is_signed) ++signed_;
      if (module.is_signed && matches_below(module)) ++signed_after_;
      if (common_ && module.proof && root_of(module) != *common_) ++apart_;
    }
  }

  std::vector<HashDiagnosis> run() {
    if (misses_.empty()) {
      if (count(HashFinding::unreadable) == 0) say("none", "every module is one the kernel knows");
    } else {
      explain_kernel();
      explain_other_build();
      explain_missing_proofs();
      explain_malformed();
      explain_changes();
      if (facts_.reference != nullptr)
        hold_against_reference();
      else
        weigh_stripping();
      explain_silence();
    }
    explain_compression();
    return std::move(said_);
  }

 private:
  std::uint64_t count(HashFinding finding) const {
    const auto found = counts_.find(finding);
    return found == counts_.end() ? 0 : found->second;
  }
  void say(std::string id, std::string text) { said_.push_back({std::move(id), std::move(text)}); }

  bool matches_below(const HashedModule& module) const {
    if (kernel_.is_list())
      return module.inner_sha256 &&
             std::ranges::find(*kernel_.list, *module.inner_sha256) != kernel_.list->end();
    return module.inner_proof && module.inner_proof->root == kernel_.root->hash &&
           module.inner_proof->siblings.size() == kernel_.root->levels;
  }

  bool is_placeholder() const {
    if (kernel_.is_list()) return kernel_.list->empty();
    return kernel_.root->levels == 0 && kernel_.root->hash.is_zero();
  }

  void explain_kernel() {
    const bool is_zero_list =
        kernel_.is_list() && !kernel_.list->empty() &&
        std::ranges::all_of(*kernel_.list, [](const auto& row) { return row == FileSha256{}; });
    if (is_zero_list) {
      say("placeholder",
          "every row of the kernel's list is zero: vmlinux was taken before the hashes were "
          "written "
          "into it; every module misses");
    }
    if (!is_placeholder()) return;
    if (kernel_.is_list())
      say("placeholder", "the kernel's list is empty: every module misses");
    else {
      say("placeholder",
          "the kernel's root is all zero: vmlinux was taken before the root was written into it "
          "(vmlinux.unstripped keeps zeros), or built with no modules; every proof fails there");
    }
  }

  void explain_other_build() {
    if (!common_ || !kernel_.root || is_placeholder() || *common_ == *kernel_.root) return;
    is_other_build_ = true;
    say("other-kernel",
        fmt::format("the proofs of these modules agree with each other on root {} ({} levels), the "
                    "kernel has {} ({} levels): modules and kernel come from different builds; "
                    "install both from one",
                    common_->hash.hex(), common_->levels, kernel_.root->hash.hex(),
                    kernel_.root->levels));
  }

  void explain_missing_proofs() {
    if (signed_after_ != 0) {
      say("signed-after",
          fmt::format(
              "{} modules were signed after they were hashed: below the signature each is "
              "one the kernel knows, and a kernel looks at the outermost record alone; take "
              "the signatures off, and do not sign what has a hash",
              signed_after_));
    } else if (signed_ != 0 && !is_placeholder()) {
      say("signed-after",
          fmt::format("{} modules end with a signature, by which alone they are judged "
                      "(CONFIG_MODULE_SIG); what is below it is none that the kernel knows either",
                      signed_));
    }
    const std::uint64_t none = count(HashFinding::no_proof);
    if (none <= signed_) return;
    if (facts_.is_build_tree) {
      say("build-tree",
          fmt::format("{} modules lie in a build tree, without proofs: modules_install appends "
                      "them; load installed modules, or run assay hashes attach on the tree",
                      none - signed_));
    } else {
      say("without-proof",
          fmt::format("{} modules end with no proof: copied from the build tree (modules_install "
                      "appends the proofs), or stripped, which cuts what stands behind an ELF "
                      "file; assay hashes attach appends them, where the modules are as they were "
                      "hashed",
                      none - signed_));
    }
  }

  void explain_malformed() {
    const std::uint64_t malformed = count(HashFinding::malformed);
    if (malformed == 0) return;
    say("malformed",
        fmt::format("{} modules have proofs whose information block has other fields than id_type "
                    "and sig_len set: refused with EBADMSG, whatever the proof; take them off and "
                    "attach proofs anew",
                    malformed));
  }

  void explain_changes() {
    if (apart_ == 0 || !common_ || !kernel_.root || *common_ != *kernel_.root) return;
    say("changed",
        fmt::format("{} modules lead to another root than the others: they were changed after they "
                    "were hashed",
                    apart_));
  }

  // Are the modules of the reference those that the kernel was built with?
  bool is_hashed_reference() const {
    const HashesReference& reference = *facts_.reference;
    if (kernel_.is_list()) {
      return std::ranges::any_of(reference.modules, [&](const HashedModule& module) {
        return check_module(module, kernel_) == HashFinding::matches;
      });
    }
    const auto tree = tree_over(reference.order, reference.modules);
    return tree && ModuleRoot{tree->levels(), tree->root()} == *kernel_.root;
  }

  void hold_against_reference() {
    const HashesReference& reference = *facts_.reference;
    if (!is_hashed_reference()) {
      say("reference",
          fmt::format("the modules of {} are not what the kernel was built with either",
                      reference.name));
      return;
    }
    std::map<std::uint32_t, const HashedModule*> by_position;
    for (const HashedModule& module : reference.modules)
      if (module.position) by_position.emplace(*module.position, &module);
    std::uint64_t same = 0;
    std::vector<Compared> stripped, unstripped, alike, changed;
    for (const HashedModule* module : misses_) {
      const auto found = module->position ? by_position.find(*module->position) : by_position.end();
      if (found == by_position.end() || !module->outline || !found->second->outline) continue;
      if (module->leaf == found->second->leaf) {
        ++same;
        continue;
      }
      Compared compared{module, compare_outlines(*found->second->outline, *module->outline)};
      auto& where = !compared.difference.is_same_program() ? changed
                    : !compared.difference.gone.empty()    ? stripped
                    : !compared.difference.added.empty()   ? unstripped
                                                           : alike;
      where.push_back(std::move(compared));
    }
    if (same != 0) {
      say("unchanged",
          fmt::format("{} modules are byte for byte what the kernel was built with: their proofs "
                      "alone are missing or wrong; assay hashes attach appends them",
                      same));
    }
    say_of("stripped", stripped,
           "were stripped after they were hashed: they would match but for {}; {}");
    say_of("not-stripped", unstripped,
           "were hashed without {}, and are installed with it: INSTALL_MOD_STRIP was another when "
           "they were installed");
    say_of("resymboled", alike,
           "differ from what was hashed in symbol tables and relocations alone: stripped of some "
           "symbols, or rewritten by another tool");
    say_of("changed", changed, "are other programs than what was hashed: {} differ");
  }

  // `what` has places for the sections, and for what helps.
  void say_of(const char* id, const std::vector<Compared>& compared, std::string_view what) {
    if (compared.empty()) return;
    std::set<std::string> sections;
    for (const Compared& one : compared) {
      const OutlineDifference& difference = one.difference;
      const auto& names = !difference.changed.empty() ? difference.changed
                          : !difference.gone.empty()  ? difference.gone
                                                      : difference.added;
      sections.insert(names.begin(), names.end());
    }
    constexpr std::size_t kNamed = 8;
    std::vector<std::string> named;
    for (const std::string& name : sections)
      if (named.size() < kNamed) named.push_back(encode_name(name));
    const std::string list =
        fmt::format("{}{}", fmt::join(named, ", "), sections.size() > kNamed ? ", ..." : "");
    say(id, fmt::format("{} modules ({}{}) {}", compared.size(), compared.front().module->name,
                        compared.size() > 1 ? ", ..." : "",
                        fmt::format(fmt::runtime(what), list, kKeepFromStripping)));
  }

  // Without a reference there are signs alone.
  void weigh_stripping() {
    if (is_other_build_ || is_placeholder() || misses_.size() < 2) return;
    const auto all_lack = [&](bool HashedModule::* has) {
      return std::ranges::none_of(
          misses_, [&](const HashedModule* one) { return !one->is_elf || one->*has; });
    };
    const bool wants_debug =
        facts_.platform != nullptr && facts_.platform->config.is_known() &&
        facts_.platform->config.is_on("CONFIG_DEBUG_INFO") == Truth::yes &&
        facts_.platform->config.is_on("CONFIG_MODULE_INSTALL_STRIP") != Truth::yes;
    std::string sign;
    if (all_lack(&HashedModule::has_symbols))
      sign = "has a symbol table";
    else if (wants_debug && all_lack(&HashedModule::has_debug)) {
      sign =
          "has debug information, which the kernel's configuration (CONFIG_DEBUG_INFO) has them "
          "built with";
    }
    if (sign.empty()) return;
    say("stripped",
        fmt::format("none of the {} modules that miss {}: it seems that they were stripped after "
                    "they were hashed (--reference with the modules of the build tells for sure); "
                    "{}",
                    misses_.size(), sign, kKeepFromStripping));
  }

  // What the kernel makes of one of them; nothing where it does not lie on disk.
  std::optional<JudgedModule> judge(const HashedModule& module, std::uint32_t flags) const {
    if (facts_.platform == nullptr || module.path.empty()) return std::nullopt;
    const auto file = open_whole(module.path);
    if (!file) return std::nullopt;
    JudgeRequest request;
    request.flags = flags;
    if (flags != 0) request.syscall = "finit_module";
    const PlatformIma ima(*facts_.platform);
    const auto evidence = collect_request(request, {**file, module.path, module.path, ima.hashes()},
                                          kernel_.is_list());
    if (!evidence) return std::nullopt;
    return judge_on(request, *evidence, module.name, ima, true);
  }

  // A boot that ends without a word: the kernel refuses what the initramfs has, and says nothing.
  void explain_silence() {
    for (const HashedModule* module : misses_) {
      const auto judged = judge(*module, 0);
      if (!judged) continue;
      const Verdict& verdict = judged->verdict;
      if (verdict.decision != Decision::refused || !verdict.log.empty()) return;
      say("silent",
          fmt::format("the kernel refuses such a module ({}) with {} and prints nothing: where the "
                      "initramfs holds these, the machine stops early in boot without a message; "
                      "boot with dyndbg, or load one by hand to see the error",
                      module->name, errno_name(verdict.err)));
      return;
    }
  }

  // Asked of the kernel itself, as kmod asks it where the kernel decompresses.
  void explain_compression() {
    namespace rule = rules::module_load;
    std::set<Codec> seen;
    for (const HashedModule& module : modules_) {
      if (!module.codec || !seen.insert(*module.codec).second) continue;
      const auto judged = judge(module, module_flags::kCompressedFile);
      if (!judged || judged->verdict.deciding == nullptr || !judged->reason) continue;
      const Rule* deciding = judged->verdict.deciding;
      if (deciding != &rule::can_decompress && deciding != &rule::compression &&
          deciding != &rule::stream)
        continue;
      say("compressed",
          fmt::format("{} cannot be decompressed by the kernel itself: {} ({}); kmod has to be "
                      "built with {}, in the initramfs too",
                      module.name, judged->reason->text, errno_name(judged->verdict.err),
                      codec_name(*module.codec)));
    }
  }

  static ModuleRoot root_of(const HashedModule& module) {
    return {static_cast<std::uint32_t>(module.proof->siblings.size()), module.proof->root};
  }

  const std::vector<HashedModule>& modules_;
  const ModuleHashes& kernel_;
  const ExplainFacts& facts_;
  const std::optional<ModuleRoot> common_;
  std::map<HashFinding, std::uint64_t> counts_;
  std::vector<const HashedModule*> misses_;
  std::uint64_t signed_ = 0;        // of those that miss
  std::uint64_t signed_after_ = 0;  // and match below their signatures
  std::uint64_t apart_ = 0;
  bool is_other_build_ = false;
  std::vector<HashDiagnosis> said_;
};

}  // namespace

std::vector<HashDiagnosis> explain_hashes(const std::vector<HashedModule>& modules,
                                          const ModuleHashes& kernel, const ExplainFacts& facts) {
  return Explanation(modules, kernel, facts).run();
}

}  // namespace assay
