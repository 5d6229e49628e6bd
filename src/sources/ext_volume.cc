#include "sources/ext_volume.h"

#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/nesting_limits.h"
#include "bytes/reader.h"
#include "bytes/runs_content.h"
#include "sources/ext_channel.h"

namespace assay {

namespace {

constexpr std::uint64_t kSuperblockAt = 1024;
constexpr std::size_t kSuperblock = 1024;
constexpr std::uint32_t kMagic = 0xEF53;
constexpr std::uint32_t kIncompat64Bit = 0x80;
constexpr std::uint32_t kIncompatJournalDevice = 0x8;
constexpr std::uint32_t kMostLogBlockSize = 6;  // 64 KiB
constexpr std::uint64_t kShortestEntry = 8;

using Superblock = Record<kSuperblock>;

bool is_superblock(const Superblock& super) {
  return super.le16<0x38>() == kMagic && super.le32<0x18>() <= kMostLogBlockSize &&
         super.le32<0x4C>() <= 1 && super.le32<0x14>() <= 1 && super.le32<0x20>() != 0 &&
         super.le32<0x28>() != 0;
}

// What has to hold before libext2fs takes memory for the groups: the kernel asks the same of the
// device (ext4_check_geometry(), fs/ext4/super.c).
Result<void> check_geometry(const Superblock& super, std::uint64_t size) {
  if ((super.le32<0x60>() & kIncompatJournalDevice) != 0)
    return fail(Reason::archive_unsupported, super.extent_of<0x60, 4>(),
                "the journal of another file system");
  const std::uint64_t block_size = std::uint64_t{1024} << super.le32<0x18>();
  std::uint64_t blocks = super.le32<0x4>();
  std::uint64_t descriptor_size = 32;
  if ((super.le32<0x60>() & kIncompat64Bit) != 0) {
    blocks |= std::uint64_t{super.le32<0x150>()} << 32;
    descriptor_size = std::max<std::uint64_t>(super.le16<0xFE>(), 64);
  }
  if (blocks > size / block_size)
    return fail(
        Reason::bad_length, super.extent_of<0x4, 4>(),
        fmt::format("{} blocks of {} bytes, the image has {} bytes", blocks, block_size, size));
  const std::uint64_t groups = blocks / super.le32<0x20>() + 1;
  if (groups > limits::kExtDescriptors / descriptor_size)
    return fail(
        Reason::limit_memory, super.extent_of<0x20, 4>(),
        fmt::format("descriptors of {} groups, at most {} bytes", groups, limits::kExtDescriptors));
  return {};
}

// The pieces of a file, collected.
class Pieces {
 public:
  // In a file system of `blocks` blocks.
  Pieces(std::uint64_t block_size, std::uint64_t blocks)
      : block_size_(block_size), blocks_(blocks) {}

  // Blocks `first` and on of the file, which lie from `block` on; 0: a hole.
  Result<void> add(std::uint64_t first, std::uint64_t count, std::uint64_t block) {
    if (first < next_)
      return fail(Reason::archive_corrupt, {},
                  fmt::format("block {} of a file follows block {}", first, next_));
    next_ = first + count;
    if (block == 0) return {};
    if (!lies_inside(block, count, blocks_))
      return fail(Reason::bad_length, {},
                  fmt::format("blocks [{}, +{}) of {}", block, count, blocks_));
    const RunsContent::Run run{first * block_size_, count * block_size_, block * block_size_};
    if (!runs_.empty() && runs_.back().start + runs_.back().size == run.start &&
        *runs_.back().offset + runs_.back().size == *run.offset) {
      runs_.back().size += run.size;
      return {};
    }
    runs_.push_back(run);
    return {};
  }

  // To be called for each step; many lead to no piece.
  Result<void> step() {
    if (++steps_ <= limits::kRuns) return {};
    return fail(Reason::limit_count, {},
                fmt::format("a file of more than {} pieces", limits::kRuns));
  }

  std::vector<RunsContent::Run> release() && { return std::move(runs_); }

