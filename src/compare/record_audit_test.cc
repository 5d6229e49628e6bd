// Messages made by openssl, and what is hidden in them.

#include "compare/record_audit.h"

#include <gtest/gtest.h>

#include "testing/cms_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

class RecordAudit : public testing::Test {
 protected:
  static void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const Finished done = run_command(arguments);
    ASSERT_EQ(done.status, 0) << done.error;
  }
  void SetUp() override {
    make_key("root", {});
    make_key("leaf", {"-CA", folder_ / "root.pem", "-CAkey", folder_ / "root.key"});
    make_key("other", {});
    write_file(folder_ / "data", Bytes{1, 2, 3});
  }
  void make_key(const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> command{"req",      "-new",
                                     "-x509",    "-newkey",
                                     "rsa:2048", "-nodes",
                                     "-keyout",  folder_ / (name + ".key"),
                                     "-subj",    "/CN=" + name,
                                     "-days",    "9999",
                                     "-out",     folder_ / (name + ".pem")};
    command.insert(command.end(), more.begin(), more.end());
    openssl(command);
  }
  Bytes sign(const std::vector<std::string>& more) {
    std::vector<std::string> command{"cms",
                                     "-sign",
                                     "-binary",
                                     "-outform",
                                     "DER",
                                     "-in",
                                     folder_ / "data",
                                     "-signer",
                                     folder_ / "leaf.pem",
                                     "-inkey",
                                     folder_ / "leaf.key",
                                     "-out",
                                     folder_ / "message"};
    command.insert(command.end(), more.begin(), more.end());
    openssl(command);
    return read_file(folder_ / "message");
  }
  static std::vector<std::string> names(const Bytes& message) {
    std::vector<std::string> found;
    for (const Uncovered& one : find_uncovered(parse_cms(View(message)))) found.push_back(one.what);
    return found;
  }
  using Names = std::vector<std::string>;
  TemporaryFolder folder_;
};

TEST_F(RecordAudit, MessagesOfToolsHaveNothingUncovered) {
  EXPECT_EQ(names(sign({"-noattr", "-nocerts"})), Names{});
  EXPECT_EQ(names(sign({})), Names{});
  EXPECT_EQ(names(sign({"-keyid", "-noattr"})), Names{});
  EXPECT_EQ(names(sign({"-certfile", folder_ / "root.pem"})), Names{});
}

TEST_F(RecordAudit, CertificatesThatNoSignatureLeadsToAreNamed) {
  EXPECT_EQ(names(sign({"-certfile", folder_ / "other.pem"})),
            Names{"a certificate that no signature leads to"});
}

TEST_F(RecordAudit, BytesBehindTheMessageAreNamed) {
  Bytes message = sign({"-noattr"});
  const std::size_t end = message.size();
  message.resize(end + 7);
  const auto found = find_uncovered(parse_cms(View(message)));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "bytes behind the message");
  EXPECT_EQ(found[0].where, (Extent{end, 7}));
}

TEST_F(RecordAudit, UnauthenticatedAttributesAreNamed) {
  const Bytes plain = sign({"-noattr", "-nocerts"});
  std::size_t added = 0;
  const Bytes message = with_unsigned_attribute(plain, 300, added);
  const CmsMessage parsed = parse_cms(View(message));
  ASSERT_EQ(parsed.signers.size(), 1U);
  EXPECT_TRUE(parsed.trailing.empty());
  const auto found = find_uncovered(parsed);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "unauthenticated attributes");
  EXPECT_EQ(found[0].where, (Extent{plain.size(), added}));
}

TEST_F(RecordAudit, WhatIsNoMessageIsUncoveredAsAWhole) {
  const Bytes noise(100, 'x');
  EXPECT_EQ(names(noise), Names{"no message that can be read"});
  Bytes appended = noise;
  appended.insert(appended.end(), {0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 100});
  for (const char c : std::string_view("~Module signature appended~\n"))
    appended.push_back(static_cast<std::uint8_t>(c));
  const auto found = find_uncovered_appended(View(appended));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "a signature of a kind that is not checked");
}

}  // namespace
}  // namespace assay
