// assay compare on security.ima and security.evm, as evmctl writes them: they are set aside where
// they are records of the content that they are on, and nothing else is.

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

class CompareAttributes : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string name : {"first", "second"})
      make_key({at(name + ".key"), at(name + ".pem"), {"-newkey", "rsa:2048"}, name + " key"});
    for (const std::string side : {"a", "b"}) fs::create_directories(at(side));
    write("hello ima\n", "hello ima\n");
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  static std::string run(const std::vector<std::string>& command) {
    const auto out = run_tool(command);
    return {out.begin(), out.end()};
  }
  // The file of both sides anew, without attributes.
  void write(const std::string& a, const std::string& b) {
    for (const auto& [path, text] : {std::pair("a/file", a), std::pair("b/file", b)}) {
      fs::remove(at(path));
      write_file(at(path), std::vector<std::uint8_t>(text.begin(), text.end()));
    }
  }
  void sign(const std::string& path, const std::string& key) {
    run({"evmctl", "ima_sign", "-a", "sha256", "-k", at(key + ".key"), at(path)});
  }
  std::string get(const std::string& path, const std::string& name = "security.ima") {
    const std::string value =
        run({"getfattr", "--only-values", "-n", name, "--absolute-names", at(path)});
    return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
  }
  void set(const std::string& path, const std::string& hex,
           const std::string& name = "security.ima") {
    run({"setfattr", "-n", name, "-v", "0x" + hex, at(path)});
  }
  // What is said of the file; a null where it is the same.
  Json compare(bool with_keys = true, const std::string& a = "a", const std::string& b = "b") {
    std::vector<std::string> arguments{"compare", "--json", at(a), at(b)};
    if (with_keys)
      for (const std::string name : {"first", "second"}) {
        arguments.push_back("--trust");
        arguments.push_back(at(name + ".pem"));
      }
    return run_assay(arguments).artifact("file");
  }
  void expect_different(const std::string& reason, bool with_keys = true) {
    const Json found = compare(with_keys);
    EXPECT_EQ(found["verdict"], "different") << found;
    EXPECT_NE(found["reason"].get<std::string>().find(reason), std::string::npos) << found;
  }

  TemporaryFolder folder_;
};

TEST_F(CompareAttributes, SignaturesOfTheContentAreSetAside) {
  EXPECT_TRUE(compare().is_null());
  sign("a/file", "first");
  Json found = compare();
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << found;
  EXPECT_EQ(found["records_a"][0]["owner"], "security.ima");
  EXPECT_EQ(found["records_a"][0]["key"], "first key");
  EXPECT_EQ(found["records_a"][0]["size"], get("a/file").size() / 2);
  EXPECT_TRUE(found["records_b"].empty());
  sign("b/file", "second");
  found = compare();
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << found;
  EXPECT_EQ(found["records_b"][0]["key"], "second key");
  expect_different("the security.ima of A is not verified", false);
  // The same on both is no difference, whoever made it.
  set("b/file", get("a/file"));
  EXPECT_TRUE(compare(false).is_null());
}

TEST_F(CompareAttributes, SignaturesOfOtherContentAreNot) {
  write("hello IMA\n", "hello ima\n");
  sign("a/file", "first");
  const std::string other = get("a/file");
  expect_different("the content differs");
  for (const std::string side : {"A", "B"}) {
    write("hello ima\n", "hello ima\n");
    set(side == "A" ? "a/file" : "b/file", other);
    expect_different("the security.ima of " + side + " is not verified");
  }
}

TEST_F(CompareAttributes, DigestsNeedNoKeyAndHideNothing) {
  run({"evmctl", "ima_hash", "-a", "sha256", at("a/file")});
  const Json found = compare(false);
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << found;
  EXPECT_EQ(found["records_a"][0]["key_source"], "the content: it is its digest");
  // The kernel compares the bytes of the digest, and lets others follow
  // (security/integrity/ima/ima_appraise.c, xattr_verify).
  const std::string digest = get("a/file");
  set("b/file", digest + std::string(200, '7'));
  expect_different("carries 100 bytes that no signature covers");
  EXPECT_EQ(compare()["records_b"][0]["uncovered"][0]["offset"], digest.size() / 2);
  run({"evmctl", "ima_hash", "-a", "sha1", at("a/file")});
  EXPECT_EQ(get("a/file").size(), 42U) << "of the first type, which names no algorithm";
  set("b/file", digest);
  EXPECT_EQ(compare(false)["verdict"], "identical-after-transplant");
  set("b/file", get("a/file") + "77");
  expect_different("security.ima of B");
  // Any bytes are an attribute.
  for (const std::string& odd :
       {std::string("00"), std::string("ff7777"), std::string("0302"), digest.substr(0, 20)}) {
    set("b/file", odd);
    expect_different("the security.ima of B is not verified");
  }
  sign("b/file", "second");
  set("b/file", get("b/file") + "00");
  expect_different("the security.ima of B is not verified");
}

TEST_F(CompareAttributes, PortableSignaturesOfMetadata) {
  for (const auto& [path, key] : {std::pair("a/file", "first"), std::pair("b/file", "second")})
    run({"evmctl", "sign", "-o", "--imasig", "-a", "sha256", "-k", at(std::string(key) + ".key"),
         at(path)});
  const Json found = compare();
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << found;
  ASSERT_EQ(found["records_a"].size(), 2U);
  for (const Json& record : found["records_a"]) EXPECT_EQ(record["key"], "first key") << found;
  for (const Json& record : found["records_b"]) EXPECT_EQ(record["key"], "second key") << found;
  // Of other metadata.
  const std::string evm = get("b/file", "security.evm");
  fs::permissions(at("b/file"), fs::perms::owner_all);
  expect_different("the security.evm of B is not verified");
  // Of this inode, by a key that only its host has.
  write("hello ima\n", "hello ima\n");
  set("b/file", "02" + std::string(40, '0'), "security.evm");
  expect_different("the security.evm of B is not verified");
}

TEST_F(CompareAttributes, OtherAttributesAreContent) {
  set("a/file", "0000000200000000000000000000000000000000", "security.capability");
  expect_different("the attribute security.capability differs");
}

// PAX headers of archives carry them as well.
TEST_F(CompareAttributes, OfArchives) {
  const auto pack = [&] {
    for (const std::string side : {"a", "b"})
      run({"tar", "--xattrs", "--xattrs-include=security.*", "-C", at(side), "-cf",
           at(side + ".tar"), "file"});
  };
  sign("a/file", "first");
  sign("b/file", "second");
  const std::string other = get("b/file");
  pack();
  const Json found = compare(true, "a.tar", "b.tar");
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << found;
  EXPECT_EQ(found["records_a"][0]["key"], "first key");
  EXPECT_EQ(found["records_b"][0]["key"], "second key");
  write("hello IMA\n", "hello IMA\n");
  sign("a/file", "first");
  set("b/file", other);
  pack();
  EXPECT_EQ(compare(true, "a.tar", "b.tar")["verdict"], "different");
}

}  // namespace
}  // namespace assay
