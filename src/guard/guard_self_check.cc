// The self-test of guard/arm.h.

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/hex.h"
#include "bytes/file_descriptor.h"
#include "guard/arm.h"
#include "guard/guard_programs.h"
#include "guard/live_guard.h"

namespace assay {

namespace {

constexpr auto kModule = static_cast<std::size_t>(ReadClass::module);
// FIPS 180-2, appendix B.2: a message of two blocks, and its SHA-256.
constexpr std::string_view kMessage = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view kDigest =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

std::uint64_t asked(const abi::guard_stats& stats) {
  const auto& counts = stats.of_class[kModule];
  return counts.allowed + counts.missed + counts.denied;
}

// init_module(2) of 64 bytes that are no module: the kernel alone says ENOEXEC.
Result<void> test_call(const LiveGuard& guard, const abi::guard_conf& conf, SelfTest& test) {
  const auto mode = static_cast<GuardStance>(conf.mode[kModule]);
  if (mode == GuardStance::off) {
    test.rows.push_back({"called", std::nullopt, "the class module is off"});
    return {};
  }
  ASSAY_TRY(const abi::guard_stats before, guard.stats());
  std::array<char, 64> bytes{};
  std::ranges::fill(bytes, '\x5a');
  const long result = ::syscall(SYS_init_module, bytes.data(), bytes.size(), "");
  const int error = result == 0 ? 0 : errno;
  ASSAY_TRY(const abi::guard_stats after, guard.stats());
  const bool rose = asked(after) > asked(before);
  test.rows.push_back({"called", rose,
                       rose
                           ? "the hook was called for init_module"
                           : fmt::format("the hook is attached and was not called; init_module: {}",
                                         describe_errno(error))});
  if (mode == GuardStance::enforce)
    test.rows.push_back({"refuses", error == static_cast<int>(conf.error),
                         fmt::format("init_module of what is not listed: {}, expected {}",
                                     describe_errno(error), describe_errno(int(conf.error)))});
  return {};
}

Result<void> test_digest(const LiveGuard& guard, const abi::guard_conf& conf, bool is_ima,
                         SelfTest& test) {
  if (conf.mode[kModule] == GUARD_OFF || is_ima) {
    test.rows.push_back(
        {"digest", std::nullopt,
         is_ima ? "IMA hashes, and files in memory are refused" : "the class module is off"});
    return {};
  }
  const FileDescriptor file(::memfd_create("assay-guard-self-test", MFD_CLOEXEC));
  if (!file.is_open() || ::write(file.get(), kMessage.data(), kMessage.size()) < 0) {
    test.rows.push_back({"digest", std::nullopt, "memfd_create: " + describe_errno(errno)});
    return {};
  }
  ::syscall(SYS_finit_module, file.get(), "", 0);
  ASSAY_TRY(const abi::guard_stats after, guard.stats());
  const std::string digest = to_hex(after.last_refused);
  test.rows.push_back({"digest", digest == kDigest,
                       digest == kDigest ? "SHA-256 of a known message is right"
                                         : fmt::format("SHA-256 of a known message: {}", digest)});
  return {};
}

}  // namespace

bool SelfTest::passed() const {
  bool was_called = false;
  for (const Row& row : rows) {
    if (row.holds == false) return false;
    if (row.name == "called" && row.holds == true) was_called = true;
  }
  return was_called;
}

Result<SelfTest> test_guard() {
  ASSAY_TRY(const LiveGuard guard, LiveGuard::open());
  ASSAY_TRY(const abi::guard_conf conf, guard.conf());
  ASSAY_TRY(const auto programs, guard.programs());
  SelfTest test;
  const auto has_bpf = read_kernel_facts().has_bpf_lsm();
  test.rows.push_back({"lsm", has_bpf,
                       has_bpf ? (*has_bpf ? "bpf is in the kernel's list of LSMs"
                                           : "bpf is not in the kernel's list of LSMs (lsm=)")
                               : "/sys/kernel/security/lsm cannot be read"});
  const auto gone = std::ranges::find(programs, 0U, &LiveProgram::link_id);
  test.rows.push_back({"links", gone == programs.end() && !programs.empty(),
                       gone == programs.end() ? fmt::format("{} programs attached", programs.size())
                                              : gone->name + " is not attached"});
  ASSAY_CHECK(test_call(guard, conf, test));
  const bool is_ima = std::ranges::find(programs, "ima_read", &LiveProgram::name) != programs.end();
  ASSAY_CHECK(test_digest(guard, conf, is_ima, test));
  const auto modifiers = find_return_modifiers(link_ids(programs));
  if (!modifiers) {
    test.rows.push_back({"modify-return", std::nullopt, modifiers.error().detail});
  } else {
    test.rows.push_back({"modify-return", modifiers->empty(),
                         modifiers->empty()
                             ? "no program answers in the place of the guard"
                             : "a program answers in the place of " + modifiers->front()});
  }
  return test;
}

}  // namespace assay
