// One boot of a kernel, replayed: the platform as it stood after boot, and what the rows before
// have changed.

#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "judge/add_key.h"
#include "judge/kexec.h"
#include "judge/module_load.h"

namespace assay::golden {

using Json = nlohmann::json;

// All that rows ask of an artifact.
struct Artifact {
  std::optional<ModuleEvidence> module;
  std::optional<KexecEvidence> kexec;
  std::vector<std::uint8_t> bytes;  // certificates and messages: what add_key takes
};
using Artifacts = std::map<std::string, Artifact>;

// What a row came to.
struct Performed {
  std::optional<std::string> not_replayed;  // why
  Json result = Json::object();             // the fields of `expected`
  std::string deciding_rule;
  std::string signature_rule;  // of a signature check that the call survived
  std::vector<std::string> open;
};

// How often each rule decided.
using RuleCounts = std::map<std::string, std::uint64_t>;

class Session {
 public:
  Session(Platform platform, const Artifacts& artifacts)
      : platform_(std::move(platform)), artifacts_(artifacts) {}

  Performed perform(const Json& op);
  const Platform& platform() const { return platform_; }

 private:
  Performed load(const Json& op, bool from_memory);
  Performed kexec_file(const Json& op);
  Performed kexec_old();
  Performed add(const Json& op);
  Performed read_pseudo_file(const Json& op);
  void keep(const AddKeyRequest& request, const CertificateState& state);
  std::optional<std::string> ima_rule_for(std::string_view hook) const;

  Platform platform_;
  const Artifacts& artifacts_;
  std::set<std::string> user_rings_;
  bool policy_changed_ = false;
};

}  // namespace assay::golden
