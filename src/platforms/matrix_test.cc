// The matrix against configurations that Kconfig itself accepted, and against what its sources say.

#include "platforms/matrix.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Matrix, EveryRowIsInTheTableItBelongsTo) {
  std::size_t selectable = 0;
  for (const MatrixCell& cell : platform_matrix({}))
    if (cell.selectable != nullptr) ++selectable;
  std::size_t rows = 0;
#define SELECTABLE(...) ++rows;
#include "platforms/matrix.def"
#undef SELECTABLE
  EXPECT_EQ(selectable, rows) << "a row names an option or architecture that no column has";
}

// The table of the architectures in the specification, read from Kconfig independently.
TEST(Matrix, AsKconfigHasIt) {
  const auto can = [](Arch arch, std::string_view option) {
    return find_selectable(arch, option) != nullptr;
  };
  for (const Arch arch : kMatrixArches) {
    EXPECT_TRUE(can(arch, "KEXEC_FILE"));
    const bool signs = arch == Arch::x86_64 || arch == Arch::arm64 || arch == Arch::s390x;
    EXPECT_EQ(can(arch, "KEXEC_SIG"), signs);
    EXPECT_EQ(can(arch, "KEXEC_SIG_FORCE"), arch == Arch::x86_64);
    EXPECT_EQ(can(arch, "KEXEC_BZIMAGE_VERIFY_SIG"), arch == Arch::x86_64);
    EXPECT_EQ(can(arch, "KEXEC_IMAGE_VERIFY_SIG"), arch == Arch::arm64);
    EXPECT_EQ(can(arch, "HAVE_IMA_KEXEC"), arch != Arch::s390x);
    EXPECT_TRUE(can(arch, "IMA_APPRAISE_MODSIG"));
  }
}

TEST(Matrix, SaysInWhichConfigurationsAnOptionIsOn) {
  KernelConfig on;
  on.set("CONFIG_KEXEC_SIG", "y");
  KernelConfig off;
  off.set("CONFIG_KEXEC_FILE", "y");
  const NamedConfig configs[] = {
      {"a", Arch::x86_64, on}, {"b", Arch::x86_64, off}, {"c", Arch::arm64, on}};
  for (const MatrixCell& cell : platform_matrix(configs)) {
    if (cell.option != "KEXEC_SIG") continue;
    if (cell.arch == Arch::x86_64) {
      EXPECT_EQ(cell.on_in, std::vector<std::string>{"a"});
      EXPECT_EQ(cell.off_in, std::vector<std::string>{"b"});
    } else if (cell.arch == Arch::arm64) {
      EXPECT_EQ(cell.on_in, std::vector<std::string>{"c"});
    } else {
      EXPECT_TRUE(cell.on_in.empty() && cell.off_in.empty());
    }
  }
}

}  // namespace
}  // namespace assay
