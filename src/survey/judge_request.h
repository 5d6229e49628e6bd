// survey/judge_request.h - what a kernel is asked to do with a file, and its answer on a platform.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bytes/content.h"
#include "ima/platform_ima.h"
#include "judge/kexec.h"
#include "judge/module_load.h"
#include "survey/file_facts.h"

namespace assay {

enum class Request : std::uint8_t {
  module,
  kexec,
  // What only IMA looks at.
  kexec_initramfs,
  firmware,
  policy,
  read,
  exec,
  mmap,
};
std::string_view request_name(Request request);  // "kexec-initramfs"
bool is_for_ima_alone(Request request);

struct JudgeRequest {
  Request request = Request::module;
  // --syscall; nothing: what the tools of the distribution call (see collect_request).
  std::optional<std::string> syscall;
  std::uint32_t flags = 0;
  std::string kexec_cmdline;  // of the kernel to be started
  FileFacts facts;
  bool explain = true;  // every walk; else that of the first file alone
};

// A request as the command line has it: "module", a system call that goes with it, and flags by
// name or number ("force-vermagic,compressed", "4").
Result<JudgeRequest> parse_request(std::string_view request, const std::string& syscall,
                                   const std::string& flags);

// All of a file that bears on a request, whatever the platform.
struct RequestEvidence {
  std::unique_ptr<const ModuleEvidence> module;
  std::unique_ptr<const KexecEvidence> kexec;
  LoadRequest load;  // of a module
  // What is appended to any other file.
  std::unique_ptr<const AppendedEvidence> appended;
  std::uint64_t size = 0;
  std::string text;                  // of a policy
  unsigned executable_segments = 0;  // of an ELF file
  // Where some platform's IMA has rules: the file on disk, the file in memory, and a module that
  // the kernel has decompressed.
  std::optional<ImaEvidence> on_disk;
  std::optional<ImaEvidence> in_memory;
  std::optional<ImaEvidence> decompressed;
};

// A file that was found, and what is to be learned of it.
struct RequestFile {
  const Content& content;
  std::string_view name;                    // says whether a module is compressed
  std::string path;                         // on disk; empty: a member of a package
  std::vector<const HashAlgo*> ima_hashes;  // that platforms may ask for; none: IMA is not asked
};

// For a module that is compressed, and for which neither system call nor flags are given: kmod
// decompresses it and calls init_module.
// `file_sha256`: SHA-256 of the whole file must be known, for lists that may have it.
Result<RequestEvidence> collect_request(const JudgeRequest& request, const RequestFile& file,
                                        bool file_sha256);
// What IMA looks at, for evidence that was collected without (`file` with its hashes now).
Result<void> add_ima_evidence(RequestEvidence& evidence, const JudgeRequest& request,
                              const RequestFile& file);

struct RequestVerdict {
  Verdict verdict;
  std::string taint;  // of a module that loads
  std::optional<Errno>
      signature_err;                  // what the signature check of kexec said, whatever came of it
  std::vector<std::string> measured;  // entries of the measurement list
  std::vector<std::string> audited;   // audit records of IMA
  std::vector<std::string> notes;     // what a reader of the verdict should know
};

// The file is opened first, by whoever makes the request.
RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const PlatformIma& ima, bool explain);

// The same of a platform that depends on the walk. `own` may hold it.
using PlatformIn = std::function<const Platform&(Walk& walk, Platform& own)>;
RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const KernelId& kernel, const PlatformIn& platform_in, bool explain);

}  // namespace assay
