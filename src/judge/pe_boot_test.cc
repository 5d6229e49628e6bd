// Images of tests/cases/pe as firmware and shim see them: which digest they make, whom they
// believe. Digests are those that pesign, osslsigncode and a Python port of the kernel's rule made.

#include "judge/pe_boot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

namespace rule = rules::pe_boot;
using Bytes = std::vector<std::uint8_t>;

const std::string kCases = "tests/cases/pe/";

std::string case_file(const std::string& name) { return kCases + "artifacts/" + name + ".efi"; }

PeBootEvidence evidence_of(const Bytes& bytes) {
  const ViewContent content{View(bytes)};
  const auto kernel = collect_pe(content);
  EXPECT_TRUE(kernel);
  auto boot = collect_pe_boot(content, *kernel);
  EXPECT_TRUE(boot);
  return std::move(*boot);
}

PeBootEvidence evidence_of(const std::string& name) {
  return evidence_of(read_file(case_file(name)));
}

BootMaterial with_certificate(BootDatabase database, const std::string& name) {
  BootMaterial material;
  material.certificates.push_back(
      {database, PreparedCertificate::own(read_file(kCases + "keys/" + name + ".der")), name});
  return material;
}

BootMaterial& add_hash(BootMaterial& material, BootDatabase database, const Digest& digest) {
  material.hashes.push_back({database,
                             EfiSignatureType::sha256,
                             {digest.bytes().begin(), digest.bytes().end()},
                             {},
                             "list"});
  return material;
}

// "hash: HEX" of pesign -h.
std::string pesign_digest(const Bytes& image) {
  const TemporaryFolder folder;
  write_file(folder / "image", image);
  const Finished ran = run_command({"pesign", "-h", "-i", folder / "image"});
  EXPECT_EQ(ran.status, 0) << ran.error;
  const std::string out(ran.out.begin(), ran.out.end());
  return out.substr(out.find_first_of("0123456789abcdef", out.find(": ") + 1), 64);
}

TEST(PeBoot, OneDigestForAllWhereNothingIsOdd) {
  const PeBootEvidence evidence = evidence_of("signed");
  EXPECT_EQ(evidence.digests.size(), 1U);
  for (std::size_t i = 0; i < kCoverageRuleCount; ++i) {
    const Digest* digest = evidence.digest(static_cast<CoverageRule>(i), Hash::sha256);
    ASSERT_NE(digest, nullptr) << i;
    EXPECT_EQ(digest->hex(), pesign_digest(read_file(case_file("signed")))) << i;
  }
}

struct Disagreement {
  const char* name;
  CoverageRule rule;  // that differs from the kernel's
  const char* kind;   // of the first difference
};

TEST(PeBoot, WhereDigestsDifferTheBytesAreNamed) {
  const Disagreement cases[] = {
      {"gap-by-sbsign", CoverageRule::linear, "gap"},
      {"gap-after-headers-by-sbsign", CoverageRule::linear, "gap"},
      {"reverse-by-sbsign", CoverageRule::kernel, nullptr},
      {"overlay-by-sbsign", CoverageRule::linear, nullptr},
      {"zeros-after-table", CoverageRule::linear, "certificate table"},
  };
  for (const Disagreement& one : cases) {
    const PeBootEvidence evidence = evidence_of(one.name);
    const auto differences =
        compare_coverage(evidence.coverage(CoverageRule::kernel), evidence.coverage(one.rule),
                         evidence.headers, evidence.sections);
    EXPECT_EQ(differences.empty(), one.kind == nullptr) << one.name;
    const Digest* kernel = evidence.digest(CoverageRule::kernel, Hash::sha256);
    const Digest* other = evidence.digest(one.rule, Hash::sha256);
    ASSERT_TRUE(kernel != nullptr && other != nullptr) << one.name;
    EXPECT_EQ(*kernel == *other, one.kind == nullptr) << one.name;
    if (one.kind == nullptr) continue;
    EXPECT_TRUE(std::ranges::any_of(differences, [&](const auto& difference) {
      return difference.kind == one.kind;
    })) << one.name;
  }
}

