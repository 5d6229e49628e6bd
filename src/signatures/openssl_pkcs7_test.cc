// Messages over chains of every kind, made by openssl, and its own answer beside ours: `openssl
// smime -verify` calls PKCS7_verify as firmware and shim do.

#include "signatures/openssl_pkcs7.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Words = std::vector<std::string>;

Bytes text_bytes(const std::string& text) { return {text.begin(), text.end()}; }

void run(const Words& command) {
  const Finished ran = run_command(command);
  ASSERT_EQ(ran.status, 0) << command[1] << ": " << ran.error;
}

// The same keys for all tests: making them takes longest.
class Keys {
 public:
  const std::string& operator[](const std::string& name) {
    const auto [entry, is_new] = paths_.try_emplace(name, folder_ / (name + ".key"));
    if (is_new && name.starts_with("ec"))
      run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
           entry->second});
    else if (is_new)
      run({"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
           entry->second});
    return entry->second;
  }

 private:
  TemporaryFolder folder_;
  std::map<std::string, std::string> paths_;
};

Keys& keys() {
  static Keys all;
  return all;
}

constexpr const char* kCa = "basicConstraints=critical,CA:TRUE\n";

class OpensslPkcs7 : public testing::Test {
 protected:
  std::string pem(const std::string& name) const { return folder_ / (name + ".pem"); }

  // A certificate `name` with its own key, or the key of `key`; by itself where `issuer` is empty.
  void certify(const std::string& name, const std::string& issuer, const std::string& extensions,
               const std::string& subject = "", const std::string& key = "",
               const Words& options = {}) {
    const std::string& own = keys()[key.empty() ? name : key];
    key_of_[name] = own;
    run({"openssl", "req", "-new", "-key", own, "-subj", subject.empty() ? "/CN=" + name : subject,
         "-out", folder_ / "request"});
    write_file(folder_ / "extensions", text_bytes(extensions));
    Words command = {"openssl", "x509",   "-req", "-in",         folder_ / "request",
                     "-sha256", "-days",  "30",   "-set_serial", std::to_string(++serial_),
                     "-out",    pem(name)};
    if (!extensions.empty()) command.insert(command.end(), {"-extfile", folder_ / "extensions"});
    if (issuer.empty())
      command.insert(command.end(), {"-signkey", own});
    else
      command.insert(command.end(), {"-CA", pem(issuer), "-CAkey", key_of_[issuer]});
    command.insert(command.end(), options.begin(), options.end());
    run(command);
  }

  // A message by these signers with these certificates beside theirs.
  void sign(const Words& signers, const Words& others, const Words& options = {}) {
    write_file(folder_ / "content", content_);
    Words command = {
        "openssl", "smime",  "-sign", "-binary",           "-outform", "DER",
        "-md",     "sha256", "-in",   folder_ / "content", "-out",     folder_ / "message"};
    for (const std::string& signer : signers)
      command.insert(command.end(), {"-signer", pem(signer), "-inkey", key_of_[signer]});
    Bytes beside;
    for (const std::string& other : others) {
      const Bytes one = read_file(pem(other));
      beside.insert(beside.end(), one.begin(), one.end());
    }
    write_file(folder_ / "others", beside);
    if (!others.empty()) command.insert(command.end(), {"-certfile", folder_ / "others"});
    command.insert(command.end(), options.begin(), options.end());
    run(command);
  }

  Truth openssl_says(const std::string& trusted) const {
    const Finished ran = run_command({"openssl",
                                      "smime",
                                      "-verify",
                                      "-binary",
                                      "-inform",
                                      "DER",
                                      "-in",
                                      folder_ / "message",
                                      "-content",
                                      folder_ / "content",
                                      "-CAfile",
                                      pem(trusted),
                                      "-no-CApath",
                                      "-no-CAstore",
                                      "-partial_chain",
                                      "-no_check_time",
                                      "-purpose",
                                      "any",
                                      "-out",
                                      "/dev/null"});
    return truth(ran.status == 0);
  }

