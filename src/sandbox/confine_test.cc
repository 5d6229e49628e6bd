#include "sandbox/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

constexpr int kHolds = 0;
constexpr int kNotConfined = 100;

// In a process of its own, confined: what `attempt` returns.
class ConfineTest : public testing::Test {
 protected:
  void SetUp() override {
    ::mkdir((folder_ / "in").c_str(), 0700);
    ::mkdir((folder_ / "scratch").c_str(), 0700);
    std::ofstream(folder_ / "in/given") << "given";
    std::ofstream(folder_ / "other") << "other";
    std::ofstream(folder_ / "alone") << "alone";
  }

  int in_confinement(const std::function<int()>& attempt) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const Confinement held =
          confine_process({{folder_ / "in", folder_ / "alone"}, folder_ / "scratch"});
      if (!held.files || !held.calls) std::fputs(held.missing.c_str(), stderr);
      ::_exit(held.files && held.calls ? attempt() : kNotConfined);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
  }
  // The errno of a call, 0 where it worked.
  static int error_of(long result) { return result < 0 ? errno : 0; }
  int opening(const std::string& path, int flags) const {
    return in_confinement([&] { return error_of(::open(path.c_str(), flags, 0600)); });
  }

  TemporaryFolder folder_;
};

TEST_F(ConfineTest, GivenFilesAreReadAndOthersAreNot) {
  EXPECT_EQ(opening(folder_ / "in/given", O_RDONLY), kHolds);
  EXPECT_EQ(opening(folder_ / "in", O_RDONLY | O_DIRECTORY), kHolds);
  EXPECT_EQ(opening(folder_ / "alone", O_RDONLY), kHolds);
  EXPECT_EQ(opening(folder_ / "other", O_RDONLY), EACCES);
  EXPECT_EQ(opening(folder_.path().string(), O_RDONLY | O_DIRECTORY), EACCES);
  EXPECT_EQ(opening("/etc/passwd", O_RDONLY), EACCES);
}

TEST_F(ConfineTest, NothingIsWrittenButTemporaryFiles) {
  EXPECT_EQ(opening(folder_ / "in/given", O_WRONLY), EACCES);
  EXPECT_EQ(opening(folder_ / "in/given", O_RDONLY | O_TRUNC), EACCES);
  EXPECT_EQ(opening(folder_ / "in/new", O_WRONLY | O_CREAT), EACCES);
  EXPECT_EQ(opening(folder_ / "scratch", O_TMPFILE | O_RDWR), kHolds);
  EXPECT_EQ(in_confinement([&] { return error_of(::unlink((folder_ / "in/given").c_str())); }),
            EACCES);
  EXPECT_EQ(in_confinement([&] { return error_of(::mkdir((folder_ / "in/d").c_str(), 0700)); }),
            EPERM);
  EXPECT_EQ(in_confinement([&] {
              return error_of(::rename((folder_ / "in/given").c_str(), (folder_ / "in/x").c_str()));
            }),
            EPERM);
  EXPECT_EQ(in_confinement([&] { return error_of(::chmod((folder_ / "in/given").c_str(), 0)); }),
            EPERM);
}

TEST_F(ConfineTest, NoProgramIsStartedAndNoProcessMade) {
  EXPECT_EQ(in_confinement([] { return error_of(::execl("/bin/true", "true", nullptr)); }), EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::fork()); }), EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::kill(::getppid(), 0)); }), EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::ptrace(PTRACE_TRACEME, 0, 0, 0)); }), EPERM);
}

TEST_F(ConfineTest, NothingIsReachedAndNothingOfTheSystemChanged) {
  for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK})
    EXPECT_EQ(in_confinement([&] { return error_of(::socket(family, SOCK_DGRAM, 0)); }), EPERM)
        << family;
  // A socket that is open already cannot be connected.
  const int open_socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(in_confinement([&] {
              return error_of(::connect(
                  open_socket, static_cast<sockaddr*>(static_cast<void*>(&to)), sizeof(to)));
            }),
            EPERM);
  ::close(open_socket);
  EXPECT_EQ(in_confinement([] { return error_of(::mount("x", "/mnt", "tmpfs", 0, nullptr)); }),
            EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::unshare(CLONE_NEWUSER)); }), EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::syscall(SYS_bpf, BPF_MAP_CREATE, 0, 0)); }),
            EPERM);
  EXPECT_EQ(in_confinement([] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }),
            EPERM);
}

TEST_F(ConfineTest, ThreadsWorkAndAreConfinedToo) {
  EXPECT_EQ(
      in_confinement([&] {
        int seen = 0;
        std::thread([&] { seen = error_of(::open((folder_ / "other").c_str(), O_RDONLY)); }).join();
        return seen;
      }),
      EACCES);
}

}  // namespace
}  // namespace assay
