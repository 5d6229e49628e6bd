// What the kernels make of rules: tests/cases/ima/policy_rules.tsv, from the source of
// ima_policy.c.

#include "ima/policy_parse.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "ima/policy_show.h"
#include "ima/rules.h"

namespace assay {
namespace {

namespace rule = rules::ima_policy;

struct Case {
  unsigned line;
  std::string expected[3];  // of each anchor
  std::string context;
  std::string rule;
};

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    if (escape) ++i;
    plain += !escape ? text[i] : text[i] == 't' ? '\t' : '\r';
  }
  return plain;
}

std::vector<Case> read_cases() {
  std::ifstream file("tests/cases/ima/policy_rules.tsv");
  std::vector<Case> cases;
  std::string line;
  for (unsigned number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> columns;
    std::istringstream stream(line);
    for (std::string column; std::getline(stream, column, '\t');) columns.push_back(column);
    EXPECT_EQ(columns.size(), 5U) << "line " << number;
    for (int i : {1, 2})
      if (columns[static_cast<std::size_t>(i)] == "=")
        columns[static_cast<std::size_t>(i)] = columns[static_cast<std::size_t>(i) - 1];
    cases.push_back(
        {number, {columns[0], columns[1], columns[2]}, columns[3], unescape(columns[4])});
  }
  return cases;
}

KernelConfig full_config() {
  KernelConfig config;
  for (const char* option : {"CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS"})
    config.set(option, "y");
  return config;
}

KernelConfig config_of(std::string_view context) {
  KernelConfig config = full_config();
  if (context.starts_with('-')) config.set(std::string(context.substr(1)), "n");
  if (context.starts_with('+')) config.set(std::string(context.substr(1)), "y");
  return config;
}

std::string describe(const Walk& walk, const ParsedImaRule& parsed) {
  if (!parsed.outcome.failed()) return "ok";
  const Step& step = walk.steps()[static_cast<std::size_t>(parsed.outcome.step)];
  return std::string(errno_name(parsed.outcome.err)) + ' ' + std::string(step.rule->id);
}

TEST(ImaPolicyParse, EveryCaseEndsAsInTheSource) {
  const std::vector<Case> cases = read_cases();
  ASSERT_GT(cases.size(), 200U);
  const KernelCrypto crypto;
  for (const Case& each : cases) {
    const KernelConfig config = config_of(each.context);
    const ImaPolicyContext context{config, crypto, each.context == "custom"};
    for (std::size_t i = 0; i < 3; ++i) {
      Walk walk(KernelId{kAnchors[i], Variant::mainline, Arch::x86_64}, {}, false);
      const ParsedImaRule parsed = parse_ima_rule(walk, each.rule, 0, context);
      EXPECT_EQ(describe(walk, parsed), each.expected[i])
          << "line " << each.line << ", " << to_string(kAnchors[i]) << ": " << each.rule;
      EXPECT_TRUE(walk.choices().empty()) << each.rule;
    }
  }
}

// What a kernel shows it takes again, and then shows the same.
TEST(ImaPolicyParse, WhatIsShownIsARule) {
  const KernelCrypto crypto;
  for (const Case& each : read_cases()) {
    const KernelConfig config = config_of(each.context);
    const ImaPolicyContext context{config, crypto, each.context == "custom"};
    for (const KernelVersion anchor : kAnchors) {
      Walk walk(KernelId{anchor, Variant::mainline, Arch::x86_64}, {}, false);
      const ParsedImaRule parsed = parse_ima_rule(walk, each.rule, 0, context);
      if (parsed.outcome.failed() || parsed.rule.is_inactive()) continue;
      const std::string shown = show_ima_rule(walk, parsed.rule);
      // 6.1 and 6.12 show sigv3 before digest_type=verity, and do not take it in this order; all
      // show numbers above 2^31 as negative ones, and do not take these.
      const bool verity_sigv3 =
          parsed.rule.has(ima_flag::kVerityRequired) && parsed.rule.has(ima_flag::kDigsigRequired);
      if ((verity_sigv3 && anchor < kAnchor72) || shown.find("=-") != shown.npos) continue;
      const ParsedImaRule again = parse_ima_rule(walk, shown, 0, context);
      ASSERT_FALSE(again.outcome.failed()) << each.rule << " -> " << shown;
      EXPECT_EQ(show_ima_rule(walk, again.rule), shown) << each.rule;
    }
  }
}