// The gap of this image lies between 0x400 and 0x600; the kernel hashes the last 0x200 bytes of
// sections twice instead.
TEST(PeBoot, GapIsNamedWithItsPlace) {
  const PeBootEvidence evidence = evidence_of("gap-by-sbsign");
  const auto differences = compare_coverage(evidence.coverage(CoverageRule::kernel),
                                            evidence.coverage(CoverageRule::linear),
                                            evidence.headers, evidence.sections);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].where, (Extent{0x400, 0x200}));
  EXPECT_EQ(differences[0].kind, "gap");
  EXPECT_EQ(differences[0].times, 0U);
  EXPECT_EQ(differences[0].other_times, 1U);
  EXPECT_EQ(differences[1].where, (Extent{0x600, 0x200}));
  EXPECT_EQ(differences[1].kind, "section .data");
  EXPECT_EQ(differences[1].times, 2U);
  EXPECT_EQ(differences[1].other_times, 1U);
}

TEST(PeBoot, BytesOfTheTableThatNothingCovers) {
  struct Case {
    const char* name;
    std::size_t entries;
    std::uint64_t uncovered;  // bytes
  };
  const Case cases[] = {{"signed", 1, 0},        {"second-by-other", 2, 0}, {"junk-in-table", 1, 8},
                        {"table-padding", 1, 1}, {"by-osslsigncode", 1, 0}, {"unsigned", 0, 0}};
  for (const Case& one : cases) {
    const PeBootEvidence evidence = evidence_of(one.name);
    EXPECT_EQ(evidence.entries.size(), one.entries) << one.name;
    std::uint64_t uncovered = 0;
    for (const Extent extent : evidence.uncovered) uncovered += extent.size;
    // Of "table-padding" all bytes behind the message are given, those of zero with it.
    const bool is_padding = one.uncovered == 1 && uncovered >= 1 && uncovered < 8;
    EXPECT_TRUE(is_padding || uncovered == one.uncovered) << one.name << ": " << uncovered;
  }
}

void expect(const BootVerdict& verdict, Standing standing, const BootRule* rule,
            const std::string& name) {
  EXPECT_EQ(standing_name(verdict.standing), standing_name(standing))
      << name << ": " << verdict.because;
  EXPECT_EQ(verdict.rule == nullptr ? "" : verdict.rule->id, rule == nullptr ? "" : rule->id)
      << name << ": " << verdict.because;
}

// What becomes of an image of tests/cases/pe, and the rule that decides against it.
struct StandingCase {
  const char* name;
  Standing standing;
  const BootRule* rule;
};

void expect_each(std::span<const StandingCase> cases, BootVerifier verifier,
                 const BootMaterial& material) {
  for (const StandingCase& one : cases)
    expect(judge_boot(verifier, evidence_of(one.name), material), one.standing, one.rule, one.name);
}

TEST(PeBoot, FirmwareByCase) {
  const StandingCase cases[] = {
      {"signed", Standing::verified, nullptr},
      {"by-pesign", Standing::verified, nullptr},
      {"gap-by-sbsign", Standing::verified, nullptr},
      {"reverse-by-sbsign", Standing::verified, nullptr},
      // Every entry counts, not only the first.
      {"other-then-good", Standing::verified, nullptr},
      {"all-sha384", Standing::verified, nullptr},
      {"unsigned", Standing::unsigned_, &rule::firmware_unsigned_hash_allowed},
      {"text-flipped", Standing::bad, &rule::firmware_digest},
      {"gap-by-osslsigncode", Standing::bad, &rule::firmware_digest},
      {"in-platform", Standing::untrusted, &rule::firmware_authorized},
      {"signature-flipped", Standing::untrusted, &rule::firmware_authorized},
      {"section-outside", Standing::malformed, &rule::firmware_image},
      {"pe-magic", Standing::malformed, &rule::firmware_image},
      {"junk-in-table", Standing::malformed, &rule::firmware_table},
      {"length-0", Standing::malformed, &rule::firmware_table},
      // OpenSSL is told to look at no times, and wants no attributes that the kernel wants.
      {"signed-before-validity", Standing::verified, nullptr},
      {"no-attributes", Standing::verified, nullptr},
      // It finds a signer's certificate in the message alone.
      {"certificate-not-embedded", Standing::untrusted, &rule::firmware_authorized},
  };
  expect_each(cases, BootVerifier::firmware, with_certificate(BootDatabase::db, "good"));
}

