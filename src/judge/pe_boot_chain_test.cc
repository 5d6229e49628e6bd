// Whom firmware and shim believe: the corpus of tests/cases/pe beside openssl's own answer, and
// images signed with chains, entries and lists that the kernel sees otherwise.

#include <gtest/gtest.h>

#include <algorithm>

#include "judge/pe_boot.h"
#include "signatures/openssl_pkcs7.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

namespace rule = rules::pe_boot;
using Bytes = std::vector<std::uint8_t>;

const std::string kCases = "tests/cases/pe/";

PeBootEvidence evidence_of(const Bytes& bytes) {
  const ViewContent content{View(bytes)};
  const auto kernel = collect_pe(content);
  EXPECT_TRUE(kernel);
  auto boot = collect_pe_boot(content, *kernel);
  EXPECT_TRUE(boot);
  return std::move(*boot);
}

void run(const std::vector<std::string>& command) {
  const Finished ran = run_command(command);
  ASSERT_EQ(ran.status, 0) << command[0] << ' ' << command[1] << ": " << ran.error;
}

// PKCS7_verify as AuthenticodeVerify calls it, over the value of the content without its header.
bool openssl_accepts(const SignatureEvidence& signature, const std::string& trusted,
                     const TemporaryFolder& folder) {
  const auto bytes = signature.bytes().bytes();
  write_file(folder / "message", bytes);
  const auto& content = signature.cms().content;
  write_file(folder / "content",
             content ? content->content.bytes() : std::span<const std::uint8_t>());
  return run_command({"openssl",
                      "smime",
                      "-verify",
                      "-binary",
                      "-inform",
                      "DER",
                      "-in",
                      folder / "message",
                      "-content",
                      folder / "content",
                      "-CAfile",
                      trusted,
                      "-no-CApath",
                      "-no-CAstore",
                      "-partial_chain",
                      "-no_check_time",
                      "-purpose",
                      "any",
                      "-out",
                      "/dev/null"})
             .status == 0;
}

// Every message of the corpus: what we say of it is what openssl says, or that it is not known.
TEST(PeBootChain, TheCorpusAsOpensslHasIt) {
  const TemporaryFolder folder;
  int accepted = 0;
  int refused = 0;
  int open = 0;
  for (const char* const name : {"good", "ca"}) {
    const std::string der = kCases + "keys/" + name + ".der";
    run({"openssl", "x509", "-inform", "DER", "-in", der, "-out", folder / "trusted"});
    const auto trusted = PreparedCertificate::own(read_file(der));
    for (const auto& file : std::filesystem::directory_iterator(kCases + "artifacts")) {
      const PeBootEvidence image = evidence_of(read_file(file.path()));
      for (const PeCertificateEntry& entry : image.entries) {
        // Of other content than Authenticode's nobody asks.
        if (!entry.signature || entry.signature->cms().content_type != Oid::ms_indirect_data)
          continue;
        const OpensslAnswer ours = ask_openssl(*entry.signature, *trusted);
        if (ours.accepts == Truth::unknown) {
          ++open;
          continue;
        }
        ++(ours.accepts == Truth::yes ? accepted : refused);
        // A message whose lengths have other octets than two is refused before openssl sees it.
        if (ours.because.find("recognised") != std::string::npos) continue;
        EXPECT_EQ(ours.accepts == Truth::yes,
                  openssl_accepts(*entry.signature, folder / "trusted", folder))
            << file.path() << " by " << name << ": " << ours.because;
      }
    }
  }
  EXPECT_GT(accepted, 80);
  EXPECT_GT(refused, 40);
  EXPECT_LT(open, 60);
}

// The image with this certificate table in place of its own.
Bytes with_table(Bytes image, const Bytes& table) {
  const PeHeaders headers = *read_pe_headers(ViewContent(View(image)));
  const std::uint32_t at = headers.certificate_table->address;
  image.resize(at + table.size());
  std::ranges::copy(table, image.begin() + at);
  for (int i = 0; i < 4; ++i)
    image[headers.certificate_entry_offset() + 4 + i] =
        static_cast<std::uint8_t>(table.size() >> (8 * i));
  return image;
}

