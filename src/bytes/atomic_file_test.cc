#include "bytes/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "bytes/test_file_calls.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

std::shared_ptr<const FileDescriptor> open_model(const std::string& path) {
  return std::make_shared<FileDescriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

class AtomicFile : public testing::TestWithParam<Durability> {
 protected:
  static constexpr int kFiles = 3;

  std::string name(int i) { return folder_ / ("file" + std::to_string(i)); }
  static Bytes old_content(int i) { return Bytes(1000, static_cast<std::uint8_t>('a' + i)); }
  static Bytes new_content(int i) { return Bytes(700, static_cast<std::uint8_t>('A' + i)); }

  void set_up_files() {
    for (int i = 0; i < kFiles; ++i) {
      write_file(name(i), old_content(i));
      ::chmod(name(i).c_str(), 0640);
      ::setxattr(name(i).c_str(), "user.note", "kept", 4, 0);
    }
  }
  // Replaces all files; the number of errors.
  std::size_t run(FileCalls& calls) {
    std::size_t errors = 0;
    AtomicWriter writer({.durability = GetParam(), .keep_times = true}, calls);
    for (int i = 0; i < kFiles; ++i) {
      const MemoryContent content(new_content(i));
      if (!writer.write({name(i), content})) ++errors;
    }
    return errors + writer.commit().size();
  }
  // Every file is whole; the number of new ones.
  int expect_old_or_new() {
    int replaced = 0;
    for (int i = 0; i < kFiles; ++i) {
      const Bytes now = read_file(name(i));
      EXPECT_TRUE(now == old_content(i) || now == new_content(i)) << name(i);
      replaced += now == new_content(i) ? 1 : 0;
      struct stat status{};
      EXPECT_EQ(::stat(name(i).c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777, 0640U);
      std::array<char, 8> note{};
      EXPECT_EQ(::getxattr(name(i).c_str(), "user.note", note.data(), note.size()), 4);
    }
    return replaced;
  }
  int entry_count() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      count += entry.exists() ? 1 : 0;
    return count;
  }

  TemporaryFolder folder_;
};

// Killed before and after each call that changes anything: nothing but whole files, old or new.
TEST_P(AtomicFile, KilledAnywhereLeavesOldOrNew) {
  set_up_files();
  Interposed plain;
  ASSERT_EQ(run(plain), 0U);
  ASSERT_EQ(expect_old_or_new(), kFiles);
  const int calls = static_cast<int>(plain.trace().size());
  int points = 0;
  for (int at = 0; at < calls; ++at) {
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
      // What it left goes with the next run.
      FileCalls next;
      ASSERT_EQ(run(next), 0U);
      EXPECT_EQ(entry_count(), kFiles);
      ++points;
    }
  }
  std::printf("%d crash points, nothing lost\n", points);
  EXPECT_GE(points, 2 * kFiles * 5);
}

// The same with each call failing: the error is told, the file is as it was, and nothing is left
// behind.
TEST_P(AtomicFile, FailureAnywhereIsToldAndLeavesNothingBehind) {
  set_up_files();
  Interposed plain;
  run(plain);
  for (int at = 0; at < static_cast<int>(plain.trace().size()); ++at) {
    SCOPED_TRACE(plain.trace()[static_cast<std::size_t>(at)] + " " + std::to_string(at));
    set_up_files();
    Interposed failing(Interposed::Do::fail, at);
    const std::size_t errors = run(failing);
    EXPECT_GE(errors, 1U);
    const int replaced = expect_old_or_new();
    // A sync after the renames fails when all is done.
    if (plain.trace()[static_cast<std::size_t>(at)] == "rename") {
      EXPECT_EQ(replaced, kFiles - 1);
    }
    EXPECT_EQ(entry_count(), kFiles);
  }
}

// What is renamed has been synced before, and the rename is synced after it.
TEST_P(AtomicFile, SyncsStandWhereDurabilityWantsThem) {
  set_up_files();
  Interposed calls;
  ASSERT_EQ(run(calls), 0U);
  std::vector<std::string> order;
  for (const std::string& name : calls.trace())
    if (name == "rename" || name == "fsync" || name == "syncfs") order.push_back(name);
  using Order = std::vector<std::string>;
  switch (GetParam()) {
    case Durability::run:
      EXPECT_EQ(order, (Order{"syncfs", "rename", "rename", "rename", "syncfs"}));
      break;
    case Durability::each:
      EXPECT_EQ(order, (Order{"fsync", "rename", "fsync", "fsync", "rename", "fsync", "fsync",
                              "rename", "fsync"}));
      break;
    case Durability::none: EXPECT_EQ(order, (Order{"rename", "rename", "rename"})); break;
  }
}

