#include "sources/squash_volume.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include "base/nesting_limits.h"
#include "bytes/reader.h"
#include "sources/squash_blocks.h"

namespace assay {

namespace {

constexpr std::size_t kSuperblock = 96;
constexpr std::uint32_t kMagic = 0x73717368;
constexpr std::uint64_t kNoTable = UINT64_MAX;
constexpr std::uint32_t kNone = UINT32_MAX;  // no fragment, no extended attributes
constexpr std::uint32_t kIsPlain = 1 << 24;  // of a block of a file
constexpr std::uint64_t kMostBlock = limits::kMiB;

using Superblock = Record<kSuperblock>;
using Place = SquashBlocks::Place;

// Types of inodes; those that say more have 7 added.
enum Type : std::uint16_t { kFolder = 1, kFile = 2, kLink = 3, kBasic = 7, kTypes = 14 };

// What all inodes have, and what this one's type adds.
struct Inode {
  std::uint16_t type = 0;  // 1 to 7
  std::uint16_t mode = 0;
  std::uint16_t owner = 0;  // in the table of owners
  std::uint16_t group = 0;
  std::uint32_t number = 0;
  std::uint64_t size = 0;   // of a file, a folder's entries, a link's target
  std::uint64_t start = 0;  // of a file's blocks; of the block with a folder's entries
  std::uint32_t fragment = kNone;
  std::uint32_t offset = 0;  // in the fragment, in the block with entries
  std::uint32_t xattrs = kNone;
  Place behind;  // sizes of blocks, a link's target
};

// A file, whose blocks are unpacked when they are read: the one that was read last is kept.
class SquashFile final : public Content {
 public:
  struct Block {
    std::uint64_t offset = 0;
    std::uint32_t word = 0;  // its size, and whether it is compressed; 0: a hole
  };
  using Fragment = std::shared_ptr<const std::vector<std::uint8_t>>;

  SquashFile(SquashBlocks& blocks, std::uint64_t block_size, std::vector<Block> stored,
             std::uint64_t size, Fragment fragment, std::uint64_t fragment_offset)
      : blocks_(blocks),
        block_size_(block_size),
        stored_(std::move(stored)),
        size_(size),
        fragment_(std::move(fragment)),
        fragment_offset_(fragment_offset) {}

  std::uint64_t size() const override { return size_; }

  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (!lies_inside(offset, out.size(), size_))
      return fail(Reason::bad_length, {offset, out.size()},
                  fmt::format("bytes [{}, +{}) wanted of {}", offset, out.size(), size_));
    while (!out.empty()) {
      const std::uint64_t index = offset / block_size_;
      const std::uint64_t inside = offset % block_size_;
      const std::uint64_t length = std::min(block_size_, size_ - index * block_size_);
      const auto piece = out.first(std::min<std::uint64_t>(out.size(), length - inside));
      ASSAY_TRY(const auto bytes, block(index, length));
      if (bytes.empty()) {
        std::ranges::fill(piece, std::uint8_t{0});
      } else {
        std::ranges::copy(bytes.subspan(inside, piece.size()), piece.begin());
      }
      out = out.subspan(piece.size());
      offset += piece.size();
    }
    return {};
  }

 private:
  // All `length` bytes of a block; none: they are zeros.
  Result<std::span<const std::uint8_t>> block(std::uint64_t index, std::uint64_t length) const {
    if (index >= stored_.size()) {
      if (!fragment_ || !lies_inside(fragment_offset_, length, fragment_->size()))
        return fail(Reason::bad_length, {},
                    fmt::format("bytes [{}, +{}) of a fragment of {}", fragment_offset_, length,
                                fragment_ ? fragment_->size() : 0));
      return std::span(*fragment_).subspan(fragment_offset_, length);
    }
    const Block& stored = stored_[index];
    if (stored.word == 0) return std::span<const std::uint8_t>();
    if (kept_index_ != index || kept_.empty()) {
      ASSAY_TRY(kept_, blocks_.data(stored.offset, stored.word & (kIsPlain - 1),
                                    (stored.word & kIsPlain) == 0, block_size_));
      kept_index_ = index;
    }
    if (kept_.size() != length) {
      const std::uint64_t got = kept_.size();
      kept_.clear();
      return fail(Reason::archive_corrupt, {stored.offset, stored.word & (kIsPlain - 1)},
                  fmt::format("a block of {} bytes, expected {}", got, length));
    }
    return std::span<const std::uint8_t>(kept_);
  }