 private:
  std::uint64_t block_size_;
  std::uint64_t blocks_;
  std::uint64_t next_ = 0;
  std::uint64_t steps_ = 0;
  std::vector<RunsContent::Run> runs_;
};

NodeKind kind_of(const ext2_inode& inode) {
  if (LINUX_S_ISDIR(inode.i_mode)) return NodeKind::folder;
  if (LINUX_S_ISLNK(inode.i_mode)) return NodeKind::symbolic_link;
  if (LINUX_S_ISREG(inode.i_mode)) return NodeKind::regular;
  return NodeKind::other;
}

}  // namespace

struct ExtVolume::State {
  explicit State(const Content& content) : image(content), channel(content) {}

  ext2_filsys fs() const { return channel.filesystem(); }

  Result<ext2_inode_large> inode(std::uint64_t number) const {
    ext2_inode_large inode{};
    const auto code =
        ext2fs_read_inode_full(fs(), static_cast<ext2_ino_t>(number), basic(inode), sizeof(inode));
    if (code != 0) return std::unexpected(channel.error(code, fmt::format("inode {}", number)));
    if ((inode.i_flags & EXT4_ENCRYPT_FL) != 0)
      return fail(Reason::archive_unsupported, {}, fmt::format("inode {} is encrypted", number));
    return inode;
  }

  static ext2_inode* basic(ext2_inode_large& inode) {
    return static_cast<ext2_inode*>(static_cast<void*>(&inode));
  }

  // The bytes of a file, a folder or a long link.
  Result<std::unique_ptr<Content>> bytes(std::uint64_t number, ext2_inode_large& inode) const {
    const std::uint64_t size = EXT2_I_SIZE(basic(inode));
    if ((inode.i_flags & EXT4_INLINE_DATA_FL) != 0) {
      ASSAY_TRY(auto data, inline_data(number, inode));
      if (size > data.size())
        return fail(
            Reason::bad_length, {},
            fmt::format("inode {} has {} bytes, of which {} lie in it", number, size, data.size()));
      data.resize(size);
      return std::make_unique<MemoryContent>(std::move(data));
    }
    Pieces pieces(fs()->blocksize, ext2fs_blocks_count(fs()->super));
    if ((inode.i_flags & EXT4_EXTENTS_FL) != 0) {
      ASSAY_CHECK(add_extents(number, inode, pieces));
    } else {
      ASSAY_CHECK(add_blocks(number, pieces));
    }
    return std::make_unique<RunsContent>(image, std::move(pieces).release(), size);
  }

  Result<std::vector<std::uint8_t>> inline_data(std::uint64_t number,
                                                ext2_inode_large& inode) const {
    const auto ino = static_cast<ext2_ino_t>(number);
    std::size_t size = 0;
    auto code = ext2fs_inline_data_size(fs(), ino, &size);
    std::vector<std::uint8_t> data(size);
    if (code == 0) code = ext2fs_inline_data_get(fs(), ino, basic(inode), data.data(), &size);
    if (code != 0)
      return std::unexpected(channel.error(code, fmt::format("data in inode {}", number)));
    data.resize(size);
    return data;
  }

  Result<void> add_extents(std::uint64_t number, ext2_inode_large& inode, Pieces& pieces) const {
    ext2_extent_handle_t handle = nullptr;
    auto code = ext2fs_extent_open2(fs(), static_cast<ext2_ino_t>(number), basic(inode), &handle);
    const std::unique_ptr<ext2_extent_handle, decltype(&ext2fs_extent_free)> owner(
        handle, ext2fs_extent_free);
    int step = EXT2_EXTENT_ROOT;
    while (code == 0) {
      ext2fs_extent extent{};
      code = ext2fs_extent_get(handle, step, &extent);
      step = EXT2_EXTENT_NEXT;
      if (code != 0) break;
      ASSAY_CHECK(pieces.step());
      if ((extent.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT) != 0 ||
          (extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) == 0)
        continue;
      const bool is_written = (extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT) == 0;
      ASSAY_CHECK(pieces.add(extent.e_lblk, extent.e_len, is_written ? extent.e_pblk : 0));
    }
    if (code == EXT2_ET_EXTENT_NO_NEXT) return {};
    return std::unexpected(channel.error(code, fmt::format("extents of inode {}", number)));
  }

