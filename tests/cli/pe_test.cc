// assay verify on PE images: whose rules, whose trust, what is said beside the verdict.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cli/run_assay.h"
#include "tests/cli/uki_sample.h"

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
    if (one.reason != nullptr) {
      EXPECT_EQ(artifact["reason"]["id"], one.reason);
    }
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

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

void run_tool(const std::vector<std::string>& command) {
  const Finished ran = run_command(command);
  EXPECT_EQ(ran.status, 0) << command[0] << ": " << ran.error;
}

TEST(InspectPe, UnifiedKernelImageIsOpened) {
  const TemporaryFolder folder;
  write_file(folder / "cmdline", bytes_of_text("root=/dev/sda ro\n"));
  write_file(folder / "uname", bytes_of_text("6.1.0-56-amd64"));
  const std::string uki = link_image(folder, {{".linux", image("signed")},
                                              {".cmdline", folder / "cmdline"},
                                              {".uname", folder / "uname"}});
  const Ran ran = run_assay({"inspect", "--json", uki});
  EXPECT_EQ(ran.status, 0) << ran.error;
  ASSERT_EQ(ran.lines().size(), 2U) << ran.out;
  const Json outer = ran.artifact("uki.efi");
  EXPECT_EQ(outer["pe"]["texts"][".cmdline"], "root=/dev/sda ro");
  EXPECT_EQ(outer["pe"]["texts"][".uname"], "6.1.0-56-amd64");
  EXPECT_TRUE(outer["records"].empty());
  const Json inner = ran.artifact("uki.efi!.linux");
  EXPECT_EQ(inner["kind"], "pe");
  EXPECT_EQ(inner["size"], read_file(image("signed")).size());
  EXPECT_EQ(inner["records"][0]["is_of_image"], true);
  const Ran text = run_assay({"inspect", uki});
  EXPECT_NE(text.out.find(".cmdline root=/dev/sda ro"), std::string::npos) << text.out;
}

// A unified kernel image whose .linux is one whose .linux is one: not without end.
TEST(InspectPe, InnerImagesHaveALimit) {
  const TemporaryFolder folder;
  std::string inner = image("signed");
  for (int i = 0; i < 5; ++i) {
    write_file(folder / "inner", read_file(inner));
    inner = link_image(folder, {{".linux", folder / "inner"}});
  }
  EXPECT_EQ(run_assay({"inspect", "--json", inner}).lines().size(), 4U);
}

// What stands at these offsets is what find_kernel_image goes by (formats/kernel_image.h).
Bytes arm64_image() {
  Bytes file(5000, 0x5a);
  const auto put = [&](std::size_t at, std::initializer_list<std::uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(24, {10, 0, 0, 0, 0, 0, 0, 0});
  put(56, {'A', 'R', 'M', 0x64});
  return file;
}

TEST(InspectPe, ImageInGzipAndZbootIsOpened) {
  const TemporaryFolder folder;
  write_file(folder / "Image", arm64_image());
  run_tool({"gzip", "-nk", folder / "Image"});
  Bytes zboot = bytes_of_text(std::string_view("MZ\0\0zimg", 8));
  const Bytes payload = read_file(folder / "Image.gz");
  zboot.resize(0x1010);
  zboot[8] = 0x10;
  zboot[9] = 0x10;
  zboot[12] = static_cast<std::uint8_t>(payload.size());
  ASSERT_LT(payload.size(), 256U);
  std::ranges::copy(std::string_view("gzip"), zboot.begin() + 24);
  zboot[0x3c] = 0x40;
  zboot[0x40] = 'P';
  zboot[0x41] = 'E';
  zboot[0x44] = 0x64;
  zboot[0x45] = 0xaa;
  zboot.insert(zboot.end(), payload.begin(), payload.end());
  write_file(folder / "zboot.efi", zboot);
  for (const std::string outer : {"Image.gz", "zboot.efi"}) {
    const Ran ran = run_assay({"inspect", "--json", folder / outer});
    EXPECT_EQ(ran.status, 0) << outer << ran.error << ran.out;
    ASSERT_EQ(ran.lines().size(), 2U) << outer;
    const Json inner = ran.artifact(outer + "!Image");
    EXPECT_EQ(inner["kind"], "kernel-image") << outer;
    EXPECT_EQ(inner["format"], "image") << outer;
    EXPECT_EQ(inner["size"], arm64_image().size()) << outer;
  }
  // Damaged: the outer one is described, the inner one could not be read.
  zboot.resize(zboot.size() - 20);
  zboot[12] = static_cast<std::uint8_t>(payload.size() - 20);
  write_file(folder / "zboot.efi", zboot);
  const Ran damaged = run_assay({"inspect", "--json", folder / "zboot.efi"});
  EXPECT_EQ(damaged.status, 2);
  EXPECT_TRUE(damaged.artifact("zboot.efi!Image").contains("error")) << damaged.out;
}

TEST(InspectPe, NestedSignatures) {
  const TemporaryFolder folder;
  run_tool({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
            "/CN=nested", "-keyout", folder / "key", "-out", folder / "cert"});
  const auto sign = [&](std::vector<std::string> options, const std::string& from,
                        const std::string& to) {
    std::vector<std::string> command = {"osslsigncode", "sign"};
    command.insert(command.end(), options.begin(), options.end());
    for (const std::string& word :
         {std::string("-certs"), folder / "cert", std::string("-key"), folder / "key",
          std::string("-in"), from, std::string("-out"), to})
      command.push_back(word);
    run_tool(command);
  };
  sign({"-h", "sha256"}, image("unsigned"), folder / "one.efi");
  sign({"-nest", "-h", "sha384"}, folder / "one.efi", folder / "two.efi");
  const Ran ran = run_assay({"inspect", "--json", folder / "two.efi"});
  const Json records = ran.artifact("two.efi")["records"];
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0]["image_hash"], "sha256");
  ASSERT_EQ(records[0]["nested"].size(), 1U) << ran.out;
  EXPECT_EQ(records[0]["nested"][0]["image_hash"], "sha384");
  EXPECT_EQ(records[0]["nested"][0]["is_of_image"], true);
  EXPECT_EQ(records[0]["nested"][0]["signers"][0]["issuer"], "CN=nested");
  const Ran text = run_assay({"inspect", folder / "two.efi"});
  EXPECT_NE(text.out.find("nested in it ["), std::string::npos) << text.out;
}

