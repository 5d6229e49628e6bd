// Expectations against inventories: every key of every group drifts alone when it alone differs.

#include "expect/expectation.h"

#include <gtest/gtest.h>

#include <functional>

#include "expect/expectation_file.h"

namespace assay {
namespace {

const std::string kPrint(64, 'a');
const std::string kOtherPrint(64, 'b');

SignatureReport signature(const std::string& carrier) {
  SignatureReport report;
  report.carrier = carrier;
  report.standing = Standing::verified;
  report.signer = "key";
  report.hash = "sha256";
  report.algorithm = "rsaEncryption";
  if (carrier == "xattr") report.record = "security.ima";
  return report;
}

ArtifactReport artifact(const std::string& kind, const std::string& format) {
  ArtifactReport report;
  report.path = kind + "-1";
  report.kind = kind;
  report.format = format;
  report.standing = Standing::verified;
  report.signatures.push_back(signature("appended"));
  report.contents.emplace();
  report.contents->uncovered_size = 0U;
  if (kind == "kernel-image")
    report.contents->certificates = std::vector<BuiltInCertificate>{{"CN=a", kPrint}};
  if (kind == "kernel-image" || kind == "pe") {
    report.signatures[0].certificate = {"CN=key", kPrint};
    SbatEntry entry;
    entry.component = "sbat";
    entry.generation = 1;
    report.contents->sbat = std::vector<SbatEntry>{entry};
  }
  return report;
}

ArtifactReport ima_file() {
  ArtifactReport report;
  report.path = "tool";
  report.kind = "file";
  report.standing = Standing::verified;
  report.signatures.push_back(signature("xattr"));
  return report;
}

// Two of each, so that one may differ; and one module that is not signed.
std::vector<ArtifactReport> everything() {
  std::vector<ArtifactReport> all;
  for (int i = 0; i < 2; ++i)
    for (const auto& [kind, format] :
         {std::pair("module", "ko"), {"kernel-image", "bzimage"}, {"pe", "pe32+"}, {"file", ""}})
      all.push_back(artifact(kind, format));
  all.push_back(ima_file());
  all.push_back(ima_file());
  return all;
}

Inventory inventory_of(const std::vector<ArtifactReport>& reports) {
  Inventory inventory;
  for (const ArtifactReport& report : reports) inventory.add(report);
  return inventory;
}

std::vector<std::string> drifted(const std::vector<ArtifactReport>& before,
                                 const std::vector<ArtifactReport>& after) {
  std::vector<std::string> keys;
  for (const Drift& drift : find_drifts(expect_same(inventory_of(before)), inventory_of(after)))
    keys.push_back((drift.is_determined ? "" : "?") + drift.key);
  return keys;
}

using Keys = std::vector<std::string>;

struct Change {
  std::string key;  // without its group
  std::function<void(ArtifactReport&)> make;
};

void become_unsigned(ArtifactReport& report) {
  report.signatures.clear();
  report.standing = Standing::unsigned_;
  report.contents->uncovered_size.reset();
}

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      {"unsigned", become_unsigned},
      {"formats", [](auto& report) { report.format = "ko.xz"; }},
      {"status",
       [](auto& report) { report.standing = report.signatures[0].standing = Standing::untrusted; }},
      {"signers", [](auto& report) { report.signatures[0].signer = "another"; }},
      {"hashes", [](auto& report) { report.signatures[0].hash = "sha512"; }},
      {"algorithms", [](auto& report) { report.signatures[0].algorithm = "ecdsa"; }},
      {"certificates",
       [](auto& report) { (*report.contents->certificates)->push_back({"CN=b", kPrint}); }},
      {"sbat", [](auto& report) { (**report.contents->sbat)[0].generation = 2; }},
      {"uncovered", [](auto& report) { report.contents->uncovered_size = 8U; }},
      {"signer_certificates",
       [](auto& report) { report.signatures[0].certificate->fingerprint = kOtherPrint; }},
  };
  return all;
}

TEST(Expectation, WhatIsTrueDoesNotDrift) {
  EXPECT_EQ(drifted(everything(), everything()), Keys());
}