Bytes entry_bytes(std::uint16_t type, std::span<const std::uint8_t> content, std::size_t padding) {
  const std::size_t length = 8 + content.size();
  Bytes entry(length + padding);
  for (int i = 0; i < 4; ++i) entry[i] = static_cast<std::uint8_t>(length >> (8 * i));
  entry[5] = 2;
  entry[6] = static_cast<std::uint8_t>(type);
  entry[7] = static_cast<std::uint8_t>(type >> 8);
  std::ranges::copy(content, entry.begin() + 8);
  return entry;
}

Bytes message_of(const Bytes& image) {
  const PeBootEvidence evidence = evidence_of(image);
  const auto bytes = evidence.entries.at(0).signature->bytes().bytes();
  return {bytes.begin(), bytes.end()};
}

BootMaterial material_of(BootDatabase database, const std::string& file) {
  BootMaterial material;
  material.certificates.push_back({database, PreparedCertificate::own(read_file(file)), file});
  return material;
}

BootMaterial good_in_db() { return material_of(BootDatabase::db, kCases + "keys/good.der"); }

void expect(const BootVerdict& verdict, Standing standing, const BootRule* rule,
            const std::string& name) {
  EXPECT_EQ(standing_name(verdict.standing), standing_name(standing))
      << name << ": " << verdict.because;
  EXPECT_EQ(verdict.rule == nullptr ? "" : verdict.rule->id, rule == nullptr ? "" : rule->id)
      << name << ": " << verdict.because;
}

// WIN_CERT_TYPE_EFI_GUID: firmware reads it, the kernel and shim do not.
TEST(PeBootChain, EntriesWithAGuid) {
  const Bytes image = read_file(kCases + "artifacts/signed.efi");
  const Bytes message = message_of(image);
  // EFI_CERT_TYPE_PKCS7_GUID 4aafd29d-68df-49ee-8aa9-347d375665a7
  Bytes content = {0x9D, 0xD2, 0xAF, 0x4A, 0xDF, 0x68, 0xEE, 0x49,
                   0x8A, 0xA9, 0x34, 0x7D, 0x37, 0x56, 0x65, 0xA7};
  std::ranges::copy(message, std::back_inserter(content));
  const std::size_t padding = (8 - content.size() % 8) % 8;
  PeBootEvidence evidence = evidence_of(with_table(image, entry_bytes(0x0EF1, content, padding)));
  expect(judge_boot(BootVerifier::firmware, evidence, good_in_db()), Standing::verified, nullptr,
         "firmware");
  expect(judge_boot(BootVerifier::shim, evidence, good_in_db()), Standing::untrusted,
         &rule::shim_authorized, "shim");
  BootMaterial denied = good_in_db();
  denied.add(material_of(BootDatabase::dbx, kCases + "keys/good.der"));
  expect(judge_boot(BootVerifier::firmware, evidence, denied), Standing::bad,
         &rule::firmware_certificate_free, "dbx");
  content[0] ^= 1;  // another kind of certificate
  evidence = evidence_of(with_table(image, entry_bytes(0x0EF1, content, padding)));
  expect(judge_boot(BootVerifier::firmware, evidence, good_in_db()), Standing::untrusted,
         &rule::firmware_authorized, "another GUID");
}

TEST(PeBootChain, FirmwareWantsTheAlignmentInTheTable) {
  const Bytes image = read_file(kCases + "artifacts/signed.efi");
  Bytes message = message_of(image);
  message.resize(message.size() + (11 - message.size() % 8) % 8);  // length 3 modulo 8
  const PeBootEvidence without = evidence_of(with_table(image, entry_bytes(2, message, 0)));
  const PeBootEvidence with = evidence_of(with_table(image, entry_bytes(2, message, 5)));
  expect(judge_boot(BootVerifier::firmware, with, good_in_db()), Standing::verified, nullptr, "5");
  expect(judge_boot(BootVerifier::firmware, without, good_in_db()), Standing::malformed,
         &rule::firmware_table, "0");
  expect(judge_boot(BootVerifier::shim, without, good_in_db()), Standing::verified, nullptr,
         "shim");
}

