// assay excise, attach and sign as their users run them: where things are written, what is said,
// what is refused.

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "bytes/view.h"
#include "crypto/hash.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

class Edit : public testing::Test {
 protected:
  void SetUp() override {
    make_key({.key = key_, .certificate = certificate_});
    for (int i = 0; i < kModules; ++i) write_file(module(i), content(i));
    write_file(folder_ / "tree/modules.order", Bytes{'x'});
    compress("xz", {"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"});
    compress("gz", {"gzip", "-nc"});
    compress("zst", {"zstd", "-qc"});
  }
  void compress(const std::string& suffix, const std::vector<std::string>& command) {
    const Finished done = run_command(command, content(9));
    ASSERT_EQ(done.status, 0);
    write_file(folder_ / ("tree/sub/z.ko." + suffix), done.out);
  }
  static Bytes content(int i) { return Bytes(5000, static_cast<std::uint8_t>('a' + i)); }
  std::string module(int i) { return folder_ / ("tree/m" + std::to_string(i) + ".ko"); }
  std::string tree() { return folder_ / "tree"; }

  std::vector<std::string> sign(std::vector<std::string> more) {
    std::vector<std::string> command{"sign", "--key", key_, "--cert", certificate_};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  static constexpr int kModules = 3;
  static constexpr int kSigned = kModules + 3;
  TemporaryFolder folder_;
  std::string key_ = folder_ / "key.pem";
  std::string certificate_ = folder_ / "cert.pem";
};

TEST_F(Edit, TreesAreSignedExcisedAndAttached) {
  const auto bare = snapshot(tree());
  for (const char* durable : {"run", "each", "none"}) {
    SCOPED_TRACE(durable);
    const std::string records = folder_ / (std::string("records-") + durable);
    const Ran made = run_assay(sign(
        {"--in-place", "--json", "--records", records + "-by-sign", "--durable", durable, tree()}));
    ASSERT_EQ(made.status, 0) << made.error << made.out;
    EXPECT_EQ(made.summary()["done"], kSigned);
    const auto signed_tree = snapshot(tree());
    EXPECT_EQ(signed_tree.size(), bare.size());
    EXPECT_NE(signed_tree, bare);
    EXPECT_EQ(signed_tree.at("modules.order"), bare.at("modules.order"));
    const Ran verified = run_assay({"verify", "--trust", certificate_, "--json", tree()});
    EXPECT_EQ(verified.status, 0) << verified.out;
    EXPECT_EQ(verified.summary()["verified"], kSigned);

    const Ran taken = run_assay(
        {"excise", "--in-place", "--records", records, "--durable", durable, "--json", tree()});
    ASSERT_EQ(taken.status, 0) << taken.error << taken.out;
    EXPECT_EQ(taken.summary()["done"], kSigned);
    const Ran put_back = run_assay(
        {"attach", "--in-place", "--records", records, "--durable", durable, "--json", tree()});
    ASSERT_EQ(put_back.status, 0) << put_back.error << put_back.out;
    EXPECT_EQ(put_back.summary()["done"], kSigned);
    EXPECT_EQ(snapshot(tree()), signed_tree);

    const Ran original = run_assay({"excise", "--in-place", "--discard", "--original",
                                    records + "-by-sign", "--durable", durable, tree()});
    ASSERT_EQ(original.status, 0) << original.error;
    EXPECT_EQ(snapshot(tree()), bare);
  }
}

TEST_F(Edit, RecordsMayLieInAFolder) {
  ASSERT_EQ(run_assay(sign({"--in-place", "-q", tree()})).status, 0);
  const auto signed_tree = snapshot(tree());
  ASSERT_EQ(run_assay({"excise", "--in-place", "--records", folder_ / "records/", tree()}).status,
            0);
  EXPECT_TRUE(fs::exists(folder_ / "records/sub/z.ko.xz.record"));
  ASSERT_EQ(run_assay({"attach", "--in-place", "--records", folder_ / "records", tree()}).status,
            0);
  EXPECT_EQ(snapshot(tree()), signed_tree);
}

// Neither the records' file nor the artifact is harmed where one is taken for the other.
TEST_F(Edit, RecordsAreNoArtifact) {
  ASSERT_EQ(run_assay(sign({"--in-place", tree()})).status, 0);
  const auto before = snapshot(tree());
  EXPECT_EQ(run_assay({"excise", "--in-place", "--records", module(0), module(0)}).status, 2);
  const std::string out = folder_ / "out";
  EXPECT_EQ(run_assay({"excise", "-o", out, "--records", out, module(0)}).status, 2);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(snapshot(tree()), before);
}

// Runs that keep their records in one file at the same time lose none.
TEST_F(Edit, RunsAtOnceKeepAllRecords) {
  ASSERT_EQ(run_assay(sign({"--in-place", tree()})).status, 0);
  const auto before = snapshot(tree());
  const std::string records = folder_ / "records";
  std::string script;
  for (int i = 0; i < kModules; ++i)
    script += std::string(ASSAY_BINARY) + " excise -q --in-place --records " + records + " " +
              module(i) + " & ";
  ASSERT_EQ(run_command({"sh", "-c", script + "wait"}).status, 0);
  EXPECT_EQ(std::ranges::count(read_file(records), '\n'), kModules);
  for (int i = 0; i < kModules; ++i)
    EXPECT_EQ(run_assay({"attach", "--in-place", "--records", records, module(i)}).status, 0);
  EXPECT_EQ(snapshot(tree()), before);
}

// A record that changes more than a signature is not used for one.
TEST_F(Edit, RecordsOfOthersAreNotBelieved) {
  const std::string records = folder_ / "records";
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "a.ko", "--records", records, module(0)})).status, 0);
  const Bytes bytes = read_file(records);
  nlohmann::json record = nlohmann::json::parse(std::string(bytes.begin(), bytes.end()));
  auto& splices = record["parts"][0]["splices"];
  ASSERT_EQ(splices.size(), 1U);
  auto other = splices[0];
  other["offset"] = 100;
  other["before"] = "616161";  // as at that place
  other["after"] = "626262";
  splices.insert(splices.begin(), other);
  Bytes evil = read_file(folder_ / "a.ko");
  std::fill_n(evil.begin() + 100, 3, 'b');
  const auto digest = compute_digest(Hash::sha256, evil);
  record["after"]["sha256"] = digest->hex();
  const std::string text = record.dump() + "\n";
  write_file(records, Bytes(text.begin(), text.end()));
  const Ran made = run_assay(sign({"-o", folder_ / "b.ko", "--reuse", records, module(0)}));
  EXPECT_EQ(made.status, 2) << made.error;
  EXPECT_NE(made.error.find("an appended part has one splice"), std::string::npos) << made.error;
  EXPECT_EQ(run_assay({"attach", "--records", records, "-o", folder_ / "b.ko", module(0)}).status,
            2);
  EXPECT_FALSE(fs::exists(folder_ / "b.ko"));
}

