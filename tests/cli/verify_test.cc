// assay verify and inspect on what users and attackers hand them. No kernel is needed: the signed
// files of tests/cases stand in for modules.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes/view.h"
#include "testing/elf_sample.h"
#include "testing/package_sample.h"
#include "testing/samples.h"
#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

const std::string kCases = "tests/cases/appended/";
const std::string kGood = kCases + "artifacts/signed.bin";
const std::string kGoodKey = kCases + "keys/good.der";
const std::string kOtherKey = kCases + "keys/other.der";

class VerifyTest : public testing::Test {
 protected:
  std::string module(const std::string& name, const std::string& from = kGood) {
    write_file(folder_ / name, read_file(from));
    return folder_ / name;
  }
  std::string status_of(const Ran& ran, const std::string& name) {
    const Json artifact = ran.artifact(name);
    return artifact.is_null() ? "missing" : artifact["status"].get<std::string>();
  }
  TemporaryFolder folder_;
};

TEST_F(VerifyTest, GoodSignatureNamesItsRoot) {
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, module("good.ko")});
  EXPECT_EQ(ran.status, 0) << ran.error;
  const Json artifact = ran.artifact("good.ko");
  EXPECT_EQ(artifact["schema"], "assay.artifact/1");
  EXPECT_EQ(artifact["kind"], "module");
  EXPECT_EQ(artifact["format"], "ko");
  EXPECT_EQ(artifact["status"], "verified");
  EXPECT_EQ(artifact["trust"]["source"], "option");
  EXPECT_EQ(artifact["signatures"][0]["carrier"], "appended");
  EXPECT_EQ(artifact["signatures"][0]["status"], "verified");
  EXPECT_EQ(artifact["signatures"][0]["hash"], "sha256");
  EXPECT_TRUE(artifact["reason"].is_null());
  EXPECT_EQ(ran.summary()["verified"], 1);
}

TEST_F(VerifyTest, OtherKeyIsUntrusted) {
  const Ran ran = run_assay({"verify", "--json", "--trust", kOtherKey, module("good.ko")});
  EXPECT_EQ(ran.status, 1);
  const Json artifact = ran.artifact("good.ko");
  EXPECT_EQ(artifact["status"], "untrusted");
  EXPECT_EQ(artifact["reason"]["id"], "pkcs7/trusted-key");
  EXPECT_EQ(artifact["reason"]["errno"], "ENOKEY");
  EXPECT_EQ(artifact["reason"]["kernel_function"], "pkcs7_validate_trust");
}

TEST_F(VerifyTest, DamageIsNamedWithRuleErrnoAndPlace) {
  module("flipped.ko", kCases + "artifacts/payload-flipped.bin");
  module("unsigned.ko", kCases + "artifacts/unsigned.bin");
  module("algo.ko", kCases + "artifacts/algo-1.bin");
  module("good.ko");
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(status_of(ran, "flipped.ko"), "bad");
  EXPECT_EQ(ran.artifact("flipped.ko")["reason"]["errno"], "EKEYREJECTED");
  EXPECT_EQ(status_of(ran, "unsigned.ko"), "unsigned");
  EXPECT_EQ(status_of(ran, "algo.ko"), "malformed");
  EXPECT_EQ(ran.artifact("algo.ko")["reason"]["id"], "module-sig/zero-fields");
  EXPECT_EQ(ran.artifact("algo.ko")["reason"]["extent"]["size"], 12);
  EXPECT_EQ(status_of(ran, "good.ko"), "verified");
  const Json summary = ran.summary();
  EXPECT_EQ(summary["artifacts"], 4);
  EXPECT_EQ(summary["bad"], 1);
  EXPECT_EQ(summary["unsigned"], 1);
  EXPECT_EQ(summary["malformed"], 1);
}

TEST_F(VerifyTest, WithoutTrustItIsUndetermined) {
  const Ran ran = run_assay({"verify", "--json", module("good.ko")});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(status_of(ran, "good.ko"), "undetermined");
  EXPECT_EQ(ran.artifact("good.ko")["reason"]["id"], "trust/none");
}

TEST_F(VerifyTest, UnsignedIsKnownWithoutTrust) {
  const Ran ran =
      run_assay({"verify", "--json", module("u.ko", kCases + "artifacts/unsigned.bin")});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(status_of(ran, "u.ko"), "unsigned");
}

