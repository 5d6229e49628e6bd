// Whose temporaries are left over.

#include "bytes/temporary_name.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

class TemporaryName : public testing::Test {
 protected:
  bool is_left(const std::string& name, std::time_t age = 0) {
    const std::string path = folder_ / name;
    write_file(path, std::vector<std::uint8_t>{1});
    const timespec then{std::time(nullptr) - age, 0};
    const timespec times[2] = {then, then};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    return is_left_over(folder_.path(), name);
  }
  TemporaryFolder folder_;
};

constexpr std::time_t kTwoDays = 2 * 24 * 60 * 60;

TEST_F(TemporaryName, OursAreNotLeftWhileWeRun) {
  const std::string name = make_temporary_name(temporary_mark());
  EXPECT_TRUE(is_temporary_name(name));
  EXPECT_FALSE(is_left(name));
  EXPECT_FALSE(is_left(name, kTwoDays));
  EXPECT_NE(make_temporary_name(temporary_mark()), name);
}

TEST_F(TemporaryName, ThoseOfAProcessThatEndedAre) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string name = make_temporary_name(temporary_mark());
    const bool told = ::write(ends[1], name.data(), name.size()) > 0;
    ::_exit(told ? 0 : 1);
  }
  std::array<char, 256> name;
  const ssize_t size = ::read(ends[0], name.data(), name.size());
  ::close(ends[0]);
  ::close(ends[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_GT(size, 0);
  EXPECT_TRUE(is_left(std::string(name.data(), static_cast<std::size_t>(size))));
}

// A process of our number, started at another time; one that is none.
TEST_F(TemporaryName, NumbersThatAreUsedAgainDoNotCount) {
  std::string mark = temporary_mark();
  mark.pop_back();
  const std::string other = mark.substr(0, mark.rfind('-') + 1) + "1-";
  EXPECT_TRUE(is_left(make_temporary_name(other)));
}

// Of another boot, another machine: nobody can say, but a day is long.
TEST_F(TemporaryName, OfElsewhereTheAgeDecides) {
  const std::string name = ".assay-1-2-3-0123456789abcdef";
  EXPECT_FALSE(is_left(name));
  EXPECT_TRUE(is_left(name, kTwoDays));
}

TEST_F(TemporaryName, WhatIsNotOursIsLeftAlone) {
  for (const char* name : {".assay-", ".assay-notes", ".assay-1-2-3", ".assay-1-2-3-4-5", "assay",
                           ".assay-1-2-3-x", ".assay-1--3-4"})
    EXPECT_FALSE(is_left(name, kTwoDays)) << name;
  const std::string name = ".assay-1-2-3-4";
  ASSERT_EQ(::mkdir((folder_ / name).c_str(), 0700), 0);
  EXPECT_FALSE(is_left_over(folder_.path(), name));
}

}  // namespace
}  // namespace assay