TEST_F(Edit, ElsewhereLeavesTheFilesAsTheyAre) {
  const auto bare = snapshot(tree());
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "out", tree()})).status, 0);
  EXPECT_EQ(snapshot(tree()), bare);
  EXPECT_EQ(snapshot(folder_ / "out").size(), static_cast<std::size_t>(kSigned));
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "one.ko", module(0)})).status, 0);
  EXPECT_EQ(read_file(folder_ / "one.ko"), read_file(folder_ / "out/m0.ko"));
  // Nothing to do: the file arrives all the same.
  ASSERT_EQ(run_assay({"excise", "--discard", "-o", folder_ / "same.ko", module(0)}).status, 0);
  EXPECT_EQ(read_file(folder_ / "same.ko"), content(0));
}

TEST_F(Edit, DryRunWritesNothing) {
  const auto bare = snapshot(folder_.path());
  const Ran ran = run_assay(
      sign({"--in-place", "--dry-run", "--json", "--records", folder_ / "records", tree()}));
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.summary()["done"], kSigned);
  EXPECT_EQ(snapshot(folder_.path()), bare);
}

TEST_F(Edit, WhatIsRefusedChangesNothingAndIsOne) {
  ASSERT_EQ(run_assay(sign({"--in-place", tree()})).status, 0);
  const auto signed_tree = snapshot(tree());
  const Ran again = run_assay(sign({"--in-place", "--json", tree()}));
  EXPECT_EQ(again.status, 1);
  EXPECT_EQ(again.summary()["failed"], kSigned);
  EXPECT_EQ(again.lines().front()["reason"]["id"], "sign/already-signed");
  EXPECT_EQ(snapshot(tree()), signed_tree);
  EXPECT_EQ(run_assay(sign({"--in-place", "--replace", tree()})).status, 0);
  EXPECT_EQ(snapshot(tree()), signed_tree);

  ASSERT_EQ(run_assay({"excise", "--in-place", "--records", folder_ / "r", module(0)}).status, 0);
  write_file(module(0), content(7));
  const Ran other = run_assay({"attach", "--in-place", "--records", folder_ / "r", module(0)});
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.out.find("edit/no-record"), std::string::npos);
  EXPECT_EQ(read_file(module(0)), content(7));
}

