// Keys in tokens of SoftHSM, beside the same keys in files.

#include "crypto/pkcs11_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "bytes/view.h"
#include "crypto/pkcs11_token.h"
#include "crypto/private_key.h"
#include "crypto/signature_check.h"
#include "testing/process.h"
#include "testing/softhsm.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

SignRequest request_of(Hash hash, std::string_view text) {
  return {*compute_digest(hash, bytes_of(text)), bytes_of(text)};
}

class Pkcs11 : public testing::Test {
 protected:
  void SetUp() override { hsm_.make_token("release"); }

  void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const Finished done = run_command(arguments);
    ASSERT_EQ(done.status, 0) << done.error;
  }
  void make_key(const std::string& name, const std::string& algorithm, const std::string& option) {
    openssl({"genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", folder_ / name});
  }
  void make_rsa_key(const std::string& name) { make_key(name, "RSA", "rsa_keygen_bits:2048"); }
  std::unique_ptr<Signer> read_key(const std::string& name) {
    const Bytes file = read_file(folder_ / name);
    auto key = parse_private_key(View(file), {});
    EXPECT_TRUE(key);
    return key ? std::move(key->signer) : nullptr;
  }
  // With the PIN that the test's tokens have.
  Result<Pkcs11Key> open(const std::string& uri) {
    return Pkcs11Key::open(uri,
                           [this](const std::string& token) -> Result<std::optional<std::string>> {
                             asked_.push_back(token);
                             return pin_;
                           });
  }
  std::unique_ptr<Signer> signer_of(const std::string& uri) {
    auto key = open(uri);
    if (!key) ADD_FAILURE() << describe(key.error());
    if (!key || !key->public_half()) return nullptr;
    SigningKey half = *key->public_half();
    auto signer = std::move(*key).make_signer(std::move(half));
    return signer ? std::move(*signer) : nullptr;
  }
  // The message of a URI that is refused. It never has the PIN.
  std::string refusal(const std::string& uri, Reason reason) {
    const auto key = open(uri);
    if (key) return "opened";
    EXPECT_EQ(key.error().reason, reason);
    const std::string text = describe(key.error());
    EXPECT_EQ(text.find(SoftHsm::kPin), std::string::npos) << text;
    if (pin_ && !pin_->empty()) {
      EXPECT_EQ(text.find(*pin_), std::string::npos) << text;
    }
    return text;
  }

  SoftHsm hsm_;
  TemporaryFolder folder_;
  std::optional<std::string> pin_ = SoftHsm::kPin;
  std::vector<std::string> asked_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Pkcs11, RsaValuesAreThoseOfTheKeyFile) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  const auto file = read_key("rsa.pem");
  const auto token = signer_of("pkcs11:token=release;object=kernel;type=private");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->key().public_key, file->key().public_key);
  EXPECT_EQ(token->key().bits, 2048U);
  EXPECT_EQ(asked_, std::vector<std::string>{"release"});
  for (const Hash hash :
       {Hash::sha1, Hash::sha224, Hash::sha256, Hash::sha384, Hash::sha512, Hash::sha3_256}) {
    SCOPED_TRACE(hash_name(hash));
    const SignRequest request = request_of(hash, "what is signed");
    const auto expected = sign_one(*file, request);
    const auto value = sign_one(*token, request);
    ASSERT_TRUE(value) << describe(value.error());
    EXPECT_EQ(*value, *expected);
  }
}

TEST_F(Pkcs11, EcdsaValuesVerify) {
  const std::pair<const char*, std::size_t> curves[] = {
      {"P-256", 256}, {"P-384", 384}, {"P-521", 521}};
  for (const auto& [curve, bits] : curves) {
    SCOPED_TRACE(curve);
    make_key("ec.pem", "EC", std::string("ec_paramgen_curve:") + curve);
    hsm_.import_key("release", folder_ / "ec.pem", curve, std::to_string(bits) + "0");
    const auto file = read_key("ec.pem");
    const auto token = signer_of(std::string("pkcs11:token=release;object=") + curve);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->key().public_key, file->key().public_key);
    openssl({"pkey", "-in", folder_ / "ec.pem", "-pubout", "-out", folder_ / "public.pem"});
    // SHA-512 is longer than the first two curves' orders.
    for (const Hash hash : {Hash::sha256, Hash::sha512})
      for (int i = 0; i < 20; ++i) {  // r and s have leading zeros now and then
        const auto request = request_of(hash, std::to_string(i));
        const auto value = sign_one(*token, request);
        ASSERT_TRUE(value) << describe(value.error());
        write_file(folder_ / "value", *value);
        write_file(folder_ / "digest", request.digest.bytes());
        openssl({"pkeyutl", "-verify", "-pubin", "-inkey", folder_ / "public.pem", "-in",
                 folder_ / "digest", "-sigfile", folder_ / "value"});
      }
  }
}