  SquashBlocks& blocks_;
  std::uint64_t block_size_;
  std::vector<Block> stored_;
  std::uint64_t size_;
  Fragment fragment_;
  std::uint64_t fragment_offset_;
  mutable std::vector<std::uint8_t> kept_;
  mutable std::uint64_t kept_index_ = 0;
};

}  // namespace

struct SquashVolume::State {
  State(const Content& content, const Superblock& superblock)
      : image(content), super(superblock), block_size(superblock.le32<12>()) {}

  std::uint64_t inodes() const { return super.le64<64>(); }
  std::uint64_t folders() const { return super.le64<72>(); }
  std::uint64_t end() const { return super.le64<40>(); }

  template <std::size_t N>
  Result<Record<N>> record(Place& place) {
    std::array<std::uint8_t, N> bytes{};
    const Extent where{place.block, 0};
    auto done = blocks->read(place, bytes);
    if (!done) return std::unexpected(std::move(done).error());
    return Record<N>(View(bytes, where.offset));
  }

  Result<std::uint64_t> image_u64(std::uint64_t at) const {
    if (!lies_inside(at, 8, end()))
      return fail(Reason::bad_length, {at, 8}, fmt::format("a table behind {}", end()));
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View bytes, view_of(image, at, 8, scratch));
    return Record<8>(bytes).le64<0>();
  }

  // Entry `index` of a table that has a list of its blocks at `list`.
  template <std::size_t N>
  Result<Record<N>> table_entry(std::uint64_t list, std::uint64_t index) {
    constexpr std::uint64_t kEach = SquashBlocks::kTableBlock / N;
    ASSAY_TRY(const std::uint64_t block, image_u64(list + index / kEach * 8));
    Place place{block, index % kEach * N};
    return record<N>(place);
  }

  Result<Place> place_of(std::uint64_t reference, std::uint64_t table) const {
    const Place place{table + (reference >> 16), reference & 0xFFFF};
    if (place.offset >= SquashBlocks::kTableBlock || reference >> 16 > end())
      return fail(Reason::bad_value, {}, fmt::format("reference {:#x}", reference));
    return place;
  }

  Result<Inode> inode(std::uint64_t reference) {
    ASSAY_TRY(Place place, place_of(reference, inodes()));
    ASSAY_TRY(const auto base, record<16>(place));
    Inode out;
    const std::uint16_t type = base.le16<0>();
    if (type == 0 || type > kTypes)
      return fail(Reason::bad_value, base.extent(),
                  fmt::format("an inode of type {}, expected 1 to {}", type, int{kTypes}));
    out.type = type > kBasic ? static_cast<std::uint16_t>(type - kBasic) : type;
    constexpr std::array<std::uint16_t, 8> kModes = {0,       S_IFDIR, S_IFREG, S_IFLNK,
                                                     S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK};
    out.mode = static_cast<std::uint16_t>((base.le16<2>() & 07777) | kModes[out.type]);
    out.owner = base.le16<4>();
    out.group = base.le16<6>();
    out.number = base.le32<12>();
    ASSAY_CHECK(type > kBasic ? read_extended(out, place) : read_basic(out, place));
    out.behind = place;
    return out;
  }

  Result<void> read_basic(Inode& out, Place& place) {
    if (out.type == kFolder) {
      ASSAY_TRY(const auto more, record<16>(place));
      out.start = more.le32<0>();
      out.size = more.le16<8>();
      out.offset = more.le16<10>();
    } else if (out.type == kFile) {
      ASSAY_TRY(const auto more, record<16>(place));
      out.start = more.le32<0>();
      out.fragment = more.le32<4>();
      out.offset = more.le32<8>();
      out.size = more.le32<12>();
    } else if (out.type == kLink) {
      ASSAY_TRY(const auto more, record<8>(place));
      out.size = more.le32<4>();
    }
    return {};
  }

  Result<void> read_extended(Inode& out, Place& place) {
    if (out.type == kFolder) {
      ASSAY_TRY(const auto more, record<24>(place));
      out.size = more.le32<4>();
      out.start = more.le32<8>();
      out.offset = more.le16<18>();
      out.xattrs = more.le32<20>();
    } else if (out.type == kFile) {
      ASSAY_TRY(const auto more, record<40>(place));
      out.start = more.le64<0>();
      out.size = more.le64<8>();
      out.fragment = more.le32<28>();
      out.offset = more.le32<32>();
      out.xattrs = more.le32<36>();
    } else if (out.type == kLink) {
      ASSAY_TRY(const auto more, record<8>(place));
      out.size = more.le32<4>();
    }
    return {};
  }

  Result<std::uint32_t> owner(std::uint16_t index) {
    if (index >= super.le16<26>())
      return fail(Reason::bad_value, {}, fmt::format("owner {} of {}", index, super.le16<26>()));
    ASSAY_TRY(const auto entry, table_entry<4>(super.le64<48>(), index));
    return entry.template le32<0>();
  }

  // Those that share it come one after the other.
  Result<SquashFile::Fragment> fragment(std::uint32_t index) {
    if (kept_fragment && kept_index == index) return kept_fragment;
    if (index >= super.le32<16>() || super.le64<80>() == kNoTable)
      return fail(Reason::bad_value, {}, fmt::format("fragment {} of {}", index, super.le32<16>()));
    ASSAY_TRY(const auto entry, table_entry<16>(super.le64<80>(), index));
    const auto word = entry.template le32<8>();
    ASSAY_TRY(auto bytes, blocks->data(entry.template le64<0>(), word & (kIsPlain - 1),
                                       (word & kIsPlain) == 0, block_size));
    kept_fragment = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
    kept_index = index;
    return kept_fragment;
  }

  Result<std::vector<SquashFile::Block>> file_blocks(Inode& inode) {
    const bool has_fragment = inode.fragment != kNone;
    const std::uint64_t count =
        inode.size / block_size + (!has_fragment && inode.size % block_size != 0 ? 1 : 0);
    if (count > limits::kBlocks)
      return fail(Reason::limit_count, {},
                  fmt::format("a file of {} blocks, at most {}", count, limits::kBlocks));
    std::vector<SquashFile::Block> out;
    std::uint64_t at = inode.start;
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSAY_TRY(const auto word, record<4>(inode.behind));
      const std::uint32_t value = word.template le32<0>();
      const std::uint64_t size = value & (kIsPlain - 1);
      if (size > block_size || (value & ~(kIsPlain * 2 - 1)) != 0 || !lies_inside(at, size, end()))
        return fail(
            Reason::bad_length, {at, size},
            fmt::format("block {} of a file, at most {} bytes in {}", i, block_size, end()));
      out.push_back({at, value});
      at += size;
    }
    return out;
  }

  Result<void> add_xattrs(std::uint32_t index, FileAttributes& out);
  Result<std::vector<std::uint8_t>> xattr_value(Place& place);

  const Content& image;
  Superblock super;
  std::uint64_t block_size;
  std::unique_ptr<SquashBlocks> blocks;
  SquashFile::Fragment kept_fragment;
  std::uint32_t kept_index = 0;
};

