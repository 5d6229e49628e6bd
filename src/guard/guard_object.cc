#include "guard/guard_object.h"

// The compiled programs (guard/bpf/guard.bpf.c), as the build made them.
asm(".pushsection .rodata\n"
    ".balign 8\n"
    ".global assay_guard_object\n"
    "assay_guard_object:\n"
    ".incbin \"" ASSAY_GUARD_OBJECT
    "\"\n"
    ".global assay_guard_object_end\n"
    "assay_guard_object_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" const unsigned char assay_guard_object[];
extern "C" const unsigned char assay_guard_object_end[];

namespace assay {

std::span<const std::uint8_t> guard_object() {
  return {assay_guard_object, assay_guard_object_end};
}

}  // namespace assay
