// report/table.h - results as text, for people.

#pragma once

#include <map>
#include <string>

#include "judge/verdict.h"
#include "report/json.h"
#include "survey/artifact_report.h"
#include "survey/examine.h"

namespace assay {

struct TextStyle {
  bool color = false;
  bool verbose = false;  // a line for every artifact, verified ones too
};

// One line for an artifact, and a second with the reason where there is one; empty where the
// summary is enough (a verified artifact, unless verbose).
std::string to_text(const ArtifactReport& report, const TextStyle& style);

// What the summary says of verified artifacts: so many of a kind, by this signer, in this root.
class VerifiedGroups {
 public:
  void add(const ArtifactReport& report);
  std::string to_text(const Summary& summary, const TextStyle& style) const;

 private:
  std::map<std::string, std::uint64_t> groups_;
};

std::string to_text(const Examined& artifact, const TextStyle& style);
std::string to_text(const JudgedArtifact& judged, const Verdict& verdict, const TextStyle& style);

// Every rule that was walked, one line each.
std::string steps_to_text(const std::vector<Step>& steps);

}  // namespace assay