SquashVolume::SquashVolume(std::unique_ptr<State> state) : state_(std::move(state)) {}
SquashVolume::~SquashVolume() = default;

bool SquashVolume::is_squash(View head) {
  if (head.size() < kSuperblock) return false;
  const Superblock super(head.sub(0, kSuperblock));
  return super.le32<0>() == kMagic && super.le16<28>() == 4 && super.le16<30>() == 0;
}

Result<std::unique_ptr<SquashVolume>> SquashVolume::open(const Content& image) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View bytes, view_of(image, 0, kSuperblock, scratch));
  const Superblock super(bytes);
  if (!is_squash(bytes))
    return fail(Reason::bad_magic, super.extent_of<0, 4>(), "expected squashfs 4.0");
  const std::uint64_t block_size = super.le32<12>();
  if (!std::has_single_bit(block_size) || block_size < 4096 || block_size > kMostBlock ||
      block_size != std::uint64_t{1} << std::min<unsigned>(super.le16<22>(), 63))
    return fail(Reason::bad_value, super.extent_of<12, 4>(),
                fmt::format("blocks of {} bytes, and of 2^{}", block_size, super.le16<22>()));
  if (super.le64<40>() > image.size())
    return fail(Reason::bad_length, super.extent_of<40, 8>(),
                fmt::format("{} bytes, the image has {}", super.le64<40>(), image.size()));
  auto state = std::make_unique<State>(image, super);
  // Sums of a table's place and a reference are to stay sums.
  for (const std::uint64_t table : {state->inodes(), state->folders()})
    if (table >= state->end())
      return fail(Reason::bad_length, super.extent_of<64, 16>(),
                  fmt::format("a table at {}, behind {}", table, state->end()));
  ASSAY_TRY(state->blocks, SquashBlocks::open(image, state->end(), super.le16<20>(), block_size));
  return std::unique_ptr<SquashVolume>(new SquashVolume(std::move(state)));
}