TEST(PeBoot, ShimByCase) {
  const StandingCase cases[] = {
      {"signed", Standing::verified, nullptr},
      {"other-then-good", Standing::verified, nullptr},
      {"unsigned", Standing::unsigned_, &rule::shim_signed},
      {"text-flipped", Standing::bad, &rule::shim_digest},
      {"gap-by-osslsigncode", Standing::bad, &rule::shim_digest},
      {"in-platform", Standing::untrusted, &rule::shim_authorized},
      // Authenticode by another digest than SHA-256 is nothing that shim compares.
      {"image-sha512", Standing::bad, &rule::shim_digest},
      {"optional-size-other", Standing::malformed, &rule::shim_image},
      {"zeros-after-table", Standing::malformed, &rule::shim_image},
      {"length-0", Standing::malformed, &rule::shim_table},
  };
  for (const BootDatabase database :
       {BootDatabase::db, BootDatabase::vendor_db, BootDatabase::mok, BootDatabase::option})
    expect_each(cases, BootVerifier::shim, with_certificate(database, "good"));
}

TEST(PeBoot, WhoCountsForWhom) {
  const PeBootEvidence image = evidence_of("signed");
  const auto standing = [&](BootVerifier verifier, BootDatabase database) {
    return judge_boot(verifier, image, with_certificate(database, "good")).standing;
  };
  EXPECT_EQ(standing(BootVerifier::firmware, BootDatabase::mok), Standing::untrusted);
  EXPECT_EQ(standing(BootVerifier::firmware, BootDatabase::vendor_db), Standing::untrusted);
  for (const BootVerifier verifier : {BootVerifier::firmware, BootVerifier::shim})
    for (const BootDatabase database : {BootDatabase::kek, BootDatabase::pk})
      EXPECT_EQ(standing(verifier, database), Standing::untrusted);
}

TEST(PeBoot, DenyLists) {
  const PeBootEvidence image = evidence_of("signed");
  const Digest digest = *image.digest(CoverageRule::firmware, Hash::sha256);
  const auto denied = [&](BootVerifier verifier, BootDatabase database, bool by_hash) {
    BootMaterial material = with_certificate(BootDatabase::db, "good");
    if (by_hash)
      add_hash(material, database, digest);
    else
      material.add(with_certificate(database, "good"));
    return judge_boot(verifier, image, material);
  };
  expect(denied(BootVerifier::firmware, BootDatabase::dbx, true), Standing::bad,
         &rule::firmware_hash_free, "dbx hash");
  expect(denied(BootVerifier::firmware, BootDatabase::dbx, false), Standing::bad,
         &rule::firmware_certificate_free, "dbx certificate");
  expect(denied(BootVerifier::firmware, BootDatabase::mokx, true), Standing::verified, nullptr,
         "MokListX is nothing to firmware");
  for (const BootDatabase database :
       {BootDatabase::dbx, BootDatabase::mokx, BootDatabase::vendor_dbx}) {
    expect(denied(BootVerifier::shim, database, true), Standing::bad, &rule::shim_hash_free,
           "hash");
    expect(denied(BootVerifier::shim, database, false), Standing::bad, &rule::shim_certificate_free,
           "certificate");
  }
}

TEST(PeBoot, ListsOfDigestsVouchAndForbid) {
  const PeBootEvidence image = evidence_of("unsigned");
  const Digest digest = *image.digest(CoverageRule::firmware, Hash::sha256);
  EXPECT_EQ(digest.hex(), pesign_digest(read_file(case_file("unsigned"))));
  BootMaterial material;
  add_hash(material, BootDatabase::db, digest);
  for (const BootVerifier verifier : {BootVerifier::firmware, BootVerifier::shim})
    expect(judge_boot(verifier, image, material), Standing::verified, nullptr, "db");
  add_hash(material, BootDatabase::dbx, digest);
  expect(judge_boot(BootVerifier::firmware, image, material), Standing::bad,
         &rule::firmware_unsigned_hash_free, "dbx");
  expect(judge_boot(BootVerifier::shim, image, material), Standing::bad, &rule::shim_hash_free,
         "dbx");
}

