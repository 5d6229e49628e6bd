// ima/verity.h - the fs-verity digest of a file (Documentation/filesystems/fsverity.rst).
//
// The file, cut into blocks of 4096 bytes, the last one filled with zeros, is the lowest level of a
// tree; the digests of a level's blocks, one after the other, are the level above. The digest of
// the block at the top stands in a descriptor:
//
//    0  version          1
//    1  hash_algorithm   1: SHA-256, 2: SHA-512
//    2  log_blocksize    12
//    3  salt_size        0
//    4  zeros            4 bytes
//    8  data_size        64 bits, little endian
//   16  root_hash        64 bytes, filled with zeros; all zeros for an empty file
//   80  salt, zeros      176 bytes
//
// and the digest of the descriptor is that of the file. Block size and salt are those that tools
// take unless they are told others; what a file system was told, its FS_IOC_MEASURE_VERITY shows.

#pragma once

#include "crypto/hash.h"

namespace assay {

bool is_verity_hash(Hash hash);  // SHA-256 and SHA-512

// Requires is_verity_hash(hash).
Result<Digest> compute_verity_digest(Hash hash, const Content& content);

}  // namespace assay
