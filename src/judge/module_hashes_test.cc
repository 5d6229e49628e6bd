// CONFIG_MODULE_HASHES against the patches of the series: who is refused, with which error.

#include "judge/module_hashes.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace v3 = rules::module_hashes_v3;
namespace v4 = rules::module_hashes_v4;
namespace v5 = rules::module_hashes_v5;

constexpr std::uint32_t kPosition = 2;

Bytes module(std::size_t i) { return der::bytes("module " + std::to_string(i) + "\n"); }

ModuleTree tree(std::size_t count = 5) {
  std::vector<ModuleHash> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes bytes = module(i);
    const ViewContent content{View(bytes)};
    leaves.push_back(*module_leaf(static_cast<std::uint32_t>(i), content, bytes.size()));
  }
  return *ModuleTree::make(std::move(leaves));
}

Bytes with_trailer(const Bytes& content, const Bytes& signature, std::string_view fields,
                   std::optional<std::uint32_t> size = {}) {
  Bytes block = der::from_hex(fields);
  const std::uint32_t sig_len = size.value_or(static_cast<std::uint32_t>(signature.size()));
  for (int shift = 24; shift >= 0; shift -= 8)
    block.push_back(static_cast<std::uint8_t>(sig_len >> shift));
  return der::join({content, signature, block, der::bytes(kSignatureMarker)});
}

constexpr std::string_view kMerkle = "0000030000000000";
constexpr std::string_view kPkcs7 = "0000020000000000";

Bytes proof_bytes(std::uint32_t i = kPosition) { return write_module_proof(tree().proof(i)); }
Bytes proved() { return with_trailer(module(kPosition), proof_bytes(), kMerkle); }

Bytes signed_module() {
  MessageSample sample;
  sample.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, module(kPosition)));
  return with_trailer(module(kPosition), sample.write(), kPkcs7);
}

struct Built {
  ModuleHashesFormat format = ModuleHashesFormat::merkle_v5;
  bool enforced = false;
  Lockdown lockdown = Lockdown::none;
  bool module_sig = true;
  bool trusted = false;
  std::size_t modules = 5;  // that the kernel was built with
};

Platform make_platform(const Built& setup) {
  Platform platform;
  platform.kernel = {kAnchor72, Variant::mainline, Arch::x86_64};
  platform.config.set("CONFIG_MODULE_HASHES", "y");
  if (setup.module_sig) platform.config.set("CONFIG_MODULE_SIG", "y");
  platform.state.sig_enforce = setup.enforced;
  platform.state.lockdown = setup.lockdown;
  const auto ring = std::make_shared<Keyring>(".secondary_trusted_keys");
  if (setup.trusted) {
    Key key;
    key.certificate = PreparedCertificate::own(rsa_certificate("issuer", "signer").write());
    PrimitiveCache cache;
    Walk walk = walk_of(kAnchor72);
    EXPECT_FALSE(check_certificate(walk, *key.certificate, {}, {}, cache, key.state).failed());
    ring->add(key);
  }
  platform.ring(Ring::secondary_trusted_keys) = ring;
  platform.ring(Ring::platform) = std::make_shared<Keyring>(".platform");
  ModuleHashes hashes{setup.format, {}, {}};
  const ModuleTree built = tree(setup.modules);
  if (hashes.is_list()) {
    hashes.list.emplace();
    for (std::size_t i = 0; i < setup.modules; ++i) {
      FileSha256 row;
      std::ranges::copy(compute_digest(Hash::sha256, module(i))->bytes(), row.begin());
      hashes.list->push_back(row);
    }
  } else {
    hashes.root = ModuleRoot{built.levels(), built.root()};
  }
  platform.module_hashes = std::move(hashes);
  return platform;
}

Verdict judge_on(const Bytes& file, const Platform& platform, const ModuleRequest& request = {}) {
  const ViewContent content{View(file)};
  const auto evidence = collect_appended(content, {.file_sha256 = true});
  EXPECT_TRUE(evidence);
  return conclude(platform.kernel, true, [&](Walk& walk) {
    return module_hashes_check(walk, *evidence, request, platform);
  });
}

