// expect/expectation.h - what a run of `assay verify` is expected to come upon, and where it does
// not: drifts.
//
// A key that is not there is not compared. What could not be found out is never as expected.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "expect/inventory.h"

namespace assay {

struct Wanted {
  // Of a number; both ends belong to it.
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  // Of names and certificates, sorted: all of them occur, and no other.
  std::vector<Value> values;
  bool among = false;  // they may occur, and no other

  bool operator==(const Wanted&) const = default;
};

using Expectation = KeyTable<std::optional<Wanted>>;

// What is true of `inventory`; without the keys of which it is not known, and of a group without
// members its count alone.
Expectation expect_same(const Inventory& inventory);

struct Drift {
  std::string key;             // "modules.signers"
  bool is_determined = false;  // false: it could not be found out whether it is as expected
  std::string expected;        // "4023", "4000 to 4100", "\"a\", \"b\""
  std::string found;           // likewise; why not, where it could not be found out
  struct Appeared {
    Value value;
    Occurrence where;
  };
  std::vector<Appeared> appeared;  // that are not expected
  std::vector<Value> missing;      // expected, and not there
  std::string example;             // of a number that is more than expected
};

// One for each key that is not as expected, in the order of the keys.
std::vector<Drift> find_drifts(const Expectation& expectation, const Inventory& inventory);

std::string describe(const Wanted& wanted, KeyType type);

}  // namespace assay