TEST_F(VerifyTest, OneBadArtifactDecidesOverWhatCouldNotBeFoundOut) {
  module("flipped.ko", kCases + "artifacts/payload-flipped.bin");
  EXPECT_EQ(
      run_assay({"verify", "--trust", kGoodKey, folder_.path(), folder_ / "no-such-file"}).status,
      1);
  EXPECT_EQ(run_assay({"verify", "--trust", kGoodKey, module("good.ko"), folder_ / "no-such-file"})
                .status,
            2);
}

TEST_F(VerifyTest, RequireRootAcceptsOnlyThatRoot) {
  const std::string good = module("good.ko");
  EXPECT_EQ(run_assay({"verify", "--trust", kGoodKey, "--require-root", kGoodKey, good}).status, 0);
  const Ran ran =
      run_assay({"verify", "--json", "--trust", kGoodKey, "--require-root", kOtherKey, good});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.artifact("good.ko")["reason"]["id"], "trust/other-root");
}

TEST_F(VerifyTest, KernelVersionChoosesTheRules) {
  const std::string md5 = module("md5.ko", kCases + "artifacts/digest-md5.bin");
  EXPECT_EQ(run_assay({"verify", "--trust", kGoodKey, "--kernel-version", "6.1", md5}).status, 0);
  const Ran newer =
      run_assay({"verify", "--json", "--trust", kGoodKey, "--kernel-version", "7.2", md5});
  EXPECT_EQ(newer.status, 1);
  EXPECT_EQ(newer.artifact("md5.ko")["reason"]["errno"], "ENOPKG");
  // Between two anchors that differ, nobody knows.
  const Ran between =
      run_assay({"verify", "--json", "--trust", kGoodKey, "--kernel-version", "6.6", md5});
  EXPECT_EQ(between.status, 2);
  EXPECT_EQ(between.artifact("md5.ko")["status"], "undetermined");
}

// Debian 12's libcrypto has no ML-DSA: a signature of the right shape is open, one of another size
// is refused by the kernel whatever it says (crypto/mldsa.c, FIPS 204).
TEST_F(VerifyTest, MlDsaIsUndetermined) {
  constexpr std::string_view kMlDsa65 = "2.16.840.1.101.3.4.3.18";
  constexpr std::size_t kKeySize = 1952;
  constexpr std::size_t kSignatureSize = 3309;
  CertificateSample certificate;
  certificate.key_algorithm = der::algorithm(kMlDsa65);
  certificate.key = der::bit_string(Bytes(kKeySize, 1));
  write_file(folder_ / "key.der", certificate.write());
  const auto signed_with = [&](const std::string& name, std::size_t size) {
    MessageSample message;
    message.signers[0].signature_algorithm = der::algorithm(kMlDsa65);
    message.signers[0].signature = der::octet_string(Bytes(size, 1));
    write_file(folder_ / name, append_signature(sample_module("7.2.0"), message.write()));
  };
  signed_with("whole.ko", kSignatureSize);
  signed_with("short.ko", kSignatureSize - 1);
  const auto verify = [&](const std::string& name) {
    return run_assay({"verify", "--json", "--trust", folder_ / "key.der", "--kernel-version", "7.2",
                      folder_ / name});
  };
  const Ran whole = verify("whole.ko");
  EXPECT_EQ(whole.status, 2) << whole.out;
  EXPECT_EQ(status_of(whole, "whole.ko"), "undetermined");
  EXPECT_NE(whole.out.find("ML-DSA"), whole.out.npos) << whole.out;
  const Ran cut = verify("short.ko");
  EXPECT_EQ(cut.status, 1) << cut.out;
  EXPECT_EQ(status_of(cut, "short.ko"), "bad");
  EXPECT_EQ(cut.artifact("short.ko")["reason"]["errno"], "EKEYREJECTED");
}

struct Compressor {
  const char* suffix;
  std::vector<std::string> command;
};

TEST_F(VerifyTest, CompressedModules) {
  const std::vector<Compressor> compressors = {{"xz", {"xz", "--check=crc32", "--lzma2=dict=1MiB"}},
                                               {"gz", {"gzip", "-n"}},
                                               {"zst", {"zstd", "--rm", "-q"}}};
  for (const Compressor& compressor : compressors) {
    std::vector<std::string> command = compressor.command;
    command.push_back(module("m.ko"));
    ASSERT_EQ(run_command(command).status, 0) << command[0];
  }
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_EQ(ran.summary()["verified"], 3);
  for (const Compressor& compressor : compressors)
    EXPECT_EQ(ran.artifact(std::string("m.ko.") + compressor.suffix)["format"],
              std::string("ko.") + compressor.suffix);
}

