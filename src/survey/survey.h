// survey/survey.h - a run over many paths: artifacts are found by one thread, examined by many, and
// reported in the order in which they were found.

#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "survey/artifact_report.h"
#include "survey/judge_request.h"
#include "survey/trust_book.h"
#include "survey/verify.h"

namespace assay {

// Numbers for a progress line; read while the run goes on.
struct Progress {
  std::atomic<std::uint64_t> artifacts = 0;
  std::atomic<std::uint64_t> bytes = 0;
};

struct SurveyOptions {
  std::vector<std::string> paths;
  unsigned jobs = 1;
  bool all = false;  // every file is an artifact
  EvidenceOptions evidence;
  Progress* progress = nullptr;
  bool builtin_certificates = false;  // inspect: search kernel images for theirs
  bool inner_images = false;          // inspect: report kernel images inside others too
  bool contents = false;              // verify: reports have a ContentReport
  bool opens_images = true;           // what lies in archives and images, too
};

struct VerdictSummary {
  std::uint64_t artifacts = 0;
  std::uint64_t allowed = 0;
  std::uint64_t allowed_unverified = 0;
  std::uint64_t allowed_tainted = 0;
  std::uint64_t refused = 0;
  std::uint64_t crashes = 0;
  std::uint64_t undetermined = 0;
  std::uint64_t skipped = 0;

  void add(Decision decision);
  std::uint64_t count(Decision decision) const;
};

// What a run passed over.
struct Surveyed {
  std::uint64_t skipped = 0;             // files that are no artifacts
  std::vector<std::string> empty_paths;  // of those given, as printed: without any artifact
};

// Finds and examines everything, and reports what was found. Both functions are called one at a
// time, in the order of the finds.
Surveyed survey(const SurveyOptions& options, const std::function<void(const Examined&)>& report,
                const std::function<void(const Error&)>& report_failure);

// The same, with every artifact verified against the trust it belongs to.
Summary survey_and_verify(const SurveyOptions& options, const TrustOptions& trust,
                          const VerifyOptions& verify,
                          const std::function<void(const ArtifactReport&)>& report);

// What `assay judge` says of one file on one platform.
struct JudgedModule {
  std::string path;
  std::string platform;
  std::string rules;  // whose rules were applied; empty where none were
  Verdict verdict;
  std::optional<ReasonReport> reason;  // why it is not simply allowed
  std::string taint;                   // of a module that loads
  std::optional<Errno> signature_err;  // what the signature check of kexec said
  KernelId kernel;                     // whose rules they are
  std::vector<std::string> measured;   // by IMA
  std::vector<std::string> audited;
  std::vector<std::string> notes;  // what a reader of the verdict should know
};

// One file, named `name`, on the platform of `ima`.
JudgedModule judge_on(const JudgeRequest& request, const RequestEvidence& evidence,
                      const std::string& name, const PlatformIma& ima, bool explain);

// Every module or kernel image judged for the kernel of its own package: its configuration, its
// built-in keys, and the state in which it is after boot with `cmdline`, where that is given. How
// else it is booted is not known, nor what attributes its files will have.
Surveyed survey_and_judge(const SurveyOptions& options, const JudgeRequest& request,
                          const std::optional<std::string>& cmdline,
                          const std::function<void(const JudgedModule&)>& report);

// Nothing else is judged where they cannot be read.
using ReadPlatforms = std::function<Result<std::vector<Platform>>()>;

// Every module, or kernel image, or file that IMA alone looks at, judged on each platform; `report`
// gets one verdict for each, in their order. `read` is called once, by a worker. Files that are
// named themselves are judged whatever they are.
Result<Surveyed> survey_and_judge_on(
    const SurveyOptions& options, const JudgeRequest& request, const ReadPlatforms& read,
    const std::function<void(const std::vector<JudgedModule>&)>& report);

}  // namespace assay
