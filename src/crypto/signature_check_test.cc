#include "crypto/signature_check.h"

#include <gtest/gtest.h>

#include "crypto/private_key.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kMessage = "what is signed";

// Flips a bit of every answer.
class FaultySigner final : public Signer {
 public:
  explicit FaultySigner(std::unique_ptr<Signer> signer) : signer_(std::move(signer)) {}
  const SigningKey& key() const override { return signer_->key(); }
  std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) override {
    auto answers = signer_->sign(requests);
    for (auto& answer : answers)
      if (answer) answer->back() ^= 1;
    return answers;
  }

 private:
  std::unique_ptr<Signer> signer_;
};

TEST(SignatureCheck, GoodAnswersPassAndFaultyOnesDoNot) {
  TemporaryFolder folder;
  for (const char* algorithm : {"RSA", "EC", "ED25519"}) {
    SCOPED_TRACE(algorithm);
    std::vector<std::string> command{"openssl", "genpkey", "-algorithm",
                                     algorithm, "-out",    folder / "key.pem"};
    if (std::string_view(algorithm) == "EC")
      command.insert(command.end(), {"-pkeyopt", "ec_paramgen_curve:P-384"});
    ASSERT_EQ(run_command(command).status, 0);
    const Bytes file = read_file(folder / "key.pem");
    auto good = parse_private_key(View(file), {});
    auto bad = parse_private_key(View(file), {});
    ASSERT_TRUE(good && bad);
    const auto described = describe_public_key(View(good->signer->key().public_key));
    ASSERT_TRUE(described) << describe(described.error());
    EXPECT_EQ(described->algorithm, good->signer->key().algorithm);
    EXPECT_EQ(described->curve, good->signer->key().curve);
    EXPECT_EQ(described->bits, good->signer->key().bits);
    const SignRequest request{*compute_digest(Hash::sha256, bytes_of(kMessage)),
                              bytes_of(kMessage)};
    EXPECT_TRUE(sign_one(*make_checked_signer(std::move(good->signer)), request));
    const auto faulty = make_checked_signer(std::make_unique<FaultySigner>(std::move(bad->signer)));
    const auto refused = sign_one(*faulty, request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::signer_failed);
  }
  EXPECT_FALSE(describe_public_key(View(Bytes{1, 2, 3})));
}

}  // namespace
}  // namespace assay
