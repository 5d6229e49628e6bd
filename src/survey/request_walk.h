// survey/request_walk.h - one walk of a request through the kernel: the file is opened, and then
// loaded, run, mapped or read, with IMA where the kernel asks it.

#pragma once

#include "survey/judge_request.h"

namespace assay {

class RequestWalk {
 public:
  // All outlive it.
  RequestWalk(Walk& walk, const JudgeRequest& request, const RequestEvidence& evidence,
              const PlatformIma& ima);

  RequestWalk(const RequestWalk&) = delete;
  RequestWalk& operator=(const RequestWalk&) = delete;

  Ending go();

  const std::string& taint() const { return taint_; }
  const std::optional<Outcome>& signature() const { return signature_; }
  // What IMA measured and audited.
  void report(RequestVerdict& judged) const;

 private:
  Outcome ask_of_other_rules();
  Ending load_module();
  Ending load_kernel();
  Ending ask_ima_alone();
  Outcome execute();
  Outcome map();
  Outcome load_policy();
  Outcome read_into_memory(ImaHook hook);
  Outcome ask(ImaHook hook, std::uint32_t mask);
  // The file may have been looked at for another platform.
  bool is_asked() const { return evidence_.on_disk.has_value() && ima_.has_rules(); }

  Walk& walk_;
  const JudgeRequest& request_;
  const RequestEvidence& evidence_;
  const PlatformIma& ima_;
  const Platform& platform_;
  std::optional<ImaState> room_;
  ImaKernel kernel_;
  ImaDoor door_;
  ImaInode inode_;
  std::string taint_;
  std::optional<Outcome> signature_;
};

}  // namespace assay
