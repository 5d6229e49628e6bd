// assay sign with keys in a TPM 2.0: swtpm's, made by tpm2-tools.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "bytes/view.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

// A TPM that runs while this lives. Its sockets have short names: the system takes 107 characters.
class SoftTpm {
 public:
  SoftTpm() {
    fs::create_directory(folder_ / "state");
    const Finished done = run_command(
        {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + (folder_ / "state"), "--server",
         "type=unixio,path=" + (folder_ / "tpm"), "--ctrl",
         "type=unixio,path=" + (folder_ / "tpm.ctrl"), "--flags", "not-need-init,startup-clear",
         "--daemon", "--pid", "file=" + (folder_ / "pid")});
    EXPECT_EQ(done.status, 0) << done.error;
  }
  ~SoftTpm() {
    const Bytes text = read_file(folder_ / "pid");
    const int pid = std::atoi(std::string(text.begin(), text.end()).c_str());
    if (pid > 1) ::kill(pid, SIGTERM);
  }
  SoftTpm(const SoftTpm&) = delete;
  SoftTpm& operator=(const SoftTpm&) = delete;

  std::string tcti() const { return "swtpm:path=" + (folder_ / "tpm"); }

 private:
  TemporaryFolder folder_;
};

class TpmKeys : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"ASSAY_PIN", "KBUILD_SIGN_PIN"}) ::unsetenv(name);
    ::setenv("TPM2TOOLS_TCTI", tpm_.tcti().c_str(), 1);
    tool({"tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-a",
          "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda", "-c",
          folder_ / "primary"});
    flush();
    for (int i = 0; i < 6; ++i)
      write_file(folder_ / ("tree/m" + std::to_string(i) + ".ko"),
                 Bytes(5000, static_cast<std::uint8_t>('a' + i)));
  }
  void TearDown() override { ::unsetenv("TPM2TOOLS_TCTI"); }

  void tool(const std::vector<std::string>& command) { run_tool(command); }
  void flush() { tool({"tpm2_flushcontext", "-t"}); }
  // A key of the TPM, at this handle, and a file of it.
  void make_key(const std::string& algorithm, const std::string& handle,
                const std::vector<std::string>& more = {},
                const std::string& attributes =
                    "sign|userwithauth|fixedtpm|fixedparent|"
                    "sensitivedataorigin|noda") {
    std::vector<std::string> create = {
        "tpm2_create", "-Q",       "-C", folder_ / "primary", "-G", algorithm,
        "-a",          attributes, "-u", folder_ / "public",  "-r", folder_ / "private"};
    create.insert(create.end(), more.begin(), more.end());
    tool(create);
    flush();
    persist(handle);
  }
  void persist(const std::string& handle) {
    tool({"tpm2_load", "-Q", "-C", folder_ / "primary", "-u", folder_ / "public", "-r",
          folder_ / "private", "-c", folder_ / "key"});
    flush();
    tool({"tpm2_evictcontrol", "-Q", "-C", "o", "-c", folder_ / "key", handle});
    flush();
  }
  // A certificate of a key in a file.
  void make_certificate(const std::string& key) {
    assay::make_key({key, certificate_, {"-key", key}, "tpm"});
  }
  // The certificate of a key that is in the TPM alone: by a CA, which needs no signature of it.
  void certify(const std::string& handle) {
    tool({"tpm2_readpublic", "-Q", "-c", handle, "-f", "pem", "-o", folder_ / "public.pem"});
    assay::make_key({.key = folder_ / "ca.pem", .certificate = folder_ / "ca.crt"});
    tool({"openssl", "x509", "-new", "-force_pubkey", folder_ / "public.pem", "-CA",
          folder_ / "ca.crt", "-CAkey", folder_ / "ca.pem", "-subj", "/CN=tpm", "-out",
          certificate_});
  }
  Ran sign(const std::string& out, const std::string& key, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"sign", "-o",     folder_ / out, "--key",
                                        key,    "--cert", certificate_,  tree_};
    command.insert(command.end(), more.begin(), more.end());
    return run_assay(command);
  }
  // openssl(1) verifies each: a message, and 40 bytes behind it.
  void verify(const std::string& out) {
    for (const auto& [name, file] : snapshot(folder_ / out)) {
      const Bytes content = read_file(tree_ + '/' + name);
      write_file(folder_ / "content", content);
      write_file(folder_ / "message",
                 std::span(file).subspan(content.size(), file.size() - content.size() - 40));
      tool({"openssl", "cms", "-verify", "-inform", "DER", "-in", folder_ / "message", "-content",
            folder_ / "content", "-binary", "-certfile", certificate_, "-noverify", "-out",
            "/dev/null"});
    }
  }
  static void says(const Ran& ran, const char* part) {
    EXPECT_EQ(ran.status, 2) << ran.out;
    EXPECT_NE((ran.error + ran.out).find(part), std::string::npos) << ran.error << ran.out;
  }

  SoftTpm tpm_;
  TemporaryFolder folder_;
  std::string tree_ = folder_ / "tree";
  std::string certificate_ = folder_ / "cert.pem";
};

