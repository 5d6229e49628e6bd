#include "survey/trust_book.h"

#include <gtest/gtest.h>

#include <deque>

#include "signatures/test_keys.h"

namespace assay {
namespace {

using test::rsa_certificate;

std::shared_ptr<ImageTrust> image(std::string name, std::string container) {
  auto trust = std::make_shared<ImageTrust>();
  trust->name = std::move(name);
  trust->container = std::move(container);
  trust->release = "6.1.0-56-amd64";
  return trust;
}

Examined module(std::string container) {
  Examined artifact;
  artifact.container = std::move(container);
  artifact.module = ElfModule();
  artifact.module->vermagic = "6.1.0-56-amd64 SMP ";
  return artifact;
}

class TrustBookTest : public testing::Test {
 protected:
  void ask(const std::string& container) {
    book_.find(
        module(container), [this](TrustAnswer answer) { answers_.push_back(std::move(answer)); },
        [this](const std::shared_ptr<const Trust>& likely) { prepared_.push_back(likely); });
  }

  void run_jobs() {
    for (; !jobs_.empty(); jobs_.pop_front()) jobs_.front()();
  }

  static TrustOptions without_host() {
    TrustOptions options;
    options.use_host = false;
    return options;
  }

  std::deque<std::function<void()>> jobs_;
  TrustBook book_{without_host(), [this](std::function<void()> job) { jobs_.push_back(job); }};
  std::vector<TrustAnswer> answers_;
  std::vector<std::shared_ptr<const Trust>> prepared_;
};

TEST_F(TrustBookTest, AnswersWithWhatWasPrepared) {
  ask("p.deb");
  book_.propose_image(image("p.deb!boot/vmlinuz", "p.deb"));
  ask("p.deb");
  run_jobs();
  EXPECT_EQ(prepared_.size(), 2U);
  EXPECT_TRUE(answers_.empty()) << "a proposal decides nothing";
  book_.add_image(image("p.deb!boot/vmlinuz", "p.deb"));
  book_.no_more_images();
  run_jobs();
  ASSERT_EQ(answers_.size(), 2U);
  for (const auto& answer : answers_) EXPECT_EQ(answer.value(), prepared_[0]);
}

TEST_F(TrustBookTest, AnswersWithTheErrorOfAnImageThatPromisedMore) {
  ask("p.deb");
  book_.propose_image(image("p.deb!boot/vmlinuz", "p.deb"));
  auto ambiguous = image("p.deb!boot/vmlinuz", "p.deb");
  ambiguous->error = Error{Reason::trust_ambiguous, {}, {}, {}};
  book_.add_image(ambiguous);
  book_.no_more_images();
  run_jobs();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_FALSE(answers_[0]);
  EXPECT_EQ(answers_[0].error().reason, Reason::trust_ambiguous);
}

TEST_F(TrustBookTest, PreparesNothingWithAnImageOfAnotherContainer) {
  ask("p.deb");
  book_.propose_image(image("q.deb!boot/vmlinuz", "q.deb"));
  run_jobs();
  EXPECT_TRUE(prepared_.empty());
}

TEST_F(TrustBookTest, TakesAnImageElsewhereOnlyOnceAllAreKnown) {
  ask("p.deb");
  book_.add_image(image("q.deb!boot/vmlinuz", "q.deb"));
  run_jobs();
  EXPECT_TRUE(answers_.empty());
  book_.no_more_images();
  run_jobs();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].value()->image->name, "q.deb!boot/vmlinuz");
}

TEST_F(TrustBookTest, SaysThatThereIsNoImage) {
  ask("p.deb");
  book_.no_more_images();
  run_jobs();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_FALSE(answers_[0]);
  EXPECT_EQ(answers_[0].error().reason, Reason::no_trust);
}

// Keys of two kinds, told apart by their bytes alone.
std::shared_ptr<const PreparedCertificate> key(std::string_view name) {
  return PreparedCertificate::own(rsa_certificate(name, name).write());
}

std::shared_ptr<ImageTrust> image_at(const std::string& inner_name, std::string_view signer) {
  auto made = image("p.deb!" + inner_name, "p.deb");
  made->inner_name = inner_name;
  made->place = "/" + inner_name;
  made->certificates = {key(signer)};
  return made;
}

// A file that only looks like the kernel of this release never stands before the installed one,
// whichever is found first.
TEST_F(TrustBookTest, TheInstalledImageCounts) {
  const auto decoy = image_at("usr/share/doc/x/README", "evil");
  const auto in_modules = image_at("lib/modules/6.1.0-56-amd64/vmlinuz", "evil");
  const auto installed = image_at("boot/vmlinuz-6.1.0-56-amd64", "good");
  for (const auto& images :
       {std::vector{decoy, in_modules, installed}, std::vector{installed, in_modules, decoy}}) {
    TrustBook book(without_host(), [this](std::function<void()> job) { jobs_.push_back(job); });
    std::vector<TrustAnswer> answers;
    book.find(module("p.deb"), [&](TrustAnswer answer) { answers.push_back(std::move(answer)); });
    for (const auto& one : images) book.add_image(one);
    run_jobs();
    EXPECT_TRUE(answers.empty()) << "a later member may replace an earlier one";
    book.no_more_images();
    run_jobs();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].value()->image->name, installed->name);
  }
}

TEST_F(TrustBookTest, ImagesInPlacesOfNoRankMustAgree) {
  ask("p.deb");
  book_.add_image(image_at("one", "good"));
  book_.add_image(image_at("two", "evil"));
  book_.no_more_images();
  run_jobs();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_FALSE(answers_[0]);
  EXPECT_EQ(answers_[0].error().reason, Reason::images_ambiguous);
}

}  // namespace
}  // namespace assay