std::uint64_t SquashVolume::root() const { return state_->super.le64<32>(); }

Result<std::vector<TreeNode>> SquashVolume::folder(std::uint64_t reference,
                                                   std::uint64_t most) const {
  constexpr std::uint64_t kUncounted = 3;  // "." and ".." count so much in a folder's size
  constexpr std::uint32_t kMostInRow = 256;
  ASSAY_TRY(const Inode inode, state_->inode(reference));
  if (inode.type != kFolder)
    return fail(Reason::archive_corrupt, {}, fmt::format("inode {} is no folder", inode.number));
  std::vector<TreeNode> nodes;
  Place place{state_->folders() + inode.start, inode.offset};
  std::uint64_t left = inode.size - std::min(inode.size, kUncounted);
  const auto take = [&](std::uint64_t size) -> Result<void> {
    if (size > left)
      return fail(Reason::archive_corrupt, {place.block, 2},
                  fmt::format("entries of a folder of {} bytes do not end there", inode.size));
    left -= size;
    return {};
  };
  while (left != 0) {
    ASSAY_CHECK(take(12));
    ASSAY_TRY(const auto row, state_->record<12>(place));
    const std::uint64_t count = std::uint64_t{row.le32<0>()} + 1;
    if (count > kMostInRow)
      return fail(Reason::bad_value, {place.block, 2},
                  fmt::format("{} entries in a row, at most {}", count, kMostInRow));
    for (std::uint64_t i = 0; i < count; ++i) {
      ASSAY_CHECK(take(8));
      ASSAY_TRY(const auto entry, state_->record<8>(place));
      std::string name(std::size_t{entry.le16<6>()} + 1, '\0');
      if (name.size() > 256)
        return fail(Reason::bad_value, {place.block, 2},
                    fmt::format("a name of {} bytes", name.size()));
      ASSAY_CHECK(take(name.size()));
      std::vector<std::uint8_t> bytes(name.size());
      ASSAY_CHECK(state_->blocks->read(place, bytes));
      std::ranges::copy(bytes, name.begin());
      if (nodes.size() >= most)
        return fail(Reason::limit_count, {}, fmt::format("more than {} entries", most));
      const std::uint16_t type = entry.le16<4>();
      const NodeKind kind = type == kFolder ? NodeKind::folder
                            : type == kFile ? NodeKind::regular
                            : type == kLink ? NodeKind::symbolic_link
                                            : NodeKind::other;
      nodes.push_back(
          {std::move(name), kind, std::uint64_t{row.le32<4>()} << 16 | entry.le16<0>()});
    }
  }
  return nodes;
}

Result<std::unique_ptr<Content>> SquashVolume::file(std::uint64_t reference) const {
  ASSAY_TRY(Inode inode, state_->inode(reference));
  if (inode.type != kFile)
    return fail(Reason::archive_corrupt, {}, fmt::format("inode {} is no file", inode.number));
  ASSAY_TRY(auto blocks, state_->file_blocks(inode));
  SquashFile::Fragment fragment;
  if (inode.fragment != kNone) {
    ASSAY_TRY(fragment, state_->fragment(inode.fragment));
  }
  return std::make_unique<SquashFile>(*state_->blocks, state_->block_size, std::move(blocks),
                                      inode.size, std::move(fragment), inode.offset);
}

