// assay sign --ima beside evmctl: what one signs the other verifies, and RSA values are the same to
// the byte. Where attributes of the security namespace cannot be set, these tests fail.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "base/hex.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

class ImaSignTest : public testing::Test {
 protected:
  void SetUp() override {
    make_key("rsa", {"-newkey", "rsa:2048"});
    make_key("ec", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"});
  }
  void make_key(const std::string& name, const std::vector<std::string>& kind) {
    assay::make_key({at(name + ".key"), at(name + ".pem"), kind, name});
    run({"openssl", "x509", "-in", at(name + ".pem"), "-outform", "DER", "-out",
         at(name + ".der")});
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  std::string file(const std::string& name, const std::string& content = "hello ima\n") {
    write_file(at(name), std::vector<std::uint8_t>(content.begin(), content.end()));
    return at(name);
  }
  static std::string run(const std::vector<std::string>& command) {
    const auto out = run_tool(command);
    return {out.begin(), out.end()};
  }
  static std::string get_xattr(const std::string& path, const std::string& name) {
    std::string text = run({"getfattr", "--only-values", "-n", name, "--absolute-names", path});
    return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  Ran sign(std::vector<std::string> more, const std::string& key = "rsa") const {
    std::vector<std::string> arguments{"sign",           "--ima",  "--key",
                                       at(key + ".key"), "--cert", at(key + ".pem")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Ran ran = run_assay(arguments);
    EXPECT_EQ(ran.status, 0) << ran.error << ran.out;
    return ran;
  }
  TemporaryFolder folder_;
};

TEST_F(ImaSignTest, TheBytesOfEvmctl) {
  for (const char* hash : {"sha1", "sha256", "sha512"}) {
    const std::string ours = file(std::string("ours-") + hash);
    const std::string theirs = file(std::string("theirs-") + hash);
    sign({"--hash", hash, "--in-place", ours});
    run({"evmctl", "ima_sign", "-a", hash, "-k", at("rsa.key"), theirs});
    EXPECT_EQ(get_xattr(ours, "security.ima"), get_xattr(theirs, "security.ima")) << hash;
    EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), ours}).status, 0);
  }
}

TEST_F(ImaSignTest, EvmctlVerifiesEcdsa) {
  const std::string path = file("ec-signed");
  sign({"--hash", "sha256", "--in-place", path}, "ec");
  EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("ec.der"), path}).status, 0);
  EXPECT_NE(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), path}).status, 0);
}

TEST_F(ImaSignTest, PortableSignaturesOfEvm) {
  const std::string ours = file("ours");
  const std::string theirs = file("theirs");
  std::filesystem::permissions(ours, std::filesystem::perms(0755));
  std::filesystem::permissions(theirs, std::filesystem::perms(0755));
  sign({"--evm", "--in-place", ours});
  run({"evmctl", "sign", "-o", "--imasig", "-a", "sha256", "-k", at("rsa.key"), theirs});
  EXPECT_EQ(get_xattr(ours, "security.ima"), get_xattr(theirs, "security.ima"));
  EXPECT_EQ(get_xattr(ours, "security.evm"), get_xattr(theirs, "security.evm"));
  EXPECT_EQ(run_command({"evmctl", "verify", "-k", at("rsa.der"), ours}).status, 0);
}

// security.evm is over what the new file has, whoever had what before.
TEST_F(ImaSignTest, PortableSignaturesOfFilesElsewhere) {
  const std::string from = file("from");
  std::filesystem::permissions(from, std::filesystem::perms(0750));
  ASSERT_EQ(::chown(from.c_str(), 12345, 12346), 0);
  // VFS_CAP_REVISION_2: CAP_NET_RAW.
  const std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  ASSERT_EQ(
      ::setxattr(from.c_str(), "security.capability", capability.data(), capability.size(), 0), 0);
  for (const bool keeps : {false, true}) {
    SCOPED_TRACE(keeps);
    const std::string to = file("to", "what was there");
    ASSERT_EQ(
        ::setxattr(to.c_str(), "security.capability", capability.data(), capability.size(), 0), 0);
    std::vector<std::string> options{"--evm", "-o", to, from};
    if (keeps) options.emplace_back("--keep-xattrs");
    sign(options);
    EXPECT_EQ(run_command({"evmctl", "verify", "-k", at("rsa.der"), to}).status, 0);
    EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), to}).status, 0);
    EXPECT_EQ(::getxattr(to.c_str(), "security.capability", nullptr, 0), keeps ? 20 : -1);
  }
}

