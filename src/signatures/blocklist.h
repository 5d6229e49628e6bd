// signatures/blocklist.h - the hashes in the kernel's .blacklist keyring.
//
// Each is a key whose description is "tbs:" (a certificate's tbsCertificate) or "bin:" (a file) and
// the digest in lower-case hexadecimal (certs/blacklist.c). Descriptions are compared as text.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "crypto/hash.h"

namespace assay {

class Blocklist {
 public:
  void add(std::string description) { entries_.insert(std::move(description)); }
  bool empty() const { return entries_.empty(); }
  bool lists(std::string_view prefix, const Digest& digest) const {
    return !entries_.empty() && entries_.contains(std::string(prefix) + digest.hex());
  }
  // Is there any entry that starts with `prefix`?
  bool has_any(std::string_view prefix) const {
    const auto at = entries_.lower_bound(prefix);
    return at != entries_.end() && at->starts_with(prefix);
  }
  const std::set<std::string, std::less<>>& entries() const { return entries_; }

 private:
  std::set<std::string, std::less<>> entries_;
};

inline constexpr std::string_view kBlockedTbs = "tbs:";
inline constexpr std::string_view kBlockedBinary = "bin:";

}  // namespace assay
