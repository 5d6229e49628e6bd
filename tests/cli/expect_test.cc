// assay expect init and verify --expect: trees of which one thing differs.

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <span>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

using Keys = std::vector<std::string>;

const std::string kRelease = "6.1.0-1-test";
const std::string kPe = "tests/cases/pe/artifacts/";

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class ExpectTest : public testing::Test {
 protected:
  // Two keys that are built into the kernel, and one of the first one's name that is not.
  struct Signers {
    SigningKey build{"Build key", "sha256", "1"};
    SigningKey vendor{"Vendor key", "sha256", "2"};
    SigningKey stranger{"Build key", "sha256", "3"};
    Bytes ring() const { return joined(build.der(), vendor.der()); }
    Bytes image(const std::string& release, const Bytes& more = {}) const {
      return sample_image(release, joined(ring(), more), build.der().size());
    }
  };
  static Signers& keys() {
    static Signers all;
    return all;
  }

  void SetUp() override {
    write("boot/vmlinuz-" + kRelease, keys().image(kRelease));
    write(module("a.ko"), keys().build.sign(sample_module(kRelease)));
    write(module("b.ko"), keys().build.sign(sample_module(kRelease)));
    write(module("c.ko"), keys().vendor.sign(sample_module(kRelease)));
    write(module("d.ko"), sample_module(kRelease));
    copy_pe("signed", "usr/lib/boot.efi");
    write("usr/bin/tool", Bytes(100, 1));
    evm_sign("usr/bin/tool", keys().build);
    expect();
  }

  static std::string module(const std::string& name) {
    return "lib/modules/" + kRelease + "/kernel/" + name;
  }
  std::string at(const std::string& name) const { return folder_ / ("tree/" + name); }
  void write(const std::string& name, const Bytes& content) {
    fs::create_directories(fs::path(at(name)).parent_path());
    write_file(at(name), content);
  }
  void copy_pe(const std::string& from, const std::string& name) {
    write(name, read_file(kPe + from + ".efi"));
  }
  // Into security.ima, and into FILE.sig.
  void evm_sign(const std::string& name, const SigningKey& key) {
    run_or_fail({"evmctl", "ima_sign", "--sigfile", "--key", key.key(), "-a", "sha256", at(name)});
  }
  void expect() {
    const Ran ran = run_assay({"expect", "init", folder_ / "tree"});
    ASSERT_EQ(ran.status, 0) << ran.error;
    EXPECT_NE(ran.error.find("pe.status is left out"), std::string::npos) << ran.error;
    write_file(expectation(), Bytes(ran.out.begin(), ran.out.end()));
    EXPECT_EQ(drifts(0), Keys());
  }
  std::string expectation() const { return folder_ / "expect.toml"; }
  // Keys that drift, as JSON and as text have them. The status is that of the drift alone.
  Keys drifts(int status = 1) {
    const Ran json =
        run_assay({"verify", "--json", "--expect", expectation(), folder_ / "tree/boot",
                   folder_ / "tree/lib", folder_ / "tree/usr/lib", folder_ / "tree/usr/bin"});
    Keys keys;
    for (const Json& line : json.lines())
      if (line["schema"] == "assay.drift/1") keys.push_back(line["key"]);
    EXPECT_EQ(json.lines().back()["schema"], "assay.summary/1");
    // The boot loader, for which there is no trust, is left to no key.
    EXPECT_EQ(json.status, status == 0 ? 2 : status) << json.out << json.error;
    const Ran text = run_assay({"verify", "-q", "--expect", expectation(), folder_ / "tree/boot",
                                folder_ / "tree/lib", folder_ / "tree/usr"});
    Keys in_text;
    std::size_t start = 0;
    for (std::size_t end = 0; (end = text.out.find('\n', start)) != std::string::npos;
         start = end + 1)
      if (text.out.substr(start).starts_with("drift        "))
        in_text.push_back(text.out.substr(start + 13, text.out.find(':', start) - start - 13));
    EXPECT_EQ(in_text, keys);
    return keys;
  }
  // With `from` in the expectation changed to `to`.
  void edit_expectation(const std::string& from, const std::string& to) {
    const Bytes bytes = read_file(expectation());
    std::string text(bytes.begin(), bytes.end());
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from << " in\n" << text;
    text.replace(place, from.size(), to);
    write_file(expectation(), Bytes(text.begin(), text.end()));
  }

  TemporaryFolder folder_;
};

