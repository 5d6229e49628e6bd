// formats/der_writer.h - DER (ITU-T X.690), as far as messages that are signed need it.
//
// Each function gives one whole element; they nest by being joined. Reading is ber.h's.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "formats/oid.h"

namespace assay {

using DerBytes = std::vector<std::uint8_t>;

// Tag, shortest length, content.
DerBytes der_element(std::uint8_t tag, std::span<const std::uint8_t> content);
DerBytes der_element(std::uint8_t tag, std::initializer_list<DerBytes> parts);

DerBytes der_sequence(std::initializer_list<DerBytes> parts);
// A SET OF: its elements in ascending order of their bytes (X.690, 11.6). `tag` where it is tagged
// implicitly.
DerBytes der_set_of(std::vector<DerBytes> elements, std::uint8_t tag = 0x31);
DerBytes der_small_integer(std::uint8_t value);  // up to 127
DerBytes der_oid(Oid oid);
DerBytes der_octet_string(std::span<const std::uint8_t> content);
DerBytes der_null();
// Seconds since 1970 as RFC 5652, 11.3 wants them: UTCTime until 2049, then GeneralizedTime.
DerBytes der_time(std::int64_t seconds);

DerBytes der_join(std::initializer_list<DerBytes> parts);

}  // namespace assay
