// survey/unified_kernel.h - what a unified kernel image (systemd's stub) carries in its sections
// beside code: the kernel in .linux, and texts.
//
//   .linux .initrd            the kernel image, what it unpacks
//   .cmdline .uname .osrel    text
//   .pcrsig .pcrpkey          JSON with signatures of PCR policies, the PEM key that made them
//
// Sections are as long as VirtualSize says, which the padding of the file rounds up.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bytes/content.h"
#include "judge/pe_boot.h"

namespace assay {

struct SectionText {
  std::string section;  // ".cmdline"
  std::string text;
};

// The texts among the sections; none longer than 64 KiB.
Result<std::vector<SectionText>> read_section_texts(const Content& content,
                                                    const PeBootEvidence& image);

// The first .linux section that lies in the file.
std::optional<Extent> find_inner_kernel(const Content& content, const PeBootEvidence& image);

// A part of `content`, which outlives it.
std::unique_ptr<Content> open_part(const Content& content, Extent part);

}  // namespace assay
