#include "formats/compressed_module.h"

#include <gtest/gtest.h>

#include "base/nesting_limits.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

constexpr std::uint64_t kMiB = limits::kMiB;

// `size` zeros, compressed by the tool.
MemoryContent zeros(std::uint64_t size, const std::string& tool) {
  const Finished done =
      run_command({"sh", "-c", "head -c " + std::to_string(size) + " /dev/zero | " + tool});
  EXPECT_EQ(done.status, 0) << done.error;
  return MemoryContent({done.out.begin(), done.out.end()});
}

TEST(CompressedModule, MayBeAsLargeAsModulesAre) {
  EXPECT_EQ(largest_module(0), 64 * kMiB);
  EXPECT_EQ(largest_module(64 * 1024), 64 * kMiB);
  EXPECT_EQ(largest_module(kMiB / 2), 500 * kMiB);
  EXPECT_EQ(largest_module(2 * kMiB), limits::kGiB);
  EXPECT_EQ(largest_module(UINT64_MAX), limits::kGiB);
}

TEST(CompressedModule, EndsAtItsLimit) {
  const MemoryContent fits = zeros(64 * kMiB, "zstd -q");
  const auto plain = decompress_module(fits, Codec::zstd);
  ASSERT_TRUE(plain);
  EXPECT_EQ((*plain)->size(), 64 * kMiB);
  for (const auto& [tool, codec] : {std::pair("zstd -q", Codec::zstd), {"xz -0", Codec::xz}}) {
    const auto bomb = decompress_module(zeros(64 * kMiB + 1, tool), codec);
    ASSERT_FALSE(bomb) << tool;
    EXPECT_EQ(bomb.error().reason, Reason::limit_expansion);
  }
}

TEST(CompressedModule, IsOneStream) {
  const MemoryContent two = zeros(10, "gzip -c; printf x");
  const auto plain = decompress_module(two, Codec::gzip);
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().reason, Reason::stream_followed);
}

}  // namespace
}  // namespace assay
