// formats/cpio.h - the header of an entry of a cpio archive, in the two formats that Linux unpacks
// into its first root file system (init/initramfs.c; Documentation/driver-api/early-userspace/
// buffer-format.rst).
//
//     0  6  "070701" (newc) or "070702" (crc)
//     6  8  c_ino       14 c_mode      22 c_uid       30 c_gid      38 c_nlink   46 c_mtime
//    54  8  c_filesize  62 c_maj       70 c_min       78 c_rmaj     86 c_rmin
//    94  8  c_namesize, with the NUL that ends the name
//   102  8  c_chksum: of crc, the sum of all bytes of the file
//   110     name, padded with NUL to an offset that 4 divides; then the file, padded likewise
//
// Numbers have eight hexadecimal digits. Linux 7.2 refuses anything else ("damaged header"); older
// versions take what they can make of it, and this reader does not.

#pragma once

#include <cstdint>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

inline constexpr std::uint64_t kCpioHeaderSize = 110;
inline constexpr std::uint64_t kCpioAlignment = 4;
inline constexpr const char* kCpioTrailer = "TRAILER!!!";

struct CpioHeader {
  bool has_checksum = false;
  std::uint32_t ino = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  std::uint32_t mtime = 0;
  std::uint32_t file_size = 0;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t name_size = 0;
  std::uint32_t checksum = 0;

  // From the end of the header to the file.
  std::uint64_t name_room() const;
  // From the end of the file to the next header.
  std::uint64_t padding() const;
};

// Does an archive start here? By a whole header.
bool is_cpio(View head);

// `bytes` begin with a header: truncated, bad_magic (with what the kernel logs) or bad_value where
// they do not.
Result<CpioHeader> parse_cpio_header(View bytes);

}  // namespace assay
