#include "formats/iso9660.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/nesting_limits.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::uint64_t kSector = 2048;
constexpr std::uint64_t kFirstDescriptor = 16;
constexpr std::uint64_t kMostDescriptors = 64;
constexpr std::size_t kRecordSize = 33;  // without the name
constexpr std::uint8_t kFolder = 0x02;
constexpr std::uint8_t kGoesOn = 0x80;
constexpr unsigned kMostAreas = 32;  // RR_MAX_CE_ENTRIES, fs/isofs/rock.h
constexpr std::uint64_t kMostAttributes = 128 * limits::kKiB;

// The fields SL and NM may come in pieces.
struct Pieces {
  std::string name;
  std::string target;
  bool is_in_component = false;  // of the target
  std::vector<std::uint8_t> attributes;
};

// IEEE P1282, 4.1.3: components of flags, size and text.
void add_target(View field, Pieces& pieces) {
  Reader reader(field);
  while (reader.left().size() >= 2) {
    const auto head = reader.record<2>();
    const std::uint8_t flags = head->u8<0>();
    const auto text = reader.take(std::min<std::uint64_t>(head->u8<1>(), reader.left().size()));
    if (!pieces.is_in_component && !pieces.target.empty() && !pieces.target.ends_with('/'))
      pieces.target += '/';
    if ((flags & 0x02) != 0) pieces.target += '.';
    if ((flags & 0x04) != 0) pieces.target += "..";
    if ((flags & 0x08) != 0) pieces.target = "/";
    pieces.target += text->text();
    pieces.is_in_component = (flags & 0x01) != 0;
  }
}

// AAIP 2.0 (libisofs, doc/susp_aaip_2_0.txt): components of flags, size and bytes, which go on in
// the next where bit 0 of the flags says so; names and values in turns. The first byte of a name
// stands for what it begins with.
void parse_attributes(View bytes, IsoEntry& entry) {
  constexpr std::array<std::string_view, 7> kNamespaces = {
      "", "", "system.", "user.", "isofs.", "trusted.", "security."};
  std::vector<std::vector<std::uint8_t>> components(1);
  Reader reader(bytes);
  while (reader.left().size() >= 2) {
    const auto head = reader.record<2>();
    const auto part = reader.take(std::min<std::uint64_t>(head->u8<1>(), reader.left().size()));
    components.back().insert(components.back().end(), part->bytes().begin(), part->bytes().end());
    if ((head->u8<0>() & 0x01) == 0) components.emplace_back();
  }
  for (std::size_t i = 0; i + 2 < components.size(); i += 2) {
    const auto& name = components[i];
    if (name.empty()) continue;  // a list of access
    const bool is_code = name.front() < kNamespaces.size() && name.front() != 0;
    std::string whole(is_code ? kNamespaces[name.front()] : "");
    for (const std::uint8_t byte : std::span(name).subspan(is_code ? 1 : 0))
      whole += static_cast<char>(byte);
    entry.xattrs[whole] = components[i + 1];
  }
}

}  // namespace

bool IsoVolume::is_iso(View head) {
  return head.size() >= kIsoHead &&
         head.text().substr(kFirstDescriptor * kSector + 1).starts_with("CD001");
}

Result<IsoVolume> IsoVolume::open(const Content& image) {
  IsoVolume volume(image);
  bool has_primary = false;
  for (std::uint64_t i = 0; i < kMostDescriptors; ++i) {
    const std::uint64_t at = (kFirstDescriptor + i) * kSector;
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View sector, view_of(image, at, kSector, scratch));
    const Record<kSector> descriptor(sector);
    if (!sector.text().substr(1).starts_with("CD001"))
      return fail(Reason::bad_magic, {at + 1, 5}, "expected \"CD001\"");
    if (descriptor.u8<0>() == 255) break;
    if (descriptor.u8<0>() == 0 && sector.text().substr(7).starts_with("EL TORITO SPECIFICATION"))
      volume.catalogue_ = descriptor.le32<71>() * kSector;
    if (descriptor.u8<0>() != 1 || has_primary) continue;
    has_primary = true;
    volume.block_size_ = descriptor.le16<128>();
    if (volume.block_size_ < 512 || volume.block_size_ > kSector ||
        !std::has_single_bit(volume.block_size_))
      return fail(Reason::bad_value, {at + 128, 2},
                  fmt::format("blocks of {} bytes", volume.block_size_));
    volume.root_ = descriptor.le32<158>() * volume.block_size_;
  }
  if (!has_primary) return fail(Reason::bad_value, {}, "no primary volume descriptor");
  ASSAY_CHECK(volume.find_rock_ridge());
  return volume;
}

