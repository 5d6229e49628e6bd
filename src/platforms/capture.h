// platforms/capture.h - the platform that a running host, a kernel package or a Kconfig file is.
//
// A running host is read by the files in which its kernel tells of itself (/proc, /sys, efivarfs)
// and by what is installed (/boot, /lib/modules); no program is started and no log is read. What
// cannot be read stays unknown, and a note says why.

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

struct Capture {
  Platform platform;
  // What could not be read, what the kernel has and nobody can see, what does not fit together.
  std::vector<std::string> notes;
};

// `root` is "/" for this machine. Fails where not even the kernel's version can be told.
Result<Capture> capture_host(const std::string& root);

// The kernel in a Debian package, or in a folder that one was unpacked into: configuration and
// built-in keys. How it is booted is not known.
Result<Capture> capture_package(const std::string& path);

// A Kconfig file: nothing but the configuration, and the version and architecture that it names.
Result<Capture> capture_config(const std::string& path);

}  // namespace assay
