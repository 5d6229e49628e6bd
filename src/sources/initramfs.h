// sources/initramfs.h - an initramfs: archives of cpio (formats/cpio.h) one behind the other, each
// compressed for itself or not, as the kernel unpacks them (init/initramfs.c; 6.1, 6.12 and 7.2).
//
//   archive               its first byte is '0', at an offset that 4 divides
//   zeros                 as many as there are
//   compressed archive    gzip, bzip2, LZMA, xz, LZO, LZ4 (legacy frames alone), zstd
//   ...
//
// This is a reader of its own: libarchive ends with the first trailer, takes formats that the
// kernel refuses, and has another idea of hard links. The kernel keeps what came before damage. So
// do we: files before it are yielded, and then there is an error where the kernel has one, and also
// where an archive that is not compressed ends inside an entry, which the kernel does not notice.

#pragma once

#include <string>

#include "codec/input.h"
#include "sources/archive.h"
#include "sources/initramfs_names.h"

namespace assay {

class InitramfsArchive final : public Archive {
 public:
  InitramfsArchive(const Content& content, Nest& nest) : content_(content), nest_(nest) {}

  // Files that several names share come last.
  Result<void> for_each(const Visit& visit) override;
  bool may_repeat_paths() const override { return true; }

 private:
  enum class Pass : std::uint8_t { plain, shared };

  Result<void> scan();
  Result<std::uint64_t> scan_archives(std::uint64_t start);
  Result<std::uint64_t> scan_compressed(std::uint64_t start);
  Result<void> scan_entry(Input& input, std::uint64_t base);
  Result<void> regular_file(const CpioHeader& header, const std::string& name, Input& input,
                            std::uint64_t base);
  Result<void> visit_shared(ArchiveEntry entry, Stream& body);
  Result<void> symbolic_link(const CpioHeader& header, const std::string& name, Input& input,
                             std::uint64_t base);

  const Content& content_;
  Nest& nest_;
  const Visit* visit_ = nullptr;
  Pass pass_ = Pass::plain;
  bool is_first_scan_ = true;  // that the names are learned in
  InitramfsNames names_;
  std::vector<std::uint64_t> shared_;  // entries that write a shared file, in order
  std::uint64_t index_ = 0;            // of entries
  std::uint64_t visited_ = 0;
};

Result<void> walk_initramfs(const Content& content, const std::string& name, Nest& nest);

}  // namespace assay
