// Appraisal: each case names the rule that decides and the cause that the kernel writes to its
// audit log, from the source of ima_appraise.c and what booted kernels were seen to say.

#include "ima/appraise.h"

#include <gtest/gtest.h>

#include "ima/rules.h"
#include "ima/test_ima.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::ima;
namespace sig = rules::ima_sig;

constexpr std::string_view kPlain = "appraise func=BPRM_CHECK";
constexpr std::string_view kImasig = "appraise func=BPRM_CHECK appraise_type=imasig";
constexpr std::string_view kSigv3 = "appraise func=BPRM_CHECK appraise_type=sigv3";
constexpr std::string_view kNone = "none";
constexpr std::string_view kRequired = "IMA-signature-required";
constexpr std::string_view kInvalid = "invalid-signature";

std::string changed(std::string_view hex, std::size_t at, std::string_view to) {
  std::string text(hex);
  return text.replace(2 * at, to.size(), to);
}

struct Case {
  const char* name;
  std::string xattr;  // hexadecimal; "none": the file has none
  std::string_view policy;
  const Rule* decides;  // nothing: the file passes
  std::string_view cause = {};
  KernelVersion first = kAnchor61;
  KernelVersion last = kAnchor72;
};

const std::vector<Case>& cases() {
  const std::string v2(vectors::kSignature);
  const std::string v3(vectors::kSignatureV3);
  const std::string verity(vectors::kVeritySignature);
  const std::string hash(vectors::kHashSha256);
  static const std::vector<Case> kCases = {
      {"none", std::string(kNone), kPlain, &rule::hash_present, "missing-hash"},
      {"none-sig", std::string(kNone), kImasig, &rule::signature_present, kRequired},
      {"empty", "", kPlain, &rule::hash_present, "missing-hash"},
      {"empty-sig", "", kImasig, &rule::signature_present, kRequired},
      {"sha256", hash, kPlain, nullptr},
      {"sha256-sig", hash, kImasig, &rule::hash_not_signature, kRequired},
      {"sha1", std::string(vectors::kHashSha1), kPlain, nullptr},
      {"md5", std::string(vectors::kHashMd5), kPlain, nullptr},
      {"md5-padded", std::string(vectors::kHashMd5Padded), kPlain, nullptr},
      {"type-1-sha256", "01" + hash.substr(4), kPlain, nullptr},
      {"longer", hash + "00", kPlain, nullptr},
      {"shorter", hash.substr(0, 66), kPlain, &rule::hash_matches, "invalid-hash"},
      {"one-byte-4", "04", kPlain, &rule::hash_matches, "invalid-hash"},
      {"one-byte-1", "01", kPlain, &rule::hash_matches, "invalid-hash"},
      {"other-hash", changed(hash, 10, "00"), kPlain, &rule::hash_matches, "invalid-hash"},
      {"unknown-number", changed(hash, 1, "ff"), kPlain, nullptr},
      {"number-20", changed(hash, 1, "14"), kPlain, nullptr, {}, kAnchor61, kAnchor61},
      {"v2", v2, kPlain, nullptr},
      {"v2-sig", v2, kImasig, nullptr},
      {"v2-sigv3", v2, kSigv3, &rule::sigv3, "IMA-sigv3-required", kAnchor72},
      {"v3", v3, kImasig, nullptr, {}, kAnchor72},
      {"v3-sigv3", v3, kSigv3, nullptr, {}, kAnchor72},
      {"v3-before", v3, kImasig, &rule::signature_version_2, "invalid-signature-version", kAnchor61,
       kAnchor612},
      {"v2-as-v3", changed(v2, 1, "03"), kImasig, &rules::public_key::rsa_digest, kInvalid,
       kAnchor72},
      {"v4", changed(v2, 1, "04"), kImasig, &rule::signature_version_3, "invalid-signature-version",
       kAnchor72},
      {"v0", changed(v2, 1, "00"), kImasig, &sig::known_version, "unknown"},
      {"one-byte-3", "03", kImasig, &sig::has_version, kInvalid},
      {"header-only", v2.substr(0, 18), kImasig, &sig::size, kInvalid},
      {"longer-signature", v2 + "00", kImasig, &sig::sig_size, kInvalid},
      {"swapped-size", changed(v2, 7, "8000"), kImasig, &sig::sig_size, kInvalid},
      {"hash-id", changed(v2, 2, "ff"), kImasig, &sig::hash_algo, kInvalid},
      {"other-key", changed(v2, 3, "00000000"), kImasig, &sig::key_known, kInvalid},
      // The issuer of the certificate ends in " key": its name finds the key too.
      {"issuer-key", changed(v2, 3, "206b6579"), kImasig, nullptr},
      {"other-value", changed(v2, 100, "00"), kImasig, &rules::public_key::rsa_padding, {}},
      {"v1-short", "0301000000", kImasig, &sig::v1_size, kInvalid},
      {"v1-algorithm", changed("030100000000" + std::string(32, '0'), 6, "01"), kImasig,
       &sig::v1_rsa, kInvalid},
      {"v1-key", "030100000000" + std::string(32, '0'), kImasig, &sig::v1_key, kInvalid},
      {"verity", verity, kPlain, nullptr},
      {"verity-sig", verity, kImasig, &rule::verity_not_wanted, kRequired},
      {"verity-v2", changed(verity, 1, "02"), kPlain, &rule::verity_version,
       "invalid-signature-version"},
      {"verity-key", changed(verity, 3, "00000000"), kPlain, &sig::key_known,
       "invalid-verity-signature"},
      {"type-0", "00", kPlain, &rule::known_type, "unknown-ima-data"},
      {"type-2", "02" + hash, kImasig, &rule::known_type, "unknown-ima-data"},
      {"type-5", changed(v2, 0, "05"), kImasig, &rule::known_type, "unknown-ima-data"},
      {"type-7", "07", kImasig, &rule::known_type, "unknown-ima-data"},
  };
  return kCases;
}