TEST_F(ImaSignTest, WhatIsBesideTheFileIsReplacedOnlyWhereAsked) {
  const std::string path = file("a");
  file("a.sig", "somebody's");
  const std::vector<std::string> command{"sign",        "--ima",       "--sidecar",
                                         "--key",       at("rsa.key"), "--cert",
                                         at("rsa.pem"), "--in-place",  path};
  const Ran refused = run_assay(command);
  EXPECT_EQ(refused.status, 1) << refused.error;
  EXPECT_NE(refused.out.find("sign/already-signed"), std::string::npos) << refused.out;
  EXPECT_EQ(read_file(path + ".sig").size(), 10U);
  auto replace = command;
  replace.emplace_back("--replace");
  EXPECT_EQ(run_assay(replace).status, 0);
  EXPECT_EQ(read_file(path + ".sig")[0], 3);
}

TEST_F(ImaSignTest, BesideTheFile) {
  const std::string ours = file("ours");
  const std::string theirs = file("theirs");
  sign({"--sidecar", "--in-place", ours});
  run({"evmctl", "ima_sign", "-f", "-n", "-a", "sha256", "-k", at("rsa.key"), theirs});
  EXPECT_EQ(read_file(ours + ".sig"), read_file(theirs + ".sig"));
  EXPECT_EQ(read_file(ours).size(), 10U);
  EXPECT_NE(run_command({"getfattr", "-n", "security.ima", ours}).status, 0) << "the file stays";
  std::filesystem::create_directories(at("folder/sub"));
  file("folder/a");
  file("folder/sub/b");
  sign({"--sidecar", "--all", "-o", at("signatures"), at("folder")});
  EXPECT_EQ(read_file(at("signatures/a.sig")), read_file(theirs + ".sig"));
  EXPECT_EQ(read_file(at("signatures/sub/b.sig")), read_file(theirs + ".sig"));
}

TEST_F(ImaSignTest, Version3) {
  const std::string path = file("v3");
  sign({"--ima-version", "3", "--in-place", path});
  const std::string xattr = get_xattr(path, "security.ima");
  EXPECT_EQ(xattr.substr(0, 6), "030304");
  // struct ima_file_id: type, algorithm, digest (security/integrity/integrity.h, 7.2).
  const std::string digest = run({"openssl", "dgst", "-sha256", "-binary", path});
  file("id", std::string("\x03\x04", 2) + digest);
  const std::string value = run({"openssl", "dgst", "-sha256", "-sign", at("rsa.key"), at("id")});
  EXPECT_EQ(xattr.substr(18),
            to_hex(std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size())));
}

TEST_F(ImaSignTest, ASignatureIsReplacedOnlyWhereAsked) {
  const std::string path = file("twice");
  run({"evmctl", "ima_hash", "-a", "sha256", path});
  sign({"--in-place", path});  // a digest is replaced
  const std::string first = get_xattr(path, "security.ima");
  const Ran again = run_assay(
      {"sign", "--ima", "--key", at("ec.key"), "--cert", at("ec.pem"), "--in-place", path});
  EXPECT_EQ(again.status, 1) << again.error;
  EXPECT_EQ(get_xattr(path, "security.ima"), first);
  sign({"--replace", "--in-place", path}, "ec");
  EXPECT_NE(get_xattr(path, "security.ima"), first);
  EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("ec.der"), path}).status, 0);
}

// The file stays the file it was: only its attribute is another.
TEST_F(ImaSignTest, FilesAreSignedWhereTheyLie) {
  std::filesystem::create_directories(at("folder"));
  const std::string path = file("folder/a");
  const auto inode = [](const std::string& name) {
    struct stat status{};
    EXPECT_EQ(::stat(name.c_str(), &status), 0);
    return status.st_ino;
  };
  const auto before = inode(path);
  std::filesystem::create_symlink("a", at("folder/link"));
  sign({"--all", "--records", at("records"), "--in-place", at("folder")});
  EXPECT_EQ(inode(path), before);
  EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), path}).status, 0);
  // The record leads back.
  const Ran undone =
      run_assay({"excise", "--original", at("records"), "--discard", "--in-place", at("folder")});
  EXPECT_EQ(undone.status, 0) << undone.error << undone.out;
  EXPECT_EQ(::getxattr(path.c_str(), "security.ima", nullptr, 0), -1);
  EXPECT_EQ(inode(path), before);
  // Through a link that was given itself.
  sign({"--in-place", at("folder/link")});
  EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), path}).status, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(at("folder/link")));
  EXPECT_EQ(inode(path), before);
}

