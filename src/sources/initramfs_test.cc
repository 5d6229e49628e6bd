#include "sources/initramfs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

struct Numbers {
  std::uint32_t ino = 0;
  std::uint32_t mode = 0100644;
  std::uint32_t nlink = 1;
  std::string magic = "070701";
  std::uint32_t checksum = 0;
};

std::string padded(std::string text) {
  text.resize((text.size() + 3) / 4 * 4);
  return text;
}

// By buffer-format.rst, apart from our reader.
std::string entry(const std::string& name, const std::string& content, const Numbers& n = {}) {
  std::string out = n.magic;
  for (const std::uint32_t field :
       {n.ino, n.mode, 7U, 8U, n.nlink, 0U, static_cast<std::uint32_t>(content.size()), 0U, 0U, 0U,
        0U, static_cast<std::uint32_t>(name.size() + 1), n.checksum})
    out += fmt::format("{:08x}", field);
  return padded(out + name + '\0') + padded(content);
}

std::string trailer() { return entry("TRAILER!!!", ""); }

std::string compressed(const std::vector<std::string>& command, const std::string& bytes) {
  const Finished done = run_command(command, bytes_of(bytes));
  EXPECT_EQ(done.status, 0) << done.error;
  return {done.out.begin(), done.out.end()};
}

struct Walked {
  TestVisitor visitor;
  Result<void> end;

  std::string reason() const { return end ? "" : std::string(reason_id(end.error().reason)); }
  std::string detail() const { return end ? "" : end.error().detail; }
};

Walked walk(const std::string& bytes, const NestingLimits& nesting = {}) {
  Walked walked;
  ByteBudget budget(limits::kInFlight);
  const SourceOptions options{budget, 1, nesting};
  Nest nest(options, walked.visitor);
  const MemoryContent content({bytes.begin(), bytes.end()});
  walked.end = walk_initramfs(content, "i", nest);
  return walked;
}

const std::vector<std::vector<std::string>> kCompressors = {
    {"gzip", "-c"}, {"bzip2", "-c"},     {"lzma", "-c"}, {"xz", "-c", "--check=crc32"},
    {"lzop", "-c"}, {"lz4", "-c", "-l"}, {"zstd", "-c"}};

TEST(Initramfs, ArchivesStandBehindEachOtherCompressedOrNot) {
  for (const auto& command : kCompressors) {
    const std::string early = entry("./kernel/x86/microcode/a", "ucode") + trailer();
    const std::string main = entry("lib/modules/R/m.ko", "module") + trailer();
    const Walked walked = walk(early + std::string(512, '\0') + compressed(command, main));
    EXPECT_TRUE(walked.end) << command.front() << walked.detail();
    EXPECT_EQ(walked.visitor.files,
              (Files{{"i!kernel/x86/microcode/a", "ucode"}, {"i!lib/modules/R/m.ko", "module"}}))
        << command.front();
  }
}

// What comes behind a stream is found where the stream ends. The legacy frames of lz4 have no end.
TEST(Initramfs, CompressedPartsMayBeFollowed) {
  for (const auto& command : kCompressors) {
    if (command.front() == "lz4") continue;
    std::string bytes = compressed(command, entry("a", "1") + trailer());
    bytes += compressed({"gzip", "-c"}, entry("b", "2") + trailer());
    bytes.resize((bytes.size() + 3) / 4 * 4 + 8);
    bytes += entry("c", "3") + trailer() + std::string(1000, '\0');
    const Walked walked = walk(bytes);
    EXPECT_TRUE(walked.end) << command.front() << walked.detail();
    EXPECT_EQ(walked.visitor.files, (Files{{"i!a", "1"}, {"i!b", "2"}, {"i!c", "3"}}))
        << command.front();
  }
}