TEST_F(TpmKeys, SignAsTheKeyFileDoes) {
  tool({"openssl", "genrsa", "-out", folder_ / "rsa.pem", "2048"});
  make_certificate(folder_ / "rsa.pem");
  tool({"tpm2_import", "-Q", "-C", folder_ / "primary", "-G", "rsa", "-i", folder_ / "rsa.pem",
        "-u", folder_ / "public", "-r", folder_ / "private", "-a", "sign|userwithauth|noda"});
  flush();
  persist("0x81000001");
  ASSERT_EQ(sign("by-file", folder_ / "rsa.pem").status, 0);
  const Ran ran = sign("by-tpm", "tpm2:0x81000001");
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  EXPECT_EQ(snapshot(folder_ / "by-tpm"), snapshot(folder_ / "by-file"));
  // Several threads, another hash, and the TPM's place in an option.
  ::unsetenv("TPM2TOOLS_TCTI");
  const Ran other =
      sign("by-tcti", "tpm2:0x81000001", {"--tcti", tpm_.tcti(), "-j", "4", "--hash", "sha512"});
  ASSERT_EQ(other.status, 0) << other.error << other.out;
  ASSERT_EQ(sign("by-file-512", folder_ / "rsa.pem", {"--hash", "sha512"}).status, 0);
  EXPECT_EQ(snapshot(folder_ / "by-tcti"), snapshot(folder_ / "by-file-512"));
}

TEST_F(TpmKeys, EcdsaKeysSign) {
  make_key("ecc256", "0x81000002");
  certify("0x81000002");
  const Ran ran = sign("ec", "tpm2:0x81000002");
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  verify("ec");
}

TEST_F(TpmKeys, KeyFilesAreLoaded) {
  make_key("rsa2048", "0x81000003");
  certify("0x81000003");
  tool({"tpm2_encodeobject", "-C", "o", "-u", folder_ / "public", "-r", folder_ / "private", "-o",
        folder_ / "key.tss"});
  const Ran file = sign("by-file", "tpm2:" + (folder_ / "key.tss"));
  ASSERT_EQ(file.status, 0) << file.error << file.out;
  verify("by-file");
  ASSERT_EQ(sign("by-handle", "tpm2:0x81000003").status, 0);
  EXPECT_EQ(snapshot(folder_ / "by-file"), snapshot(folder_ / "by-handle"));
}

TEST_F(TpmKeys, AuthorizationIsAskedFor) {
  make_key("rsa2048", "0x81000004", {"-p", "tpm-secret"});
  certify("0x81000004");
  const Ran without = sign("refused", "tpm2:0x81000004");
  says(without, "TPM2_Sign");
  says(without, "authorization");
  EXPECT_FALSE(fs::exists(folder_ / "refused"));
  ::setenv("ASSAY_PIN", "wrong-secret", 1);
  const Ran wrong = sign("refused", "tpm2:0x81000004");
  says(wrong, "TPM2_Sign");
  EXPECT_EQ((wrong.out + wrong.error).find("wrong-secret"), std::string::npos);
  ::setenv("ASSAY_PIN", "tpm-secret", 1);
  const Ran ran = sign("signed", "tpm2:0x81000004");
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  verify("signed");
}

TEST_F(TpmKeys, WhatDoesNotSignIsNamed) {
  make_key("rsa2048", "0x81000005");
  certify("0x81000005");
  says(sign("refused", "tpm2:0x81000099"), "0x81000099");
  says(sign("refused", "tpm2:0x81000005", {"--tcti", "swtpm:path=/no/socket"}), "no TPM answers");
  says(sign("refused", "tpm2:/no/file"), "/no/file");
  write_file(folder_ / "noise", bytes_of("noise"));
  says(sign("refused", "tpm2:" + (folder_ / "noise")), "noise");
  make_key("rsa2048:rsassa-sha256:null", "0x81000006", {},
           "restricted|sign|userwithauth|fixedtpm|fixedparent|sensitivedataorigin");
  says(sign("refused", "tpm2:0x81000006"), "restricted");
  make_key("rsa2048", "0x81000007", {},
           "decrypt|userwithauth|fixedtpm|fixedparent|sensitivedataorigin");
  says(sign("refused", "tpm2:0x81000007"), "may not sign");
  // One that its policy alone opens, which the authorization value does not.
  write_file(folder_ / "policy", Bytes(32, 'p'));
  make_key("rsa2048", "0x81000009", {"-L", folder_ / "policy"},
           "sign|fixedtpm|fixedparent|sensitivedataorigin|noda");
  says(sign("refused", "tpm2:0x81000009"), "policy");
  // The certificate is of another key.
  make_key("rsa2048", "0x81000008");
  says(sign("refused", "tpm2:0x81000008"), "another key's");
  EXPECT_FALSE(fs::exists(folder_ / "refused"));
}

}  // namespace
}  // namespace assay
