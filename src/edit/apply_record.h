// edit/apply_record.h - a record followed in either direction, and nothing done where it does not
// lead to the bytes that it names.

#pragma once

#include "edit/artifact.h"

namespace assay {

// Fails with record_mismatch when the artifact is not the side that the record starts from, with
// not_restored when what comes out is not the other side, and with bad_record when the record would
// change more than signatures (edit/record_check.h).
Result<Edited> apply_record(const Artifact& artifact, const EditRecord& record,
                            Direction direction);

}  // namespace assay