TEST(Initramfs, GnuCpioAndTheFileSystemAgree) {
  const TemporaryFolder folder;
  write_file(folder / "t/usr/lib/modules/R/m.ko", bytes_of("module"));
  write_file(folder / "t/init", bytes_of("#!/bin/sh\n"));
  std::filesystem::create_hard_link(folder / "t/init", folder / "t/linuxrc");
  std::filesystem::create_symlink("usr/lib", folder / "t/lib");
  std::filesystem::create_symlink("../usr/lib/modules/R/m.ko", folder / "t/usr/n.ko");
  const Finished made = run_command(
      {"sh", "-c",
       "cd " + folder / "t" +
           " && find . | LC_ALL=C sort | cpio -o -H crc --quiet | xz --check=crc32 > ../i"});
  ASSERT_EQ(made.status, 0) << made.error;
  const TestVisitor walked = walk_path(folder / "i");
  const std::string i = folder / "i";
  EXPECT_EQ(walked.inside(),
            (std::map<std::string, std::string>{{i + "!usr/lib/modules/R/m.ko", "module"},
                                                {i + "!init", "#!/bin/sh\n"},
                                                {i + "!linuxrc", "#!/bin/sh\n"}}));
  EXPECT_EQ(walked.attributes.at(i + "!init").mode & 07777,
            static_cast<unsigned>(std::filesystem::status(folder / "t/init").permissions()));
}

// init/initramfs.c: find_link(), do_name(), do_copy().
TEST(Initramfs, HardLinksShareWhatWasWrittenLast) {
  const Numbers linked{.ino = 5, .nlink = 2};
  struct Case {
    const char* what;
    std::string archive;
    Files files;
  };
  const Case cases[] = {
      {"GNU cpio: the last has the content",
       entry("a", "", linked) + entry("b.ko", "x", linked) + trailer(),
       {{"i!a", "x"}, {"i!b.ko", "x"}}},
      {"the first has it",
       entry("a", "x", linked) + entry("b.ko", "", linked) + trailer(),
       {{"i!a", "x"}, {"i!b.ko", "x"}}},
      {"both have",
       entry("a", "good", linked) + entry("b.ko", "bad", linked) + trailer(),
       {{"i!a", "bad"}, {"i!b.ko", "bad"}}},
      {"a later entry writes through one of the names",
       entry("a", "good", linked) + entry("b.ko", "", linked) + entry("./a", "evil") + trailer(),
       {{"i!a", "evil"}, {"i!b.ko", "evil"}}},
      {"and through a link to its folder",
       entry("d", ".", {.mode = 0120777}) + entry("a", "good", linked) + entry("b.ko", "", linked) +
           entry("d/a", "evil") + trailer(),
       {{"i!a", "evil"}, {"i!b.ko", "evil"}}},
      {"in a later archive too",
       entry("a", "good", linked) + entry("b.ko", "", linked) + trailer() + entry("b.ko", "evil") +
           trailer(),
       {{"i!a", "evil"}, {"i!b.ko", "evil"}}},
      {"a folder in its place ends that",
       entry("a", "good", linked) + entry("b.ko", "", linked) + entry("a", "", {.mode = 040755}) +
           entry("a/c", "evil") + trailer(),
       {{"i!a/c", "evil"}, {"i!b.ko", "good"}}},
      {"numbers of another archive are others",
       entry("a", "1", linked) + trailer() + entry("b.ko", "2", linked) + trailer(),
       {{"i!a", "1"}, {"i!b.ko", "2"}}},
      {"a link to itself is no file",
       entry("a", "1", linked) + entry("a", "2", linked) + trailer(),
       {}},
      {"one link is none",
       entry("a", "1", {.ino = 5}) + entry("b", "2", {.ino = 5}) + trailer(),
       {{"i!a", "1"}, {"i!b", "2"}}},
  };
  for (const Case& it : cases) {
    const Walked walked = walk(it.archive);
    EXPECT_TRUE(walked.end) << it.what;
    EXPECT_EQ(walked.visitor.files, it.files) << it.what;
  }
}

TEST(Initramfs, LinksWithAModulesNameAreFollowed) {
  const Walked walked =
      walk(entry("m.ko", "data.bin", {.mode = 0120777}) + entry("data.bin", "module") + trailer());
  EXPECT_TRUE(walked.end);
  EXPECT_EQ(walked.visitor.files, (Files{{"i!data.bin", "module"}, {"i!m.ko", "module"}}));
}

