// One boot of a kernel, replayed: the platform as it stood after boot, and what the rows before
// have changed.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "judge/add_key.h"
#include "tests/golden/guest.h"
#include "tests/golden/measurement_list.h"

namespace assay::golden {

using Json = nlohmann::json;

// What a row came to.
struct Performed {
  std::optional<std::string> not_replayed;  // why
  Json result = Json::object();             // the fields of `expected`
  std::string deciding_rule;
  std::string signature_rule;              // of a signature check that the call survived
  std::vector<std::string> causing_rules;  // on whose failure the deciding one rests
  std::vector<std::string> open;
};

// How often each rule decided.
using RuleCounts = std::map<std::string, std::uint64_t>;

class Session {
 public:
  Session(Platform platform, const Artifacts& artifacts);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Performed perform(const Json& op);
  const Platform& platform() const { return platform_; }

 private:
  // How a row ends in one walk: what is refused, and in which part of it.
  struct Part {
    Ending ending;
    std::string stage;  // empty: the operation itself
  };

  Performed load(const Json& op, bool from_memory);
  Performed kexec_file(const Json& op);
  Performed kexec_old();
  Performed policy(const Json& op);
  Performed read(const Json& op);
  Performed execute(const Json& op);
  Performed map(const Json& op);
  Performed append(const Json& op);
  Performed copy(const Json& op);
  Performed set_xattr(const Json& op);
  Performed remove_xattr(const Json& op);
  Performed get_xattr(const Json& op);
  Performed write(const Json& op);
  Performed add(const Json& op);
  Performed read_pseudo_file(const Json& op);
  // What the kernel measures before the first row: the TPM's registers, its own version, the first
  // process.
  void boot();
  // KEY_CHECK; until a policy is loaded, keys wait for it (ima_queue_keys.c).
  void measure_key(const std::string& keyring, const std::vector<std::uint8_t>& payload);

  // Runs `act` every way that what is open allows, and keeps what the first has
  // done.
  Performed run(const std::function<Part(Access&, bool is_first)>& act);
  // The part of an operation that opens its file.
  bool refuses_open(Access& access, GuestFile& file, std::uint32_t mask, Part& part,
                    std::string stage = "open");
  Outcome run_program(Access& access, const Json& op, int& status);
  void run_first_process(Access& access);
  Outcome load_policy(Access& access, ImaPolicySession& session, const Json& op);
  void keep(const AddKeyRequest& request, const CertificateState& state, const std::string& ring);
  ImaKeyrings rings() const;

  Platform platform_;
  const Artifacts& artifacts_;
  std::map<std::string, std::shared_ptr<Keyring>> user_rings_;
  ImaSetup setup_;
  std::optional<ImaState> ima_;
  std::vector<std::string> open_at_boot_;  // what boot depends on and nobody knows
  EvmState evm_;
  GuestFiles files_;
  MeasurementList list_;
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> waiting_keys_;
};

}  // namespace assay::golden
