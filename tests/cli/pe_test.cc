// assay verify on PE images: whose rules, whose trust, what is said beside the verdict.

#include <gtest/gtest.h>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

const std::string kCases = "tests/cases/pe/";

std::string image(const std::string& name) { return kCases + "artifacts/" + name + ".efi"; }
const std::string kGoodKey = kCases + "keys/good.der";
const std::string kOtherKey = kCases + "keys/other.der";

struct Case {
  const char* name;
  std::vector<std::string> options;
  const char* status;
  int exit;
  const char* reason;  // null: none
};

TEST(VerifyPe, StandingsAndReasons) {
  const Case cases[] = {
      {"signed", {"--trust", kGoodKey}, "verified", 0, nullptr},
      {"signed", {"--trust", kOtherKey}, "untrusted", 1, "pkcs7/trusted-key"},
      {"signed", {}, "undetermined", 2, "trust/none"},
      {"unsigned", {}, "unsigned", 1, "pe-sig/signed"},
      // The image is looked at even where nobody trusts the signer.
      {"text-flipped", {}, "bad", 1, "pe-sig/digest"},
      {"text-flipped", {"--trust", kOtherKey}, "bad", 1, "pe-sig/digest"},
      {"revision-1", {}, "malformed", 1, "pe-sig/wrapper-revision"},
      {"gap-by-osslsigncode", {"--trust", kGoodKey}, "bad", 1, "pe-sig/digest"},
      {"other-then-good", {"--trust", kGoodKey}, "untrusted", 1, "pkcs7/trusted-key"},
      {"other-then-good", {"--trust", kGoodKey, "--as", "firmware"}, "verified", 0, nullptr},
      {"other-then-good", {"--trust", kGoodKey, "--as", "shim"}, "verified", 0, nullptr},
      {"signed", {"--as", "firmware"}, "undetermined", 2, "trust/none"},
      {"unsigned", {"--as", "shim"}, "unsigned", 1, "shim/signed"},
      {"image-sha224", {"--trust", kGoodKey, "--kernel-version", "6.1"}, "verified", 0, nullptr},
      {"image-sha224",
       {"--trust", kGoodKey, "--kernel-version", "7.2"},
       "untrusted",
       1,
       "pe-sig/digest-algorithm"},
      {"image-sha224",
       {"--trust", kGoodKey, "--kernel-version", "6.6"},
       "undetermined",
       2,
       "platform/open"},
      {"junk-in-table", {"--trust", kGoodKey}, "verified", 0, nullptr},
      {"junk-in-table", {"--trust", kGoodKey, "--strict"}, "bad", 1, "pe/uncovered"},
      {"signed", {"--trust", kGoodKey, "--strict"}, "verified", 0, nullptr},
  };
  for (const Case& one : cases) {
    std::vector<std::string> command = {"verify", "--json", image(one.name)};
    command.insert(command.end(), one.options.begin(), one.options.end());
    const Ran ran = run_assay(command);
    std::string options;
    for (const std::string& option : one.options) options += " " + option;
    SCOPED_TRACE(std::string(one.name) + options + "\n" + ran.out + ran.error);
    EXPECT_EQ(ran.status, one.exit);
    const Json artifact = ran.artifact(".efi");
    EXPECT_EQ(artifact["status"], one.status);
    EXPECT_EQ(artifact["reason"].is_null(), one.reason == nullptr);
    if (one.reason != nullptr) EXPECT_EQ(artifact["reason"]["id"], one.reason);
  }
}

TEST(VerifyPe, SignatureAndTrustAreNamed) {
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, image("signed")});
  const Json artifact = ran.artifact("signed.efi");
  EXPECT_EQ(artifact["kind"], "pe");
  EXPECT_EQ(artifact["format"], "pe32+");
  EXPECT_EQ(artifact["trust"]["source"], "option");
  EXPECT_EQ(artifact["trust"]["name"], "Assay test certificate: good");
  EXPECT_EQ(artifact["signatures"][0]["carrier"], "pe");
  EXPECT_EQ(artifact["signatures"][0]["signer"], "Assay test certificate: good");
  ASSERT_EQ(artifact["pe"]["digests"].size(), 1U);
  EXPECT_EQ(artifact["pe"]["digests"][0]["verifiers"], "kernel, firmware, shim");
  EXPECT_EQ(artifact["pe"]["digests"][0]["digest"], artifact["signatures"][0]["digest"]);
  EXPECT_TRUE(artifact["pe"]["uncovered"].empty());
}