// What the kernel reads of them and what kmod reads differ.
TEST_F(VerifyTest, ModulesInSeveralStreamsAreUndetermined) {
  const std::vector<Compressor> compressors = {{"xz", {"xz", "--check=crc32", "-c"}},
                                               {"gz", {"gzip", "-n", "-c"}},
                                               {"zst", {"zstd", "-q", "-c"}}};
  const auto bytes = read_file(kGood);
  const std::span whole(bytes);
  for (const Compressor& compressor : compressors) {
    auto packed = run_command(compressor.command, whole.first(whole.size() / 2)).out;
    const auto rest = run_command(compressor.command, whole.subspan(whole.size() / 2)).out;
    packed.insert(packed.end(), rest.begin(), rest.end());
    write_file(folder_ / (std::string("two.ko.") + compressor.suffix), packed);
    packed = run_command(compressor.command, whole).out;
    packed.resize(packed.size() + 5, 'x');
    write_file(folder_ / (std::string("junk.ko.") + compressor.suffix), packed);
  }
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.summary()["undetermined"], 6);
  const Json reason = ran.artifact("junk.ko.xz")["reason"];
  EXPECT_EQ(reason["id"], "codec/followed");
  EXPECT_EQ(reason["extent"]["size"], 5);
}

// A release is the module's own text.
TEST_F(VerifyTest, ReleaseIsEncoded) {
  const std::string release = "6.1\x1b[31m\xe2\x80\xae";
  ElfSample elf(true, false);
  std::string info = "vermagic=" + release + " SMP mod_unload ";
  info += '\0';
  elf.sections.push_back({.name = ".modinfo", .content = {info.begin(), info.end()}});
  write_file(folder_ / "m.ko", elf.write());
  const Ran ran = run_assay({"verify", "--json", folder_ / "m.ko"});
  EXPECT_EQ(ran.artifact("m.ko")["release"], "6.1%1B[31m%E2%80%AE");
}

// The whole way: an unsigned module behind a link in a package is no longer overlooked.
TEST_F(VerifyTest, ModulesBehindLinksOfAPackage) {
  const auto unsigned_module = read_file(kCases + "artifacts/unsigned.bin");
  const std::string module_text(unsigned_module.begin(), unsigned_module.end());
  const std::string package =
      deb_package(tar_entry("./usr/x.dat", module_text) +
                  tar_entry("./lib/modules/R/h.ko", "", '1', "./usr/x.dat") +
                  tar_entry("./lib/modules/R/s.ko", "", '2', "/usr/x.dat"));
  write_file(folder_ / "p.deb", std::vector<std::uint8_t>(package.begin(), package.end()));
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_ / "p.deb"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(status_of(ran, "lib/modules/R/h.ko"), "unsigned");
  EXPECT_EQ(status_of(ran, "lib/modules/R/s.ko"), "unsigned");
}

TEST_F(VerifyTest, CutCompressedModuleIsMalformedWithOffset) {
  ASSERT_EQ(run_command({"xz", module("m.ko")}).status, 0);
  auto bytes = read_file(folder_ / "m.ko.xz");
  bytes.resize(bytes.size() / 2);
  write_file(folder_ / "m.ko.xz", bytes);
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 1);
  const Json artifact = ran.artifact("m.ko.xz");
  EXPECT_EQ(artifact["status"], "malformed");
  EXPECT_EQ(artifact["reason"]["id"], "codec/truncated");
}

TEST_F(VerifyTest, BombIsStoppedByItsLimit) {
  // 16 GiB of zeros in a few MB of zstd frames would pass the limit of 8 GiB; a frame of 1 GiB is
  // repeated.
  const std::string frame = folder_ / "frame";
  ASSERT_EQ(run_command({"sh", "-c", "head -c 1073741824 /dev/zero | zstd -q --long=27 > " + frame})
                .status,
            0);
  ASSERT_EQ(run_command({"sh", "-c",
                         "for i in 1 2 3 4 5 6 7 8 9; do cat " + frame + "; done > " +
                             (folder_ / "bomb.ko.zst")})
                .status,
            0);
  fs::remove(frame);
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_ / "bomb.ko.zst"});
  EXPECT_NE(ran.status, 0);
  EXPECT_TRUE(ran.artifact("bomb.ko.zst")["reason"]["id"].get<std::string>().starts_with("limit/"))
      << ran.out;
}

