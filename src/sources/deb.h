// sources/deb.h - Debian packages (deb(5)): an ar archive of debian-binary, control.tar and
// data.tar.
//
// The files of data.tar are yielded as the package's own: "linux.deb!boot/vmlinuz-6.1.0". Files to
// which a link gives a module's or a kernel's name are yielded again, after the others, under that
// name; where a link leads to nothing in the package, that is a failure.

#pragma once

#include <string>

#include "bytes/content.h"
#include "sources/archive.h"

namespace assay {

// By the ar magic and the name of the first member.
bool is_deb(View head);

// `name` is the package's printed name.
Result<void> walk_deb(const Content& content, const std::string& name, Nest& nest);

}  // namespace assay
