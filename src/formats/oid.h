// formats/oid.h - object identifiers: from their DER content to a name and back.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bytes/view.h"

namespace assay {

// The identifiers of formats/oids.def; `unknown` for all others.
enum class Oid : std::uint8_t {
  unknown,
#define OID(name, dotted, text) name,
#include "formats/oids.def"
#undef OID
};

// `content` is the content of the DER element, without tag and length.
Oid find_oid(View content);

// The DER content of a known identifier.
std::span<const std::uint8_t> oid_content(Oid oid);

// What people call it ("sha256"); "unknown" for Oid::unknown.
std::string_view oid_text(Oid oid);

// The text of a known identifier, else its dotted form ("1.2.3"), else "invalid" with the bytes.
std::string oid_text(View content);

// "1.2.840.113549.1.7.2"; empty for what no OID encodes to.
std::string dotted_oid(View content);

}  // namespace assay