// An earlier signature that is good is not forgotten over a later one that is not.
TEST(PeBootChain, TheFirstGoodSignatureIsEnough) {
  const Bytes image = read_file(kCases + "artifacts/signed.efi");
  const Bytes good = message_of(image);
  const Bytes other = message_of(read_file(kCases + "artifacts/text-flipped.efi"));
  const auto padded = [](const Bytes& message) {
    return entry_bytes(2, message, (8 - message.size() % 8) % 8);
  };
  Bytes stranger = message_of(read_file(kCases + "artifacts/in-platform.efi"));
  for (const Bytes& second : {stranger, other}) {
    Bytes table = padded(good);
    std::ranges::copy(padded(second), std::back_inserter(table));
    const PeBootEvidence evidence = evidence_of(with_table(image, table));
    for (const BootVerifier verifier : {BootVerifier::firmware, BootVerifier::shim})
      expect(judge_boot(verifier, evidence, good_in_db()), Standing::verified, nullptr, "two");
  }
}

// An image signed by sbsign with a leaf below a CA, both made for the purpose.
class PeBootSigned : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    keys_ = new TemporaryFolder;
    for (const char* name : {"ca.key", "leaf.key"})
      run({"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
           *keys_ / name});
  }
  static void TearDownTestSuite() {
    delete keys_;
    keys_ = nullptr;
  }

  // Writes ca.der and leaf.der, and gives the signed image.
  PeBootEvidence sign(const std::string& ca_extensions, const std::string& leaf_extensions) {
    const auto certify = [&](const std::string& name, const std::string& extensions,
                             const std::vector<std::string>& by) {
      write_file(folder_ / "extensions", Bytes(extensions.begin(), extensions.end()));
      run({"openssl", "req", "-new", "-key", *keys_ / (name + ".key"), "-subj", "/CN=" + name,
           "-out", folder_ / "request"});
      std::vector<std::string> command = {"openssl",
                                          "x509",
                                          "-req",
                                          "-in",
                                          folder_ / "request",
                                          "-sha256",
                                          "-days",
                                          "30",
                                          "-out",
                                          folder_ / (name + ".pem"),
                                          "-set_serial",
                                          "7",
                                          "-extfile",
                                          folder_ / "extensions"};
      command.insert(command.end(), by.begin(), by.end());
      run(command);
      run({"openssl", "x509", "-in", folder_ / (name + ".pem"), "-outform", "DER", "-out",
           folder_ / (name + ".der")});
    };
    certify("ca", ca_extensions, {"-signkey", *keys_ / "ca.key"});
    certify("leaf", leaf_extensions, {"-CA", folder_ / "ca.pem", "-CAkey", *keys_ / "ca.key"});
    run({"sbsign", "--key", *keys_ / "leaf.key", "--cert", folder_ / "leaf.pem", "--output",
         folder_ / "signed", kCases + "artifacts/unsigned.efi"});
    return evidence_of(read_file(folder_ / "signed"));
  }
  BootMaterial in(BootDatabase database, const std::string& name) const {
    return material_of(database, folder_ / (name + ".der"));
  }

  static inline TemporaryFolder* keys_ = nullptr;
  TemporaryFolder folder_;
};

TEST_F(PeBootSigned, AChainThroughWhatIsNoCa) {
  for (const bool is_ca : {true, false}) {
    const PeBootEvidence image =
        sign(is_ca ? "basicConstraints=CA:TRUE\n" : "basicConstraints=CA:FALSE\n", "");
    for (const BootVerifier verifier : {BootVerifier::firmware, BootVerifier::shim}) {
      const BootVerdict verdict = judge_boot(verifier, image, in(BootDatabase::db, "ca"));
      const BootRule& authorized =
          verifier == BootVerifier::firmware ? rule::firmware_authorized : rule::shim_authorized;
      expect(verdict, is_ca ? Standing::verified : Standing::untrusted,
             is_ca ? nullptr : &authorized, "ca");
      if (!is_ca) {
        EXPECT_NE(verdict.because.find("not of a CA"), std::string::npos) << verdict.because;
      }
      // The kernel does not mind, and the signer's certificate itself may be trusted.
      expect(judge_boot(verifier, image, in(BootDatabase::db, "leaf")), Standing::verified, nullptr,
             "leaf");
    }
  }
}