TEST_F(Pkcs11, PinsComeFromTheUriOrAFileOrAreAskedFor) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  const std::string uri = "pkcs11:token=release;object=kernel";
  write_file(folder_ / "pin", bytes_of(std::string(SoftHsm::kPin) + "\nnot this\n"));
  pin_ = "not asked for";
  EXPECT_TRUE(open(uri + "?pin-value=" + SoftHsm::kPin));
  EXPECT_TRUE(open(uri + "?pin-source=file:" + (folder_ / "pin")));
  EXPECT_TRUE(open(uri + "?pin-source=file://" + (folder_ / "pin")));
  EXPECT_TRUE(open(uri + "?pin-source=" + (folder_ / "pin")));
  EXPECT_TRUE(asked_.empty());
  EXPECT_SAYS(refusal(uri + "?pin-source=file:/no/such/file", Reason::cannot_open),
              "/no/such/file");
  EXPECT_SAYS(refusal(uri + "?pin-source=%7Ccommand", Reason::usage), "pin-source");
  EXPECT_SAYS(refusal(uri + "?pin-value=secret-pin&pin-source=file:/x", Reason::usage), "both");
  EXPECT_TRUE(asked_.empty());
  pin_ = std::nullopt;
  EXPECT_SAYS(refusal(uri, Reason::signer_failed), "token \"release\": there is no PIN");
}

TEST_F(Pkcs11, WrongPinsAreNamedAsTheTokenNamesThem) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  pin_ = "a-wrong-pin";
  EXPECT_SAYS(refusal("pkcs11:token=release;object=kernel", Reason::signer_failed),
              "token \"release\": C_Login: CKR_PIN_INCORRECT");
  EXPECT_EQ(asked_.size(), 1U);  // never tried twice
  EXPECT_SAYS(refusal("pkcs11:token=release;object=kernel?pin-value=other-wrong-pin",
                      Reason::signer_failed),
              "CKR_PIN_INCORRECT");
  pin_ = "";
  EXPECT_SAYS(refusal("pkcs11:token=release;object=kernel", Reason::signer_failed), "CKR_PIN_");
}

TEST_F(Pkcs11, WhatIsMissingIsNamed) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  EXPECT_SAYS(refusal("pkcs11:token=release;object=other", Reason::signer_failed),
              "token \"release\": no private key that the URI names");
  EXPECT_SAYS(refusal("pkcs11:token=release;id=%02", Reason::signer_failed), "no private key");
  EXPECT_SAYS(refusal("pkcs11:token=other;object=kernel", Reason::signer_failed), "no token");
  EXPECT_SAYS(refusal("pkcs11:token=release?module-path=/no/module.so", Reason::signer_failed),
              "/no/module.so");
  EXPECT_SAYS(refusal("pkcs11:token=release?module-name=none", Reason::signer_failed), "no token");
  EXPECT_SAYS(refusal("pkcs11:token=release;type=secret-key", Reason::usage), "no private key");
  EXPECT_SAYS(refusal("pkcs11:token=release;colour=red", Reason::usage), "not known");
  EXPECT_SAYS(refusal("pkcs11:token=%zz", Reason::usage), "cannot be read");
}

TEST_F(Pkcs11, KeysAndTokensThatAreNotTheOnlyOnesAreListed) {
  make_rsa_key("one.pem");
  make_rsa_key("two.pem");
  hsm_.import_key("release", folder_ / "one.pem", "kernel", "01");
  hsm_.import_key("release", folder_ / "two.pem", "kernel", "02");
  const std::string keys = refusal("pkcs11:token=release;object=kernel", Reason::usage);
  EXPECT_SAYS(keys, "several private keys");
  EXPECT_SAYS(keys, "token=release");
  EXPECT_SAYS(keys, "id=%2501");  // a name in a message (base/name.h)
  EXPECT_SAYS(keys, "id=%2502");
  {
    const auto second = signer_of("pkcs11:token=release;object=kernel;id=%02");
    ASSERT_TRUE(second);
    EXPECT_EQ(second->key().public_key, read_key("two.pem")->key().public_key);
  }
  hsm_.make_token("spare");
  asked_.clear();
  const std::string tokens = refusal("pkcs11:object=kernel;id=%02", Reason::usage);
  EXPECT_SAYS(tokens, "several tokens");
  EXPECT_SAYS(tokens, "token=spare");
  EXPECT_TRUE(asked_.empty());  // no PIN is shown to the wrong one
}

