// What holds of every verdict, whatever the file and the platform; and what one would expect to
// hold, and does not.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "judge/kexec.h"
#include "judge/module_load.h"
#include "judge/rules.h"
#include "signatures/test_keys.h"
#include "testing/elf_sample.h"
#include "trust/add_key.h"

namespace assay {
namespace {

using namespace test;

Bytes payload() {
  ElfSample elf(true, false);
  elf.type = 1;
  elf.machine = 62;
  std::string info = "name=sample";
  info += '\0';
  info += std::string("license=GPL") + '\0' + "intree=Y" + '\0' + "vermagic=7.2.0 SMP " + '\0';
  elf.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
  elf.sections.push_back({".gnu.linkonce.this_module", 1, Bytes(64)});
  elf.add_symbols({{"init_module", 0, 0, 1}});
  return elf.write();
}

Bytes signature_by(const RsaVector& key, std::string_view issuer) {
  MessageSample sample;
  sample.signers[0].sid = der::sequence({der::name(issuer), der::integer(0x1234)});
  sample.signers[0].signature = der::octet_string(rsa_sign(key, payload()));
  return sample.write();
}

Bytes with_trailer(const Bytes& content, const Bytes& signature,
                   std::string_view fields = "0000020000000000", std::uint32_t more = 0) {
  Bytes block = der::from_hex(fields);
  for (int shift = 24; shift >= 0; shift -= 8)
    block.push_back(static_cast<std::uint8_t>((signature.size() + more) >> shift));
  return der::join({content, signature, block, der::bytes(kSignatureMarker)});
}

Bytes flipped(Bytes bytes, std::size_t at) {
  bytes[at] ^= 1;
  return bytes;
}

constexpr const char* kOwner = "issuer";
constexpr const char* kStranger = "stranger";

// Modules in every state that a signature can be in.
std::vector<Bytes> make_modules() {
  const Bytes content = payload();
  const Bytes good = signature_by(kGoodKey, kOwner);
  const std::size_t middle = content.size() / 2;
  Bytes cut = with_trailer(content, good);
  cut.resize(cut.size() - 1);
  return {content,
          with_trailer(content, good),
          with_trailer(flipped(content, middle), good),
          with_trailer(content, signature_by(kOtherKey, kStranger)),
          with_trailer(flipped(content, middle), signature_by(kOtherKey, kStranger)),
          with_trailer(content, good, "0000010000000000"),
          with_trailer(content, good, "0100020000000000"),
          with_trailer(content, good, "0000020000000000", 100'000),
          with_trailer(content, der::bytes("garbage")),
          with_trailer({}, {}),
          cut,
          {}};
}

// As make_modules() has them.
enum : std::size_t { kUnsigned, kSigned, kAltered };

// An x86 image that kexec_file_load takes, without a signature; damaged by `damage`.
Bytes make_image(int damage) {
  Bytes bytes(4096);
  bytes[0x1F1] = 1;
  const auto put = [&](std::size_t at, std::string_view value) {
    std::ranges::copy(value, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0x1FE, "\x55\xAA");
  put(0x202, "HdrS");
  put(0x206, std::string_view("\x0F\x02", 2));
  bytes[0x211] = 1;
  bytes[0x236] = 3;
  constexpr std::size_t kPlaces[] = {0x1FE, 0x202, 0x207, 0x211, 0x236};
  if (damage == 0) return {};
  if (damage == 1) return Bytes(100);
  if (damage == 2) bytes[0x1F1] = 100;
  if (damage >= 3 && damage < 8) bytes[kPlaces[damage - 3]] = 0;
  return bytes;
}
constexpr int kDamages = 9;  // the last is none

// Not by itself: the kernel would look at that signature. Each has a subject of its own, or a
// keyring would have room for one of them alone.
CertificateSample certificate_of(const char* issuer, const RsaVector& rsa) {
  return rsa_certificate(issuer, std::string(issuer) + " key", rsa);
}

// What a certificate becomes in a keyring of a kernel that boots; nothing where it is refused.
std::optional<Key> boot_key(const char* issuer, const RsaVector& rsa,
                            const SignatureContext& context, const KernelId& kernel) {
  Key key;
  key.certificate = PreparedCertificate::own(certificate_of(issuer, rsa).write());
  Walk walk(kernel, {}, false);
  const Outcome bad =
      check_add_key(walk, *key.certificate, context, Restriction::none, nullptr, key.state);
  return bad.failed() ? std::nullopt : std::optional(key);
}

void add_ring(Platform& platform, bool owner, bool stranger) {
  const auto ring = std::make_shared<Keyring>(".secondary_trusted_keys");
  const auto add = [&](const char* issuer, const RsaVector& rsa) {
    if (auto key = boot_key(issuer, rsa, platform.signatures, platform.kernel)) ring->add(*key);
  };
  if (owner) add(kOwner, kGoodKey);
  if (stranger) add(kStranger, kOtherKey);
  platform.ring(Ring::secondary_trusted_keys) = ring;
  platform.ring(Ring::platform) = std::make_shared<Keyring>(".platform");
}

Platform plain_platform(KernelVersion version = kAnchor72, Variant variant = Variant::debian) {
  Platform platform;
  platform.kernel = {version, variant, Arch::x86_64};
  platform.release = "7.2.0";
  for (const char* option : {"CONFIG_MODULE_SIG", "CONFIG_SMP", "CONFIG_KEXEC_FILE",
                             "CONFIG_KEXEC_SIG", "CONFIG_KEXEC_BZIMAGE_VERIFY_SIG"})
    platform.config.set(option, "y");
  platform.cmdline = "quiet";
  platform.state.modules_disabled = false;
  platform.state.kexec_load_disabled = false;
  platform.state.secure_boot = false;
  platform.state.sig_enforce = false;
  platform.state.lockdown = Lockdown::none;
  return platform;
}

template <class T>
std::optional<T> maybe(T value) {
  return *rc::gen::inRange(0, 8) == 0 ? std::nullopt : std::optional<T>(value);
}

Lockdown any_lockdown() { return static_cast<Lockdown>(*rc::gen::inRange(0, 3)); }

// Some of what decides left out.
Platform any_platform() {
  Platform platform =
      plain_platform(kAnchors[*rc::gen::inRange<std::size_t>(0, std::size(kAnchors))],
                     static_cast<Variant>(*rc::gen::inRange<int>(0, kVariantCount)));
  const auto any = [] { return *rc::gen::arbitrary<bool>(); };
  const auto rarely = [] { return *rc::gen::inRange(0, 8) == 0; };
  for (const char* option : {"CONFIG_MODULE_SIG", "CONFIG_KEXEC_SIG", "CONFIG_KEXEC_FILE",
                             "CONFIG_KEXEC_BZIMAGE_VERIFY_SIG"})
    if (rarely()) platform.config.set(option, "n");
  platform.state.modules_disabled = maybe(rarely());
  platform.state.kexec_load_disabled = maybe(rarely());
  platform.state.secure_boot = maybe(any());
  platform.state.sig_enforce = maybe(any());
  platform.state.lockdown = maybe(any_lockdown());
  add_ring(platform, any(), any());
  if (rarely()) platform.ring(Ring::platform) = nullptr;
  if (rarely()) platform.cmdline = "module_blacklist=sample";
  return platform;
}

// One request: a module or an image, with flags.
struct Asked {
  std::optional<ModuleEvidence> module;
  std::optional<KexecEvidence> image;
  LoadRequest load;
  std::uint32_t kexec_flags = 0;

  Verdict judge(const Platform& platform, bool explain = true) const {
    return conclude(platform.kernel, explain, [&](Walk& walk) {
      std::string taint;
      std::optional<Outcome> signature;
      return module ? load_module(walk, *module, load, platform, taint)
                    : kexec_file_load(walk, *image, {kexec_flags}, platform, {}, signature);
    });
  }
};

template <class Evidence, class Collect>
Evidence collected(const Bytes& bytes, Collect collect) {
  const ViewContent content{View(bytes)};
  auto evidence = collect(content, EvidenceOptions{});
  EXPECT_TRUE(evidence);
  return std::move(*evidence);
}

Asked ask_module(const Bytes& bytes) {
  Asked asked;
  asked.module = collected<ModuleEvidence>(bytes, collect_module);
  return asked;
}

Asked any_request() {
  static const std::vector<Bytes> modules = make_modules();
  if (*rc::gen::inRange(0, 3) != 0) {
    Asked asked = ask_module(modules[*rc::gen::inRange<std::size_t>(0, modules.size())]);
    asked.load = {*rc::gen::arbitrary<bool>(), 0};
    if (!asked.load.from_memory && *rc::gen::inRange(0, 4) == 0)
      asked.load.flags = *rc::gen::inRange<std::uint32_t>(0, 16);
    return asked;
  }
  Asked asked;
  asked.image = collected<KexecEvidence>(make_image(*rc::gen::inRange(0, kDamages)), collect_kexec);
  if (*rc::gen::inRange(0, 4) == 0) asked.kexec_flags = *rc::gen::inRange<std::uint32_t>(0, 128);
  return asked;
}

bool is_allowed(const Verdict& verdict) {
  return verdict.decision == Decision::allowed ||
         verdict.decision == Decision::allowed_unverified ||
         verdict.decision == Decision::allowed_tainted;
}
bool is_refused(const Verdict& verdict) {
  return verdict.decision == Decision::refused || verdict.decision == Decision::crashes;
}

TEST(Laws, TheDecidingStepsErrorIsTheVerdicts) {
  EXPECT_TRUE(rc::check([] {
    const Platform platform = any_platform();
    const Verdict verdict = any_request().judge(platform);
    if (is_allowed(verdict)) RC_ASSERT(verdict.err == Errno::none);
    if (verdict.decision != Decision::refused) return;
    RC_ASSERT(verdict.deciding_step >= 0);
    const Step& step = verdict.steps.at(static_cast<std::size_t>(verdict.deciding_step));
    RC_ASSERT(step.rule == verdict.deciding);
    RC_ASSERT(step.finding == Finding::fails);
    RC_ASSERT(step.err == verdict.err);
    RC_ASSERT(verdict.err != Errno::none);
  }));
}

// The rules that every load comes to, one after the other, in the kernel's order, of those that
// are asked under a condition only where it is fulfilled.
std::vector<const Rule*> line_of(const Asked& asked, const Platform& platform) {
  namespace sig = rules::module_sig;
  namespace kexec = rules::kexec;
  if (asked.module)
    return {&sig::not_mangled, &sig::marker,  &sig::block,
            &sig::sig_len,     &sig::id_type, &sig::zero_fields};
  std::vector<const Rule*> line{
      &kexec::has_file_load,     &kexec::permitted,       &kexec::flags,
      &kexec::not_empty,         &kexec::bzimage_size,    &kexec::bzimage_magic,
      &kexec::bzimage_boot_flag, &kexec::bzimage_version, &kexec::bzimage_high,
      &kexec::bzimage_64,        &kexec::bzimage_above_4g};
  if (platform.config.is_on("CONFIG_KEXEC_SIG") == Truth::yes)
    line.insert(line.end(), {&kexec::has_verifier, &kexec::enforced, &kexec::lockdown});
  line.push_back(&kexec::bzimage_whole);
  return line;
}

TEST(Laws, ATraceSkipsNoRuleThatWasReached) {
  EXPECT_TRUE(rc::check([] {
    const Platform platform = any_platform();
    const Asked asked = any_request();
    const Verdict verdict = asked.judge(platform);
    const auto line = line_of(asked, platform);
    // Each rule of the line that the trace has is preceded by all that come before it.
    std::size_t next = 0;
    for (const Step& step : verdict.steps) {
      const auto at = std::ranges::find(line, step.rule);
      if (at == line.end()) continue;
      RC_ASSERT(static_cast<std::size_t>(at - line.begin()) == next);
      ++next;
    }
    // A load that comes to its end has all of them.
    const bool signature_counts = platform.config.is_on("CONFIG_MODULE_SIG") == Truth::yes;
    if (verdict.decision == Decision::allowed && (asked.image || signature_counts))
      RC_ASSERT(next == line.size());

    // Without an explanation no rule that fails is left out.
    const Verdict brief = asked.judge(platform, false);
    RC_ASSERT(brief.decision == verdict.decision);
    RC_ASSERT(brief.err == verdict.err);
    RC_ASSERT(brief.deciding == verdict.deciding);
    RC_ASSERT(brief.open == verdict.open);
    const auto failures = [](const Verdict& of) {
      std::vector<const Rule*> found;
      for (const Step& step : of.steps)
        if (step.finding == Finding::fails) found.push_back(step.rule);
      return found;
    };
    RC_ASSERT(failures(brief) == failures(verdict));
  }));
}

TEST(Laws, RaisingLockdownAloneNeverAllows) {
  EXPECT_TRUE(rc::check([] {
    Platform platform = any_platform();
    const Asked asked = any_request();
    Lockdown lower = any_lockdown();
    Lockdown higher = any_lockdown();
    if (lower > higher) std::swap(lower, higher);
    platform.state.lockdown = lower;
    const Verdict before = asked.judge(platform);
    platform.state.lockdown = higher;
    const Verdict after = asked.judge(platform);
    if (is_refused(before)) RC_ASSERT(is_refused(after));
    if (is_allowed(after)) RC_ASSERT(is_allowed(before));
  }));
}

// What follows are counterexamples to laws that one would believe.

// A module that was altered after it was signed loads on a kernel that does not enforce signatures
// and does not know the signer (ENOKEY is forgiven); where the signer is trusted, the check itself
// fails, and that is not.
TEST(FalseLaws, AddingATrustedKeyCanRefuse) {
  const Asked asked = ask_module(make_modules()[kAltered]);
  for (const KernelVersion version : kAnchors) {
    Platform platform = plain_platform(version);
    add_ring(platform, false, false);
    EXPECT_EQ(asked.judge(platform).decision, Decision::allowed_tainted);
    add_ring(platform, true, false);
    const Verdict verdict = asked.judge(platform);
    EXPECT_EQ(verdict.decision, Decision::refused);
    EXPECT_EQ(verdict.err, Errno::ekeyrejected);
  }
}

// A certificate on the blocklist does not become a key when the kernel boots. What it signed is
// then by a stranger, and that is forgiven.
TEST(FalseLaws, BlocklistingACertificateCanAllow) {
  const Asked asked = ask_module(make_modules()[kAltered]);
  // 6.1 compares the digest that the certificate's signature is over, later ones SHA-256 of the
  // same bytes: one and the same here.
  const Bytes tbs = certificate_of(kOwner, kGoodKey).tbs();
  const auto digest = compute_digest(Hash::sha256, tbs);
  ASSERT_TRUE(digest);
  for (const KernelVersion version : kAnchors) {
    Platform platform = plain_platform(version);
    add_ring(platform, true, false);
    EXPECT_EQ(asked.judge(platform).err, Errno::ekeyrejected);
    platform.signatures.blocklist.add(std::string(kBlockedTbs) + digest->hex());
    add_ring(platform, true, false);
    EXPECT_EQ(asked.judge(platform).decision, Decision::allowed_tainted);
  }
}

}  // namespace
}  // namespace assay
