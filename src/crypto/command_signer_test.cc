// Commands that speak the protocol well, and badly.

#include "crypto/command_signer.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/private_key.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

SignRequest request_of(std::string_view text) {
  return {*compute_digest(Hash::sha256, bytes_of(text)), bytes_of(text)};
}

// A signing service in a few lines: openssl has the key.
constexpr std::string_view kService = R"(
import subprocess, sys
print(sys.stdin.readline().strip(), flush=True)
for line in sys.stdin:
    kind, number, name, digest = line.split()
    value = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", sys.argv[1], "-pkeyopt", "digest:" + name],
                           input=bytes.fromhex(digest), capture_output=True).stdout
    print("value", number, value.hex(), flush=True)
)";

class CommandSigner : public testing::Test {
 protected:
  // Answers of a command whose standard output is this, whatever it is asked.
  std::vector<Result<SignatureOctets>> answers_of(const std::string& shell, int requests) {
    auto signer = start_command_signer(shell, SigningKey());
    EXPECT_TRUE(signer) << describe(signer.error());
    if (!signer) return {};
    const std::vector<SignRequest> all(static_cast<std::size_t>(requests), request_of("x"));
    return (*signer)->sign(all);
  }
  TemporaryFolder folder_;
};

TEST_F(CommandSigner, AnswersAreThoseOfTheKeyItself) {
  const std::string key = folder_ / "key.pem";
  ASSERT_EQ(run_command({"openssl", "genrsa", "-out", key, "2048"}).status, 0);
  write_file(folder_ / "service.py", bytes_of(kService));
  const Bytes file = read_file(key);
  const auto direct = parse_private_key(View(file), {});
  ASSERT_TRUE(direct);
  auto signer = start_command_signer("python3 " + (folder_ / "service.py") + " " + key,
                                     direct->signer->key());
  ASSERT_TRUE(signer) << describe(signer.error());
  const std::vector<SignRequest> requests = {request_of("a"), request_of("b"), request_of("c")};
  const auto expected = direct->signer->sign(requests);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      const auto answers = (*signer)->sign(requests);
      ASSERT_EQ(answers.size(), requests.size());
      for (std::size_t at = 0; at < answers.size(); ++at) {
        ASSERT_TRUE(answers[at]) << describe(answers[at].error());
        EXPECT_EQ(*answers[at], *expected[at]);
      }
    });
}

TEST_F(CommandSigner, AnswersComeInAnyOrderAndMayBeErrors) {
  const auto answers = answers_of(
      "read g; echo $g; read a; read b; read c; echo value 3 03; echo error 1 locked out; "
      "echo value 2 02; read end",
      3);
  ASSERT_EQ(answers.size(), 3U);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().reason, Reason::signer_failed);
  EXPECT_EQ(answers[0].error().detail, "locked out");
  EXPECT_EQ(answers[1].value_or(Bytes()), Bytes{2});
  EXPECT_EQ(answers[2].value_or(Bytes()), Bytes{3});
}

TEST_F(CommandSigner, WhatIsNoAnswerFailsWhatIsOpen) {
  const std::string greeting = "read g; echo $g; read a; ";
  for (const char* bad : {"exit 0", "echo hello", "echo value 1", "echo value 1 0G",
                          "echo value 7 00", "echo value x 00", "echo"}) {
    SCOPED_TRACE(bad);
    const auto answers = answers_of(greeting + bad, 1);
    ASSERT_EQ(answers.size(), 1U);
    ASSERT_FALSE(answers[0]);
    EXPECT_EQ(answers[0].error().reason, Reason::signer_failed);
  }
}

TEST_F(CommandSigner, WithoutAGreetingThereIsNoSigner) {
  for (const char* shell : {"exit 0", "echo hello", "no-such-program", "cat > /dev/null; true"}) {
    SCOPED_TRACE(shell);
    // The last one reads until its input ends.
    const std::string command =
        std::string_view(shell).starts_with("cat") ? "head -c 3 > /dev/null" : shell;
    const auto signer = start_command_signer(command, SigningKey());
    ASSERT_FALSE(signer);
    EXPECT_EQ(signer.error().reason, Reason::signer_failed);
  }
}