ImaEvidence evidence_of(const Case& each) {
  return each.xattr == kNone ? file_with({}) : file_with_ima(each.xattr);
}

TEST(ImaAppraise, AttributesOnEveryKernel) {
  for (const KernelVersion version : kAnchors)
    for (const Case& each : cases()) {
      if (version < each.first || version > each.last) continue;
      ImaMachine machine(version);
      const ImaVerdict verdict =
          machine.ask({std::string(each.policy)}, event_of(ImaHook::bprm_check), evidence_of(each));
      const std::string text = std::string(each.name) + ", " + to_string(version);
      EXPECT_EQ(verdict.outcome.err, each.decides ? Errno::eacces : Errno::none) << text;
      if (each.decides != nullptr && each.decides->mechanism() != "public-key") {
        ASSERT_NE(machine.rule_of(verdict.internal), nullptr) << text;
        EXPECT_EQ(machine.rule_of(verdict.internal)->id, each.decides->id) << text;
      }
      const std::string_view cause = each.decides == nullptr ? std::string_view()
                                     : each.cause.empty()    ? kInvalid
                                                             : each.cause;
      EXPECT_EQ(verdict.causes.empty() ? std::string() : verdict.causes[0], cause) << text;
      EXPECT_TRUE(machine.walk->choices().empty()) << text;
    }
}

// ima_appraise=log and off: found out and written down, and nothing comes of it. fix: written anew,
// but for signatures of the file.
TEST(ImaAppraise, Modes) {
  for (const char* mode : {"log", "fix", "off"})
    for (const Case& each : cases()) {
      if (each.last != kAnchor72 || each.decides == nullptr) continue;
      ImaMachine machine;
      machine.command_line = std::string("ima_appraise=") + mode;
      const ImaVerdict verdict =
          machine.ask({std::string(each.policy)}, event_of(ImaHook::bprm_check), evidence_of(each));
      EXPECT_FALSE(verdict.outcome.failed()) << each.name;
      if (std::string_view(mode) == "off") {
        EXPECT_TRUE(verdict.causes.empty()) << each.name;
        continue;
      }
      EXPECT_EQ(verdict.causes.size(), 1U) << each.name;
      const bool fixes = std::string_view(mode) == "fix" && !each.xattr.starts_with("03");
      EXPECT_EQ(verdict.fixed.has_value(), fixes) << each.name;
    }
  // The POLICY bit of a rule keeps appraisal alive.
  ImaMachine machine;
  machine.command_line = "ima_appraise=off";
  EXPECT_EQ(machine
                .ask({std::string(kPlain), "appraise func=FIRMWARE_CHECK"},
                     event_of(ImaHook::bprm_check), file_with({}))
                .causes,
            std::vector<std::string>{"missing-hash"});
}

