// Laws of excise and attach, over made files and over the artifacts of tests/cases, which other
// tools made.

#include "edit/excise.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <filesystem>

#include "edit/attach.h"
#include "edit/pe_table.h"
#include "edit/test_artifacts.h"
#include "formats/appended_signature.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
using Bytes = std::vector<std::uint8_t>;

const std::string kPe = "tests/cases/pe/artifacts/";

Bytes with_signature(Bytes content, const Bytes& message) {
  const RecordPart part = describe_appended_signature(MemoryContent(content), View(message));
  const Bytes& tail = part.splices.front().after;
  content.insert(content.end(), tail.begin(), tail.end());
  return content;
}

Bytes tool(const std::vector<std::string>& command, const Bytes& input = {}) {
  const Finished done = run_command(command, input);
  EXPECT_EQ(done.status, 0) << command[0] << ": " << done.error;
  return done.out;
}

// What is excised, and put back, is the file; the record is the same after a trip through JSON.
// False where there was nothing to excise.
bool comes_back(const std::string& name, const Bytes& file) {
  const auto edited = excise(artifact_of(name, file));
  if (!edited || !*edited) return false;
  const auto record = parse_record(write_record((*edited)->record));
  EXPECT_TRUE(record);
  EXPECT_EQ(*record, (*edited)->record);
  const Artifact bare = artifact_of(name, all_of(*(*edited)->stored));
  const auto none = excise(bare);
  EXPECT_TRUE(none && !*none) << "something was left";
  const auto back = attach_record(bare, *record);
  EXPECT_TRUE(back) << describe(back.error());
  return back && all_of(*back->stored) == file;
}

TEST(Excise, AppendedSignaturesComeBack) {
  EXPECT_TRUE(rc::check([] {
    const Bytes content = *rc::gen::arbitrary<Bytes>();
    Bytes file = content;
    const int count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) file = with_signature(file, *rc::gen::arbitrary<Bytes>());
    RC_ASSERT(comes_back("a.ko", file));
    const auto edited = excise(artifact_of("a.ko", file));
    RC_ASSERT(all_of(*(*edited)->stored) == content);
    RC_ASSERT((*edited)->record.parts.size() == static_cast<std::size_t>(count));
  }));
}

TEST(Excise, LastAloneLeavesTheInnerOnes) {
  const Bytes once = with_signature({1, 2, 3}, {4});
  const auto edited = excise(artifact_of("a", with_signature(once, {5})), {.last_only = true});
  ASSERT_TRUE(edited && *edited);
  EXPECT_EQ(all_of(*(*edited)->stored), once);
}

TEST(Excise, ATrailerThatDoesNotFitIsAnError) {
  Bytes file = with_signature({1, 2, 3}, {4});
  file[file.size() - kSignatureMarker.size() - 1] = 0xff;
  const auto edited = excise(artifact_of("a", file));
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().reason, Reason::bad_length);
}

struct Container {
  const char* suffix;
  std::vector<std::string> compress;
  bool exact;  // by parameters, else by the stream
};
const Container kContainers[] = {
    {".xz", {"xz", "--check=crc32", "--lzma2=dict=1MiB", "-c"}, true},
    {".xz", {"xz", "-c"}, true},
    {".xz", {"xz", "--x86", "--lzma2", "-c"}, false},
    {".gz", {"gzip", "-n", "-c"}, false},
    {".zst", {"zstd", "-q", "-c"}, false},  // without the size, which the tool does not know
};

