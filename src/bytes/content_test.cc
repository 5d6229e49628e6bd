#include "bytes/content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

// The three kinds of content behave alike at every offset and size.
void expect_reads_like(const Content& content, const Bytes& bytes) {
  ASSERT_EQ(content.size(), bytes.size());
  const std::uint64_t most = ~std::uint64_t{0};
  const std::uint64_t numbers[] = {
      0, 1, 2, bytes.size() / 2, bytes.size() - 1, bytes.size(), bytes.size() + 1, most - 1, most};
  for (const std::uint64_t offset : numbers)
    for (const std::uint64_t size : numbers) {
      Bytes scratch;
      const auto view = view_of(content, offset, size, scratch);
      ASSERT_EQ(view.has_value(), lies_inside(offset, size, bytes.size()));
      if (!view) {
        EXPECT_EQ(view.error().reason, Reason::bad_length);
        EXPECT_TRUE(scratch.empty());  // nothing was allocated for what is not there
        continue;
      }
      EXPECT_EQ(view->origin(), offset);
      EXPECT_TRUE(std::ranges::equal(view->bytes(), std::span(bytes).subspan(offset, size)));
      Bytes out(size);
      ASSERT_TRUE(content.read(offset, out));
      EXPECT_TRUE(std::ranges::equal(out, view->bytes()));
    }
}

TEST(Content, AllKindsReadAlike) {
  const TemporaryFolder folder;
  const Bytes bytes = pattern(5000);
  write_file(folder / "file", bytes);
  expect_reads_like(MemoryContent(bytes), bytes);
  expect_reads_like(ViewContent(View(bytes)), bytes);
  const auto file = open_file(folder / "file");
  ASSERT_TRUE(file);
  expect_reads_like(**file, bytes);
  EXPECT_FALSE((*file)->memory());
  EXPECT_TRUE(MemoryContent(bytes).memory());
}

TEST(Content, EmptyOnes) {
  const TemporaryFolder folder;
  write_file(folder / "empty", {});
  const auto file = open_file(folder / "empty");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->size(), 0U);
  Bytes scratch;
  EXPECT_TRUE(view_of(**file, 0, 0, scratch));
  EXPECT_FALSE(view_of(**file, 0, 1, scratch));
  EXPECT_FALSE(view_of(**file, 1, 0, scratch));
  EXPECT_TRUE(view_of(MemoryContent({}), 0, 0, scratch));
}

TEST(MemoryContent, GivesItsBytesBack) {
  MemoryContent content(pattern(10));
  EXPECT_EQ(std::move(content).release(), pattern(10));
}

TEST(OpenFile, TakesRegularFilesOnly) {
  const TemporaryFolder folder;
  write_file(folder / "file", pattern(3));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "directory");
  std::filesystem::create_symlink("file", folder / "link");
  std::filesystem::create_symlink("nothing", folder / "dangling");
  std::filesystem::create_symlink("loop", folder / "loop");
  std::filesystem::create_symlink("fifo", folder / "link to fifo");
  std::filesystem::create_symlink("/dev/null", folder / "link to device");
  struct Case {
    std::string name;
    std::optional<Reason> reason;
  };
  const Case cases[] = {
      {"file", std::nullopt},
      {"link", std::nullopt},
      {"fifo", Reason::not_a_regular_file},  // without waiting for a writer
      {"link to fifo", Reason::not_a_regular_file},
      {"link to device", Reason::not_a_regular_file},
      {"directory", Reason::not_a_regular_file},
      {"dangling", Reason::cannot_open},
      {"loop", Reason::cannot_open},
      {"absent", Reason::cannot_open},
  };
  for (const Case& one : cases) {
    const auto opened = open_file(folder / one.name);
    ASSERT_EQ(opened.has_value(), !one.reason) << one.name;
    if (one.reason) {
      EXPECT_EQ(opened.error().reason, *one.reason) << one.name;
    }
  }
  EXPECT_EQ(open_file("").error().reason, Reason::cannot_open);
}

