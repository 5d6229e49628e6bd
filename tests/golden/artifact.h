// What rows ask of an artifact: evidence, collected once for all sessions.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ima/evidence.h"
#include "judge/kexec.h"
#include "judge/module_load.h"

namespace assay::golden {

struct Artifact {
  std::optional<ModuleEvidence> module;
  std::optional<KexecEvidence> kexec;
  std::optional<AppendedEvidence> appended;  // of a policy
  std::vector<std::uint8_t> bytes;  // of what add_key takes, of policies, of files that are changed
  ImaEvidence ima;                  // without the attributes of any file system
  Xattrs xattrs;                    // on /d; other file systems begin without
  std::uint16_t mode = 0;
  unsigned executable_segments = 0;  // of an ELF file: what is mapped to be executed
};
using Artifacts = std::map<std::string, Artifact>;

}  // namespace assay::golden