TEST(Expectation, EveryKeyDriftsAlone) {
  const std::vector<ArtifactReport> before = everything();
  std::size_t tried = 0;
  for (std::size_t i = 4; i < 8; ++i) {
    const Group group = *group_of(before[i]);
    for (const Change& change : changes()) {
      const bool is_of_group = std::ranges::any_of(key_rows(), [&](const KeyRow& row) {
        return row.name == change.key && row.is_of(group);
      });
      if (!is_of_group) continue;
      std::vector<ArtifactReport> after = before;
      change.make(after[i]);
      EXPECT_EQ(drifted(before, after), Keys{std::string(group_name(group)) + '.' + change.key});
      ++tried;
    }
    std::vector<ArtifactReport> after = before;
    after.push_back(before[i]);
    EXPECT_EQ(drifted(before, after), Keys{std::string(group_name(group)) + ".count"});
    ++tried;
  }
  const std::vector<Change> of_records = {
      {"records", [](auto& report) { report.signatures[0].record = "security.evm"; }},
      {"status", [](auto& report) { report.signatures[0].standing = Standing::untrusted; }},
      {"unsigned", [](auto& report) { report.signatures[0].standing = Standing::unsigned_; }},
      changes()[3],
      changes()[4],
      changes()[5]};
  for (const Change& change : of_records) {
    std::vector<ArtifactReport> after = before;
    change.make(after.back());
    EXPECT_EQ(drifted(before, after), Keys{"ima." + change.key});
    ++tried;
  }
  std::vector<ArtifactReport> after = before;
  after.push_back(ima_file());
  EXPECT_EQ(drifted(before, after), Keys{"ima.count"});
  ++tried;
  std::size_t rows = 0;
  for (const Group group : kGroups)
    for (const KeyRow& row : key_rows()) rows += row.is_of(group) ? 1 : 0;
  EXPECT_EQ(tried, rows) << "a key that no case drifts";
}

TEST(Expectation, WhatIsGoneIsADrift) {
  std::vector<ArtifactReport> before = everything();
  before[0].signatures[0].signer = "another";
  EXPECT_EQ(drifted(before, everything()), Keys{"modules.signers"});
  const auto expectation = parse_expectation(
      "schema = 1\n[modules]\nsigners = { among = ['key', 'another', 'a third'] }\n");
  ASSERT_TRUE(expectation);
  EXPECT_TRUE(find_drifts(*expectation, inventory_of(before)).empty());
  before[0].signatures[0].signer = "a fourth";
  EXPECT_EQ(find_drifts(*expectation, inventory_of(before)).size(), 1U);
}

TEST(Expectation, WhatIsNotKnownIsNeverAsExpected) {
  const std::vector<ArtifactReport> before = everything();
  std::vector<ArtifactReport> after = before;
  after[0].standing = after[0].signatures[0].standing = Standing::undetermined;
  EXPECT_EQ(drifted(before, after), Keys{"?modules.status"});
  after[4].standing = after[4].signatures[0].standing = Standing::untrusted;
  EXPECT_EQ(drifted(before, after), Keys{"modules.status"}) << "whatever else there is";
  after = before;
  after[1].contents->certificates = fail(Reason::trust_not_found);
  after[5].contents->certificates = fail(Reason::trust_not_found);
  EXPECT_EQ(drifted(before, after), Keys{"?images.certificates"}) << "perhaps none is gone";
  // Not written at all where it is not known.
  EXPECT_FALSE(
      expect_same(inventory_of(after)).at(Group::images, ExpectKey::certificates).has_value());
  after = before;
  after[2].contents->sbat = fail(Reason::bad_value);
  EXPECT_EQ(drifted(before, after), Keys{"?pe.sbat"});
}

// A certificate without its fingerprint is any one of that subject, not two.
TEST(Expectation, AnEntryCoversOneCertificate) {
  const auto expectation = parse_expectation(
      "schema = 1\n[images]\ncertificates = [{ subject = 'CN=a' }, { subject = 'CN=b', "
      "fingerprint = '" +
      kPrint + "' }]\n");
  ASSERT_TRUE(expectation);
  const auto drifts_of = [&](std::vector<BuiltInCertificate> certificates) {
    ArtifactReport image = artifact("kernel-image", "image");
    image.contents->certificates = std::move(certificates);
    return find_drifts(*expectation, inventory_of({image})).size();
  };
  EXPECT_EQ(drifts_of({{"CN=a", kPrint}, {"CN=b", kPrint}}), 0U);
  EXPECT_EQ(drifts_of({{"CN=a", kOtherPrint}, {"CN=b", kPrint}}), 0U);
  EXPECT_EQ(drifts_of({{"CN=a", kPrint}, {"CN=b", kOtherPrint}}), 1U);
  EXPECT_EQ(drifts_of({{"CN=a", kPrint}, {"CN=a", kOtherPrint}, {"CN=b", kPrint}}), 1U);
  EXPECT_EQ(drifts_of({{"CN=b", kPrint}}), 1U);
}

