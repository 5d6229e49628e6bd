#include "formats/fat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/nesting_limits.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kBootSector = 512;
constexpr std::uint64_t kEntrySize = 32;
constexpr std::uint32_t kFirstCluster = 2;
constexpr std::uint8_t kDeleted = 0xE5;
constexpr std::uint8_t kReallyE5 = 0x05;  // stands for a first character of E5
constexpr std::uint8_t kVolumeLabel = 0x08;
constexpr std::uint8_t kFolder = 0x10;
constexpr std::uint8_t kLongName = 0x0F;  // of the lower six bits
constexpr unsigned kLongNamePieces = 20;
constexpr std::size_t kPieceSize = 13;  // characters
// A cluster belongs to one file, and no file is opened more often.
constexpr std::uint64_t kMostWalks = 8;

using Boot = Record<kBootSector>;
using Entry = Record<kEntrySize>;

std::uint32_t fat_sectors(const Boot& boot) {
  return boot.le16<22>() != 0 ? boot.le16<22>() : boot.le32<36>();
}
std::uint32_t all_sectors(const Boot& boot) {
  return boot.le16<19>() != 0 ? boot.le16<19>() : boot.le32<32>();
}

// Where the clusters begin, in sectors.
std::uint64_t data_sector(const Boot& boot) {
  const std::uint64_t root = (boot.le16<17>() * kEntrySize + boot.le16<11>() - 1) / boot.le16<11>();
  return boot.le16<14>() + std::uint64_t{boot.u8<16>()} * fat_sectors(boot) + root;
}

// fs/fat/inode.c, fat_read_bpb() and fat_fill_super(), and the jump, which Linux does not ask for.
bool is_boot_sector(const Boot& boot) {
  const unsigned sector = boot.le16<11>();
  const unsigned media = boot.u8<21>();
  return (boot.u8<0>() == 0xEB || boot.u8<0>() == 0xE9) && boot.le16<14>() != 0 &&
         boot.u8<16>() != 0 && (media >= 0xF8 || media == 0xF0) && std::has_single_bit(sector) &&
         sector >= 512 && sector <= 4096 && std::has_single_bit(boot.u8<13>()) &&
         fat_sectors(boot) != 0 && boot.le16<17>() * kEntrySize % sector == 0 &&
         data_sector(boot) < all_sectors(boot);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

// Halves of pairs that stand alone are encoded as they are, which is no UTF-8: two names stay two.
std::string utf8(std::span<const std::uint16_t> text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint32_t code = text[i];
    const bool is_pair = code >= 0xD800 && code < 0xDC00 && i + 1 < text.size() &&
                         text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000;
    if (is_pair) code = 0x10000 + ((code - 0xD800) << 10) + (text[++i] - 0xDC00U);
    append_utf8(out, code);
  }
  return out;
}

std::uint8_t checksum(std::span<const std::uint8_t, 11> name) {
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : name) sum = static_cast<std::uint8_t>(std::rotr(sum, 1) + byte);
  return sum;
}

std::string short_name(const Entry& entry) {
  const auto part = [](std::span<const std::uint8_t> bytes, bool is_lower) {
    std::string text(View(bytes).text());
    text.resize(text.find_last_not_of(' ') + 1);
    if (is_lower)
      for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  };
  std::string name = part(entry.field<0, 8>(), (entry.u8<12>() & 0x08) != 0);
  if (!name.empty() && entry.u8<0>() == kReallyE5) name.front() = static_cast<char>(0xE5);
  const std::string extension = part(entry.field<8, 3>(), (entry.u8<12>() & 0x10) != 0);
  return extension.empty() ? name : name + '.' + extension;
}

