// survey/examine.h - what a file is, and all that its records say, whatever kernel is asked.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "codec/codec.h"
#include "formats/elf_module.h"
#include "formats/kernel_image.h"
#include "judge/module_sig.h"
#include "judge/pe_boot.h"
#include "sources/source.h"
#include "survey/content_report.h"
#include "survey/ima_records.h"
#include "survey/modules_folder.h"
#include "survey/unified_kernel.h"
#include "trust/system_certificates.h"

namespace assay {

enum class ArtifactKind : std::uint8_t {
  module,
  kernel_image,
  pe,       // a PE file that is no kernel image
  file,     // any other file that carries a record
  unknown,  // could not be read
};
std::string_view kind_name(ArtifactKind kind);

struct Examined {
  std::string name;       // as printed
  std::string container;  // where its neighbours are
  std::string inner_name;
  std::string path;                     // on disk, where it is a file of its own
  std::optional<ModulesFolder> folder;  // that it lies in
  ArtifactKind kind = ArtifactKind::unknown;
  std::string format;      // "ko", "ko.xz", "bzImage", "pe32+", ...
  std::uint64_t size = 0;  // decompressed
  std::optional<ElfModule> module;
  std::optional<KernelImage> image;
  std::optional<AppendedEvidence> appended;
  std::vector<ImaRecord> ima;    // of the file as it is stored
  std::optional<PeEvidence> pe;  // of a file that starts as PE images do
  std::optional<PeBootEvidence> boot;
  std::vector<SectionText> texts;  // of a unified kernel image
  std::vector<Examined> inner;     // kernel images inside this one, where asked for
  std::optional<Error> error;      // what kept us from the rest
  // The certificates built into a kernel image, or why they were not found; where asked for.
  std::optional<Result<SystemCertificates>> builtin;
  std::optional<ContentReport> contents;  // where asked for
};

// Nothing when the file is no artifact: neither module, kernel image nor PE file, and without a
// record (unless `all`). `with_content` is called with the bytes (decompressed, for a module) while
// they are there, for what else has to be learned from them.
std::optional<Examined> examine(
    Found found, bool all, const EvidenceOptions& options,
    const std::function<void(const Examined&, const Content&)>& with_content);

}  // namespace assay
