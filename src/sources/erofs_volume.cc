#include "sources/erofs_volume.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include "base/nesting_limits.h"
#include "bytes/runs_content.h"
#include "sources/erofs_clusters.h"

namespace assay {

namespace {

constexpr std::uint64_t kSuperblockAt = 1024;
constexpr std::size_t kSuperblock = 128;
constexpr std::uint32_t kMagic = 0xE0F5E1E2;
constexpr std::uint32_t kHasChecksum = 0x1;
// LZ4 with zeros before it, big clusters, chunks, devices, inline ends, fragments.
constexpr std::uint32_t kKnownFeatures = 0x3F;
constexpr std::uint64_t kEntry = 12;

enum Layout : std::uint8_t { kPlain = 0, kFull = 1, kInline = 2, kCompact = 3, kChunks = 4 };

using Superblock = Record<kSuperblock>;

// CRC-32C, not inverted at the end (lib/crc32.c, __crc32c_le()).
std::uint32_t crc32c(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    sum ^= byte;
    for (int i = 0; i < 8; ++i) sum = sum >> 1 ^ ((sum & 1) != 0 ? 0x82F63B78U : 0);
  }
  return sum;
}

// erofs_superblock_csum_verify(), fs/erofs/super.c: of the rest of the superblock's block.
Result<void> check_sum(const Content& image, const Superblock& super) {
  std::uint64_t size = std::uint64_t{1} << super.u8<12>();
  if (size > kSuperblockAt) size -= kSuperblockAt;
  if (!lies_inside(kSuperblockAt, size, image.size()))
    return fail(Reason::truncated, {kSuperblockAt, size}, "the block of the superblock");
  std::vector<std::uint8_t> bytes(size);
  ASSAY_CHECK(image.read(kSuperblockAt, bytes));
  std::fill_n(bytes.begin() + 4, 4, std::uint8_t{0});
  const std::uint32_t sum = crc32c(UINT32_MAX, bytes);
  if (sum == super.le32<4>()) return {};
  return fail(Reason::bad_value, super.extent_of<4, 4>(),
              fmt::format("CRC-32C {:#010x}, expected {:#010x}", super.le32<4>(), sum));
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

bool ErofsVolume::is_erofs(View head) {
  return head.size() >= kSuperblockAt + kSuperblock &&
         Superblock(head.sub(kSuperblockAt, kSuperblock)).le32<0>() == kMagic;
}

template <std::size_t N>
Result<Record<N>> ErofsVolume::record(std::uint64_t offset) const {
  if (!lies_inside(offset, N, image_->size()))
    return fail(Reason::bad_length, {offset, N},
                fmt::format("the image has {} bytes", image_->size()));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view, view_of(*image_, offset, N, scratch));
  return Record<N>(View(view.bytes(), offset));
}

Result<ErofsVolume> ErofsVolume::open(const Content& image) {
  ErofsVolume out(image);
  ASSAY_TRY(const auto super, out.record<kSuperblock>(kSuperblockAt));
  if (super.le32<0>() != kMagic)
    return fail(Reason::bad_magic, super.extent_of<0, 4>(), "expected a superblock of EROFS");
  out.block_bits_ = super.u8<12>();
  if (out.block_bits_ < 9 || out.block_bits_ > 16 || super.u8<90>() != 0)
    return fail(Reason::archive_unsupported, super.extent_of<12, 1>(),
                fmt::format("blocks of 2^{} bytes, of folders 2^{} of them", out.block_bits_,
                            super.u8<90>()));
  if ((super.le32<8>() & kHasChecksum) != 0) ASSAY_CHECK(check_sum(image, super));
  if ((super.le32<80>() & ~kKnownFeatures) != 0)
    return fail(Reason::archive_unsupported, super.extent_of<80, 4>(),
                fmt::format("features {:#x}", super.le32<80>() & ~kKnownFeatures));
  out.root_ = super.le16<14>();
  out.inodes_ = std::uint64_t{super.le32<40>()} << out.block_bits_;
  out.shared_xattrs_ = std::uint64_t{super.le32<44>()} << out.block_bits_;
  const auto devices = super.le16<86>();
  out.device_mask_ = static_cast<std::uint16_t>(std::bit_ceil(devices + 1U) - 1);
  std::ranges::copy(super.field<48, 16>(), out.uuid_.begin());
  return out;
}

Result<ErofsVolume::Inode> ErofsVolume::inode(std::uint64_t node) const {
  constexpr std::uint64_t kUnit = 32;
  if (node > image_->size() / kUnit)
    return fail(Reason::bad_value, {}, fmt::format("inode {} behind the image", node));
  Inode out;
  out.number = node;
  out.offset = inodes_ + node * kUnit;
  ASSAY_TRY(const auto base, record<32>(out.offset));
  const std::uint16_t format = base.le16<0>();
  out.layout = format >> 1 & 7;
  if (format >> 4 != 0 || out.layout > kChunks)
    return fail(Reason::archive_unsupported, base.extent_of<0, 2>(),
                fmt::format("inode {} of format {:#x}", node, format));
  out.mode = base.le16<4>();
  out.place = base.le32<16>();
  out.serial = base.le32<20>();
  const bool is_extended = (format & 1) != 0;
  out.xattrs = out.offset + (is_extended ? 64 : 32);
  if (is_extended) {
    ASSAY_TRY(const auto more, record<64>(out.offset));
    out.size = more.le64<8>();
    out.owner = more.le32<24>();
    out.group = more.le32<28>();
  } else {
    out.size = base.le32<8>();
    out.owner = base.le16<24>();
    out.group = base.le16<26>();
  }
  const std::uint64_t count = base.le16<2>();
  out.behind = out.xattrs + (count == 0 ? 0 : 12 + (count - 1) * 4);
  return out;
}

Result<std::unique_ptr<Content>> ErofsVolume::flat(const Inode& inode, bool has_tail) const {
  const std::uint64_t block = std::uint64_t{1} << block_bits_;
  const std::uint64_t blocks = inode.size / block + (inode.size % block != 0 ? 1 : 0);
  const std::uint64_t whole = has_tail && blocks != 0 ? (blocks - 1) * block : inode.size;
  std::vector<RunsContent::Run> runs;
  if (whole != 0) runs.push_back({0, whole, std::uint64_t{inode.place} << block_bits_});
  if (whole < inode.size) {
    const std::uint64_t tail = inode.size - whole;
    if (inode.behind % block + tail > block)
      return fail(Reason::archive_corrupt, {inode.behind, tail},
                  fmt::format("the end of inode {} lies in two blocks", inode.number));
    runs.push_back({whole, tail, inode.behind});
  }
  for (const RunsContent::Run& run : runs)
    if (!lies_inside(*run.offset, run.size, image_->size()))
      return fail(Reason::bad_length, {*run.offset, run.size},
                  fmt::format("inode {}, the image has {} bytes", inode.number, image_->size()));
  return std::make_unique<RunsContent>(*image_, std::move(runs), inode.size);
}

Result<std::unique_ptr<Content>> ErofsVolume::chunks(const Inode& inode) const {
  constexpr std::uint32_t kBits = 0x1F;
  constexpr std::uint32_t kIndexes = 0x20;
  const std::uint32_t format = inode.place & 0xFFFF;
  const unsigned bits = block_bits_ + (format & kBits);
  if ((format & ~(kBits | kIndexes)) != 0)
    return fail(Reason::archive_unsupported, {inode.offset, 32},
                fmt::format("chunks of format {:#x}", format));
  const std::uint64_t chunk = std::uint64_t{1} << bits;
  const std::uint64_t count = inode.size / chunk + (inode.size % chunk != 0 ? 1 : 0);
  if (count > limits::kRuns)
    return fail(Reason::limit_count, {inode.offset, 32},
                fmt::format("{} chunks, at most {}", count, limits::kRuns));
  const std::uint64_t each = (format & kIndexes) != 0 ? 8 : 4;
  std::uint64_t at = round_up(inode.behind, each);
  std::vector<RunsContent::Run> runs;
  for (std::uint64_t i = 0; i < count; ++i, at += each) {
    std::uint32_t block = 0;
    if (each == 4) {
      ASSAY_TRY(const auto entry, record<4>(at));
      block = entry.template le32<0>();
    } else {
      ASSAY_TRY(const auto entry, record<8>(at));
      if ((entry.template le16<2>() & device_mask_) != 0)
        return fail(Reason::archive_unsupported, entry.extent(),
                    fmt::format("a chunk on device {}", entry.template le16<2>()));
      block = entry.template le32<4>();
    }
    if (block == UINT32_MAX) continue;
    const std::uint64_t size = std::min(chunk, inode.size - i * chunk);
    const std::uint64_t offset = std::uint64_t{block} << block_bits_;
    if (!lies_inside(offset, size, image_->size()))
      return fail(Reason::bad_length, {offset, size},
                  fmt::format("inode {}, the image has {} bytes", inode.number, image_->size()));
    runs.push_back({i * chunk, size, offset});
  }
  return std::make_unique<RunsContent>(*image_, std::move(runs), inode.size);
}

Result<std::unique_ptr<Content>> ErofsVolume::bytes(const Inode& inode) const {
  switch (inode.layout) {
    case kPlain: return flat(inode, false);
    case kInline: return flat(inode, true);
    case kChunks: return chunks(inode);
    default:
      return open_erofs_clusters(
          *image_, {round_up(inode.behind, 8), inode.size, block_bits_, inode.layout == kCompact});
  }
}

// In each block entries, then their names: one ends where the next begins, the last with the block
// or at a NUL (erofs_fill_dentries(), fs/erofs/dir.c).
Result<void> ErofsVolume::add_entries(View block, std::uint64_t most,
                                      std::vector<TreeNode>& nodes) const {
  ASSAY_TRY(const View start, slice(block, 0, kEntry, Reason::truncated));
  const std::uint64_t names = Record<kEntry>(start).le16<8>();
  const std::uint64_t count = names / kEntry;
  if (count == 0 || names > block.size())
    return fail(
        Reason::archive_corrupt, start.extent(),
        fmt::format("names of a folder at {}, its block has {} bytes", names, block.size()));
  const auto entry_at = [&](std::uint64_t i) {
    return Record<kEntry>(block.sub(i * kEntry, kEntry));
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = entry_at(i);
    const std::uint64_t from = entry.le16<8>();
    const std::uint64_t to = i + 1 < count ? entry_at(i + 1).le16<8>() : block.size();
    if (from < names || from > to || to > block.size())
      return fail(
          Reason::archive_corrupt, entry.extent(),
          fmt::format("a name in [{}, {}), expected in [{}, {})", from, to, names, block.size()));
    std::string_view name = block.sub(from, to - from).text();
    if (i + 1 == count) name = name.substr(0, name.find('\0'));
    if (name == "." || name == "..") continue;
    if (nodes.size() >= most)
      return fail(Reason::limit_count, entry.extent(), fmt::format("more than {} entries", most));
    constexpr std::uint8_t kFolder = 2;
    constexpr std::uint8_t kRegular = 1;
    constexpr std::uint8_t kLink = 7;
    const std::uint8_t type = entry.u8<10>();
    const NodeKind kind = type == kFolder    ? NodeKind::folder
                          : type == kRegular ? NodeKind::regular
                          : type == kLink    ? NodeKind::symbolic_link
                                             : NodeKind::other;
    nodes.push_back({std::string(name), kind, entry.le64<0>()});
  }
  return {};
}

Result<std::vector<TreeNode>> ErofsVolume::folder(std::uint64_t node, std::uint64_t most) const {
  ASSAY_TRY(const Inode self, inode(node));
  if (!S_ISDIR(self.mode))
    return fail(Reason::archive_corrupt, {self.offset, 32},
                fmt::format("inode {} is no folder", node));
  ASSAY_TRY(const auto content, bytes(self));
  const std::uint64_t block = std::uint64_t{1} << block_bits_;
  std::vector<TreeNode> nodes;
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = 0; at < content->size(); at += block) {
    const std::uint64_t size = std::min(block, content->size() - at);
    ASSAY_TRY(const View view, view_of(*content, at, size, scratch));
    ASSAY_CHECK(add_entries(view, most, nodes));
  }
  return nodes;
}

