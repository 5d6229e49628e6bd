// judge/module_load.h - what init_module and finit_module do with a file.
//
// The judge goes as far as the file and the platform decide: symbols that the kernel lacks, their
// versions, and what the module itself says when it starts are not looked at.

#pragma once

#include <optional>
#include <string>

#include "codec/codec.h"
#include "formats/module_elf.h"
#include "judge/ima_door.h"
#include "judge/module_sig.h"

namespace assay {

// What the in-kernel decompressor makes of the file.
struct DecompressedModule {
  Codec codec;
  std::optional<Error> fault;  // where the stream ends the load; then nothing else is set
  AppendedEvidence appended;
  ModuleElf elf;
};

struct ModuleEvidence {
  AppendedEvidence appended;
  ModuleElf elf;                                   // without the signature
  std::optional<DecompressedModule> decompressed;  // where the file is compressed
};

Result<ModuleEvidence> collect_module(const Content& content, const EvidenceOptions& options);

struct LoadRequest {
  bool from_memory = false;  // init_module: no file, no flags
  std::uint32_t flags = 0;   // of finit_module
};

namespace module_flags {
inline constexpr std::uint32_t kIgnoreModversions = 1;  // MODULE_INIT_IGNORE_MODVERSIONS
inline constexpr std::uint32_t kIgnoreVermagic = 2;     // MODULE_INIT_IGNORE_VERMAGIC
inline constexpr std::uint32_t kCompressedFile = 4;     // MODULE_INIT_COMPRESSED_FILE
}  // namespace module_flags

// `taint` is what /sys/module/X/taint then says: "E" unsigned, "F" forced, "O" out of tree, "P"
// proprietary, "C" staging. Without `ima` no file is appraised.
Ending load_module(Walk& walk, const ModuleEvidence& evidence, const LoadRequest& request,
                   const Platform& platform, std::string& taint, const ImaForModule* ima = nullptr);

// VERMAGIC_STRING (include/linux/vermagic.h); nothing where the configuration is not known, or the
// structure layout was randomised.
std::optional<std::string> kernel_vermagic(const Platform& platform);

}  // namespace assay