TEST(Excise, InsideCompressedModulesTheContainerComesBackToo) {
  Bytes content(200'000);
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<std::uint8_t>(i % 251 * (i / 1000));
  const Bytes plain = with_signature(content, Bytes(700, 7));
  for (const Container& container : kContainers) {
    SCOPED_TRACE(container.compress[1]);
    const std::string name = std::string("a.ko") + container.suffix;
    const Bytes file = tool(container.compress, plain);
    EXPECT_TRUE(comes_back(name, file));
    const auto edited = excise(artifact_of(name, file));
    ASSERT_TRUE(edited && *edited);
    EXPECT_EQ(all_of(*artifact_of(name, all_of(*(*edited)->stored)).plain), content);
    const Compression& compression = *(*edited)->record.compression;
    if (container.exact) {
      EXPECT_TRUE(compression.after.parameters);
    }
    // The excised module is compressed as the signed one was, where that is known.
    if (compression.after.parameters) {
      EXPECT_EQ(all_of(*(*edited)->stored), tool(container.compress, content));
    }
  }
}

TEST(Excise, EveryArtifactOfTheCasesComesBackOrIsRefused) {
  int back = 0;
  int nothing = 0;
  int refused = 0;
  for (const char* folder : {"tests/cases/pe/artifacts", "tests/cases/appended/artifacts"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      SCOPED_TRACE(entry.path().native());
      const Bytes file = read_file(entry.path());
      const auto edited = excise(artifact_of("a", file));
      if (!edited)
        ++refused;
      else if (!*edited)
        ++nothing;
      else
        EXPECT_TRUE(comes_back("a", file));
      back += edited && *edited ? 1 : 0;
    }
  }
  std::printf("%d come back, %d carry nothing, %d are refused\n", back, nothing, refused);
  EXPECT_GT(back, 300);
  EXPECT_GT(refused, 0);
}

TEST(Excise, SignedImageBecomesTheUnsignedOne) {
  const auto edited = excise(artifact_of("a", read_file(kPe + "signed.efi")));
  ASSERT_TRUE(edited && *edited);
  Bytes unsigned_image = read_file(kPe + "unsigned.efi");
  EXPECT_EQ(all_of(*(*edited)->stored), unsigned_image);
  ASSERT_EQ((*edited)->notes.size(), 1U);
  EXPECT_TRUE((*edited)->notes.front().starts_with("canonical form"));
}

// sbattach(1) is another hand at the same table.
TEST(Excise, OneOfSeveralCertificatesAsSbattachTakesIt) {
  TemporaryFolder folder;
  const Bytes twice = read_file(kPe + "other-then-good.efi");
  for (const std::size_t entry : {0U, 1U}) {
    SCOPED_TRACE(entry);
    write_file(folder / "image", twice);
    tool({"sbattach", "--signum", std::to_string(entry + 1), "--remove", folder / "image"});
    const auto edited = excise(artifact_of("a", twice), {.entry = entry});
    ASSERT_TRUE(edited && *edited) << describe(edited.error());
    EXPECT_EQ(all_of(*(*edited)->stored), read_file(folder / "image"));
    const auto back =
        attach_record(artifact_of("a", all_of(*(*edited)->stored)), (*edited)->record);
    ASSERT_TRUE(back);
    EXPECT_EQ(all_of(*back->stored), twice);
  }
  const auto third = excise(artifact_of("a", twice), {.entry = 2});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().reason, Reason::certificate_table);
}

TEST(Attach, OtherBytesAreRefused) {
  const Bytes file = with_signature({1, 2, 3}, {4});
  const auto edited = excise(artifact_of("a.ko", file));
  ASSERT_TRUE(edited && *edited);
  for (const Bytes& other : {Bytes{1, 2, 4}, Bytes{1, 2, 3, 0}, Bytes{}, file}) {
    const auto back = attach_record(artifact_of("a.ko", other), (*edited)->record);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().reason, Reason::record_mismatch);
  }
  // The same bytes in another container.
  const Bytes compressed = tool({"xz", "-c"}, {1, 2, 3});
  EXPECT_EQ(attach_record(artifact_of("a.ko.xz", compressed), (*edited)->record).error().reason,
            Reason::record_mismatch);
  // A record whose splice leads elsewhere than it says.
  EditRecord lying = (*edited)->record;
  lying.parts.front().splices.front().after.front() ^= 1;
  EXPECT_EQ(attach_record(artifact_of("a.ko", {1, 2, 3}), lying).error().reason,
            Reason::not_restored);
}

