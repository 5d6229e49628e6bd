#include "formats/module_name.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(ModuleName, SuffixesOfMakefileModinst) {
  EXPECT_EQ(parse_module_name("lib/modules/x/a.ko"), ModuleName{std::nullopt});
  EXPECT_EQ(parse_module_name("a.ko.xz"), ModuleName{Codec::xz});
  EXPECT_EQ(parse_module_name("a.ko.gz"), ModuleName{Codec::gzip});
  EXPECT_EQ(parse_module_name("a.ko.zst"), ModuleName{Codec::zstd});
  for (const char* other : {"", "ko", "a.kox", "a.ko.bz2", "a.ko/x", "a.ko.xz.asc", "a.KO"})
    EXPECT_FALSE(parse_module_name(other)) << other;
}

}  // namespace
}  // namespace assay
