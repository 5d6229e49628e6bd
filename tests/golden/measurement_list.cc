#include "tests/golden/measurement_list.h"

#include <algorithm>

namespace assay::golden {

void MeasurementList::add(const ImaEntry& entry) {
  if (entry.is_known() && !entry.is_violation) {
    const auto digest = entry.digest(Hash::sha256);
    const bool is_new = digest && seen_.emplace(entry.pcr, digest->hex()).second;
    if (!is_new && !keeps_repeated_) return;
  }
  entries_.push_back(entry);
}

bool MeasurementList::is_known() const {
  return std::ranges::all_of(entries_, [](const ImaEntry& entry) { return entry.is_known(); });
}

std::optional<std::string> MeasurementList::ascii() const {
  if (!is_known()) return std::nullopt;
  std::string text;
  for (const ImaEntry& entry : entries_) text += entry.ascii() + "\n";
  return text;
}

std::optional<std::string> MeasurementList::binary() const {
  if (!is_known()) return std::nullopt;
  std::string text;
  for (const ImaEntry& entry : entries_)
    if (const auto record = entry.binary()) text.append(record->begin(), record->end());
  return text;
}

}  // namespace assay::golden
