// base/name.h - how the name of an artifact is written, in every output.
//
// A nested artifact is named by its containers, outermost first, joined by '!':
//   linux-image.deb!lib/modules/6.1.0/kernel/fs/ext4/ext4.ko
// Inside one component, bytes that are not UTF-8, control characters (of direction too), '!' and '%'
// are percent-encoded (RFC 3986, 2.1), so that a name is one line, decodes to one sequence of bytes,
// and cannot forge a terminal sequence or another artifact's name.

#pragma once

#include <string>
#include <string_view>

namespace assay {

// One component as it is printed.
std::string encode_name(std::string_view bytes);

// The bytes of one printed component. A '%' that no two hexadecimal digits follow stays as it is.
std::string decode_name(std::string_view text);

// The printed name of `inner` (raw bytes) inside `outer` (already printed; empty for none).
std::string nested_name(std::string_view outer, std::string_view inner);

}  // namespace assay
