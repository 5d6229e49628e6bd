// formats/tpm_event_log.h - what firmware and boot loader measured before the kernel ran:
// /sys/kernel/security/tpm0/binary_bios_measurements.
//
//   first event    TCG_PCR_EVENT
//     0   4  pcrIndex
//     4   4  eventType: EV_NO_ACTION, 3, in a log of several banks
//     8  20  digest, SHA-1
//    28   4  eventDataSize
//    32      event: TCG_EfiSpecIDEvent
//              0  16  "Spec ID Event03\0"
//             16   4  platformClass
//             20   4  minor, major, errata of the specification, size of UINTN
//             24   4  numberOfAlgorithms
//             28      algorithmId (2), digestSize (2), of each
//                  1  vendorInfoSize, and vendorInfo
//   the others     TCG_PCR_EVENT2: pcrIndex (4), eventType (4), count (4), of each digest
//                  algorithmId (2) and the bytes, eventSize (4), event
//
// A log that does not begin so (TPM 1.2) has TCG_PCR_EVENTs alone, and SHA-1. Little endian on disk
// and in the file, whatever the machine. Source: TCG PC Client Platform Firmware Profile, 1.05, 10;
// written by UEFI firmware, read by drivers/char/tpm/eventlog (tpm1.c, tpm2.c).

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

// TPM_ALG_ID (TCG Algorithm Registry), by the kernel's names; empty for one that is not known.
std::string_view tpm_hash_name(std::uint16_t algorithm);

struct TpmBank {
  std::uint16_t algorithm = 0;
  std::uint16_t digest_size = 0;
};

struct TpmEvent {
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  std::vector<View> digests;  // one a bank of the log, in its order
  View data;

  // Nothing is extended with it: EV_NO_ACTION.
  bool is_informative() const { return type == 3; }
};

struct TpmEventLog {
  std::vector<TpmBank> banks;
  std::vector<TpmEvent> events;  // the first of a log of several banks is not among them
  // That the firmware started the TPM from (StartupLocality): PCR 0 begins with this number.
  std::uint8_t startup_locality = 0;
};

// The views lie in `log`. truncated and bad_length where an event does not end in it, bad_value
// where one has other digests than the banks say.
Result<TpmEventLog> parse_tpm_event_log(View log);

}  // namespace assay