TEST(ImaPolicyParse, Shown) {
  struct Row {
    const char* rule;
    const char* shown61;
    const char* shown72;
  };
  const Row rows[] = {
      {"fowner>5 measure mask=^MAY_READ func=PATH_CHECK uid<4000000000 fsmagic=0X9FA0",
       "measure func=FILE_CHECK mask=^MAY_READ fsmagic=0x9fa0 uid<-294967296 fowner>5 ",
       "measure func=FILE_CHECK mask=^MAY_READ fsmagic=0x9fa0 uid<-294967296 fowner>5 "},
      {"measure template=d-ng|n-ng pcr=+11 func=FILE_MMAP",
       "measure func=MMAP_CHECK pcr=11 template=ima-ng ",
       "measure func=MMAP_CHECK pcr=11 template=ima-ng "},
      {"appraise permit_directio appraise_algos=sha512,sha1 digest_type=verity appraise_type=sigv3 "
       "fsuuid=8BCBE394-4F13-4144-BE8E-5AA9EA2CE2F6",
       "appraise fsuuid=8bcbe394-4f13-4144-be8e-5aa9ea2ce2f6 appraise_algos=sha1,sha512 "
       "appraise_type=sigv3 digest_type=verity permit_directio ",
       "appraise fsuuid=8bcbe394-4f13-4144-be8e-5aa9ea2ce2f6 appraise_algos=sha1,sha512 "
       "appraise_type=sigv3 digest_type=verity permit_directio "},
      {"appraise func=MODULE_CHECK appraise_flag=check_blacklist appraise_type=imasig|modsig",
       "appraise func=MODULE_CHECK appraise_type=imasig|modsig appraise_flag=check_blacklist ",
       "appraise func=MODULE_CHECK appraise_type=imasig|modsig "},
      {"measure func=KEY_CHECK gid>7 keyrings=.ima|.evm",
       "measure func=KEY_CHECK keyrings=.ima|.evm gid>7 ",
       "measure func=KEY_CHECK keyrings=.ima|.evm gid>7 "},
      {"measure fsname=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg",
       "measure fsname=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg ",
       "measure fsname=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg "},
  };
  const KernelConfig config = full_config();
  const KernelCrypto crypto;
  const ImaPolicyContext context{config, crypto};
  for (const Row& row : rows)
    for (const KernelVersion anchor : {kAnchor61, kAnchor72}) {
      Walk walk(KernelId{anchor, Variant::mainline, Arch::x86_64}, {}, false);
      const ParsedImaRule parsed = parse_ima_rule(walk, row.rule, 0, context);
      ASSERT_FALSE(parsed.outcome.failed()) << row.rule;
      EXPECT_EQ(show_ima_rule(walk, parsed.rule), anchor == kAnchor61 ? row.shown61 : row.shown72);
    }
}

// The kernel's configuration decides, and is not known; so does the version, between two anchors.
TEST(ImaPolicyParse, WhatIsNotKnownStaysOpen) {
  const KernelConfig unknown;
  const KernelCrypto crypto;
  const ImaPolicyContext context{unknown, crypto};
  Walk walk(KernelId{kAnchor72, Variant::mainline, Arch::x86_64}, {}, false);
  parse_ima_rule(walk, "appraise func=MODULE_CHECK appraise_type=imasig|modsig", 0, context);
  ASSERT_EQ(walk.choices().size(), 1U);
  EXPECT_EQ(walk.choices()[0].key, "config: CONFIG_IMA_APPRAISE_MODSIG");

  const KernelConfig config = full_config();
  const ImaPolicyContext known{config, crypto};
  Walk between(KernelId{{6, 18}, Variant::mainline, Arch::x86_64}, {}, false);
  parse_ima_rule(between, "dont_audit func=BPRM_CHECK", 0, known);
  ASSERT_EQ(between.choices().size(), 1U);
  EXPECT_EQ(between.choices()[0].key, "kernel.version");
}

// A label that a security module knows cannot be given twice.
TEST(ImaPolicyParse, KnownLabelsOccurOnce) {
  KernelConfig config = full_config();
  config.set("CONFIG_IMA_LSM_RULES", "y");
  config.set("CONFIG_SECURITY_SELINUX", "y");
  const KernelCrypto crypto;
  const ImaPolicyContext context{config, crypto};
  Walk walk(KernelId{}, {}, false);
  const ParsedImaRule parsed = parse_ima_rule(walk, "measure obj_type=a obj_type=b", 0, context);
  ASSERT_TRUE(parsed.outcome.failed());
  EXPECT_EQ(walk.steps().back().rule, &rule::lsm_once);
  EXPECT_EQ(parsed.word, (Extent{19, 10}));
  ASSERT_EQ(walk.choices().size(), 1U);
  EXPECT_EQ(walk.choices()[0].key, "label: obj_type=a");
}

TEST(ImaPolicyParse, LinesEndAtNewlinesAndNuls) {
  using namespace std::string_view_literals;
  const auto lines = split_ima_policy("# c\n \tmeasure\n\nhash\0audit\nappraise"sv);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_FALSE(lines[0].is_rule);
  EXPECT_EQ(lines[1].text, "measure");
  EXPECT_EQ(lines[1].offset, 6U);
  EXPECT_EQ(lines[1].number, 2U);
  EXPECT_FALSE(lines[2].is_rule);
  EXPECT_EQ(lines[3].text, "hash");
  EXPECT_EQ(lines[4].text, "audit");
  EXPECT_EQ(lines[4].number, 4U);
  EXPECT_EQ(lines[5].number, 5U);
}

}  // namespace
}  // namespace assay