Verdict judge(const Bytes& file, const Built& setup, const ModuleRequest& request = {}) {
  return judge_on(file, make_platform(setup), request);
}

struct Case {
  std::string_view name;
  Bytes file;
  const Rule* rule;
  Errno err;             // of the check
  bool forgiven = true;  // where nothing is enforced
  std::size_t modules = 5;
};

std::vector<Case> version5_cases() {
  Bytes body = proved();
  body[0] ^= 1;
  Bytes shorter = proof_bytes();
  shorter.resize(shorter.size() - 32);
  Bytes longer = proof_bytes();
  longer.resize(longer.size() + 32);
  const Bytes last = proof_bytes(4);
  const auto at = [](Bytes position) {
    Bytes proof = proof_bytes();
    std::ranges::copy(position, proof.begin());
    return with_trailer(module(kPosition), proof, kMerkle);
  };
  return {
      {"unsigned", module(kPosition), &v5::marker, Errno::enodata},
      {"a marker alone", der::bytes(kSignatureMarker), &v5::marker, Errno::enodata},
      {"no room", der::join({Bytes(12), der::bytes(kSignatureMarker)}), &v5::block, Errno::ebadmsg,
       false},
      {"a changed byte", body, &v5::root, Errno::enokey},
      {"a hash less", with_trailer(module(kPosition), shorter, kMerkle), &v5::proof_size,
       Errno::enopkg},
      {"a hash more", with_trailer(module(kPosition), longer, kMerkle), &v5::proof_size,
       Errno::enopkg},
      {"position 3", at({0, 0, 0, 3}), &v5::root, Errno::enokey},
      {"position 2 and 8", at({0, 0, 0, 10}), &v5::root, Errno::enokey},
      {"position little endian", at({2, 0, 0, 0}), &v5::root, Errno::enokey},
      {"the proof of a neighbour", with_trailer(module(kPosition), proof_bytes(3), kMerkle),
       &v5::root, Errno::enokey},
      {"a kernel of six", proved(), &v5::root, Errno::enokey, true, 6},
      {"a kernel of nine", proved(), &v5::proof_size, Errno::enopkg, true, 9},
      {"a kernel of none", with_trailer(module(kPosition), Bytes(4), kMerkle), &v5::root,
       Errno::enokey, true, 0},
      {"a kernel of none, a proof of three levels", proved(), &v5::proof_size, Errno::enopkg, true,
       0},
      {"the last of five, its own sibling, as the sixth",
       with_trailer(module(4), der::join({Bytes{0, 0, 0, 5}, Bytes(last.begin() + 4, last.end())}),
                    kMerkle),
       &v5::root, Errno::enokey},
      {"the proof twice", with_trailer(proved(), proof_bytes(), kMerkle), &v5::root, Errno::enokey},
      {"id_type 1", with_trailer(module(kPosition), proof_bytes(), "0000010000000000"), &v5::type,
       Errno::enopkg},
      {"padding", with_trailer(module(kPosition), proof_bytes(), "0000030000000001"),
       &v5::zero_fields, Errno::ebadmsg, false},
      {"too long", with_trailer(module(kPosition), proof_bytes(), kMerkle, 0xffffffff),
       &v5::sig_len, Errno::ebadmsg, false},
      {"too long, id_type 9",
       with_trailer(module(kPosition), proof_bytes(), "0000090000000000", 0xffffffff), &v5::type,
       Errno::enopkg},
  };
}

TEST(ModuleHashesV5, EveryRule) {
  for (const Case& one : version5_cases()) {
    Built setup;
    setup.modules = one.modules;
    const Verdict loose = judge(one.file, setup);
    EXPECT_EQ(loose.decision, one.forgiven ? Decision::allowed_tainted : Decision::refused)
        << one.name;
    EXPECT_EQ(loose.err, one.forgiven ? Errno::none : one.err) << one.name;
    EXPECT_EQ(loose.deciding, one.rule) << one.name;
    EXPECT_EQ(loose.deciding == nullptr ? Errno::none : loose.deciding->otherwise, one.err)
        << one.name;

    setup.enforced = true;
    const Verdict enforced = judge(one.file, setup);
    EXPECT_EQ(enforced.err, one.forgiven ? Errno::ekeyrejected : one.err) << one.name;
    EXPECT_EQ(enforced.deciding, one.forgiven ? &v5::not_enforced : one.rule) << one.name;

    setup.enforced = false;
    setup.lockdown = Lockdown::integrity;
    const Verdict locked = judge(one.file, setup);
    EXPECT_EQ(locked.err, one.forgiven ? Errno::eperm : one.err) << one.name;
    EXPECT_EQ(locked.deciding, one.forgiven ? &v5::lockdown : one.rule) << one.name;
  }
}