TEST_F(VerifyTest, WhatIsNoRegularFileGetsOneLineAndTheRestGoesOn) {
  module("good.ko");
  ASSERT_EQ(::mkfifo((folder_ / "fifo.ko").c_str(), 0600), 0);
  fs::create_symlink("loop-b", folder_ / "loop-a");
  fs::create_symlink("loop-a", folder_ / "loop-b");
  fs::create_directory_symlink(".", folder_ / "self");
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(status_of(ran, "good.ko"), "verified");
  EXPECT_EQ(ran.artifact("fifo.ko")["reason"]["id"], "io/not-a-regular-file");
  EXPECT_EQ(ran.artifact("loop-a")["reason"]["id"], "io/symlink-loop");
  EXPECT_EQ(run_assay({"verify", "--trust", kGoodKey, folder_ / "fifo.ko"}).status, 2);
}

TEST_F(VerifyTest, BrokenPackages) {
  write_file(
      folder_ / "cut.deb",
      bytes_of("!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"));
  write_file(
      folder_ / "lying.deb",
      bytes_of("!<arch>\ndebian-binary   0           0     0     100644  99999     `\n2.0\n"));
  for (const std::string name : {"cut.deb", "lying.deb"}) {
    const Ran ran = run_assay({"verify", "--json", folder_ / name});
    EXPECT_EQ(ran.status, 2) << name;
    EXPECT_FALSE(ran.artifact(name)["reason"]["text"].get<std::string>().empty());
  }
}

TEST_F(VerifyTest, NamesCannotForgeOutput) {
  const std::string nasty = "a\x1b[31m!b%\xff\n.ko";
  module(nasty);
  const Ran ran = run_assay({"verify", "-v", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("a%1B[31m%21b%25%FF%0A.ko"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find('\x1b'), std::string::npos);
}

TEST_F(VerifyTest, AnyFileWithAnAppendedSignatureIsAnArtifact) {
  module("kernel.img");
  write_file(folder_ / "notes.txt", bytes_of("nothing of interest"));
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.summary()["artifacts"], 1);
  EXPECT_EQ(ran.summary()["skipped"], 1);
  EXPECT_EQ(run_assay({"verify", "--all", "--trust", kGoodKey, folder_.path()}).status, 1);
}

TEST_F(VerifyTest, TextNamesProblemsAndCountsTheRest) {
  module("good.ko");
  module("flipped.ko", kCases + "artifacts/payload-flipped.bin");
  const Ran ran = run_assay({"verify", "--trust", kGoodKey, folder_.path()});
  EXPECT_NE(ran.out.find("bad"), std::string::npos);
  EXPECT_NE(ran.out.find("flipped.ko"), std::string::npos);
  EXPECT_NE(ran.out.find("EKEYREJECTED"), std::string::npos);
  EXPECT_EQ(ran.out.find("good.ko"), std::string::npos);
  EXPECT_NE(ran.out.find("1 verified"), std::string::npos);
}

TEST_F(VerifyTest, UsageErrorsAreStatus2) {
  EXPECT_EQ(run_assay({"verify"}).status, 2);
  EXPECT_EQ(run_assay({"frobnicate"}).status, 2);
  EXPECT_EQ(run_assay({"verify", "--trust", "/no/such/file", kGood}).status, 2);
  EXPECT_EQ(run_assay({"verify", "--kernel-version", "abc", kGood}).status, 2);
  EXPECT_EQ(run_assay({"--help"}).status, 0);
}

TEST_F(VerifyTest, FailOnChangesWhatCounts) {
  const std::string unsigned_module = module("u.ko", kCases + "artifacts/unsigned.bin");
  EXPECT_EQ(run_assay({"verify", "--fail-on=bad", unsigned_module}).status, 0);
  EXPECT_EQ(run_assay({"verify", "--fail-on=bad,unsigned", unsigned_module}).status, 1);
  // What is bad always counts.
  const std::string flipped = module("f.ko", kCases + "artifacts/payload-flipped.bin");
  EXPECT_EQ(run_assay({"verify", "--fail-on=unsigned", "--trust", kGoodKey, flipped}).status, 1);
}

TEST_F(VerifyTest, ReasonLeadsWithWhatItComesFrom) {
  const std::string flipped = module("f.ko", kCases + "artifacts/payload-flipped.bin");
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, flipped});
  const Json reason = ran.artifact("f.ko")["reason"];
  EXPECT_EQ(reason["id"], "pkcs7/trusted-signature");
  EXPECT_EQ(reason["cause"], "public-key/rsa-digest");
  EXPECT_TRUE(reason["text"].get<std::string>().starts_with(
      "the content was changed after it was signed: signed digest "))
      << reason["text"];
}

