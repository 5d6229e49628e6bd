#include "signatures/authenticode.h"

#include <algorithm>
#include <array>

namespace assay {

namespace {

// pefile_compare_shdrs compares names as C strings: one of eight bytes runs on into the fields
// behind it.
std::strong_ordering compare_names(const PeSection& a, const PeSection& b) {
  for (std::size_t i = 0; i < a.header.size(); ++i) {
    if (a.header[i] != b.header[i]) return a.header[i] <=> b.header[i];
    if (a.header[i] == 0) break;
  }
  return std::strong_ordering::equal;
}

bool comes_before(const PeSection& a, const PeSection& b) {
  if (a.raw_offset != b.raw_offset) return a.raw_offset < b.raw_offset;
  if (a.virtual_address != b.virtual_address) return a.virtual_address < b.virtual_address;
  if (const auto names = compare_names(a, b); names != 0) return names < 0;
  if (a.virtual_size != b.virtual_size) return a.virtual_size < b.virtual_size;
  return a.raw_size < b.raw_size;
}

}  // namespace

IndirectData parse_indirect_data(View content) {
  IndirectData data;
  BerDecoder ber(content);
  BerElement element;
  ber.enter(ber::kSequence);
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kOid, element)) data.content_type = element.content;
  ber.any(element);
  ber.leave();
  ber.enter(ber::kSequence);
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kOid, element)) data.digest_algo = element.content;
  ber.any_or_skip(element);
  ber.leave();
  if (ber.leaf(ber::kOctetString, element)) data.digest = element.content;
  ber.leave();
  ber.leave();
  data.fault = ber.fault();
  return data;
}

std::vector<View> nested_signatures(const CmsMessage& message) {
  static constexpr std::array<std::uint8_t, 10> kNestedSignature = {0x2B, 0x06, 0x01, 0x04, 0x01,
                                                                    0x82, 0x37, 0x02, 0x04, 0x01};
  std::vector<View> nested;
  for (const CmsSigner& signer : message.signers) {
    if (signer.unauthattrs.raw.empty()) continue;
    BerDecoder ber(signer.unauthattrs.raw);
    BerElement element;
    ber.enter(signer.unauthattrs.raw[0]);  // [1], or [3]
    do {
      ber.enter(ber::kSequence);
      if (!ber.leaf(ber::kOid, element)) break;
      const bool is_nested = std::ranges::equal(element.content.bytes(), kNestedSignature);
      ber.enter(ber::kSet);
      do {
        if (!ber.any(element)) break;
        if (is_nested) nested.push_back(element.raw);
      } while (ber.more());
      if (!ber.leave()) break;
    } while (ber.more());
  }
  return nested;
}

std::vector<PeSection> sort_sections(const std::vector<PeSection>& sections, SectionOrder before) {
  std::vector<std::size_t> order(sections.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (before(sections[a], sections[b])) return true;
    return !before(sections[b], sections[a]) && a < b;
  });
  std::vector<PeSection> sorted;
  sorted.reserve(order.size());
  for (const std::size_t index : order) sorted.push_back(sections[index]);
  return sorted;
}

ImageRanges kernel_image_ranges(const PeHeaders& headers, const std::vector<PeSection>& sections) {
  ImageRanges image;
  const std::uint64_t checksum = headers.checksum_offset();
  const std::uint64_t entry = headers.certificate_entry_offset();
  const std::uint64_t headers_size = headers.optional->headers_size;
  image.entry_in_headers = entry + pe::kDirectorySize <= headers_size;
  image.has_section = !sections.empty();
  if (!image.entry_in_headers || !image.has_section) return image;
  image.ranges = {{0, checksum},
                  {checksum + 4, entry - (checksum + 4)},
                  {entry + pe::kDirectorySize, headers_size - (entry + pe::kDirectorySize)}};

  auto hashed = static_cast<std::uint32_t>(headers_size);  // the kernel's `unsigned`, which wraps
  for (const PeSection& section : sort_sections(sections, comes_before)) {
    if (section.raw_size == 0) continue;
    if (!lies_inside(section.raw_offset, section.raw_size, headers.file_size)) {
      image.outside = section;
      return image;
    }
    image.ranges.push_back({section.raw_offset, section.raw_size});
    hashed += section.raw_size;
  }
  if (headers.file_size <= hashed) return image;
  const std::uint32_t with_table = hashed + headers.certificate_table->size;
  image.sizes_add_up = with_table > hashed && headers.file_size >= with_table;
  if (image.sizes_add_up) image.ranges.push_back({hashed, headers.file_size - with_table});
  return image;
}

Result<void> hash_ranges(Hasher& hasher, const Content& content,
                         const std::vector<Extent>& ranges) {
  constexpr std::uint64_t kPiece = 256 * 1024;
  std::vector<std::uint8_t> scratch;
  for (Extent range : ranges) {
    while (range.size != 0) {
      const std::uint64_t step = content.memory() ? range.size : std::min(range.size, kPiece);
      ASSAY_TRY(const View piece, view_of(content, range.offset, step, scratch));
      hasher.update(piece.bytes());
      range = {range.offset + step, range.size - step};
    }
  }
  return {};
}

bool is_hashed_too_often(const std::vector<Extent>& ranges, std::uint64_t file_size) {
  constexpr std::uint64_t kMostTimes = 4;
  std::uint64_t left = kMostTimes * file_size;  // files are shorter than 2^62 bytes
  for (const Extent range : ranges) {
    if (range.size > left) return true;
    left -= range.size;
  }
  return false;
}

Result<Digest> compute_digest(Hash hash, const Content& content,
                              const std::vector<Extent>& ranges) {
  ASSAY_TRY(Hasher hasher, Hasher::make(hash));
  ASSAY_CHECK(hash_ranges(hasher, content, ranges));
  return std::move(hasher).finish();
}

}  // namespace assay
