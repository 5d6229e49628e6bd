#include "formats/rpm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/hex.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::array<std::uint8_t, 4> kLeadMagic = {0xED, 0xAB, 0xEE, 0xDB};
constexpr std::array<std::uint8_t, 4> kHeaderMagic = {0x8E, 0xAD, 0xE8, 0x01};
constexpr std::uint64_t kLeadSize = 96;
constexpr std::size_t kIntroSize = 16;
constexpr std::size_t kEntrySize = 16;
constexpr std::uint64_t kAlignment = 8;

// rpmtag.h: types and tags.
constexpr std::uint32_t kInt16 = 3;
constexpr std::uint32_t kInt32 = 4;
constexpr std::uint32_t kInt64 = 5;
constexpr std::uint32_t kStringArray = 8;
constexpr std::uint32_t kFileSizes = 1028;
constexpr std::uint32_t kFileModes = 1030;
constexpr std::uint32_t kDirIndexes = 1116;
constexpr std::uint32_t kBaseNames = 1117;
constexpr std::uint32_t kDirNames = 1118;
constexpr std::uint32_t kLongFileSizes = 5008;
constexpr std::uint32_t kFileSignatures = 5090;
constexpr std::uint32_t kSignatureFileSignatures = 274;

struct Entry {
  std::uint32_t tag;
  std::uint32_t type;
  std::uint32_t offset;
  std::uint32_t count;
};

class Header {
 public:
  // At `offset` of the package.
  static Result<Header> read(const Content& content, std::uint64_t offset) {
    Header header;
    std::vector<std::uint8_t> scratch;
    if (offset > content.size() || content.size() - offset < kIntroSize)
      return fail(Reason::truncated, {offset, kIntroSize});
    ASSAY_TRY(const View intro, view_of(content, offset, kIntroSize, scratch));
    Reader reader(intro);
    ASSAY_TRY(const auto record, reader.record<kIntroSize>());
    if (!std::ranges::equal(record.field<0, 4>(), kHeaderMagic))
      return fail(Reason::bad_magic, record.extent_of<0, 4>(), "header of an RPM package");
    const std::uint32_t count = record.be32<8>();
    const std::uint64_t store = record.be32<12>();
    if (count > kRpmIndexLimit)
      return fail(Reason::limit_count, record.extent_of<8, 4>(),
                  fmt::format("{} tags, at most {}", count, kRpmIndexLimit));
    if (store > kRpmStoreLimit)
      return fail(Reason::limit_size, record.extent_of<12, 4>(),
                  fmt::format("{} bytes of tags, at most {}", store, kRpmStoreLimit));
    const std::uint64_t size = count * kEntrySize + store;
    const std::uint64_t start = offset + kIntroSize;
    if (content.size() - start < size) return fail(Reason::truncated, {start, size});
    header.bytes_.resize(size);
    ASSAY_CHECK(content.read(start, header.bytes_));
    Reader index(View(header.bytes_, start));
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSAY_TRY(const auto entry, index.record<kEntrySize>());
      header.entries_.push_back(
          {entry.be32<0>(), entry.be32<4>(), entry.be32<8>(), entry.be32<12>()});
    }
    header.store_at_ = count * kEntrySize;
    header.origin_ = start;
    header.end_ = start + size;
    return header;
  }

  std::uint64_t end() const { return end_; }

  // Empty where the tag is not there.
  Result<std::vector<std::string>> strings(std::uint32_t tag) const {
    std::vector<std::string> found;
    const Entry* entry = find(tag);
    if (entry == nullptr) return found;
    if (entry->type != kStringArray) return wrong_type(*entry);
    ASSAY_CHECK(check_limit(*entry));
    ASSAY_TRY(View left, from(*entry));
    for (std::uint32_t i = 0; i < entry->count; ++i) {
      const std::size_t end = left.text().find('\0');
      if (end == std::string_view::npos) return fail(Reason::truncated, left.extent());
      found.emplace_back(left.text().substr(0, end));
      left = left.sub(end + 1, left.size() - end - 1);
    }
    return found;
  }

  Result<std::vector<std::uint64_t>> integers(std::uint32_t tag) const {
    std::vector<std::uint64_t> found;
    const Entry* entry = find(tag);
    if (entry == nullptr) return found;
    const std::size_t size = entry->type == kInt16   ? 2
                             : entry->type == kInt32 ? 4
                             : entry->type == kInt64 ? 8
                                                     : 0;
    if (size == 0) return wrong_type(*entry);
    ASSAY_CHECK(check_limit(*entry));
    ASSAY_TRY(const View all, from(*entry));
    Reader reader(all);
    ASSAY_TRY(const View values, reader.take(std::uint64_t{entry->count} * size));
    for (std::size_t at = 0; at < values.size(); at += size) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < size; ++i) value = value << 8 | values[at + i];
      found.push_back(value);
    }
    return found;
  }

 private:
  static Result<void> check_limit(const Entry& entry) {
    if (entry.count <= kRpmFileLimit) return {};
    return fail(
        Reason::limit_count, {},
        fmt::format("tag {} has {} values, {} at most", entry.tag, entry.count, kRpmFileLimit));
  }
  const Entry* find(std::uint32_t tag) const {
    const auto found = std::ranges::find(entries_, tag, &Entry::tag);
    return found == entries_.end() ? nullptr : &*found;
  }
  // From where the entry begins to the end of the store.
  Result<View> from(const Entry& entry) const {
    const View store = View(bytes_, origin_).sub(store_at_, bytes_.size() - store_at_);
    if (entry.offset > store.size())
      return fail(Reason::bad_length, store.extent(), fmt::format("tag {}", entry.tag));
    return store.sub(entry.offset, store.size() - entry.offset);
  }
  std::unexpected<Error> wrong_type(const Entry& entry) const {
    return fail(Reason::bad_value, {origin_, bytes_.size()},
                fmt::format("tag {} of type {}", entry.tag, entry.type));
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<Entry> entries_;
  std::size_t store_at_ = 0;
  std::uint64_t origin_ = 0;
  std::uint64_t end_ = 0;
};