  Result<void> add_blocks(std::uint64_t number, Pieces& pieces) const {
    struct Walk {
      Pieces& pieces;
      Result<void> done;
    } walk{pieces, {}};
    const auto visit = [](ext2_filsys, blk64_t* block, e2_blkcnt_t at, blk64_t, int, void* data) {
      Walk& self = *static_cast<Walk*>(data);
      // Those of indirect blocks are negative, and a file of many blocks has few of them.
      self.done =
          at < 0 ? self.pieces.step() : self.pieces.add(static_cast<std::uint64_t>(at), 1, *block);
      return self.done ? 0 : BLOCK_ABORT;
    };
    const auto code = ext2fs_block_iterate3(fs(), static_cast<ext2_ino_t>(number),
                                            BLOCK_FLAG_READ_ONLY, nullptr, visit, &walk);
    if (!walk.done) return walk.done;
    if (code == 0) return {};
    return std::unexpected(channel.error(code, fmt::format("blocks of inode {}", number)));
  }

  // The entries in `area`, a block of a folder or what of it lies in its inode.
  Result<void> add_entries(View area, std::uint64_t most, std::vector<TreeNode>& nodes) const {
    while (!area.empty()) {
      Reader reader(area);
      ASSAY_TRY(const auto entry, reader.record<kShortestEntry>());
      const std::uint64_t length = entry_length(entry.le16<4>());
      const bool has_type = ext2fs_has_feature_filetype(fs()->super) != 0;
      const std::size_t name_size = has_type ? entry.u8<6>() : entry.le16<6>();
      if (length < kShortestEntry || length > area.size() || length % 4 != 0 ||
          name_size > length - kShortestEntry)
        return fail(Reason::archive_corrupt, entry.extent(),
                    fmt::format("an entry of {} bytes with a name of {}, {} bytes are left", length,
                                name_size, area.size()));
      ASSAY_TRY(const View name, reader.take(name_size));
      area = area.sub(length, area.size() - length);
      if (entry.le32<0>() == 0 || name.text() == "." || name.text() == "..") continue;
      if (nodes.size() >= most)
        return fail(Reason::limit_count, entry.extent(), fmt::format("more than {} entries", most));
      TreeNode node{std::string(name.text()), NodeKind::regular, entry.le32<0>()};
      // Of what cannot be read the file is an error, not the folder.
      if (auto found = inode(node.id)) node.kind = kind_of(*basic(*found));
      nodes.push_back(std::move(node));
    }
    return {};
  }

  // ext4_rec_len_from_disk(), fs/ext4/ext4.h.
  std::uint64_t entry_length(std::uint64_t stored) const {
    if (fs()->blocksize < 65536) return stored;
    return stored == 0 || stored == 65535 ? fs()->blocksize : (stored & 65532) | (stored & 3) << 16;
  }

  const Content& image;
  ExtChannel channel;
};

ExtVolume::ExtVolume(std::unique_ptr<State> state) : state_(std::move(state)) {}
ExtVolume::~ExtVolume() = default;

bool ExtVolume::is_ext(View head) {
  return head.size() >= kSuperblockAt + kSuperblock &&
         is_superblock(Superblock(head.sub(kSuperblockAt, kSuperblock)));
}

Result<std::unique_ptr<ExtVolume>> ExtVolume::open(const Content& image) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View bytes, view_of(image, kSuperblockAt, kSuperblock, scratch));
  const Superblock super(View(bytes.bytes(), kSuperblockAt));
  if (!is_superblock(super))
    return fail(Reason::bad_magic, super.extent_of<0x38, 2>(), "expected a superblock of ext4");
  ASSAY_CHECK(check_geometry(super, image.size()));
  auto state = std::make_unique<State>(image);
  ASSAY_CHECK(state->channel.open());
  return std::unique_ptr<ExtVolume>(new ExtVolume(std::move(state)));
}

bool ExtVolume::needs_recovery() const {
  return ext2fs_has_feature_journal_needs_recovery(state_->fs()->super) != 0;
}

std::uint64_t ExtVolume::root() { return EXT2_ROOT_INO; }