TEST_F(ExpectTest, IsDeterministicAndSaysWhatIsThere) {
  const Ran again = run_assay({"expect", "init", "-j", "7", folder_ / "tree"});
  const Bytes first = read_file(expectation());
  EXPECT_EQ(again.out, std::string(first.begin(), first.end()));
  for (const char* line :
       {"schema = 1\n", "count = 4\n", "unsigned = 1\n", "formats = [\"ko\"]\n",
        "status = [\"verified\"]\n", "signers = [\"Build key\", \"Vendor key\"]\n",
        "algorithms = [\"rsaEncryption\"]\n", "  { subject = \"CN=Vendor key\", fingerprint = \"",
        "formats = [\"pe32+\"]\n", "records = [\"FILE.sig\", \"security.ima\"]\n"})
    EXPECT_NE(again.out.find(line), std::string::npos) << line << "in\n" << again.out;
}

TEST_F(ExpectTest, AModuleMore) {
  write(module("e.ko"), keys().build.sign(sample_module(kRelease)));
  EXPECT_EQ(drifts(), Keys{"modules.count"});
  edit_expectation("count = 4", "count = { min = 4, max = 9 }");
  EXPECT_EQ(drifts(0), Keys());
}

TEST_F(ExpectTest, AModuleThatLostItsSignature) {
  write(module("a.ko"), sample_module(kRelease));
  EXPECT_EQ(drifts(), Keys{"modules.unsigned"});
  // Not expected of them at all, unsigned modules fail as they do without.
  edit_expectation("unsigned = 1\n", "");
  EXPECT_EQ(drifts(1), Keys());
}

TEST_F(ExpectTest, ACompressedModule) {
  run_or_fail({"xz", "--check=crc32", at(module("a.ko"))});
  EXPECT_EQ(drifts(), Keys{"modules.formats"});
}

TEST_F(ExpectTest, AModuleByAKeyOfNoRing) {
  write(module("a.ko"), keys().stranger.sign(sample_module(kRelease)));
  EXPECT_EQ(drifts(), Keys{"modules.status"});
}

TEST_F(ExpectTest, ASignerWhoIsGone) {
  write(module("c.ko"), keys().build.sign(sample_module(kRelease)));
  EXPECT_EQ(drifts(), Keys{"modules.signers"});
  edit_expectation("signers = [\"Build key\", \"Vendor key\"]",
                   "signers = { among = [\"Build key\", \"Vendor key\"] }");
  EXPECT_EQ(drifts(0), Keys());
}

TEST_F(ExpectTest, AnotherHash) {
  write(module("a.ko"), keys().build.sign(sample_module(kRelease), 2, "sha512"));
  EXPECT_EQ(drifts(), Keys{"modules.hashes"});
}

TEST_F(ExpectTest, ACertificateMoreInTheKernel) {
  write("boot/vmlinuz-" + kRelease, keys().image(kRelease, keys().stranger.der()));
  EXPECT_EQ(drifts(), Keys{"images.certificates"});
}

TEST_F(ExpectTest, AKernelImageMore) {
  // With two images nobody knows whose keys are for files of neither.
  for (const char* file : {"usr/bin/tool", "usr/bin/tool.sig"}) fs::remove(at(file));
  expect();
  write("boot/old/vmlinuz-5.10.0", keys().image("5.10.0"));
  edit_expectation(
      "[images]\n# how many there are\ncount = 1\n# how many of them have no "
      "signature\nunsigned = 1\n",
      "[images]\ncount = 1\n");
  EXPECT_EQ(drifts(), Keys{"images.count"});
}

TEST_F(ExpectTest, BytesThatNoSignatureCovers) {
  copy_pe("junk-in-table", "usr/lib/boot.efi");
  EXPECT_EQ(drifts(), Keys{"pe.uncovered"});
}

TEST_F(ExpectTest, AnotherSecureBootSigner) {
  run_or_fail({"sbsign", "--key", keys().build.key(), "--cert", keys().build.pem(), "--output",
               at("usr/lib/boot.efi"), kPe + "unsigned.efi"});
  EXPECT_EQ(drifts(), (Keys{"pe.signers", "pe.signer_certificates"}));
}

