// What a policy of 1,000 rules costs to check, and to hold against 100,000 files at one hook each:
// seconds of CPU, of this one thread. The limit is one second. No file meets a rule before the last
// ten, so that every rule is asked about every file.

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "ima/match.h"
#include "ima/policy_check.h"
#include "ima/policy_explain.h"
#include "ima/policy_load.h"

namespace {

using namespace assay;

constexpr unsigned kRules = 1000;
constexpr unsigned kFiles = 100000;
constexpr double kLimit = 1.0;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Conditions of each kind in turn, none of which holds of the files; the last ten rules are those
// of a policy that appraises root's files.
std::string make_policy() {
  std::string policy;
  for (unsigned i = 0; i < kRules - 10; ++i) switch (i % 8) {
      case 0: policy += fmt::format("dont_appraise fsmagic=0x{:x}\n", 0x10000 + i); break;
      case 1: policy += fmt::format("appraise fowner={}\n", 200000 + i); break;
      case 2: policy += fmt::format("dont_appraise fgroup={} fowner=0\n", 200000 + i); break;
      case 3: policy += fmt::format("appraise func=BPRM_CHECK uid={}\n", 200000 + i); break;
      case 4:
        policy += fmt::format("measure func=FILE_CHECK mask=^MAY_READ uid={}\n", 200000 + i);
        break;
      case 5:
        policy += fmt::format("audit fsuuid=8bcbe394-4f13-4144-be8e-5aa9ea{:06x}\n", i);
        break;
      case 6: policy += fmt::format("appraise fsname=fs{} appraise_type=imasig\n", i); break;
      default: policy += fmt::format("hash func=MMAP_CHECK euid={}\n", 200000 + i); break;
    }
  for (unsigned i = 0; i < 8; ++i)
    policy += fmt::format("dont_measure fsmagic=0x{:x}\n", 0x20000 + i);
  return policy + "measure func=FILE_CHECK mask=^MAY_READ uid=0\nappraise fowner=0\n";
}

ImaFile make_file(unsigned number) {
  ImaFile file;
  file.owner = number % 100 == 0 ? 1000 : 0;
  file.group = number % 7;
  file.filesystem.magic = 0xef53;
  file.filesystem.name = "ext4";
  file.filesystem.subtype = "";
  file.filesystem.uuid = FsUuid{static_cast<std::uint8_t>(number)};
  return file;
}

}  // namespace

int main() {
  const std::string policy = make_policy();
  const KernelConfig config = config_with_all_of_ima();
  const KernelCrypto crypto;
  const ImaSetup setup{config, crypto, "", Truth::no, Truth::no};
  std::vector<ImaFile> files;
  for (unsigned i = 0; i < kFiles; ++i) files.push_back(make_file(i));

  const double start = cpu_seconds();
  const CheckedPolicy checked = check_ima_policy({}, policy, setup);
  const double parsed = cpu_seconds();
  Walk walk({}, {}, false);
  ImaState state(walk, setup);
  ImaPolicySession session(walk, state, setup);
  const bool loaded = !session.load(policy).failed() && session.close();
  ImaEvent event;
  event.hook = ImaHook::file_check;
  event.mask = kMayRead;
  event.subject = ImaSubject::with_ids(0, 0);
  unsigned appraised = 0;
  for (const ImaFile& file : files)
    appraised +=
        match_ima_policy(walk, state, {true, true, true, true}, event, file).actions.appraise ? 1
                                                                                              : 0;
  const double matched = cpu_seconds();
  fmt::print("check     {:.3f} s  {} rules\n", parsed - start, checked.accepted);
  fmt::print("match     {:.3f} s  {} files, {} appraised\n", matched - parsed, files.size(),
             appraised);
  const bool right = loaded && checked.accepted == kRules && appraised == kFiles - kFiles / 100;
  if (!right) std::fputs("the answers are wrong\n", stderr);
  return right && matched - start < kLimit ? 0 : 1;
}
