#include "formats/partition_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kLargeSector = 4096;
constexpr std::size_t kFirstEntry = 446;
constexpr std::size_t kEntrySize = 16;
constexpr std::uint8_t kGptType = 0xEE;
constexpr std::size_t kHdrS = 0x202;
constexpr unsigned kMostPartitions = 256;  // DISK_MAX_PARTS, include/linux/blkdev.h

struct MbrEntry {
  std::uint8_t status = 0;
  std::uint8_t type = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  bool is_used() const { return type != 0 && count != 0; }
  bool is_extended() const { return type == 0x05 || type == 0x0F || type == 0x85; }
};

using MbrEntries = std::array<MbrEntry, 4>;

// Requires a whole sector.
std::optional<MbrEntries> parse_mbr(View sector) {
  if (sector[510] != 0x55 || sector[511] != 0xAA) return std::nullopt;
  MbrEntries entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Record<kEntrySize> entry(sector.sub(kFirstEntry + i * kEntrySize, kEntrySize));
    entries[i] = {entry.u8<0>(), entry.u8<4>(), entry.le32<8>(), entry.le32<12>()};
  }
  return entries;
}

bool has_gpt(const MbrEntries& entries) {
  return std::ranges::any_of(entries, [](const MbrEntry& it) { return it.type == kGptType; });
}

// CRC-32 as in ISO 3309 (UEFI specification, "GPT Header").
std::uint32_t crc32(std::uint32_t crc, std::span<const std::uint8_t> bytes) {
  crc = ~crc;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

class GptReader {
 public:
  GptReader(const Content& disk, std::uint64_t sector_size)
      : disk_(disk), sector_size_(sector_size) {}

  // With the header at `lba`.
  Result<std::vector<Partition>> read(std::uint64_t lba) {
    constexpr std::uint64_t kHeaderSize = 92;
    const std::uint64_t at = lba * sector_size_;
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View sector, view_of(disk_, at, sector_size_, scratch));
    if (!sector.text().starts_with("EFI PART"))
      return fail(Reason::bad_magic, {at, 8}, "expected \"EFI PART\"");
    const Record<kHeaderSize> header(sector.sub(0, kHeaderSize));
    const std::uint64_t size = header.le32<12>();
    if (size < kHeaderSize || size > sector_size_)
      return fail(Reason::bad_value, {at + 12, 4}, fmt::format("a header of {} bytes", size));
    ASSAY_CHECK(check_crc(header_crc(sector.sub(0, size)), header.le32<16>(), {at, size}));
    if (header.le64<24>() != lba)
      return fail(Reason::bad_value, {at + 24, 8},
                  fmt::format("the header of sector {}, expected {}", header.le64<24>(), lba));
    return entries(header.le64<72>(), header.le32<80>(), header.le32<84>(), header.le32<88>());
  }

 private:
  static std::uint32_t header_crc(View header) {
    constexpr std::size_t kCrcField = 16;
    constexpr std::array<std::uint8_t, 4> kZeros{};
    const auto bytes = header.bytes();
    return crc32(crc32(crc32(0, bytes.first(kCrcField)), kZeros), bytes.subspan(kCrcField + 4));
  }

  static Result<void> check_crc(std::uint32_t actual, std::uint32_t stored, Extent where) {
    if (actual == stored) return {};
    return fail(Reason::bad_value, where,
                fmt::format("CRC-32 {:08x}, expected {:08x}", actual, stored));
  }

  Result<std::vector<Partition>> entries(std::uint64_t lba, std::uint64_t count, std::uint64_t size,
                                         std::uint32_t crc) {
    constexpr std::uint64_t kSize = 128;         // what Linux insists on
    constexpr std::uint64_t kMost = 4ULL << 20;  // bytes of all; KMALLOC_MAX_SIZE
    if (size != kSize || count == 0 || count > kMost / kSize)
      return fail(Reason::bad_value, {}, fmt::format("{} entries of {} bytes", count, size));
    if (lba > disk_.size() / sector_size_)
      return fail(Reason::bad_length, {}, fmt::format("entries in sector {}", lba));
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View table, view_of(disk_, lba * sector_size_, count * size, scratch));
    ASSAY_CHECK(check_crc(crc32(0, table.bytes()), crc, table.extent()));
    std::vector<Partition> partitions;
    for (unsigned i = 0; i < count; ++i) {
      const Record<kSize> entry(table.sub(i * kSize, kSize));
      const auto type = entry.field<0, 16>();
      if (std::ranges::all_of(type, [](std::uint8_t byte) { return byte == 0; })) continue;
      const std::uint64_t first = entry.le64<32>();
      const std::uint64_t last = entry.le64<40>();
      if (first > last || last >= UINT64_MAX / sector_size_)
        return fail(Reason::bad_value, entry.extent(),
                    fmt::format("partition {} from sector {} to {}", i + 1, first, last));
      if (partitions.size() >= kMostPartitions)
        return fail(Reason::limit_count, {},
                    fmt::format("more than {} partitions", kMostPartitions));
      partitions.push_back({i + 1, {first * sector_size_, (last - first + 1) * sector_size_}});
    }
    return partitions;
  }

  const Content& disk_;
  std::uint64_t sector_size_;
};

