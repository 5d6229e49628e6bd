#include "sources/unified_kernel.h"

#include <gtest/gtest.h>

#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Inside = std::map<std::string, std::string>;

// A PE image with one section, which is all that a stub needs to be told.
class UnifiedKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    const Finished done = run_command({"sh", "-ec",
                                       "cd '" + folder_.path().string() +
                                           "'; mkdir -p t/lib/modules/R; "
                                           "printf module > t/lib/modules/R/a.ko; (cd t; find . | "
                                           "cpio -o -H newc --quiet) | gzip > i"});
    ASSERT_EQ(done.status, 0) << done.error;
  }

  void make(const std::string& section, std::uint32_t cut = 0) {
    const auto initrd = read_file(folder_ / "i");
    std::vector<std::uint8_t> image(kData);
    const auto put = [&](std::size_t at, std::uint64_t value, int size) {
      for (int i = 0; i < size; ++i) image[at++] = static_cast<std::uint8_t>(value >> (8 * i));
    };
    constexpr std::size_t kOptional = 240;
    put(0, 0x5A4D, 2);
    put(60, 64, 4);
    put(64, 0x4550, 4);
    put(68, 0x8664, 2);
    put(70, 1, 2);
    put(84, kOptional, 2);
    put(88, 0x20B, 2);
    put(88 + 108, 16, 4);
    const std::size_t header = 88 + kOptional;
    std::copy(section.begin(), section.end(), image.begin() + header);
    put(header + 8, initrd.size(), 4);
    put(header + 12, 0x1000, 4);
    put(header + 16, initrd.size() + 100, 4);
    put(header + 20, kData, 4);
    image.insert(image.end(), initrd.begin(), initrd.end());
    image.resize(image.size() + 100 - cut);
    write_file(image_, image);
  }

  static constexpr std::size_t kData = 1024;
  TemporaryFolder folder_;
  const std::string image_ = folder_ / "x.efi";
};

TEST_F(UnifiedKernelTest, WhatItsKernelUnpacksIsFoundAndItself) {
  make(".initrd");
  const TestVisitor walked = walk_path(image_);
  EXPECT_TRUE(walked.failures.empty());
  EXPECT_EQ(walked.inside(), (Inside{{image_ + "!.initrd!lib/modules/R/a.ko", "module"}}));
  ASSERT_FALSE(walked.files.empty());
  EXPECT_EQ(walked.files.front().first, image_);
}

TEST_F(UnifiedKernelTest, OtherImagesAreNone) {
  make(".rodata");
  EXPECT_EQ(source_kind(image_), SourceKind::file);
  EXPECT_EQ(walk_path(image_).files.size(), 1U);
}

TEST_F(UnifiedKernelTest, ASectionThatEndsBehindTheFileIsAnError) {
  make(".initrd", 101);
  const TestVisitor walked = walk_path(image_);
  EXPECT_EQ(walked.failures.at(image_ + "!.initrd"), "bytes/bad-length");
}

}  // namespace
}  // namespace assay
