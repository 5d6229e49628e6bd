#include "trust/module_root.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/file_io.h"
#include "formats/elf.h"

namespace assay {

namespace {

constexpr std::string_view kSection = ".module_hashes";

// What is left of the largest kernel lies in a file beyond this.
constexpr std::uint64_t kInMemory = 128 * limits::kMiB;

Result<std::optional<FoundModuleHashes>> find_by_section(const Content& kernel) {
  ASSAY_TRY(const std::optional<Elf> elf, Elf::open(kernel));
  if (!elf) return std::nullopt;
  const ElfSection* section = elf->find_section(kSection);
  if (section == nullptr) return std::nullopt;
  if (section->size > limits::kTrustFile)
    return fail(Reason::limit_size, {section->offset, section->size},
                fmt::format("{} of {} bytes", kSection, section->size));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View bytes, elf->read_section(*section, scratch));
  FoundModuleHashes found;
  found.offset = section->offset;
  found.by_section = true;
  if (bytes.size() == kModuleRootSize) {
    found.root = parse_module_root(bytes, elf->is_big_endian());
    if (!found.root)
      return fail(Reason::bad_value, bytes.extent(), "more levels than there are positions for");
    return found;
  }
  auto rows = parse_hash_rows(bytes);
  if (!rows)
    return fail(
        Reason::bad_length, bytes.extent(),
        fmt::format("{} of {} bytes: neither a root (36) nor rows of 32", kSection, bytes.size()));
  found.list = std::move(*rows);
  return found;
}

// The root as it would stand there in either byte order.
Result<std::optional<FoundModuleHashes>> find_by_value(const Content& kernel,
                                                       const ModuleRoot& root) {
  constexpr std::uint64_t kPiece = 4 * limits::kMiB;
  const auto little = write_module_root(root, false);
  const auto big = write_module_root(root, true);
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = 0; at + kModuleRootSize <= kernel.size(); at += kPiece) {
    const std::uint64_t size = std::min(kPiece + kModuleRootSize - 1, kernel.size() - at);
    ASSAY_TRY(const View piece, view_of(kernel, at, size, scratch));
    for (const auto& needle : {little, big}) {
      const auto hit = std::ranges::search(piece.bytes(), needle);
      if (hit.empty()) continue;
      FoundModuleHashes found;
      found.root = root;
      found.offset = at + static_cast<std::uint64_t>(hit.begin() - piece.bytes().begin());
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<FoundModuleHashes> find_module_hashes(const Content& content, const KernelImage& image,
                                             const std::optional<ModuleRoot>& expected) {
  ASSAY_TRY(const auto payload, open_payload(content, image));
  ASSAY_TRY(const auto kernel, hold(*payload, kInMemory, limits::kKernelPayload));
  ASSAY_TRY(auto found, find_by_section(*kernel));
  if (found) return std::move(*found);
  if (expected) {
    ASSAY_TRY(found, find_by_value(*kernel, *expected));
    if (found) return std::move(*found);
  }
  return fail(Reason::no_trust, {},
              expected ? "no section .module_hashes, nor the root that the modules' proofs lead to"
                       : "no section .module_hashes");
}

Result<FoundModuleHashes> open_module_hashes(const std::string& path,
                                             const std::optional<ModuleRoot>& expected) {
  const auto open = [&]() -> Result<FoundModuleHashes> {
    ASSAY_TRY(const auto file, open_file(path));
    ASSAY_TRY(const auto image, find_kernel_image(*file));
    if (!image) return fail(Reason::image_unknown);
    return find_module_hashes(*file, *image, expected);
  };
  auto found = open();
  if (!found) return std::unexpected(with_path(found.error(), encode_name(path)));
  return found;
}

}  // namespace assay
