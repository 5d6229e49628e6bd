// assay sign with keys in tokens of SoftHSM.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "bytes/view.h"
#include "testing/softhsm.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

// A variable of the environment, while this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

class TokenKeys : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"ASSAY_PIN", "KBUILD_SIGN_PIN"}) ::unsetenv(name);
    make_key({.key = key_, .certificate = certificate_});
    hsm_.make_token("release");
    hsm_.import_key("release", key_, "kernel", "01");
    for (int i = 0; i < 20; ++i)
      write_file(folder_ / ("tree/m" + std::to_string(i) + ".ko"),
                 Bytes(5000, static_cast<std::uint8_t>('a' + i)));
  }
  Ran sign(const std::string& out, const std::string& key, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"sign", "-o", folder_ / out, "--key", key};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(tree_);
    Ran ran = run_assay(command);
    for (const std::string& text : {ran.out, ran.error})
      EXPECT_EQ(text.find(SoftHsm::kPin), std::string::npos) << text;
    return ran;
  }
  void is_as_by_key_file(const std::string& out) {
    if (!fs::exists(folder_ / "by-key")) {
      ASSERT_EQ(sign("by-key", key_, {"--cert", certificate_}).status, 0);
    }
    EXPECT_EQ(snapshot(folder_ / out), snapshot(folder_ / "by-key"));
  }

  SoftHsm hsm_;
  TemporaryFolder folder_;
  std::string tree_ = folder_ / "tree";
  std::string key_ = folder_ / "key.pem";
  std::string certificate_ = folder_ / "cert.der";
  const std::string uri_ = "pkcs11:token=release;object=kernel;type=private";
};

TEST_F(TokenKeys, SignAsTheKeyFileDoes) {
  write_file(folder_ / "pin", bytes_of(SoftHsm::kPin));
  const Ran ran = sign("by-token", uri_ + "?pin-source=file:" + (folder_ / "pin"),
                       {"--cert", certificate_, "-j", "8"});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  is_as_by_key_file("by-token");
}

TEST_F(TokenKeys, PinsComeFromTheEnvironmentOrAFile) {
  {
    const Variable pin("ASSAY_PIN", SoftHsm::kPin);
    const Variable other("KBUILD_SIGN_PIN", "not this");
    EXPECT_EQ(sign("a", uri_, {"--cert", certificate_}).status, 0);
    is_as_by_key_file("a");
  }
  {
    const Variable pin("KBUILD_SIGN_PIN", SoftHsm::kPin);
    EXPECT_EQ(sign("b", uri_, {"--cert", certificate_}).status, 0);
  }
  write_file(folder_ / "pin", bytes_of(std::string(SoftHsm::kPin) + '\n'));
  const Variable other("ASSAY_PIN", "not this");
  EXPECT_EQ(
      sign("c", uri_, {"--cert", certificate_, "--passphrase", "file:" + (folder_ / "pin")}).status,
      0);
}

