// testing/cms_sample.h - what can be put into a message beside what it is signed for.

#pragma once

#include <cstdint>
#include <vector>

#include "testing/der.h"

namespace assay {

// `message` with an unsigned attribute that holds `size` octets, behind its only signature (RFC
// 5652, 5.3): the containers that end with the message grow. Each has two length octets, which the
// message has to be long enough for. `added` is how many octets came in all.
inline std::vector<std::uint8_t> with_unsigned_attribute(const std::vector<std::uint8_t>& message,
                                                         std::size_t size, std::size_t& added) {
  const std::vector<std::uint8_t> more = der::element(
      0xa1, {der::sequence({der::oid("1.2.3"),
                            der::set({der::octet_string(std::vector<std::uint8_t>(size, 'x'))})})});
  std::vector<std::uint8_t> out = message;
  out.insert(out.end(), more.begin(), more.end());
  for (std::size_t at = 0; at + 4 < message.size(); ++at) {
    const std::size_t length = static_cast<std::size_t>(message[at + 2]) << 8 | message[at + 3];
    const bool is_container = (message[at] & 0x20) != 0 && message[at + 1] == 0x82;
    if (!is_container || at + 4 + length != message.size()) continue;
    out[at + 2] = static_cast<std::uint8_t>((length + more.size()) >> 8);
    out[at + 3] = static_cast<std::uint8_t>(length + more.size());
  }
  added = more.size();
  return out;
}

}  // namespace assay
