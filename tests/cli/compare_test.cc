// assay compare as its users run it. Modules are signed by OpenSSL; what is done to them is written
// here, byte by byte.

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/cms_sample.h"
#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"
#include "tests/cli/uki_sample.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

const std::string kRelease = "6.1.0-1-test";

Bytes module_of(std::uint8_t code) {
  std::string info = "vermagic=" + kRelease + " SMP mod_unload";
  info += '\0';
  ElfSample sample(true, false);
  sample.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
  sample.sections.push_back({".text", 1, Bytes(1000, 0x90)});
  sample.sections.back().content[500] = code;
  sample.add_symbols({{"bystander", 0, 400, 2}, {"victim", 400, 200, 2}});
  return sample.write();
}

class Compare : public testing::Test {
 protected:
  std::string write(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  // The verdict on two files, with both keys trusted.
  Ran compare_files(const Bytes& a, const Bytes& b) {
    return compare(write("one/m.ko", a), write("two/m.ko", b));
  }
  Ran compare(const std::string& a, const std::string& b) {
    return run_assay(
        {"compare", "--json", "--trust", first_.pem(), "--trust", second_.pem(), a, b});
  }
  static std::string verdict(const Ran& ran) { return ran.summary()["verdict"]; }
  static Json difference(const Ran& ran) { return ran.lines().front(); }

  TemporaryFolder folder_;
  SigningKey first_{"first key"};
  SigningKey second_{"second key"};
};

TEST_F(Compare, EqualFilesAreIdentical) {
  const Ran ran = compare_files(first_.sign(module_of(1)), first_.sign(module_of(1)));
  EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
  EXPECT_EQ(verdict(ran), "identical");
}

// A rebuild with another ephemeral key.
TEST_F(Compare, TwoKeysOverOneModuleAreIdenticalAfterTransplant) {
  const Bytes module = module_of(1);
  for (const auto& [a, b] :
       {std::pair(first_.sign(module), second_.sign(module)),
        std::pair(first_.sign(module), module), std::pair(module, second_.sign(module))}) {
    const Ran ran = compare_files(a, b);
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_EQ(verdict(ran), "identical-after-transplant") << ran.out;
  }
  const Ran ran = compare_files(first_.sign(module), second_.sign(module));
  const Json found = difference(ran);
  EXPECT_EQ(found["records_a"][0]["key"], "first key") << ran.out;
  EXPECT_EQ(found["records_a"][0]["key_source"], "--trust");
  EXPECT_EQ(found["records_b"][0]["key"], "second key");
  EXPECT_EQ(found["canonical"]["size"], module.size());
  EXPECT_EQ(ran.summary()["record_bytes"], first_.sign(module).size() - module.size());
}

// Two modules that differ in code and in signature: a filter that stops at the signature calls them
// the same.
TEST_F(Compare, CodeAndSignatureThatDifferAreDifferent) {
  const Ran ran = compare_files(first_.sign(module_of(1)), second_.sign(module_of(2)));
  EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
  EXPECT_EQ(verdict(ran), "different");
  const Bytes one = module_of(1);
  const Bytes two = module_of(2);
  const auto at = std::ranges::mismatch(one, two).in1 - one.begin();
  EXPECT_EQ(difference(ran)["offset"], at);
  EXPECT_EQ(difference(ran)["section"], ".text");
  EXPECT_EQ(difference(ran)["symbol"], "victim");
}

// A signature of other content, put behind this one.
TEST_F(Compare, ARecordOfOtherContentIsNotSetAside) {
  const Bytes module = module_of(1);
  const Bytes other = second_.sign(module_of(2));
  Bytes moved = module;
  moved.insert(moved.end(), other.begin() + static_cast<std::ptrdiff_t>(module.size()),
               other.end());
  for (const bool swap : {false, true}) {
    const Ran ran = swap ? compare_files(moved, first_.sign(module))
                         : compare_files(first_.sign(module), moved);
    EXPECT_EQ(ran.status, 1) << ran.out;
    EXPECT_EQ(verdict(ran), "different");
    EXPECT_NE(difference(ran)["reason"].get<std::string>().find("not verified"), std::string::npos);
  }
}

// Without a key nothing says that what is appended is a signature.
TEST_F(Compare, ARecordWithoutKeyIsNotSetAside) {
  const Bytes module = module_of(1);
  const Ran ran = run_assay({"compare", "--json", write("a.ko", first_.sign(module)),
                             write("b.ko", second_.sign(module))});
  EXPECT_EQ(ran.status, 1) << ran.out;
  EXPECT_EQ(verdict(ran), "different");
}

TEST_F(Compare, ThePackagesOwnKernelHasTheKey) {
  const Bytes module = module_of(1);
  for (const auto& [side, key] : {std::pair("a", &first_), std::pair("b", &second_)}) {
    const std::string root = std::string(side) + "/";
    write(root + "lib/modules/" + kRelease + "/kernel/m.ko", key->sign(module));
    // The module comes before its kernel.
    write(root + "zoo/vmlinuz-" + kRelease, sample_image(kRelease, key->der()));
  }
  const Ran ran = run_assay({"compare", "--json", folder_ / "a", folder_ / "b"});
  // The kernels hold their certificates, which makes them different; the modules are the same.
  EXPECT_EQ(verdict(ran), "different") << ran.out << ran.error;
  const Json found = ran.artifact("m.ko");
  EXPECT_EQ(found["verdict"], "identical-after-transplant") << ran.out;
  EXPECT_EQ(found["records_a"][0]["key"], "first key");
  EXPECT_NE(found["records_b"][0]["key_source"].get<std::string>().find("b/zoo/vmlinuz"),
            std::string::npos);
}

// What lies behind the message, inside the bytes that sig_len counts, is signed by nobody.
TEST_F(Compare, BytesBehindTheMessageAreNamed) {
  const Bytes module = module_of(1);
  const Bytes file = second_.sign(module);
  constexpr std::size_t kTrailer = 40;
  Bytes message(file.begin() + static_cast<std::ptrdiff_t>(module.size()), file.end() - kTrailer);
  message.insert(message.end(), 4096, 'x');
  for (const bool swap : {false, true}) {
    const Bytes odd = append_signature(module, message);
    const Ran ran =
        swap ? compare_files(odd, first_.sign(module)) : compare_files(first_.sign(module), odd);
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(verdict(ran), "different") << ran.out;
    EXPECT_EQ(ran.summary()["uncovered_bytes"], 4096) << ran.out;
    EXPECT_EQ(difference(ran)[swap ? "records_a" : "records_b"][0]["uncovered"][0]["what"],
              "bytes behind the message");
  }
}

// A payload where every verifier passes over it.
TEST_F(Compare, UnauthenticatedAttributesAreNamed) {
  const Bytes module = module_of(1);
  const Bytes file = second_.sign(module);
  constexpr std::size_t kTrailer = 40;
  const Bytes message(file.begin() + static_cast<std::ptrdiff_t>(module.size()),
                      file.end() - kTrailer);
  std::size_t added = 0;
  const Bytes odd = append_signature(module, with_unsigned_attribute(message, 4096, added));
  // The kernel loads it.
  EXPECT_EQ(run_assay({"verify", "--trust", second_.pem(), write("odd.ko", odd)}).status, 0);
  const Ran ran = compare_files(first_.sign(module), odd);
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(verdict(ran), "different") << ran.out;
  EXPECT_EQ(ran.summary()["uncovered_bytes"], added) << ran.out;
  EXPECT_EQ(difference(ran)["records_b"][0]["verified"], true);
  EXPECT_EQ(difference(ran)["records_b"][0]["uncovered"][0]["what"], "unauthenticated attributes");
}

TEST_F(Compare, CertificatesThatNobodySignedWithAreNamed) {
  const Bytes module = module_of(1);
  const std::string data = write("data", module);
  const std::string message = folder_ / "message";
  run_or_fail({"openssl", "cms", "-sign", "-binary", "-noattr", "-outform", "DER", "-in", data,
               "-signer", second_.pem(), "-inkey", second_.key(), "-certfile", first_.pem(), "-out",
               message});
  const Ran ran = compare_files(first_.sign(module), append_signature(module, read_file(message)));
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(verdict(ran), "different") << ran.out;
  EXPECT_EQ(ran.summary()["uncovered_bytes"], first_.der().size()) << ran.out;

  // Its own alone is the key that it is known by, which nobody has to give.
  run_or_fail({"openssl", "cms", "-sign", "-binary", "-noattr", "-outform", "DER", "-in", data,
               "-signer", second_.pem(), "-inkey", second_.key(), "-out", message});
  const Ran own = run_assay({"compare", "--json", write("a.ko", module),
                             write("b.ko", append_signature(module, read_file(message)))});
  EXPECT_EQ(own.status, 0) << own.out;
  EXPECT_EQ(own.lines().front()["records_b"][0]["key_source"], "the record itself");
}

TEST_F(Compare, CompressedModulesAreComparedWithin) {
  const Bytes module = module_of(1);
  const auto xz = [](const Bytes& bytes, const std::string& level) {
    return run_command({"xz", "--check=crc32", "-c", level}, bytes).out;
  };
  const auto both = [&](const Bytes& a, const Bytes& b) {
    return compare(write("1/m.ko.xz", a), write("2/m.ko.xz", b));
  };
  const Ran same = both(xz(first_.sign(module), "-6"), xz(second_.sign(module), "-6"));
  EXPECT_EQ(verdict(same), "identical-after-transplant") << same.out;
  const Ran wrapped = both(xz(module, "-6"), xz(module, "-0"));
  EXPECT_EQ(wrapped.status, 1);
  EXPECT_EQ(verdict(wrapped), "content-equal") << wrapped.out;
  EXPECT_EQ(difference(wrapped)["wrapping"][0], "another stream of xz");
  const Ran other = both(xz(first_.sign(module), "-6"), xz(second_.sign(module_of(2)), "-6"));
  EXPECT_EQ(verdict(other), "different");
  EXPECT_EQ(difference(other)["section"], ".text") << other.out;
}

TEST_F(Compare, FoldersNameWhatWasAddedRemovedRenamedAndLinked) {
  for (const std::string side : {"a/", "b/"}) {
    write(side + "same", Bytes{1});
    write(side + "mode", Bytes{2});
    fs::create_symlink(side == "a/" ? "same" : "mode", folder_ / (side + "link"));
  }
  EXPECT_EQ(verdict(compare(folder_ / "a", folder_ / "a")), "identical");
  write("a/gone", Bytes{3});
  write("b/new", Bytes{4});
  write("a/old-name", Bytes{5});
  write("b/new-name", Bytes{5});
  fs::permissions(folder_ / "b/mode", fs::perms::owner_all);
  const Ran ran = compare(folder_ / "a", folder_ / "b");
  EXPECT_EQ(ran.status, 1);
  std::map<std::string, std::string> found;
  for (const Json& line : ran.lines())
    if (line["schema"] == "assay.difference/1")
      found[line["path"]] =
          line["kind"].get<std::string>() + " " + line["verdict"].get<std::string>();
  const std::map<std::string, std::string> expected{{"gone", "removed different"},
                                                    {"new", "added different"},
                                                    {"new-name", "renamed different"},
                                                    {"mode", "changed content-equal"},
                                                    {"link", "changed different"}};
  EXPECT_EQ(found, expected) << ran.out;
}

// Signed PE images of tests/cases and what can be hidden in them.
TEST_F(Compare, ImagesAndWhatIsHiddenInTheirTables) {
  const Bytes bare = read_file("tests/cases/pe/artifacts/unsigned.efi");
  const std::string image = write("bare.efi", bare);
  const auto sign = [&](const SigningKey& key, const std::string& out) {
    run_or_fail(
        {"sbsign", "--key", key.key(), "--cert", key.pem(), "--output", folder_ / out, image});
    return folder_ / out;
  };
  const std::string a = sign(first_, "a.efi");
  const std::string b = sign(second_, "b.efi");
  for (const std::string& other : {b, image}) {
    const Ran ran = run_assay({"compare", "--json", a, other});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_EQ(verdict(ran), "identical-after-transplant");
    EXPECT_EQ(difference(ran)["records_a"][0]["owner"], "certificate table");
    EXPECT_EQ(difference(ran)["records_a"][0]["key"], "first key");
  }
  // Behind the table: no reader of the table sees it.
  Bytes behind = read_file(b);
  behind.insert(behind.end(), 4096, 'x');
  const Ran after = run_assay({"compare", "--json", a, write("behind.efi", behind)});
  EXPECT_EQ(after.status, 1);
  EXPECT_EQ(verdict(after), "different");
  EXPECT_NE(difference(after)["reason"].get<std::string>().find("4096 bytes follow it"),
            std::string::npos)
      << after.out;
  // Inside it, behind the last certificate, or in the padding behind the message: dwLength and the
  // size of the directory entry grow with it.
  for (const bool in_entry : {false, true}) {
    Bytes inside = read_file(b);
    const auto word = [&inside](std::size_t at) {
      return inside[at] | inside[at + 1] << 8 | inside[at + 2] << 16 | inside[at + 3] << 24;
    };
    const auto add = [&inside, &word](std::size_t at, int more) {
      const int value = word(at) + more;
      for (int i = 0; i < 4; ++i)
        inside[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (8 * i));
    };
    const auto headers = static_cast<std::size_t>(word(60));
    const std::size_t entry = headers + 24 + (word(headers + 24) % 65536 == 0x20b ? 112 : 96) + 32;
    const auto table = static_cast<std::size_t>(word(entry));
    inside.insert(inside.end(), 4096, 'x');
    add(entry + 4, 4096);
    if (in_entry) add(table, static_cast<int>(inside.size() - table) - word(table));
    const Ran ran = run_assay({"compare", "--json", a, write("inside.efi", inside)});
    EXPECT_EQ(ran.status, 1) << ran.out;
    EXPECT_EQ(verdict(ran), "different");
    EXPECT_GE(ran.summary()["uncovered_bytes"].get<int>(), 4096) << ran.out;
  }
  // Code that differs as well.
  Bytes changed = bare;
  changed[changed.size() - 1] ^= 1;
  write("bare.efi", changed);
  const Ran different = run_assay({"compare", "--json", a, sign(second_, "changed.efi")});
  EXPECT_EQ(different.status, 1);
  EXPECT_EQ(verdict(different), "different");
  EXPECT_EQ(difference(different)["offset"], changed.size() - 1) << different.out;
}

// The signature of a unified kernel image covers that of the kernel inside: what is taken out there
// makes it one of other bytes.
TEST_F(Compare, SignaturesInsideSignedImagesAreContent) {
  const std::string bare = write("bare.efi", read_file("tests/cases/pe/artifacts/unsigned.efi"));
  const auto sign = [&](const SigningKey& key, const std::string& image, const std::string& out) {
    run_or_fail(
        {"sbsign", "--key", key.key(), "--cert", key.pem(), "--output", folder_ / out, image});
    return folder_ / out;
  };
  const auto unify = [&](const std::string& kernel, const std::string& out) {
    return sign(first_, link_image(folder_, {{".linux", kernel}}), out);
  };
  const std::string a = unify(sign(first_, bare, "inner-a"), "a.efi");
  const std::string b = unify(sign(second_, bare, "inner-b"), "b.efi");
  const Ran ran = run_assay({"compare", "--json", a, b});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(verdict(ran), "different") << ran.out;
  EXPECT_EQ(difference(ran)["reason"], "the content differs");

  Bytes masked = read_file(a);
  const Bytes inner = read_file(folder_ / "inner-a");
  const std::size_t table_size = inner.size() - read_file(bare).size();
  const auto found = std::ranges::search(masked, inner);
  ASSERT_FALSE(found.empty());
  std::fill(found.end() - static_cast<std::ptrdiff_t>(table_size), found.end(), 0);
  const std::string excised = write("masked.efi", masked);
  const Ran outer = run_assay({"verify", "--json", "--trust", first_.pem(), excised});
  EXPECT_EQ(outer.lines().front()["status"], "bad") << outer.out;
  EXPECT_EQ(verdict(run_assay({"compare", "--json", a, excised})), "different");
}

TEST_F(Compare, WhatCannotBeReadIsNotTheSame) {
  EXPECT_EQ(run_assay({"compare", folder_ / "none", folder_ / "none"}).status, 2);
  EXPECT_EQ(run_assay({"compare", folder_ / "none"}).status, 2);
  EXPECT_EQ(run_assay({"compare", "-", "-"}).status, 2);
}

}  // namespace
}  // namespace assay