// IEEE P1281, 5.3: the field SP in the root's record for itself.
Result<void> IsoVolume::find_rock_ridge() {
  ASSAY_TRY(const auto at, record_at(root_, root_ + kSector));
  if (!at) return fail(Reason::bad_value, {root_, kSector}, "a root without records");
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View size, view_of(*image_, *at, 1, scratch));
  const std::uint64_t record_size = size[0];
  ASSAY_TRY(const View record, view_of(*image_, *at, record_size, scratch));
  constexpr std::size_t kSystemUse = 34;
  if (record.size() < kSystemUse + 7) return {};
  const View field = record.sub(kSystemUse, 7);
  if (field.text().starts_with("SP") && field[4] == 0xBE && field[5] == 0xEF)
    system_use_skip_ = field[6];
  return {};
}

Result<std::optional<std::uint64_t>> IsoVolume::record_at(std::uint64_t at,
                                                          std::uint64_t end) const {
  while (at < end) {
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View size, view_of(*image_, at, 1, scratch));
    const std::uint64_t left = kSector - at % kSector;
    if (size[0] == 0) {  // no record lies in two sectors
      at += left;
      continue;
    }
    if (size[0] <= kRecordSize || size[0] > left)
      return fail(Reason::bad_length, {at, 1}, fmt::format("a record of {} bytes", size[0]));
    return at;
  }
  return std::nullopt;
}

Result<IsoEntry> IsoVolume::entry(std::uint64_t record) const {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View size, view_of(*image_, record, 1, scratch));
  const std::uint64_t record_size = size[0];
  ASSAY_TRY(const View bytes, view_of(*image_, record, record_size, scratch));
  Reader reader(bytes);
  ASSAY_TRY(const auto head, reader.record<kRecordSize>());
  const std::size_t name_size = head.u8<32>();
  ASSAY_TRY(const View name, reader.take(name_size));
  IsoEntry entry;
  entry.record = record;
  entry.next = record + record_size;
  entry.name = name.text();
  entry.offset = (std::uint64_t{head.le32<2>()} + head.u8<1>()) * block_size_;
  entry.size = head.le32<10>();
  entry.is_folder = (head.u8<25>() & kFolder) != 0;
  entry.goes_on = (head.u8<25>() & kGoesOn) != 0;
  if (head.u8<27>() != 0)
    return fail(Reason::archive_unsupported, {record, record_size}, "a file in interleaved pieces");
  if (system_use_skip_) {
    const std::size_t start = (kRecordSize + name_size + 1) / 2 * 2 + *system_use_skip_;
    if (start < bytes.size())
      ASSAY_CHECK(read_system_use(bytes.sub(start, bytes.size() - start), entry));
  }
  // Without Rock Ridge: "NAME.EXT;1".
  if (entry.name == name.text()) {
    entry.name.resize(std::min(entry.name.find(';'), entry.name.size()));
    if (entry.name.ends_with('.') && entry.name.size() > 1) entry.name.pop_back();
  }
  return entry;
}

Result<void> IsoVolume::read_system_use(View area, IsoEntry& entry) const {
  Pieces pieces;
  std::vector<std::uint8_t> scratch;
  for (unsigned areas = 0; areas <= kMostAreas; ++areas) {
    std::optional<Extent> next;
    Reader reader(area);
    while (reader.left().size() >= 4) {
      const std::size_t size = reader.left()[2];
      if (size < 4 || size > reader.left().size()) break;
      ASSAY_TRY(const View field, reader.take(size));
      const std::string_view kind = field.text().substr(0, 2);
      if (kind == "ST") break;
      if (kind == "CE" && size >= 28) {
        const Record<28> lead(field.sub(0, 28));
        next = Extent{lead.le32<4>() * block_size_ + lead.le32<12>(), lead.le32<20>()};
      } else if (kind == "NM" && size > 5) {
        pieces.name += field.text().substr(5);
      } else if (kind == "PX" && size >= 32) {
        const Record<32> mode(field.sub(0, 32));
        entry.mode = mode.le32<4>();
        entry.owner = mode.le32<20>();
        entry.group = mode.le32<28>();
      } else if (kind == "SL" && size > 5) {
        add_target(field.sub(5, size - 5), pieces);
        entry.target = pieces.target;
      } else if (kind == "CL" && size >= 12) {
        entry.offset = Record<12>(field.sub(0, 12)).le32<4>() * block_size_;
        entry.is_folder = true;
      } else if (kind == "RE") {
        entry.is_relocated = true;
      } else if (kind == "ZF") {
        entry.is_compressed = true;
      } else if (kind == "AL" && size > 5) {
        entry.has_xattrs = true;
        const auto bytes = field.sub(5, size - 5).bytes();
        pieces.attributes.insert(pieces.attributes.end(), bytes.begin(), bytes.end());
      }
    }
    if (!pieces.name.empty()) entry.name = pieces.name;
    if (!next) {
      parse_attributes(View(pieces.attributes), entry);
      return {};
    }
    if (next->size > kMostAttributes || pieces.attributes.size() > kMostAttributes)
      return fail(Reason::limit_size, *next, fmt::format("more than {} bytes", kMostAttributes));
    ASSAY_TRY(area, view_of(*image_, next->offset, next->size, scratch));
  }
  return fail(Reason::archive_corrupt, {entry.record, 0},
              fmt::format("more than {} areas of System Use", kMostAreas));
}

