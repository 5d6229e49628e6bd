// assay verify and inspect on security.ima and security.evm, as evmctl, tar and openssl write them.
// Where attributes of the security namespace cannot be set, these tests fail.

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

class ImaRecordsTest : public testing::Test {
 protected:
  void SetUp() override {
    make_key("rsa", {"-newkey", "rsa:2048"}, "ima key");
    make_key("other", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"}, "other key");
  }
  void make_key(const std::string& name, const std::vector<std::string>& kind,
                const std::string& subject) {
    assay::make_key({at(name + ".key"), at(name + ".pem"), kind, subject});
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
  void evmctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "evmctl");
    run(arguments);
  }
  static void set_xattr(const std::string& path, const std::string& name, const std::string& hex) {
    run({"setfattr", "-n", name, "-v", "0x" + hex, path});
  }
  static std::string get_xattr(const std::string& path, const std::string& name) {
    std::string text = run({"getfattr", "--only-values", "-n", name, "--absolute-names", path});
    return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  // The status, and the object.
  Json verify(const std::string& path, const std::string& trust = "rsa.pem") const {
    const Ran ran = run_assay({"verify", "--json", "--trust", at(trust), path});
    EXPECT_EQ(ran.lines().size(), 2U) << ran.error << ran.out;
    return ran.lines()[0];
  }
  TemporaryFolder folder_;
};

TEST_F(ImaRecordsTest, WhatEvmctlSigns) {
  const std::string path = file("signed");
  evmctl({"ima_sign", "-a", "sha256", "-k", at("rsa.key"), path});
  const Json good = verify(path);
  EXPECT_EQ(good["status"], "verified") << good;
  EXPECT_EQ(good["trust"]["name"], "ima key");
  ASSERT_EQ(good["signatures"].size(), 1U);
  EXPECT_EQ(good["signatures"][0]["carrier"], "xattr");
  EXPECT_EQ(good["signatures"][0]["record"], "security.ima");
  EXPECT_EQ(good["signatures"][0]["signer"], "ima key");
  EXPECT_EQ(good["signatures"][0]["hash"], "sha256");
  const std::string xattr = get_xattr(path, "security.ima");
  EXPECT_EQ(good["signatures"][0]["key_identifier"], xattr.substr(6, 8));
  EXPECT_EQ(verify(path, "other.pem")["status"], "untrusted");
  const Ran nobody = run_assay({"verify", "--json", path});
  EXPECT_EQ(nobody.lines()[0]["status"], "undetermined") << nobody.out;
  EXPECT_EQ(nobody.status, 2);

  const std::string changed = file("changed", "hello IMA\n");
  set_xattr(changed, "security.ima", xattr);
  const Json bad = verify(changed);
  EXPECT_EQ(bad["status"], "bad") << bad;
  EXPECT_EQ(bad["reason"]["errno"], "EKEYREJECTED");
  // rpm before 4.18 padded signatures with zeros (rpm, issue 1833); the kernel counts the bytes.
  const std::string padded = file("padded");
  set_xattr(padded, "security.ima", xattr + "00");
  EXPECT_EQ(verify(padded)["status"], "malformed");
  EXPECT_EQ(verify(padded)["reason"]["errno"], "EBADMSG");
}

TEST_F(ImaRecordsTest, EveryDigestAndCurveOfEvmctl) {
  make_key("p256", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"}, "p256");
  make_key("p384", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"}, "p384");
  struct Row {
    const char* key;
    const char* hash;
  };
  const Row rows[] = {{"rsa", "sha1"},    {"rsa", "sha224"},  {"rsa", "sha384"},
                      {"rsa", "sha512"},  {"p256", "sha256"}, {"p256", "sha512"},
                      {"p384", "sha384"}, {"p384", "sha256"}};
  for (const Row& row : rows) {
    const std::string path = file(std::string(row.key) + row.hash);
    evmctl({"ima_sign", "-a", row.hash, "-k", at(row.key + std::string(".key")), path});
    const Json json = verify(path, row.key + std::string(".pem"));
    EXPECT_EQ(json["status"], "verified") << row.key << row.hash << json;
    EXPECT_EQ(json["signatures"][0]["hash"], row.hash);
  }
}

TEST_F(ImaRecordsTest, AFileBesideTheFile) {
  const std::string path = file("plain");
  run({"evmctl", "ima_sign", "-f", "-n", "-a", "sha256", "-k", at("rsa.key"), path});
  ASSERT_TRUE(std::filesystem::exists(path + ".sig"));
  const Json json = verify(path);
  EXPECT_EQ(json["status"], "verified") << json;
  EXPECT_EQ(json["signatures"][0]["carrier"], "detached");
  EXPECT_EQ(json["signatures"][0]["record"], path + ".sig");
  // A folder has one artifact: the file, not its signature.
  std::filesystem::create_directory(at("sub"));
  std::filesystem::rename(path, at("sub/plain"));
  std::filesystem::rename(path + ".sig", at("sub/plain.sig"));
  const Ran folder = run_assay({"verify", "--json", "--trust", at("rsa.pem"), at("sub")});
  EXPECT_EQ(folder.summary()["artifacts"], 1);
  EXPECT_EQ(folder.summary()["verified"], 1);
  // Any other FILE.sig is none of IMA's.
  const std::string other = file("other-file");
  file("other-file.sig", "-----BEGIN PGP SIGNATURE-----\n");
  const Ran skipped = run_assay({"verify", "--json", "--trust", at("rsa.pem"), other});
  EXPECT_EQ(skipped.summary()["artifacts"], 0) << skipped.out;
}

TEST_F(ImaRecordsTest, DigestsAreNoSignatures) {
  const std::string path = file("hashed");
  evmctl({"ima_hash", "-a", "sha256", path});
  const Json good = verify(path);
  EXPECT_EQ(good["status"], "unsigned") << good;
  EXPECT_EQ(good["signatures"][0]["hash"], "sha256");
  const std::string xattr = get_xattr(path, "security.ima");
  const std::string changed = file("changed", "hello IMA\n");
  set_xattr(changed, "security.ima", xattr);
  const Json bad = verify(changed);
  EXPECT_EQ(bad["status"], "bad") << bad;
  EXPECT_EQ(bad["reason"]["id"], "ima/hash-matches");
  // Whoever is trusted.
  EXPECT_EQ(run_assay({"verify", "--json", changed}).lines()[0]["status"], "bad");
  const std::string sha1 = file("sha1");
  evmctl({"ima_hash", "-a", "sha1", sha1});
  EXPECT_EQ(verify(sha1)["status"], "unsigned");
}

TEST_F(ImaRecordsTest, PortableSignaturesOfEvm) {
  const std::string path = file("both");
  evmctl({"sign", "-o", "--imasig", "-a", "sha256", "-k", at("rsa.key"), path});
  const Json good = verify(path);
  EXPECT_EQ(good["status"], "verified") << good;
  ASSERT_EQ(good["signatures"].size(), 2U);
  EXPECT_EQ(good["signatures"][1]["record"], "security.evm");
  EXPECT_EQ(good["signatures"][1]["status"], "verified");
  EXPECT_EQ(good["signatures"][1]["covers"], "attributes, owner and mode");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const Json mode = verify(path);
  EXPECT_EQ(mode["status"], "bad") << "the mode is covered";
  EXPECT_TRUE(mode["reason"]["text"].get<std::string>().starts_with("security.evm, which covers"));
  // A digest that EVM has signed is as good as a signature.
  const std::string hash = file("hash");
  evmctl({"sign", "-o", "--imahash", "-a", "sha256", "-k", at("rsa.key"), hash});
  const Json digest = verify(hash);
  EXPECT_EQ(digest["status"], "verified") << digest;
  EXPECT_EQ(digest["signatures"][0]["status"], "verified");
  EXPECT_EQ(verify(hash, "other.pem")["status"], "untrusted");
  // What names the inode is over more than a portable one.
  const std::string local = file("local");
  set_xattr(local, "security.ima", get_xattr(path, "security.ima"));
  set_xattr(local, "security.evm", "03" + get_xattr(path, "security.evm").substr(2));
  const Ran ran = run_assay({"verify", "--json", "--trust", at("rsa.pem"), "--fsuuid",
                             "00010203-0405-0607-0809-0a0b0c0d0e0f", local});
  EXPECT_EQ(ran.lines()[0]["signatures"][1]["status"], "bad");
}

// struct ima_file_id: type, algorithm, digest (security/integrity/integrity.h, 7.2), signed by
// openssl.
TEST_F(ImaRecordsTest, Version3) {
  const std::string path = file("v3");
  const std::string digest = run({"openssl", "dgst", "-sha256", "-binary", path});
  file("id", std::string("\x03\x04", 2) + digest);
  evmctl({"ima_sign", "-a", "sha256", "-k", at("rsa.key"), path});
  const std::string v2 = get_xattr(path, "security.ima");
  const std::string value = run({"openssl", "dgst", "-sha256", "-sign", at("rsa.key"), at("id")});
  const std::string v3 =
      "0303" + v2.substr(4, 14) +
      to_hex(std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
  set_xattr(path, "security.ima", v3);
  EXPECT_EQ(verify(path)["status"], "verified") << verify(path);
  const Ran old =
      run_assay({"verify", "--json", "--kernel-version", "6.1", "--trust", at("rsa.pem"), path});
  EXPECT_EQ(old.lines()[0]["status"], "malformed") << "6.1 knows no version 3";
  set_xattr(path, "security.ima", "0303" + v2.substr(4));
  EXPECT_EQ(verify(path)["status"], "bad") << "a value of version 2";
}

// The same with the digest that fsverity computes, and the type 6.
TEST_F(ImaRecordsTest, FsVerity) {
  const std::string path = file("verity", std::string(10'000, 'v'));
  for (const char* hash : {"sha256", "sha512"}) {
    std::string digest =
        run({"fsverity", "digest", "--compact", std::string("--hash-alg=") + hash, path});
    std::erase(digest, '\n');
    const bool is_256 = hash == std::string("sha256");
    const auto id = from_hex((is_256 ? "0604" : "0606") + digest);
    write_file(at("id"), *id);
    evmctl({"ima_sign", "-a", hash, "-k", at("rsa.key"), path});
    const std::string v2 = get_xattr(path, "security.ima");
    const std::string value =
        run({"openssl", "dgst", std::string("-") + hash, "-sign", at("rsa.key"), at("id")});
    const std::string verity =
        "0603" + v2.substr(4, 14) +
        to_hex(std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
    set_xattr(path, "security.ima", verity);
    const Json json = verify(path);
    EXPECT_EQ(json["status"], "verified") << json;
    EXPECT_EQ(json["signatures"][0]["covers"], "fs-verity digest");
    const std::string other = file("other", std::string(10'000, 'w'));
    set_xattr(other, "security.ima", verity);
    EXPECT_EQ(verify(other)["status"], "bad");
  }
}

// openssl computes what the kernel writes into security.evm.
TEST_F(ImaRecordsTest, HmacsOfEvm) {
  const std::string path = file("local");
  evmctl({"ima_sign", "-a", "sha256", "-k", at("rsa.key"), path});
  const std::string key = file("evm.key", std::string(32, 'k'));
  const std::string uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f";
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const auto little = [](std::uint64_t value, int size) {
    std::string hex;
    for (int i = 0; i < size; ++i) {
      const std::uint8_t byte = static_cast<std::uint8_t>(value >> 8 * i);
      hex += to_hex(std::span(&byte, 1));
    }
    return hex;
  };
  const std::string generation = run({"lsattr", "-v", path});
  const std::string data = get_xattr(path, "security.ima") + little(status.st_ino, 8) +
                           little(std::stoull(generation), 4) + little(status.st_uid, 4) +
                           little(status.st_gid, 4) + little(status.st_mode, 2) + "0000" +
                           "000102030405060708090a0b0c0d0e0f";
  const Finished done = run_command(
      {"openssl", "mac", "-digest", "SHA1", "-macopt",
       "hexkey:" + to_hex(std::vector<std::uint8_t>(32, 'k')) + std::string(192, '0'), "HMAC"},
      *from_hex(data));
  std::string hmac(done.out.begin(), done.out.end());
  std::erase(hmac, '\n');
  ASSERT_EQ(hmac.size(), 40U) << done.error;
  set_xattr(path, "security.evm", "02" + hmac);
  const auto verified = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"verify", "--json", "--trust", at("rsa.pem")});
    more.push_back(path);
    const Ran ran = run_assay(more);
    EXPECT_FALSE(ran.lines().empty()) << ran.error;
    return ran.lines()[0]["signatures"][1]["status"];
  };
  EXPECT_EQ(verified({}), "undetermined");
  EXPECT_EQ(verified({"--evm-key", key, "--fsuuid", uuid}), "verified");
  const std::string wrong = file("wrong.key", std::string(32, 'K'));
  EXPECT_EQ(verified({"--evm-key", wrong, "--fsuuid", uuid}), "bad");
  // Another inode has the same attributes.
  const std::string copy = file("copy");
  set_xattr(copy, "security.ima", get_xattr(path, "security.ima"));
  set_xattr(copy, "security.evm", "02" + hmac);
  const Ran copied = run_assay(
      {"verify", "--json", "--trust", at("rsa.pem"), "--evm-key", key, "--fsuuid", uuid, copy});
  EXPECT_EQ(copied.lines()[0]["status"], "bad") << copied.out;
}

// Debian's rpmsign is built without --signfiles: what it would add to the signature header, tag 274
// of lib/rpmsignfiles.c, is added here, and read back by rpm.
std::vector<std::uint8_t> with_file_signatures(const std::vector<std::uint8_t>& package,
                                               const std::vector<std::string>& values) {
  constexpr std::size_t kStart = 96;
  const auto number = [&](std::size_t at) {
    return std::size_t{package[at]} << 24 | std::size_t{package[at + 1]} << 16 |
           std::size_t{package[at + 2]} << 8 | package[at + 3];
  };
  const std::size_t count = number(kStart + 8);
  const std::size_t store = number(kStart + 12);
  std::vector<std::uint8_t> out(package.begin(), package.begin() + kStart + 8);
  const auto put = [&out](std::size_t value) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  std::size_t size = 0;
  for (const std::string& value : values) size += value.size() + 1;
  put(count + 1);
  put(store + size);
  const auto from = package.begin() + kStart + 16;
  const auto index_end = from + static_cast<std::ptrdiff_t>(16 * count);
  out.insert(out.end(), from, index_end);
  for (const std::size_t word : {std::size_t{274}, std::size_t{8}, store, values.size()}) put(word);
  out.insert(out.end(), index_end, index_end + static_cast<std::ptrdiff_t>(store));
  for (const std::string& value : values) {
    out.insert(out.end(), value.begin(), value.end());
    out.push_back(0);
  }
  while (out.size() % 8 != 0) out.push_back(0);
  const std::size_t end = kStart + 16 + 16 * count + store;
  out.insert(out.end(), package.begin() + static_cast<std::ptrdiff_t>((end + 7) / 8 * 8),
             package.end());
  return out;
}

TEST_F(ImaRecordsTest, PackagesOfRpm) {
  const std::string tool = file("tool");
  file("tool.spec",
       "Name: tool\nVersion: 1\nRelease: 1\nSummary: t\nLicense: t\nBuildArch: noarch\n"
       "%description\nt\n%install\nmkdir -p %{buildroot}/usr/bin\n"
       "cp " +
           tool + " %{buildroot}/usr/bin/tool\ncp " + tool +
           " %{buildroot}/usr/bin/other\n"
           "%files\n/usr/bin/other\n/usr/bin/tool\n");
  run({"rpmbuild", "--quiet", "--define", "_topdir " + at("top"), "--define", "_dbpath " + at("db"),
       "-bb", at("tool.spec")});
  const std::vector<std::uint8_t> package = read_file(at("top/RPMS/noarch/tool-1-1.noarch.rpm"));
  evmctl({"ima_sign", "-a", "sha256", "-k", at("rsa.key"), tool});
  const std::string value = get_xattr(tool, "security.ima");
  write_file(at("tool.rpm"), with_file_signatures(package, {"", value}));
  EXPECT_EQ(run({"rpm", "--define", "_dbpath " + at("db"), "-qp", "--nosignature", "--nodigest",
                 "--qf", "[%{FILENAMES} %{FILESIGNATURES}\n]", at("tool.rpm")}),
            "/usr/bin/other \n/usr/bin/tool " + value + "\n");
  const Ran ran = run_assay({"verify", "--json", "--trust", at("rsa.pem"), at("tool.rpm")});
  EXPECT_EQ(ran.summary()["artifacts"], 1) << ran.out << ran.error;
  EXPECT_EQ(ran.lines()[0]["path"], at("tool.rpm") + "!usr/bin/tool");
  EXPECT_EQ(ran.lines()[0]["status"], "verified") << ran.out;
  EXPECT_EQ(run_assay({"inspect", "--json", at("tool.rpm")}).lines()[0]["records"][0]["type"], 3);
  // The signature of another file.
  std::string changed = value;
  changed.back() = changed.back() == '0' ? '1' : '0';
  write_file(at("bad.rpm"), with_file_signatures(package, {"", changed}));
  EXPECT_EQ(run_assay({"verify", "--json", "--trust", at("rsa.pem"), at("bad.rpm")}).status, 1);
  // What is called a package and is none, and one without an end.
  file("none.rpm");
  EXPECT_EQ(run_assay({"verify", "--json", at("none.rpm")}).status, 2);
  write_file(at("cut.rpm"), std::span(package).first(package.size() - 20));
  EXPECT_EQ(run_assay({"verify", "--json", at("cut.rpm")}).status, 2);
}

// Names of one file: the payload has its content once, with the last of them, as cpio shows.
TEST_F(ImaRecordsTest, HardLinksInPackagesOfRpm) {
  const std::string tool = file("tool");
  file("links.spec",
       "Name: links\nVersion: 1\nRelease: 1\nSummary: t\nLicense: t\nBuildArch: noarch\n"
       "%description\nt\n%install\nmkdir -p %{buildroot}/usr/bin\n"
       "cp " +
           tool +
           " %{buildroot}/usr/bin/a\nln %{buildroot}/usr/bin/a %{buildroot}/usr/bin/b\n"
           "ln %{buildroot}/usr/bin/a %{buildroot}/usr/bin/c\necho other > "
           "%{buildroot}/usr/bin/d\ntouch %{buildroot}/usr/bin/empty\n"
           "%files\n/usr/bin/a\n/usr/bin/b\n/usr/bin/c\n/usr/bin/d\n/usr/bin/empty\n");
  run({"rpmbuild", "--quiet", "--define", "_topdir " + at("top"), "--define", "_dbpath " + at("db"),
       "-bb", at("links.spec")});
  const std::vector<std::uint8_t> package = read_file(at("top/RPMS/noarch/links-1-1.noarch.rpm"));
  evmctl({"ima_sign", "-a", "sha256", "-k", at("rsa.key"), tool});
  const std::string value = get_xattr(tool, "security.ima");
  // All of them signed, d with the signature of another file.
  write_file(at("links.rpm"), with_file_signatures(package, {value, value, value, value, ""}));
  const Ran ran = run_assay({"verify", "--json", "--trust", at("rsa.pem"), at("links.rpm")});
  EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
  EXPECT_EQ(ran.summary()["verified"], 3) << ran.out;
  EXPECT_EQ(ran.summary()["bad"], 1) << ran.out;
  for (const Json& line : ran.lines()) {
    if (!line.contains("status")) continue;  // the summary
    const bool is_other = line["path"] == at("links.rpm") + "!usr/bin/d";
    EXPECT_EQ(line["status"], is_other ? "bad" : "verified") << line;
  }
}

// GNU tar writes SCHILY.xattr; the package is as dpkg has them.
TEST_F(ImaRecordsTest, AttributesInPackages) {
  std::filesystem::create_directories(at("root/usr"));
  const std::string path = file("root/usr/tool");
  evmctl({"sign", "-o", "--imasig", "-a", "sha256", "-k", at("rsa.key"), path});
  file("root/usr/plain");
  run({"tar", "-C", at("root"), "--xattrs", "--xattrs-include=security.*", "--format=pax", "-cf",
       at("data.tar"), "usr"});
  run({"tar", "-C", at("root"), "-cf", at("control.tar"), "--files-from=/dev/null"});
  file("debian-binary", "2.0\n");
  run({"ar", "rc", at("tool.deb"), at("debian-binary"), at("control.tar"), at("data.tar")});
  const Ran ran = run_assay({"verify", "--json", "--trust", at("rsa.pem"), at("tool.deb")});
  EXPECT_EQ(ran.summary()["artifacts"], 1) << ran.out << ran.error;
  EXPECT_EQ(ran.lines()[0]["path"], at("tool.deb") + "!usr/tool");
  EXPECT_EQ(ran.lines()[0]["status"], "verified") << ran.out;
  EXPECT_EQ(ran.lines()[0]["signatures"][1]["status"], "verified") << ran.out;
}

TEST_F(ImaRecordsTest, Inspected) {
  const std::string path = file("both");
  evmctl({"sign", "-o", "--imasig", "-a", "sha512", "-k", at("rsa.key"), path});
  const Json json = run_assay({"inspect", "--json", path}).lines()[0];
  ASSERT_EQ(json["records"].size(), 2U) << json;
  EXPECT_EQ(json["records"][0]["record"], "security.ima");
  EXPECT_EQ(json["records"][0]["type"], 3);
  EXPECT_EQ(json["records"][0]["version"], 2);
  EXPECT_EQ(json["records"][0]["hash"], "sha512");
  EXPECT_EQ(json["records"][0]["sig_size"], 256);
  EXPECT_EQ(json["records"][1]["type"], 5);
  EXPECT_EQ(json["records"][1]["type_name"], "portable signature");
  const Ran text = run_assay({"inspect", path});
  EXPECT_NE(text.out.find("security.evm (xattr): portable signature of version 2"), text.out.npos)
      << text.out;
}

// A message with content of its own says nothing of the file that it is appended to.
TEST_F(ImaRecordsTest, ASignatureOfOtherContentIsNamed) {
  const std::string path = file("content");
  run({"openssl", "cms", "-sign", "-nodetach", "-binary", "-noattr", "-nocerts", "-md", "sha256",
       "-outform", "DER", "-in", path, "-signer", at("rsa.pem"), "-inkey", at("rsa.key"), "-out",
       at("message")});
  const auto message = read_file(at("message"));
  std::string whole = "hello ima\n" + std::string(message.begin(), message.end());
  const auto size = static_cast<std::uint32_t>(message.size());
  for (const unsigned byte :
       {0U, 0U, 2U, 0U, 0U, 0U, 0U, 0U, size >> 24, size >> 16, size >> 8, size})
    whole += static_cast<char>(byte & 0xFFU);
  const Json json = verify(file("whole", whole + "~Module signature appended~\n"));
  EXPECT_NE(json["status"], "verified") << json;
  EXPECT_EQ(json["signatures"][0]["covers"], "content carried inside itself, not the file");
}

}  // namespace
}  // namespace assay