INSTANTIATE_TEST_SUITE_P(All, AtomicFile,
                         testing::Values(Durability::each, Durability::run, Durability::none));

class OneFile : public testing::Test {
 protected:
  Result<void> write(const std::string& path, WritePolicy policy = {},
                     std::vector<AttributeChange> attributes = {}) {
    AtomicWriter writer(policy);
    const MemoryContent content(bytes("new"));
    ASSAY_CHECK(writer.write({path, content, std::move(attributes)}));
    const auto errors = writer.commit();
    if (!errors.empty()) return std::unexpected(errors.front());
    return {};
  }
  TemporaryFolder folder_;
};

TEST_F(OneFile, LinksAreFollowedUnlessTheyAreToBeReplaced) {
  write_file(folder_ / "real/file", bytes("old"));
  std::filesystem::create_symlink("real/file", folder_ / "link");
  ASSERT_TRUE(write(folder_ / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "real/file"), bytes("new"));

  write_file(folder_ / "real/file", bytes("old"));
  ASSERT_TRUE(write(folder_ / "link", {.replace_symlinks = true}));
  EXPECT_FALSE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "link"), bytes("new"));
  EXPECT_EQ(read_file(folder_ / "real/file"), bytes("old"));

  std::filesystem::create_symlink("nowhere", folder_ / "dangling");
  EXPECT_FALSE(write(folder_ / "dangling"));
}

