#include "sandbox/confine.h"

#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

#include "sandbox/landlock.h"
#include "sandbox/seccomp.h"

namespace assay {

Confinement confine_process(const ConfinementRules& rules) {
  Confinement out;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    out.missing = std::string("no_new_privs: ") + std::strerror(errno);
    return out;
  }
  const std::string files = restrict_files(rules);
  const std::string calls = restrict_calls();
  out.files = files.empty();
  out.calls = calls.empty();
  out.missing = files.empty() || calls.empty() ? files + calls : files + "; " + calls;
  return out;
}

}  // namespace assay