Result<std::vector<Partition>> read_gpt(const Content& disk) {
  std::optional<Error> first_error;
  for (const std::uint64_t sector_size : {kSector, kLargeSector}) {
    if (disk.size() < 2 * sector_size) continue;
    GptReader reader(disk, sector_size);
    auto primary = reader.read(1);
    if (primary) return primary;
    // The header that is there and damaged says more than the one that is not there.
    if (!first_error || first_error->reason == Reason::bad_magic) first_error = primary.error();
    if (auto copy = reader.read(disk.size() / sector_size - 1)) return copy;
  }
  if (first_error) return std::unexpected(*first_error);
  return fail(Reason::truncated, {0, disk.size()}, "no room for a header");
}

Result<void> read_extended(const Content& disk, std::uint64_t first,
                           std::vector<Partition>& partitions) {
  std::vector<std::uint8_t> scratch;
  unsigned number = 5;
  std::uint64_t table = first;
  for (unsigned tables = 0;; ++tables) {
    if (tables >= kMostPartitions)
      return fail(Reason::limit_count, {table * kSector, kSector},
                  fmt::format("more than {} extended tables", kMostPartitions));
    ASSAY_TRY(const View sector, view_of(disk, table * kSector, kSector, scratch));
    const auto entries = parse_mbr(sector);
    if (!entries) return fail(Reason::bad_magic, {table * kSector + 510, 2}, "expected 55 AA");
    std::optional<std::uint64_t> next;
    for (const MbrEntry& entry : *entries) {
      if (!entry.is_used()) continue;
      if (entry.is_extended()) {
        if (!next) next = first + entry.first;
      } else {
        partitions.push_back({number++, {(table + entry.first) * kSector, entry.count * kSector}});
      }
    }
    if (!next) return {};
    table = *next;
  }
}

}  // namespace

bool is_disk(View head, std::uint64_t size) {
  if (head.size() < kSector) return false;
  // The first sector of a bzImage ends so too (Documentation/arch/x86/boot.rst).
  if (head.size() > kHdrS && head.text().substr(kHdrS).starts_with("HdrS")) return false;
  const auto entries = parse_mbr(head);
  if (!entries) return false;
  bool has_any = false;
  for (const MbrEntry& entry : *entries) {
    if ((entry.status & 0x7F) != 0) return false;
    if (!entry.is_used()) continue;
    has_any = true;
    if (entry.first == 0 && entry.type != kGptType) return false;
    if (entry.first >= size / kSector) return false;
  }
  return has_any;
}

Result<std::vector<Partition>> read_partitions(const Content& disk) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View sector, view_of(disk, 0, kSector, scratch));
  const auto entries = parse_mbr(sector);
  if (!entries) return fail(Reason::bad_magic, {510, 2}, "expected 55 AA");
  if (has_gpt(*entries)) return read_gpt(disk);
  std::vector<Partition> partitions;
  for (unsigned i = 0; i < entries->size(); ++i) {
    const MbrEntry& entry = (*entries)[i];
    if (!entry.is_used()) continue;
    if (entry.is_extended()) {
      ASSAY_CHECK(read_extended(disk, entry.first, partitions));
    } else {
      partitions.push_back({i + 1, {entry.first * kSector, entry.count * kSector}});
    }
  }
  return partitions;
}

}  // namespace assay
