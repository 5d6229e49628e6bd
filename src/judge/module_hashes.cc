#include "judge/module_hashes.h"

#include <fmt/format.h>

#include <algorithm>

#include "judge/rules.h"
#include "trust/module_keyrings.h"

namespace assay {

namespace {

// What is the same in every version of the series.
class Check {
 public:
  Check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
        const Platform& platform)
      : walk_(walk),
        evidence_(evidence),
        trailer_(evidence.trailer),
        request_(request),
        platform_(platform),
        hashes_(*platform.module_hashes),
        is_mangled_(request.ignore_modversions || request.ignore_vermagic) {}

 protected:
  bool has_module_sig() {
    return walk_.settle(platform_.config.is_on("CONFIG_MODULE_SIG"), "config: CONFIG_MODULE_SIG");
  }

  Outcome check_type(const Rule& rule, const InfoBlock& block, Extent where) {
    const bool is_known =
        block.id_type == kIdTypeMerkle || (block.id_type == kIdTypePkcs7 && has_module_sig());
    return walk_.check(rule, is_known, where,
                       [&] { return fmt::format("id_type {}", block.id_type); });
  }

  Outcome check_proof_size(const Rule& rule, const InfoBlock& block, Extent where) {
    if (!hashes_.root)
      return walk_.check(rule, Truth::unknown, "module_hashes.levels",
                         [] { return std::string(); });
    const std::uint64_t size = module_proof_size(hashes_.root->levels);
    return walk_.check(rule, block.sig_len == size, where, [&] {
      return fmt::format("a proof of {} bytes, {} for the {} levels of the kernel's tree",
                         block.sig_len, size, hashes_.root->levels);
    });
  }

  // Does the proof lead to the kernel's root?
  Truth leads_to_root() const {
    if (!hashes_.root) return Truth::unknown;
    return truth(evidence_.proof && evidence_.proof->root == hashes_.root->hash);
  }
  std::string roots() const {
    return fmt::format("the proof's {}, the kernel's {}",
                       evidence_.proof ? evidence_.proof->root.hex() : "?",
                       hashes_.root ? hashes_.root->hash.hex() : "?");
  }

  Outcome verify_pkcs7() {
    TrustedBy trusted_by;
    return verify_appended(walk_, evidence_, platform_, walk_.covers(kModulesSearchPlatform),
                           trusted_by);
  }

  Walk& walk_;
  const AppendedEvidence& evidence_;
  const SignatureTrailer& trailer_;
  const ModuleRequest& request_;
  const Platform& platform_;
  const ModuleHashes& hashes_;
  const bool is_mangled_;
};

// A hit loads the module, whatever the flags. Without MODULE_SIG a miss is final, enforced or not;
// with it the signature decides.
class CheckV3 : public Check {
 public:
  using Check::Check;

  Ending run() {
    const Outcome missing = look_up();
    if (!missing.failed()) return {Decision::allowed, {}};
    if (!has_module_sig()) return {Decision::refused, missing};
    return module_sig_check(walk_, evidence_, request_, platform_);
  }

 private:
  Outcome look_up() {
    namespace rule = rules::module_hashes_v3;
    const auto none = [] { return std::string(); };
    if (!hashes_.list) return walk_.check(rule::listed, Truth::unknown, "module_hashes.list", none);
    const Digest* digest = evidence_.file_digest(Hash::sha256);
    if (digest == nullptr)
      return walk_.check(rule::listed, Truth::unknown, "artifact: SHA-256 of the whole file", none);
    const bool is_listed = std::ranges::any_of(*hashes_.list, [&](const FileSha256& row) {
      return std::ranges::equal(row, digest->bytes());
    });
    return walk_.check(rule::listed, is_listed, {}, [&] {
      return fmt::format("{}, {} hashes listed", digest->hex(), hashes_.list->size());
    });
  }
};

class CheckV4 : public Check {
 public:
  using Check::Check;

  Ending run() {
    namespace rule = rules::module_hashes_v4;
    // mod_split_sig cuts a marker off, and goes on alike where there is none.
    const bool is_cut =
        !is_mangled_ && trailer_.has_marker && trailer_.file_size > kSignatureMarker.size();
    const std::uint64_t size = trailer_.file_size - (is_cut ? kSignatureMarker.size() : 0);
    const std::optional<InfoBlock>& block = is_cut ? trailer_.block : evidence_.last_block;
    if (const Outcome bad =
            walk_.check(rule::block, size > kInfoBlockSize && block, Extent{0, trailer_.file_size},
                        [&] { return fmt::format("{} bytes", size); });
        bad.failed())
      return {Decision::refused, bad};
    const Extent where{size - kInfoBlockSize, kInfoBlockSize};
    if (const Outcome bad = check_sig_len(walk_, rule::sig_len, *block, where.offset, where);
        bad.failed())
      return {Decision::refused, bad};
    if (const Outcome bad = check_zero_fields(walk_, rule::zero_fields, *block, where);
        bad.failed())
      return {Decision::refused, bad};
    if (const Outcome bad = check_type(rule::type, *block, where); bad.failed())
      return {Decision::refused, bad};
    return block->id_type == kIdTypePkcs7 ? check_pkcs7(is_cut)
                                          : check_proof(*block, where, is_cut);
  }

