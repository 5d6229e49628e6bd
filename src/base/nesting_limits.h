// base/nesting_limits.h - limits of containers in containers (base/limits.h has all others, and how
// deep they may lie: kNesting).

#pragma once

#include "base/limits.h"

namespace assay::limits {

// All bytes that the containers under one path unpack to, those of decoders and those of files
// counted. An image of 4 GB with a compressed file system unpacks to less than 20 GB.
inline constexpr std::uint64_t kUnpacked = 256 * kGiB;

// A path inside one container (PATH_MAX, include/uapi/linux/limits.h).
inline constexpr std::uint64_t kMemberPath = 4096;

// A container that lies in a stream and has to be read at any offset: what is larger goes to an
// unlinked temporary file.
inline constexpr std::uint64_t kContainerInMemory = kMiB;

// The start of a file by which containers are told: ISO 9660 has its identifier behind 32 KiB.
inline constexpr std::uint64_t kContainerHead = 36 * kKiB;

// Files and folders of an image that were listed and are not yet looked at. A folder of a Debian
// mirror's pool has some thousands.
inline constexpr std::uint64_t kPendingNodes = 2'000'000;

// Pieces of one file in an image. The largest of FAT, with clusters of 4 KiB none of which is
// beside the next, has a million.
inline constexpr std::uint64_t kRuns = 1'000'000;

// Descriptors of the groups of an ext4 file system, which are held: 64 bytes for each 128 MiB, as
// mke2fs makes them, are those of 32 TiB.
inline constexpr std::uint64_t kExtDescriptors = 16 * kMiB;

// Blocks of one file that are compressed each for itself: 8 GiB in blocks of 4 KiB, the smallest.
inline constexpr std::uint64_t kBlocks = 2 * 1024 * 1024;

// One extended attribute (XATTR_SIZE_MAX, include/uapi/linux/limits.h), and those of one file.
inline constexpr std::uint64_t kXattr = 64 * kKiB;
inline constexpr std::uint32_t kXattrs = 1000;

// Names of an initramfs that reach a file by a link, and links to folders: they are remembered
// until its end.
inline constexpr std::uint64_t kInitramfsNames = 1'000'000;

// A compressed module, decompressed: as many times its size, but any to the first, and none beyond
// the second. Modules with debug information are the largest there are, with some hundred MiB, and
// code is never compressed to less than a twentieth.
inline constexpr std::uint64_t kModuleExpansion = 1000;
inline constexpr std::uint64_t kSmallModule = 64 * kMiB;
inline constexpr std::uint64_t kLargestModule = kGiB;

// Names of modules and kernels in one archive that are remembered, to see which are there twice.
inline constexpr std::uint64_t kRememberedNames = 1'000'000;

}  // namespace assay::limits
