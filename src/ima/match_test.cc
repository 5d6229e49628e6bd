// Every condition of a rule decides once: the rule matches an event, and does not match one that
// differs in this alone.

#include "ima/match.h"

#include <gtest/gtest.h>

#include "ima/test_ima.h"

namespace assay {
namespace {

using namespace test;
using Change = void (*)(ImaEvent&, ImaFile&);

ImaEvent read_event() {
  ImaEvent event = event_of(ImaHook::file_check);
  event.subject = {10, 11, 12, 20, 21, 22, Truth::no, Truth::no};
  return event;
}

ImaFile ext4_file() {
  ImaFile file = file_with({}).file;
  file.filesystem.subtype = "sub";
  file.filesystem.uuid = FsUuid{0x11};
  file.owner = 30;
  file.group = 40;
  return file;
}

bool matches(std::string_view text, const ImaEvent& event, const ImaFile& file,
             std::string_view& missed) {
  KernelConfig config;
  config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
  const KernelCrypto crypto;
  Walk walk(KernelId{}, {}, false);
  const ParsedImaRule parsed = parse_ima_rule(walk, text, 0, {config, crypto, true});
  EXPECT_FALSE(parsed.outcome.failed()) << text;
  const bool matched = match_ima_rule(walk, parsed.rule, event, file, missed);
  EXPECT_TRUE(walk.choices().empty()) << text;
  return matched;
}

TEST(ImaMatch, EachConditionAlone) {
  struct Row {
    const char* rule;
    const char* condition;
    Change differs;
  };
  const Row rows[] = {
      {"measure func=FILE_CHECK", "func",
       [](ImaEvent& e, ImaFile&) { e.hook = ImaHook::bprm_check; }},
      {"measure mask=MAY_READ", "mask",
       [](ImaEvent& e, ImaFile&) { e.mask = kMayRead | kMayWrite; }},
      {"measure mask=^MAY_READ", "mask", [](ImaEvent& e, ImaFile&) { e.mask = kMayWrite; }},
      {"measure fsmagic=ef53", "fsmagic", [](ImaEvent&, ImaFile& f) { f.filesystem.magic = 1; }},
      {"measure fsname=ext4", "fsname", [](ImaEvent&, ImaFile& f) { f.filesystem.name = "ext4x"; }},
      {"measure fs_subtype=sub", "fs_subtype",
       [](ImaEvent&, ImaFile& f) { f.filesystem.subtype = ""; }},
      {"measure fsuuid=11000000-0000-0000-0000-000000000000", "fsuuid",
       [](ImaEvent&, ImaFile& f) { f.filesystem.uuid = FsUuid{0x12}; }},
      {"measure uid=10", "uid", [](ImaEvent& e, ImaFile&) { e.subject.uid = 9; }},
      {"measure uid>9", "uid", [](ImaEvent& e, ImaFile&) { e.subject.uid = 9; }},
      {"measure uid<11", "uid", [](ImaEvent& e, ImaFile&) { e.subject.uid = 11; }},
      {"measure euid=11", "euid", [](ImaEvent& e, ImaFile&) { e.subject.euid = 10; }},
      {"measure euid>10", "euid", [](ImaEvent& e, ImaFile&) { e.subject.euid = 10; }},
      {"measure euid<12", "euid", [](ImaEvent& e, ImaFile&) { e.subject.euid = 12; }},
      {"measure gid=20", "gid", [](ImaEvent& e, ImaFile&) { e.subject.gid = 10; }},
      {"measure gid>19", "gid", [](ImaEvent& e, ImaFile&) { e.subject.gid = 19; }},
      {"measure gid<21", "gid", [](ImaEvent& e, ImaFile&) { e.subject.gid = 21; }},
      {"measure egid=21", "egid", [](ImaEvent& e, ImaFile&) { e.subject.egid = 20; }},
      {"measure egid>20", "egid", [](ImaEvent& e, ImaFile&) { e.subject.egid = 20; }},
      {"measure egid<22", "egid", [](ImaEvent& e, ImaFile&) { e.subject.egid = 22; }},
      {"measure fowner=30", "fowner", [](ImaEvent&, ImaFile& f) { f.owner = 31; }},
      {"measure fowner>29", "fowner", [](ImaEvent&, ImaFile& f) { f.owner = 29; }},
      {"measure fowner<31", "fowner", [](ImaEvent&, ImaFile& f) { f.owner = 31; }},
      {"measure fgroup=40", "fgroup", [](ImaEvent&, ImaFile& f) { f.group = 41; }},
      {"measure fgroup>39", "fgroup", [](ImaEvent&, ImaFile& f) { f.group = 39; }},
      {"measure fgroup<41", "fgroup", [](ImaEvent&, ImaFile& f) { f.group = 41; }},
  };
  for (const Row& row : rows) {
    ImaEvent event = read_event();
    ImaFile file = ext4_file();
    std::string_view missed;
    EXPECT_TRUE(matches(row.rule, event, file, missed)) << row.rule;
    row.differs(event, file);
    EXPECT_FALSE(matches(row.rule, event, file, missed)) << row.rule;
    EXPECT_EQ(missed, row.condition) << row.rule;
  }
}

// Who may change its numbers is matched by any of them.
TEST(ImaMatch, EffectiveNumbersOfTheCapable) {
  std::string_view missed;
  ImaEvent event = read_event();
  for (const char* rule : {"measure euid=12", "measure euid=10"})
    EXPECT_FALSE(matches(rule, event, ext4_file(), missed));
  event.subject.cap_setuid = Truth::yes;
  for (const char* rule : {"measure euid=12", "measure euid=10", "measure euid=11"})
    EXPECT_TRUE(matches(rule, event, ext4_file(), missed));
  EXPECT_FALSE(matches("measure egid=22", event, ext4_file(), missed));
  event.subject.cap_setgid = Truth::yes;
  EXPECT_TRUE(matches("measure egid=22", event, ext4_file(), missed));
}

TEST(ImaMatch, KeysAndData) {
  std::string_view missed;
  ImaEvent event = read_event();
  event.hook = ImaHook::key_check;
  event.data = ".ima";
  EXPECT_TRUE(matches("measure func=KEY_CHECK", event, {}, missed));
  EXPECT_TRUE(matches("measure func=KEY_CHECK keyrings=.evm|.ima", event, {}, missed));
  EXPECT_FALSE(matches("measure func=KEY_CHECK keyrings=.evm", event, {}, missed));
  EXPECT_EQ(missed, "keyrings");
  EXPECT_FALSE(matches("measure func=KEY_CHECK uid=11", event, {}, missed));
  EXPECT_TRUE(matches("measure func=KEY_CHECK gid=4711", event, {}, missed));  // not looked at
  EXPECT_FALSE(matches("measure", event, {}, missed));
  event.hook = ImaHook::critical_data;
  EXPECT_FALSE(matches("measure func=CRITICAL_DATA label=.im", event, {}, missed));
  EXPECT_EQ(missed, "label");
  EXPECT_TRUE(matches("measure func=CRITICAL_DATA label=.ima", event, {}, missed));
}

TEST(ImaMatch, UnknownLabelsMatchNothing) {
  std::string_view missed;
  EXPECT_FALSE(matches("measure subj_type=x", read_event(), ext4_file(), missed));
  EXPECT_EQ(missed, "subj_type");
}

TEST(ImaMatch, WhatIsNotKnownIsAsked) {
  KernelConfig config;
  const KernelCrypto crypto;
  Walk walk(KernelId{}, {}, false);
  const ImaRule rule =
      parse_ima_rule(walk, "measure fsmagic=1 fowner>5 euid=7", 0, {config, crypto, true}).rule;
  std::string_view missed;
  match_ima_rule(walk, rule, ImaEvent{}, ImaFile{}, missed);
  std::vector<std::string> asked;
  for (const Choice& choice : walk.choices()) asked.push_back(choice.key);
  EXPECT_EQ(asked, (std::vector<std::string>{"filesystem: magic = 0x1", "subject: euid = 7",
                                             "file: owner > 5"}));
}

class ImaPolicyMatch : public testing::Test {
 protected:
  ImaMatch match(const std::vector<std::string>& rules, ImaHook hook = ImaHook::bprm_check) {
    machine.boot(rules);
    trials.clear();
    return match_ima_policy(*machine.walk, *machine.state, {true, true, true, true}, event_of(hook),
                            file_with({}).file, &trials);
  }
  ImaMachine machine;
  std::vector<RuleTrial> trials;
};

TEST_F(ImaPolicyMatch, TheFirstOfEachClassDecides) {
  const ImaMatch found = match(
      {"dont_measure fowner=0", "measure func=BPRM_CHECK pcr=11", "audit func=BPRM_CHECK",
       "appraise fowner=1", "appraise func=BPRM_CHECK appraise_algos=sha512", "appraise fowner=0"});
  EXPECT_FALSE(found.actions.measure);
  EXPECT_TRUE(found.actions.audit);
  EXPECT_TRUE(found.actions.appraise);
  EXPECT_FALSE(found.as_file_check);
  EXPECT_FALSE(found.pcr);
  EXPECT_EQ(found.allowed_algos, 1U << 6);
  ASSERT_NE(found.appraising, nullptr);
  EXPECT_EQ(found.appraising->number, 5U);
  using enum RuleTrial::Kind;
  const RuleTrial::Kind kinds[] = {matched, not_asked, matched, missed, matched, not_asked};
  ASSERT_EQ(trials.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(trials[i].kind, kinds[i]) << i;
  EXPECT_EQ(trials[3].condition, "fowner");
}

TEST_F(ImaPolicyMatch, RequirementsAddUp) {
  const ImaMatch found =
      match({"dont_appraise fowner=0 permit_directio", "appraise func=MODULE_CHECK",
             "measure func=BPRM_CHECK digest_type=verity pcr=12 template=ima-buf"});
  EXPECT_FALSE(found.actions.appraise);
  EXPECT_TRUE(found.has(ima_flag::kPermitDirectio));
  EXPECT_TRUE(found.has(ima_flag::kVerityRequired));
  EXPECT_EQ(found.pcr, 12);
  ASSERT_NE(found.tmpl, nullptr);
  EXPECT_EQ(found.tmpl->name, "ima-buf");
  // Rules against appraising are not asked where no rule appraises.
  EXPECT_FALSE(match({"dont_appraise permit_directio", "audit"}).has(ima_flag::kPermitDirectio));
}

TEST_F(ImaPolicyMatch, WithoutFuncAsAFileThatIsOpened) {
  EXPECT_TRUE(match({"appraise fowner=0"}, ImaHook::kexec_kernel_check).as_file_check);
}

TEST_F(ImaPolicyMatch, AppraisingMakesHashingNeedless) {
  EXPECT_FALSE(match({"hash func=BPRM_CHECK", "appraise func=BPRM_CHECK"}).actions.hash);
  EXPECT_TRUE(match({"appraise func=BPRM_CHECK", "hash func=BPRM_CHECK"}).actions.hash);
}

}  // namespace
}  // namespace assay
