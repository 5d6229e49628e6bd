// Signing where the key never comes: sign --prepare and attach --answers, and Debian's files.json.
// openssl(1) has the key.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/hex.h"
#include "bytes/view.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

const std::string kImage = "tests/cases/pe/artifacts/unsigned.efi";

class TwoSteps : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("SOURCE_DATE_EPOCH", "1782864000", 1);
    make_key({.key = key_, .certificate = certificate_});
    for (int i = 0; i < 3; ++i)
      write_file(folder_ / ("tree/m" + std::to_string(i) + ".ko"),
                 Bytes(5000, static_cast<std::uint8_t>('a' + i)));
    write_file(folder_ / "tree/modules.order", Bytes{'x'});
    const Finished xz = run_command({"xz", "--check=crc32", "-c"}, Bytes(9000, 'z'));
    write_file(folder_ / "tree/sub/z.ko.xz", xz.out);
    write_file(folder_ / "tree/boot/vmlinuz", read_file(kImage));
  }
  void TearDown() override { ::unsetenv("SOURCE_DATE_EPOCH"); }

  Bytes openssl(std::vector<std::string> arguments, const Bytes& input = {}) {
    arguments.insert(arguments.begin(), "openssl");
    return run_tool(arguments, input);
  }
  Ran sign_at_once(const std::string& out, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"sign",       "--key", key_,          "--cert",
                                        certificate_, "-o",    folder_ / out, tree_};
    command.insert(command.end(), more.begin(), more.end());
    return run_assay(command);
  }
  Ran prepare(std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"sign",   "--prepare",  requests_,
                                        "--cert", certificate_, tree_};
    command.insert(command.end(), more.begin(), more.end());
    return run_assay(command);
  }
  Json read_requests() {
    const Bytes text = read_file(requests_);
    return Json::parse(std::string(text.begin(), text.end()));
  }
  void write_requests(const Json& json) { write_file(requests_, bytes_of(json.dump())); }
  // What whoever has the key does.
  void answer() {
    Json json = read_requests();
    for (Json& request : json["requests"]) {
      const auto digest = from_hex(request["digest"].get<std::string>());
      ASSERT_TRUE(digest);
      const Bytes value = openssl({"pkeyutl", "-sign", "-inkey", key_, "-pkeyopt",
                                   "digest:" + request["hash"].get<std::string>()},
                                  *digest);
      request["value"] = to_hex(value);
    }
    write_requests(json);
  }
  Ran attach(const std::string& out, const std::string& path) {
    return run_assay({"attach", "--answers", requests_, "-o", folder_ / out, path});
  }
  // The file is not attached to, and stays as it is.
  void refused(const std::string& name, int status, const char* reason) {
    const std::string path = tree_ + '/' + name;
    const Bytes before = read_file(path);
    const Ran ran = run_assay({"attach", "--answers", requests_, "--in-place", path});
    EXPECT_EQ(ran.status, status) << ran.out << ran.error;
    EXPECT_NE((ran.out + ran.error).find(reason), std::string::npos) << ran.out << ran.error;
    EXPECT_TRUE(read_file(path) == before);
  }

  TemporaryFolder folder_;
  std::string tree_ = folder_ / "tree";
  std::string key_ = folder_ / "key.pem";
  std::string certificate_ = folder_ / "cert.pem";
  std::string requests_ = folder_ / "requests.json";
};

TEST_F(TwoSteps, MakeWhatSigningAtOnceMakes) {
  const std::vector<std::vector<std::string>> ways = {
      {},
      {"--hash", "sha512"},
      {"--attributes", "--with-certificate"},
      {"--key-identifier", "--without-certificate"},
      {"--appended", "--all"},
  };
  for (std::size_t i = 0; i < ways.size(); ++i) {
    SCOPED_TRACE(i);
    const std::string number = std::to_string(i);
    ASSERT_EQ(sign_at_once("direct" + number, ways[i]).status, 0);
    const auto bare = snapshot(tree_);
    const Ran prepared = prepare(ways[i]);
    ASSERT_EQ(prepared.status, 0) << prepared.error << prepared.out;
    EXPECT_TRUE(snapshot(tree_) == bare);
    answer();
    // The time of the first step counts.
    ::setenv("SOURCE_DATE_EPOCH", "1", 1);
    const Ran attached = attach("attached" + number, tree_);
    ::setenv("SOURCE_DATE_EPOCH", "1782864000", 1);
    ASSERT_EQ(attached.status, 0) << attached.error << attached.out;
    EXPECT_TRUE(snapshot(folder_ / ("attached" + number)) ==
                snapshot(folder_ / ("direct" + number)));
  }
}