TEST(ImaAppraise, FixWritesTheDigest) {
  ImaMachine machine;
  machine.command_line = "ima_appraise=fix";
  const auto fixed = [&](const ImaEvidence& file) {
    return to_hex(*machine.ask({std::string(kPlain)}, event_of(ImaHook::bprm_check), file).fixed);
  };
  EXPECT_EQ(fixed(file_with({})), vectors::kHashSha256);
  EXPECT_EQ(fixed(file_with_ima(changed(vectors::kHashSha1, 5, "00"))), vectors::kHashSha1);
}

TEST(ImaAppraise, KeysAndOptions) {
  struct Row {
    void (*change)(ImaMachine&);
    const Rule* decides;
    std::string_view cause;
  };
  const Row rows[] = {
      {[](ImaMachine& m) { m.config.set("CONFIG_INTEGRITY_SIGNATURE", "n"); }, &sig::built,
       "unknown"},
      {[](ImaMachine& m) { m.config.set("CONFIG_INTEGRITY_ASYMMETRIC_KEYS", "n"); },
       &sig::asymmetric_built, "unknown"},
      {[](ImaMachine& m) { m.rings.ima = {nullptr, true, "keyrings.ima"}; }, &sig::ring_present,
       kInvalid},
      {[](ImaMachine& m) { m.blacklist.add(m.ima.keys()[0]); }, &sig::key_not_blacklisted,
       kInvalid},
      {[](ImaMachine& m) { m.ima.keys()[0].state.key_kind = KeyKind::sm2; }, &sig::key_kind,
       kInvalid},
      {[](ImaMachine& m) { m.ima.keys()[0].usable = KeyState::expired; },
       &rules::pkcs7::key_not_expired, kInvalid},
  };
  for (const Row& row : rows) {
    ImaMachine machine;
    row.change(machine);
    const ImaVerdict verdict = machine.ask({std::string(kImasig)}, event_of(ImaHook::bprm_check),
                                           file_with_ima(vectors::kSignature));
    ASSERT_TRUE(verdict.outcome.failed()) << row.decides->id;
    EXPECT_EQ(machine.rule_of(verdict.internal)->id, row.decides->id);
    EXPECT_EQ(machine.rule_of(verdict.outcome), &rule::not_enforced);
    EXPECT_EQ(verdict.outcome.err, Errno::eacces);
    EXPECT_EQ(verdict.causes, std::vector<std::string>{std::string(row.cause)}) << row.decides->id;
  }
  // ML-DSA signs without a digest, and has a check of its own for the size.
  ImaMachine machine;
  machine.ima.keys()[0].state.key_kind = KeyKind::ml_dsa_44;
  const ImaVerdict verdict = machine.ask({std::string(kImasig)}, event_of(ImaHook::bprm_check),
                                         file_with_ima(changed(vectors::kSignatureV3, 7, "8000")));
  EXPECT_EQ(machine.rule_of(verdict.internal), &sig::hashless_size);
}

TEST(ImaAppraise, EllipticCurve) {
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    machine.ima.add(key_of_hex(vectors::kEcCertificate));
    EXPECT_FALSE(machine
                     .ask({std::string(kImasig)}, event_of(ImaHook::bprm_check),
                          file_with_ima(vectors::kEcSignature))
                     .outcome.failed());
  }
}

TEST(ImaAppraise, AKeyringThatIsNotDescribedStaysOpen) {
  ImaMachine machine;
  machine.rings.ima.keys = nullptr;
  machine.ask({std::string(kImasig)}, event_of(ImaHook::bprm_check),
              file_with_ima(vectors::kSignature));
  ASSERT_EQ(machine.walk->choices().size(), 1U);
  EXPECT_EQ(machine.walk->choices()[0].key, "keyrings.ima");
}

struct Asked {
  const Rule* decides;
  std::vector<std::string> causes;
  friend bool operator==(const Asked&, const Asked&) = default;
};
Asked asked(ImaMachine& machine, const std::vector<std::string>& rules, const ImaEvent& event,
            const ImaEvidence& file) {
  const ImaVerdict verdict = machine.ask(rules, event, file);
  return {machine.rule_of(verdict.internal), verdict.causes};
}

