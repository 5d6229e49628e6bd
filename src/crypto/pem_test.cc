#include "crypto/pem.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace assay {
namespace {

// "hello" and "world" in armour.
const std::string kHello = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
const std::string kWorld = "-----BEGIN X509 CRL-----\nd29ybGQ=\n-----END X509 CRL-----\n";

std::string with_crlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

struct Case {
  std::string_view name;
  std::string text;
  std::vector<std::string> blocks;  // "LABEL:content"; none: refused
};

TEST(Pem, Table) {
  const std::string no_newline = kHello.substr(0, kHello.size() - 1);
  const Case cases[] = {
      {"one block", kHello, {"CERTIFICATE:hello"}},
      {"two blocks", kHello + kWorld, {"CERTIFICATE:hello", "X509 CRL:world"}},
      {"text around",
       "subject=/CN=x\n\n" + kHello + "between\n" + kWorld + "after\n",
       {"CERTIFICATE:hello", "X509 CRL:world"}},
      {"carriage returns", with_crlf(kHello), {"CERTIFICATE:hello"}},
      {"no last newline", no_newline, {"CERTIFICATE:hello"}},
      {"nothing in it", "-----BEGIN A-----\n-----END A-----\n", {}},
      {"empty", "", {}},
      {"text only", "hello\n", {}},
      {"no end", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n", {}},
      {"end of another", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END KEY-----\n", {}},
      {"damaged base64", "-----BEGIN CERTIFICATE-----\naGV*bG8=\n-----END CERTIFICATE-----\n", {}},
      {"half a group", "-----BEGIN CERTIFICATE-----\naGVsb\n-----END CERTIFICATE-----\n", {}},
      {"second one damaged", kHello + "-----BEGIN CERTIFICATE-----\naG\n", {}},
      {"begin line cut", "-----BEGIN CERTIFICATE---\naGVsbG8=\n-----END CERTIFICATE-----\n", {}},
  };
  for (const Case& one : cases) {
    const auto parsed = parse_pem(View(bytes_of(one.text)));
    ASSERT_EQ(parsed.has_value(), !one.blocks.empty()) << one.name;
    if (!parsed) {
      EXPECT_EQ(parsed.error().reason, Reason::not_pem) << one.name;
      continue;
    }
    std::vector<std::string> found;
    for (const PemBlock& block : *parsed)
      found.push_back(block.label + ":" + std::string(block.der.begin(), block.der.end()));
    EXPECT_EQ(found, one.blocks) << one.name;
  }
}

TEST(Pem, ErrorsDoNotOutliveTheirCall) {
  EXPECT_FALSE(parse_pem(View(bytes_of("-----BEGIN A-----\naG\n"))));
  EXPECT_TRUE(parse_pem(View(bytes_of(kHello))));
}

}  // namespace
}  // namespace assay