TEST(Initramfs, EntriesThatTheKernelPassesOverAreNoFiles) {
  const Walked walked = walk(entry(std::string(4096, 'n'), "long") +
                             entry("folder", "content", {.mode = 040755}) + entry("a", "1"));
  EXPECT_TRUE(walked.end);
  EXPECT_EQ(walked.visitor.files, (Files{{"i!a", "1"}}));
  EXPECT_EQ(walked.visitor.skipped_count, 2);
}

TEST(Initramfs, DamageIsAnErrorBehindWhatIsWhole) {
  const std::string whole = entry("a", "1");
  const std::string gzip = compressed({"gzip", "-c"}, whole + trailer());
  struct Case {
    const char* what;
    std::string bytes;
    const char* reason;
    const char* detail;
  };
  const Case cases[] = {
      {"bytes between archives", whole + "junk", "bytes/bad-magic", "invalid magic"},
      {"an archive at an odd offset", whole + std::string(2, '\0') + entry("b", "2"),
       "bytes/bad-magic", "invalid magic"},
      {"the format of old", whole + "070707" + std::string(120, '0'), "bytes/bad-magic",
       "use -H newc"},
      {"digits that are none", whole + "070701" + std::string(120, 'x'), "bytes/bad-value",
       "hexadecimal"},
      {"a header that is cut", whole + trailer().substr(0, 50), "bytes/truncated", "110 bytes"},
      {"a file that is cut", whole + entry("b", std::string(100, 'x')).substr(0, 150),
       "bytes/truncated", "missing"},
      {"a checksum", whole + entry("b", "2", {.magic = "070702", .checksum = 0x33}),
       "archive/corrupt", "bad data checksum: 00000032, expected 00000033"},
      {"a name without its end", whole + entry("bbb", "2").replace(113, 1, "b"), "archive/corrupt",
       "without NUL"},
      {"a stream that is cut", whole + gzip.substr(0, gzip.size() - 4), "codec/truncated",
       "in the gzip stream at offset 116"},
      {"junk in a stream", whole + compressed({"gzip", "-c"}, whole + "junk"), "archive/corrupt",
       "junk within compressed archive"},
      {"frames of lz4", whole + compressed({"lz4", "-c"}, whole + trailer()), "bytes/bad-magic",
       "legacy"},
  };
  for (const Case& it : cases) {
    const Walked walked = walk(it.bytes);
    EXPECT_EQ(walked.reason(), it.reason) << it.what;
    EXPECT_NE(walked.detail().find(it.detail), std::string::npos) << it.what << walked.detail();
    ASSERT_FALSE(walked.visitor.files.empty()) << it.what;
    EXPECT_EQ(walked.visitor.files.front(), (Files::value_type{"i!a", "1"})) << it.what;
  }
}

TEST(Initramfs, HasLimits) {
  const std::string two = entry("a", "1") + entry("b", std::string(100, 'x')) + trailer();
  EXPECT_EQ(walk(two, {.members = 1}).reason(), "limit/count");
  EXPECT_EQ(walk(two, {.unpacked = 50}).reason(), "limit/expansion");
  EXPECT_EQ(walk(two, {.member = 10}).reason(), "");
  EXPECT_EQ(
      walk(entry("b", std::string(limits::kArtifactInMemory + 1, 'x')), {.member = 10}).reason(),
      "limit/size");
  EXPECT_EQ(walk(two + entry("long", "1"), {.path = 3}).visitor.failures.at("i!lon"), "limit/size");
  // A megabyte of zeros from a kilobyte.
  const std::string bomb =
      compressed({"xz", "-c"}, entry("a", std::string(1 << 20, '\0')) + trailer());
  EXPECT_EQ(walk(bomb, {.unpacked = 1 << 19}).reason(), "limit/expansion");
}

}  // namespace
}  // namespace assay
