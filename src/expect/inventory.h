// expect/inventory.h - what a run of `assay verify` came upon, by the keys of an expectation.

#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "expect/key.h"
#include "survey/artifact_report.h"

namespace assay {

// A name that occurs; of a certificate with its fingerprint.
struct Value {
  std::string name;
  std::string fingerprint;  // empty: not a certificate, or any of that name

  auto operator<=>(const Value&) const = default;
};

struct Occurrence {
  std::uint64_t count = 0;
  std::string example;  // the path of the first
};

struct Fact {
  std::uint64_t number = 0;
  std::map<Value, Occurrence> values;
  std::string example;  // for a number: the path of the last that added to it
  // What could not be found out; the rest is then not all there is.
  std::string unknown;
};

class Inventory {
 public:
  // One whose kind is unknown, because it could not be read, is counted nowhere.
  void add(const ArtifactReport& report);

  const Fact& at(Group group, ExpectKey key) const { return facts_.at(group, key); }

 private:
  void add_signatures(const ArtifactReport& report, Group group);
  void add_signer(const SignatureReport& signature, const ArtifactReport& report, Group group);
  void add_contents(const ArtifactReport& report, Group group);
  void add_status(Group group, Standing standing, const ArtifactReport& report);
  void count(Group group, ExpectKey key, std::uint64_t more, const std::string& path);
  void note(Group group, ExpectKey key, Value value, const std::string& path);
  void leave_open(Group group, ExpectKey key, const std::string& path, const std::string& why);

  KeyTable<Fact> facts_;
};

// The group that an artifact is of; nothing where its kind is unknown.
std::optional<Group> group_of(const ArtifactReport& report);
// A file that is no module, image or PE file, and has records of IMA and EVM and no other.
bool is_record_alone(const ArtifactReport& report);
// Has it no signature of its own? Records of IMA and EVM are counted apart.
bool is_unsigned(const ArtifactReport& report);

}  // namespace assay
