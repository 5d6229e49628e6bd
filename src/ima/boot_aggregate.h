// ima/boot_aggregate.h - the first entry of IMA's list: a digest over what was measured before the
// kernel ran.
//
// ima_calc_boot_aggregate (security/integrity/ima/ima_crypto.c, 6.1, 6.12 and 7.2) reads PCRs 0 to
// 7, and 8 and 9 unless the bank is SHA-1's, of one bank: that of IMA's default hash, else
// SHA-256's, else SHA-1's. Here the registers are those that the firmware's log leads to, so that a
// list and a log that do not belong together are told apart. Who extends a register without a log
// entry is not seen: a quote of the TPM is for that.

#pragma once

#include <array>
#include <string_view>

#include "crypto/hash.h"
#include "formats/tpm_event_log.h"

namespace assay {

inline constexpr std::size_t kPcrCount = 24;

struct BootAggregate {
  Hash bank = Hash::sha256;
  std::array<Digest, kPcrCount> pcrs;  // as the log leaves them
  Digest value;
};

// bad_value where the log names a register that no TPM has; crypto_unavailable where none of the
// three banks is in the log.
Result<BootAggregate> compute_boot_aggregate(const TpmEventLog& log, Hash ima_hash);

// The digests of the entries boot_aggregate in ascii_runtime_measurements, in order: after kexec
// there are several. bad_value for a line that is none of the list's.
Result<std::vector<Digest>> find_boot_aggregates(std::string_view ascii_list);

}  // namespace assay
