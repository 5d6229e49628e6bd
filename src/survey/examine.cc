#include "survey/examine.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"
#include "bytes/reader.h"
#include "formats/compressed_module.h"
#include "formats/module_name.h"
#include "survey/open_whole.h"

namespace assay {

namespace {

// MS-DOS header with the offset of a PE header (PE/COFF, "MS-DOS Stub").
Result<std::string> find_pe(const Content& content) {
  constexpr std::size_t kDosHeader = 64;
  constexpr std::size_t kPeHeader = 26;  // signature, COFF header, magic of the optional header
  std::vector<std::uint8_t> scratch;
  if (content.size() < kDosHeader + kPeHeader) return std::string();
  ASSAY_TRY(const View dos, view_of(content, 0, kDosHeader, scratch));
  const Record<kDosHeader> record(dos);
  if (record.le16<0>() != 0x5A4D) return std::string();
  const std::uint64_t offset = record.le32<60>();
  if (!lies_inside(offset, kPeHeader, content.size())) return std::string();
  ASSAY_TRY(const View pe, view_of(content, offset, kPeHeader, scratch));
  const Record<kPeHeader> header(pe);
  if (header.le32<0>() != 0x4550) return std::string();
  return std::string(header.le16<24>() == 0x20B ? "pe32+" : "pe32");
}

std::string image_format(const KernelImage& image) {
  std::string format(image_format_name(image.format));
  if (image.outer) format += fmt::format(".{}", codec_name(*image.outer));
  return format;
}

// A module's plain content; for one that was compressed, what it decompresses to. Who decompresses
// it is not known: the kernel ends with the first stream, whatever follows
// (kernel/module/decompress.c, 6.1, 6.12 and 7.2); kmod reads streams that follow, and takes or
// refuses other bytes by the library it uses (libkmod/libkmod-file.c: gzread, LZMA_CONCATENATED,
// ZSTD_decompressStream).
Result<std::unique_ptr<Content>> plain_content(const Content& content, std::optional<Codec> codec) {
  if (!codec) return nullptr;
  return decompress_module(content, *codec);
}

class Examiner {
 public:
  Examiner(Examined& out, const EvidenceOptions& options,
           const std::function<void(const Examined&, const Content&)>& with_content)
      : out_(out), options_(options), with_content_(with_content) {}

  // False: no artifact.
  Result<bool> examine(const Content& content, bool all) {
    out_.size = content.size();
    if (const auto named = parse_module_name(out_.inner_name)) return module(content, named->codec);
    ASSAY_TRY(out_.image, find_kernel_image(content));
    if (out_.image) {
      out_.kind = ArtifactKind::kernel_image;
      out_.format = image_format(*out_.image);
      ASSAY_CHECK(pe(content));
      return appended(content);
    }
    ASSAY_TRY(out_.format, find_pe(content));
    if (!out_.format.empty()) {
      out_.kind = ArtifactKind::pe;
      ASSAY_CHECK(pe(content));
      return appended(content);
    }
    if (auto elf = read_elf_module(content); elf && *elf) {
      out_.kind = ArtifactKind::module;
      out_.format = "ko";
      out_.module = std::move(*elf);
      return appended(content);
    }
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(content));
    if (!trailer.has_marker && out_.ima.empty() && !all) return false;
    out_.kind = ArtifactKind::file;
    return appended(content);
  }

 private:
  Result<bool> module(const Content& content, std::optional<Codec> codec) {
    out_.kind = ArtifactKind::module;
    out_.format = codec ? fmt::format("ko.{}", *codec == Codec::gzip   ? "gz"
                                               : *codec == Codec::zstd ? "zst"
                                                                       : "xz")
                        : "ko";
    ASSAY_TRY(const auto plain, plain_content(content, codec));
    const Content& bytes = plain ? *plain : content;
    out_.size = bytes.size();
    // A module whose ELF headers are damaged still has, or has not, a signature: the kernel looks
    // at that first.
    if (auto elf = read_elf_module(bytes)) out_.module = std::move(*elf);
    return appended(bytes);
  }

  // A kernel without the magic of DOS has no place for a PE signature.
  Result<void> pe(const Content& content) {
    ASSAY_TRY(PeEvidence evidence, collect_pe(content));
    if (evidence.headers.dos_magic != pe::kDosMagic) return {};
    ASSAY_TRY(out_.boot, collect_pe_boot(content, evidence));
    ASSAY_TRY(out_.texts, read_section_texts(content, *out_.boot));
    out_.pe = std::move(evidence);
    return {};
  }

  Result<bool> appended(const Content& content) {
    ASSAY_TRY(out_.appended, collect_appended(content, options_));
    if (with_content_) with_content_(out_, content);
    return true;
  }

  Examined& out_;
  const EvidenceOptions& options_;
  const std::function<void(const Examined&, const Content&)>& with_content_;
};

}  // namespace

std::string_view kind_name(ArtifactKind kind) {
  switch (kind) {
    case ArtifactKind::module: return "module";
    case ArtifactKind::kernel_image: return "kernel-image";
    case ArtifactKind::pe: return "pe";
    case ArtifactKind::file: return "file";
    case ArtifactKind::unknown: return "unknown";
  }
  return "unknown";
}

std::optional<Examined> examine(
    Found found, bool all, const EvidenceOptions& options,
    const std::function<void(const Examined&, const Content&)>& with_content) {
  Examined out;
  out.name = std::move(found.name);
  out.container = std::move(found.container);
  out.inner_name = std::move(found.inner_name);
  out.path = found.path;
  out.folder = find_modules_folder(out.path, out.inner_name);
  Examiner examiner(out, options, with_content);
  const auto run = [&]() -> Result<bool> {
    std::unique_ptr<Content> file;
    if (!found.content) {
      ASSAY_TRY(file, open_whole(found.path));
    }
    const Content& content = file ? *file : *found.content;
    ASSAY_TRY(out.ima, collect_ima_records(found, content));
    return examiner.examine(content, all);
  };
  const Result<bool> done = run();
  if (!done) out.error = with_path(done.error(), out.name);
  if (done && !*done) return std::nullopt;
  return out;
}

}  // namespace assay
