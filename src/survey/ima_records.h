// survey/ima_records.h - what IMA and EVM know a file by: its extended attributes, as they lie on
// the file system or in the archive that has the file, and the file FILE.sig that evmctl puts
// beside it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ima/evidence.h"
#include "sources/source.h"

namespace assay {

struct ImaRecord {
  std::string carrier;  // "xattr"; "detached": a file beside it
  std::string place;    // "security.ima"; the name of the file
  // The attribute security.ima, and security.evm where it has one.
  ImaEvidence evidence;
};

// Empty for a file that has none. `content` is the file as it is stored: that is what IMA looks at.
Result<std::vector<ImaRecord>> collect_ima_records(const Found& found, const Content& content);

// Is this a whole security.ima that holds a signature? A file FILE.sig may be anything else.
bool is_ima_signature(View bytes);

}  // namespace assay