// One that says nothing, or says it letter by letter without an end, is not waited for for ever.
TEST_F(CommandSigner, AGreetingHasItsTime) {
  for (const char* shell : {"exec sleep 600", "while :; do printf a; sleep 0.05; done"}) {
    SCOPED_TRACE(shell);
    const auto start = std::chrono::steady_clock::now();
    const auto signer = start_command_signer(shell, SigningKey(), std::chrono::milliseconds(300));
    ASSERT_FALSE(signer);
    EXPECT_EQ(signer.error().reason, Reason::signer_failed);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  }
}

// One that greets and then lets a request wait, one that reads no more, and one that holds on to
// the pipe when it is killed.
TEST_F(CommandSigner, ARequestHasItsTime) {
  for (const char* shell :
       {"read g; echo $g; read a; exec sleep 600", "read g; echo $g; exec sleep 600",
        "read g; echo $g; read a; sleep 20 & wait"}) {
    SCOPED_TRACE(shell);
    const auto start = std::chrono::steady_clock::now();
    {
      auto signer = start_command_signer(shell, SigningKey(), std::chrono::milliseconds(400));
      ASSERT_TRUE(signer) << describe(signer.error());
      const std::vector<SignRequest> requests = {request_of("x"), request_of("y")};
      for (int again = 0; again < 2; ++again)
        for (const auto& answer : (*signer)->sign(requests)) {
          ASSERT_FALSE(answer);
          EXPECT_EQ(answer.error().reason, Reason::signer_failed);
          EXPECT_NE(answer.error().detail.find("400 ms"), std::string::npos)
              << answer.error().detail;
        }
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  }
}

// More than a pipe holds, for a key that signs messages.
TEST_F(CommandSigner, ACommandThatReadsNoRequestIsNotWaitedFor) {
  SigningKey key;
  key.algorithm = SigningAlgorithm::ed25519;
  const std::string shell = "head -n 1; exec sleep 600";
  auto signer = start_command_signer(shell, key, std::chrono::milliseconds(400));
  ASSERT_TRUE(signer) << describe(signer.error());
  const Bytes message(1 << 20, 'm');
  const std::vector<SignRequest> requests = {{*compute_digest(Hash::sha256, message), message}};
  const auto answers = (*signer)->sign(requests);
  ASSERT_FALSE(answers.front());
  EXPECT_NE(answers.front().error().detail.find("does not read"), std::string::npos)
      << answers.front().error().detail;
}

// One that has said nonsense, or closed its output, and stays.
TEST_F(CommandSigner, ACommandThatIsOfNoUseIsEnded) {
  for (const char* bad : {"echo nonsense", "exec >&-"}) {
    SCOPED_TRACE(bad);
    const auto start = std::chrono::steady_clock::now();
    const std::string shell =
        std::string("read g; echo $g; read a; ") + bad + "; exec sleep 600 > /dev/null";
    const auto answers = answers_of(shell, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_FALSE(answers[0]);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  }
}

// Secrets that are for our own keys; what else there is, it may want.
TEST_F(CommandSigner, ACommandGetsNoSecretsOfOurs) {
  for (const char* name : {"ASSAY_PIN", "KBUILD_SIGN_PIN", "SERVICE_ADDRESS"})
    ::setenv(name, "told", 1);
  const auto answers = answers_of(
      "read g; echo $g; read a; echo error 1 $(env | grep -c =told) $SERVICE_ADDRESS; read end", 1);
  for (const char* name : {"ASSAY_PIN", "KBUILD_SIGN_PIN", "SERVICE_ADDRESS"}) ::unsetenv(name);
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().detail, "1 told");
}

// Its input ends, and it goes on.
TEST_F(CommandSigner, ACommandThatDoesNotEndIsEnded) {
  const auto start = std::chrono::steady_clock::now();
  auto signer = start_command_signer("read g; echo $g; exec sleep 600", SigningKey(),
                                     std::chrono::milliseconds(300));
  ASSERT_TRUE(signer);
  signer->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace assay