// The value of security.ima, hexadecimal.
std::string ima_of(const std::string& path) {
  const Bytes value = run_tool(
      {"getfattr", "--absolute-names", "--only-values", "-e", "hex", "-n", "security.ima", path});
  return to_hex(value);
}

TEST_F(TwoSteps, MakeTheSecurityImaOfSigningAtOnce) {
  for (const std::vector<std::string>& way :
       {std::vector<std::string>{"--ima"},
        {"--ima", "--ima-version", "3", "--hash", "sha512", "--all"}}) {
    SCOPED_TRACE(way.size());
    const std::string number = std::to_string(way.size());
    ASSERT_EQ(sign_at_once("direct" + number, way).status, 0);
    const Ran prepared = prepare(way);
    ASSERT_EQ(prepared.status, 0) << prepared.error << prepared.out;
    EXPECT_EQ(read_requests()["requests"].size(), way.size() == 1 ? 5U : 6U);
    // Without an answer, nothing.
    refused("m0.ko", 1, "there is no answer");
    answer();
    const Ran attached = attach("attached" + number, tree_);
    ASSERT_EQ(attached.status, 0) << attached.error << attached.out;
    const auto files = snapshot(folder_ / ("attached" + number));
    EXPECT_EQ(files, snapshot(folder_ / ("direct" + number)));
    for (const auto& [name, bytes] : files)
      EXPECT_EQ(ima_of(folder_ / ("attached" + number + '/' + name)),
                ima_of(folder_ / ("direct" + number + '/' + name)))
          << name;
  }
  // evmctl agrees about the last of version 2.
  run_tool({"openssl", "x509", "-in", certificate_, "-outform", "DER", "-out", folder_ / "c.der"});
  run_tool({"evmctl", "ima_verify", "--key", folder_ / "c.der", folder_ / "attached1/m1.ko"});
}

// Of a compressed module the file as it is stored is signed.
TEST_F(TwoSteps, ImaAnswersAreOfTheStoredFile) {
  ASSERT_EQ(prepare({"--ima"}).status, 0);
  answer();
  write_file(tree_ + "/sub/z.ko.xz",
             run_tool({"xz", "-9e", "--check=crc32", "-c"}, Bytes(9000, 'z')));
  refused("sub/z.ko.xz", 1, "the file asks for");
  // What has a signature is not asked about.
  ASSERT_EQ(sign_at_once("signed", {"--ima"}).status, 0);
  const Ran again = run_assay(
      {"sign", "--prepare", requests_, "--ima", "--cert", certificate_, folder_ / "signed/m0.ko"});
  EXPECT_EQ(again.status, 1) << again.out << again.error;
}

// The digest of a module is that of its content; of an image, that of its signed attributes.
TEST_F(TwoSteps, RequestsSayWhatIsSigned) {
  ASSERT_EQ(prepare().status, 0);
  const Json json = read_requests();
  ASSERT_EQ(json["requests"].size(), 5U);
  const auto sha256 = [&](const Bytes& bytes) {
    const Bytes text = openssl({"dgst", "-sha256", "-r"}, bytes);
    return std::string(text.begin(), text.begin() + 64);
  };
  for (const Json& request : json["requests"]) {
    const std::string name = request["name"];
    SCOPED_TRACE(name);
    EXPECT_EQ(request["value"], "");
    if (name == "boot/vmlinuz") {
      EXPECT_EQ(request["carrier"], "pe");
      EXPECT_EQ(request["digest"], sha256(*from_hex(request["attributes"].get<std::string>())));
      EXPECT_EQ(request["content"]["sha256"], sha256(read_file(kImage)));
    } else {
      const Bytes content =
          name == "sub/z.ko.xz" ? Bytes(9000, 'z') : read_file(tree_ + '/' + name);
      EXPECT_EQ(request["carrier"], "appended");
      EXPECT_EQ(request["digest"], sha256(content));
      EXPECT_EQ(request["attributes"], "");
    }
  }
}

