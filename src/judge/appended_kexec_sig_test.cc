// The proposed check of appended signatures of kernels, against the patches that propose it.

#include "judge/appended_kexec_sig.h"

#include <gtest/gtest.h>

#include "judge/kexec.h"
#include "judge/rules.h"
#include "judge/s390_sig.h"
#include "signatures/test_keys.h"
#include "testing/elf_sample.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::appended_kexec_sig;

constexpr std::string_view kGood = "0000020000000000";

Bytes with_trailer(const Bytes& content, const Bytes& signature, std::string_view fields = kGood,
                   std::uint32_t more = 0) {
  Bytes block = der::from_hex(fields);
  for (int shift = 24; shift >= 0; shift -= 8)
    block.push_back(static_cast<std::uint8_t>((signature.size() + more) >> shift));
  return der::join({content, signature, block, der::bytes(kSignatureMarker)});
}

Bytes kernel() {
  ElfSample sample(true, false);
  sample.type = 2;
  sample.machine = 21;  // EM_PPC64
  sample.segments.push_back({1, 0, 0, 64});
  return sample.write();
}

Bytes signed_kernel() {
  MessageSample message;
  message.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, kernel()));
  return with_trailer(kernel(), message.write());
}

std::shared_ptr<Keyring> ring_with_key(bool has_key) {
  auto ring = std::make_shared<Keyring>("ring");
  if (!has_key) return ring;
  Key key;
  key.certificate = PreparedCertificate::own(rsa_certificate("issuer", "signer").write());
  PrimitiveCache cache;
  Walk walk = walk_of(kAnchor72);
  EXPECT_FALSE(check_certificate(walk, *key.certificate, {}, {}, cache, key.state).failed());
  ring->add(key);
  return ring;
}

enum class HeldBy : std::uint8_t { nobody, secondary, platform };

Platform make_platform(Arch arch, Variant variant, HeldBy held_by = HeldBy::nobody) {
  Platform platform;
  platform.kernel = {kAnchor72, variant, arch};
  for (const char* option : {"CONFIG_KEXEC_FILE", "CONFIG_INTEGRITY_PLATFORM_KEYRING"})
    platform.config.set(option, "y");
  if (arch == Arch::s390x || variant == Variant::appended_kexec_sig)
    platform.config.set("CONFIG_KEXEC_SIG", "y");
  platform.state.kexec_load_disabled = false;
  platform.state.ipl_secure = true;
  platform.state.secure_boot = true;
  platform.state.lockdown = Lockdown::none;
  platform.ring(Ring::secondary_trusted_keys) = ring_with_key(held_by == HeldBy::secondary);
  platform.ring(Ring::platform) = ring_with_key(held_by == HeldBy::platform);
  return platform;
}

Ended verify(const Bytes& file, const Platform& platform) {
  const auto evidence = collect_appended(ViewContent(View(file)), {});
  Walk walk(platform.kernel, {}, true);
  TrustedBy by;
  return ended(walk, platform.kernel.arch == Arch::s390x
                         ? s390_verify_sig(walk, *evidence, platform, by)
                         : verify_appended_kernel(walk, *evidence, platform, by));
}

TEST(AppendedKexecSig, EveryRuleOfTheFile) {
  const Bytes marker = der::bytes(kSignatureMarker);
  const Bytes seven(7, 1);
  struct Case {
    std::string_view name;
    Bytes file;
    Ended end;
  };
  const Case cases[] = {
      {"empty", {}, refused_by(rule::marker)},
      {"no marker", Bytes(100, 1), refused_by(rule::marker)},
      {"marker alone", marker, refused_by(rule::block)},
      {"eleven bytes and the marker", der::join({Bytes(11, 1), marker}), refused_by(rule::block)},
      {"block alone", with_trailer({}, {}), refused_by(rule::sig_len)},
      {"sig_len of all", with_trailer({}, seven), refused_by(rule::sig_len)},
      {"id_type 1", with_trailer(seven, {1}, "0000010000000000"), refused_by(rule::id_type)},
      {"algo", with_trailer(seven, {1}, "0100020000000000"), refused_by(rule::zero_fields)},
      {"message that is none", with_trailer(seven, Bytes(3, 1)), refused_by(rules::asn1::tag)},
  };
  for (const Arch arch : {Arch::s390x, Arch::ppc64le})
    for (const Case& one : cases)
      EXPECT_EQ(verify(one.file, make_platform(arch, Variant::appended_kexec_sig)), one.end)
          << one.name;
}

