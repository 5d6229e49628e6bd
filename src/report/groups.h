// report/groups.h - results that are alike, told in one line.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay {

// What is said of results that are alike: "untrusted    3 modules: no trusted key made the...".
struct Likeness {
  std::string label;  // padded, coloured
  std::string noun;   // of one: "module"
  std::string rest;   // follows the noun: " signed by ...", ": no signature ..."
};

// "1 module", "2 modules".
std::string count_of(std::uint64_t count, const std::string& noun);

class Groups {
 public:
  // As many as this are told one by one.
  static constexpr std::size_t kHandful = 5;

  // Always counted.
  void count(const Likeness& likeness);
  // Told one by one while they are a handful; `text` tells of this one.
  void hold(const Likeness& likeness, std::string text);

  // First what was held, then what was counted, which `problems_only` leaves out.
  std::string to_text(bool problems_only) const;

 private:
  struct Group {
    Likeness likeness;
    std::uint64_t count = 0;
    std::vector<std::string> texts;
  };
  Group& group_of(const Likeness& likeness);

  std::map<std::string, std::size_t> index_;
  std::vector<Group> groups_;  // in the order of their first members
};

}  // namespace assay