TEST_F(TwoSteps, AnswersOverOtherDigestsAreRefused) {
  ASSERT_EQ(prepare().status, 0);
  refused("m0.ko", 1, "there is no answer");
  answer();
  const Json good = read_requests();
  const auto change = [&](auto how) {
    Json json = good;
    how(json);
    write_requests(json);
  };
  // Of m0.ko, by the names' order.
  constexpr std::size_t kFirst = 1;
  change([](Json& json) { std::swap(json["requests"][1]["value"], json["requests"][2]["value"]); });
  refused("m0.ko", 1, "no signature of sha256");
  change([](Json& json) {
    for (const char* key : {"digest", "value"})
      std::swap(json["requests"][1][key], json["requests"][2][key]);
  });
  refused("m0.ko", 1, "the answer is over");
  change([](Json& json) { json["requests"][kFirst]["value"] = "00"; });
  refused("m0.ko", 1, "no signature of sha256");
  change([](Json& json) { json["options"]["hash"] = "sha512"; });
  refused("m0.ko", 1, "the answer is over");
  change([](Json& json) { json["options"]["time"] = 1; });
  refused("boot/vmlinuz", 1, "the answer is over");  // of the image, whose attributes have the time
  change([](Json& json) { json["requests"][kFirst].erase("digest"); });
  refused("m0.ko", 2, "digest is missing");
  change([](Json& json) { json["requests"][kFirst]["digest"] = "00"; });
  refused("m0.ko", 2, "has not 32 bytes");
  change([](Json& json) { json["more"] = 1; });
  refused("m0.ko", 2, "not known");
  change([](Json& json) { json["certificate"] = "00"; });
  refused("m0.ko", 2, "certificate");
  write_file(requests_, bytes_of("{"));
  refused("m0.ko", 2, "not JSON");
}

// What becomes of signatures that are there is said by whom the files belong to.
TEST_F(TwoSteps, AnswersDoNotDecideThatSignaturesGo) {
  ASSERT_EQ(sign_at_once("signed", {}).status, 0);
  fs::remove_all(tree_);
  fs::rename(folder_ / "signed", tree_);
  for (const char* way : {"replace", "add"}) {
    SCOPED_TRACE(way);
    const std::string option = std::string("--") + way;
    ASSERT_EQ(prepare({option}).status, 0);
    answer();
    refused("m0.ko", 1, "the answers are for --");
    const Ran told = run_assay({"attach", "--answers", requests_, option, "-o",
                                folder_ / ("told-" + std::string(way)), tree_});
    EXPECT_EQ(told.status, 0) << told.out << told.error;
    Json json = read_requests();
    json["options"]["existing"] = "refuse";
    write_requests(json);
    refused("m0.ko", 1, "is signed already");
  }
}

TEST_F(TwoSteps, DoubledAnswersAreOneAnswerInAnyOrder) {
  ASSERT_EQ(prepare().status, 0);
  answer();
  const Json good = read_requests();
  const auto attach_with = [&](const Json& more, bool is_first, const std::string& out) {
    Json json = good;
    Json& list = json["requests"];
    list.insert(is_first ? list.begin() : list.end(), more);
    write_requests(json);
    return attach(out, tree_);
  };
  ASSERT_EQ(attach("once", tree_).status, 0);
  constexpr std::size_t kFirst = 1;  // of m0.ko
  Json twice = good["requests"][kFirst];
  Json empty = twice;
  empty["value"] = "";
  Json other = twice;
  other["value"] = good["requests"][kFirst + 1]["value"];
  other["name"] = "another.ko";
  for (const bool is_first : {true, false}) {
    const std::string order = is_first ? "-first" : "-last";
    EXPECT_EQ(attach_with(twice, is_first, "twice" + order).status, 0);
    EXPECT_TRUE(snapshot(folder_ / ("twice" + order)) == snapshot(folder_ / "once"));
    EXPECT_EQ(attach_with(empty, is_first, "empty" + order).status, 0);
    EXPECT_TRUE(snapshot(folder_ / ("empty" + order)) == snapshot(folder_ / "once"));
    const Ran ran = attach_with(other, is_first, "other" + order);
    EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
    EXPECT_NE(ran.error.find("two answers over one content differ"), std::string::npos)
        << ran.error;
    EXPECT_FALSE(fs::exists(folder_ / ("other" + order)));
  }
}