// Collects the pieces of a long name.
class LongName {
 public:
  void add(const Entry& entry) {
    const unsigned order = entry.u8<0>() & 0x3F;
    const bool is_last = (entry.u8<0>() & 0x40) != 0;
    if (order == 0 || order > kLongNamePieces) return reset();
    if (is_last) {
      text_.assign(order * kPieceSize, 0);
      checksum_ = entry.u8<13>();
    } else if (order + 1 != next_ || entry.u8<13>() != checksum_) {
      return reset();
    }
    next_ = order;
    std::size_t at = (order - 1) * kPieceSize;
    const auto put = [&](std::span<const std::uint8_t> bytes) {
      for (std::size_t i = 0; i < bytes.size(); i += 2)
        text_[at++] = static_cast<std::uint16_t>(bytes[i] | bytes[i + 1] << 8);
    };
    put(entry.field<1, 10>());
    put(entry.field<14, 12>());
    put(entry.field<28, 4>());
  }

  // The name of `entry`; its short one where the pieces are not of it.
  std::string name_of(const Entry& entry) const {
    if (next_ != 1 || checksum_ != checksum(entry.field<0, 11>())) return short_name(entry);
    const auto end = std::ranges::find(text_, 0);
    return utf8(std::span(text_.begin(), end));
  }

  void reset() { next_ = 0; }

 private:
  std::vector<std::uint16_t> text_;
  unsigned next_ = 0;  // the piece that came last; 0: none
  std::uint8_t checksum_ = 0;
};

}  // namespace

bool FatVolume::is_fat(View head) {
  return head.size() >= kBootSector && is_boot_sector(Boot(head.sub(0, kBootSector)));
}

Result<FatVolume> FatVolume::open(const Content& image) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View sector, view_of(image, 0, kBootSector, scratch));
  const Boot boot(sector);
  if (!is_boot_sector(boot))
    return fail(Reason::bad_magic, sector.extent(), "no boot sector of FAT");
  const std::uint64_t sector_size = boot.le16<11>();
  FatVolume volume(image);
  volume.cluster_size_ = sector_size * boot.u8<13>();
  volume.fat_offset_ = boot.le16<14>() * sector_size;
  const std::uint64_t fat_size = fat_sectors(boot) * sector_size;
  const std::uint64_t root_size = boot.le16<17>() * kEntrySize;
  volume.data_offset_ = data_sector(boot) * sector_size;
  volume.root_ = {volume.data_offset_ - (root_size + sector_size - 1) / sector_size * sector_size,
                  root_size};
  const std::uint64_t clusters = (all_sectors(boot) - data_sector(boot)) / boot.u8<13>();
  // MAX_FAT12, MAX_FAT16 (fs/fat/fat.h).
  constexpr std::uint64_t kMost12 = 0xFF4;
  constexpr std::uint64_t kMost16 = 0xFFF4;
  constexpr std::uint64_t kMost32 = 0x0FFFFFF6;
  const bool is_32 = boot.le16<22>() == 0;
  volume.bits_ = is_32 ? 32 : clusters > kMost12 ? 16 : 12;
  if (is_32) volume.root_cluster_ = boot.le32<44>();
  // The FAT may have entries for fewer.
  const std::uint64_t entries = fat_size * 8 / volume.bits_;
  const std::uint64_t most = is_32 ? kMost32 : volume.bits_ == 16 ? kMost16 : kMost12;
  volume.end_cluster_ =
      static_cast<std::uint32_t>(std::min({clusters + kFirstCluster, entries, most}));
  if (!lies_inside(volume.fat_offset_, fat_size, image.size()))
    return fail(Reason::truncated, {volume.fat_offset_, fat_size},
                fmt::format("a FAT of {} bytes, the image has {}", fat_size, image.size()));
  return volume;
}

Result<std::uint32_t> FatVolume::next_cluster(std::uint32_t cluster) const {
  std::array<std::uint8_t, 4> bytes{};
  const std::uint64_t at = fat_offset_ + std::uint64_t{cluster} * bits_ / 8;
  ASSAY_CHECK(image_->read(at, std::span(bytes).first(bits_ == 32 ? 4 : 2)));
  const std::uint32_t word = Record<4>(View(bytes)).le32<0>();
  if (bits_ == 32) return word & 0x0FFFFFFF;
  if (bits_ == 16) return word;
  return cluster % 2 == 0 ? word & 0xFFF : word >> 4;
}

