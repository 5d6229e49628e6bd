// assay compare --transplant-to: A's bytes, made of B's. Modules are signed by OpenSSL and
// compressed by xz; what is written is compared with what was signed.

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

class Transplant : public testing::Test {
 protected:
  std::string write(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string write_xz(const std::string& name, const Bytes& bytes, const char* level) {
    const std::string path = write(name, bytes);
    run_or_fail({"xz", "--check=crc32", level, path});
    return path + ".xz";
  }
  Ran transplant(const std::string& a, const std::string& b) {
    return run_assay({"compare", "--trust", first_.pem(), "--trust", second_.pem(),
                      "--transplant-to", out_, a, b});
  }

  TemporaryFolder folder_;
  std::string out_ = folder_ / "out";
  SigningKey first_{"first key"};
  SigningKey second_{"second key"};
  Bytes module_ = sample_module("6.1.0-1-test");
};

TEST_F(Transplant, IsAsPublished) {
  const Bytes published = first_.sign(module_);
  const std::string a = write("one/m.ko", published);
  for (const Bytes& built : {module_, second_.sign(module_), published}) {
    fs::remove(out_);
    const Ran ran = transplant(a, write("two/m.ko", built));
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_EQ(read_file(out_), published);
  }
  // Where A has no signature, B's is gone.
  const Ran ran = transplant(write("two/m.ko", module_), a);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
  EXPECT_EQ(read_file(out_), module_);
}

// Another mode is content-equal, which is status 1.
TEST_F(Transplant, HasThePublishedMode) {
  const std::string a = write("one/m.ko", first_.sign(module_));
  fs::permissions(a, fs::perms(0640));
  const Ran ran = transplant(a, write("two/m.ko", module_));
  EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
  EXPECT_EQ(read_file(out_), first_.sign(module_));
  EXPECT_EQ(fs::status(out_).permissions(), fs::perms(0640));
}

TEST_F(Transplant, MayReplaceTheBuild) {
  const std::string a = write("one/m.ko", first_.sign(module_));
  out_ = write("two/m.ko", second_.sign(module_));
  const Ran ran = transplant(a, out_);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
  EXPECT_EQ(read_file(out_), first_.sign(module_));
}

// The stream is A's, also where B's compressor had other options or there was none.
TEST_F(Transplant, OfCompressedModules) {
  const std::string a = write_xz("one/m.ko", first_.sign(module_), "-6");
  const Ran same = transplant(a, write_xz("two/m.ko", second_.sign(module_), "-6"));
  EXPECT_EQ(same.status, 0) << same.out << same.error;
  EXPECT_EQ(read_file(out_), read_file(a));
  fs::remove(out_);
  const Ran plain = transplant(a, write("three/m.ko", second_.sign(module_)));
  EXPECT_EQ(plain.status, 1) << plain.out << plain.error;  // content-equal
  EXPECT_EQ(read_file(out_), read_file(a));
}

// Nothing is written of what was not shown, and what is there stays.
TEST_F(Transplant, DifferentIsNotWritten) {
  const Bytes before{'o', 'l', 'd'};
  write("out", before);
  Bytes other = module_;
  other.back() ^= 1;
  const std::string a = write("one/m.ko", first_.sign(module_));
  const Ran changed = transplant(a, write("two/m.ko", second_.sign(other)));
  EXPECT_EQ(changed.status, 1) << changed.out;
  EXPECT_NE(changed.error.find("nothing is written"), std::string::npos) << changed.error;
  EXPECT_EQ(read_file(out_), before);
  // A's signature is of other content: put onto B it gives A, and is not verified.
  const Bytes foreign = first_.sign(other);
  Bytes moved = module_;
  moved.insert(moved.end(), foreign.begin() + static_cast<std::ptrdiff_t>(other.size()),
               foreign.end());
  const Ran unverified = transplant(write("three/m.ko", moved), write("four/m.ko", module_));
  EXPECT_EQ(unverified.status, 1) << unverified.out;
  EXPECT_EQ(read_file(out_), before);
}

TEST_F(Transplant, WhatHoldsFilesIsRefusedWithItsVerdict) {
  write("one/m.ko", first_.sign(module_));
  write("two/m.ko", second_.sign(module_));
  const Ran folders = transplant(folder_ / "one", folder_ / "two");
  EXPECT_EQ(folders.status, 2) << folders.out;
  EXPECT_NE(folders.out.find("identical-after-transplant"), std::string::npos) << folders.out;
  EXPECT_NE(folders.error.find("holds files"), std::string::npos) << folders.error;
  EXPECT_FALSE(fs::exists(out_));
}

}  // namespace
}  // namespace assay