TEST(ModuleHashesV5, AProofLoadsTheModuleWhateverIsEnforced) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    const Bytes file = with_trailer(module(i), proof_bytes(i), kMerkle);
    for (const bool enforced : {false, true}) {
      const Verdict verdict =
          judge(file, {.enforced = enforced,
                       .lockdown = enforced ? Lockdown::confidentiality : Lockdown::none});
      EXPECT_EQ(verdict.decision, Decision::allowed);
    }
  }
}

TEST(ModuleHashesV5, ForcedLoadsAreNotLookedAt) {
  const Verdict verdict = judge(proved(), {}, {.ignore_vermagic = true});
  EXPECT_EQ(verdict.decision, Decision::allowed_tainted);
  EXPECT_EQ(verdict.deciding, &v5::not_mangled);
}

TEST(ModuleHashesV5, SignaturesCountWithModuleSig) {
  EXPECT_EQ(judge(signed_module(), {.enforced = true, .trusted = true}).decision,
            Decision::allowed);
  EXPECT_EQ(judge(signed_module(), {.trusted = false}).decision, Decision::allowed_tainted);
  const Verdict without = judge(signed_module(), {.module_sig = false, .trusted = true});
  EXPECT_EQ(without.deciding, &v5::type);
  EXPECT_EQ(without.decision, Decision::allowed_tainted);
}

// A proof over bytes that carry a signature, and a signature over bytes that carry a proof.
TEST(ModuleHashesV5, TheOutermostDecides) {
  const Bytes inner = signed_module();
  const ViewContent content{View(inner)};
  const ModuleTree one = *ModuleTree::make({*module_leaf(0, content, inner.size())});
  Platform platform = make_platform({.enforced = true});
  platform.module_hashes->root = ModuleRoot{one.levels(), one.root()};
  const Bytes file = with_trailer(inner, write_module_proof(one.proof(0)), kMerkle);
  EXPECT_EQ(judge_on(file, platform).decision, Decision::allowed);

  MessageSample sample;
  sample.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, proved()));
  const Bytes signed_proof = with_trailer(proved(), sample.write(), kPkcs7);
  EXPECT_EQ(judge(signed_proof, {.enforced = true, .trusted = true}).decision, Decision::allowed);
  EXPECT_EQ(judge(signed_proof, {.enforced = true, .trusted = false}).deciding, &v5::not_enforced);
}

TEST(ModuleHashesV5, WithoutItsRootTheVerdictIsOpen) {
  Platform platform = make_platform({.enforced = true});
  platform.module_hashes->root.reset();
  const Verdict verdict = judge_on(proved(), platform);
  EXPECT_EQ(verdict.decision, Decision::undetermined);
  // A module without a proof is refused whatever the root.
  EXPECT_EQ(judge_on(module(kPosition), platform).err, Errno::ekeyrejected);
}

