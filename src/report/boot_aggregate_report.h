// report/boot_aggregate_report.h - what a TPM's event log leads to, as JSON and as text.

#pragma once

#include <string>
#include <vector>

#include "ima/boot_aggregate.h"

namespace assay {

// `listed`: the entries boot_aggregate of a measurement list, where one was given.
struct BootAggregateReport {
  std::string path;
  BootAggregate computed;
  bool has_list = false;
  std::vector<Digest> listed;

  // Requires has_list: is there an entry, and is each as computed?
  bool agrees() const;
};

std::string to_json(const BootAggregateReport& report);  // "assay.boot-aggregate/1"
std::string to_text(const BootAggregateReport& report, bool verbose);

}  // namespace assay