// A certificate of dbx by its digest, revoked always or from a certain time on.
TEST(PeBoot, CertificatesByDigest) {
  const PeBootEvidence image = evidence_of("signed");
  const auto material_with = [&](std::uint8_t time) {
    BootMaterial material = with_certificate(BootDatabase::db, "good");
    const auto tbs = material.certificates[0].certificate->tbs_sha256();
    material.hashes.push_back({BootDatabase::dbx,
                               EfiSignatureType::x509_sha256,
                               {tbs->bytes().begin(), tbs->bytes().end()},
                               Bytes(16, time),
                               "list"});
    return material;
  };
  expect(judge_boot(BootVerifier::firmware, image, material_with(0)), Standing::bad,
         &rule::firmware_certificate_free, "always");
  expect(judge_boot(BootVerifier::firmware, image, material_with(1)), Standing::undetermined,
         nullptr, "from a time on");
  expect(judge_boot(BootVerifier::shim, image, material_with(0)), Standing::verified, nullptr,
         "shim does not look");
}

// By each kind of digest.
TEST(PeBoot, CertificatesByEveryDigest) {
  struct Case {
    const char* image;
    EfiSignatureType type;
    Hash hash;
    Standing standing;
  };
  const Case cases[] = {
      {"signed", EfiSignatureType::x509_sha256, Hash::sha256, Standing::bad},
      {"signed", EfiSignatureType::x509_sha384, Hash::sha384, Standing::bad},
      {"signed", EfiSignatureType::x509_sha512, Hash::sha512, Standing::bad},
  };
  for (const Case& one : cases) {
    const PeBootEvidence image = evidence_of(one.image);
    BootMaterial material = with_certificate(BootDatabase::db, "good");
    EXPECT_EQ(judge_boot(BootVerifier::firmware, image, material).standing, Standing::verified)
        << one.image;
    const View tbs = material.certificates[0].certificate->x509().tbs;
    const auto digest = compute_digest(one.hash, tbs.bytes());
    ASSERT_TRUE(digest);
    material.hashes.push_back({BootDatabase::dbx,
                               one.type,
                               {digest->bytes().begin(), digest->bytes().end()},
                               Bytes(16, 0),
                               "list"});
    EXPECT_EQ(judge_boot(BootVerifier::firmware, image, material).standing, one.standing)
        << one.image << " " << digest->hex();
  }
}

// A list of digests by an algorithm that nothing was hashed by may hold this image.
TEST(PeBoot, ListsOfOtherDigestsLeaveItOpen) {
  const auto standing = [](BootVerifier verifier, const char* name, BootDatabase database) {
    const PeBootEvidence image = evidence_of(name);
    BootMaterial material = with_certificate(BootDatabase::db, "good");
    const Digest digest = *image.digest(CoverageRule::firmware, Hash::sha256);
    if (std::string_view(name) == "unsigned") add_hash(material, BootDatabase::db, digest);
    material.hashes.push_back({database, EfiSignatureType::sha1, Bytes(20, 0), {}, "list"});
    return judge_boot(verifier, image, material).standing;
  };
  EXPECT_EQ(standing(BootVerifier::shim, "signed", BootDatabase::dbx), Standing::undetermined);
  EXPECT_EQ(standing(BootVerifier::shim, "signed", BootDatabase::kek), Standing::verified);
  EXPECT_EQ(standing(BootVerifier::firmware, "unsigned", BootDatabase::dbx),
            Standing::undetermined);
  // Of a signed image firmware looks for the digest that the signature names.
  EXPECT_EQ(standing(BootVerifier::firmware, "signed", BootDatabase::dbx), Standing::verified);
}