// Records that lead where they say, to an image that is another program.
TEST(Attach, RecordsThatAlterAnImageAreRefused) {
  const Bytes bare = read_file(kPe + "unsigned.efi");
  const Bytes signed_image = read_file(kPe + "signed.efi");
  const Artifact image = artifact_of("a", bare);
  const auto edited = excise(artifact_of("a", signed_image));
  ASSERT_TRUE(edited && *edited);
  const RecordPart good = (*edited)->record.parts.front();
  ASSERT_EQ(good.splices.size(), 3U);
  const auto standing = [&bare](std::uint64_t offset, std::size_t size) {
    const auto at = bare.begin() + static_cast<std::ptrdiff_t>(offset);
    return Bytes(at, at + static_cast<std::ptrdiff_t>(size));
  };
  std::vector<RecordPart> evil(5, good);
  // Two fields of the same distance elsewhere.
  for (std::size_t i = 0; i < 2; ++i) {
    evil[0].splices[i].offset += 512;
    evil[0].splices[i].before = standing(evil[0].splices[i].offset, i == 0 ? 4 : 8);
  }
  // The end of the sections replaced with the table.
  evil[1].splices[2].offset -= 16;
  evil[1].splices[2].before = standing(evil[1].splices[2].offset, 16);
  evil[1].splices[2].after.insert(evil[1].splices[2].after.begin(), 16, 'x');
  // Bytes put in before the table.
  evil[2].splices[2].after.insert(evil[2].splices[2].after.begin(), 8, 'x');
  evil[3].splices[2].after.insert(evil[3].splices[2].after.begin(), 8, 0);
  evil[3].splices[1].after[0] += 8;  // of the table's address
  // No table to belong to.
  evil[4].splices[1].after = Bytes(8, 0);
  for (std::size_t i = 0; i < evil.size(); ++i) {
    SCOPED_TRACE(i);
    const auto made = apply_parts(image, {evil[i]});
    ASSERT_TRUE(made) << describe(made.error());
    const auto attached = attach_record(image, made->record);
    ASSERT_FALSE(attached);
    EXPECT_TRUE(attached.error().reason == Reason::bad_record ||
                attached.error().reason == Reason::certificate_table)
        << describe(attached.error());
  }
  const auto honest = apply_parts(image, {good});
  ASSERT_TRUE(honest);
  EXPECT_TRUE(attach_record(image, honest->record));
  // The same fields of a file that is no image.
  const Artifact other = artifact_of("a", Bytes(bare.size(), 0));
  RecordPart part = good;
  part.splices[0].before = Bytes(4, 0);
  const auto made = apply_parts(other, {part});
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(attach_record(other, made->record).error().reason, Reason::bad_record);
}

TEST(Attach, StreamsOfOtherContentAreRefused) {
  const Bytes content(5000, 'a');
  const Bytes file = tool({"gzip", "-nc"}, with_signature(content, {4}));
  const auto edited = excise(artifact_of("a.ko.gz", file));
  ASSERT_TRUE(edited && *edited);
  EditRecord record = (*edited)->record;
  StoredForm& after = record.compression->after;
  const Artifact bare = artifact_of("a.ko.gz", all_of(*(*edited)->stored));
  after.parameters = std::nullopt;
  after.stream = file;
  EXPECT_TRUE(attach_record(bare, record));
  after.stream = tool({"gzip", "-nc"}, Bytes(5000, 'b'));
  after.id = *identify(MemoryContent(after.stream));
  const auto attached = attach_record(bare, record);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().reason, Reason::not_restored);
}

