// What one would expect to hold where IMA and module signatures meet, and does not.

#include <gtest/gtest.h>

#include "ima/rules.h"
#include "ima/syscalls.h"
#include "ima/test_ima.h"

namespace assay {
namespace {

using namespace test;

// init_module hands over bytes, of which IMA sees no file: a rule that appraises modules refuses
// them all, but where the kernel enforces the signatures of modules itself (ima_load_data, the same
// in 6.1, 6.12 and 7.2). Without the rule, enforcement makes no difference here.
TEST(FalseLaws, EnforcingSignaturesCanAllow) {
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    const auto load = [&](Truth enforced) {
      return ima_load_module(*machine.walk, *machine.state, enforced);
    };
    machine.boot({"appraise func=MODULE_CHECK appraise_type=imasig"});
    EXPECT_EQ(load(Truth::no).err, Errno::eacces);
    EXPECT_EQ(load(Truth::yes).err, Errno::none);
    machine.boot({"measure func=MODULE_CHECK"});
    EXPECT_EQ(load(Truth::no).err, Errno::none);
    EXPECT_EQ(load(Truth::yes).err, Errno::none);
  }
}

}  // namespace
}  // namespace assay