// Every section header says: the whole file. It is not hashed sixty times.
TEST(PeBoot, SectionsThatOverlapManyTimes) {
  Bytes bytes = read_file(case_file("unsigned"));
  const PeHeaders headers = *read_pe_headers(ViewContent(View(bytes)));
  const auto put = [&](std::uint64_t at, std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  constexpr std::uint16_t kSections = 60;
  put(headers.pe_offset + 6, kSections, 2);
  bytes.resize(8192);
  put(headers.optional_offset() + 60, 4096, 4);
  for (int i = 0; i < kSections; ++i) {
    const std::uint64_t at = headers.sections_offset() + 40 * i;
    put(at + 16, 4096, 4);
    put(at + 20, 4096, 4);
  }
  const PeBootEvidence image = evidence_of(bytes);
  EXPECT_TRUE(image.coverage(CoverageRule::firmware).is_defined());
  EXPECT_EQ(image.digest(CoverageRule::firmware, Hash::sha256), nullptr);
  EXPECT_NE(judge_boot(BootVerifier::firmware, image, {}).standing, Standing::verified);
}

TEST(PeBoot, EntriesWithoutEndAreALimit) {
  Bytes bytes = read_file(case_file("unsigned"));
  const PeHeaders headers = *read_pe_headers(ViewContent(View(bytes)));
  const std::uint64_t optional = headers.optional_offset();
  const bool is_plus = bytes[optional] == 0x0B && bytes[optional + 1] == 2;
  const std::uint64_t directory = optional + (is_plus ? 112 : 96) + 4 * std::uint64_t{8};
  constexpr std::uint32_t kEntries = 1025;
  const auto put = [&](std::uint64_t at, std::uint64_t value) {
    for (int i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  bytes.resize((bytes.size() + 7) / 8 * 8);
  put(directory, bytes.size());
  put(directory + 4, kEntries * 8);
  for (std::uint32_t i = 0; i < kEntries; ++i) bytes.insert(bytes.end(), {8, 0, 0, 0, 0, 2, 2, 0});
  const ViewContent content{View(bytes)};
  const auto kernel = collect_pe(content);
  ASSERT_TRUE(kernel);
  const auto boot = collect_pe_boot(content, *kernel);
  ASSERT_FALSE(boot);
  EXPECT_EQ(boot.error().reason, Reason::limit_count);
}

// An image with a .sbat section, signed by sbsign with a key of its own.
TEST(PeBoot, Sbat) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_command({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                   "-subj", "/CN=sbat", "-keyout", folder / "key", "-out", folder / "cert"})
          .status,
      0);
  const auto image_with = [&](const std::string& section) {
    write_file(folder / "sbat", Bytes(section.begin(), section.end()));
    const std::string source =
        ".globl _start\n_start: nop\n.section .sbat,\"a\"\n.incbin \"" + (folder / "sbat") + "\"\n";
    write_file(folder / "a.s", Bytes(source.begin(), source.end()));
    EXPECT_EQ(run_command({"x86_64-linux-gnu-as", "-o", folder / "a.o", folder / "a.s"}).status, 0);
    EXPECT_EQ(run_command({"x86_64-linux-gnu-ld", "-m", "i386pep", "--oformat", "pei-x86-64", "-s",
                           "-o", folder / "a.efi", folder / "a.o"})
                  .status,
              0);
    const Finished made = run_command({"sbsign", "--key", folder / "key", "--cert", folder / "cert",
                                       "--output", folder / "b.efi", folder / "a.efi"});
    EXPECT_EQ(made.status, 0) << made.error;
    return evidence_of(read_file(folder / "b.efi"));
  };
  auto material = load_boot_material(folder / "cert", [](const Error&) {});
  ASSERT_TRUE(material);
  const std::string level = "sbat,1,2025051000\ngrub,5\n";
  material->sbat_level = *parse_sbat_level(View(bytes_of(level)));
  const auto judged = [&](BootVerifier verifier, const PeBootEvidence& image) {
    return judge_boot(verifier, image, *material);
  };
  const PeBootEvidence good = image_with("sbat,1,a,b,1,c\ngrub,5,a,b,1,c\n");
  const PeBootEvidence old = image_with("sbat,1,a,b,1,c\ngrub,4,a,b,1,c\n");
  const PeBootEvidence damaged = image_with("sbat,1\n");
  const PeBootEvidence without = image_with("");
  for (const BootVerifier verifier : {BootVerifier::shim, BootVerifier::grub}) {
    expect(judged(verifier, good), Standing::verified, nullptr, "good");
    expect(judged(verifier, old), Standing::bad, &rule::shim_sbat, "old");
    expect(judged(verifier, damaged), Standing::bad, &rule::shim_sbat_form, "damaged");
  }
  expect(judged(BootVerifier::shim, without), Standing::bad, &rule::shim_sbat_form, "without");
  expect(judged(BootVerifier::grub, without), Standing::verified, nullptr, "without");
  expect(judged(BootVerifier::firmware, old), Standing::verified, nullptr, "firmware");
}

}  // namespace
}  // namespace assay
