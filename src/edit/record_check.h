// edit/record_check.h - whether a record can be what it says it is: signatures put in, and nothing
// else changed. Records come from anywhere; one that would alter what is signed is none.

#pragma once

#include "edit/record.h"

namespace assay {

// What the record itself tells: the splices of each part have the form of its carrier and add up to
// the sizes of both sides. bad_record, with what is wrong.
//
//   appended   one, at the end: appended signatures, or nothing, on either side
//   pe         three: CheckSum, the directory entry of the certificate table, and what the table
//              grows or shrinks by
//   xattr      none; no attribute twice
Result<void> check_record(const EditRecord& record);

// Whether the splices of a part of carrier pe, which make `after` of `before`, are where both
// images have these fields, and otherwise within their tables and less than eight zeros before
// them.
Result<void> check_image_part(const Content& before, const Content& after, const RecordPart& part);

}  // namespace assay