// powerpc looks into .platform alone; s390 goes on doing what it does today.
TEST(AppendedKexecSig, WhereKeysAreLookedFor) {
  constexpr Variant kProposed = Variant::appended_kexec_sig;
  const auto err = [](Arch arch, HeldBy held_by) {
    return verify(signed_kernel(), make_platform(arch, kProposed, held_by)).err;
  };
  EXPECT_EQ(err(Arch::ppc64le, HeldBy::nobody), Errno::enokey);
  EXPECT_EQ(err(Arch::ppc64le, HeldBy::secondary), Errno::enokey);
  EXPECT_EQ(err(Arch::ppc64le, HeldBy::platform), Errno::none);
  EXPECT_EQ(err(Arch::s390x, HeldBy::nobody), Errno::enokey);
  EXPECT_EQ(err(Arch::s390x, HeldBy::secondary), Errno::none);
  EXPECT_EQ(err(Arch::s390x, HeldBy::platform), Errno::none);
}

Verdict load(const Bytes& file, const Platform& platform, std::optional<Outcome>& signature) {
  const auto evidence = collect_kexec(ViewContent(View(file)), {});
  EXPECT_TRUE(evidence);
  return conclude(platform.kernel, true, [&](Walk& walk) {
    return kexec_file_load(walk, *evidence, {}, platform, {}, signature);
  });
}

// What changes for powerpc: lockdown begins to count, as the check it asks about is there.
TEST(AppendedKexecSig, UnderLockdownUnsignedKernelsOfPowerpcAreRefused) {
  std::optional<Outcome> signature;
  Platform today = make_platform(Arch::ppc64le, Variant::mainline, HeldBy::platform);
  Platform proposed = make_platform(Arch::ppc64le, Variant::appended_kexec_sig, HeldBy::platform);
  EXPECT_EQ(load(kernel(), proposed, signature).decision, Decision::allowed_unverified);
  EXPECT_EQ(load(signed_kernel(), proposed, signature).decision, Decision::allowed);
  today.state.lockdown = Lockdown::integrity;
  proposed.state.lockdown = Lockdown::integrity;
  EXPECT_EQ(load(kernel(), today, signature).decision, Decision::allowed_unverified);
  EXPECT_FALSE(signature);
  const Verdict refused = load(kernel(), proposed, signature);
  EXPECT_EQ(refused.err, Errno::eperm);
  EXPECT_EQ(signature->err, Errno::enodata);
  EXPECT_EQ(load(signed_kernel(), proposed, signature).decision, Decision::allowed);
}

// What changes for s390: the errors are those of modules.
TEST(AppendedKexecSig, ErrorsOfS390BecomeThoseOfModules) {
  const Platform today = make_platform(Arch::s390x, Variant::mainline);
  const Platform proposed = make_platform(Arch::s390x, Variant::appended_kexec_sig);
  const Bytes seven(7, 1);
  const struct {
    Bytes file;
    Errno today, proposed;
  } cases[] = {
      {Bytes(100, 1), Errno::ekeyrejected, Errno::enodata},
      {with_trailer({}, seven), Errno::ekeyrejected, Errno::ebadmsg},
      {with_trailer(seven, {1}, "0000010000000000"), Errno::ekeyrejected, Errno::enopkg},
      {with_trailer(seven, {1}, "0100020000000000"), Errno::ebadmsg, Errno::ebadmsg},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(verify(one.file, today).err, one.today);
    EXPECT_EQ(verify(one.file, proposed).err, one.proposed);
  }
}

}  // namespace
}  // namespace assay
