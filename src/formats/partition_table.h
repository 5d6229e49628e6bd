// formats/partition_table.h - where the partitions of a disk lie: GPT (UEFI specification, "GUID
// Partition Table Disk Layout") and MBR, as Linux reads them (block/partitions/efi.c, msdos.c).
//
//   MBR   446  4 entries of 16 bytes: status, 3 bytes of nothing, type, 3 bytes of nothing, le32
//              first sector, le32 sectors;  510  55 AA
//         An entry of type 05, 0F or 85 is extended: its first sector has another such table, with
//         a logical partition (relative to it) and the next table (relative to the first).
//   GPT   sector 1: "EFI PART", le32 revision, le32 size, le32 CRC-32 of the header, 4 bytes of
//         nothing, le64 its sector, le64 that of its copy, 32 bytes, at 72 le64 first sector of the
//         entries, le32 how many, le32 size of one (128), le32 their CRC-32
//         entry: 16 bytes type (zeros: unused), 16 bytes, le64 first and last sector
//
// A disk has a GPT where an entry of its MBR says so (type EE); then the MBR says nothing else. The
// copy at the disk's end stands in for a header that is damaged. Sectors have 512 or 4096 bytes.

#pragma once

#include <vector>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

struct Partition {
  unsigned number = 0;  // as Linux counts
  Extent where;         // may reach beyond the disk
};

// `head` is the first sector, or more. Is that the MBR of a disk of `size` bytes? Boot sectors of
// other things end in 55 AA too: every entry has to make sense.
bool is_disk(View head, std::uint64_t size);

// bad_value where neither header of a GPT is whole, limit_count where a chain of extended
// partitions does not end.
Result<std::vector<Partition>> read_partitions(const Content& disk);

}  // namespace assay