TEST_F(OneFile, HardLinksAreRefusedUnlessTheyAreToBeBroken) {
  write_file(folder_ / "a", bytes("old"));
  std::filesystem::create_hard_link(folder_ / "a", folder_ / "b");
  const auto refused = write(folder_ / "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::hard_links);
  EXPECT_EQ(read_file(folder_ / "a"), bytes("old"));
  ASSERT_TRUE(write(folder_ / "a", {.break_hard_links = true}));
  EXPECT_EQ(read_file(folder_ / "a"), bytes("new"));
  EXPECT_EQ(read_file(folder_ / "b"), bytes("old"));
}

TEST_F(OneFile, AttributesAreChangedAsWantedAndTheOthersStay) {
  const std::string path = folder_ / "a";
  write_file(path, bytes("old"));
  ASSERT_EQ(::setxattr(path.c_str(), "user.stays", "1", 1, 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.goes", "2", 1, 0), 0);
  ASSERT_TRUE(write(path, {}, {{"user.goes", std::nullopt}, {"user.comes", bytes("3")}}));
  std::array<char, 4> value{};
  EXPECT_EQ(::getxattr(path.c_str(), "user.stays", value.data(), value.size()), 1);
  EXPECT_EQ(::getxattr(path.c_str(), "user.goes", value.data(), value.size()), -1);
  EXPECT_EQ(::getxattr(path.c_str(), "user.comes", value.data(), value.size()), 1);
  EXPECT_EQ(value[0], '3');
}

TEST_F(OneFile, AttributesStayHoweverManyThereAre) {
  const std::string path = folder_ / "a";
  write_file(path, bytes("old"));
  const auto name = [](int i) { return "user.an-attribute-with-a-long-name-" + std::to_string(i); };
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(::setxattr(path.c_str(), name(i).c_str(), &i, sizeof i, 0), 0);
  ASSERT_TRUE(write(path));
  EXPECT_EQ(read_file(path), bytes("new"));
  for (int i = 0; i < 30; ++i) {
    int value = -1;
    EXPECT_EQ(::getxattr(path.c_str(), name(i).c_str(), &value, sizeof value), 4);
    EXPECT_EQ(value, i);
  }
}

TEST_F(OneFile, TimesAreKeptOnRequest) {
  const std::string path = folder_ / "a";
  const timespec times[2] = {{1'000'000, 5}, {2'000'000, 7}};
  for (const bool keep : {true, false}) {
    write_file(path, bytes("old"));
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    ASSERT_TRUE(write(path, {.keep_times = keep}));
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mtim.tv_sec == 2'000'000 && status.st_mtim.tv_nsec == 7, keep);
  }
}

// An access list (linux/posix_acl_xattr.h): the owner rw, user 12345 rwx, the group r, mask rwx.
Bytes access_list() {
  Bytes list{2, 0, 0, 0};
  struct Entry {
    std::uint8_t tag;
    std::uint8_t rights;
    std::uint32_t who;
  };
  const std::uint32_t nobody = 0xffffffff;
  for (const Entry& entry :
       {Entry{1, 6, nobody}, {2, 7, 12345}, {4, 4, nobody}, {16, 7, nobody}, {32, 0, nobody}}) {
    list.insert(list.end(), {entry.tag, 0, entry.rights, 0});
    for (int shift = 0; shift < 32; shift += 8)
      list.push_back(static_cast<std::uint8_t>(entry.who >> shift));
  }
  return list;
}

void set_attribute(const std::string& path, const char* name, const Bytes& value) {
  ASSERT_EQ(::setxattr(path.c_str(), name, value.data(), value.size(), 0), 0)
      << name << ": " << std::strerror(errno);
}

std::optional<Bytes> attribute(const std::string& path, const char* name) {
  Bytes value(1024);
  const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

constexpr const char* kAccess = "system.posix_acl_access";

// A folder's default access list is for files that are new in it.
TEST_F(OneFile, AccessIsNotWidenedByTheFolder) {
  const std::string path = folder_ / "a";
  const std::string listed = folder_ / "listed";
  for (const std::string& file : {path, listed}) {
    write_file(file, bytes("old"));
    ::chmod(file.c_str(), 0640);
  }
  set_attribute(listed, kAccess, access_list());
  const auto list = attribute(listed, kAccess);
  ASSERT_TRUE(list);
  set_attribute(folder_.path(), "system.posix_acl_default", access_list());
  ASSERT_TRUE(write(path));
  EXPECT_EQ(attribute(path, kAccess), std::nullopt);
  EXPECT_EQ(mode_of(path), 0640U);
  const mode_t before = mode_of(listed);
  ASSERT_TRUE(write(listed));
  EXPECT_EQ(attribute(listed, kAccess), list);
  EXPECT_EQ(mode_of(listed), before);
  // Elsewhere, like a file without a list.
  AtomicWriter writer({.durability = Durability::none});
  const MemoryContent content(bytes("new"));
  ASSERT_TRUE(
      writer.write({.path = folder_ / "made", .content = content, .like = open_model(path)}));
  EXPECT_EQ(attribute(folder_ / "made", kAccess), std::nullopt);
  EXPECT_EQ(mode_of(folder_ / "made"), 0640U);
  // And like one with a list, whose group bits alone would say something else.
  ASSERT_TRUE(
      writer.write({.path = folder_ / "like", .content = content, .like = open_model(listed)}));
  EXPECT_EQ(attribute(folder_ / "like", kAccess), list);
  EXPECT_EQ(mode_of(folder_ / "like"), before);
}

TEST_F(OneFile, FilesMadeOfOthersAreLikeThem) {
  const std::string model = folder_ / "model";
  write_file(model, bytes("old"));
  set_attribute(model, "user.note", {1});
  set_attribute(model, "user.other", {2});
  ASSERT_EQ(::chown(model.c_str(), 12345, 12346), 0) << "these tests run as root";
  const mode_t before = ::umask(077);
  for (const mode_t mode : {0755U, 04755U, 0444U}) {
    ::chmod(model.c_str(), mode);
    for (const bool keeps : {false, true}) {
      for (const bool is_there : {false, true}) {
        const std::string made = folder_ / "made";
        std::filesystem::remove(made);
        if (is_there) {
          write_file(made, bytes("former"));
          ::chmod(made.c_str(), 0600);
          set_attribute(made, "user.stale", {3});
          set_attribute(made, "user.note", {4});
        }
        AtomicWriter writer({.durability = Durability::none});
        const MemoryContent content(bytes("new"));
        ASSERT_TRUE(
            writer.write({.path = made,
                          .content = content,
                          .attributes = {{"user.other", std::nullopt}, {"user.new", Bytes{5}}},
                          .like = open_model(model),
                          .keeps_attributes = keeps}));
        EXPECT_EQ(read_file(made), bytes("new"));
        EXPECT_EQ(mode_of(made), mode);
        struct stat status{};
        ASSERT_EQ(::stat(made.c_str(), &status), 0);
        EXPECT_EQ(status.st_uid, 12345U);
        EXPECT_EQ(status.st_gid, 12346U);
        EXPECT_EQ(attribute(made, "user.stale"), std::nullopt);
        EXPECT_EQ(attribute(made, "user.note"), keeps ? std::optional(Bytes{1}) : std::nullopt);
        EXPECT_EQ(attribute(made, "user.other"), std::nullopt);
        EXPECT_EQ(attribute(made, "user.new"), Bytes{5});
      }
    }
  }
  ::umask(before);
}

// Without the right to give files away: nobody else's set-user-id bit becomes one of ours.
TEST_F(OneFile, OwnersThatCannotBeGivenTakeTheirBitsWithThem) {
  class Unprivileged final : public FileCalls {
   public:
    int change_owner(int, uid_t, gid_t) override {
      errno = EPERM;
      return -1;
    }
  };
  const std::string model = folder_ / "model";
  write_file(model, bytes("old"));
  ASSERT_EQ(::chown(model.c_str(), 12345, 12346), 0) << "these tests run as root";
  ::chmod(model.c_str(), 06755);
  Unprivileged calls;
  AtomicWriter writer({.durability = Durability::none}, calls);
  const MemoryContent content(bytes("new"));
  ASSERT_TRUE(
      writer.write({.path = folder_ / "made", .content = content, .like = open_model(model)}));
  EXPECT_EQ(mode_of(folder_ / "made"), 0755U);
  // In place it is refused, and so it is where a signature is over the owner.
  EXPECT_FALSE(writer.write({.path = model, .content = content}));
  EXPECT_FALSE(writer.write({.path = folder_ / "evm",
                             .content = content,
                             .attributes = {{"security.evm", Bytes{5, 2}}},
                             .like = open_model(model)}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "evm"));
}

TEST_F(OneFile, AFileThatChangedSinceItWasReadIsLeftAlone) {
  const std::string path = folder_ / "a";
  write_file(path, bytes("old"));
  const auto stamp = stamp_file(path);
  ASSERT_TRUE(stamp);
  write_file(path, bytes("other"));
  AtomicWriter writer({});
  const MemoryContent content(bytes("new"));
  ASSERT_TRUE(writer.write({.path = path, .content = content, .replaces = *stamp}));
  const auto errors = writer.commit();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().reason, Reason::changed_while_read);
  EXPECT_EQ(read_file(path), bytes("other"));
}

// Size and time of modification can be set back; the inode's own time cannot.
TEST_F(OneFile, AnEditThatHidesItselfIsSeen) {
  const std::string path = folder_ / "a";
  write_file(path, bytes("old"));
  const auto stamp = stamp_file(path);
  ASSERT_TRUE(stamp);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the clock of file systems ticks
  {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY));
    ASSERT_EQ(::pwrite(file.get(), "odd", 3, 0), 3);
    const timespec times[2] = {status.st_atim, status.st_mtim};
    ASSERT_EQ(::futimens(file.get(), times), 0);
  }
  AtomicWriter writer({});
  const MemoryContent content(bytes("new"));
  ASSERT_TRUE(writer.write({.path = path, .content = content, .replaces = *stamp}));
  const auto errors = writer.commit();
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.front().reason, Reason::changed_while_read);
  EXPECT_EQ(read_file(path), bytes("odd"));
}

