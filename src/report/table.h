// report/table.h - results as text, for people.

#pragma once

#include <string>

#include "judge/verdict.h"
#include "report/groups.h"
#include "report/json.h"
#include "survey/artifact_report.h"
#include "survey/examine.h"

namespace assay {

struct TextStyle {
  bool color = false;
  bool verbose = false;
};

// One line for an artifact, and a second with the reason where there is one; verbose: and all rules
// that were walked.
std::string to_text(const ArtifactReport& report, const TextStyle& style);
// Puts it with those that are alike; returns what is to be said of it at once, if anything.
std::string add_to(Groups& groups, const ArtifactReport& report, const TextStyle& style);
std::string to_text(const Summary& summary);

std::string to_text(const Examined& artifact, const TextStyle& style);

// Verbose: and the walk, and what the kernel would log.
std::string to_text(const JudgedArtifact& judged, const Verdict& verdict, const TextStyle& style);
void add_to(Groups& groups, const JudgedArtifact& judged, const Verdict& verdict,
            const TextStyle& style);
std::string to_text(const VerdictSummary& summary);

// Every rule that was walked, one line each.
std::string steps_to_text(const std::vector<Step>& steps);

}  // namespace assay