Result<std::unique_ptr<Content>> ErofsVolume::file(std::uint64_t node) const {
  ASSAY_TRY(const Inode self, inode(node));
  if (!S_ISREG(self.mode))
    return fail(Reason::archive_corrupt, {self.offset, 32},
                fmt::format("inode {} is no file: its mode is {:o}", node, self.mode));
  return bytes(self);
}

Result<std::string> ErofsVolume::target(std::uint64_t node) const {
  ASSAY_TRY(const Inode self, inode(node));
  if (self.size > limits::kMemberPath)
    return fail(Reason::limit_size, {self.offset, 32},
                fmt::format("a symbolic link of {} bytes", self.size));
  ASSAY_TRY(const auto content, bytes(self));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View text, view_of(*content, 0, self.size, scratch));
  return std::string(text.text());
}

Result<std::uint64_t> ErofsVolume::add_xattr(std::uint64_t offset, FileAttributes& out) const {
  constexpr std::uint8_t kSecurity = 6;
  ASSAY_TRY(const auto head, record<4>(offset));
  const std::uint64_t name_size = head.template u8<0>();
  const std::uint64_t value_size = head.template le16<2>();
  const std::uint64_t size = round_up(4 + name_size + value_size, 4);
  if (!lies_inside(offset, 4 + name_size + value_size, image_->size()))
    return fail(Reason::bad_length, {offset, size},
                fmt::format("an extended attribute, the image has {} bytes", image_->size()));
  if (head.template u8<1>() != kSecurity) return size;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view, view_of(*image_, offset + 4, name_size + value_size, scratch));
  const auto value = view.bytes().subspan(name_size);
  out.security["security." + std::string(view.sub(0, name_size).text())].assign(value.begin(),
                                                                                value.end());
  return size;
}

