// judge/ipe_policy.h - policies of IPE, the LSM of Integrity Policy Enforcement, as the kernel
// parses them (security/ipe/policy_parser.c, alike in 6.12 and 7.2).
//
//   policy_name=NAME policy_version=1.0.0
//   DEFAULT action=ALLOW
//   DEFAULT op=KMODULE action=DENY
//   op=KMODULE fsverity_digest=sha256:0b2e... action=ALLOW
//
// Lines end with \n or \r, words are apart by blanks and tabs, # begins a comment.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/walk.h"

namespace assay {

enum class IpeOp : std::uint8_t {
  execute,
  firmware,
  kmodule,
  kexec_image,
  kexec_initramfs,
  policy,
  x509_cert,
};
inline constexpr std::size_t kIpeOps = 7;
std::string_view ipe_op_name(IpeOp op);  // "KMODULE"

enum class IpeAction : std::uint8_t { allow, deny };

enum class IpeProperty : std::uint8_t {
  boot_verified_false,
  boot_verified_true,
  dmverity_roothash,
  dmverity_signature_false,
  dmverity_signature_true,
  fsverity_digest,
  fsverity_signature_false,
  fsverity_signature_true,
};

struct IpeDigest {
  std::string algorithm;  // as the policy spells it
  std::vector<std::uint8_t> bytes;
  friend bool operator==(const IpeDigest&, const IpeDigest&) = default;
};

struct IpeCondition {
  IpeProperty property;
  IpeDigest digest;  // of the two that have one
};

struct IpeRule {
  std::size_t line = 0;  // in the text, from 1
  IpeAction action = IpeAction::deny;
  std::vector<IpeCondition> conditions;
};

struct IpeTable {
  std::vector<IpeRule> rules;
  std::optional<IpeAction> otherwise;
};

struct IpePolicy {
  std::string name;
  std::array<std::uint16_t, 3> version{};
  std::array<IpeTable, kIpeOps> tables;
  std::optional<IpeAction> otherwise;

  const IpeTable& table(IpeOp op) const { return tables[static_cast<std::size_t>(op)]; }
  IpeTable& table(IpeOp op) { return tables[static_cast<std::size_t>(op)]; }
};

// Where the walk comes to no failure, `policy` is what the kernel has. The text ends at its first
// NUL.
Outcome parse_ipe_policy(Walk& walk, std::string_view text, IpePolicy& policy);

}  // namespace assay