// A file that is no PE image, signed as GRUB's manual says for kernels on powerpc.
TEST(VerifyPe, GrubLooksAtAppendedSignatures) {
  const TemporaryFolder folder;
  write_file(folder / "config",
             bytes_of_text("[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n"
                           "basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n"));
  run_tool({"openssl", "req", "-config", folder / "config", "-x509", "-newkey", "rsa:2048",
            "-nodes", "-subj", "/CN=grub", "-keyout", folder / "key", "-out", folder / "cert"});
  write_file(folder / "kernel", bytes_of_text("a kernel"));
  run_tool({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256", "-signer",
            folder / "cert", "-inkey", folder / "key", "-in", folder / "kernel", "-outform", "DER",
            "-out", folder / "sig"});
  Bytes file = read_file(folder / "kernel");
  const Bytes message = read_file(folder / "sig");
  file.insert(file.end(), message.begin(), message.end());
  for (const unsigned byte :
       {0U, 0U, 2U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, static_cast<unsigned>(message.size() >> 8),
        static_cast<unsigned>(message.size() & 0xFF)})
    file.push_back(static_cast<std::uint8_t>(byte));
  for (const char c : std::string_view("~Module signature appended~\n"))
    file.push_back(static_cast<std::uint8_t>(c));
  write_file(folder / "signed", file);
  const auto verify = [&](bool with_trust) {
    std::vector<std::string> command = {"verify", "--json", "--as", "grub", folder / "signed"};
    if (with_trust) command.insert(command.end(), {"--trust", folder / "cert"});
    return run_assay(command);
  };
  const Ran good = verify(true);
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_EQ(good.artifact("signed")["trust"]["name"], "grub");
  EXPECT_EQ(good.artifact("signed")["rules"], "grub");
  const Ran open = verify(false);
  EXPECT_EQ(open.status, 2);
  EXPECT_EQ(open.artifact("signed")["reason"]["id"], "trust/none");
  file[0] ^= 1;
  write_file(folder / "signed", file);
  const Ran bad = verify(true);
  EXPECT_EQ(bad.status, 1);
  EXPECT_EQ(bad.artifact("signed")["status"], "bad");
  EXPECT_EQ(bad.artifact("signed")["reason"]["id"], "grub-appended/file");
}

TEST(VerifyPe, WhatVouchesForNothingIsAnError) {
  EXPECT_EQ(run_assay({"verify", "--trust", image("signed"), image("signed")}).status, 2);
}

}  // namespace
}  // namespace assay
