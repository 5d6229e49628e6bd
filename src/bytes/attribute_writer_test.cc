#include "bytes/attribute_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "bytes/test_file_calls.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr const char* kName = "security.ima";

std::optional<Bytes> attribute(const std::string& path, const char* name = kName) {
  Bytes value(1024);
  const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

void set_attribute(const std::string& path, const char* name, const Bytes& value) {
  ASSERT_EQ(::setxattr(path.c_str(), name, value.data(), value.size(), 0), 0)
      << "these tests run as root";
}

FileStamp stamp_of(const std::string& path) {
  const auto stamp = stamp_file(path);
  EXPECT_TRUE(stamp);
  return *stamp;
}

struct How {
  Durability durability;
  bool wait_for_commit;
};

class AttributeFiles : public testing::TestWithParam<How> {
 protected:
  static constexpr int kFiles = 3;

  std::string name(int i) { return folder_ / ("file" + std::to_string(i)); }
  static Bytes content(int i) { return Bytes(1000, static_cast<std::uint8_t>('a' + i)); }
  // The first file has none, and the last loses its own.
  static std::optional<Bytes> before(int i) {
    return i == 0 ? std::nullopt : std::optional(Bytes(300, static_cast<std::uint8_t>(i)));
  }
  static std::optional<Bytes> after(int i) {
    return i == kFiles - 1 ? std::nullopt : std::optional(Bytes(280, 0x80));
  }

  void set_up_files() {
    for (int i = 0; i < kFiles; ++i) {
      write_file(name(i), content(i));
      ::chmod(name(i).c_str(), 0640);
      set_attribute(name(i), "user.note", {7});
      ::removexattr(name(i).c_str(), kName);
      if (const auto value = before(i)) set_attribute(name(i), kName, *value);
    }
  }
  std::size_t run(FileCalls& calls) {
    std::size_t errors = 0;
    AttributeWriter writer(
        {.durability = GetParam().durability, .wait_for_commit = GetParam().wait_for_commit},
        calls);
    for (int i = 0; i < kFiles; ++i)
      if (!writer.write({name(i), {kName, after(i)}, stamp_of(name(i))})) ++errors;
    return errors + writer.commit().size();
  }
  // The number of new ones; nothing but the attribute is other than it was.
  int expect_old_or_new() {
    int done = 0;
    for (int i = 0; i < kFiles; ++i) {
      const auto now = attribute(name(i));
      EXPECT_TRUE(now == before(i) || now == after(i)) << name(i);
      done += now == after(i) ? 1 : 0;
      EXPECT_EQ(read_file(name(i)), content(i));
      struct stat status{};
      EXPECT_EQ(::stat(name(i).c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777, 0640U);
      EXPECT_EQ(attribute(name(i), "user.note"), Bytes{7});
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), kFiles);
    return done;
  }

  TemporaryFolder folder_;
};

TEST_P(AttributeFiles, KilledAnywhereLeavesOldOrNew) {
  set_up_files();
  Interposed plain;
  ASSERT_EQ(run(plain), 0U);
  ASSERT_EQ(expect_old_or_new(), kFiles);
  int points = 0;
  for (int at = 0; at < static_cast<int>(plain.trace().size()); ++at) {
    for (const auto what : {Interposed::Do::die_before, Interposed::Do::die_after}) {
      SCOPED_TRACE(plain.trace()[static_cast<std::size_t>(at)] + " " + std::to_string(at));
      set_up_files();
      const pid_t child = ::fork();
      if (child == 0) {
        Interposed calls_until(what, at);
        run(calls_until);
        ::_exit(0);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      expect_old_or_new();
      FileCalls next;
      ASSERT_EQ(run(next), 0U);
      EXPECT_EQ(expect_old_or_new(), kFiles);
      ++points;
    }
  }
  std::printf("%d crash points, nothing lost\n", points);
  EXPECT_GE(points, 2 * kFiles);
}

TEST_P(AttributeFiles, FailureAnywhereIsTold) {
  set_up_files();
  Interposed plain;
  run(plain);
  for (int at = 0; at < static_cast<int>(plain.trace().size()); ++at) {
    SCOPED_TRACE(plain.trace()[static_cast<std::size_t>(at)] + " " + std::to_string(at));
    set_up_files();
    Interposed failing(Interposed::Do::fail, at);
    EXPECT_EQ(run(failing), 1U);
    const bool is_change = plain.trace()[static_cast<std::size_t>(at)].ends_with("xattr");
    EXPECT_EQ(expect_old_or_new(), is_change ? kFiles - 1 : kFiles);
  }
}

TEST_P(AttributeFiles, SyncsStandWhereDurabilityWantsThem) {
  set_up_files();
  Interposed calls;
  ASSERT_EQ(run(calls), 0U);
  using Order = std::vector<std::string>;
  switch (GetParam().durability) {
    case Durability::run:
      EXPECT_EQ(calls.trace(), (Order{"setxattr", "setxattr", "removexattr", "syncfs"}));
      break;
    case Durability::each:
      EXPECT_EQ(calls.trace(),
                (Order{"setxattr", "fsync", "setxattr", "fsync", "removexattr", "fsync"}));
      break;
    case Durability::none:
      EXPECT_EQ(calls.trace(), (Order{"setxattr", "setxattr", "removexattr"}));
      break;
  }
}

INSTANTIATE_TEST_SUITE_P(All, AttributeFiles,
                         testing::Values(How{Durability::each, false}, How{Durability::run, false},
                                         How{Durability::none, false}, How{Durability::run, true},
                                         How{Durability::none, true}));

class OneAttribute : public testing::Test {
 protected:
  void SetUp() override { write_file(path_, Bytes(100, 'a')); }

  // What becomes of a change when `meanwhile` happens after the file was read.
  template <class Meanwhile>
  void expect_refused(Meanwhile meanwhile) {
    for (const bool waits : {false, true}) {
      for (const bool is_open : {false, true}) {
        std::filesystem::remove(path_);
        write_file(path_, Bytes(100, 'a'));
        const FileDescriptor file(::open(path_.c_str(), O_RDONLY));
        const FileStamp stamp = stamp_of(path_);
        std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the clock of file systems
        meanwhile();
        AttributeWriter writer({.wait_for_commit = waits});
        const auto now = writer.write({path_, {kName, Bytes{3}}, stamp, is_open ? &file : nullptr});
        const auto errors = writer.commit();
        ASSERT_EQ(static_cast<int>(!now) + static_cast<int>(errors.size()), 1);
        EXPECT_EQ((now ? errors.front() : now.error()).reason, Reason::changed_while_read);
        EXPECT_EQ(attribute(path_), std::nullopt);
        EXPECT_EQ(::fgetxattr(file.get(), kName, nullptr, 0), -1);
      }
    }
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "a";
};

TEST_F(OneAttribute, AFileThatChangedIsLeftAlone) {
  expect_refused([&] { write_file(path_, Bytes(101, 'a')); });
  expect_refused([&] {
    const FileDescriptor file(::open(path_.c_str(), O_WRONLY));
    ASSERT_EQ(::pwrite(file.get(), "b", 1, 0), 1);
  });
}

TEST_F(OneAttribute, AnEditThatHidesItselfIsSeen) {
  expect_refused([&] {
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    const FileDescriptor file(::open(path_.c_str(), O_WRONLY));
    ASSERT_EQ(::pwrite(file.get(), "b", 1, 0), 1);
    const timespec times[2] = {status.st_atim, status.st_mtim};
    ASSERT_EQ(::futimens(file.get(), times), 0);
  });
}

TEST_F(OneAttribute, AnotherFileOfTheNameIsLeftAlone) {
  expect_refused([&] {
    write_file(folder_ / "b", Bytes(100, 'a'));
    std::filesystem::rename(folder_ / "b", path_);
  });
  expect_refused([&] {
    std::filesystem::rename(path_, folder_ / "b");
    std::filesystem::create_symlink("b", path_);
    write_file(folder_ / "b", Bytes(100, 'b'));
  });
  expect_refused([&] { std::filesystem::remove(path_); });
}

TEST_F(OneAttribute, ContentInodeAndTimesStay) {
  const FileStamp before = stamp_of(path_);
  AttributeWriter writer({});
  ASSERT_TRUE(writer.write({path_, {kName, Bytes{3, 2}}, before}));
  EXPECT_TRUE(writer.commit().empty());
  const FileStamp after = stamp_of(path_);
  EXPECT_EQ(after.inode, before.inode);
  EXPECT_EQ(after.modified_sec, before.modified_sec);
  EXPECT_EQ(after.modified_nsec, before.modified_nsec);
  EXPECT_EQ(attribute(path_), (Bytes{3, 2}));
}

// What is synced meanwhile is told where it fails, though the kernel tells it that one time alone.
TEST_F(OneAttribute, LongRunsSyncMeanwhile) {
  class Failing final : public FileCalls {
   public:
    int sync_file_system(int) override {
      if (count++ != 0) return 0;
      errno = EIO;
      return -1;
    }
    std::atomic<int> count = 0;
  };
  Failing calls;
  AttributeWriter writer({}, calls);
  for (std::uint8_t i = 0; i < 250; ++i)
    for (int again = 0; again < 10; ++again)
      ASSERT_TRUE(writer.write({path_, {kName, Bytes{i}}, stamp_of(path_)}));
  const auto errors = writer.commit();
  EXPECT_EQ(calls.count, 2);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().reason, Reason::cannot_write);
}

TEST_F(OneAttribute, IsForOneAttributeOfAFileByAllItsNames) {
  const AttributeChange ima{kName, Bytes{3}};
  const AttributeChange evm{"security.evm", Bytes{5}};
  EXPECT_TRUE(AttributeWriter::can_write({ima}, stamp_of(path_), {}));
  EXPECT_FALSE(AttributeWriter::can_write({}, stamp_of(path_), {}));
  EXPECT_FALSE(AttributeWriter::can_write({ima, evm}, stamp_of(path_), {}));
  EXPECT_FALSE(AttributeWriter::can_write({ima}, stamp_of(path_), {.replace_symlinks = true}));
  std::filesystem::create_hard_link(path_, folder_ / "b");
  EXPECT_TRUE(AttributeWriter::can_write({ima}, stamp_of(path_), {}));
  EXPECT_FALSE(AttributeWriter::can_write({ima}, stamp_of(path_), {.break_hard_links = true}));
}

}  // namespace
}  // namespace assay
