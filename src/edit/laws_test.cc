// The laws attach(excise(x)) == x and excise(sign(x)) == x, over files, images and compressed
// modules that nobody thought of.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "crypto/private_key.h"
#include "edit/attach.h"
#include "edit/excise.h"
#include "edit/sign.h"
#include "edit/test_artifacts.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
using Bytes = std::vector<std::uint8_t>;

struct Input {
  std::string name;
  Bytes bytes;
  std::size_t program_size = 0;  // of an image: all before its table
};

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

// A module's content, or anything: with runs, so that it compresses.
Bytes any_content() {
  Bytes content;
  for (int left = *rc::gen::inRange(0, 6); left > 0; --left) {
    const Bytes piece = *rc::gen::arbitrary<Bytes>();
    for (int times = *rc::gen::inRange(1, 200); times > 0; --times) append(content, piece);
  }
  return content;
}

void append_signatures(Bytes& file) {
  for (int left = *rc::gen::inRange(0, 3); left > 0; --left) {
    const Bytes message = *rc::gen::arbitrary<Bytes>();
    const RecordPart part = describe_appended_signature(MemoryContent(file), View(message));
    append(file, part.splices.front().after);
  }
}

Input any_file() {
  Input input{"m.ko", any_content()};
  append_signatures(input.bytes);
  return input;
}

// An image with any checksum, bytes behind its sections, and certificates that are none.
Input any_image(bool is_signable = false) {
  static const Bytes kBare = read_file("tests/cases/pe/artifacts/unsigned.efi");
  Input input{"i.efi", kBare};
  const auto headers = find_pe_image(MemoryContent(kBare));
  RC_ASSERT(headers && *headers);
  for (std::size_t i = 0; i < 4; ++i)
    input.bytes[(*headers)->checksum_offset() + i] = *rc::gen::arbitrary<std::uint8_t>();
  append(input.bytes, *rc::gen::arbitrary<Bytes>());
  input.program_size = input.bytes.size();
  for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
    const MemoryContent content(input.bytes);
    const auto now = find_pe_image(content);
    const Bytes message = *rc::gen::arbitrary<Bytes>();
    const auto part = describe_addition(content, **now, write_win_certificate(View(message)));
    RC_ASSERT(part.has_value());
    const auto with = splice(Rope(std::make_shared<MemoryContent>(input.bytes)), part->splices,
                             Direction::forward);
    RC_ASSERT(with.has_value());
    input.bytes = all_of(*with);
  }
  // Behind a table there is no place for another certificate.
  if (!is_signable) append_signatures(input.bytes);
  return input;
}

Input any_compressed() {
  EncoderParameters parameters =
      kernel_parameters(*rc::gen::element(Codec::gzip, Codec::xz, Codec::zstd));
  parameters.level = *rc::gen::inRange(1, 10);
  if (parameters.codec == Codec::gzip)
    parameters.memory_level = *rc::gen::inRange(1, 10);
  else
    parameters.threaded = *rc::gen::arbitrary<bool>();
  if (parameters.codec == Codec::xz) {
    parameters.check = *rc::gen::element<std::uint8_t>(0, 1, 4, 10);
    parameters.dictionary = *rc::gen::inRange<std::uint32_t>(4096, 1 << 20);
  }
  const char* suffix = parameters.codec == Codec::gzip ? "gz"
                       : parameters.codec == Codec::xz ? "xz"
                                                       : "zst";
  const auto stream = encode(MemoryContent(any_file().bytes), parameters);
  RC_ASSERT(stream.has_value());
  return {std::string("m.ko.") + suffix, *stream};
}

// Through its JSON, as a record goes.
EditRecord travelled(const EditRecord& record) {
  const auto read = parse_record(write_record(record));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == record);
  return *read;
}

void expect_excised_comes_back(const Input& input) {
  ExciseOptions options;
  options.last_only = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) options.entry = *rc::gen::inRange<std::size_t>(0, 3);
  const auto edited = excise(artifact_of(input.name, input.bytes), options);
  // With --last appended signatures may stay behind a table, which then is no last thing; and one
  // of several certificates may not be there. Else all can be taken out.
  RC_ASSERT(edited.has_value() || options.entry.has_value() || options.last_only);
  if (!edited || !*edited) return;
  const Artifact bare = artifact_of(input.name, all_of(*(*edited)->stored));
  const auto back = attach_record(bare, travelled((*edited)->record));
  RC_ASSERT(back.has_value());
  RC_ASSERT(all_of(*back->stored) == input.bytes);
}

// A part with one thing in it changed, so that it still applies to `content`.
RecordPart any_change(RecordPart part, const Bytes& content) {
  Splice& splice = part.splices[*rc::gen::inRange<std::size_t>(0, part.splices.size())];
  const auto shift =
      *rc::gen::element<int>(-512, -80, -64, -16, -8, -4, -1, 0, 0, 0, 1, 4, 8, 16, 64, 512);
  splice.offset += static_cast<std::uint64_t>(shift);
  const auto taken = *rc::gen::element<int>(0, 0, 0, -8, -1, 1, 4, 8, 100);
  std::size_t size = splice.before.size() + static_cast<std::size_t>(taken);
  RC_PRE(lies_inside(splice.offset, size, content.size()));
  const auto at = content.begin() + static_cast<std::ptrdiff_t>(splice.offset);
  splice.before.assign(at, at + static_cast<std::ptrdiff_t>(size));
  const auto put = *rc::gen::element<int>(0, 0, 1, 8, 16);
  splice.after.insert(splice.after.begin(), static_cast<std::size_t>(put), 0);
  if (!splice.after.empty() && *rc::gen::arbitrary<bool>())
    splice
        .after[*rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(16, splice.after.size()))] ^=
        *rc::gen::arbitrary<std::uint8_t>();
  return part;
}