// An attribute is of the file, not of one of its names.
TEST_F(ImaSignTest, AFileIsSignedByAllItsNamesAndCountedOnce) {
  std::filesystem::create_directory(at("names"));
  const std::string path = file("names/a");
  for (const char* name : {"names/b", "names/c"}) std::filesystem::create_hard_link(path, at(name));
  const std::string alone = file("names/d");
  const Ran signed_all = sign({"--all", "--json", "--in-place", at("names")});
  EXPECT_EQ(signed_all.summary()["done"], 2) << signed_all.out;
  EXPECT_EQ(signed_all.summary()["unchanged"], 2) << signed_all.out;
  EXPECT_EQ(signed_all.summary()["failed"], 0) << signed_all.out;
  for (const char* name : {"names/a", "names/b", "names/c", "names/d"})
    EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), at(name)}).status, 0);
  EXPECT_EQ(std::filesystem::hard_link_count(path), 3U);
  // Content and two attributes go by replacing the file, which its other names would not see.
  const Ran refused = run_assay({"sign", "--ima", "--evm", "--replace", "--key", at("rsa.key"),
                                 "--cert", at("rsa.pem"), "--in-place", path});
  EXPECT_EQ(refused.status, 2) << refused.out;
  EXPECT_NE((refused.out + refused.error).find("3 names"), std::string::npos) << refused.out;
}

TEST_F(ImaSignTest, NamesThatAreToBeSeparatedAreSignedApart) {
  const std::string path = file("a");
  std::filesystem::create_hard_link(path, at("b"));
  sign({"--break-hard-links", "--in-place", path});
  EXPECT_EQ(run_command({"evmctl", "ima_verify", "-k", at("rsa.der"), path}).status, 0);
  EXPECT_EQ(::getxattr(at("b").c_str(), "security.ima", nullptr, 0), -1);
}

// What evmctl signs is the value that openssl cms signs; the message is verified by openssl.
TEST_F(ImaSignTest, ConvertedWithoutTheKey) {
  const std::string path = file("converted");
  run({"evmctl", "ima_sign", "-a", "sha256", "-k", at("rsa.key"), path});
  const std::string attribute = get_xattr(path, "security.ima");
  const Ran appended = run_assay(
      {"ima", "convert", "--to", "appended", "--cert", at("rsa.pem"), "--in-place", path});
  ASSERT_EQ(appended.status, 0) << appended.error;
  EXPECT_NE(run_command({"getfattr", "-n", "security.ima", path}).status, 0);
  const auto bytes = read_file(path);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_TRUE(text.starts_with("hello ima\n"));
  ASSERT_TRUE(text.ends_with("~Module signature appended~\n"));
  constexpr std::size_t kTrailer = 40;
  file("message", text.substr(10, text.size() - 10 - kTrailer));
  run({"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", at("message"), "-content",
       file("content"), "-certfile", at("rsa.pem"), "-CAfile", at("rsa.pem"), "-purpose", "any",
       "-out", "/dev/null"});
  const Ran back =
      run_assay({"ima", "convert", "--to", "xattr", "--cert", at("rsa.pem"), "--in-place", path});
  ASSERT_EQ(back.status, 0) << back.error;
  EXPECT_EQ(get_xattr(path, "security.ima"), attribute);
  EXPECT_EQ(read_file(path).size(), 10U);
  // Another certificate's, and changed content.
  make_key("other", {"-newkey", "rsa:2048"});
  EXPECT_EQ(run_assay({"ima", "convert", "--to", "appended", "--cert", at("other.pem"), "--dry-run",
                       "--in-place", path})
                .status,
            1);
  EXPECT_EQ(run_assay({"ima", "convert", "--to", "xattr", "--cert", at("rsa.pem"), "--dry-run",
                       "--in-place", path})
                .status,
            1);
}

}  // namespace
}  // namespace assay