Result<FatVolume::Runs> FatVolume::runs(std::uint32_t cluster,
                                        std::optional<std::uint64_t> size) const {
  const std::uint32_t end_mark = bits_ == 32 ? 0x0FFFFFF8 : bits_ == 16 ? 0xFFF8 : 0xFF8;
  Runs runs;
  std::uint64_t filled = 0;
  // No chain is longer than there are clusters.
  for (std::uint32_t count = 0; !size || filled < *size; ++count) {
    if (cluster >= end_mark && count != 0) {
      if (size)
        return fail(Reason::truncated, {},
                    fmt::format("clusters for {} bytes of {}", filled, *size));
      break;
    }
    if (cluster < kFirstCluster || cluster >= end_cluster_)
      return fail(
          Reason::bad_value, {fat_offset_, 0},
          fmt::format("cluster {}, there are {} to {}", cluster, kFirstCluster, end_cluster_ - 1));
    if (count >= end_cluster_)
      return fail(Reason::archive_corrupt, {fat_offset_, 0}, "the chain of clusters is a loop");
    if (++steps_ > kMostWalks * end_cluster_)
      return fail(Reason::archive_corrupt, {fat_offset_, 0}, "clusters belong to several files");
    const std::uint64_t offset = data_offset_ + (cluster - kFirstCluster) * cluster_size_;
    if (!runs.empty() && *runs.back().offset + runs.back().size == offset)
      runs.back().size += cluster_size_;
    else
      runs.push_back({filled, cluster_size_, offset});
    if (runs.size() > limits::kRuns)
      return fail(Reason::limit_count, {}, fmt::format("more than {} pieces", limits::kRuns));
    filled += cluster_size_;
    ASSAY_TRY(cluster, next_cluster(cluster));
  }
  return runs;
}

Result<std::vector<FatEntry>> FatVolume::entries(const Content& folder, std::uint64_t most) const {
  constexpr std::uint64_t kLargest = 65536 * kEntrySize;  // FAT_MAX_DIR_SIZE (fs/fat/fat.h)
  if (folder.size() > kLargest)
    return fail(Reason::limit_size, {}, fmt::format("a folder of {} bytes", folder.size()));
  std::vector<std::uint8_t> bytes(folder.size());
  ASSAY_CHECK(folder.read(0, bytes));
  std::vector<FatEntry> out;
  LongName long_name;
  for (Reader reader{View(bytes)}; reader.left().size() >= kEntrySize;) {
    ASSAY_TRY(const auto entry, reader.record<kEntrySize>());
    const std::uint8_t first = entry.u8<0>();
    const std::uint8_t attributes = entry.u8<11>();
    if (first == 0) break;
    if (first != kDeleted && (attributes & 0x3F) == kLongName) {
      long_name.add(entry);
      continue;
    }
    if (first != kDeleted && (attributes & kVolumeLabel) == 0 && first != '.') {
      if (out.size() >= most)
        return fail(Reason::limit_count, {}, fmt::format("more than {} entries", most));
      const std::uint32_t high = bits_ == 32 ? entry.le16<20>() : 0U;
      out.push_back({long_name.name_of(entry), (attributes & kFolder) != 0,
                     high << 16 | entry.le16<26>(), entry.le32<28>()});
    }
    long_name.reset();
  }
  return out;
}

Result<std::vector<FatEntry>> FatVolume::root(std::uint64_t most) const {
  if (bits_ == 32) return folder(root_cluster_, most);
  return entries(RunsContent(*image_, root_), most);
}

Result<std::vector<FatEntry>> FatVolume::folder(std::uint32_t cluster, std::uint64_t most) const {
  ASSAY_TRY(Runs runs, this->runs(cluster, std::nullopt));
  const std::uint64_t size = runs.empty() ? 0 : runs.back().start + runs.back().size;
  return entries(RunsContent(*image_, std::move(runs), size), most);
}

Result<std::unique_ptr<Content>> FatVolume::file(std::uint32_t cluster, std::uint32_t size) const {
  ASSAY_TRY(Runs runs, this->runs(cluster, size));
  return std::make_unique<RunsContent>(*image_, std::move(runs), size);
}

}  // namespace assay
