// compare/transplant.h - what a comparison computes, written: A made of B's content and A's
// records.

#pragma once

#include <optional>
#include <string>

#include "edit/record.h"

namespace assay {

struct TransplantRequest {
  std::string a;
  std::string b;
  std::string out;
  // The files as they were compared, where their digests are known: others are refused
  // (changed_while_read), for their records were not verified.
  std::optional<ContentId> compared_a, compared_b;
};

// Writes the bytes of A, made of B, to `out`, which gets A's mode; a file that is there is replaced
// (bytes/atomic_file.h). Extended attributes are not written. Of two files that were compared and
// found to be no worse than content-equal. not_restored, and nothing is written, where what comes
// out has another SHA-256 than A; usage where A or B holds other files: their places within it
// would have to be made again, too.
Result<void> write_transplant(const TransplantRequest& request);

}  // namespace assay
