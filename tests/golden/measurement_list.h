// The measurement list of a session.

#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ima/measurement.h"

namespace assay::golden {

class MeasurementList {
 public:
  // `keeps_repeated`: CONFIG_IMA_DISABLE_HTABLE.
  explicit MeasurementList(bool keeps_repeated = false) : keeps_repeated_(keeps_repeated) {}

  // ima_add_template_entry: not one that the list has already, in its register.
  void add(const ImaEntry& entry);

  // The pseudo-files; nothing where something in them is not known.
  std::optional<std::string> ascii() const;
  std::optional<std::string> binary() const;
  std::size_t size() const { return entries_.size(); }

 private:
  bool is_known() const;

  bool keeps_repeated_;
  std::vector<ImaEntry> entries_;
  std::set<std::tuple<int, std::string>> seen_;
};

}  // namespace assay::golden