// Of each file a value; or none at all where `may_be_absent`.
template <class Values>
Result<void> check_count(const Values& values, std::size_t files, std::uint32_t tag,
                         bool may_be_absent) {
  if (values.size() == files || (may_be_absent && values.empty())) return {};
  return fail(Reason::bad_value, {},
              fmt::format("tag {} has {} values, the package {} files", tag, values.size(), files));
}

Result<std::vector<RpmFile>> read_files(const Header& signatures, const Header& header) {
  ASSAY_TRY(const auto names, header.strings(kBaseNames));
  ASSAY_TRY(const auto folders, header.strings(kDirNames));
  ASSAY_TRY(const auto indexes, header.integers(kDirIndexes));
  ASSAY_TRY(const auto modes, header.integers(kFileModes));
  ASSAY_TRY(auto sizes, header.integers(kLongFileSizes));
  if (sizes.empty()) {
    ASSAY_TRY(sizes, header.integers(kFileSizes));
  }
  ASSAY_TRY(auto values, signatures.strings(kSignatureFileSignatures));
  if (values.empty()) {
    ASSAY_TRY(values, header.strings(kFileSignatures));
  }
  const std::size_t count = names.size();
  ASSAY_CHECK(check_count(indexes, count, kDirIndexes, false));
  ASSAY_CHECK(check_count(modes, count, kFileModes, false));
  ASSAY_CHECK(check_count(sizes, count, kFileSizes, false));
  ASSAY_CHECK(check_count(values, count, kFileSignatures, true));
  std::vector<RpmFile> files;
  std::uint64_t path_bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (indexes[i] >= folders.size())
      return fail(Reason::bad_value, {}, fmt::format("tag {} of file {}", kDirIndexes, i));
    // Many files may name one long folder.
    path_bytes += folders[indexes[i]].size() + names[i].size();
    if (path_bytes > kRpmNamesLimit)
      return fail(Reason::limit_size, {},
                  fmt::format("paths of more than {} bytes", kRpmNamesLimit));
    RpmFile file{
        folders[indexes[i]] + names[i], sizes[i], static_cast<std::uint16_t>(modes[i]), {}};
    if (!values.empty() && !values[i].empty()) {
      auto bytes = from_hex(values[i]);
      if (!bytes)
        return fail(Reason::bad_value, {}, "signature of " + file.name + ": not hexadecimal");
      file.ima = *std::move(bytes);
    }
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

bool is_rpm(View head) {
  return head.size() >= kLeadMagic.size() &&
         std::ranges::equal(head.bytes().first(kLeadMagic.size()), kLeadMagic);
}

Result<RpmPackage> read_rpm(const Content& content) {
  std::vector<std::uint8_t> scratch;
  if (content.size() < kLeadSize) return fail(Reason::truncated, {0, kLeadSize});
  ASSAY_TRY(const View lead, view_of(content, 0, kLeadSize, scratch));
  if (!is_rpm(lead)) return fail(Reason::bad_magic, {0, kLeadMagic.size()}, "RPM package");
  ASSAY_TRY(const Header signatures, Header::read(content, kLeadSize));
  const std::uint64_t at = (signatures.end() + kAlignment - 1) / kAlignment * kAlignment;
  ASSAY_TRY(const Header header, Header::read(content, at));
  RpmPackage package;
  ASSAY_TRY(package.files, read_files(signatures, header));
  package.payload = {header.end(), content.size() - header.end()};
  return package;
}

}  // namespace assay
