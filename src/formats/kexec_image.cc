#include "formats/kexec_image.h"

#include <fmt/format.h>

#include <vector>

#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kTwoSectors = 1024;
constexpr std::size_t kImageHeader = 64;
constexpr std::size_t kElfHeader = 64;
constexpr std::size_t kProgramHeader = 56;
constexpr std::size_t kSectionHeader = 64;
constexpr std::uint64_t kMaxCommandLine = 0x10430;  // s390, in the image
constexpr unsigned kExecutable = 2;                 // ET_EXEC
constexpr unsigned kShared = 3;                     // ET_DYN
constexpr std::uint32_t kInterpreter = 3;           // PT_INTERP

bool wraps(std::uint64_t a, std::uint64_t b) { return a + b < a; }

class ElfProbe {
 public:
  explicit ElfProbe(const Content& content) : content_(content) {}

  Result<KexecElf> probe() && {
    if (content_.size() < kElfHeader) return failed("too short for an ELF header");
    ASSAY_TRY(const View view, view_of(content_, 0, kElfHeader, scratch_));
    elf_.has_magic = view.text().starts_with(
        "\x7f"
        "ELF");
    if (!elf_.has_magic) return failed("no ELF magic");
    elf_.is_64_bit = view[4] == 2;
    big_ = view[5] == 2;
    const Record<kElfHeader> header(view);
    elf_.type = u16<16>(header);
    elf_.machine = u16<18>(header);
    elf_.program_headers = u16<56>(header);
    if (!elf_.is_64_bit) return failed("not ELF64");
    if (view[5] != 1 && view[5] != 2) return failed("unknown byte order");
    if (u16<52>(header) != kElfHeader) return failed("e_ehsize");
    return check_tables(header, view[6]);
  }

 private:
  template <std::size_t At, std::size_t Size>
  std::uint16_t u16(const Record<Size>& r) const {
    return big_ ? r.template be16<At>() : r.template le16<At>();
  }
  template <std::size_t At, std::size_t Size>
  std::uint32_t u32(const Record<Size>& r) const {
    return big_ ? r.template be32<At>() : r.template le32<At>();
  }
  template <std::size_t At, std::size_t Size>
  std::uint64_t u64(const Record<Size>& r) const {
    return big_ ? r.template be64<At>() : r.template le64<At>();
  }

  KexecElf failed(std::string why) {
    elf_.fault = std::move(why);
    return elf_;
  }

  // elf_is_ehdr_sane.
  Result<KexecElf> check_tables(const Record<kElfHeader>& header, std::uint8_t ident_version) {
    const std::uint64_t programs = u64<32>(header);
    const std::uint64_t sections = u64<40>(header);
    const std::uint64_t section_count = u16<60>(header);
    if (elf_.program_headers > 0 && u16<54>(header) != kProgramHeader) return failed("e_phentsize");
    if (section_count > 0 && u16<58>(header) != kSectionHeader) return failed("e_shentsize");
    if (ident_version != 1 || u32<20>(header) != 1) return failed("unknown ELF version");
    const auto fits = [&](std::uint64_t at, std::uint64_t size) {
      return !wraps(at, size) && at + size <= content_.size();
    };
    const std::uint64_t programs_size = elf_.program_headers * kProgramHeader;
    if (programs > 0 && programs_size > 0 && !fits(programs, programs_size))
      return failed("program headers outside the file");
    if (sections > 0 && section_count > 0 && !fits(sections, section_count * kSectionHeader))
      return failed("section headers outside the file");
    return check_programs(programs, programs_size);
  }

  // elf_is_phdr_sane, kexec_build_elf_info.
  Result<KexecElf> check_programs(std::uint64_t offset, std::uint64_t size) {
    bool has_interpreter = false;
    if (offset > 0 && size > 0) {
      ASSAY_TRY(const View table, view_of(content_, offset, size, scratch_));
      for (std::size_t i = 0; i < elf_.program_headers; ++i) {
        const Record<kProgramHeader> program(table.sub(i * kProgramHeader, kProgramHeader));
        const std::uint64_t at = u64<8>(program);
        const std::uint64_t file_size = u64<32>(program);
        if (wraps(at, file_size) || at + file_size > content_.size())
          return failed("a segment outside the file");
        if (wraps(u64<24>(program), u64<40>(program))) return failed("a segment that wraps around");
        has_interpreter |= u32<0>(program) == kInterpreter;
      }
    }
    if (elf_.type != kExecutable && elf_.type != kShared) return failed("not an executable");
    if (elf_.program_headers == 0 || offset == 0) return failed("no program headers");
    if (has_interpreter) return failed("it asks for an interpreter");
    return elf_;
  }

  const Content& content_;
  std::vector<std::uint8_t> scratch_;
  bool big_ = false;
  KexecElf elf_;
};

}  // namespace

Result<KexecImage> read_kexec_image(const Content& content) {
  KexecImage image;
  image.size = content.size();
  std::vector<std::uint8_t> scratch;
  if (image.size >= kTwoSectors) {
    ASSAY_TRY(const View view, view_of(content, 0, kTwoSectors, scratch));
    const Record<kTwoSectors> head(view);
    image.bzimage = {view[0x1F1],        head.le16<0x1FE>(), head.le32<0x202>(),
                     head.le16<0x206>(), view[0x211],        head.le16<0x236>()};
  }
  if (image.size >= kImageHeader) {
    ASSAY_TRY(const View view, view_of(content, 0, kImageHeader, scratch));
    const Record<kImageHeader> head(view);
    image.image = {head.le64<16>(), head.le32<32>(), head.le32<56>()};
  }
  if (image.size >= kMaxCommandLine + 8) {
    ASSAY_TRY(const View view, view_of(content, kMaxCommandLine, 8, scratch));
    image.s390_max_command_line = Record<8>(view).be64<0>();
  }
  ASSAY_TRY(image.elf, ElfProbe(content).probe());
  return image;
}

}  // namespace assay
