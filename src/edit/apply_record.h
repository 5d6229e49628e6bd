// edit/apply_record.h - a record followed in either direction, and nothing done where it does not
// lead to the bytes that it names.

#pragma once

#include <optional>

#include "edit/artifact.h"
#include "edit/record_set.h"

namespace assay {

// Fails with record_mismatch when the artifact is not the side that the record starts from, with
// not_restored when what comes out is not the other side, and with bad_record when the record would
// change more than signatures (edit/record_check.h).
Result<Edited> apply_record(const Artifact& artifact, const EditRecord& record,
                            Direction direction);

// The same with the record of the set that starts from these bytes, in this container. Where there
// is none, or none that can be told from others, a file that was named is no_record; of others
// (`is_named` false) those that no record is of are passed over: nothing.
Result<std::optional<Edited>> apply_fitting_record(const Artifact& artifact, const RecordSet& set,
                                                   Direction direction, bool is_named);

}  // namespace assay