Result<std::string> SquashVolume::target(std::uint64_t reference) const {
  ASSAY_TRY(Inode inode, state_->inode(reference));
  if (inode.type != kLink || inode.size > limits::kMemberPath)
    return fail(Reason::limit_size, {},
                fmt::format("inode {}: a symbolic link of {} bytes", inode.number, inode.size));
  std::vector<std::uint8_t> bytes(inode.size);
  ASSAY_CHECK(state_->blocks->read(inode.behind, bytes));
  return std::string(View(bytes).text());
}

Result<FileAttributes> SquashVolume::attributes(std::uint64_t reference) const {
  ASSAY_TRY(const Inode inode, state_->inode(reference));
  FileAttributes out;
  ASSAY_TRY(out.owner, state_->owner(inode.owner));
  ASSAY_TRY(out.group, state_->owner(inode.group));
  out.mode = inode.mode;
  out.filesystem_magic = kMagic;
  out.has_xattrs = true;
  out.inode_number = inode.number;
  if (inode.xattrs != kNone) ASSAY_CHECK(state_->add_xattrs(inode.xattrs, out));
  return out;
}

// At xattr_id_table_start: where the values' table begins, the number of sets, and the blocks of
// the table of sets (struct squashfs_xattr_id).
Result<void> SquashVolume::State::add_xattrs(std::uint32_t index, FileAttributes& out) {
  constexpr std::uint16_t kSecurity = 2;
  constexpr std::uint16_t kElsewhere = 0x100;
  const std::uint64_t list = super.le64<56>();
  if (list == kNoTable)
    return fail(Reason::archive_corrupt, super.extent_of<56, 8>(),
                "extended attributes without a table");
  ASSAY_TRY(const std::uint64_t table, image_u64(list));
  ASSAY_TRY(const std::uint64_t sets, image_u64(list + 8));
  if (index >= (sets & UINT32_MAX) || table >= end())
    return fail(Reason::bad_value, {list, 16},
                fmt::format("set {} of {} at {}", index, sets & UINT32_MAX, table));
  ASSAY_TRY(const auto set, table_entry<16>(list + 16, index));
  ASSAY_TRY(Place place, place_of(set.template le64<0>(), table));
  const std::uint32_t count = set.template le32<8>();
  if (count > limits::kXattrs)
    return fail(Reason::limit_count, {place.block, 2},
                fmt::format("{} extended attributes, at most {}", count, limits::kXattrs));
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSAY_TRY(const auto head, record<4>(place));
    std::vector<std::uint8_t> name(head.template le16<2>());
    ASSAY_CHECK(blocks->read(place, name));
    const std::uint16_t type = head.template le16<0>();
    ASSAY_TRY(std::vector<std::uint8_t> value, xattr_value(place));
    if ((type & 0xFF) != kSecurity) continue;
    if ((type & kElsewhere) != 0) {
      if (value.size() != 8)
        return fail(Reason::bad_length, {place.block, 2},
                    fmt::format("a reference of {} bytes, expected 8", value.size()));
      ASSAY_TRY(Place there, place_of(Record<8>(View(value)).le64<0>(), table));
      ASSAY_TRY(value, xattr_value(there));
    }
    out.security["security." + std::string(View(name).text())] = std::move(value);
  }
  return {};
}

Result<std::vector<std::uint8_t>> SquashVolume::State::xattr_value(Place& place) {
  ASSAY_TRY(const auto size, record<4>(place));
  if (size.template le32<0>() > limits::kXattr)
    return fail(Reason::limit_size, {place.block, 2},
                fmt::format("an extended attribute of {} bytes, at most {}",
                            size.template le32<0>(), limits::kXattr));
  std::vector<std::uint8_t> value(size.template le32<0>());
  ASSAY_CHECK(blocks->read(place, value));
  return value;
}

}  // namespace assay