TEST_F(TwoSteps, FilesThatChangedGetNoAnswer) {
  ASSERT_EQ(prepare().status, 0);
  answer();
  const std::string module = tree_ + "/m0.ko";
  write_file(module, Bytes(5000, 'x'));
  const Ran ran = attach("out.ko", module);
  EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
  EXPECT_NE(ran.out.find("no answer is of this content"), std::string::npos) << ran.out;
  EXPECT_FALSE(fs::exists(folder_ / "out.ko"));
  // A file that was signed in between, too.
  ASSERT_EQ(run_assay({"attach", "--answers", requests_, "--in-place", tree_ + "/m1.ko"}).status,
            0);
  EXPECT_EQ(run_assay({"attach", "--answers", requests_, "--in-place", tree_ + "/m1.ko"}).status,
            1);
}

// Each of these would leave files unsigned, or signed by somebody else, and end well.
TEST_F(TwoSteps, NothingIsPassedOverInSilence) {
  ASSERT_EQ(prepare().status, 0);
  answer();
  const Json asked = read_requests();
  const Bytes changed(5000, 'x');
  write_file(tree_ + "/m0.ko", changed);
  const Ran ran = run_assay({"attach", "--answers", requests_, "--in-place", tree_});
  EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
  EXPECT_NE(ran.out.find("no answer is of this content"), std::string::npos) << ran.out;
  EXPECT_NE(ran.error.find("1 of 5 answers found no file"), std::string::npos) << ran.error;
  EXPECT_TRUE(read_file(tree_ + "/m0.ko") == changed);
  EXPECT_GT(fs::file_size(tree_ + "/m1.ko"), 5000U);

  Json none = asked;
  none["requests"] = Json::array({asked["requests"][0]});
  none["requests"][0]["name"] = "elsewhere.ko";
  write_requests(none);
  const Ran lost = run_assay({"attach", "--answers", requests_, "--in-place", tree_ + "/sub"});
  EXPECT_NE(lost.error.find("1 of 1 answers found no file"), std::string::npos) << lost.error;
}

TEST_F(TwoSteps, AnswersAreOfTheCertificateThatIsGiven) {
  const std::string other = folder_ / "other.pem";
  make_key({.key = folder_ / "other.key", .certificate = other});
  ASSERT_EQ(prepare().status, 0);
  answer();
  const std::string module = tree_ + "/m0.ko";
  const auto attach_by = [&](const std::string& certificate) {
    return run_assay(
        {"attach", "--answers", requests_, "--cert", certificate, "--in-place", module});
  };
  const Bytes before = read_file(module);
  const Ran ran = attach_by(other);
  EXPECT_EQ(ran.status, 1) << ran.error;
  EXPECT_NE(ran.error.find("no --cert"), std::string::npos) << ran.error;
  EXPECT_TRUE(read_file(module) == before);
  EXPECT_EQ(attach_by(certificate_).status, 0);
}

TEST_F(TwoSteps, CertificatesOfAnswersAreCertificatesAndNothingElse) {
  ASSERT_EQ(prepare({"--with-certificate"}).status, 0);
  answer();
  const Json good = read_requests();
  for (const char* chain : {"00", "300adeadbeef"}) {
    Json bad = good;
    bad["chain"] = Json::array({chain});
    write_requests(bad);
    refused("m0.ko", 2, "certificate");
  }
  Json longer = good;
  longer["certificate"] = good["certificate"].get<std::string>() + "00";
  write_requests(longer);
  refused("m0.ko", 2, "certificate");
}

