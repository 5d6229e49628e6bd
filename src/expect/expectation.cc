#include "expect/expectation.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

Wanted exactly(const Fact& fact, KeyType type) {
  Wanted wanted;
  if (type == KeyType::number) wanted.least = wanted.most = fact.number;
  if (type != KeyType::number)
    for (const auto& [value, where] : fact.values) wanted.values.push_back(value);
  return wanted;
}

std::string text_of(const Value& value) {
  return value.fingerprint.empty() ? fmt::format("\"{}\"", value.name)
                                   : fmt::format("\"{}\" {}", value.name, value.fingerprint);
}

std::string text_of(const std::vector<Value>& values) {
  std::string text;
  for (const Value& value : values)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", text_of(value));
  return text.empty() ? "none" : text;
}

// One that is wanted without a fingerprint is there in any one of its name.
bool is_met_by(const Value& wanted, const Value& found) {
  return wanted.name == found.name &&
         (wanted.fingerprint.empty() || wanted.fingerprint == found.fingerprint);
}

// Each found value meets one wanted, and each wanted value is met by one: of two certificates of
// one subject a single entry covers only one. Those with fingerprints choose first.
void compare_values(const Wanted& wanted, const Fact& fact, Drift& drift) {
  std::vector<Value> open = wanted.values;
  std::ranges::stable_sort(open, {}, [](const Value& value) { return value.fingerprint.empty(); });
  std::map<Value, Occurrence> left = fact.values;
  std::vector<Value> unmet;
  for (Value& value : open) {
    const auto found = std::ranges::find_if(
        left, [&](const auto& entry) { return is_met_by(value, entry.first); });
    if (found == left.end())
      unmet.push_back(std::move(value));
    else
      left.erase(found);
  }
  for (const auto& [value, where] : left) drift.appeared.push_back({value, where});
  std::ranges::sort(unmet);
  if (!wanted.among) drift.missing = std::move(unmet);
}

std::optional<Drift> compare(Group group, const KeyRow& row, const Wanted& wanted,
                             const Fact& fact) {
  Drift drift;
  drift.key = full_name(group, row.key);
  drift.is_determined = true;
  drift.expected = describe(wanted, row.type);
  drift.found = describe(exactly(fact, row.type), row.type);
  bool differs = false;
  bool is_settled = false;  // whatever else there may be
  if (row.type == KeyType::number) {
    differs = fact.number < wanted.least || fact.number > wanted.most;
    is_settled = fact.number > wanted.most;
    if (is_settled && row.key != ExpectKey::count) drift.example = fact.example;
  } else {
    compare_values(wanted, fact, drift);
    differs = !drift.appeared.empty() || !drift.missing.empty();
    is_settled = !drift.appeared.empty();
  }
  if (!fact.unknown.empty() && !is_settled) {
    drift.is_determined = false;
    drift.found = fact.unknown;
    drift.missing.clear();
    return drift;
  }
  return differs ? std::optional(std::move(drift)) : std::nullopt;
}

}  // namespace

std::string describe(const Wanted& wanted, KeyType type) {
  if (type != KeyType::number)
    return fmt::format("{}{}", wanted.among ? "among " : "", text_of(wanted.values));
  if (wanted.least == wanted.most) return fmt::format("{}", wanted.least);
  if (wanted.most == UINT64_MAX) return fmt::format("at least {}", wanted.least);
  return fmt::format("{} to {}", wanted.least, wanted.most);
}

Expectation expect_same(const Inventory& inventory) {
  Expectation expectation;
  for (const Group group : kGroups) {
    const bool is_empty = inventory.at(group, ExpectKey::count).number == 0;
    for (const KeyRow& row : key_rows()) {
      if (!row.is_of(group) || (is_empty && row.key != ExpectKey::count)) continue;
      const Fact& fact = inventory.at(group, row.key);
      if (fact.unknown.empty()) expectation.at(group, row.key) = exactly(fact, row.type);
    }
  }
  return expectation;
}

std::vector<Drift> find_drifts(const Expectation& expectation, const Inventory& inventory) {
  std::vector<Drift> drifts;
  for (const Group group : kGroups)
    for (const KeyRow& row : key_rows())
      if (const auto& wanted = expectation.at(group, row.key))
        if (auto drift = compare(group, row, *wanted, inventory.at(group, row.key)))
          drifts.push_back(*std::move(drift));
  return drifts;
}

}  // namespace assay