TEST_F(Edit, UsageIsComplete) {
  const std::vector<std::vector<std::string>> incomplete = {
      {"excise", "--discard", module(0)},
      {"excise", "--in-place", module(0)},
      {"excise", "--in-place", "--discard", "--records", "r", module(0)},
      {"attach", "--in-place", module(0)},
      {"attach", "--records", "r", module(0)},
      {"sign", "--in-place", module(0)},
      {"sign", "--key", key_, module(0)},
      sign({"--in-place", "--replace", "--add", module(0)}),
      sign({"--in-place", "--hash", "sha0", module(0)}),
      sign({"--in-place", "-o", "x", module(0)})};
  for (const auto& command : incomplete) {
    const Ran ran = run_assay(command);
    EXPECT_EQ(ran.status, 2) << command[0];
    EXPECT_NE(ran.error.find("--help"), std::string::npos) << ran.error;
  }
  EXPECT_EQ(read_file(module(0)), content(0));
}

TEST_F(Edit, KeysThatDoNotFitAreNamed) {
  write_file(folder_ / "no.pem", Bytes{'x'});
  const Ran no_key = run_assay(
      {"sign", "--key", folder_ / "no.pem", "--cert", certificate_, "--in-place", module(0)});
  EXPECT_EQ(no_key.status, 2);
  EXPECT_NE(no_key.error.find("no private key"), std::string::npos);
  const std::string other = folder_ / "other.pem";
  ASSERT_EQ(run_command({"openssl", "genrsa", "-out", other, "2048"}).status, 0);
  const Ran mismatch =
      run_assay({"sign", "--key", other, "--cert", certificate_, "--in-place", module(0)});
  EXPECT_EQ(mismatch.status, 2);
  EXPECT_NE(mismatch.error.find("another key"), std::string::npos) << mismatch.error;
  EXPECT_EQ(read_file(module(0)), content(0));
}

TEST_F(Edit, EcdsaSignaturesAreReused) {
  ASSERT_EQ(run_command({"openssl", "req", "-new", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:P-256", "-nodes", "-keyout", key_, "-subj", "/CN=ec",
                         "-out", certificate_})
                .status,
            0);
  const std::string records = folder_ / "records";
  const Ran first = run_assay(sign({"-o", folder_ / "a.ko", "--records", records, module(0)}));
  ASSERT_EQ(first.status, 0);
  EXPECT_NE(first.error.find("differ each time"), std::string::npos);
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "b.ko", module(0)})).status, 0);
  EXPECT_NE(read_file(folder_ / "a.ko"), read_file(folder_ / "b.ko"));
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "c.ko", "--reuse", records, module(0)})).status, 0);
  EXPECT_EQ(read_file(folder_ / "a.ko"), read_file(folder_ / "c.ko"));
  const Ran other =
      run_assay(sign({"-o", folder_ / "d.ko", "--hash", "sha512", "--reuse", records, module(0)}));
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.out.find("sha512"), std::string::npos) << other.out;
  EXPECT_FALSE(fs::exists(folder_ / "d.ko"));
}

