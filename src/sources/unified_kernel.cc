#include "sources/unified_kernel.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "bytes/runs_content.h"
#include "formats/pe.h"
#include "sources/container.h"
#include "sources/nest.h"

namespace assay {

namespace {

bool is_unpacked(const PeSection& section) {
  return (section.name_text() == ".initrd" || section.name_text() == ".ucode") &&
         section.raw_size != 0;
}

}  // namespace

bool is_unified_kernel(View head) {
  if (head.size() < pe::kDosHeaderSize || !head.text().starts_with("MZ")) return false;
  const ViewContent content(head);
  const auto headers = read_pe_headers(content);
  if (!headers) return false;
  const auto sections = read_pe_sections(content, *headers);
  return sections && std::ranges::any_of(*sections, is_unpacked);
}

Result<void> walk_unified_kernel(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(const auto headers, read_pe_headers(image));
  ASSAY_TRY(const auto sections, read_pe_sections(image, headers));
  for (const PeSection& section : sections) {
    if (!is_unpacked(section)) continue;
    // As long as VirtualSize says, which the padding of the file rounds up.
    const Extent where{section.raw_offset, std::min(section.raw_size, section.virtual_size)};
    const std::string inner = nested_name(name, std::string(section.name_text()));
    if (!lies_inside(where.offset, where.size, image.size())) {
      nest.failed({Reason::bad_length, where,
                   fmt::format("a section of {} bytes, the image has {}", where.size, image.size()),
                   inner});
      continue;
    }
    ASSAY_CHECK(nest.count_member());
    ASSAY_CHECK(
        nest.open({ContainerKind::initramfs, std::nullopt}, RunsContent(image, where), inner));
  }
  return {};
}

}  // namespace assay
