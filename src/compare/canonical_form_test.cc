// Laws of canonical forms, over made files and images that other tools signed.

#include "compare/canonical_form.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::string kPe = "tests/cases/pe/artifacts/";

Bytes all_of(const Content& content) {
  Bytes bytes(content.size());
  EXPECT_TRUE(content.read(0, bytes));
  return bytes;
}

std::shared_ptr<const Content> content_of(Bytes bytes) {
  return std::make_shared<MemoryContent>(std::move(bytes));
}

// scripts/sign-file.c: message, block, marker.
Bytes signed_with(Bytes file, const Bytes& message) {
  file.insert(file.end(), message.begin(), message.end());
  file.insert(file.end(), {0, 0, 2, 0, 0, 0, 0, 0});
  for (int shift = 24; shift >= 0; shift -= 8)
    file.push_back(static_cast<std::uint8_t>(message.size() >> shift));
  for (const char c : std::string_view("~Module signature appended~\n"))
    file.push_back(static_cast<std::uint8_t>(c));
  return file;
}

void expect_law(const Bytes& file) {
  const auto form = find_canonical_form(content_of(file));
  ASSERT_TRUE(form) << describe(form.error());
  // Its records on it are the file; it has none itself.
  const auto back = put_records(form->content, form->parts);
  ASSERT_TRUE(back) << describe(back.error());
  EXPECT_EQ(all_of(*back), file);
  const auto again = find_canonical_form(content_of(all_of(form->content)));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->parts.empty());
}

TEST(CanonicalForm, OfAppendedSignaturesIsWhatTheyWerePutBehind) {
  EXPECT_TRUE(rc::check([] {
    const Bytes content = *rc::gen::arbitrary<Bytes>();
    Bytes file = content;
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) file = signed_with(file, *rc::gen::arbitrary<Bytes>());
    expect_law(file);
    const auto form = find_canonical_form(content_of(file));
    RC_ASSERT(all_of(form->content) == content);
    RC_ASSERT(form->parts.size() == static_cast<std::size_t>(count));
  }));
}

// What sbattach takes out, and what it takes it from, have one form.
TEST(CanonicalForm, OfImagesIsThatOfTheUnsignedOne) {
  const auto bare = find_canonical_form(content_of(read_file(kPe + "unsigned.efi")));
  ASSERT_TRUE(bare);
  for (const char* name : {"by-osslsigncode.efi", "by-pesign.efi", "checksum-0.efi",
                           "checksum-other.efi", "all-sha512.efi"}) {
    SCOPED_TRACE(name);
    const Bytes file = read_file(kPe + name);
    expect_law(file);
    const auto form = find_canonical_form(content_of(file));
    ASSERT_TRUE(form);
    EXPECT_EQ(all_of(form->content), all_of(bare->content));
  }
}

// sig_len of a hostile file, and signatures one behind the other: limits with names.
TEST(CanonicalForm, HugeAndManySignaturesAreLimits) {
  const auto huge = find_canonical_form(content_of(signed_with({}, Bytes(17 << 20))));
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().reason, Reason::limit_size);
  Bytes file;
  for (int i = 0; i < 65; ++i) file = signed_with(file, {1});
  const auto many = find_canonical_form(content_of(file));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().reason, Reason::limit_count);
}

}  // namespace
}  // namespace assay
