// edit/excise.h - records taken out of a file: appended signatures, certificates of PE images,
// security.ima and security.evm.

#pragma once

#include <cstddef>
#include <optional>

#include "edit/artifact.h"

namespace assay {

struct ExciseOptions {
  bool attributes = true;            // security.ima and security.evm too
  bool last_only = false;            // of appended signatures the outermost, which kernels read
  std::optional<std::size_t> entry;  // of a PE image that certificate alone; the first is 0
};

// Content without its records, and what they are: innermost first, as they are put back.
struct BareContent {
  Rope content;
  std::vector<RecordPart> parts;   // appended signatures and certificate tables
  std::vector<std::string> notes;  // what of the canonical form another original may have otherwise
};
// limit_size and limit_count for records that are larger, or more, than any real one.
Result<BareContent> take_out_records(const std::shared_ptr<const Content>& plain,
                                     const ExciseOptions& options = {});

// Nothing where there is nothing to take out. The result has the canonical form; what of it another
// original may have had otherwise (a checksum, zeros before the table) is said in the notes.
Result<std::optional<Edited>> excise(const Artifact& artifact, const ExciseOptions& options = {});

// By the record of the edit that put them in (assay sign --records): the file as it was before,
// bit for bit. record_mismatch, or not_restored, when the record is of other bytes.
Result<Edited> restore_before(const Artifact& artifact, const EditRecord& record);

}  // namespace assay