TEST(ImaAppraise, Verity) {
  const std::string rule_v3 = "appraise func=BPRM_CHECK digest_type=verity appraise_type=sigv3";
  const ImaEvent event = event_of(ImaHook::bprm_check);
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    const auto file = [](std::string_view hex) {
      ImaEvidence evidence = hex == kNone ? file_with({}) : file_with_ima(hex);
      evidence.has_verity = Truth::yes;
      evidence.verity = *evidence.digest(Hash::sha256);
      return evidence;
    };
    EXPECT_EQ(asked(machine, {rule_v3}, event, file(vectors::kVeritySignature)), Asked());
    EXPECT_EQ(asked(machine, {rule_v3}, event, file_with_ima(vectors::kVeritySignature)),
              (Asked{&rule::verity_digest, {"no-verity-digest"}}));
    EXPECT_EQ(asked(machine, {rule_v3}, event, file(kNone)),
              (Asked{&rule::verity_present, {"verity-signature-required"}}));
    EXPECT_EQ(asked(machine, {rule_v3}, event, file(vectors::kHashSha256)),
              (Asked{&rule::hash_not_verity, {"verity-signature-required"}}));
    EXPECT_EQ(asked(machine, {rule_v3}, event, file(vectors::kSignature)),
              (Asked{&rule::signature_not_verity, {"verity-signature-required"}}));
    // What another rule requires of the same file counts here.
    EXPECT_EQ(asked(machine, {"audit func=BPRM_CHECK digest_type=verity", std::string(kImasig)},
                    event, file(vectors::kSignature)),
              (Asked{&rule::signature_not_verity, {"verity-signature-required"}}));
  }
}

TEST(ImaAppraise, Filesystems) {
  ImaMachine machine;
  const ImaEvent event = event_of(ImaHook::bprm_check);
  ImaEvidence ramfs = file_with_ima(vectors::kSignature);
  ramfs.file.filesystem.has_xattrs = Truth::no;
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event, ramfs), (Asked{&rule::xattr_support, {}}));
  ImaEvidence fuse = file_with_ima(vectors::kSignature);
  fuse.file.filesystem.is_unverifiable = Truth::yes;
  EXPECT_EQ(asked(machine, {std::string(kImasig)}, event, fuse), Asked());
  machine.command_line = "ima_policy=fail_securely";
  const Asked unverifiable{&rule::verifiable, {"unverifiable-signature"}};
  EXPECT_EQ(asked(machine, {std::string(kImasig)}, event, fuse), unverifiable);
  machine.command_line = "";
  fuse.file.filesystem.has_untrusted_mounter = Truth::yes;
  EXPECT_EQ(asked(machine, {std::string(kImasig)}, event, fuse), unverifiable);
}

TEST(ImaAppraise, AttributesThatCannotBeRead) {
  ImaMachine machine;
  machine.choices = {{"file: security.ima", false}};
  ImaEvidence file = file_with({});
  file.xattrs.reset();
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event_of(ImaHook::bprm_check), file),
            (Asked{&rule::xattr_readable, {"unknown"}}));
}

TEST(ImaAppraise, WhatTheProcessDoes) {
  ImaMachine machine;
  ImaEvent direct = event_of(ImaHook::bprm_check);
  direct.direct_io = true;
  const ImaEvidence good = file_with_ima(vectors::kSignature);
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, direct, good),
            (Asked{&rule::not_direct, {"failed(directio)"}}));
  EXPECT_EQ(asked(machine, {std::string(kPlain) + " permit_directio"}, direct, good).decides,
            nullptr);
  ImaEvent mapped = event_of(ImaHook::mmap_check);
  mapped.has_writers = true;
  EXPECT_EQ(asked(machine, {"appraise func=MMAP_CHECK"}, mapped, good),
            (Asked{&rule::not_mapped, {"mmapped_writers"}}));
  ImaEvent writing = event_of(ImaHook::file_check);
  writing.mask = kMayWrite;
  EXPECT_EQ(asked(machine, {"appraise fowner=0"}, writing, good), (Asked{&rule::not_written, {}}));
  EXPECT_EQ(asked(machine, {"appraise fowner=0"}, writing, file_with_ima(vectors::kHashSha256)),
            Asked());
  ImaEvent creating = writing;
  creating.is_created = true;
  EXPECT_EQ(asked(machine, {"appraise fowner=0"}, creating, file_with({})), Asked());
}

TEST(ImaAppraise, Algorithms) {
  ImaMachine machine;
  const ImaEvent event = event_of(ImaHook::bprm_check);
  const std::string sha512 = "appraise func=BPRM_CHECK appraise_algos=sha512";
  for (const std::string_view xattr : {vectors::kSignature, vectors::kHashSha256})
    EXPECT_EQ(asked(machine, {sha512}, event, file_with_ima(xattr)),
              (Asked{&rule::algorithm_allowed, {"denied-hash-algorithm"}}));
  EXPECT_EQ(asked(machine, {sha512 + ",sha256"}, event, file_with_ima(vectors::kSignature)),
            Asked());
  machine.signatures.crypto.hashes[static_cast<std::size_t>(Hash::sha512)] = Truth::no;
  EXPECT_EQ(
      asked(machine, {std::string(kPlain)}, event, file_with_ima("0406" + std::string(128, '0'))),
      (Asked{&rule::hash_available, {"failed"}}));
}