// Names can be written into any certificate.
TEST_F(ExpectTest, AnotherSignerOfTheSameName) {
  const auto sign = [&](const SigningKey& key) {
    run_or_fail({"sbsign", "--key", key.key(), "--cert", key.pem(), "--output",
                 at("usr/lib/boot.efi"), kPe + "unsigned.efi"});
  };
  sign(keys().build);
  expect();
  sign(keys().stranger);
  EXPECT_EQ(drifts(), Keys{"pe.signer_certificates"});
  const Finished print = run_command(
      {"openssl", "x509", "-in", keys().build.pem(), "-noout", "-fingerprint", "-sha256"});
  std::string digits;
  for (const std::uint8_t c : std::span(print.out).subspan(print.out.size() - 96))
    if (c != ':' && c != '\n') digits += static_cast<char>(std::tolower(c));
  const Bytes text = read_file(expectation());
  EXPECT_NE(std::string(text.begin(), text.end())
                .find("{ subject = \"CN=Build key\", fingerprint = \"" + digits +
                      "\" },\n]\n# the digests"),
            std::string::npos);
}

TEST_F(ExpectTest, ABootLoaderWithoutSignature) {
  copy_pe("unsigned", "usr/lib/more.efi");
  edit_expectation("[pe]\n# how many there are\ncount = 1\n", "[pe]\n");
  EXPECT_EQ(drifts(), Keys{"pe.unsigned"});
}

TEST_F(ExpectTest, RecordsOfIma) {
  write("usr/bin/other", Bytes(100, 2));
  evm_sign("usr/bin/other", keys().build);
  EXPECT_EQ(drifts(), Keys{"ima.count"});
  fs::remove(at("usr/bin/other"));
  fs::remove(at("usr/bin/other.sig"));
  EXPECT_EQ(drifts(0), Keys());
  evm_sign("usr/bin/tool", keys().vendor);
  EXPECT_EQ(drifts(), Keys{"ima.signers"});
}

// Signatures of IMA by nobody who is trusted may be what is expected.
TEST_F(ExpectTest, WhatIsExpectedOfRecordsDecides) {
  evm_sign("usr/bin/tool", keys().stranger);
  const auto status_with = [&](const std::string& keys) {
    write_file(expectation(), Bytes(keys.begin(), keys.end()));
    return run_assay({"verify", "--expect", expectation(), at("boot"), at("usr/bin")}).status;
  };
  EXPECT_EQ(status_with("schema = 1\n"), 1);
  EXPECT_EQ(status_with("schema = 1\n[ima]\nstatus = ['untrusted']\n"), 0);
  EXPECT_EQ(status_with("schema = 1\n[ima]\nstatus = ['verified']\n"), 1);
}

TEST_F(ExpectTest, SeveralDriftsAreSeveralLines) {
  write(module("a.ko"), keys().build.sign(sample_module(kRelease), 2, "sha512"));
  write(module("e.ko"), keys().stranger.sign(sample_module(kRelease)));
  EXPECT_EQ(drifts(), (Keys{"modules.count", "modules.status", "modules.hashes"}));
}

// What is bad is never expected, and an expectation that cannot be read expects nothing.
TEST_F(ExpectTest, BadIsBad) {
  Bytes changed = read_file(at(module("a.ko")));
  changed[40] ^= 1;
  write(module("a.ko"), changed);
  edit_expectation("status = [\"verified\"]\n", "");
  EXPECT_EQ(drifts(1), Keys());
  EXPECT_EQ(run_assay({"expect", "init", folder_ / "tree"}).status, 1);
}

TEST_F(ExpectTest, AnUnknownKeyIsAnError) {
  edit_expectation("[modules]\n", "[modules]\nsigner = [\"Build key\"]\n");
  const Ran ran = run_assay({"verify", "--expect", expectation(), folder_ / "tree"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.error.find("unknown key modules.signer"), std::string::npos) << ran.error;
}

TEST_F(ExpectTest, NothingFoundIsNothingExpected) {
  const Ran ran = run_assay({"expect", "init", folder_ / "no-such-tree"});
  EXPECT_EQ(ran.status, 2);
}

}  // namespace
}  // namespace assay