Result<FileAttributes> ErofsVolume::attributes(std::uint64_t node) const {
  ASSAY_TRY(const Inode self, inode(node));
  FileAttributes out;
  out.owner = self.owner;
  out.group = self.group;
  out.mode = self.mode;
  out.filesystem_magic = kMagic;
  out.has_xattrs = true;
  out.inode_number = self.serial;
  out.filesystem_uuid = uuid_;
  if (self.xattrs == self.behind) return out;
  ASSAY_TRY(const auto head, record<12>(self.xattrs));
  const std::uint64_t shared = head.template u8<4>();
  std::uint64_t at = self.xattrs + 12;
  if (shared * 4 > self.behind - at)
    return fail(Reason::bad_length, head.extent(),
                fmt::format("{} shared attributes in {} bytes", shared, self.behind - at));
  for (std::uint64_t i = 0; i < shared; ++i, at += 4) {
    ASSAY_TRY(const auto id, record<4>(at));
    ASSAY_CHECK(add_xattr(shared_xattrs_ + std::uint64_t{id.template le32<0>()} * 4, out));
  }
  while (at + 4 <= self.behind) {
    ASSAY_TRY(const std::uint64_t size, add_xattr(at, out));
    if (size > self.behind - at)
      return fail(Reason::bad_length, {at, size},
                  fmt::format("an extended attribute, {} bytes are left", self.behind - at));
    at += size;
  }
  return out;
}

}  // namespace assay
