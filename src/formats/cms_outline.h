// formats/cms_outline.h - SignedData up to its signers, as RFC 5652, 5.1 has it: what the kernel's
// reader (formats/cms.h) passes over and other verifiers of the same messages go by.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bytes/view.h"
#include "formats/oid.h"

namespace assay {

struct MessageOutline {
  bool is_signed_data = false;  // the outer contentType
  std::optional<std::uint8_t> version;
  std::vector<Oid> digests;  // digestAlgorithms, in order
  bool has_crls = false;
  bool has_signers = false;
  bool is_read = false;  // all of the above; else the rest is not to be used
};

MessageOutline outline_of(View message);

}  // namespace assay
