// ima/platform_ima.h - IMA on a described platform: what the platform's values say to it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ima/appraise.h"
#include "ima/evm.h"
#include "ima/policy_load.h"
#include "ima/state.h"
#include "trust/platform.h"

namespace assay {

// What arch_get_secureboot answers: of s390, whether it was securely loaded.
Truth ima_secure_boot(const Platform& platform);

// Refers to the platform. A command line that is not known is made of what the platform says of
// IMA's mode and built-in policies, where it says both.
ImaSetup ima_setup(const Platform& platform);

// The rings of the kernel. Without CONFIG_INTEGRITY_TRUSTED_KEYRING those of IMA and EVM are made
// by user space (_ima, _evm); keyrings.ima and keyrings.evm then describe these.
ImaKeyrings ima_keyrings(const Platform& platform);

// Whether EVM verifies anything is not in the platform; with no CONFIG_EVM and with no key it does
// not.
EvmState evm_state(const Platform& platform);

// The process that asks.
ImaSubject ima_subject(const Platform& platform);

// The file system that `path` lies on, by the mounts of the platform.
const MountedFilesystem* find_filesystem(const Platform& platform, std::string_view path);
ImaFile ima_file_on(const MountedFilesystem& filesystem, const KernelConfig& config);

// IMA as a request finds it: booted, and with the platform's custom policies loaded; where those
// are not known, with the rules that the platform says are in force (ima.initial_rules). Whatever
// this depends on and the platform leaves open is settled by each walk; where it leaves nothing
// open, that is done once. "11111111-2222-3333-4444-555555555555".
std::optional<FsUuid> parse_fs_uuid(std::string_view text);

// A custom policy of the platform that its kernel does not take, whatever is open: then it cannot
// be in force, and the platform contradicts itself.
struct RefusedPolicy {
  std::size_t index = 0;  // in ima.policy
  unsigned line = 0;      // from 1; 0: the policy as a whole
  std::string why;
};
std::optional<RefusedPolicy> find_refused_policy(const Platform& platform);

// A rule of ima.initial_rules (the index) that is none of the platform's kernel, whatever is open.
std::optional<RefusedPolicy> find_refused_rule(const Platform& platform);

class PlatformIma {
 public:
  explicit PlatformIma(const Platform& platform);

  const Platform& platform() const { return platform_; }
  const ImaKeyrings& rings() const { return rings_; }
  // The state in this walk; `room` holds it where it depends on the walk.
  const ImaState& state(Walk& walk, std::optional<ImaState>& room) const;
  // False: no rule in force asks about any file, whatever is open.
  bool has_rules() const { return has_rules_; }
  // Are these all the rules? Else a policy may have been loaded that the platform does not name.
  Truth is_whole() const;
  // The digests that ima_hash= may name; none where no file is asked about.
  std::vector<const HashAlgo*> hashes() const;

 private:
  ImaState make(Walk& walk) const;

  const Platform& platform_;
  ImaKeyrings rings_;
  std::optional<ImaState> always_;
  bool has_rules_ = true;
};

}  // namespace assay
