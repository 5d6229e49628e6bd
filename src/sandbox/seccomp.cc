#include "sandbox/seccomp.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace assay {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// What glibc, libstdc++ and we ask for, with any arguments. Files that they open are Landlock's
// business; without it they can be read and written as before.
constexpr long kAllowed[] = {
    // files that are open
    SYS_read,
    SYS_write,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_preadv,
    SYS_pwritev,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_fcntl,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_ppoll,
    SYS_getdents64,
    SYS_fsync,
    SYS_fdatasync,
    // paths
    SYS_openat,
    SYS_newfstatat,
    SYS_statx,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_statfs,
    SYS_fstatfs,
    SYS_getcwd,
    SYS_unlinkat,
    SYS_getxattr,
    SYS_lgetxattr,
    SYS_fgetxattr,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_flistxattr,
    // memory
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_membarrier,
    // threads and time
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
    SYS_gettid,
    SYS_getpid,
    SYS_set_tid_address,
    // signals to itself (kill and tgkill are below)
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    // itself
    SYS_getrandom,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrusage,
#if defined(__x86_64__)
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_getdents,
    SYS_poll,
    SYS_dup2,
    SYS_pipe,
    SYS_time,
    SYS_arch_prctl,
    SYS_unlink,
#endif
};

// What may be asked of an open file.
constexpr unsigned long kIoctls[] = {TCGETS, TIOCGWINSZ, FIONREAD, FS_IOC_GETFLAGS,
                                     FS_IOC_GETVERSION, FS_IOC_MEASURE_VERITY,
                                     // FS_IOC_GETFSUUID, which Debian 12's headers lack
                                     _IOR(0x15, 0, std::uint8_t[17])};

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
    finish(SECCOMP_RET_KILL_PROCESS);
    load_number();
  }

  void allow(long call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    finish(SECCOMP_RET_ALLOW);
  }

  void refuse(long call, std::uint32_t error) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    finish(SECCOMP_RET_ERRNO | error);
  }

  // Where the low half of an argument has one of these values.
  template <typename Values>
  void allow_with(long call, unsigned argument, const Values& values) {
    const std::size_t jump = begin(call);
    load(low_half(argument));
    for (const auto value : values) {
      add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0, 1);
      finish(SECCOMP_RET_ALLOW);
    }
    end(jump);
  }

  // Where an argument has all these bits.
  void allow_with_bits(long call, unsigned argument, std::uint32_t bits) {
    const std::size_t jump = begin(call);
    load(low_half(argument));
    add(BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1);
    finish(SECCOMP_RET_ALLOW);
    end(jump);
  }

  // Those whose pointer is null.
  void allow_without(long call, unsigned argument) {
    const std::size_t jump = begin(call);
    load(low_half(argument));
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
    load(low_half(argument) + 4);
    add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
    finish(SECCOMP_RET_ALLOW);
    end(jump);
  }

  void finish(std::uint32_t action) { add(BPF_RET | BPF_K, action, 0, 0); }

  // Both architectures are little-endian.
  static std::uint32_t low_half(unsigned argument) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * 8);
  }

  std::vector<sock_filter>& program() { return program_; }

 private:
  void add(unsigned code, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
    program_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
  }
  void load(std::size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset), 0, 0);
  }
  void load_number() { load(offsetof(seccomp_data, nr)); }
  std::size_t begin(long call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 0);
    return program_.size();
  }
  // What is asked with other arguments is refused as what is not listed.
  void end(std::size_t jump) {
    finish(SECCOMP_RET_ERRNO | EPERM);
    program_[jump - 1].jf = static_cast<std::uint8_t>(program_.size() - jump);
  }

  std::vector<sock_filter> program_;
};

}  // namespace

std::string restrict_calls() {
  if (kArchitecture == 0) return "seccomp: no list for this architecture";
  Filter filter;
  for (const long call : kAllowed) filter.allow(call);
  filter.allow_with(SYS_ioctl, 1, kIoctls);
  // Threads, no processes. The flags of clone3 lie in memory, which a filter cannot see: glibc
  // takes clone where clone3 is not there.
  filter.allow_with_bits(SYS_clone, 0, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND);
  filter.refuse(SYS_clone3, ENOSYS);
  // A process may end itself (abort(3), SIGPIPE at its default).
  const std::uint32_t self[] = {static_cast<std::uint32_t>(::getpid())};
  filter.allow_with(SYS_tgkill, 0, self);
  // To read a limit, not to set one.
  filter.allow_without(SYS_prlimit64, 2);
  filter.finish(SECCOMP_RET_ERRNO | EPERM);
  sock_fprog program{static_cast<unsigned short>(filter.program().size()), filter.program().data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
    return std::string("seccomp: ") + std::strerror(errno);
  return {};
}

}  // namespace assay
