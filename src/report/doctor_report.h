// report/doctor_report.h - what `assay doctor` says of each thing that is installed.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "report/groups.h"
#include "report/table.h"
#include "survey/doctor.h"

namespace assay {

std::string to_json(const Diagnosis& diagnosis);

std::string to_text(const Diagnosis& diagnosis, const TextStyle& style);
// Puts it with those that are alike.
void add_to(Groups& groups, const Diagnosis& diagnosis, const TextStyle& style);

struct DoctorSummary {
  std::uint64_t artifacts = 0;
  std::map<Prognosis, std::uint64_t> counts;

  void add(Prognosis prognosis);
  std::uint64_t count(Prognosis prognosis) const;
};
std::string to_json(const DoctorSummary& summary);
std::string to_text(const DoctorSummary& summary);

}  // namespace assay
