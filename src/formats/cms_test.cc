#include "formats/cms.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"
#include "formats/appended_signature.h"
#include "testing/agreement.h"
#include "testing/mutate.h"
#include "testing/reference_asn1.h"
#include "testing/samples.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using der::Bytes;

std::string compare(const Bytes& message) { return compare_cms(View(message)); }

TEST(CmsAgreement, SamplesAreReadWhole) {
  for (const Bytes& message : sample_messages()) {
    EXPECT_EQ(compare(message), "");
    EXPECT_FALSE(parse_cms(View(message)).fault) << to_hex(message);
  }
}

TEST(CmsAgreement, EveryTruncation) {
  for (const Bytes& message : sample_messages())
    for (std::size_t size = 0; size <= message.size(); ++size) {
      const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(compare(cut), "") << to_hex(cut);
    }
}

TEST(CmsAgreement, EverySingleByteChange) {
  for (Bytes message : sample_messages())
    for (std::uint8_t& byte : message) {
      const std::uint8_t before = byte;
      for (unsigned value = 0; value < 256; ++value) {
        byte = static_cast<std::uint8_t>(value);
        ASSERT_EQ(compare(message), "") << to_hex(message);
      }
      byte = before;
    }
}

TEST(CmsAgreement, RandomMutations) {
  Random random(20);
  std::size_t accepted = 0;
  for (const Bytes& sample : sample_messages())
    for (int round = 0; round < 4000; ++round) {
      Bytes message = sample;
      for (std::size_t changes = 1 + random() % 4; changes > 0; --changes)
        message = mutate_ber(message, random);
      ASSERT_EQ(compare(message), "") << to_hex(message);
      if (!parse_cms(View(message)).fault) ++accepted;
    }
  // Mutations that are all refused early would show nothing.
  EXPECT_GT(accepted, 2000U);
}

// Messages that openssl and the kernel's sign-file made, and what was done to them.
std::vector<Bytes> corpus_messages() {
  std::vector<Bytes> messages;
  for (const auto& entry : std::filesystem::directory_iterator("tests/cases/appended/artifacts")) {
    if (entry.file_size() > 100000) continue;
    const Bytes file = read_file(entry.path());
    const auto trailer = read_signature_trailer(ViewContent(View(file)));
    if (!trailer->splits) continue;
    const Extent where = trailer->signature_extent();
    const auto message = std::span(file).subspan(where.offset, where.size);
    messages.emplace_back(message.begin(), message.end());
  }
  return messages;
}

TEST(CmsAgreement, SignedFilesOfTheCorpus) {
  Random random(22);
  std::size_t accepted = 0;
  for (const Bytes& message : corpus_messages()) {
    ASSERT_EQ(compare(message), "") << to_hex(message);
    if (!parse_cms(View(message)).fault) ++accepted;
    for (int round = 0; round < 10; ++round) {
      const Bytes changed = mutate_ber(message, random);
      ASSERT_EQ(compare(changed), "") << to_hex(changed);
    }
  }
  EXPECT_GT(accepted, 200U);
}

TEST(CmsAgreement, RandomBytes) {
  Random random(21);
  for (int round = 0; round < 20000; ++round) {
    Bytes message(random() % 80);
    for (std::uint8_t& byte : message) byte = static_cast<std::uint8_t>(random());
    if (!message.empty() && random() % 2 == 0) message[0] = 0x30;
    ASSERT_EQ(compare(message), "") << to_hex(message);
  }
}

}  // namespace
}  // namespace assay
