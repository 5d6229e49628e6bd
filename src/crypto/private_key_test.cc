// Keys made by openssl(1), and signatures that it verifies.

#include "crypto/private_key.h"

#include <gtest/gtest.h>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kMessage = "what is signed";

struct KeyCase {
  const char* name;
  std::vector<std::string> options;  // of openssl genpkey
  SigningAlgorithm algorithm;
  std::size_t bits;
};

const KeyCase kCases[] = {
    {"rsa2048",
     {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
     SigningAlgorithm::rsa,
     2048},
    {"p256",
     {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
     SigningAlgorithm::ecdsa,
     256},
    {"p384",
     {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
     SigningAlgorithm::ecdsa,
     384},
    {"ed25519", {"-algorithm", "ED25519"}, SigningAlgorithm::ed25519, 256},
};

class PrivateKey : public testing::Test {
 protected:
  void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const Finished done = run_command(arguments);
    ASSERT_EQ(done.status, 0) << done.error;
  }
  void make_key(const KeyCase& key) {
    std::vector<std::string> arguments{"genpkey", "-out", folder_ / "key.pem"};
    arguments.insert(arguments.end(), key.options.begin(), key.options.end());
    openssl(arguments);
  }
  // Makes a certificate of the key, cert.pem.
  void make_certificate() {
    openssl({"req", "-new", "-x509", "-key", folder_ / "key.pem", "-subj", "/CN=test", "-out",
             folder_ / "cert.pem"});
  }
  Result<PrivateKeyFile> load(const std::string& name, const AskPassphrase& ask = {}) {
    const Bytes file = read_file(folder_ / name);
    return parse_private_key(View(file), ask);
  }

  TemporaryFolder folder_;
};

TEST_F(PrivateKey, OpensslVerifiesWhatIsSigned) {
  write_file(folder_ / "message", bytes_of(kMessage));
  for (const KeyCase& key : kCases) {
    SCOPED_TRACE(key.name);
    make_key(key);
    const auto file = load("key.pem");
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_EQ(file->signer->key().algorithm, key.algorithm);
    EXPECT_EQ(file->signer->key().bits, key.bits);
    for (const Hash hash : {Hash::sha256, Hash::sha512}) {
      const SignRequest request{*compute_digest(hash, bytes_of(kMessage)), bytes_of(kMessage)};
      const auto value = sign_one(*file->signer, request);
      ASSERT_TRUE(value) << describe(value.error());
      write_file(folder_ / "value", *value);
      std::vector<std::string> verify{
          "pkeyutl",  "-verify",         "-inkey", folder_ / "key.pem", "-in", folder_ / "message",
          "-sigfile", folder_ / "value", "-rawin"};
      if (file->signer->key().signs_digests())
        verify.insert(verify.end(), {"-digest", std::string(hash_name(hash))});
      openssl(verify);
      const auto again = sign_one(*file->signer, request);
      ASSERT_TRUE(again);
      EXPECT_EQ(*again == *value, file->signer->key().is_deterministic());
    }
  }
}

TEST_F(PrivateKey, PublicHalfIsTheOneThatOpensslWrites) {
  for (const KeyCase& key : kCases) {
    SCOPED_TRACE(key.name);
    make_key(key);
    openssl({"pkey", "-in", folder_ / "key.pem", "-pubout", "-outform", "DER", "-out",
             folder_ / "public.der"});
    const auto file = load("key.pem");
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_EQ(file->signer->key().public_key, read_file(folder_ / "public.der"));
  }
}

TEST_F(PrivateKey, ReadsDerEncryptedPemAndPkcs12) {
  make_key(kCases[0]);
  make_certificate();
  openssl({"pkey", "-in", folder_ / "key.pem", "-outform", "DER", "-out", folder_ / "key.der"});
  openssl({"rsa", "-in", folder_ / "key.pem", "-traditional", "-out", folder_ / "old.pem"});
  openssl({"pkey", "-in", folder_ / "key.pem", "-aes256", "-passout", "pass:secret", "-out",
           folder_ / "locked.pem"});
  openssl({"pkcs12", "-export", "-inkey", folder_ / "key.pem", "-in", folder_ / "cert.pem",
           "-passout", "pass:secret", "-out", folder_ / "key.p12"});
  openssl({"x509", "-in", folder_ / "cert.pem", "-outform", "DER", "-out", folder_ / "cert.der"});
  const auto secret = [] { return std::optional<std::string>("secret"); };
  const auto plain = load("key.pem");
  ASSERT_TRUE(plain);
  for (const char* name : {"key.der", "old.pem", "locked.pem", "key.p12"}) {
    SCOPED_TRACE(name);
    const auto file = load(name, secret);
    ASSERT_TRUE(file) << describe(file.error());
    EXPECT_EQ(file->signer->key().public_key, plain->signer->key().public_key);
    if (std::string_view(name) == "key.p12") {
      ASSERT_EQ(file->certificates.size(), 1U);
      EXPECT_EQ(file->certificates.front(), read_file(folder_ / "cert.der"));
    }
  }
  for (const char* name : {"locked.pem", "key.p12"}) {
    SCOPED_TRACE(name);
    const auto wrong = load(name, [] { return std::optional<std::string>("wrong"); });
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().reason, Reason::not_a_private_key);
    const auto none = load(name, [] { return std::optional<std::string>(); });
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().reason, Reason::not_a_private_key);
  }
}

TEST_F(PrivateKey, WhatIsNoKeyIsRefused) {
  make_key(kCases[0]);
  make_certificate();
  for (const char* name : {"cert.pem", "empty", "noise"}) {
    SCOPED_TRACE(name);
    write_file(folder_ / "empty", {});
    write_file(folder_ / "noise", bytes_of("-----BEGIN PRIVATE KEY-----\nMIIB\n"));
    const auto file = load(name);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().reason, Reason::not_a_private_key);
  }
  openssl({"genpkey", "-algorithm", "X25519", "-out", folder_ / "x25519.pem"});
  const auto other = load("x25519.pem");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::crypto_unavailable);
}

}  // namespace
}  // namespace assay
