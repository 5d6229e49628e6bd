// Debian's boot files as the archive has them today: who signed each, and in which root it ends.

#include "tests/real/boot_files.h"

#include <gtest/gtest.h>

#include <random>

namespace assay {
namespace {

using namespace test;

struct Asked {
  Outcome outcome;
  const Rule* rule = nullptr;
  std::string root;
};

// The kernel's check with these certificates in its keyring.
Asked ask_kernel(const PeEvidence& evidence, const BootMaterial& material) {
  const KernelId id{kAnchor72, Variant::debian, Arch::x86_64};
  Walk walk(id, {}, true);
  SignatureContext context;
  Keyring ring("trusted");
  PrimitiveCache cache;
  for (const BootCertificate& one : material.certificates) {
    if (is_deny_list(one.database)) continue;
    CertificateState state;
    if (!check_certificate(walk, *one.certificate, context.crypto, context.blocklist, cache, state)
             .failed())
      ring.add({one.certificate, state, KeyState::good, true, one.source});
  }
  TrustedBy by;
  Asked asked;
  asked.outcome = verify_pefile_signature(walk, evidence, context, {&ring, false, nullptr}, by);
  if (asked.outcome.step >= 0)
    asked.rule = walk.steps()[static_cast<std::size_t>(asked.outcome.step)].rule;
  if (!asked.outcome.failed()) asked.root = short_name(by.key->certificate->x509().subject);
  return asked;
}

BootMaterial debian_trust() {
  auto material = load_boot_material(find_boot_file(kShim), [](const Error&) {});
  EXPECT_TRUE(material);
  return std::move(*material);
}

// Microsoft's certificate that Debian's shim ends in stands in shim's own signature.
BootMaterial microsoft_trust(const PeBootEvidence& shim) {
  BootMaterial material;
  for (const PeCertificateEntry& entry : shim.entries)
    for (const auto& certificate : entry.signature->certificates())
      if (short_name(certificate->x509().subject).starts_with("Microsoft")) {
        const auto der = certificate->x509().raw.bytes();
        material.certificates.push_back(
            {BootDatabase::db, PreparedCertificate::own({der.begin(), der.end()}), "db"});
      }
  return material;
}

TEST(BootFiles, ShimCarriesDebiansCertificateAndADenyList) {
  const BootMaterial material = debian_trust();
  ASSERT_EQ(material.certificates.size(), 1U);
  EXPECT_EQ(material.certificates[0].database, BootDatabase::vendor_db);
  EXPECT_EQ(short_name(material.certificates[0].certificate->x509().subject),
            "Debian Secure Boot CA");
  EXPECT_GT(material.hashes.size(), 100U);
  EXPECT_TRUE(material.stops.empty());
  for (const BootHash& hash : material.hashes) EXPECT_EQ(hash.database, BootDatabase::vendor_dbx);
}

TEST(BootFiles, DebiansEndInDebiansAuthority) {
  const BootMaterial material = debian_trust();
  for (const BootFile& file : kDebians) {
    const std::string path = find_boot_file(file);
    SCOPED_TRACE(path);
    const auto bytes = read_file(path);
    const Collected image = collect(bytes);
    const Asked kernel = ask_kernel(image.kernel, material);
    EXPECT_FALSE(kernel.outcome.failed()) << (kernel.rule ? kernel.rule->id : "");
    EXPECT_EQ(kernel.root, "Debian Secure Boot CA");
    EXPECT_TRUE(image.boot.uncovered.empty());
    EXPECT_EQ(image.boot.digests.size(), 1U) << "every verifier makes the same digest";
    const BootVerdict grub = judge_boot(BootVerifier::grub, image.boot, material);
    EXPECT_EQ(grub.standing, Standing::verified) << grub.because;
    EXPECT_EQ(judge_boot(BootVerifier::firmware, image.boot, material).standing,
              Standing::untrusted)
        << "what shim carries is nothing to firmware";
  }
}

TEST(BootFiles, ShimEndsInMicrosofts) {
  for (const BootFile& file : {kShim, kInstallerShim}) {
    const auto bytes = read_file(find_boot_file(file));
    const Collected shim = collect(bytes);
    const BootMaterial microsoft = microsoft_trust(shim.boot);
    ASSERT_FALSE(microsoft.certificates.empty());
    const BootVerdict firmware = judge_boot(BootVerifier::firmware, shim.boot, microsoft);
    ASSERT_EQ(firmware.standing, Standing::verified) << firmware.because;
    EXPECT_TRUE(
        short_name(firmware.certificate->certificate->x509().subject).starts_with("Microsoft"));
    EXPECT_FALSE(ask_kernel(shim.kernel, microsoft).outcome.failed());
    EXPECT_EQ(ask_kernel(shim.kernel, debian_trust()).outcome.err, Errno::enokey);
  }
}

TEST(BootFiles, WhatDebianDoesNotSignIsUnsigned) {
  for (const BootFile& file : kUnsigned) {
    const std::string path = find_boot_file(file);
    SCOPED_TRACE(path);
    const auto bytes = read_file(path);
    const Collected image = collect(bytes);
    const Asked kernel = ask_kernel(image.kernel, debian_trust());
    EXPECT_EQ(kernel.outcome.err, Errno::enodata);
    EXPECT_EQ(judge_boot(BootVerifier::firmware, image.boot, {}).standing, Standing::unsigned_);
  }
}

TEST(BootFiles, WhatHasSbatEntries) {
  struct Case {
    BootFile file;
    const char* component;
  };
  const Case cases[] = {{kShim, "shim.debian"},
                        {kDebians[0], "shim.debian"},
                        {kDebians[2], "grub.debian"},
                        {kDebians[6], "fwupd-efi.debian"},
                        {kUnsigned[1], "systemd.debian"}};
  for (const Case& one : cases) {
    const auto bytes = read_file(find_boot_file(one.file));
    const Collected image = collect(bytes);
    ASSERT_TRUE(image.boot.sbat && *image.boot.sbat) << one.component;
    EXPECT_TRUE(std::ranges::any_of(**image.boot.sbat, [&](const SbatEntry& entry) {
      return entry.component == one.component;
    })) << one.component;
  }
  const auto kernel = read_file(find_boot_file(kDebians[7]));
  EXPECT_FALSE(collect(kernel).boot.sbat);
}

// Every covered byte matters, no uncovered one does.
TEST(BootFiles, OneFlippedByte) {
  const BootMaterial material = debian_trust();
  std::mt19937_64 random(3);
  for (const BootFile& file : kDebians) {
    SCOPED_TRACE(find_boot_file(file));
    auto bytes = read_file(find_boot_file(file));
    const Collected image = collect(bytes);
    const PeHeaders& headers = image.boot.headers;
    const Digest digest = *image.boot.digest(CoverageRule::kernel, Hash::sha256);
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t at =
          headers.optional->headers_size +
          random() % (headers.certificate_table->address - headers.optional->headers_size);
      bytes[at] ^= 0x10;
      const Asked flipped = ask_kernel(collect(bytes).kernel, material);
      EXPECT_EQ(flipped.outcome.err, Errno::ekeyrejected) << at;
      EXPECT_EQ(flipped.rule->id, "pe-sig/digest") << at;
      bytes[at] ^= 0x10;
    }
    for (std::uint64_t at = headers.checksum_offset(); at < headers.checksum_offset() + 4; ++at) {
      bytes[at] ^= 0x10;
      EXPECT_FALSE(ask_kernel(collect(bytes).kernel, material).outcome.failed()) << at;
      bytes[at] ^= 0x10;
    }
    // The directory entry is not covered either: where it is changed so that the kernel still finds
    // the table, nothing is wrong. One byte less of alignment is such a change where there is any.
    const std::uint64_t entry = headers.certificate_entry_offset();
    for (std::uint64_t at = entry; at < entry + pe::kDirectorySize; ++at) {
      bytes[at] ^= 0x10;
      const auto changed = collect(bytes);
      EXPECT_NE(ask_kernel(changed.kernel, material).outcome.err, Errno::none) << at;
      for (const Coverage& coverage : changed.boot.coverages)
        for (const Extent range : coverage.ranges)
          EXPECT_FALSE(at >= range.offset && at < range.end()) << at;
      bytes[at] ^= 0x10;
    }
    EXPECT_EQ(*collect(bytes).boot.digest(CoverageRule::kernel, Hash::sha256), digest);
  }
}

}  // namespace
}  // namespace assay