// Typed on a terminal, and not seen there.
TEST_F(TokenKeys, PinsAreTypedWithoutAnEcho) {
  constexpr std::string_view kTerminal = R"(
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if seen.endswith(b'PIN of token "release": '):
        os.write(terminal, sys.argv[1].encode() + b"\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
)";
  write_file(folder_ / "terminal.py", bytes_of(kTerminal));
  const auto type = [&](const std::string& pin, const std::string& out) {
    return run_command({"python3", folder_ / "terminal.py", pin, ASSAY_BINARY, "sign", "--key",
                        uri_, "--cert", certificate_, "-o", folder_ / out, tree_});
  };
  const Finished done = type(SoftHsm::kPin, "typed");
  const std::string seen(done.out.begin(), done.out.end());
  EXPECT_EQ(done.status, 0) << seen << done.error;
  EXPECT_NE(seen.find("PIN of token"), std::string::npos) << seen;
  EXPECT_EQ(seen.find(SoftHsm::kPin), std::string::npos) << seen;
  is_as_by_key_file("typed");
  const Finished wrong = type("mistyped", "wrong");
  const std::string answer(wrong.out.begin(), wrong.out.end());
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(answer.find("CKR_PIN_INCORRECT"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("mistyped"), std::string::npos) << answer;
}

TEST_F(TokenKeys, WhatIsWrongIsSaidAndNothingWritten) {
  make_key({.key = folder_ / "other.pem", .certificate = folder_ / "other.der"});
  const auto refusal = [&](const std::string& key, const std::vector<std::string>& more) {
    const Ran ran = sign("refused", key, more);
    EXPECT_EQ(ran.status, 2);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
    return ran.error;
  };
  const auto says = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const std::vector<std::string> certificate = {"--cert", certificate_};
  says(refusal(uri_ + "?pin-value=wrong-wrong", certificate),
       "token \"release\": C_Login: CKR_PIN_INCORRECT");
  says(refusal(uri_, certificate), "there is no PIN");
  const Variable pin("ASSAY_PIN", SoftHsm::kPin);
  says(refusal("pkcs11:token=release;object=other", certificate), "no private key");
  says(refusal(uri_, {}), "--cert is missing");
  says(refusal(uri_, {"--cert", folder_ / "other.der"}), "another key's");
}

// The scheme of a URI has no case; and what looks like a URI is never shown with its PIN.
TEST_F(TokenKeys, PinsOfUrisAreNotShown) {
  const std::string shouted = "PKCS11" + uri_.substr(6) + "?pin-value=";
  EXPECT_EQ(sign("shouted", shouted + SoftHsm::kPin, {"--cert", certificate_}).status, 0);
  is_as_by_key_file("shouted");
  const Ran wrong = sign("wrong", shouted + "mistyped", {"--cert", certificate_});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_EQ((wrong.out + wrong.error).find("mistyped"), std::string::npos) << wrong.error;
}

TEST_F(TokenKeys, CertificatesComeFromTheToken) {
  const Variable pin("ASSAY_PIN", SoftHsm::kPin);
  hsm_.pkcs11_tool("release", {"--write-object", certificate_, "--type", "cert", "--id", "01",
                               "--label", "kernel"});
  EXPECT_EQ(sign("own", uri_).status, 0);
  is_as_by_key_file("own");
  EXPECT_EQ(sign("named", uri_, {"--cert", "pkcs11:token=release;object=kernel;type=cert"}).status,
            0);
  is_as_by_key_file("named");
}

// A token with fewer sessions than there are threads makes them wait.
TEST_F(TokenKeys, FewSessionsAreShared) {
  const Variable limit("FEW_SESSIONS", "2");
  const Variable log("FEW_SESSIONS_LOG", folder_ / "log");
  const Ran ran =
      sign("few", uri_ + "?module-path=" + FEW_SESSIONS_MODULE + "&pin-value=" + SoftHsm::kPin,
           {"--cert", certificate_, "-j", "16"});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  is_as_by_key_file("few");
  const Bytes refused = read_file(folder_ / "log");
  EXPECT_GT(std::atoi(std::string(refused.begin(), refused.end()).c_str()), 0);
}

// openssl(1) verifies what they make.
TEST_F(TokenKeys, EcdsaKeysSign) {
  const Variable pin("ASSAY_PIN", SoftHsm::kPin);
  make_key({.key = folder_ / "ec.pem",
            .certificate = folder_ / "ec.crt",
            .kind = {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"}});
  hsm_.import_key("release", folder_ / "ec.pem", "ec", "02");
  const Ran ran = sign("ec", "pkcs11:token=release;id=%02", {"--cert", folder_ / "ec.crt"});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  // What is appended: the message, and 40 bytes behind it.
  for (const auto& [name, signed_file] : snapshot(folder_ / "ec")) {
    const Bytes content = read_file(tree_ + '/' + name);
    write_file(folder_ / "content", content);
    write_file(
        folder_ / "message",
        std::span(signed_file).subspan(content.size(), signed_file.size() - content.size() - 40));
    const Finished verified =
        run_command({"openssl", "cms", "-verify", "-inform", "DER", "-in", folder_ / "message",
                     "-content", folder_ / "content", "-binary", "-certfile", folder_ / "ec.crt",
                     "-noverify", "-out", "/dev/null"});
    EXPECT_EQ(verified.status, 0) << name << verified.error;
  }
}

// These sign the same each time: what the key in a file makes.
TEST_F(TokenKeys, KeysOfEd25519Sign) {
  const Variable pin("ASSAY_PIN", SoftHsm::kPin);
  make_key({.key = folder_ / "ed.pem",
            .certificate = folder_ / "ed.crt",
            .kind = {"-newkey", "ed25519"}});
  hsm_.import_key("release", folder_ / "ed.pem", "ed", "03");
  const std::vector<std::string> certificate = {"--cert", folder_ / "ed.crt"};
  ASSERT_EQ(sign("by-ed-key", folder_ / "ed.pem", certificate).status, 0);
  const Ran ran = sign("ed", "pkcs11:token=release;id=%03", certificate);
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  EXPECT_EQ(snapshot(folder_ / "ed"), snapshot(folder_ / "by-ed-key"));
  // Another key's certificate is seen before anything is asked.
  make_key({.key = folder_ / "other.pem",
            .certificate = folder_ / "other.crt",
            .kind = {"-newkey", "ed25519"}});
  const Ran other = sign("other", "pkcs11:token=release;id=%03", {"--cert", folder_ / "other.crt"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.error.find("another key's"), std::string::npos) << other.error;
}

}  // namespace
}  // namespace assay
