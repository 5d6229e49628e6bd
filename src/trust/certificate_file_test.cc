#include "trust/certificate_file.h"

#include <gtest/gtest.h>

#include "signatures/test_keys.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;

Bytes named(std::string_view subject) { return rsa_certificate("issuer", subject).write(); }

std::string base64(const Bytes& bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? bytes[i + k] : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    if (i % 48 == 45) text += '\n';
  }
  return text + "\n";
}

Bytes pem(const Bytes& certificate, const std::string& label = "CERTIFICATE") {
  return der::bytes("-----BEGIN " + label + "-----\n" + base64(certificate) + "-----END " + label +
                    "-----\n");
}

std::vector<std::string> names(const Certificates& certificates) {
  std::vector<std::string> found;
  for (const auto& certificate : certificates)
    found.push_back(short_name(certificate->x509().subject));
  return found;
}

using Names = std::vector<std::string>;

TEST(ParseCertificates, DerAndPem) {
  struct Case {
    std::string_view name;
    Bytes bytes;
    std::optional<Names> found;
  };
  Bytes cut = named("a");
  cut.pop_back();
  const Case cases[] = {
      {"one DER", named("a"), Names{"a"}},
      {"two DER", der::join({named("a"), named("b")}), Names{"a", "b"}},
      {"one PEM", pem(named("a")), Names{"a"}},
      {"two PEM", der::join({pem(named("a")), pem(named("b"), "X509 CERTIFICATE")}),
       Names{"a", "b"}},
      {"PEM with a key", der::join({pem(Bytes(3, 1), "PRIVATE KEY"), pem(named("a"))}), Names{"a"}},
      {"PEM with a key only", pem(Bytes(3, 1), "PRIVATE KEY"), std::nullopt},
      {"PEM of something else", pem(Bytes(3, 1)), std::nullopt},
      {"DER cut", cut, std::nullopt},
      {"DER and bytes after it", der::join({named("a"), {1, 2}}), std::nullopt},
      {"empty", {}, std::nullopt},
      {"text", der::bytes("hello\n"), std::nullopt},
  };
  for (const Case& one : cases) {
    const auto parsed = parse_certificates(View(one.bytes));
    ASSERT_EQ(parsed.has_value(), one.found.has_value()) << one.name;
    if (parsed) {
      EXPECT_EQ(names(*parsed), *one.found) << one.name;
    }
  }
}

TEST(ParseCertificates, SaysWhereTheDamageIs) {
  Bytes two = der::join({named("a"), named("b")});
  const std::size_t second = named("a").size();
  two[second + 4] = 0x31;  // the tag of tbsCertificate
  const auto parsed = parse_certificates(View(two));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().where.offset, second + 4);
}

TEST(LoadCertificates, FilesAndFolders) {
  const TemporaryFolder folder;
  write_file(folder / "b.der", named("b"));
  write_file(folder / "a.pem", pem(named("a")));
  write_file(folder / "deeper/c.der", named("c"));
  std::vector<Error> passed_over;
  const auto load = [&](const std::string& path) {
    return load_certificates(path, [&](const Error& error) { passed_over.push_back(error); });
  };
  EXPECT_EQ(names(*load(folder / "b.der")), Names{"b"});
  EXPECT_EQ(names(*load(folder.path().string())), (Names{"a", "b"}));
  EXPECT_EQ(load(folder / "nothing").error().reason, Reason::cannot_open);
  EXPECT_NE(load(folder / "nothing").error().path.find("nothing"), std::string::npos);
  EXPECT_TRUE(passed_over.empty());
  // What is no certificate is passed over in a folder, and an error by name.
  write_file(folder / "z.txt", der::bytes("no certificate"));
  EXPECT_EQ(names(*load(folder.path().string())), (Names{"a", "b"}));
  ASSERT_EQ(passed_over.size(), 1U);
  EXPECT_NE(passed_over[0].path.find("z.txt"), std::string::npos);
  EXPECT_EQ(load(folder / "z.txt").error().reason, Reason::not_a_certificate);
}

TEST(LoadCertificates, AFolderWithoutAnyIsAnError) {
  const TemporaryFolder folder;
  const auto ignore = [](const Error&) {};
  EXPECT_EQ(load_certificates(folder.path().string(), ignore).error().reason,
            Reason::not_a_certificate);
  write_file(folder / "z.txt", der::bytes("no certificate"));
  EXPECT_EQ(load_certificates(folder.path().string(), ignore).error().reason,
            Reason::not_a_certificate);
}

TEST(LoadCertificates, SaysWhatAFileIsThatIsNoCertificate) {
  const TemporaryFolder folder;
  write_file(folder / "key.pem", pem(Bytes(3, 1), "PRIVATE KEY"));
  const auto loaded = load_certificates(folder / "key.pem", [](const Error&) {});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().detail.find("private key"), std::string::npos) << loaded.error().detail;
}

}  // namespace
}  // namespace assay