TEST(ImaAppraise, Blocklist) {
  const std::string listed = "bin:a5179bba8fab834fc386a17478842d04b2742d653c9addae998e007c242d02d4";
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    machine.signatures.blocklist.add(listed);
    const ImaEvent event = event_of(ImaHook::bprm_check);
    const Asked good{};
    const Asked refused{&rule::not_blacklisted, {}};
    // 6.1 asks for the digest of modsig alone.
    EXPECT_EQ(asked(machine, {std::string(kImasig)}, event, file_with_ima(vectors::kSignature)),
              version == kAnchor61 ? good : refused);
    EXPECT_EQ(asked(machine, {std::string(kPlain)}, event, file_with_ima(vectors::kSignature)),
              good);
  }
}

TEST(ImaAppraise, Evm) {
  ImaMachine machine;
  const ImaEvent event = event_of(ImaHook::bprm_check);
  machine.evm.has_public_key = Truth::yes;
  const auto file = [](std::string_view ima, std::string_view evm) {
    Xattrs xattrs{{"security.ima", bytes_of_hex(ima)}};
    if (!evm.empty()) xattrs["security.evm"] = bytes_of_hex(evm);
    return file_with(std::move(xattrs));
  };
  EXPECT_EQ(
      asked(machine, {std::string(kImasig)}, event, file(vectors::kSignature, vectors::kPortable)),
      Asked());
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event, file(vectors::kHashSha256, "")),
            (Asked{&rule::evm_present, {"missing-HMAC"}}));
  ImaEvidence chmod = file(vectors::kSignature, vectors::kPortable);
  chmod.mode = 0100700;
  const Asked changed_mode = asked(machine, {std::string(kImasig)}, event, chmod);
  EXPECT_EQ(changed_mode.causes, std::vector<std::string>{"invalid-fail-immutable"});
  EXPECT_NE(changed_mode.decides, nullptr);
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event,
                  file(vectors::kHashSha256, changed(vectors::kPortable, 2, "ff"))),
            (Asked{&rule::evm_portable, {"invalid-fail-immutable"}}));
  // An HMAC, where the kernel has no key for it.
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event,
                  file(vectors::kHashSha256, "02" + std::string(40, '0'))),
            (Asked{&rule::evm_valid, {"invalid-HMAC"}}));
  machine.evm = {};
  EXPECT_EQ(asked(machine, {std::string(kPlain)}, event, file(vectors::kHashSha256, "")), Asked());
}

// Copies of evidence do not share what is remembered of public-key operations, which is kept by
// address.
TEST(ImaAppraise, CopiesAreIndependent) {
  ImaMachine machine;
  const ImaEvidence good = file_with_ima(vectors::kSignature);
  for (int i = 0; i < 8; ++i) {
    ImaEvidence copy = good;
    EXPECT_NE(&copy.cache.get(), &good.cache.get());
    EXPECT_FALSE(
        machine.ask({std::string(kImasig)}, event_of(ImaHook::bprm_check), copy).outcome.failed());
    (*copy.xattrs)["security.ima"][100] ^= 1;
    const ImaEvidence bad = copy;
    EXPECT_TRUE(
        machine.ask({std::string(kImasig)}, event_of(ImaHook::bprm_check), bad).outcome.failed());
  }
}

// A file that passed is not looked at again, by the same hook.
TEST(ImaAppraise, Remembers) {
  ImaMachine machine;
  const ImaEvent event = event_of(ImaHook::bprm_check);
  const std::vector<std::string> rules = {std::string(kPlain), "measure func=BPRM_CHECK",
                                          "audit func=BPRM_CHECK"};
  const ImaVerdict first = machine.ask(rules, event, file_with_ima(vectors::kHashSha256));
  EXPECT_TRUE(first.appraised && first.measured && first.audited);
  const ImaVerdict second = machine.ask(rules, event, file_with({}), first.inode);
  EXPECT_FALSE(second.appraised || second.measured || second.audited);
  EXPECT_FALSE(second.outcome.failed());
  ImaInode changed_inode = first.inode;
  changed_inode.forget_results();
  EXPECT_TRUE(machine.ask(rules, event, file_with({}), changed_inode).outcome.failed());
}

}  // namespace
}  // namespace assay
