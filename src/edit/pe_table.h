// edit/pe_table.h - the certificate table of a PE image, taken out and added to.
//
// Three places of an image belong to its signatures and not to what they sign: CheckSum, the
// directory entry of the table, and the table at the end of the file, with the zeros that bring it
// to a multiple of eight. The form without them is canonical: checksum 0, entry 0, cut where the
// last section, or what follows it, ends.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bytes/content.h"
#include "crypto/hash.h"
#include "edit/record.h"
#include "formats/pe.h"

namespace assay {

struct PeTable {
  PeHeaders headers;
  Extent extent;                  // of the table in the file; it ends where the file does
  std::uint64_t content_end = 0;  // where the zeros before the table begin
  // Each WIN_CERTIFICATE with the zeros behind it; empty where they do not fill the table.
  std::vector<Extent> entries;
};

// Headers of an image that has room for a table entry; nothing when the file is no such image.
Result<std::optional<PeHeaders>> find_pe_image(const Content& content);

// Nothing when the image carries none. certificate_table for one that overlaps what it signs, or
// that other bytes follow.
Result<std::optional<PeTable>> find_pe_table(const Content& content, const PeHeaders& headers);

// From the image in its canonical form to `content`.
Result<RecordPart> describe_table(const Content& content, const PeTable& table);

// From the image without entry `index` of several to `content`. The checksum of the former is
// valid where that of the latter is, else the same.
Result<RecordPart> describe_entry(const Content& content, const PeTable& table, std::size_t index);

// From `content` to the image with one more entry: `certificate` is a WIN_CERTIFICATE of dwLength
// bytes. The checksum becomes valid, and the file is padded to a multiple of eight before its
// first.
Result<RecordPart> describe_addition(const Content& content, const PeHeaders& headers,
                                     std::vector<std::uint8_t> certificate);

// From `content` to the image with `certificate` alone in its table.
Result<RecordPart> describe_replacement(const Content& content, const PeTable& table,
                                        std::vector<std::uint8_t> certificate);

// The header before a PKCS#7 message, and the message (WIN_CERT_TYPE_PKCS_SIGNED_DATA).
std::vector<std::uint8_t> write_win_certificate(View message);

// CheckSum as linkers and signing tools compute it: 16-bit words summed with end-around carry, the
// field itself taken as 0, plus the size of the file. Neither kernels nor firmware look at it.
Result<std::uint32_t> compute_pe_checksum(const Content& content, std::uint64_t checksum_offset);

// What Authenticode signs. not_signable where it is not defined: the sections do not add up.
Result<Digest> compute_image_digest(const Content& image, Hash hash);

}  // namespace assay