  // What we say; where that is anything, openssl says the same.
  OpensslAnswer ask(const std::string& trusted) {
    run({"openssl", "x509", "-in", pem(trusted), "-outform", "DER", "-out", folder_ / "trusted"});
    const auto certificate = PreparedCertificate::own(read_file(folder_ / "trusted"));
    SignatureEvidence signature(read_file(folder_ / "message"), 0);
    const Bytes content = read_file(folder_ / "content");
    EXPECT_TRUE(signature.digest_data(ViewContent{View(content)}, 0, content.size()));
    OpensslAnswer answer = ask_openssl(signature, *certificate);
    if (answer.accepts != Truth::unknown) {
      EXPECT_EQ(answer.accepts, openssl_says(trusted)) << answer.because;
    }
    return answer;
  }

  void expect(Truth accepts, const std::string& because, const std::string& trusted) {
    const OpensslAnswer answer = ask(trusted);
    EXPECT_EQ(answer.accepts, accepts) << answer.because;
    EXPECT_NE(answer.because.find(because), std::string::npos) << answer.because;
  }

  TemporaryFolder folder_;
  Bytes content_ = text_bytes("what is signed");
  std::map<std::string, std::string> key_of_;
  int serial_ = 0;
};

struct ChainCase {
  const char* description;
  const char* middle;  // extensions of the certificate between root and leaf
  const char* leaf;
  Truth accepts;
  const char* because;
};

TEST_F(OpensslPkcs7, WhatEveryCertificateAboveTheSignersMustBe) {
  const ChainCase cases[] = {
      {"a CA", kCa, "basicConstraints=CA:FALSE\n", Truth::yes, ""},
      {"a CA that may certify", "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\n", "", Truth::yes,
       ""},
      {"no CA", "basicConstraints=CA:FALSE\n", "", Truth::no, "\"middle\" is not of a CA"},
      {"nothing said", "", "", Truth::no, "\"middle\" is not of a CA"},
      {"only the usage says so", "keyUsage=keyCertSign\n", "", Truth::no,
       "\"middle\" is not of a CA"},
      {"a CA that may not certify", "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n", "",
       Truth::no, "lacks keyCertSign"},
      {"a critical extension", "basicConstraints=CA:TRUE\n1.2.3.4=critical,DER:0500\n", "",
       Truth::no, "critical extension"},
      {"a critical extension of the signer", kCa, "1.2.3.4=critical,DER:0500\n", Truth::no,
       "critical extension"},
      {"another extension", kCa, "1.2.3.4=DER:0500\n", Truth::yes, ""},
      {"usages for modules", kCa, "extendedKeyUsage=critical,1.3.6.1.4.1.2312.16.1.2\n", Truth::yes,
       ""},
      {"a path length of 0", "basicConstraints=CA:TRUE,pathlen:0\n", "", Truth::yes, ""},
      {"constraints on names", "basicConstraints=CA:TRUE\nnameConstraints=permitted;DNS:a\n", "",
       Truth::unknown, "nameConstraints"},
  };
  certify("root", "", kCa);
  for (const ChainCase& one : cases) {
    SCOPED_TRACE(one.description);
    certify("middle", "root", one.middle);
    certify("leaf", "middle", one.leaf);
    sign({"leaf"}, {"middle"});
    expect(one.accepts, one.because, "root");
    // What is trusted need not be a root; it is looked at all the same.
    const Truth by_middle = ask("middle").accepts;
    EXPECT_TRUE(by_middle == one.accepts || by_middle == Truth::unknown);
  }
}

