// formats/key_id.h - the identifiers by which the kernel looks for a key.
//
// asymmetric_key_generate_id (crypto/asymmetric_keys/asymmetric_type.c) joins two byte strings:
// serial number and issuer Name for an issuer's certificate, a subject key identifier and nothing.
// Only the joined bytes are compared.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bytes/view.h"

namespace assay {

struct KeyId {
  View first;
  View second;

  std::size_t size() const { return first.size() + second.size(); }
  bool empty() const { return size() == 0; }
  std::uint8_t operator[](std::size_t i) const {
    return i < first.size() ? first[i] : second[i - first.size()];
  }
};

// asymmetric_key_id_same: the same bytes, however they are divided.
bool same_key_id(const KeyId& a, const KeyId& b);

std::string to_hex(const KeyId& id);

}  // namespace assay
