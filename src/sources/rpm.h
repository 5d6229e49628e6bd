// sources/rpm.h - packages of RPM: the files of the payload, "tool.rpm!usr/bin/tool", with the
// security.ima that the headers have for them.

#pragma once

#include <string>

#include "bytes/content.h"
#include "sources/archive.h"

namespace assay {

// `name` is the package's printed name. Of hard links the payload has the content once, with the
// last of them: each is found with it. A file whose size is not what the header says is a failure.
Result<void> walk_rpm(const Content& content, const std::string& name, Nest& nest);

}  // namespace assay