// The kernel finds no issuer for a certificate without an authority key identifier; dbx does.
TEST_F(PeBootSigned, ADeniedIssuerNeedsNoIdentifier) {
  const PeBootEvidence image = sign("basicConstraints=CA:TRUE\n",
                                    "authorityKeyIdentifier=none\nbasicConstraints=CA:FALSE\n");
  BootMaterial material = in(BootDatabase::db, "leaf");
  material.add(in(BootDatabase::dbx, "ca"));
  expect(judge_boot(BootVerifier::firmware, image, material), Standing::bad,
         &rule::firmware_certificate_free, "firmware");
  expect(judge_boot(BootVerifier::shim, image, material), Standing::bad,
         &rule::shim_certificate_free, "shim");
}

// Ubuntu's MOKs carry this usage: for modules alone, says shim.
TEST_F(PeBootSigned, ShimPassesOverCertificatesForModules) {
  const PeBootEvidence image =
      sign("basicConstraints=CA:TRUE\n", "extendedKeyUsage=codeSigning,1.3.6.1.4.1.2312.16.1.2\n");
  const auto judged = [&](BootVerifier verifier, BootDatabase database) {
    BootMaterial material = in(database, "leaf");
    material.certificates[0].is_in_list = true;
    return judge_boot(verifier, image, material);
  };
  expect(judged(BootVerifier::firmware, BootDatabase::db), Standing::verified, nullptr, "firmware");
  expect(judged(BootVerifier::shim, BootDatabase::db), Standing::untrusted, &rule::shim_authorized,
         "db");
  expect(judged(BootVerifier::shim, BootDatabase::mok), Standing::untrusted, &rule::shim_authorized,
         "MokListRT");
  // It stands above the signer, or in shim itself: nobody looks.
  expect(judge_boot(BootVerifier::shim, image, in(BootDatabase::mok, "ca")), Standing::verified,
         nullptr, "its CA");
  expect(judge_boot(BootVerifier::shim, image, in(BootDatabase::vendor_db, "leaf")),
         Standing::verified, nullptr, "vendor certificate");
}

// check_db_cert_in_ram looks at the first certificate of a list, in its usual form.
TEST_F(PeBootSigned, WhatShimReadsOfAList) {
  const PeBootEvidence image = sign("basicConstraints=CA:TRUE\n", "");
  BootMaterial material = in(BootDatabase::mok, "leaf");
  BootCertificate& certificate = material.certificates[0];
  certificate.is_in_list = true;
  expect(judge_boot(BootVerifier::shim, image, material), Standing::verified, nullptr, "first");
  certificate.is_first = false;
  expect(judge_boot(BootVerifier::shim, image, material), Standing::untrusted,
         &rule::shim_authorized, "second");
  certificate.is_first = true;
  certificate.is_framed = false;
  expect(judge_boot(BootVerifier::shim, image, material), Standing::untrusted,
         &rule::shim_authorized, "padded");
}

// By digest EDK2 denies the signer's certificate; of those above it the specification speaks, too.
TEST_F(PeBootSigned, DigestsOfCertificatesAboveTheSigner) {
  const PeBootEvidence image = sign("basicConstraints=CA:TRUE\n", "");
  const auto judged = [&](const std::string& denied, const std::string& trusted) {
    BootMaterial material = in(BootDatabase::db, trusted);
    const BootMaterial other = in(BootDatabase::dbx, denied);
    const auto digest = other.certificates[0].certificate->tbs_sha256();
    material.hashes.push_back({BootDatabase::dbx,
                               EfiSignatureType::x509_sha256,
                               {digest->bytes().begin(), digest->bytes().end()},
                               Bytes(16),
                               "dbx"});
    return judge_boot(BootVerifier::firmware, image, material);
  };
  expect(judged("leaf", "ca"), Standing::bad, &rule::firmware_certificate_free, "signer");
  // IsAllowedByDb: the root itself.
  expect(judged("ca", "ca"), Standing::bad, &rule::firmware_certificate_free, "root");
  expect(judged("ca", "leaf"), Standing::verified, nullptr, "not in the message");
}

}  // namespace
}  // namespace assay
