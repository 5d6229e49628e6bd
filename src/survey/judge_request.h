// survey/judge_request.h - what a kernel is asked to do with a file, and its answer on a platform.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bytes/content.h"
#include "judge/kexec.h"
#include "judge/module_load.h"

namespace assay {

enum class Request : std::uint8_t { module, kexec };

struct JudgeRequest {
  Request request = Request::module;
  // --syscall; nothing: what the tools of the distribution call (see collect_request).
  std::optional<std::string> syscall;
  std::uint32_t flags = 0;

  std::string_view name() const { return request == Request::module ? "module" : "kexec"; }
};

// A request as the command line has it: "module" or "kexec", a system call that goes with it, and
// flags by name or number ("force-vermagic,compressed", "4").
Result<JudgeRequest> parse_request(std::string_view request, const std::string& syscall,
                                   const std::string& flags);

// All of a file that bears on a request, whatever the platform.
struct RequestEvidence {
  std::optional<ModuleEvidence> module;
  std::optional<KexecEvidence> kexec;
  LoadRequest load;  // of a module
};

// For a module that is compressed, and for which neither system call nor flags are given: kmod
// decompresses it and calls init_module. `file_name` says whether it is.
Result<RequestEvidence> collect_request(const JudgeRequest& request, const Content& content,
                                        std::string_view file_name);

struct RequestVerdict {
  Verdict verdict;
  std::string taint;  // of a module that loads
  std::optional<Errno>
      signature_err;  // what the signature check of kexec said, whatever came of it
};

RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const Platform& platform, bool explain);

}  // namespace assay
