// The reader against headers packed by hand from the PE/COFF specification.

#include "formats/pe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& bytes, std::size_t at, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> 8 * i);
}

struct Layout {
  std::uint16_t magic = pe::kPe32Plus;
  std::uint64_t fixed = 112;
};

// A file of 600 bytes with its PE header at 128 and two section headers.
Bytes file_of(const Layout& layout) {
  Bytes bytes(600);
  put(bytes, 0, 0x5A4D, 2);
  put(bytes, 60, 128, 4);
  put(bytes, 128, 0x4550, 4);
  put(bytes, 132, 0xAA64, 2);
  put(bytes, 134, 2, 2);
  put(bytes, 136, 0x12345678, 4);
  put(bytes, 148, layout.fixed + 6 * 8, 2);
  put(bytes, 150, 0x0206, 2);
  const std::size_t optional = 152;
  put(bytes, optional, layout.magic, 2);
  put(bytes, optional + 56, 0x3000, 4);
  put(bytes, optional + 60, 0x200, 4);
  put(bytes, optional + 64, 0xCAFE, 4);
  put(bytes, optional + 68, 10, 2);
  put(bytes, optional + 70, 0x100, 2);
  put(bytes, optional + layout.fixed - 4, 6, 4);
  put(bytes, optional + layout.fixed + 32, 0x210, 4);
  put(bytes, optional + layout.fixed + 36, 0x48, 4);
  const std::size_t sections = optional + layout.fixed + 48;
  std::ranges::copy(std::string_view(".text"),
                    bytes.begin() + static_cast<std::ptrdiff_t>(sections));
  put(bytes, sections + 8, 0x11, 4);
  put(bytes, sections + 12, 0x1000, 4);
  put(bytes, sections + 16, 0x10, 4);
  put(bytes, sections + 20, 0x200, 4);
  put(bytes, sections + 36, 0x60000020, 4);
  std::ranges::copy(std::string_view("eightchr"),
                    bytes.begin() + static_cast<std::ptrdiff_t>(sections + 40));
  return bytes;
}

constexpr Layout kLayouts[] = {{pe::kPe32, 96}, {pe::kPe32Plus, 112}};

TEST(Pe, FieldsOfBothKinds) {
  for (const Layout& layout : kLayouts) {
    const Bytes bytes = file_of(layout);
    const auto headers = read_pe_headers(ViewContent(View(bytes)));
    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->file_size, 600U);
    EXPECT_EQ(headers->dos_magic, pe::kDosMagic);
    EXPECT_EQ(headers->pe_offset, 128U);
    EXPECT_EQ(headers->signature, pe::kSignature);
    EXPECT_EQ(headers->coff.machine, 0xAA64);
    EXPECT_EQ(headers->coff.section_count, 2);
    EXPECT_EQ(headers->coff.time_stamp, 0x12345678U);
    EXPECT_EQ(headers->coff.optional_header_size, layout.fixed + 48);
    EXPECT_EQ(headers->coff.characteristics, 0x206);
    ASSERT_TRUE(headers->optional);
    EXPECT_EQ(headers->magic, layout.magic);
    EXPECT_EQ(headers->optional->image_size, 0x3000U);
    EXPECT_EQ(headers->optional->headers_size, 0x200U);
    EXPECT_EQ(headers->optional->checksum, 0xCAFEU);
    EXPECT_EQ(headers->optional->subsystem, 10);
    EXPECT_EQ(headers->optional->dll_characteristics, 0x100);
    EXPECT_EQ(headers->optional->directory_count, 6U);
    ASSERT_TRUE(headers->certificate_table);
    EXPECT_EQ(headers->certificate_table->address, 0x210U);
    EXPECT_EQ(headers->certificate_table->size, 0x48U);
    EXPECT_EQ(headers->checksum_offset(), 152U + 64);
    EXPECT_EQ(headers->certificate_entry_offset(), 152 + layout.fixed + 32);
    EXPECT_EQ(headers->sections_offset(), headers->kernel_sections_offset());
    const auto sections = read_pe_sections(ViewContent(View(bytes)), headers->sections_offset(), 2);
    ASSERT_TRUE(sections);
    EXPECT_EQ((*sections)[0].name_text(), ".text");
    EXPECT_EQ((*sections)[0].virtual_size, 0x11U);
    EXPECT_EQ((*sections)[0].virtual_address, 0x1000U);
    EXPECT_EQ((*sections)[0].raw_size, 0x10U);
    EXPECT_EQ((*sections)[0].raw_offset, 0x200U);
    EXPECT_EQ((*sections)[0].characteristics, 0x60000020U);
    EXPECT_EQ((*sections)[1].name_text(), "eightchr");
  }
}

// Every prefix of the file is read as far as it goes, and no header is made of missing bytes.
TEST(Pe, EveryPrefix) {
  for (const Layout& layout : kLayouts) {
    const Bytes bytes = file_of(layout);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const ViewContent content{View(std::span(bytes).first(size))};
      const auto headers = read_pe_headers(content);
      ASSERT_TRUE(headers) << size;
      EXPECT_EQ(headers->dos_magic.has_value(), size >= 64) << size;
      EXPECT_EQ(headers->signature.has_value(), size >= 128 + 24) << size;
      EXPECT_EQ(headers->magic.has_value(), size >= 152 + 2) << size;
      EXPECT_EQ(headers->optional.has_value(), size >= 152 + layout.fixed) << size;
      EXPECT_EQ(headers->certificate_table.has_value(), size >= 152 + layout.fixed + 40) << size;
      const std::uint64_t sections = 152 + layout.fixed + 48;
      EXPECT_EQ(read_pe_sections(content, sections, 2).has_value(), size >= sections + 80) << size;
    }
  }
}

TEST(Pe, OtherMagicsEndTheReading) {
  for (const std::size_t at : {0U, 128U, 152U}) {
    Bytes bytes = file_of(kLayouts[1]);
    bytes[at] ^= 1;
    const auto headers = read_pe_headers(ViewContent(View(bytes)));
    ASSERT_TRUE(headers);
    EXPECT_FALSE(headers->optional) << at;
    EXPECT_FALSE(headers->certificate_table) << at;
  }
}

TEST(Pe, HeaderBehindTheFile) {
  Bytes bytes = file_of(kLayouts[1]);
  put(bytes, 60, 0xFFFFFFFF, 4);
  const auto headers = read_pe_headers(ViewContent(View(bytes)));
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->pe_offset, 0xFFFFFFFFU);
  EXPECT_FALSE(headers->signature);
}

TEST(Pe, WinCertificate) {
  const Bytes bytes = {0x18, 6, 0, 0, 0, 2, 2, 0};
  const ViewContent content{View(bytes)};
  const auto certificate = read_win_certificate(content, 0);
  ASSERT_TRUE(certificate && *certificate);
  EXPECT_EQ((*certificate)->length, 0x618U);
  EXPECT_EQ((*certificate)->revision, pe::kRevision2);
  EXPECT_EQ((*certificate)->type, pe::kTypePkcs7);
  for (const std::uint64_t offset : {1ULL, 8ULL, ~0ULL}) {
    const auto none = read_win_certificate(content, offset);
    ASSERT_TRUE(none) << offset;
    EXPECT_FALSE(*none) << offset;
  }
}

}  // namespace
}  // namespace assay
