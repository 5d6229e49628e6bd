// formats/iso9660.h - ISO 9660 (ECMA-119) with Rock Ridge (IEEE P1281 and P1282), attributes of
// AAIP 2.0 and boot images of El Torito, of what `xorriso` and `genisoimage` write.
//
//   sector 16...      volume descriptors: 0 type, 1 "CD001"; of the primary one (1) 128 le16 size
//   of
//                     a block, 156 the record of the root; of a boot record (0) 7 "EL TORITO
//                     SPECIFICATION", 71 le32 block of the catalogue; 255 is the last
//   directory record  0 size  1 blocks of attributes  2 le32 block  10 le32 size of the file
//                     25 flags (2 folder, 80 goes on in the next record)  27 gap  32 size of the
//                     name  33 name, to an even size; then fields of System Use
//   System Use        0 two letters  2 size  3 version; CE leads on elsewhere
//     NM name   PX mode, links, owner, group   SL target of a link   CL where a folder is that lies
//     too deep   RE that is such a folder   ZF compressed file   AL extended attributes
//   catalogue         entries of 32 bytes: 1 validation; 88 image, 1 medium, 6 le16 sectors of 512
//                     bytes, 8 le32 block; 90 and 91 header of a section
//
// Without Rock Ridge names are as they are stored, without their version. Joliet is not read.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/runs_content.h"

namespace assay {

inline constexpr std::uint64_t kIsoHead = 16 * 2048 + 6;  // bytes by which a volume is told

struct IsoEntry {
  std::string name;
  std::uint64_t record = 0;  // its offset in the image
  std::uint64_t next = 0;    // offset of the record behind it, which a file may go on in
  std::uint64_t offset = 0;  // of the file
  std::uint64_t size = 0;    // of this piece of it
  bool is_folder = false;
  bool goes_on = false;
  bool is_compressed = false;  // zisofs
  bool is_relocated = false;   // it is found elsewhere, by the record that leads to it
  std::optional<std::uint32_t> mode;
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::optional<std::string> target;  // of a symbolic link
  bool has_xattrs = false;
  std::map<std::string, std::vector<std::uint8_t>, std::less<>> xattrs;  // user.*, security.*...
};

struct IsoBootImage {
  unsigned number = 0;  // from 1
  Extent where;         // what the medium has, where the catalogue does not say
};

class IsoVolume {
 public:
  static bool is_iso(View head);
  // `image` outlives the volume.
  static Result<IsoVolume> open(const Content& image);

  std::uint64_t root() const { return root_; }
  // The records of the folder at `offset`, without those for itself and its parent. At most `most`.
  Result<std::vector<IsoEntry>> folder(std::uint64_t offset, std::uint64_t most) const;
  Result<IsoEntry> entry(std::uint64_t record) const;
  // archive_unsupported where it is compressed or lies in interleaved pieces.
  Result<std::unique_ptr<Content>> file(std::uint64_t record) const;
  Result<std::vector<IsoBootImage>> boot_images() const;

 private:
  explicit IsoVolume(const Content& image) : image_(&image) {}

  Result<void> find_rock_ridge();
  Result<void> read_system_use(View area, IsoEntry& entry) const;
  // The record at `at`, or the first behind it in `end`; nothing where there is none.
  Result<std::optional<std::uint64_t>> record_at(std::uint64_t at, std::uint64_t end) const;

  const Content* image_;
  std::uint64_t block_size_ = 2048;
  std::uint64_t root_ = 0;
  std::uint64_t catalogue_ = 0;                  // offset; 0: none
  std::optional<std::uint8_t> system_use_skip_;  // there is Rock Ridge, behind so many bytes
};

}  // namespace assay
