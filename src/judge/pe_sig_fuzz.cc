// Laws: what is hashed lies in the file; with no key in any ring nothing is accepted; the kernel's
// rules come to the same end whether the file is in memory or read in pieces; who is accepted for
// the certificates in its own signatures has a digest that such a signature names, and is not
// accepted where they are denied; and a file that cannot be read is an error wherever the reading
// stops.

#include "judge/pe_boot.h"

#include <algorithm>

#include "judge/pe_sig.h"
#include "testing/fuzz.h"

namespace {

using namespace assay;

// The same bytes, of which nothing is in memory.
class Unmapped final : public Content {
 public:
  explicit Unmapped(View view) : view_(view) {}
  std::uint64_t size() const override { return view_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return ViewContent(view_).read(offset, out);
  }

 private:
  View view_;
};

// The same bytes again, which cannot be read from some read on.
class Failing final : public Content {
 public:
  Failing(View view, unsigned good_reads) : view_(view), left_(good_reads) {}
  std::uint64_t size() const override { return view_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (left_ == 0) {
      has_failed_ = true;
      return fail(Reason::cannot_read);
    }
    --left_;
    return ViewContent(view_).read(offset, out);
  }
  bool has_failed() const { return has_failed_; }

 private:
  View view_;
  mutable unsigned left_;
  mutable bool has_failed_ = false;
};

struct Answer {
  Outcome outcome;
  const Rule* rule = nullptr;
};

Answer ask(const PeEvidence& evidence, bool explain) {
  Platform platform;
  platform.ring(Ring::secondary_trusted_keys) = std::make_shared<Keyring>("ring");
  platform.ring(Ring::platform) = platform.ring(Ring::secondary_trusted_keys);
  platform.config.set("CONFIG_INTEGRITY_PLATFORM_KEYRING", "y");
  Walk walk(platform.kernel, {}, explain);
  TrustedBy by;
  Answer answer{kexec_kernel_verify_pe_sig(walk, evidence, platform, by), nullptr};
  if (answer.outcome.step >= 0)
    answer.rule = walk.steps()[static_cast<std::size_t>(answer.outcome.step)].rule;
  return answer;
}

// As if some key were there that nobody knows: the image is looked at then.
void check_image(const PeEvidence& evidence) {
  const KernelId kernel{kAnchor72, Variant::debian, Arch::x86_64};
  Walk walk(kernel, {}, true);
  SignatureContext context;
  const Keyring ring("ring");
  SignatureKeyrings keyrings{&ring, false, nullptr};
  keyrings.others = Truth::yes;
  TrustedBy by;
  if (verify_pefile_signature(walk, evidence, context, keyrings, by).failed()) return;
  fuzz_check(!walk.choices().empty() ||
                 std::ranges::any_of(evidence.digests,
                                     [&](const Digest& digest) {
                                       return std::ranges::equal(digest.bytes(),
                                                                 evidence.indirect.digest->bytes());
                                     }),
             "accepted with another digest");
}

void check_failing(View file, const PeEvidence& evidence, unsigned good_reads) {
  const Failing content(file, good_reads);
  const auto failed = collect_pe(content);
  fuzz_check(failed.has_value() != content.has_failed(), "an error is lost, or made up");
  const Failing later(file, good_reads);
  const auto boot = collect_pe_boot(later, evidence);
  fuzz_check(boot.has_value() != later.has_failed(), "an error is lost, or made up");
}

PeBootEvidence check_boot(View file, const PeEvidence& evidence) {
  auto boot = collect_pe_boot(ViewContent(file), evidence);
  fuzz_check(boot.has_value(), "bytes in memory cannot be read");
  for (const Coverage& coverage : boot->coverages) {
    for (const Extent range : coverage.ranges)
      fuzz_check(lies_inside(range.offset, range.size, file.size()), "a range lies outside");
    if (!coverage.is_defined() || !boot->coverages[0].is_defined()) continue;
    const auto differences =
        compare_coverage(boot->coverages[0], coverage, boot->headers, boot->sections);
    fuzz_check(differences.empty() == boot->coverages[0].hashes_like(coverage),
               "differences where there are none, or none where there are");
  }
  std::uint64_t end = 0;
  for (const PeCertificateEntry& entry : boot->entries) {
    fuzz_check(entry.where.offset >= end && entry.where.end() <= file.size(), "entries overlap");
    end = entry.where.end();
  }
  for (const Extent extent : boot->uncovered)
    fuzz_check(lies_inside(extent.offset, extent.size, file.size()), "uncovered bytes lie outside");
  for (const BootVerifier verifier :
       {BootVerifier::firmware, BootVerifier::shim, BootVerifier::grub})
    fuzz_check(judge_boot(verifier, *boot, {}).standing != Standing::verified,
               "accepted without a database");
  return *std::move(boot);
}

// Every certificate in the image's own signatures.
BootMaterial own_certificates(const PeBootEvidence& image, BootDatabase database) {
  BootMaterial material;
  for (const PeCertificateEntry& entry : image.entries) {
    if (!entry.signature) continue;
    for (const auto& certificate : entry.signature->certificates()) {
      const auto der = certificate->x509().raw.bytes();
      if (material.certificates.size() < 4)
        material.certificates.push_back(
            {database, PreparedCertificate::own({der.begin(), der.end()}), "own"});
    }
  }
  return material;
}

bool names_digest(const PeBootEvidence& image, CoverageRule rule) {
  for (const PeCertificateEntry& entry : image.entries)
    for (const Hash hash : {Hash::sha1, Hash::sha256, Hash::sha384, Hash::sha512})
      if (const Digest* digest = image.digest(rule, hash);
          digest != nullptr && entry.indirect.digest &&
          std::ranges::equal(digest->bytes(), entry.indirect.digest->bytes()))
        return true;
  return false;
}

void check_own(const PeBootEvidence& image) {
  BootMaterial material = own_certificates(image, BootDatabase::db);
  if (material.certificates.empty()) return;
  static constexpr std::string_view kLevel = "sbat,1,2025051000\nshim,4\ngrub,5\n";
  static const auto level = parse_sbat_level(View(bytes_of(kLevel)));
  material.sbat_level = *level;
  for (const BootVerifier verifier : {BootVerifier::firmware, BootVerifier::shim}) {
    const bool is_firmware = verifier == BootVerifier::firmware;
    if (judge_boot(verifier, image, material).standing != Standing::verified) continue;
    fuzz_check(names_digest(image, is_firmware ? CoverageRule::firmware : CoverageRule::shim),
               "accepted with another digest");
    BootMaterial denied = own_certificates(image, BootDatabase::dbx);
    denied.add(own_certificates(image, BootDatabase::db));
    fuzz_check(judge_boot(verifier, image, denied).standing != Standing::verified,
               "accepted though denied");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const View file({data, size});
  const auto evidence = collect_pe(ViewContent(file));
  const auto again = collect_pe(Unmapped(file));
  fuzz_check(evidence && again, "bytes in memory cannot be read");
  for (const Extent range : evidence->ranges.ranges)
    fuzz_check(lies_inside(range.offset, range.size, size), "a range lies outside");
  fuzz_check(evidence->digests == again->digests, "digests differ");
  const Answer answer = ask(*evidence, true);
  fuzz_check(answer.outcome.failed(), "accepted without a key");
  fuzz_check(ask(*again, false).rule == answer.rule, "rules differ");
  check_image(*evidence);
  check_own(check_boot(file, *evidence));
  if (size != 0) check_failing(file, *evidence, data[size - 1] % 64);
  return 0;
}