TEST_F(TwoSteps, PreparationDoesNotReplaceWhatIsNoPreparation) {
  const std::string module = tree_ + "/m0.ko";
  const Bytes before = read_file(module);
  EXPECT_EQ(run_assay({"sign", "--prepare", module, "--cert", certificate_, tree_}).status, 2);
  EXPECT_TRUE(read_file(module) == before);
  EXPECT_EQ(run_assay({"sign", "--prepare", "/dev/null", "--cert", certificate_, tree_}).status, 2);
  EXPECT_EQ(prepare().status, 0);
  EXPECT_EQ(prepare().status, 0);
}

TEST_F(TwoSteps, UsageIsComplete) {
  const auto usage = [&](std::vector<std::string> arguments) {
    const Ran ran = run_assay(std::move(arguments));
    EXPECT_EQ(ran.status, 2) << ran.out;
    EXPECT_FALSE(fs::exists(requests_));
    return ran.error;
  };
  usage({"sign", "--prepare", requests_, tree_});
  usage({"sign", "--prepare", requests_, "--cert", certificate_, "--key", key_, tree_});
  usage({"sign", "--prepare", requests_, "--cert", certificate_, "--in-place", tree_});
  usage({"sign", "--prepare", requests_, "--cert", certificate_, "--ima", "--evm", tree_});
  usage({"sign", "--prepare", requests_, "--cert", certificate_, "--ima", "--sidecar", tree_});
  usage({"attach", "--answers", requests_, tree_});
  usage({"attach", "--answers", requests_, "--unverified", "--in-place", tree_});
  EXPECT_EQ(run_assay({"sign", "--prepare", requests_, "--cert", certificate_, "--dry-run", tree_})
                .status,
            0);
  EXPECT_FALSE(fs::exists(requests_));
}

class DebianFiles : public TwoSteps {
 protected:
  void SetUp() override {
    TwoSteps::SetUp();
    fs::create_directories(folder_ / "debian");
    fs::rename(tree_, package());
    write_files(kFiles);
  }
  std::string package() { return folder_ / "debian/linux-image-1-unsigned"; }
  void write_files(std::string_view text) { write_file(files_, bytes_of(text)); }
  Ran sign(std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"sign",      "--debian-files",  files_,       "--key",
                                        key_,        "--cert",          certificate_, "-o",
                                        signatures_, folder_ / "debian"};
    command.insert(command.end(), more.begin(), more.end());
    return run_assay(command);
  }
  void refused(int status, const char* reason) {
    const Ran ran = sign();
    EXPECT_EQ(ran.status, status) << ran.out << ran.error;
    EXPECT_NE((ran.out + ran.error).find(reason), std::string::npos) << ran.out << ran.error;
    EXPECT_FALSE(fs::exists(signatures_));
  }

  static constexpr std::string_view kFiles = R"({"packages": {"linux-image-1-unsigned": {
      "trusted_certs": [],
      "files": [{"sig_type": "efi", "file": "boot/vmlinuz"},
                {"sig_type": "linux-module", "file": "m0.ko"},
                {"sig_type": "linux-module", "file": "sub/z.ko.xz"}]}}})";
  std::string files_ = folder_ / "files.json";
  std::string signatures_ = folder_ / "signatures";
};

TEST_F(DebianFiles, WhatIsListedIsSignedOrNamed) {
  fs::create_directories(folder_ / "elsewhere");
  fs::rename(package() + "/sub", folder_ / "elsewhere/sub");
  fs::create_directory_symlink(folder_ / "elsewhere/sub", package() + "/sub");
  refused(2, "sub/z.ko.xz");
  fs::remove(package() + "/sub");
  // Names that writing files has for itself are walked past.
  fs::create_directories(package() + "/sub");
  write_file(package() + "/sub/.assay-z.ko", Bytes(100, 'z'));
  std::string text(kFiles);
  text.replace(text.find("z.ko.xz"), 7, ".assay-z.ko");
  write_files(text);
  const Ran ran = sign();
  EXPECT_EQ(ran.status, 2) << ran.out << ran.error;
  EXPECT_NE(ran.error.find("sub/.assay-z.ko"), std::string::npos) << ran.error;
}

