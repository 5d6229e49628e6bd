// guardlist/overlay.h - rows that a signature adds to a guard list of a running kernel
// (docs/guard-list.md, Overlays).
//
// What is signed, little endian whatever the machine, so that a BPF program reads it as a struct:
//
//   offset  size  field
//        0     8  magic     "ASSAYOVL"
//        8     4  version   1
//       12     4  count     of rows: 1 to 4096
//       16     8  serial    each that is taken is greater than the one before
//       24    64  list      the name of the list that it is for, padded with NUL; at least one NUL
//       88        rows, strictly ascending by digest, each
//                   0  32  digest    SHA-256
//                  32   4  mask      bit n: kernel_read_file_id n (guardlist/read_class.h)
//                  36   4  reserved  0
//
// The file is this with an appended signature behind it (formats/appended_signature.h), made as
// sign-file makes it: detached PKCS#7 without signed attributes. bpf_verify_pkcs7_signature gets
// the two parts: data is [0, payload_size), the message [payload_size, file size - 40).

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "guardlist/read_class.h"

namespace assay {

using GuardDigest = std::array<std::uint8_t, 32>;

inline constexpr std::string_view kOverlayMagic = "ASSAYOVL";
inline constexpr std::uint32_t kOverlayVersion = 1;
inline constexpr std::size_t kOverlayHeaderSize = 88;
inline constexpr std::size_t kOverlayRowSize = 40;
inline constexpr std::size_t kOverlayListSize = 64;  // with the NUL
// One BPF map value holds all: 160 KiB.
inline constexpr std::size_t kOverlayRows = 4096;
inline constexpr std::size_t kOverlayDataSize = kOverlayHeaderSize + kOverlayRows * kOverlayRowSize;
// A message by an RSA key of 4096 bits without certificates has 700 bytes, by ML-DSA-87 4.7 KiB.
inline constexpr std::size_t kOverlaySignatureSize = 8192;

struct OverlayRow {
  GuardDigest digest{};
  ReadMask mask = 0;
  friend bool operator==(const OverlayRow&, const OverlayRow&) = default;
};

struct Overlay {
  std::string list;  // a list's name (guardlist/guard_list.h)
  std::uint64_t serial = 0;
  std::vector<OverlayRow> rows;
  friend bool operator==(const Overlay&, const Overlay&) = default;
};

// A list's name: 1 to 63 characters of a-z, A-Z, 0-9, '.', '_', '+', '~', '-'.
bool is_list_name(std::string_view name);

// What is signed, without the signature. truncated, bad_magic, bad_value, trailing_bytes;
// limit_count beyond kOverlayRows.
Result<Overlay> parse_overlay(View data);
// Requires what parse_overlay would take but for the order of rows: they are sorted, and masks of
// one digest joined.
Result<std::vector<std::uint8_t>> write_overlay(Overlay overlay);

// Both parts of a file; the signature is empty where it has none. bad_value for an appended record
// that is no PKCS#7 message, limit_size for a signature beyond kOverlaySignatureSize.
struct OverlayFile {
  View data;
  View signature;
};
Result<OverlayFile> split_overlay(View file);

}  // namespace assay