 private:
  Ending check_pkcs7(bool is_cut) {
    namespace rule = rules::module_hashes_v4;
    if (!is_cut) {
      const Outcome open =
          walk_.check(rule::type, Truth::unknown, "artifact: a message without a marker",
                      [] { return std::string(); });
      return {open.failed() ? Decision::refused : Decision::allowed, open};
    }
    const Outcome outcome = verify_pkcs7();
    if (!outcome.failed()) return {Decision::allowed, {}};
    return forgive(walk_, outcome, platform_, {rule::not_enforced, rule::lockdown});
  }

  // sig_enforce is not asked.
  Ending check_proof(const InfoBlock& block, Extent where, bool is_cut) {
    namespace rule = rules::module_hashes_v4;
    if (const Outcome bad = check_proof_size(rule::proof_size, block, where); bad.failed())
      return {Decision::refused, bad};
    // Of bytes without a marker no proof was read.
    const Truth leads = is_cut ? leads_to_root() : Truth::unknown;
    const bool is_ours =
        walk_.settle(leads, is_cut ? "module_hashes.root" : "artifact: a proof without a marker");
    if (is_ours) {
      (void)walk_.check(rule::root, true);
      return {Decision::allowed, {}};
    }
    const Outcome other = walk_.refuse(rule::root, where, roots());
    return ask_lockdown(walk_, rule::lockdown, platform_, "another root", other);
  }
};

class CheckV5 : public Check {
 public:
  using Check::Check;

  Ending run() {
    namespace rule = rules::module_hashes_v5;
    const Outcome outcome = verify();
    if (!outcome.failed()) return {Decision::allowed, {}};
    return forgive(walk_, outcome, platform_, {rule::not_enforced, rule::lockdown});
  }

 private:
  Outcome verify() {
    namespace rule = rules::module_hashes_v5;
    if (const Outcome bad = walk_.check(rule::not_mangled, !is_mangled_); bad.failed()) return bad;
    const bool marked = trailer_.has_marker && trailer_.file_size > kSignatureMarker.size();
    const auto sizes = [&] { return fmt::format("{} bytes", trailer_.file_size); };
    if (const Outcome bad =
            walk_.check(rule::marker, marked,
                        marked ? trailer_.marker_extent() : Extent{trailer_.file_size, 0}, sizes);
        bad.failed())
      return bad;
    if (const Outcome bad = walk_.check(rule::block, trailer_.block && trailer_.before_block > 0,
                                        trailer_.marker_extent(), sizes);
        bad.failed())
      return bad;
    const InfoBlock& block = *trailer_.block;
    const Extent where = trailer_.block_extent();
    if (const Outcome bad = check_type(rule::type, block, where); bad.failed()) return bad;
    if (const Outcome bad =
            check_sig_len(walk_, rule::sig_len, block, trailer_.before_block, where);
        bad.failed())
      return bad;
    if (const Outcome bad = check_zero_fields(walk_, rule::zero_fields, block, where); bad.failed())
      return bad;
    if (block.id_type == kIdTypePkcs7) return verify_pkcs7();
    if (const Outcome bad = check_proof_size(rule::proof_size, block, where); bad.failed())
      return bad;
    if (!hashes_.root)
      return walk_.check(rule::root, Truth::unknown, "module_hashes.root", [&] { return roots(); });
    return walk_.check(rule::root, leads_to_root() == Truth::yes, trailer_.signature_extent(),
                       [&] { return roots(); });
  }
};

}  // namespace

Ending module_hashes_check(Walk& walk, const AppendedEvidence& evidence,
                           const ModuleRequest& request, const Platform& platform) {
  switch (platform.module_hashes->format) {
    case ModuleHashesFormat::list_v3: return CheckV3(walk, evidence, request, platform).run();
    case ModuleHashesFormat::merkle_v4: return CheckV4(walk, evidence, request, platform).run();
    case ModuleHashesFormat::merkle_v5: break;
  }
  return CheckV5(walk, evidence, request, platform).run();
}

}  // namespace assay
