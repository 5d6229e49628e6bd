#include "formats/key_id.h"

#include "base/hex.h"

namespace assay {

bool same_key_id(const KeyId& a, const KeyId& b) {
  if (a.size() != b.size()) return false;
  if (a.first.size() == b.first.size())
    return same_bytes(a.first, b.first) && same_bytes(a.second, b.second);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

std::string to_hex(const KeyId& id) { return to_hex(id.first.bytes()) + to_hex(id.second.bytes()); }

}  // namespace assay
