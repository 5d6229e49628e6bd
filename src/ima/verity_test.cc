// fs-verity digests, beside those of `fsverity digest` (fsverity-utils).

#include "ima/verity.h"

#include <gtest/gtest.h>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

TEST(Verity, DigestsAreThoseOfFsverity) {
  TemporaryFolder folder;
  // Around the edges of a block, and of levels: a block of digests covers 128 blocks, or 64.
  constexpr std::size_t kBlock = 4096;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1,
                                 2 * kBlock, 64 * kBlock, 64 * kBlock + 1, 128 * kBlock,
                                 128 * kBlock + 1, 64 * 64 * kBlock + 1, 128 * 128 * kBlock + 1}) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 12));
    write_file(folder / "file", bytes);
    const ViewContent content{View(bytes)};
    for (const Hash hash : {Hash::sha256, Hash::sha512}) {
      const std::string algorithm = "--hash-alg=" + std::string(hash_name(hash));
      const Finished done =
          run_command({"fsverity", "digest", "--compact", algorithm, folder / "file"});
      ASSERT_EQ(done.status, 0) << done.error;
      const std::string expected(done.out.begin(), done.out.end());
      const auto digest = compute_verity_digest(hash, content);
      ASSERT_TRUE(digest);
      EXPECT_EQ(digest->hex(), expected.substr(0, digest->hex().size())) << size << algorithm;
    }
  }
}

}  // namespace
}  // namespace assay