// Replacing one of two names changes the inode of the other.
TEST_F(OneFile, BothNamesOfAFileAreReplaced) {
  write_file(folder_ / "a", bytes("old"));
  std::filesystem::create_hard_link(folder_ / "a", folder_ / "b");
  const auto stamp = stamp_file(folder_ / "a");
  ASSERT_TRUE(stamp);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  AtomicWriter writer({.break_hard_links = true});
  const MemoryContent content(bytes("new"));
  for (const char* name : {"a", "b"})
    ASSERT_TRUE(writer.write({.path = folder_ / name, .content = content, .replaces = *stamp}));
  EXPECT_TRUE(writer.commit().empty());
  EXPECT_EQ(read_file(folder_ / "b"), bytes("new"));
}

TEST_F(OneFile, WhatIsNotCommittedIsGone) {
  const std::string path = folder_ / "a";
  write_file(path, bytes("old"));
  {
    AtomicWriter writer({});
    const MemoryContent content(bytes("new"));
    ASSERT_TRUE(writer.write({path, content}));
  }
  EXPECT_EQ(read_file(path), bytes("old"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(OneFile, WhatIsNoFileIsRefused) {
  std::filesystem::create_directory(folder_ / "sub");
  EXPECT_EQ(write(folder_ / "sub").error().reason, Reason::not_a_regular_file);
  EXPECT_EQ(write(folder_ / "missing/a").error().reason, Reason::cannot_write);
}

}  // namespace
}  // namespace assay