// What a record that is followed makes of the content; nothing where it is refused, as it must be
// where it would not go back.
std::optional<Bytes> made_by(const Artifact& artifact, RecordPart part) {
  const auto made = apply_parts(artifact, {std::move(part)});
  if (!made) return std::nullopt;
  const auto attached = attach_record(artifact, made->record);
  RC_TAG(attached ? "followed" : "refused");
  if (!attached) return std::nullopt;
  return all_of(*attached->stored);
}

class Laws : public testing::Test {
 protected:
  void SetUp() override {
    TemporaryFolder folder;
    const std::string key = folder / "key";
    const std::string der = folder / "der";
    ASSERT_EQ(run_command({"openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes",
                           "-keyout", key, "-subj", "/CN=signer", "-outform", "DER", "-out", der})
                  .status,
              0);
    const Bytes file = read_file(key);
    auto loaded = parse_private_key(View(file), {});
    ASSERT_TRUE(loaded) << describe(loaded.error());
    signer_ = std::move(loaded->signer);
    certificate_.der = read_file(der);
  }

  void expect_signed_goes_back(const Input& input) {
    const Artifact artifact = artifact_of(input.name, input.bytes);
    const SignOptions options{.existing = *rc::gen::element(Existing::replace, Existing::add),
                              .time = 0};
    const auto edited = sign_artifact(artifact, *signer_, certificate_, options);
    RC_ASSERT(edited.has_value());
    const Artifact made = artifact_of(input.name, all_of(*edited->stored));
    const EditRecord record = travelled(edited->record);
    const auto back = restore_before(made, record);
    RC_ASSERT(back.has_value());
    RC_ASSERT(all_of(*back->stored) == input.bytes);
    const auto again = attach_record(artifact, record);
    RC_ASSERT(again.has_value());
    RC_ASSERT(all_of(*again->stored) == all_of(*made.stored));
    // And without the record, whatever was there comes out too: to nothing that is signed.
    const auto taken = excise(made);
    RC_ASSERT(taken.has_value() && taken->has_value());
    const auto none = excise(artifact_of(input.name, all_of(*(*taken)->stored)));
    RC_ASSERT(none.has_value() && !none->has_value());
  }

  std::unique_ptr<Signer> signer_;
  SigningCertificate certificate_;
};

TEST_F(Laws, FilesExcisedComeBack) {
  EXPECT_TRUE(rc::check([] { expect_excised_comes_back(any_file()); }));
}
TEST_F(Laws, ImagesExcisedComeBack) {
  EXPECT_TRUE(rc::check([] { expect_excised_comes_back(any_image()); }));
}
TEST_F(Laws, CompressedModulesExcisedComeBack) {
  EXPECT_TRUE(rc::check([] { expect_excised_comes_back(any_compressed()); }));
}
TEST_F(Laws, FilesSignedGoBack) {
  EXPECT_TRUE(rc::check([this] { expect_signed_goes_back(any_file()); }));
}
TEST_F(Laws, ImagesSignedGoBack) {
  EXPECT_TRUE(rc::check([this] { expect_signed_goes_back(any_image(true)); }));
}
TEST_F(Laws, CompressedModulesSignedGoBack) {
  EXPECT_TRUE(rc::check([this] { expect_signed_goes_back(any_compressed()); }));
}

// Law: whatever a record says, what is signed is the same on both sides.
TEST_F(Laws, RecordsThatAreFollowedLeaveTheProgramAlone) {
  EXPECT_TRUE(rc::check([this] {
    const Input input = any_image(true);
    const Artifact artifact = artifact_of(input.name, input.bytes);
    const auto signed_by_us =
        sign_artifact(artifact, *signer_, certificate_,
                      {.existing = *rc::gen::element(Existing::replace, Existing::add), .time = 0});
    RC_ASSERT(signed_by_us.has_value());
    const RecordPart& part = signed_by_us->record.parts.front();
    const auto made = made_by(artifact, any_change(part, input.bytes));
    if (!made) return;
    const auto program = [&](Bytes image) {
      RC_ASSERT(image.size() >= input.program_size);
      image.resize(input.program_size);
      for (std::size_t i = 0; i < 2; ++i)
        std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(part.splices[i].offset),
                    part.splices[i].after.size(), 0);
      return image;
    };
    RC_ASSERT(program(*made) == program(input.bytes));
  }));
}

TEST_F(Laws, RecordsThatAreFollowedLeaveTheFileAlone) {
  EXPECT_TRUE(rc::check([this] {
    const Input input = any_file();
    const Artifact artifact = artifact_of(input.name, input.bytes);
    const auto signed_by_us =
        sign_artifact(artifact, *signer_, certificate_,
                      {.existing = *rc::gen::element(Existing::replace, Existing::add)});
    RC_ASSERT(signed_by_us.has_value());
    const auto made =
        made_by(artifact, any_change(signed_by_us->record.parts.front(), input.bytes));
    if (!made) return;
    const auto bare = [&](const Bytes& file) {
      const auto edited = excise(artifact_of(input.name, file));
      RC_ASSERT(edited.has_value());
      return *edited ? all_of(*(*edited)->stored) : file;
    };
    RC_ASSERT(bare(*made) == bare(input.bytes));
  }));
}

}  // namespace
}  // namespace assay
