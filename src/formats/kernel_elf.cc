#include "formats/kernel_elf.h"

#include <algorithm>
#include <vector>

#include "bytes/reader.h"
#include "formats/elf.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

// include/uapi/linux/elf.h
constexpr std::string_view kMagic64 = "\177ELF\2"sv;
constexpr std::uint32_t kNote = 4;
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kSegmentSize = 56;

constexpr unsigned kSegments = 64;  // kernels have at most ten
// The notes of a kernel: build id, build salt, on x86 those of Xen.
constexpr std::uint64_t kNotesSize = 64 * limits::kKiB;
// include/linux/build-salt.h, BUILD_SALT: LINUX_ELFNOTE_BUILD_SALT of the owner "Linux".
constexpr std::string_view kOwner = "Linux\0"sv;
constexpr std::uint32_t kBuildSalt = 0x100;
// arch/s390/include/asm/page.h, TEXT_OFFSET: where the kernel is linked.
constexpr std::uint64_t kS390Text = 0x100000;

// N bytes of an ELF file, decoded in the file's byte order.
template <std::size_t N>
class Fields {
 public:
  Fields(View view, bool big) : record_(view.sub(0, N)), big_(big) {}
  template <std::size_t At>
  std::uint16_t u16() const {
    return big_ ? record_.template be16<At>() : record_.template le16<At>();
  }
  template <std::size_t At>
  std::uint32_t u32() const {
    return big_ ? record_.template be32<At>() : record_.template le32<At>();
  }
  template <std::size_t At>
  std::uint64_t u64() const {
    return big_ ? record_.template be64<At>() : record_.template le64<At>();
  }

 private:
  Record<N> record_;
  bool big_;
};

struct Head {
  bool big_endian;
  unsigned type;
  std::optional<Arch> arch;
  std::vector<ElfSegment> segments;
};

// Nothing when it is no 64-bit ELF file, or its program headers are not there.
Result<std::optional<Head>> parse_head(ImageSource& source) {
  ASSAY_TRY(const auto view, source.at(0, kHeaderSize));
  if (!view || !view->text().starts_with(kMagic64)) return std::nullopt;
  const std::uint8_t order = (*view)[5];
  if (order != 1 && order != 2) return std::nullopt;
  const bool big = order == 2;
  const Fields<kHeaderSize> header(*view, big);
  const std::uint64_t e_phoff = header.u64<32>();
  const unsigned e_phentsize = header.u16<54>();
  const unsigned e_phnum = header.u16<56>();
  if (e_phentsize != kSegmentSize || e_phnum > kSegments) return std::nullopt;

  Head head{big, header.u16<16>(), arch_of_elf_machine(header.u16<18>()), {}};
  ASSAY_TRY(const auto table, source.at(e_phoff, e_phnum * kSegmentSize));
  if (!table) return std::nullopt;
  for (unsigned i = 0; i < e_phnum; ++i) {
    const Fields<kSegmentSize> row(table->sub(i * kSegmentSize, kSegmentSize), big);
    head.segments.push_back({row.u32<0>(), row.u64<8>(), row.u64<16>(), row.u64<32>()});
  }
  return head;
}

// A note has the size of its owner, that of its contents, its type, then the owner.
bool has_linux_note(View notes, bool big) {
  for (std::size_t at = 0; lies_inside(at, 12 + kOwner.size(), notes.size()); at += 4) {
    if (notes.sub(at + 12, kOwner.size()).text() != kOwner) continue;
    const Fields<12> note(notes.sub(at, 12), big);
    if (note.u32<0>() == kOwner.size() && note.u32<8>() == kBuildSalt) return true;
  }
  return false;
}

Result<bool> has_linux_note(ImageSource& source, const Head& head) {
  for (const ElfSegment& segment : head.segments) {
    if (segment.type != kNote) continue;
    ASSAY_TRY(const View notes,
              source.up_to(segment.offset, std::min(segment.file_size, kNotesSize)));
    if (has_linux_note(notes, head.big_endian)) return true;
  }
  return false;
}

bool lies_in_kernel_space(const Head& head, const ElfSegment& segment) {
  if (segment.type != elf::kLoad) return false;
  return head.arch == Arch::s390x ? segment.address == kS390Text : segment.address >> 63 != 0;
}

// What is linked to run in the kernel's half of the address space (on s390, which has no halves, at
// the kernel's text offset), asks for no interpreter (FreeBSD's kernel does), and carries the note
// that BUILD_SALT writes (init/version.c; since 4.19, whatever the salt). Modules have the note
// too, but are ET_REL; the vDSO has it, but runs in user space; Xen runs in the upper half, but
// lacks the note. The notes of a file that is compressed as a whole are out of reach: there the
// addresses decide.
Result<bool> is_kernel(ImageSource& source, const Head& head) {
  if (head.type != elf::kExecutable && head.type != elf::kShared) return false;
  if (!head.arch || is_big_endian(*head.arch) != head.big_endian) return false;
  if (std::ranges::count(head.segments, elf::kInterpreter, &ElfSegment::type) != 0) return false;
  const auto in_kernel_space = [&](const auto& row) { return lies_in_kernel_space(head, row); };
  if (std::ranges::none_of(head.segments, in_kernel_space)) return false;
  if (!source.size()) return true;
  return has_linux_note(source, head);
}

}  // namespace

Result<std::optional<Arch>> find_kernel_elf(ImageSource& source) {
  ASSAY_TRY(const std::optional<Head> head, parse_head(source));
  if (!head) return std::nullopt;
  ASSAY_TRY(const bool kernel, is_kernel(source, *head));
  return kernel ? head->arch : std::nullopt;
}

}  // namespace assay