// Extensions that OpenSSL cannot read make a certificate invalid; whether it then is used depends
// on where it stands.
TEST_F(OpensslPkcs7, ExtensionsThatAreNotWellFormed) {
  certify("root", "", kCa);
  for (const char* bad :
       {"2.5.29.14=DER:0c03414243", "2.5.29.37=DER:3003020101", "2.5.29.17=DER:020101",
        "2.5.29.31=DER:020101", "2.16.840.1.113730.1.1=DER:020101", "2.5.29.15=DER:03020000"}) {
    SCOPED_TRACE(bad);
    certify("leaf", "root", std::string(bad) + "\n");
    sign({"leaf"}, {});
    EXPECT_NE(ask("root").accepts, Truth::yes);
    EXPECT_EQ(openssl_says("root"), Truth::no);
  }
  for (const char* good : {"subjectKeyIdentifier=hash", "extendedKeyUsage=codeSigning",
                           "subjectAltName=DNS:a,email:b", "crlDistributionPoints=URI:http://a/b",
                           "nsCertType=objsign", "keyUsage=digitalSignature"}) {
    SCOPED_TRACE(good);
    certify("leaf", "root", std::string(good) + "\n");
    sign({"leaf"}, {});
    expect(Truth::yes, "", "root");
  }
}

// Beside the signature, where nothing signs it.
TEST_F(OpensslPkcs7, AlgorithmsThatDiffer) {
  certify("root", "", kCa);
  certify("leaf", "root", "");
  sign({"leaf"}, {});
  Bytes message = read_file(folder_ / "message");
  // sha256WithRSAEncryption, NULL, BIT STRING of 257 octets: the end of the leaf.
  const Bytes end = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01,
                     0x0B, 0x05, 0x00, 0x03, 0x82, 0x01, 0x01};
  const auto found = std::ranges::search(message, end);
  ASSERT_FALSE(found.empty());
  found.begin()[8] = 0x0C;  // sha384WithRSAEncryption
  write_file(folder_ / "message", message);
  expect(Truth::no, "beside its signature", "root");
}

// A CA by the old extension alone, and a certificate signed with PSS: accepted, and not known here.
TEST_F(OpensslPkcs7, WhatIsNotLookedAtIsOpen) {
  certify("root", "", "nsCertType=objCA\n");
  certify("leaf", "root", "");
  sign({"leaf"}, {});
  EXPECT_EQ(openssl_says("root"), Truth::yes);
  EXPECT_EQ(ask("root").accepts, Truth::unknown);
  certify("root", "", kCa);
  certify("leaf", "root", "", "", "", {"-sigopt", "rsa_padding_mode:pss"});
  sign({"leaf"}, {});
  EXPECT_EQ(openssl_says("root"), Truth::yes);
  EXPECT_EQ(ask("root").accepts, Truth::unknown);
}

TEST_F(OpensslPkcs7, TheSignersCertificateItselfMayBeTrusted) {
  certify("root", "", kCa);
  certify("leaf", "root", "basicConstraints=CA:FALSE\n");
  sign({"leaf"}, {});
  expect(Truth::yes, "", "leaf");
  certify("alone", "", "basicConstraints=CA:FALSE\n");
  sign({"alone"}, {});
  expect(Truth::yes, "", "alone");
  expect(Truth::no, "", "leaf");
}

TEST_F(OpensslPkcs7, PathLength) {
  certify("root", "", kCa);
  for (const bool fits : {true, false}) {
    certify("upper", "root",
            fits ? "basicConstraints=CA:TRUE,pathlen:1\n" : "basicConstraints=CA:TRUE,pathlen:0\n");
    certify("middle", "upper", kCa);
    certify("leaf", "middle", "");
    sign({"leaf"}, {"middle", "upper"});
    expect(truth(fits), fits ? "" : "path length", "root");
  }
}

TEST_F(OpensslPkcs7, RootsThatSayNothing) {
  certify("root", "", "");  // version 1
  certify("leaf", "root", "");
  sign({"leaf"}, {});
  expect(Truth::unknown, "says nothing", "root");
}

