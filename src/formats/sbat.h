// formats/sbat.h - SBAT: which generation of which component a boot loader or kernel is made of,
// and which generations are revoked.
//
//   .sbat section      component,generation,vendor,package,version,url     one line a component
//   SbatLevel variable component,generation[,date]                         one line a component
//
// Lines end with CR or LF; the text ends at the first NUL; a UTF-8 byte order mark at its start is
// passed over. Written by the packagers of shim, GRUB and others; read by shim (sbat.c, csv.c) and
// by systemd-stub. Source: SBAT.md of the shim project. The kernel's kexec does not look at it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

struct SbatEntry {
  std::string component;
  // The digits at its start as shim's atoi and UINT16 have them: 0 where there are none.
  std::uint16_t generation = 0;
  std::string vendor;
  std::string package;
  std::string version;
  std::string url;
};

// The content of a .sbat section. bad_value where a line has less than six columns or an empty one:
// shim then refuses the image.
Result<std::vector<SbatEntry>> parse_sbat(View section);

struct SbatRevocation {
  std::string component;
  std::uint16_t least_generation = 0;
  std::string date;  // of the first line
};

// The content of SbatLevel, SbatLevelRT or of a revocation file. Two columns are enough.
Result<std::vector<SbatRevocation>> parse_sbat_level(View bytes);

struct SbatConflict {
  const SbatEntry* entry;
  const SbatRevocation* revocation;
};

// The first entry that is revoked (verify_sbat): its component is listed with a higher generation.
// What is not listed is not revoked.
std::optional<SbatConflict> find_revoked(const std::vector<SbatEntry>& entries,
                                         const std::vector<SbatRevocation>& level);

}  // namespace assay
