// module_sig_check: every rule of module_sig.def, and what the platform makes of a failed check.

#include "judge/module_sig.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::module_sig;

Bytes block(std::uint32_t sig_len, std::string_view fields = "0000020000000000") {
  Bytes bytes = der::from_hex(fields);
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(sig_len >> shift));
  return bytes;
}

const Bytes kPayload = der::bytes("payload");

Bytes message() {
  MessageSample sample;
  sample.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, kPayload));
  return sample.write();
}

Bytes signed_file(std::string_view fields = "0000020000000000") {
  const Bytes signature = message();
  return der::join({kPayload, signature,
                    block(static_cast<std::uint32_t>(signature.size()), fields),
                    der::bytes(kSignatureMarker)});
}

Platform make_platform(KernelVersion version, bool trusted) {
  Platform platform;
  platform.kernel = {version, Variant::debian, Arch::x86_64};
  platform.config.set("CONFIG_MODULE_SIG", "y");
  platform.state.sig_enforce = false;
  platform.state.lockdown = Lockdown::none;
  const auto ring = std::make_shared<Keyring>(".secondary_trusted_keys");
  if (trusted) {
    Key key;
    key.certificate = PreparedCertificate::own(rsa_certificate("issuer", "signer").write());
    PrimitiveCache cache;
    Walk walk = walk_of(version);
    EXPECT_FALSE(check_certificate(walk, *key.certificate, {}, {}, cache, key.state).failed());
    ring->add(key);
  }
  platform.ring(Ring::secondary_trusted_keys) = ring;
  platform.ring(Ring::platform) = std::make_shared<Keyring>(".platform");
  return platform;
}

Verdict judge(const Bytes& file, const Platform& platform, const ModuleRequest& request = {}) {
  const ViewContent content{View(file)};
  const auto evidence = collect_appended(content, {.file_sha256 = true});
  EXPECT_TRUE(evidence);
  return conclude(platform.kernel, true,
                  [&](Walk& walk) { return module_sig_check(walk, *evidence, request, platform); });
}

struct FileCase {
  std::string_view name;
  Bytes file;
  const Rule* rule;  // that decides; nothing: it is allowed
  Errno err;
};

TEST(ModuleSig, EveryRuleOfTheFile) {
  const Bytes marker = der::bytes(kSignatureMarker);
  const FileCase cases[] = {
      {"good", signed_file(), nullptr, Errno::none},
      {"unsigned", kPayload, &rule::marker, Errno::none},
      {"marker alone", marker, &rule::marker, Errno::none},
      {"empty", {}, &rule::marker, Errno::none},
      {"one byte and the marker", der::join({{1}, marker}), &rule::block, Errno::ebadmsg},
      {"block and marker", der::join({block(0), marker}), &rule::block, Errno::ebadmsg},
      {"sig_len of all that precedes", der::join({kPayload, block(7), marker}), &rule::sig_len,
       Errno::ebadmsg},
      {"sig_len largest", der::join({kPayload, block(0xFFFFFFFF), marker}), &rule::sig_len,
       Errno::ebadmsg},
      {"id_type 1", signed_file("0000010000000000"), &rule::id_type, Errno::none},
      {"id_type 3", signed_file("0000030000000000"), &rule::id_type, Errno::none},
      {"algo", signed_file("0100020000000000"), &rule::zero_fields, Errno::ebadmsg},
      {"hash", signed_file("0001020000000000"), &rule::zero_fields, Errno::ebadmsg},
      {"signer_len", signed_file("0000020100000000"), &rule::zero_fields, Errno::ebadmsg},
      {"key_id_len", signed_file("0000020001000000"), &rule::zero_fields, Errno::ebadmsg},
      {"pad", signed_file("0000020000000001"), &rule::zero_fields, Errno::ebadmsg},
      {"id_type 1 and algo", signed_file("0100010000000000"), &rule::id_type, Errno::none},
  };
  for (const FileCase& one : cases)
    for (const KernelVersion version : kAnchors) {
      const Verdict verdict = judge(one.file, make_platform(version, true));
      EXPECT_EQ(verdict.deciding, one.rule) << one.name;
      EXPECT_EQ(verdict.err, one.err) << one.name;
      const Decision expected = one.rule == nullptr      ? Decision::allowed
                                : one.err == Errno::none ? Decision::allowed_tainted
                                                         : Decision::refused;
      EXPECT_EQ(verdict.decision, expected) << one.name;
    }
}

TEST(ModuleSig, MangledModulesAreUnsigned) {
  for (const ModuleRequest& request : {ModuleRequest{true, false}, ModuleRequest{false, true}}) {
    const Verdict verdict = judge(signed_file(), make_platform(kAnchor72, true), request);
    EXPECT_EQ(verdict.deciding, &rule::not_mangled);
    EXPECT_EQ(verdict.decision, Decision::allowed_tainted);
  }
}