TEST_F(OpensslPkcs7, AnotherKeyOfTheSameName) {
  certify("root", "", kCa);
  certify("leaf", "root", "");
  certify("mimic", "", kCa, "/CN=root");
  sign({"leaf"}, {});
  expect(Truth::yes, "", "root");
  expect(Truth::no, "not by the key of \"root\"", "mimic");
  // With identifiers it is passed over.
  const std::string identified = std::string(kCa) + "subjectKeyIdentifier=hash\n";
  certify("root", "", identified);
  certify("mimic", "", identified, "/CN=root");
  certify("leaf", "root", "authorityKeyIdentifier=keyid:always\n");
  sign({"leaf"}, {});
  expect(Truth::yes, "", "root");
  expect(Truth::no, "", "mimic");
}

TEST_F(OpensslPkcs7, NamesWrittenInTwoWays) {
  certify("root", "", kCa, "/CN=A  Root");
  certify("leaf", "root", "");
  certify("other", "", kCa, "/CN=a root", "root");
  sign({"leaf"}, {});
  EXPECT_EQ(openssl_says("other"), Truth::yes);
  expect(Truth::unknown, "two ways", "other");
}

TEST_F(OpensslPkcs7, EverySignerCounts) {
  certify("root", "", kCa);
  certify("leaf", "root", "");
  certify("second", "root", "");
  certify("stranger", "", "");
  sign({"leaf", "second"}, {});
  expect(Truth::yes, "", "root");
  sign({"leaf", "stranger"}, {});
  expect(Truth::no, "", "root");
  expect(Truth::no, "", "stranger");
}

TEST_F(OpensslPkcs7, WhatIsInTheMessage) {
  certify("root", "", kCa);
  certify("leaf", "root", "");
  sign({"leaf"}, {}, {"-nocerts"});
  expect(Truth::no, "not in the message", "root");
  expect(Truth::no, "not in the message", "leaf");
  sign({"leaf"}, {}, {"-noattr"});
  expect(Truth::yes, "", "root");
  sign({"leaf"}, {}, {"-md", "sha1"});
  expect(Truth::unknown, "sha1", "root");
  sign({"leaf"}, {});
  write_file(folder_ / "content", text_bytes("something else"));
  expect(Truth::no, "not that of the content", "root");
}

TEST_F(OpensslPkcs7, DigestsThatAreNotListed) {
  certify("root", "", kCa);
  certify("leaf", "root", "");
  sign({"leaf"}, {});
  Bytes message = read_file(folder_ / "message");
  // The first sha256 (2.16.840.1.101.3.4.2.1) is that of digestAlgorithms: now sha384.
  const Bytes oid = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
  const auto found = std::ranges::search(message, oid);
  ASSERT_FALSE(found.empty());
  found.begin()[8] = 2;
  write_file(folder_ / "message", message);
  expect(Truth::no, "does not list", "root");
}

TEST_F(OpensslPkcs7, KeysThatBuildsLeaveOut) {
  certify("ec root", "", kCa, "/CN=ec", "ec root");
  certify("leaf", "ec root", "");
  sign({"leaf"}, {});
  EXPECT_EQ(openssl_says("ec root"), Truth::yes);
  expect(Truth::unknown, "none of RSA", "ec root");
}

// A flipped bit anywhere: what we say is what openssl says, or that it is not known.
TEST_F(OpensslPkcs7, DamagedMessages) {
  certify("root", "", kCa);
  certify("middle", "root", kCa);
  certify("leaf", "middle", "");
  sign({"leaf"}, {"middle"});
  const Bytes good = read_file(folder_ / "message");
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); at += 37) {
    Bytes damaged = good;
    damaged[at] ^= 1U << (at % 8);
    write_file(folder_ / "message", damaged);
    SCOPED_TRACE(at);
    const OpensslAnswer answer = ask("root");
    if (answer.accepts == Truth::no) ++refused;
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace assay