Result<std::vector<TreeNode>> ExtVolume::folder(std::uint64_t number, std::uint64_t most) const {
  constexpr std::size_t kParent = 4;     // its number stands before the entries in an inode
  constexpr std::size_t kInBlocks = 60;  // of those, the entries that lie where blocks are listed
  ASSAY_TRY(ext2_inode_large inode, state_->inode(number));
  if (!LINUX_S_ISDIR(inode.i_mode))
    return fail(Reason::archive_corrupt, {}, fmt::format("inode {} is no folder", number));
  ASSAY_TRY(const auto content, state_->bytes(number, inode));
  std::vector<TreeNode> nodes;
  std::vector<std::uint8_t> scratch;
  if ((inode.i_flags & EXT4_INLINE_DATA_FL) != 0) {
    ASSAY_TRY(const View all, view_of(*content, 0, content->size(), scratch));
    if (all.size() < kInBlocks)
      return fail(Reason::truncated, {},
                  fmt::format("a folder in inode {} has {} bytes", number, all.size()));
    ASSAY_CHECK(state_->add_entries(all.sub(kParent, kInBlocks - kParent), most, nodes));
    ASSAY_CHECK(state_->add_entries(all.sub(kInBlocks, all.size() - kInBlocks), most, nodes));
    return nodes;
  }
  for (std::uint64_t at = 0; at < content->size(); at += state_->fs()->blocksize) {
    const auto size = std::min<std::uint64_t>(state_->fs()->blocksize, content->size() - at);
    ASSAY_TRY(const View block, view_of(*content, at, size, scratch));
    ASSAY_CHECK(state_->add_entries(block, most, nodes));
  }
  return nodes;
}

Result<std::unique_ptr<Content>> ExtVolume::file(std::uint64_t number) const {
  ASSAY_TRY(ext2_inode_large inode, state_->inode(number));
  if (!LINUX_S_ISREG(inode.i_mode))
    return fail(Reason::archive_corrupt, {},
                fmt::format("inode {} is no file: its mode is {:o}", number, inode.i_mode));
  return state_->bytes(number, inode);
}

Result<std::string> ExtVolume::target(std::uint64_t number) const {
  ASSAY_TRY(ext2_inode_large inode, state_->inode(number));
  const std::uint64_t size = EXT2_I_SIZE(State::basic(inode));
  const bool is_short = (inode.i_flags & (EXT4_INLINE_DATA_FL | EXT4_EXTENTS_FL)) == 0 &&
                        size < sizeof(inode.i_block) &&
                        ext2fs_is_fast_symlink(State::basic(inode)) != 0;
  if (is_short) {
    const auto bytes = std::as_bytes(std::span(inode.i_block)).first(size);
    std::string target;
    for (const std::byte byte : bytes) target += static_cast<char>(byte);
    return target;
  }
  if (size > limits::kMemberPath)
    return fail(Reason::limit_size, {}, fmt::format("a symbolic link of {} bytes", size));
  ASSAY_TRY(const auto content, state_->bytes(number, inode));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View text, view_of(*content, 0, size, scratch));
  return std::string(text.text());
}

Result<FileAttributes> ExtVolume::attributes(std::uint64_t number) const {
  ASSAY_TRY(const ext2_inode_large inode, state_->inode(number));
  FileAttributes out;
  out.owner = inode.i_uid | std::uint32_t{inode.i_uid_high} << 16;
  out.group = inode.i_gid | std::uint32_t{inode.i_gid_high} << 16;
  out.mode = inode.i_mode;
  out.filesystem_magic = kMagic;
  out.has_xattrs = true;
  out.inode_number = number;
  out.generation = inode.i_generation;
  std::array<std::uint8_t, 16> uuid{};
  std::ranges::copy(state_->fs()->super->s_uuid, uuid.begin());
  out.filesystem_uuid = uuid;
  if (ext2fs_has_feature_xattr(state_->fs()->super) == 0) return out;
  ext2_xattr_handle* handle = nullptr;
  auto code = ext2fs_xattrs_open(state_->fs(), static_cast<ext2_ino_t>(number), &handle);
  if (code == 0) code = ext2fs_xattrs_read(handle);
  const auto add = [](char* name, char* value, std::size_t size, void* data) {
    const std::string_view known(name);
    if (known.starts_with("security.")) {
      const auto bytes = bytes_of({value, size});
      static_cast<FileAttributes*>(data)->security[std::string(known)].assign(bytes.begin(),
                                                                              bytes.end());
    }
    return 0;
  };
  if (code == 0) code = ext2fs_xattrs_iterate(handle, add, &out);
  Result<void> done;
  if (code != 0)
    done = std::unexpected(
        state_->channel.error(code, fmt::format("extended attributes of inode {}", number)));
  if (handle != nullptr) ext2fs_xattrs_close(&handle);
  if (!done) return std::unexpected(std::move(done).error());
  return out;
}

}  // namespace assay
