// report/json.h - results as JSON, one object a line, for programs.
//
// The field names are a contract: what stands in docs/json.md is only ever added to.

#pragma once

#include <optional>
#include <string>

#include "judge/pe_boot.h"
#include "judge/verdict.h"
#include "survey/artifact_report.h"
#include "survey/examine.h"
#include "survey/survey.h"

namespace assay {

std::string to_json(const ArtifactReport& report);   // "assay.artifact/1"
std::string to_json(const Summary& summary);         // "assay.summary/1"
std::string to_json(const Examined& artifact);       // "assay.inspection/1"
std::string to_json_error(const Error& error);       // "assay.error/1"
std::string to_json(const VerdictSummary& summary);  // "assay.verdict-summary/1"

// What `assay judge` is asked about.
struct JudgedArtifact {
  std::string request;  // "module"
  std::string path;
  std::string platform;  // its name
  std::string rules;     // whose were applied
  std::optional<ReasonReport> reason;
  std::string taint;                   // of a module that loads
  std::optional<Errno> signature_err;  // what the signature check of kexec said
  KernelId kernel;                     // whose rules they are
  std::vector<std::string> measured;   // by IMA
  std::vector<std::string> audited;
  std::vector<std::string> notes;  // what a reader should know beside the reason
};
std::string to_json(const Rule& rule, std::uint64_t proving_rows);          // "assay.rule/1"
std::string to_json(const BootRule& rule);                                  // "assay.boot-rule/1"
std::string to_json(const JudgedArtifact& judged, const Verdict& verdict);  // "assay.verdict/1"

}  // namespace assay
