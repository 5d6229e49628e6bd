// signatures/rule.h - one sentence of the kernel's behaviour.
//
// Rules are rows of tables (*.def), in the kernel's order, with static lifetime. What is explained,
// documented and tested comes from the same rows; no error number of the kernel stands anywhere
// else.

#pragma once

#include <cstdint>
#include <string_view>

#include "base/errno.h"
#include "signatures/kernel.h"

namespace assay {

// What a signature is called whose check ends at a rule that does not hold (assay verify).
enum class Standing : std::uint8_t {
  verified,
  unsigned_,     // there is no signature
  untrusted,     // no key that is trusted, or no algorithm that this kernel has
  bad,           // a signature that this kernel rejects whatever its policy
  malformed,     // bytes that this kernel does not accept as a signature
  undetermined,  // could not be found out
  unchecked,     // of a kind that is not checked
};

std::string_view standing_name(Standing standing);

struct Rule {
  std::string_view
      id;  // "pkcs7/signed-data-version": mechanism and name; stable, quoted by scripts
  std::string_view site;   // the kernel function that does this
  std::string_view holds;  // what must hold
  std::string_view fails;  // what is said when it does not: "no signature at the end of the file"
  Errno otherwise;         // the error where it does not
  Standing standing;       // and what verify makes of it
  Scope scope = {};
  // What the kernel then prints at the default log level. %u, %s and the like stand for values that
  // the walk fills in; <...> for what only the running kernel knows (its enum OID, a process).
  std::string_view log = {};
  bool crashes =
      false;  // where it does not hold, the kernel itself goes wrong; there is no error number

  std::string_view mechanism() const { return id.substr(0, id.find('/')); }
};

}  // namespace assay