// Of the signed image sbattach detaches the message; attached by either hand, it makes the image.
TEST(Attach, SignatureOfAnImageAsSbattachAttachesIt) {
  TemporaryFolder folder;
  const Bytes signed_image = read_file(kPe + "signed.efi");
  const Bytes bare = read_file(kPe + "unsigned.efi");
  write_file(folder / "image", signed_image);
  tool({"sbattach", "--detach", folder / "sig", folder / "image"});
  const Bytes message = read_file(folder / "sig");
  const auto edited = attach_signature(artifact_of("a", bare), View(message));
  ASSERT_TRUE(edited) << describe(edited.error());
  EXPECT_TRUE(edited->is_bound);
  write_file(folder / "again", bare);
  tool({"sbattach", "--attach", folder / "sig", folder / "again"});
  EXPECT_EQ(all_of(*edited->edited.stored), read_file(folder / "again"));
  EXPECT_EQ(all_of(*edited->edited.stored), signed_image);
  // The whole WIN_CERTIFICATE does the same.
  const auto from_whole =
      attach_signature(artifact_of("a", bare), View(write_win_certificate(View(message))));
  ASSERT_TRUE(from_whole);
  EXPECT_EQ(all_of(*from_whole->edited.stored), signed_image);
  // It is known to be there, by either form, and nowhere else.
  for (const Bytes& form : {message, write_win_certificate(View(message))}) {
    EXPECT_TRUE(carries_signature(artifact_of("a", signed_image), View(form)).value());
    EXPECT_FALSE(carries_signature(artifact_of("a", bare), View(form)).value());
    const Bytes other = read_file(kPe + "all-sha512.efi");
    EXPECT_FALSE(carries_signature(artifact_of("a", other), View(form)).value());
  }
  // A second one goes behind the first, where that is asked for.
  EXPECT_EQ(attach_signature(artifact_of("a", signed_image), View(message)).error().reason,
            Reason::already_signed);
  const auto second =
      attach_signature(artifact_of("a", signed_image), View(message), {.existing = Existing::add});
  ASSERT_TRUE(second);
  write_file(folder / "twice", signed_image);
  tool({"sbattach", "--attach", folder / "sig", folder / "twice"});
  EXPECT_EQ(all_of(*second->edited.stored), read_file(folder / "twice"));
  const auto replaced = attach_signature(artifact_of("a", signed_image), View(message),
                                         {.existing = Existing::replace});
  ASSERT_TRUE(replaced);
  EXPECT_EQ(all_of(*replaced->edited.stored), signed_image);
  // Of another image it is not.
  const auto other = attach_signature(artifact_of("a", read_file(kPe + "text-flipped.efi")),
                                      View(message), {.existing = Existing::replace});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, Reason::record_mismatch);
  EXPECT_EQ(attach_signature(artifact_of("a", {1, 2, 3}), View(message)).error().reason,
            Reason::not_signable);
}

TEST(Attach, WhatIsNoSignatureIsRefused) {
  const Artifact file = artifact_of("a", {1, 2, 3});
  for (const Bytes& bad : {Bytes{}, Bytes{0x30}, Bytes{0x30, 0x03, 1, 1, 1}, Bytes(7, 0),
                           Bytes{8, 0, 0, 0, 0, 2, 2, 0}, Bytes{9, 0, 0, 0, 0, 2, 2, 0}}) {
    const auto attached = attach_signature(file, View(bad));
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().reason, Reason::bad_record);
  }
}

// tests/cases/pe were signed by sbsign and osslsigncode, which write a valid checksum.
TEST(PeTable, ChecksumIsTheOneThatToolsWrite) {
  for (const char* name : {"signed.efi", "by-osslsigncode.efi", "other-then-good.efi"}) {
    SCOPED_TRACE(name);
    const MemoryContent image(read_file(kPe + name));
    const auto headers = find_pe_image(image);
    ASSERT_TRUE(headers && *headers);
    EXPECT_EQ(*compute_pe_checksum(image, (*headers)->checksum_offset()),
              (*headers)->optional->checksum);
  }
}

}  // namespace
}  // namespace assay
