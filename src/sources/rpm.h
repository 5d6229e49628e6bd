// sources/rpm.h - packages of RPM: the files of the payload, "tool.rpm!usr/bin/tool", with the
// security.ima that the headers have for them.

#pragma once

#include <string>

#include "bytes/content.h"
#include "sources/source.h"

namespace assay {

void walk_rpm_file(const std::string& path, const std::string& name, const SourceOptions& options,
                   SourceVisitor& visitor);

// `name` is the package's printed name. A file whose size is not what the header says (the payload
// has the content of hard links once) is a failure.
Result<void> walk_rpm(const Content& content, const std::string& name, const SourceOptions& options,
                      SourceVisitor& visitor);

}  // namespace assay