Result<std::vector<IsoEntry>> IsoVolume::folder(std::uint64_t offset, std::uint64_t most) const {
  std::vector<IsoEntry> entries;
  // Its first record is for itself, and has its size.
  ASSAY_TRY(auto at, record_at(offset, offset + kSector));
  if (!at) return fail(Reason::bad_value, {offset, kSector}, "a folder without records");
  ASSAY_TRY(const IsoEntry self, entry(*at));
  const std::uint64_t end = offset + self.size;
  bool is_piece = false;
  ASSAY_TRY(at, record_at(self.next, end));
  while (at) {
    ASSAY_TRY(IsoEntry found, entry(*at));
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View name, view_of(*image_, *at + 32, 2, scratch));
    const bool is_itself = name[0] == 1 && name[1] <= 1;
    const bool was_piece = std::exchange(is_piece, found.goes_on);
    const std::uint64_t next = found.next;
    if (!is_itself && !was_piece && !found.is_relocated) {
      if (entries.size() >= most)
        return fail(Reason::limit_count, {}, fmt::format("more than {} entries", most));
      entries.push_back(std::move(found));
    }
    ASSAY_TRY(at, record_at(next, end));
  }
  return entries;
}

Result<std::unique_ptr<Content>> IsoVolume::file(std::uint64_t record) const {
  std::vector<RunsContent::Run> runs;
  std::uint64_t size = 0;
  std::optional<std::uint64_t> at = record;
  while (at) {
    ASSAY_TRY(const IsoEntry piece, entry(*at));
    if (piece.is_compressed)
      return fail(Reason::archive_unsupported, {piece.record, 0}, "a file compressed by zisofs");
    if (piece.size != 0) runs.push_back({size, piece.size, piece.offset});
    size += piece.size;
    if (runs.size() > limits::kRuns)
      return fail(Reason::limit_count, {}, fmt::format("more than {} pieces", limits::kRuns));
    if (!piece.goes_on) break;
    ASSAY_TRY(at, record_at(piece.next, piece.next + kSector));
  }
  return std::make_unique<RunsContent>(*image_, std::move(runs), size);
}

Result<std::vector<IsoBootImage>> IsoVolume::boot_images() const {
  constexpr std::size_t kEntrySize = 32;
  constexpr std::array<std::uint64_t, 4> kFloppies = {0, 1'228'800, 1'474'560, 2'949'120};
  std::vector<IsoBootImage> images;
  if (catalogue_ == 0) return images;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View sector, view_of(*image_, catalogue_, kSector, scratch));
  if (sector[0] != 1 || sector[30] != 0x55 || sector[31] != 0xAA)
    return fail(Reason::bad_magic, {catalogue_, kEntrySize}, "no catalogue of El Torito");
  for (std::size_t at = kEntrySize; at < kSector; at += kEntrySize) {
    const Record<kEntrySize> entry(sector.sub(at, kEntrySize));
    if (entry.u8<0>() != 0x88) continue;
    const std::size_t medium = entry.u8<1>() & 0x0F;
    const std::uint64_t offset = entry.le32<8>() * kSector;
    if (offset > image_->size())
      return fail(Reason::bad_length, entry.extent(), fmt::format("a boot image at {}", offset));
    std::uint64_t size =
        medium != 0 && medium < kFloppies.size() ? kFloppies[medium] : entry.le16<6>() * 512ULL;
    // One sector, or none, of what is larger: its file system says how large.
    if (size <= 512) size = image_->size() - offset;
    images.push_back({static_cast<unsigned>(images.size() + 1),
                      {offset, std::min(size, image_->size() - offset)}});
  }
  return images;
}

}  // namespace assay
