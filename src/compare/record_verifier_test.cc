// Whether records are signatures of a content, asked directly: messages are openssl's.

#include "compare/record_verifier.h"

#include <gtest/gtest.h>

#include "testing/elf_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "testing/tool.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Verdicts = std::vector<RecordVerdict>;

// The information block and the marker behind a message.
constexpr std::size_t kTrailer = 40;

std::shared_ptr<const Content> content_of(Bytes bytes) {
  return std::make_shared<MemoryContent>(std::move(bytes));
}

class RecordVerifierTest : public testing::Test {
 protected:
  void SetUp() override {
    make_key({folder_ / "key", folder_ / "pem", {"-newkey", "rsa:2048"}, "signer"});
    std::string info = "vermagic=6.1.0-1-test SMP";
    info += '\0';
    ElfSample sample(true, false);
    sample.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
    module_ = sample.write();
    write_file(folder_ / "data", module_);
  }
  // What `openssl cms` signs, behind the module (scripts/sign-file.c).
  Bytes sign(const std::vector<std::string>& more) {
    std::vector<std::string> command{"openssl",        "cms",      "-sign",         "-binary",
                                     "-noattr",        "-outform", "DER",           "-in",
                                     folder_ / "data", "-signer",  folder_ / "pem", "-inkey",
                                     folder_ / "key"};
    command.insert(command.end(), more.begin(), more.end());
    const Bytes message = run_tool(command);
    Bytes file = module_;
    file.insert(file.end(), message.begin(), message.end());
    file.insert(file.end(), {0, 0, 2, 0, 0, 0, 0, 0});
    for (int shift = 24; shift >= 0; shift -= 8)
      file.push_back(static_cast<std::uint8_t>(message.size() >> shift));
    for (const char c : std::string_view("~Module signature appended~\n"))
      file.push_back(static_cast<std::uint8_t>(c));
    return file;
  }
  // Of a file's records over `content`. The answers, and how often there were any.
  static Verdicts verify(const Bytes& file, const Bytes& content, bool& waited) {
    const auto form = find_canonical_form(content_of(file));
    EXPECT_TRUE(form);
    return verify(form->parts, content, waited);
  }
  static Verdicts verify(const std::vector<RecordPart>& parts, const Bytes& content, bool& waited) {
    Verdicts verdicts;
    int count = 0;
    TrustOptions trust;
    trust.use_host = false;
    RecordVerifier verifier(trust, [](const std::function<void()>& job) { job(); });
    verifier.verify({"m.ko", "", "m.ko"}, Rope(content_of(content)), parts, nullptr, std::nullopt,
                    [&](Verdicts found) {
                      verdicts = std::move(found);
                      ++count;
                    });
    waited = count == 0;
    verifier.finish();
    EXPECT_EQ(count, 1) << "answers";
    return verdicts;
  }

  TemporaryFolder folder_;
  Bytes module_;
};

TEST_F(RecordVerifierTest, ARecordWithItsCertificateNeedsNoOther) {
  bool waited = true;
  const Bytes file = sign({});
  const Verdicts good = verify(file, module_, waited);
  EXPECT_FALSE(waited);
  ASSERT_EQ(good.size(), 1U);
  EXPECT_TRUE(good[0].is_verified) << good[0].reason;
  EXPECT_EQ(good[0].owner, "appended signature");
  EXPECT_EQ(good[0].size, file.size() - module_.size());
  EXPECT_EQ(good[0].key, "signer");
  EXPECT_EQ(good[0].key_source, "the record itself");
  const Bytes print =
      run_tool({"openssl", "x509", "-in", folder_ / "pem", "-noout", "-fingerprint", "-sha256"});
  std::string hex;
  for (const char c : std::string(print.begin(), print.end())
                          .substr(std::string(print.begin(), print.end()).find('=') + 1))
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
      hex += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  EXPECT_EQ(good[0].fingerprint, hex);
  EXPECT_TRUE(good[0].uncovered.empty());

  Bytes other = module_;
  other[other.size() / 2] ^= 1;
  const Verdicts bad = verify(file, other, waited);
  EXPECT_FALSE(bad[0].is_verified);
  EXPECT_FALSE(bad[0].reason.empty());
  EXPECT_TRUE(bad[0].key.empty());
}

// Its kernel may have the key, and can come until the end.
TEST_F(RecordVerifierTest, ARecordOfAnUnknownKeyIsAnsweredAtTheEnd) {
  bool waited = false;
  const Verdicts found = verify(sign({"-nocerts"}), module_, waited);
  EXPECT_TRUE(waited);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].is_verified);
  EXPECT_FALSE(found[0].reason.empty());
}

TEST_F(RecordVerifierTest, ARecordThatDoesNotFitTheContentIsNotVerified) {
  bool waited = true;
  const Bytes shorter(module_.begin(), module_.end() - 8);
  const Verdicts found = verify(sign({}), shorter, waited);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].is_verified);
  EXPECT_FALSE(found[0].reason.empty());
}

// Nor are those above it.
TEST_F(RecordVerifierTest, EachLayerIsVerifiedOverThoseBelow) {
  bool waited = true;
  const Bytes once = sign({});
  const Bytes module = module_;
  write_file(folder_ / "data", once);
  module_ = once;
  const Bytes twice = sign({});
  const Verdicts both = verify(twice, module, waited);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(both[0].is_verified) << both[0].reason;
  EXPECT_TRUE(both[1].is_verified) << both[1].reason;

  auto form = find_canonical_form(content_of(twice));
  ASSERT_TRUE(form);
  // A byte of the first message's signature value, which is its end; all of it is signed by the
  // second.
  auto& lower = form->parts[0].splices.front().after;
  lower[lower.size() - kTrailer - 10] ^= 1;
  const Verdicts changed = verify(form->parts, module, waited);
  EXPECT_FALSE(changed[0].is_verified);
  EXPECT_FALSE(changed[1].is_verified);
}

TEST_F(RecordVerifierTest, NoRecordsAreNoVerdicts) {
  bool waited = true;
  EXPECT_TRUE(verify(std::vector<RecordPart>(), module_, waited).empty());
  EXPECT_FALSE(waited);
}

}  // namespace
}  // namespace assay
