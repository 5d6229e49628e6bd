// sandbox/confine.h - the process gives up what it does not need, before it reads what strangers
// wrote: Landlock takes away files (Documentation/userspace-api/landlock.rst), seccomp system calls
// (Documentation/userspace-api/seccomp_filter.rst). Neither can be undone.
//
// What is left: to read what `readable` names and lies below, to write to files in `scratch` that
// have no name, to use what is open already, and threads. No other file can be opened, none be
// made, changed or removed; no program started, no process made, traced or signalled, no socket,
// no mount, no namespace, no eBPF.

#pragma once

#include <string>
#include <vector>

namespace assay {

struct ConfinementRules {
  // Files and folders; what is not there is passed over.
  std::vector<std::string> readable;
  // A folder for temporary files.
  std::string scratch;
};

struct Confinement {
  bool files = false;   // Landlock holds
  bool calls = false;   // seccomp holds
  std::string missing;  // what does not, and why
};

// To be called while there is one thread.
Confinement confine_process(const ConfinementRules& rules);

}  // namespace assay