// Debian's kernels up to 6.12 look the whole file up, and only after everything else held.
TEST(ModuleSig, ListedFiles) {
  const Bytes file = signed_file();
  struct Case {
    KernelVersion version;
    Variant variant;
    bool refused;
  };
  const Case cases[] = {{kAnchor61, Variant::debian, true},
                        {kAnchor612, Variant::debian, true},
                        {kAnchor72, Variant::debian, false},
                        {kAnchor61, Variant::mainline, false},
                        {kAnchor612, Variant::mainline, false}};
  for (const Case& one : cases) {
    Platform platform = make_platform(one.version, true);
    platform.kernel.variant = one.variant;
    platform.signatures.blocklist.add("bin:" + to_hex(digest_of(Hash::sha256, file)));
    const Verdict verdict = judge(file, platform);
    EXPECT_EQ(verdict.deciding, one.refused ? &rule::file_hash : nullptr);
    EXPECT_EQ(verdict.err, one.refused ? Errno::ekeyrejected : Errno::none);
    // The payload's digest, or another's, is not the file's.
    Platform other = make_platform(one.version, true);
    other.signatures.blocklist.add("bin:" + to_hex(digest_of(Hash::sha256, kPayload)));
    EXPECT_EQ(judge(file, other).decision, Decision::allowed);
  }
}

struct StateCase {
  std::optional<bool> sig_enforce;
  std::optional<Lockdown> lockdown;
  Decision decision;
  Errno err;
  const Rule* rule;
  std::vector<std::string> open;
};

// Unsigned, of an unknown key, of an unsupported kind: all three are let through where signatures
// are not required.
TEST(ModuleSig, WhatThePlatformMakesOfIt) {
  const Rule* marker = &rule::marker;
  const StateCase cases[] = {
      {false, Lockdown::none, Decision::allowed_tainted, Errno::none, marker, {}},
      {true, Lockdown::none, Decision::refused, Errno::ekeyrejected, &rule::not_enforced, {}},
      {false, Lockdown::integrity, Decision::refused, Errno::eperm, &rule::lockdown, {}},
      {false, Lockdown::confidentiality, Decision::refused, Errno::eperm, &rule::lockdown, {}},
      {true, Lockdown::integrity, Decision::refused, Errno::ekeyrejected, &rule::not_enforced, {}},
      {std::nullopt,
       Lockdown::none,
       Decision::undetermined,
       Errno::none,
       nullptr,
       {"state.sig_enforce"}},
      {false, std::nullopt, Decision::undetermined, Errno::none, nullptr, {"state.lockdown"}},
      {std::nullopt,
       std::nullopt,
       Decision::undetermined,
       Errno::none,
       nullptr,
       {"state.sig_enforce", "state.lockdown"}},
  };
  for (const StateCase& one : cases) {
    Platform platform = make_platform(kAnchor72, false);
    platform.state.sig_enforce = one.sig_enforce;
    platform.state.lockdown = one.lockdown;
    const Verdict verdict = judge(kPayload, platform);
    EXPECT_EQ(verdict.decision, one.decision);
    EXPECT_EQ(verdict.err, one.err);
    EXPECT_EQ(verdict.deciding, one.rule);
    EXPECT_EQ(verdict.open, one.open);
    const Verdict of_unknown_key = judge(signed_file(), platform);
    EXPECT_EQ(of_unknown_key.decision, one.decision);
    EXPECT_EQ(of_unknown_key.err, one.err);
    // A damaged signature is refused whatever the platform says.
    Bytes damaged = signed_file();
    damaged[kPayload.size()] = 0x31;
    EXPECT_EQ(judge(damaged, platform).decision, Decision::refused);
    EXPECT_EQ(judge(damaged, platform).err, Errno::ebadmsg);
  }
}

// A patch that distributions carry and mainline does not.
TEST(ModuleSig, KeysInThePlatformRing) {
  for (std::size_t i = 0; i < kVariantCount; ++i) {
    const auto variant = static_cast<Variant>(i);
    Platform platform = make_platform(kAnchor72, true);
    platform.kernel.variant = variant;
    platform.config.set("CONFIG_INTEGRITY_PLATFORM_KEYRING", "y");
    std::swap(platform.ring(Ring::secondary_trusted_keys), platform.ring(Ring::platform));
    const bool searched = variant != Variant::mainline && variant != Variant::appended_kexec_sig;
    EXPECT_EQ(judge(signed_file(), platform).decision,
              searched ? Decision::allowed : Decision::allowed_tainted)
        << variant_name(variant);
  }
}

TEST(ModuleSig, KernelsWithoutIt) {
  Platform platform = make_platform(kAnchor72, false);
  platform.config.set("CONFIG_MODULE_SIG", "n");
  EXPECT_EQ(judge(kPayload, platform).decision, Decision::allowed);
  platform.config = KernelConfig();
  EXPECT_EQ(judge(kPayload, platform).decision, Decision::undetermined);
}

}  // namespace
}  // namespace assay