// Debian's signing service hands out NAME.sig for each file: here the messages that openssl makes.
TEST_F(Edit, FoldersOfSignaturesAreAttached) {
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "expected", tree()})).status, 0);
  for (int i = 0; i < kModules; ++i) {
    const std::string signature = folder_ / ("signatures/m" + std::to_string(i) + ".ko.sig");
    fs::create_directories(fs::path(signature).parent_path());
    ASSERT_EQ(run_command({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md",
                           "sha256", "-signer", certificate_, "-inkey", key_, "-in", module(i),
                           "-outform", "DER", "-out", signature})
                  .status,
              0);
  }
  // They name no digest: without their certificate nobody knows which file they are of.
  const std::vector<std::string> attach{
      "attach", "--signatures", folder_ / "signatures", "--json", "-o", folder_ / "out", tree()};
  const Ran refused = run_assay(attach);
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.summary()["failed"], kModules);
  EXPECT_FALSE(fs::exists(folder_ / "out/m0.ko"));
  auto unverified = attach;
  unverified.emplace_back("--unverified");
  const Ran warned = run_assay(unverified);
  EXPECT_EQ(warned.status, 0);
  EXPECT_NE(warned.error.find("3 unverified"), std::string::npos) << warned.error;
  auto verified = attach;
  verified.insert(verified.end(), {"--cert", certificate_});
  const Ran ran = run_assay(verified);
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  EXPECT_EQ(ran.error.find("unverified"), std::string::npos);
  EXPECT_EQ(ran.summary()["done"], kModules);
  for (int i = 0; i < kModules; ++i) {
    const std::string name = "m" + std::to_string(i) + ".ko";
    EXPECT_EQ(read_file(folder_ / ("out/" + name)), read_file(folder_ / ("expected/" + name)));
  }
  // Those that are there are not put in once more.
  const Ran again = run_assay(
      {"attach", "--signatures", folder_ / "signatures", "--json", "--in-place", folder_ / "out"});
  EXPECT_EQ(again.status, 0) << again.error << again.out;
  EXPECT_EQ(again.summary()["done"], 0);
  EXPECT_EQ(read_file(folder_ / "out/m0.ko"), read_file(folder_ / "expected/m0.ko"));
  const auto attach_from = [&](const std::string& folder) {
    return run_assay({"attach", "--signatures", folder_ / folder, "--in-place", module(0)}).status;
  };
  EXPECT_EQ(attach_from("none"), 2);
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(attach_from("empty"), 1);
}

// Exchanged, the signatures are of other files.
TEST_F(Edit, SignaturesOfOtherFilesAreRefused) {
  const std::string signature = folder_ / "m0.sig";
  ASSERT_EQ(run_command({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md",
                         "sha256", "-signer", certificate_, "-inkey", key_, "-in", module(0),
                         "-outform", "DER", "-out", signature})
                .status,
            0);
  const auto attach = [&](const std::string& path, std::vector<std::string> more = {}) {
    std::vector<std::string> command{"attach",     "--signature", signature, "--cert",
                                     certificate_, "--in-place",  path};
    command.insert(command.end(), more.begin(), more.end());
    return run_assay(command).status;
  };
  EXPECT_EQ(attach(module(1)), 1);
  EXPECT_EQ(read_file(module(1)), content(1));
  EXPECT_EQ(attach(module(0)), 0);
  const Bytes once = read_file(module(0));
  EXPECT_EQ(attach(module(0)), 1);
  EXPECT_EQ(attach(module(0), {"--replace"}), 0);
  EXPECT_EQ(read_file(module(0)), once);
}

TEST_F(Edit, AFileThatIsNamedTwiceIsEditedOnce) {
  fs::create_symlink(module(0), folder_ / "link.ko");
  const Ran ran = run_assay(sign({"--in-place", "--json", "--records", folder_ / "r", module(0),
                                  folder_ / "tree/../tree/m0.ko", folder_ / "link.ko", tree()}));
  EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
  EXPECT_EQ(ran.summary()["done"], kSigned);
  EXPECT_EQ(std::ranges::count(read_file(folder_ / "r"), '\n'), kSigned);
  // Two destinations are two files.
  const Ran elsewhere = run_assay({"excise", "--discard", "--json", "-o", folder_ / "out/", tree(),
                                   module(0), folder_ / "tree/sub/z.ko.xz"});
  EXPECT_EQ(elsewhere.status, 0) << elsewhere.out << elsewhere.error;
  EXPECT_EQ(elsewhere.summary()["done"], kSigned + 1);
  EXPECT_EQ(read_file(folder_ / "out/z.ko.xz"), read_file(folder_ / "out/sub/z.ko.xz"));
}