TEST(VerifyPe, DatabasesOfSecureBoot) {
  const TemporaryFolder folder;
  const std::string owner = "11111111-2222-3333-4444-123456789abc";
  const auto list = [&](const std::string& type, const std::string& from, const std::string& to) {
    EXPECT_EQ(
        run_command({"sbsiglist", "--owner", owner, "--type", type, "--output", to, from}).status,
        0);
  };
  list("x509", kGoodKey, folder / "db.esl");
  const Ran allowed = run_assay(
      {"verify", "--json", "--as", "firmware", "--trust", folder / "db.esl", image("signed")});
  EXPECT_EQ(allowed.status, 0) << allowed.out;
  EXPECT_EQ(allowed.artifact("signed.efi")["trust"]["source"], "db");
  const std::string digest = allowed.artifact("signed.efi")["signatures"][0]["digest"];
  std::vector<std::uint8_t> raw;
  for (std::size_t i = 0; i < digest.size(); i += 2)
    raw.push_back(static_cast<std::uint8_t>(std::stoi(digest.substr(i, 2), nullptr, 16)));
  write_file(folder / "digest", raw);
  list("sha256", folder / "digest", folder / "dbx.esl");
  const std::vector<std::string> both = {"--trust", folder / "db.esl", "--trust",
                                         folder / "dbx.esl"};
  const auto verify_as = [&](const std::string& verifier) {
    std::vector<std::string> command = {"verify", "--json", "--as", verifier, image("signed")};
    command.insert(command.end(), both.begin(), both.end());
    return run_assay(command);
  };
  const Ran denied = verify_as("firmware");
  EXPECT_EQ(denied.status, 1);
  EXPECT_EQ(denied.artifact("signed.efi")["reason"]["id"], "firmware/hash-not-in-dbx");
  EXPECT_EQ(verify_as("shim").status, 1);
  // The kernel does not look for digests of images.
  EXPECT_EQ(verify_as("kernel").status, 0);
}

TEST(VerifyPe, DifferencesAndUncoveredBytesAreShown) {
  const Ran table = run_assay({"verify", "--trust", kGoodKey, image("junk-in-table")});
  EXPECT_EQ(table.status, 0);
  EXPECT_NE(table.out.find("8 bytes of the certificate table"), std::string::npos) << table.out;
  const Json json = run_assay({"verify", "--json", "--trust", kGoodKey, image("junk-in-table")})
                        .artifact("junk-in-table.efi");
  ASSERT_EQ(json["pe"]["uncovered"].size(), 1U);
  EXPECT_EQ(json["pe"]["uncovered"][0]["size"], 8);
}

TEST(InspectPe, HeadersSectionsAndEveryEntry) {
  const Ran ran = run_assay({"inspect", "--json", image("second-by-other")});
  EXPECT_EQ(ran.status, 0);
  const Json artifact = ran.artifact("second-by-other.efi");
  EXPECT_EQ(artifact["pe"]["machine"], 0x8664);
  EXPECT_EQ(artifact["pe"]["sections"][0]["name"], ".text");
  EXPECT_EQ(artifact["pe"]["sections"][0]["extent"]["offset"], 0x200);
  ASSERT_EQ(artifact["records"].size(), 2U);
  EXPECT_EQ(artifact["records"][0]["signers"][0]["issuer"],
            "O=Assay tests, CN=Assay test certificate: good");
  EXPECT_EQ(artifact["records"][1]["signers"][0]["issuer"],
            "O=Assay tests, CN=Assay test certificate: other");
  EXPECT_EQ(artifact["records"][0]["type"], 2);
  EXPECT_EQ(artifact["records"][0]["is_of_image"], true);
  const Ran flipped = run_assay({"inspect", "--json", image("text-flipped")});
  EXPECT_EQ(flipped.artifact("text-flipped.efi")["records"][0]["is_of_image"], false);
  const Ran text = run_assay({"inspect", image("second-by-other")});
  EXPECT_NE(text.out.find("section .text [512, 1536)"), std::string::npos) << text.out;
}

TEST(VerifyPe, WhatVouchesForNothingIsAnError) {
  EXPECT_EQ(run_assay({"verify", "--trust", image("signed"), image("signed")}).status, 2);
}

}  // namespace
}  // namespace assay
