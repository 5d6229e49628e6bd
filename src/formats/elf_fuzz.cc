// Law: whatever the headers say, what is read of the file lies inside it.

#include "formats/elf.h"

#include "formats/elf_module.h"
#include "testing/fuzz.h"

namespace {

bool lies_in(assay::View part, assay::View file) {
  return part.empty() || assay::lies_inside(part.origin(), part.size(), file.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file({data, size});
  const ViewContent content(file);
  const auto elf = Elf::open(content);
  const auto module = read_elf_module(content);
  if (!elf || !*elf) {
    fuzz_check(!module || !*module, "a module that is no ELF file");
    return 0;
  }
  std::vector<std::uint8_t> scratch;
  for (const ElfSection& section : (*elf)->sections()) {
    const auto bytes = (*elf)->read_section(section, scratch);
    fuzz_check(!bytes || lies_in(*bytes, file), "a section lies outside");
    (*elf)->find_section((*elf)->name_of(section));
  }
  for (const ElfSegment& segment : (*elf)->segments())
    (*elf)->offset_of(segment.address + segment.file_size / 2);
  const std::string_view names[] = {"_text", "", "system_certificate_list"};
  (*elf)->find_symbols(names);
  if (module && *module) {
    fuzz_check((*module)->vermagic.size() <= size, "a vermagic longer than the file");
    (*module)->release();
  }
  return 0;
}