TEST_F(Pkcs11, ModulesAreNamedByPathAndByName) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  EXPECT_TRUE(signer_of(std::string("pkcs11:token=release?module-path=") + SoftHsm::kModule));
  EXPECT_TRUE(signer_of("pkcs11:token=release?module-name=softhsm2"));
}

TEST_F(Pkcs11, KeysThatWantThePinEachTimeGetIt) {
  hsm_.pkcs11_tool("release", {"--keypairgen", "--key-type", "rsa:2048", "--label", "careful",
                               "--id", "07", "--always-auth"});
  const auto token = signer_of("pkcs11:token=release;object=careful");
  ASSERT_TRUE(token);
  for (const char* text : {"one", "two", "three"}) {
    const auto request = request_of(Hash::sha256, text);
    const auto value = sign_one(*token, request);
    ASSERT_TRUE(value) << describe(value.error());
    EXPECT_TRUE(check_signature(token->key(), request, *value));
  }
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(Pkcs11, KeysThatMayNotSignAreRefused) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "decrypts", "08");
  {
    const auto uri = Pkcs11Uri::parse("pkcs11:token=release;object=decrypts");
    ASSERT_TRUE(uri);
    const auto tokens = find_tokens(*Pkcs11Modules::load(*uri), *uri);
    ASSERT_EQ(tokens.size(), 1U);
    CK_FUNCTION_LIST* functions = tokens[0].functions;
    const auto session = Pkcs11Session::open(tokens[0]);
    ASSERT_TRUE(session && session->log_in(CKU_USER, pin_));
    CK_SESSION_HANDLE writes = 0;
    ASSERT_EQ(functions->C_OpenSession(tokens[0].slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                       nullptr, &writes),
              CKR_OK);
    const auto keys = session->find(CKO_PRIVATE_KEY, uri->search_attributes());
    ASSERT_TRUE(keys && keys->size() == 1);
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE sign{CKA_SIGN, &no, sizeof no};
    ASSERT_EQ(functions->C_SetAttributeValue(writes, keys->front(), &sign, 1), CKR_OK);
  }
  EXPECT_SAYS(refusal("pkcs11:token=release;object=decrypts", Reason::signer_failed), "CKA_SIGN");
}

TEST_F(Pkcs11, CertificatesComeFromTheToken) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  openssl({"req", "-new", "-x509", "-key", folder_ / "rsa.pem", "-subj", "/CN=test", "-outform",
           "DER", "-out", folder_ / "cert.der"});
  const auto without = open("pkcs11:token=release;object=kernel");
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->certificates().empty());
  hsm_.pkcs11_tool("release", {"--write-object", folder_ / "cert.der", "--type", "cert", "--id",
                               "01", "--label", "certificate of kernel"});
  const auto with = open("pkcs11:token=release;object=kernel");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->certificates(), std::vector<Bytes>{read_file(folder_ / "cert.der")});
  const auto named =
      read_pkcs11_certificate("pkcs11:token=release;object=certificate%20of%20kernel;type=cert");
  ASSERT_TRUE(named) << describe(named.error());
  EXPECT_EQ(*named, read_file(folder_ / "cert.der"));
  EXPECT_FALSE(read_pkcs11_certificate("pkcs11:token=release;object=kernel"));
  EXPECT_FALSE(read_pkcs11_certificate("pkcs11:token=release;type=private"));
}

TEST_F(Pkcs11, ManyThreadsSignAtOnce) {
  make_rsa_key("rsa.pem");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  const auto file = read_key("rsa.pem");
  const auto token = signer_of("pkcs11:token=release;object=kernel");
  ASSERT_TRUE(token);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 16; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20; ++i) {
          const auto request =
              request_of(Hash::sha256, std::to_string(thread) + "/" + std::to_string(i));
          const auto value = sign_one(*token, request);
          if (value && *value == *sign_one(*file, request)) ++right;
        }
      });
  }
  EXPECT_EQ(right, 16 * 20);
}

TEST_F(Pkcs11, AnotherKindOfKeyThanTheCertificatesIsRefused) {
  make_rsa_key("rsa.pem");
  make_key("ec.pem", "EC", "ec_paramgen_curve:P-256");
  hsm_.import_key("release", folder_ / "rsa.pem", "kernel", "01");
  auto key = open("pkcs11:token=release;object=kernel");
  ASSERT_TRUE(key);
  const auto signer = std::move(*key).make_signer(read_key("ec.pem")->key());
  ASSERT_FALSE(signer);
  EXPECT_EQ(signer.error().reason, Reason::key_mismatch);
}

}  // namespace
}  // namespace assay