TEST(OpenFile, FilesThatOnlyClaimToBeEmptyAreErrors) {
  EXPECT_EQ(open_file("/proc/version").error().reason, Reason::size_unknown);
}

TEST(FileContent, ThatShrinksIsAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  write_file(folder / "file", pattern(10000));
  const auto file = open_file(folder / "file");
  ASSERT_TRUE(file);
  std::filesystem::resize_file(folder / "file", 4000);
  Bytes out(100);
  EXPECT_TRUE((*file)->read(3900, out));
  for (const std::uint64_t offset : {3901U, 4000U, 9900U}) {
    const auto read = (*file)->read(offset, out);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason, Reason::changed_while_read);
  }
  ContentStream stream(**file);
  EXPECT_EQ(read_all(stream, 100000).error().reason, Reason::changed_while_read);
}

TEST(FileContent, ThatGrowsKeepsTheSizeItHad) {
  const TemporaryFolder folder;
  write_file(folder / "file", pattern(100));
  const auto file = open_file(folder / "file");
  std::filesystem::resize_file(folder / "file", 200);
  EXPECT_EQ((*file)->size(), 100U);
  Bytes out(1);
  EXPECT_EQ((*file)->read(100, out).error().reason, Reason::bad_length);
}

TEST(Hold, IsInMemoryUpToTheLimitAndInAFileBeyond) {
  constexpr std::uint64_t kMemory = 200000;
  for (const std::size_t size : {0U, 1U, 65536U, 199999U, 200000U, 200001U, 200002U, 1000000U})
    for (const std::uint64_t expected :
         {std::uint64_t{0}, std::uint64_t{size}, std::uint64_t{size} + 1, std::uint64_t{size} / 2,
          ~std::uint64_t{0}}) {
      const Bytes bytes = pattern(size);
      ViewStream stream{View(bytes)};
      const auto held = hold(stream, kMemory, 2000000, expected);
      ASSERT_TRUE(held) << size << " " << expected;
      EXPECT_EQ((*held)->memory().has_value(), size <= kMemory) << size;
      ASSERT_EQ((*held)->size(), size);
      Bytes out(size);
      ASSERT_TRUE((*held)->read(0, out));
      EXPECT_TRUE(out == bytes) << size << " " << expected;
    }
}

TEST(Hold, EndsAtItsSizeLimit) {
  for (const std::size_t size : {1000U, 50000U}) {
    const Bytes bytes = pattern(size);
    ViewStream exact{View(bytes)};
    EXPECT_TRUE(hold(exact, 100, size));
    ViewStream more{View(bytes)};
    const auto held = hold(more, 100, size - 1);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().reason, Reason::limit_size);
  }
}

class SetEnvironment {
 public:
  SetEnvironment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~SetEnvironment() {
    if (before_)
      ::setenv(name_, before_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(Hold, SpoolsWhereTmpdirSaysAndLeavesNothing) {
  const TemporaryFolder folder;
  const Bytes bytes = pattern(100000);
  {
    const SetEnvironment tmpdir("TMPDIR", folder.path().string());
    ViewStream stream{View(bytes)};
    const auto held = hold(stream, 100, 200000);
    ASSERT_TRUE(held);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    Bytes out(100);
    EXPECT_TRUE((*held)->read(99900, out));
  }
  const SetEnvironment nowhere("TMPDIR", folder / "nowhere");
  ViewStream stream{View(bytes)};
  const auto held = hold(stream, 100, 200000);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Reason::cannot_write);
}

TEST(FileDescriptor, ClosesOnce) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    FileDescriptor first(ends[0]);
    FileDescriptor second = std::move(first);
    EXPECT_FALSE(first.is_open());
    EXPECT_TRUE(second.is_open());
    first = std::move(second);
    EXPECT_EQ(first.get(), ends[0]);
    EXPECT_GE(::fcntl(ends[0], F_GETFD), 0);
  }
  EXPECT_LT(::fcntl(ends[0], F_GETFD), 0);
  const FileDescriptor other(ends[1]);
  EXPECT_FALSE(FileDescriptor().is_open());
}

}  // namespace
}  // namespace assay
