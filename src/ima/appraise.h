// ima/appraise.h - what IMA does when it is asked about a file.
//
// Mirrors process_measurement (security/integrity/ima/ima_main.c) and what it calls:
// ima_collect_measurement, ima_check_blacklist, ima_appraise_measurement. What it measures and
// audits is said, not made.

#pragma once

#include <string>
#include <vector>

#include "ima/evidence.h"
#include "ima/evm.h"
#include "ima/inode.h"
#include "ima/match.h"
#include "ima/measurement.h"
#include "ima/signature.h"
#include "ima/state.h"
#include "signatures/pkcs7.h"

namespace assay {

// The kernel that is asked. Refers to the platform's values.
struct ImaKernel {
  const ImaState& state;
  const KernelConfig& config;
  const SignatureContext& signatures;
  const ImaKeyrings& rings;
  EvmState evm;
};

struct ImaVerdict {
  // Does the call go on? Failed: with EACCES, and the step of the rule that decided.
  Outcome outcome;
  // What is wrong with the file, refused or not: the error that the kernel carries inside.
  Outcome internal;
  std::vector<std::string> causes;  // cause= of the audit records, in order
  ImaMatch match;
  bool appraised = false;  // in this call
  // By an appended signature over content of its own, which says nothing of the file.
  bool signs_own_content = false;
  IntegrityStatus status = IntegrityStatus::unknown;
  bool measured = false;  // in this call
  // The entry of the measurement list; nothing where a field of it cannot be made. The kernel
  // leaves out one that the list has already.
  std::optional<ImaEntry> entry;
  // The digest on the blocklist, where that is measured.
  std::optional<ImaEntry> blocked_entry;
  bool audited = false;
  std::optional<FileDigest> digest;
  // What ima_appraise=fix has written to security.ima.
  std::optional<std::vector<std::uint8_t>> fixed;
  ImaInode inode;  // what the kernel remembers from now on
};

// `before` is what the kernel remembers of the file. A fresh file has an empty one.
ImaVerdict ima_process(Walk& walk, const ImaKernel& kernel, const ImaEvent& event,
                       const ImaEvidence& evidence, const ImaInode& before);

// ima_fix_xattr: the security.ima that the kernel writes for a digest. Nothing where libcrypto
// lacks it.
std::optional<std::vector<std::uint8_t>> ima_digest_xattr(const FileDigest& digest);

// ima_get_hash_algo: the algorithm that security.ima names, or the default.
const HashAlgo& ima_hash_algo(Walk& walk, const std::optional<ImaXattr>& xattr,
                              const HashAlgo& by_default);

}  // namespace assay
