// formats/rpm.h - packages of RPM (lib/header.c, lib/rpmlead.c, docs/manual/format_v4.md of rpm).
//
//    0  lead              96 bytes, from ED AB EE DB
//   96  signature header  filled with zeros to a multiple of 8
//       header
//       payload           cpio, compressed
//
// A header:
//
//    0  8E AD E8 01, 4 bytes of nothing
//    8  nindex            32 bits, big endian, as all that follows
//   12  hsize
//   16  nindex entries    tag, type, offset, count: 32 bits each
//       store             hsize bytes, into which offsets lead
//
// Signatures of files for IMA are hexadecimal values of security.ima, one a file, in the signature
// header (rpmsign --signfiles since 4.14; tag 274) or in the header (tag 5090). The plugin ima of
// rpm sets them when the package is installed.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extent.h"
#include "base/result.h"
#include "bytes/content.h"

namespace assay {

inline constexpr std::uint32_t kRpmIndexLimit = 0xFFFF;       // entries (rpm: HEADER_TAGS_MAX)
inline constexpr std::uint64_t kRpmFileLimit = 1'000'000;     // values of one tag
inline constexpr std::uint64_t kRpmNamesLimit = 64ULL << 20;  // bytes of all paths together
inline constexpr std::uint64_t kRpmStoreLimit = 64ULL << 20;  // bytes; rpm takes four times as many

struct RpmFile {
  std::string name;  // "/usr/bin/tool"
  std::uint64_t size = 0;
  std::uint16_t mode = 0;
  std::vector<std::uint8_t> ima;  // security.ima; empty: none
};

struct RpmPackage {
  std::vector<RpmFile> files;
  Extent payload;
};

bool is_rpm(View head);  // by the lead's first four bytes

// bad_magic, bad_value, bad_length, truncated, limit_count or limit_size where it is no whole
// package.
Result<RpmPackage> read_rpm(const Content& content);

}  // namespace assay