TEST_F(VerifyTest, ManyAlikeAreToldInOneLine) {
  for (int i = 0; i < 9; ++i) module("m" + std::to_string(i) + ".ko");
  const Ran ran = run_assay({"verify", "--trust", kOtherKey, folder_.path()});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("9 modules signed by \"Assay test certificate: good\""), std::string::npos)
      << ran.out;
  EXPECT_EQ(ran.out.find("m3.ko"), std::string::npos);
  const Ran each = run_assay({"verify", "-v", "--trust", kOtherKey, folder_.path()});
  EXPECT_NE(each.out.find("m3.ko"), std::string::npos);
}

TEST_F(VerifyTest, OfManySignersTheFirstAreNamed) {
  MessageSample message;
  message.signers.clear();
  for (const std::string_view name : {"one", "two", "one", "three", "four"}) {
    SignerSample signer;
    signer.sid = der::sequence({der::name(name), der::integer(7)});
    message.signers.push_back(signer);
  }
  constexpr int kAlike = 20;  // told in one line
  for (int i = 0; i < kAlike; ++i)
    write_file(folder_ / fmt::format("{}.ko", i),
               append_signature(sample_module("6.1.0"), message.write()));
  const Ran ran = run_assay({"verify", folder_.path()});
  EXPECT_NE(ran.out.find(R"("one", "two", "three" and others, 5 signers)"), ran.out.npos)
      << ran.out;
}

TEST_F(VerifyTest, PathWithoutArtifactsIsSaid) {
  write_file(folder_ / "notes/notes.txt", bytes_of("nothing of interest"));
  const Ran none = run_assay({"verify", folder_ / "notes"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.error.find("notes: no modules, kernel images or signed files"), std::string::npos)
      << none.error;
  const Ran some = run_assay({"verify", "--trust", kGoodKey, folder_ / "notes", module("good.ko")});
  EXPECT_EQ(some.status, 0);
  EXPECT_NE(some.error.find("notes: no modules"), std::string::npos);
  EXPECT_EQ(some.error.find("good.ko"), std::string::npos) << some.error;
  EXPECT_NE(run_assay({"inspect", folder_ / "notes"}).error.find("notes: no modules"),
            std::string::npos);
}

TEST_F(VerifyTest, StandardInput) {
  const auto bytes = read_file(kGood);
  const Finished finished =
      run_command({ASSAY_BINARY, "verify", "--json", "--trust", kGoodKey, "-"}, bytes);
  EXPECT_EQ(finished.status, 0) << finished.error;
  const Ran ran{0, std::string(finished.out.begin(), finished.out.end()), {}};
  EXPECT_EQ(ran.lines()[0]["path"], "-");
  EXPECT_EQ(ran.lines()[0]["status"], "verified");
}

TEST_F(VerifyTest, TrustThatIsNoneIsAnError) {
  const std::string good = module("good.ko");
  const std::string empty = folder_ / "empty";
  fs::create_directory(empty);
  const Ran ran = run_assay({"verify", "--trust", empty, good});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.error.find("no certificate"), std::string::npos) << ran.error;
  EXPECT_EQ(run_assay({"verify", "--kernel", empty, good}).status, 2);
  EXPECT_EQ(run_assay({"verify", "--kernel-version", "", good}).status, 2);
}

TEST_F(VerifyTest, ResultDoesNotDependOnThreads) {
  for (int i = 0; i < 50; ++i)
    module("m" + std::to_string(i) + ".ko",
           i % 7 == 0 ? kCases + "artifacts/payload-flipped.bin" : kGood);
  const Ran one = run_assay({"verify", "--json", "-j1", "--trust", kGoodKey, folder_.path()});
  const Ran many = run_assay({"verify", "--json", "-j8", "--trust", kGoodKey, folder_.path()});
  EXPECT_EQ(one.out, many.out);
}

TEST_F(VerifyTest, InspectShowsTheParts) {
  const Ran ran = run_assay({"inspect", "--json", module("good.ko")});
  EXPECT_EQ(ran.status, 0);
  const Json artifact = ran.artifact("good.ko");
  EXPECT_EQ(artifact["schema"], "assay.inspection/1");
  EXPECT_EQ(artifact["module"]["vermagic"], "6.1.0-test SMP mod_unload");
  const Json& record = artifact["records"][0];
  EXPECT_EQ(record["carrier"], "appended");
  EXPECT_EQ(record["block"]["id_type"], 2);
  EXPECT_EQ(record["payload"]["size"].get<int>() + record["extent"]["size"].get<int>() + 40,
            artifact["size"].get<int>());
  EXPECT_EQ(record["signers"][0]["hash"], "sha256");
}

}  // namespace
}  // namespace assay