TEST(Expectation, NumbersMayBeRanges) {
  const auto drifts_at = [&](const std::string& count, std::size_t modules) {
    const auto expectation = parse_expectation("schema = 1\n[modules]\ncount = " + count + "\n");
    EXPECT_TRUE(expectation);
    return find_drifts(*expectation,
                       inventory_of(std::vector<ArtifactReport>(modules, artifact("module", "ko"))))
        .size();
  };
  EXPECT_EQ(drifts_at("3", 3), 0U);
  EXPECT_EQ(drifts_at("3", 2), 1U);
  EXPECT_EQ(drifts_at("{ min = 2 }", 1), 1U);
  EXPECT_EQ(drifts_at("{ min = 2 }", 9), 0U);
  EXPECT_EQ(drifts_at("{ max = 2 }", 3), 1U);
  EXPECT_EQ(drifts_at("{ min = 2, max = 4 }", 4), 0U);
  EXPECT_EQ(drifts_at("{ min = 2, max = 4 }", 5), 1U);
}

TEST(ExpectationFile, ReadsWhatItWrites) {
  std::vector<ArtifactReport> reports = everything();
  reports[0].signatures[0].signer = "a \"quoted\" \\ name\twith a tab";
  const Expectation expectation = expect_same(inventory_of(reports));
  const std::string text = write_expectation(expectation);
  const auto again = parse_expectation(text);
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_TRUE(*again == expectation);
  EXPECT_EQ(write_expectation(*again), text);
}

TEST(ExpectationFile, RefusesWhatItDoesNotKnow) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"", "schema: expected 1"},
      {"schema = 2", "schema: expected 1"},
      {"schema = 1\nmodule = 1", "unknown key module"},
      {"schema = 1\nmodules = 1", "modules: expected a table"},
      {"schema = 1\n[modules]\nsigner = ['a']", "unknown key modules.signer"},
      {"schema = 1\n[modules]\nsbat = []", "unknown key modules.sbat"},
      {"schema = 1\n[modules]\ncertificates = []", "unknown key modules.certificates"},
      {"schema = 1\n[ima]\nformats = []", "unknown key ima.formats"},
      {"schema = 1\n[modules]\ncount = -1", "modules.count: expected a number"},
      {"schema = 1\n[modules]\ncount = '3'", "modules.count: expected a number"},
      {"schema = 1\n[modules]\ncount = {}", "modules.count: expected a number"},
      {"schema = 1\n[modules]\ncount = { min = 3, max = 2 }", "modules.count: expected a number"},
      {"schema = 1\n[modules]\ncount = { least = 3 }", "modules.count: expected a number"},
      {"schema = 1\n[modules]\nsigners = 'a'", "modules.signers: expected a list"},
      {"schema = 1\n[modules]\nsigners = [1]", "modules.signers: expected a list"},
      {"schema = 1\n[modules]\nsigners = { among = 'a' }", "modules.signers: expected a list"},
      {"schema = 1\n[modules]\nsigners = { or = ['a'] }", "modules.signers: expected a list"},
      {"schema = 1\n[modules]\nstatus = ['bad']", "modules.status: expected verified"},
      {"schema = 1\n[modules]\nstatus = ['undetermined']", "modules.status: expected verified"},
      {"schema = 1\n[images]\ncertificates = [{ fingerprint = 'aa' }]", "images.certificates: "},
      {"schema = 1\n[images]\ncertificates = [{ subject = 'a', fingerprint = 'aa' }]",
       "images.certificates: "},
      {"schema = 1\n[images]\ncertificates = [{ subject = 'a', serial = 'aa' }]",
       "images.certificates: "},
      {"schema = 1\n[modules", "line 2: "},
  };
  for (const Case& one : cases) {
    const auto expectation = parse_expectation(one.text);
    ASSERT_FALSE(expectation) << one.text;
    EXPECT_NE(describe(expectation.error()).find(one.says), std::string::npos)
        << one.text << ": " << describe(expectation.error());
  }
}

}  // namespace
}  // namespace assay
