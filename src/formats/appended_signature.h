// formats/appended_signature.h - a signature carried at the end of a file.
//
// Modules, s390 and powerpc kernel images, and IMA's "modsig" share one trailer, laid out backwards
// from the end of the file:
//
//      from end   size  field              struct module_signature
//     ---------   ----  -----------------  -----------------------
//             0           (end of file)
//           -28     28  marker             "~Module signature appended~\n", no NUL
//           -40     12  information block  the whole struct:
//                                            0 algo  1 hash  2 id_type  3 signer_len  4 key_id_len
//                                            5 __pad[3]  8 sig_len (32 bits, big endian everywhere)
//         -40-S      S  signature          .sig_len
//       -40-S-K      K  key identifier     .key_id_len   0 in every current kernel
//     -40-S-K-N      N  signer's name      .signer_len   0 in every current kernel
//             0           (payload, from the start of the file)
//
// Written by scripts/sign-file; read by kernel/module_signature.c, kernel/module/signing.c,
// arch/s390/kernel/machine_kexec_file.c and security/integrity/ima/ima_modsig.c. Kernels take the
// first two variable fields to be empty: the payload is all that precedes the signature.
//
// This header says what the bytes are. Whether a kernel accepts them is asked in judge/: a block
// with odd values still parses.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/view.h"

namespace assay {

inline constexpr std::string_view kSignatureMarker = "~Module signature appended~\n";
inline constexpr std::size_t kInfoBlockSize = 12;
inline constexpr std::uint8_t kIdTypePkcs7 = 2;

// The fields of struct module_signature, under the kernel's names.
struct InfoBlock {
  std::uint8_t algo = 0;
  std::uint8_t hash = 0;
  std::uint8_t id_type = 0;
  std::uint8_t signer_len = 0;
  std::uint8_t key_id_len = 0;
  bool pad_is_zero = false;
  std::uint32_t sig_len = 0;

  // mod_check_sig wants every field but id_type and sig_len to be zero.
  bool has_only_zeros() const {
    return algo == 0 && hash == 0 && signer_len == 0 && key_id_len == 0 && pad_is_zero;
  }
};

// What the last 40 bytes of a file say, as far as they are there.
struct SignatureTrailer {
  std::uint64_t file_size = 0;
  bool has_marker = false;
  std::optional<InfoBlock> block;  // when 12 bytes precede the marker
  std::uint64_t before_block = 0;  // bytes that precede the block
  // When sig_len does not exceed before_block. payload + signature + 40 is then the file.
  bool splits = false;
  std::uint64_t payload_size = 0;

  Extent marker_extent() const {
    return {file_size - kSignatureMarker.size(), kSignatureMarker.size()};
  }
  Extent block_extent() const { return {before_block, kInfoBlockSize}; }
  Extent signature_extent() const { return {payload_size, before_block - payload_size}; }
};

// The 12 bytes before `end` as a block; nothing where there are less.
Result<std::optional<InfoBlock>> read_info_block(const Content& content, std::uint64_t end);

// Reads at most the last 40 bytes of `content`.
Result<SignatureTrailer> read_signature_trailer(const Content& content);

}  // namespace assay