TEST_F(DebianFiles, SignaturesThatFindNoFileAreCounted) {
  ASSERT_EQ(sign().status, 0);
  const auto attach_from = [&](const std::string& signatures) {
    return run_assay({"attach", "--signatures", signatures, "--cert", certificate_, "--in-place",
                      folder_ / "debian"});
  };
  EXPECT_EQ(attach_from(folder_ / "mistyped").status, 2);
  fs::remove(package() + "/m0.ko");
  const Ran ran = attach_from(signatures_);
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_NE(ran.error.find("1 of 3 signatures found no file"), std::string::npos) << ran.error;
}

TEST_F(DebianFiles, SignaturesGoThereAndBack) {
  const Ran ran = sign();
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  const auto made = snapshot(signatures_);
  ASSERT_EQ(made.size(), 3U);
  const std::string below = "linux-image-1-unsigned/";
  ASSERT_TRUE(made.contains(below + "boot/vmlinuz.sig"));
  ASSERT_TRUE(made.contains(below + "sub/z.ko.xz.sig"));
  // What openssl makes of the module, byte for byte.
  const Bytes message =
      openssl({"cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256", "-signer",
               certificate_, "-inkey", key_, "-outform", "DER", "-in", package() + "/m0.ko"});
  EXPECT_EQ(made.at(below + "m0.ko.sig"), message);

  ASSERT_EQ(run_assay({"attach", "--signatures", signatures_, "--cert", certificate_, "-o",
                       folder_ / "attached", folder_ / "debian"})
                .status,
            0);
  tree_ = folder_ / "debian";
  ASSERT_EQ(sign_at_once("direct").status, 0);
  const auto direct = snapshot(folder_ / "direct");
  const auto attached = snapshot(folder_ / "attached");
  ASSERT_EQ(attached.size(), 3U);
  for (const auto& [name, file] : attached) EXPECT_EQ(file, direct.at(name)) << name;

  // What rules.real of linux-signed-amd64 does.
  write_file(folder_ / "image", read_file(kImage));
  const Finished sbattach = run_command(
      {"sbattach", "--attach", signatures_ + '/' + below + "boot/vmlinuz.sig", folder_ / "image"});
  ASSERT_EQ(sbattach.status, 0) << sbattach.error;
  const Finished verified = run_command({"sbverify", "--cert", certificate_, folder_ / "image"});
  EXPECT_EQ(verified.status, 0) << verified.error;
}

TEST_F(DebianFiles, WhatIsWrongIsSaidAndNothingWritten) {
  const auto with = [&](std::string_view trusted, std::string_view type, std::string_view file) {
    write_files(std::string(R"({"packages": {"linux-image-1-unsigned": {"trusted_certs": [)") +
                std::string(trusted) + R"(], "files": [{"sig_type": ")" + std::string(type) +
                R"(", "file": ")" + std::string(file) + R"("}]}}})");
  };
  with("", "efi", "boot/missing");
  refused(2, "boot/missing");
  with("", "efi", "../linux-image-1-unsigned/m0.ko");
  refused(2, "not a path");
  with("", "efi", "/etc/passwd");
  refused(2, "not a path");
  with("", "gpg", "m0.ko");
  refused(2, "sig_type");
  with("", "efi", "m0.ko");
  refused(1, "no PE image");
  with("\"00\"", "efi", "boot/vmlinuz");
  refused(2, "no SHA-256");
  write_files("{}");
  refused(2, "packages is missing");
  write_files("[");
  refused(2, "not JSON");
  // A certificate that the image would trust must be among those that may be.
  const Bytes der = openssl({"x509", "-in", certificate_, "-outform", "DER"});
  const Bytes digest = openssl({"dgst", "-sha256", "-r"}, der);
  with('"' + std::string(digest.begin(), digest.begin() + 64) + '"', "efi", "boot/vmlinuz");
  refused(1, "trusts a certificate");
  EXPECT_EQ(sign({"--trusted-certs", certificate_}).status, 0);
}

}  // namespace
}  // namespace assay
