// sbverify, pesign and osslsigncode on the same files: real ones and those of tests/cases/pe. Where
// one of them disagrees with the kernel, docs/formats/pe.md has a row that says so, with the
// reason; a disagreement without a row fails, and so does a row without a disagreement.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "testing/process.h"
#include "tests/real/boot_files.h"

namespace assay {
namespace {

using namespace test;
using Json = nlohmann::ordered_json;

const std::string kCases = "tests/cases/pe/";

std::string text_of(const Finished& finished) {
  return std::string(finished.out.begin(), finished.out.end()) + finished.error;
}

std::string find_text(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : std::string();
}

// Rows "| tool | what it says | `case`, `case` | reason |" of docs/formats/pe.md.
using Disagreements = std::map<std::pair<std::string, std::string>, std::set<std::string>>;

Disagreements documented() {
  std::ifstream file("docs/formats/pe.md");
  Disagreements rows;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    static const std::regex kRow(R"(\| (sbverify|pesign|osslsigncode) \| ([^|]+) \| ([^|]+) \|.*)");
    if (!std::regex_match(line, match, kRow)) continue;
    const std::string cases = match[3].str();
    static const std::regex kName("`([^`]+)`");
    for (auto at = std::sregex_iterator(cases.begin(), cases.end(), kName);
         at != std::sregex_iterator(); ++at)
      rows[{match[1].str(), match[2].str()}].insert((*at)[1].str());
  }
  return rows;
}

class PeTools : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const char* package : {"sbsigntool", "pesign", "osslsigncode"}) {
      const Finished version =
          run_command({"dpkg-query", "-W", "-f", "${Package} ${Version}", package});
      ASSERT_EQ(version.status, 0) << package;
      std::printf("%s\n", text_of(version).c_str());
    }
    const Finished newer = run_command({"bash", "-c",
                                        "dpkg --compare-versions \"$(dpkg-query -W -f "
                                        "'${Version}' osslsigncode)\" ge 2.9"});
    osslsigncode_tells_ = newer.status == 0;
  }
  void SetUp() override {
    for (const char* name :
         {"good", "plat", "p256", "expired", "ca", "revoked", "tbs-listed", "tbs384"}) {
      const std::string pem = folder_ / (std::string(name) + ".pem");
      ASSERT_EQ(run_command({"openssl", "x509", "-inform", "DER", "-in",
                             kCases + "keys/" + name + ".der", "-out", pem})
                    .status,
                0);
      certificates_.push_back(pem);
    }
  }

  bool sbverify_accepts(const std::string& path) const {
    return std::ranges::any_of(certificates_, [&](const std::string& pem) {
      return run_command({"sbverify", "--cert", pem, path}).status == 0;
    });
  }
  static std::string pesign_digest(const std::string& path) {
    const Finished ran = run_command({"pesign", "-h", "-i", path});
    return ran.status == 0 ? find_text(text_of(ran), "([0-9a-f]{64})") : "";
  }
  static std::string osslsigncode_digest(const std::string& path) {
    const std::string hex = find_text(text_of(run_command({"osslsigncode", "verify", "-in", path})),
                                      "Calculated message digest *: *([0-9A-Fa-f]{64})");
    std::string lower = hex;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
  }

  // Before 2.9 osslsigncode says "Invalid signature", and no digest, of a signature whose chain it
  // does not know to end in the system's roots; the rows are those of 2.9. What an older one does
  // compute is held against the kernel's all the same.
  static inline bool osslsigncode_tells_ = false;

  TemporaryFolder folder_;
  std::vector<std::string> certificates_;
};

// Of a signed image, by the kernel's rule; empty where the kernel computes none.
std::string kernel_digest(const PeBootEvidence& evidence) {
  const Digest* digest = evidence.digest(CoverageRule::kernel, Hash::sha256);
  return digest == nullptr || evidence.entries.empty() ? "" : digest->hex();
}

bool names_sha256(const PeCertificateEntry& entry) {
  return entry.indirect.digest_algo && find_oid(*entry.indirect.digest_algo) == Oid::sha256;
}

TEST_F(PeTools, EveryDisagreementIsDocumented) {
  std::ifstream file(kCases + "cases.json");
  Disagreements found;
  int compared = 0;
  for (const Json& entry : Json::parse(file)) {
    // Other states have no counterpart in these tools.
    if (entry["state"] != "trusted") continue;
    const std::string name = entry["name"];
    const std::string path = kCases + entry["file"].get<std::string>();
    const auto bytes = read_file(path);
    const Collected image = collect(bytes);
    const bool kernel_accepts = entry["expect"]["7.2"] == "ok";
    const bool accepts = sbverify_accepts(path);
    if (accepts != kernel_accepts)
      found[{"sbverify", accepts ? "accepts" : "refuses"}].insert(name);
    const std::string expected = kernel_digest(image.boot);
    const auto note = [&](const char* tool, const std::string& digest) {
      if (digest == expected) return;
      found[{tool, digest.empty()     ? "no digest"
                   : expected.empty() ? "a digest"
                                      : "another digest"}]
          .insert(name);
    };
    if (!image.boot.entries.empty()) note("pesign", pesign_digest(path));
    // osslsigncode hashes by the algorithm that the signature names.
    if (!image.boot.entries.empty() && names_sha256(image.boot.entries[0]))
      if (const std::string digest = osslsigncode_digest(path);
          osslsigncode_tells_ || !digest.empty())
        note("osslsigncode", digest);
    ++compared;
  }
  EXPECT_GT(compared, 120);
  const Disagreements rows = documented();
  for (const auto& [what, names] : found) {
    const auto row = rows.find(what);
    std::string missing;
    for (const std::string& name : names)
      if (row == rows.end() || !row->second.contains(name)) missing += " `" + name + "`,";
    EXPECT_TRUE(missing.empty()) << what.first << " | " << what.second << " |" << missing;
  }
  for (const auto& [what, names] : rows) {
    if (what.first == "osslsigncode" && !osslsigncode_tells_) continue;
    const auto seen = found.find(what);
    for (const std::string& name : names)
      EXPECT_TRUE(seen != found.end() && seen->second.contains(name))
          << what.first << " | " << what.second << " | " << name << " does not happen";
  }
}

TEST_F(PeTools, AgreeOnDebiansFiles) {
  const auto trust = load_boot_material(find_boot_file(kShim), [](const Error&) {});
  ASSERT_TRUE(trust && trust->certificates.size() == 1);
  const auto der = trust->certificates[0].certificate->x509().raw.bytes();
  write_file(folder_ / "ca.der", der);
  ASSERT_EQ(run_command({"openssl", "x509", "-inform", "DER", "-in", folder_ / "ca.der", "-out",
                         folder_ / "ca.pem"})
                .status,
            0);
  for (const BootFile& file : kDebians) {
    const std::string path = find_boot_file(file);
    SCOPED_TRACE(path);
    const auto bytes = read_file(path);
    const std::string digest = kernel_digest(collect(bytes).boot);
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_EQ(run_command({"sbverify", "--cert", folder_ / "ca.pem", path}).status, 0);
    EXPECT_EQ(pesign_digest(path), digest);
    const std::string theirs = osslsigncode_digest(path);
    if (osslsigncode_tells_ || !theirs.empty()) {
      EXPECT_EQ(theirs, digest);
    }
  }
}

}  // namespace
}  // namespace assay
