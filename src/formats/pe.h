// formats/pe.h - PE/COFF images as far as signatures need them: headers, sections, certificate
// table.
//
//   0           DOS header, 64 bytes: "MZ", at 60 the offset of the PE header
//   P           "PE\0\0", COFF header (Machine, NumberOfSections, SizeOfOptionalHeader, ...)
//   P+24        optional header: magic 0x10b (PE32, fixed part F = 96) or 0x20b (PE32+, F = 112)
//     +60         SizeOfHeaders
//     +64         CheckSum                                 (not covered by the signature)
//     +F-4        NumberOfRvaAndSizes = N
//     +F          N data directories of 8 bytes; number 4: file offset and size of the certificate
//     table
//                                                          (this entry is not covered)
//   then        section headers of 40 bytes. The PE specification, firmware and most tools look for
//   them
//               after SizeOfOptionalHeader bytes, the Linux kernel after N directories.
//
// Written by linkers and stub loaders; read by crypto/asymmetric_keys/verify_pefile.c, EDK2, shim,
// GRUB. Sources: PE/COFF specification (Microsoft), "Windows Authenticode Portable Executable
// Signature Format".
//
// read_pe_headers reads what is there and stops where the file ends; it refuses nothing. What each
// verifier makes of the fields is in judge/ and trust/.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

namespace pe {
inline constexpr std::uint16_t kDosMagic = 0x5A4D;       // "MZ"
inline constexpr std::uint32_t kSignature = 0x00004550;  // "PE\0\0"
inline constexpr std::uint16_t kPe32 = 0x10B;
inline constexpr std::uint16_t kPe32Plus = 0x20B;
inline constexpr std::uint64_t kDosHeaderSize = 64;
inline constexpr std::uint64_t kCoffHeaderSize = 24;  // with the signature before it
inline constexpr std::uint64_t kDirectorySize = 8;
inline constexpr std::uint64_t kSectionHeaderSize = 40;
inline constexpr std::uint32_t kCertificateDirectory = 4;
inline constexpr std::uint64_t kCertificateHeaderSize = 8;
inline constexpr std::uint64_t kGuidHeaderSize = 24;   // of WIN_CERTIFICATE_UEFI_GUID
inline constexpr std::uint16_t kRevision2 = 0x0200;    // WIN_CERT_REVISION_2_0
inline constexpr std::uint16_t kTypePkcs7 = 0x0002;    // WIN_CERT_TYPE_PKCS_SIGNED_DATA
inline constexpr std::uint16_t kTypeEfiGuid = 0x0EF1;  // WIN_CERT_TYPE_EFI_GUID
}  // namespace pe

struct PeSection {
  std::array<std::uint8_t, 8> name{};
  std::uint32_t virtual_size = 0;
  std::uint32_t virtual_address = 0;
  std::uint32_t raw_size = 0;    // SizeOfRawData
  std::uint32_t raw_offset = 0;  // PointerToRawData
  std::uint32_t characteristics = 0;
  std::array<std::uint8_t, 40>
      header{};  // the header itself; names may run on into what follows them

  std::string_view name_text() const;  // up to the first NUL, at most eight bytes
  bool has_relocations() const;        // PointerToRelocations or NumberOfRelocations
};

struct PeCoff {
  std::uint16_t machine = 0;
  std::uint16_t section_count = 0;
  std::uint32_t time_stamp = 0;
  std::uint32_t symbols_offset = 0;  // PointerToSymbolTable, 0: none
  std::uint32_t symbol_count = 0;
  std::uint16_t optional_header_size = 0;
  std::uint16_t characteristics = 0;
};

struct PeOptional {
  std::uint16_t magic = 0;
  bool is_plus = false;
  std::uint32_t headers_size = 0;  // SizeOfHeaders
  std::uint32_t checksum = 0;
  std::uint32_t image_size = 0;
  std::uint16_t subsystem = 0;
  std::uint16_t dll_characteristics = 0;
  std::uint32_t directory_count = 0;  // NumberOfRvaAndSizes
};

struct PeDirectory {
  std::uint32_t address = 0;  // for the certificate table a file offset
  std::uint32_t size = 0;
};

struct PeHeaders {
  std::uint64_t file_size = 0;
  std::optional<std::uint16_t> dos_magic;  // nothing: the file is shorter than a DOS header
  std::uint32_t pe_offset = 0;             // e_lfanew
  std::optional<std::uint32_t> signature;  // nothing: the PE header lies outside the file
  PeCoff coff;
  std::optional<std::uint16_t> magic;  // of the optional header
  std::optional<PeOptional> optional;  // magic known and its fixed part inside the file
  // The entry for the certificate table, where the bytes that would hold it are inside the file,
  // whatever NumberOfRvaAndSizes says.
  std::optional<PeDirectory> certificate_table;

  std::uint64_t optional_offset() const { return std::uint64_t{pe_offset} + pe::kCoffHeaderSize; }
  std::uint64_t directories_offset() const {
    return optional_offset() + (optional->is_plus ? 112 : 96);
  }
  std::uint64_t checksum_offset() const { return optional_offset() + 64; }
  std::uint64_t certificate_entry_offset() const {
    return directories_offset() + pe::kCertificateDirectory * pe::kDirectorySize;
  }
  // Where the section headers are: by the PE specification, and to the Linux kernel.
  std::uint64_t sections_offset() const { return optional_offset() + coff.optional_header_size; }
  std::uint64_t kernel_sections_offset() const {
    return directories_offset() + pe::kDirectorySize * optional->directory_count;
  }
};

Result<PeHeaders> read_pe_headers(const Content& content);

// `count` section headers at `offset`. Requires that they lie inside the file (or bad_length).
Result<std::vector<PeSection>> read_pe_sections(const Content& content, std::uint64_t offset,
                                                std::uint16_t count);

// All sections where the PE specification has them; none where their headers do not lie inside the
// file.
Result<std::vector<PeSection>> read_pe_sections(const Content& content, const PeHeaders& headers);

// A section's name. One of more than eight characters stands in the string table behind the symbols
// (18 bytes each) as "/N" says, N the offset in it.
Result<std::string> read_section_name(const Content& content, const PeHeaders& headers,
                                      const PeSection& section);

// WIN_CERTIFICATE: le32 dwLength (with these 8 bytes), le16 wRevision, le16 wCertificateType, then
// data.
struct WinCertificate {
  std::uint64_t offset = 0;  // in the file
  std::uint32_t length = 0;
  std::uint16_t revision = 0;
  std::uint16_t type = 0;
};

// The header at `offset`; nothing when it does not lie inside the file.
Result<std::optional<WinCertificate>> read_win_certificate(const Content& content,
                                                           std::uint64_t offset);

}  // namespace assay
