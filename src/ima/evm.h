// ima/evm.h - EVM: are the attributes of a file those that were protected?
//
// Mirrors evm_verifyxattr and evm_verify_hmac (security/integrity/evm). A portable signature, over
// the attributes, the owner and the mode, can be judged away from the machine. A signature that
// names the inode, or an HMAC, needs its number and generation, the file system's UUID, and an HMAC
// the key of the machine; without them it stays open.

#pragma once

#include <array>
#include <span>

#include "ima/evidence.h"
#include "ima/inode.h"
#include "ima/signature.h"

namespace assay {

// /sys/kernel/security/evm.
// The key of the HMAC, as the kernel has it: filled with zeros (evm_set_key).
using EvmKey = std::array<std::uint8_t, 128>;

struct EvmState {
  Truth has_hmac_key = Truth::no;    // bit 1
  Truth has_public_key = Truth::no;  // bit 2
  bool requires_sigv3 = false;       // bit 8, 7.2
  std::optional<EvmKey> hmac_key;    // nothing: not known
};

struct EvmVerdict {
  IntegrityStatus status = IntegrityStatus::unknown;
  Outcome outcome;  // of the rule that does not hold
};

EvmVerdict evm_verify(Walk& walk, const EvmState& evm, const SignatureVerifier& verifier,
                      const ImaEvidence& evidence);

// evm_config_default_xattrnames, in the order in which they are hashed.
std::span<const std::string_view> evm_protected_names();

// What a portable signature is over (evm_calc_hmac_or_hash): the values of the protected
// attributes, then struct h_misc of a 64-bit kernel with inode and generation 0.
std::vector<std::uint8_t> evm_portable_data(const Xattrs& xattrs, std::uint32_t owner,
                                            std::uint32_t group, std::uint16_t mode,
                                            bool big_endian);

}  // namespace assay