TEST(ModuleHashesV4, EveryRule) {
  const Built setup{.format = ModuleHashesFormat::merkle_v4};
  Bytes body = proved();
  body[0] ^= 1;
  const Bytes zeros = der::join({module(kPosition), Bytes(12)});
  const Case cases[] = {
      {"short", Bytes(12), &v4::block, Errno::ebadmsg, false},
      {"no marker, zeros", zeros, &v4::type, Errno::enopkg, false},
      {"no marker, a length", der::join({module(kPosition), Bytes(8), Bytes(4, 0xff)}),
       &v4::sig_len, Errno::ebadmsg, false},
      {"no marker, other bytes", der::join({module(kPosition), Bytes(8, 1), Bytes(4)}),
       &v4::zero_fields, Errno::ebadmsg, false},
      {"another height", with_trailer(module(kPosition), Bytes(36), kMerkle), &v4::proof_size,
       Errno::enopkg, false},
      {"a changed byte", body, &v4::root, Errno::none},
  };
  for (const Case& one : cases) {
    const Verdict verdict = judge(one.file, setup);
    EXPECT_EQ(verdict.decision, one.forgiven ? Decision::allowed_tainted : Decision::refused)
        << one.name;
    EXPECT_EQ(verdict.err, one.err) << one.name;
    EXPECT_EQ(verdict.deciding, one.rule) << one.name;
  }
  EXPECT_EQ(judge(proved(), setup).decision, Decision::allowed);
}

// The defect that version 5 mended: enforcement does not reject a wrong proof, lockdown does.
TEST(ModuleHashesV4, EnforcementForgivesAWrongProof) {
  Bytes body = proved();
  body[0] ^= 1;
  Built setup{.format = ModuleHashesFormat::merkle_v4, .enforced = true};
  EXPECT_EQ(judge(body, setup).decision, Decision::allowed_tainted);
  setup.lockdown = Lockdown::integrity;
  const Verdict locked = judge(body, setup);
  EXPECT_EQ(locked.err, Errno::eperm);
  EXPECT_EQ(locked.deciding, &v4::lockdown);
  EXPECT_EQ(
      judge(signed_module(), {.format = ModuleHashesFormat::merkle_v4, .enforced = true}).deciding,
      &v4::not_enforced);
}

TEST(ModuleHashesV3, EveryRule) {
  const Built without{.format = ModuleHashesFormat::list_v3, .module_sig = false};
  const Built with{.format = ModuleHashesFormat::list_v3};
  // A hit loads whatever the flags.
  EXPECT_EQ(judge(module(kPosition), without, {.ignore_vermagic = true}).decision,
            Decision::allowed);
  const Verdict miss = judge(module(7), without);
  EXPECT_EQ(miss.err, Errno::enokey);
  EXPECT_EQ(miss.deciding, &v3::listed);
  // Signed after it was hashed: the signature decides, if there is MODULE_SIG.
  EXPECT_EQ(judge(signed_module(), without).err, Errno::enokey);
  EXPECT_EQ(judge(signed_module(), with).decision, Decision::allowed_tainted);
  Built trusted = with;
  trusted.trusted = true;
  trusted.enforced = true;
  EXPECT_EQ(judge(signed_module(), trusted).decision, Decision::allowed);
  trusted.trusted = false;
  EXPECT_EQ(judge(signed_module(), trusted).err, Errno::ekeyrejected);
}

// Kernels without the series see an unsupported signature.
TEST(ModuleHashes, OtherKernelsForgiveAProofAsUnsupported) {
  const auto judge_without = [](const Bytes& file, KernelVersion version) {
    Platform platform = make_platform({});
    platform.module_hashes.reset();
    platform.kernel.version = version;
    const ViewContent content{View(file)};
    const auto evidence = collect_appended(content, {});
    return conclude(platform.kernel, true,
                    [&](Walk& walk) { return module_sig_check(walk, *evidence, {}, platform); });
  };
  for (const KernelVersion version : {kAnchor61, kAnchor612, kAnchor72}) {
    const Verdict verdict = judge_without(proved(), version);
    EXPECT_EQ(verdict.decision, Decision::allowed_tainted);
    EXPECT_EQ(verdict.deciding, &rules::module_sig::id_type);
    EXPECT_EQ(rules::module_sig::id_type.otherwise, Errno::enopkg);
    // There the length is looked at before the type: an absurd one is final.
    const Verdict absurd = judge_without(
        with_trailer(module(kPosition), proof_bytes(), "0000090000000000", 0xffffffff), version);
    EXPECT_EQ(absurd.decision, Decision::refused);
    EXPECT_EQ(absurd.err, Errno::ebadmsg);
  }
}

}  // namespace
}  // namespace assay