// A signing service, which sees digests: what comes out is what the key itself makes.
TEST_F(Edit, CommandsSign) {
  constexpr std::string_view kService = R"(
import subprocess, sys
print(sys.stdin.readline().strip(), flush=True)
for line in sys.stdin:
    kind, number, name, digest = line.split()
    value = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", sys.argv[1], "-pkeyopt", "digest:" + name],
                           input=bytes.fromhex(digest), capture_output=True).stdout
    print("value", number, value.hex(), flush=True)
)";
  write_file(folder_ / "service.py", bytes_of(kService));
  const std::string service = "python3 " + (folder_ / "service.py") + " ";
  ASSERT_EQ(run_assay(sign({"-o", folder_ / "by-key", tree()})).status, 0);
  const Ran ran = run_assay({"sign", "--signer", service + key_, "--cert", certificate_, "-o",
                             folder_ / "by-command", tree()});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  EXPECT_EQ(snapshot(folder_ / "by-command"), snapshot(folder_ / "by-key"));
  // A service with another key than the certificate's is found out.
  ASSERT_EQ(run_command({"openssl", "genrsa", "-out", folder_ / "other.pem", "2048"}).status, 0);
  const Ran wrong = run_assay({"sign", "--signer", service + (folder_ / "other.pem"), "--cert",
                               certificate_, "-o", folder_ / "wrong", module(0)});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.out.find("sign/signer"), std::string::npos) << wrong.out;
  EXPECT_FALSE(fs::exists(folder_ / "wrong"));
}

// security.ima and security.evm can be set by root alone.
TEST_F(Edit, AttributesAreTakenOutAndPutBack) {
  const Bytes value{3, 2, 4, 1, 2, 3, 4, 0, 1, 9};
  const std::string path = module(0);
  if (::setxattr(path.c_str(), "security.ima", value.data(), value.size(), 0) != 0)
    GTEST_FAIL() << "security.ima cannot be set: these tests run as root";
  std::array<std::uint8_t, 64> got{};
  const auto size = [&] {
    return ::getxattr(path.c_str(), "security.ima", got.data(), got.size());
  };
  ASSERT_EQ(run_assay({"excise", "--in-place", "--records", folder_ / "r", path}).status, 0);
  EXPECT_EQ(size(), -1);
  EXPECT_EQ(read_file(path), content(0));
  ASSERT_EQ(run_assay({"attach", "--in-place", "--records", folder_ / "r", path}).status, 0);
  ASSERT_EQ(size(), static_cast<ssize_t>(value.size()));
  EXPECT_TRUE(std::equal(value.begin(), value.end(), got.begin()));
  // Elsewhere they go where they are asked to.
  const auto at = [](const std::string& file, const char* name) {
    return ::getxattr(file.c_str(), name, nullptr, 0);
  };
  ASSERT_EQ(::setxattr(path.c_str(), "user.note", "1", 1, 0), 0);
  fs::permissions(path, fs::perms(0750));
  const std::string out = folder_ / "out.ko";
  write_file(out, Bytes{1});
  ASSERT_EQ(::setxattr(out.c_str(), "user.stale", "1", 1, 0), 0);
  ASSERT_EQ(run_assay(sign({"-o", out, path})).status, 0);
  EXPECT_EQ(at(out, "user.stale"), -1);
  EXPECT_EQ(at(out, "user.note"), -1);
  EXPECT_EQ(at(out, "security.ima"), -1);
  EXPECT_EQ(fs::status(out).permissions(), fs::perms(0750));
  ASSERT_EQ(run_assay({"excise", "--discard", "--keep-xattrs", "-o", out, path}).status, 0);
  EXPECT_EQ(at(out, "user.note"), 1);
  EXPECT_EQ(at(out, "security.ima"), static_cast<ssize_t>(value.size()));
  ASSERT_EQ(run_assay({"excise", "--discard", "-o", out, path}).status, 0);
  EXPECT_EQ(at(out, "security.ima"), -1);
  // A record does not overwrite what it was not made of.
  const Bytes another{4, 4, 1};
  ASSERT_EQ(::setxattr(path.c_str(), "security.ima", another.data(), another.size(), 0), 0);
  EXPECT_EQ(run_assay({"attach", "--in-place", "--records", folder_ / "r", path}).status, 1);
  EXPECT_EQ(size(), static_cast<ssize_t>(another.size()));
}

}  // namespace
}  // namespace assay
