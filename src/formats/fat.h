// formats/fat.h - FAT12, FAT16 and FAT32 (Microsoft, "FAT: General Overview of On-Disk Format",
// 1.03), as Linux reads them (fs/fat).
//
//   boot sector   0 jump  11 le16 bytes a sector  13 sectors a cluster  14 le16 reserved sectors
//                 16 number of FATs  17 le16 entries of the root  19 le16 sectors  21 media
//                 22 le16 sectors of a FAT  32 le32 sectors  36 le32 sectors of a FAT (FAT32)
//                 44 le32 first cluster of the root (FAT32)
//   FATs          for each cluster the next one of the file: 12, 16 or 32 bits
//   root          of FAT12 and FAT16: a place of its own
//   clusters      numbered from 2
//
//   entry         0 name, 8 and 3 bytes  11 attributes  12 which half of the name is in lower case
//                 20 le16 cluster, high  26 le16 cluster, low  28 le32 size
//   long name     before its entry, in pieces of 13 UTF-16 characters, the last one first, each
//   with
//                 a checksum of the short name

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/runs_content.h"

namespace assay {

struct FatEntry {
  std::string name;  // UTF-8 where it is a long one, else bytes
  bool is_folder = false;
  std::uint32_t cluster = 0;  // 0: it has none
  std::uint32_t size = 0;
};

class FatVolume {
 public:
  // Whether a boot sector of FAT stands there.
  static bool is_fat(View head);
  // `image` outlives the volume.
  static Result<FatVolume> open(const Content& image);

  // At most `most` entries, else limit_count; archive_corrupt where clusters form a loop, or have
  // so many files in common that following them would not end.
  Result<std::vector<FatEntry>> root(std::uint64_t most) const;
  Result<std::vector<FatEntry>> folder(std::uint32_t cluster, std::uint64_t most) const;
  Result<std::unique_ptr<Content>> file(std::uint32_t cluster, std::uint32_t size) const;

 private:
  using Runs = std::vector<RunsContent::Run>;
  explicit FatVolume(const Content& image) : image_(&image) {}

  Result<std::uint32_t> next_cluster(std::uint32_t cluster) const;
  // Of a chain, up to `size` bytes where that is known.
  Result<Runs> runs(std::uint32_t cluster, std::optional<std::uint64_t> size) const;
  Result<std::vector<FatEntry>> entries(const Content& folder, std::uint64_t most) const;

  const Content* image_;
  unsigned bits_ = 12;  // of an entry of the FAT
  std::uint64_t cluster_size_ = 0;
  std::uint64_t fat_offset_ = 0;
  Extent root_;  // of FAT12 and FAT16
  std::uint32_t root_cluster_ = 0;
  std::uint64_t data_offset_ = 0;
  std::uint32_t end_cluster_ = 0;    // the first that is not there
  mutable std::uint64_t steps_ = 0;  // from cluster to cluster, of all files together
};

}  // namespace assay
