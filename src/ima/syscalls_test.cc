// Where there is no file, and where security.ima is set.

#include "ima/syscalls.h"

#include <gtest/gtest.h>

#include "ima/rules.h"
#include "ima/test_ima.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::ima;

TEST(ImaSyscalls, WithoutAFile) {
  ImaMachine machine;
  const auto decided = [&](const Outcome& outcome) { return machine.rule_of(outcome); };
  machine.boot({"appraise func=MODULE_CHECK", "appraise func=KEXEC_KERNEL_CHECK",
                "appraise func=FIRMWARE_CHECK"});
  EXPECT_EQ(decided(ima_load_module(*machine.walk, *machine.state, Truth::no)), &rule::module_file);
  EXPECT_EQ(decided(ima_load_module(*machine.walk, *machine.state, Truth::yes)), nullptr);
  EXPECT_EQ(decided(ima_load_kexec(*machine.walk, *machine.state, machine.config, Truth::no)),
            &rule::kexec_file);
  EXPECT_EQ(decided(ima_load_kexec(*machine.walk, *machine.state, machine.config, Truth::yes)),
            &rule::kexec_secure_boot);
  EXPECT_EQ(decided(ima_load_firmware(*machine.walk, *machine.state)), &rule::firmware_file);
  machine.command_line = "ima_appraise=log";
  machine.boot({"appraise func=MODULE_CHECK", "appraise func=KEXEC_KERNEL_CHECK"});
  EXPECT_EQ(decided(ima_load_module(*machine.walk, *machine.state, Truth::no)), nullptr);
  EXPECT_EQ(decided(ima_load_kexec(*machine.walk, *machine.state, machine.config, Truth::no)),
            nullptr);
  machine.command_line = "";
  machine.boot({"appraise func=BPRM_CHECK"});
  EXPECT_EQ(decided(ima_load_module(*machine.walk, *machine.state, Truth::no)), nullptr);
}

TEST(ImaSyscalls, Mprotect) {
  ImaMachine machine;
  const ImaEvent event = event_of(ImaHook::mmap_check);
  const ImaFile file = file_with({}).file;
  machine.boot({"appraise func=MMAP_CHECK fowner=0"});
  EXPECT_EQ(machine.rule_of(ima_mprotect(*machine.walk, *machine.state, event, file)),
            &rule::mprotect);
  ImaFile other = file;
  other.owner = 1000;
  EXPECT_FALSE(ima_mprotect(*machine.walk, *machine.state, event, other).failed());
  machine.boot({"measure func=MMAP_CHECK"});
  EXPECT_FALSE(ima_mprotect(*machine.walk, *machine.state, event, file).failed());
}

TEST(ImaSyscalls, SettingTheAttribute) {
  ImaMachine machine;
  const auto set = [&](std::string_view hex, Truth admin, std::string& cause) {
    const ImaKernel kernel{*machine.state, machine.config, machine.signatures, machine.rings,
                           machine.evm};
    const auto bytes = bytes_of_hex(hex);
    return machine.rule_of(
        ima_set_xattr(*machine.walk, kernel, read_ima_xattr(View(bytes)), admin, cause));
  };
  std::string cause;
  machine.boot({});
  EXPECT_EQ(set("0102", Truth::yes, cause), nullptr);
  EXPECT_EQ(set("0102", Truth::no, cause), &rule::set_admin);
  EXPECT_EQ(set("", Truth::yes, cause), &rule::set_type);
  EXPECT_EQ(set("07", Truth::yes, cause), &rule::set_type);
  EXPECT_EQ(set("00", Truth::yes, cause), nullptr);
  EXPECT_EQ(set("04ff00", Truth::yes, cause), nullptr);  // taken for the default
  EXPECT_EQ(set("041000", Truth::yes, cause), &rule::set_available);
  EXPECT_EQ(cause, "unavailable-hash-algorithm");
  machine.boot({"appraise func=SETXATTR_CHECK appraise_algos=sha256"});
  EXPECT_EQ(set(vectors::kHashSha256, Truth::yes, cause), nullptr);
  EXPECT_EQ(set(vectors::kHashSha1, Truth::yes, cause), &rule::set_algorithm);
  EXPECT_EQ(cause, "denied-hash-algorithm");
}

// What EVM lets user space write of itself.
TEST(ImaSyscalls, SettingTheAttributeOfEvm) {
  ImaMachine machine;
  machine.boot({});
  const auto set = [&](std::string_view hex) {
    const auto bytes = bytes_of_hex(hex);
    const ImaKernel kernel{*machine.state, machine.config, machine.signatures, machine.rings,
                           machine.evm};
    return machine.rule_of(evm_set_xattr(*machine.walk, kernel, read_ima_xattr(View(bytes))));
  };
  EXPECT_EQ(set("02"), nullptr) << "no EVM";
  machine.config.set("CONFIG_EVM", "y");
  EXPECT_EQ(set(""), &rule::set_evm_size);
  EXPECT_EQ(set("020000000000000000000000000000000000000000"), &rule::set_evm_type);
  EXPECT_EQ(set("0302"), nullptr);
  EXPECT_EQ(set("0502"), nullptr);
}

// ima_appraise_signature looks at the first rule that appraises what it is about, and at none of
// its conditions.
TEST(ImaSyscalls, AppraisesSignature) {
  ImaMachine machine;
  const auto appraises = [&](std::vector<std::string> rules) {
    machine.boot(rules);
    return ima_appraise_signature(*machine.walk, *machine.state, machine.config,
                                  ImaHook::kexec_kernel_check, Truth::yes);
  };
  const std::string kexec = "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig";
  EXPECT_TRUE(appraises({kexec}));
  EXPECT_TRUE(appraises({kexec + " fowner=1000"}));
  EXPECT_TRUE(appraises({"dont_appraise func=KEXEC_KERNEL_CHECK", kexec}));
  EXPECT_FALSE(appraises({"appraise fowner=1000", kexec}));
  EXPECT_FALSE(appraises({"appraise func=KEXEC_KERNEL_CHECK"}));
  EXPECT_FALSE(appraises({"appraise func=MODULE_CHECK appraise_type=imasig"}));
  machine.command_line = "ima_appraise=log";
  EXPECT_FALSE(appraises({kexec}));
  machine.command_line = "";
  machine.config.set("CONFIG_INTEGRITY_TRUSTED_KEYRING", "n");
  EXPECT_FALSE(appraises({kexec}));
}

}  // namespace
}  // namespace assay
