#include "signatures/image_coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/name.h"

namespace assay {

namespace {

// Ranges in the order in which they are hashed; what follows on what comes before is one with it.
class RangeList {
 public:
  void add(std::uint64_t offset, std::uint64_t size) {
    if (size == 0) return;
    if (!ranges_.empty() && ranges_.back().end() == offset)
      ranges_.back().size += size;
    else
      ranges_.push_back({offset, size});
  }
  std::vector<Extent> release() && { return std::move(ranges_); }

 private:
  std::vector<Extent> ranges_;
};

Coverage refuse(CoverageRule rule, std::string why, Extent where = {}) {
  Coverage coverage;
  coverage.rule = rule;
  coverage.refusal = std::move(why);
  coverage.refused_at = where;
  return coverage;
}

std::string text_of(const PeSection& section) {
  return fmt::format("section {} [{}, +{}) reaches outside the file",
                     encode_name(section.name_text()), section.raw_offset, section.raw_size);
}

Coverage kernel_coverage(const PeHeaders& headers, const std::vector<PeSection>& sections) {
  constexpr auto kRule = CoverageRule::kernel;
  if (!headers.certificate_table || headers.optional->headers_size >= headers.file_size)
    return refuse(kRule, "SizeOfHeaders reaches to the end of the file");
  if (sections.size() != headers.coff.section_count)
    return refuse(kRule, "the section headers do not fit into the headers");
  const ImageRanges image = kernel_image_ranges(headers, sections);
  if (!image.entry_in_headers)
    return refuse(kRule, "SizeOfHeaders ends before the directory entry of the certificate table");
  if (!image.has_section) return refuse(kRule, "there is no section");
  if (image.outside) return refuse(kRule, text_of(*image.outside));
  // Of an unsigned image the kernel makes no digest; this is the one that a signature would be
  // over.
  const bool is_unsigned = headers.certificate_table->size == 0;
  if (!image.sizes_add_up && !is_unsigned)
    return refuse(kRule, "headers, sections and certificate table are longer than the file");
  RangeList list;
  std::uint64_t hashed = headers.optional->headers_size;
  for (const PeSection& section : sections) hashed += section.raw_size;
  for (const Extent range : image.ranges) list.add(range.offset, range.size);
  if (is_unsigned && hashed < headers.file_size) list.add(hashed, headers.file_size - hashed);
  Coverage coverage;
  coverage.ranges = std::move(list).release();
  return coverage;
}

// The headers as the specification of Authenticode has them, steps 1 to 9.
bool add_headers(const PeHeaders& headers, bool has_entry, RangeList& list) {
  const std::uint64_t behind_checksum = headers.checksum_offset() + 4;
  const std::uint64_t end = headers.optional->headers_size;
  if (end > headers.file_size) return false;
  list.add(0, headers.checksum_offset());
  if (!has_entry) {
    if (end < behind_checksum) return false;
    list.add(behind_checksum, end - behind_checksum);
    return true;
  }
  const std::uint64_t entry = headers.certificate_entry_offset();
  if (end < entry + pe::kDirectorySize) return false;
  list.add(behind_checksum, entry - behind_checksum);
  list.add(entry + pe::kDirectorySize, end - entry - pe::kDirectorySize);
  return true;
}

// By PointerToRawData alone.
bool lies_before(const PeSection& a, const PeSection& b) { return a.raw_offset < b.raw_offset; }

Coverage firmware_coverage(const PeHeaders& headers, const std::vector<PeSection>& sections) {
  constexpr auto kRule = CoverageRule::firmware;
  const bool has_entry = headers.optional->directory_count > pe::kCertificateDirectory;
  if (has_entry && !headers.certificate_table)
    return refuse(kRule, "the directories reach outside the file");
  if (sections.size() != headers.coff.section_count)
    return refuse(kRule, "the section headers lie outside the file");
  RangeList list;
  if (!add_headers(headers, has_entry, list))
    return refuse(kRule, "SizeOfHeaders does not fit the headers");
  std::uint64_t hashed = headers.optional->headers_size;
  for (const PeSection& section : sort_sections(sections, lies_before)) {
    if (section.raw_size == 0) continue;
    // PeCoffLoaderGetImageInfo reads the last byte of every section before.
    if (!lies_inside(section.raw_offset, section.raw_size, headers.file_size))
      return refuse(kRule, text_of(section));
    list.add(section.raw_offset, section.raw_size);
    hashed += section.raw_size;
  }
  const std::uint64_t table = has_entry ? headers.certificate_table->size : 0;
  if (headers.file_size > hashed) {
    if (headers.file_size < hashed + table)
      return refuse(kRule, "headers, sections and certificate table are longer than the file");
    list.add(hashed, headers.file_size - hashed - table);
  }
  Coverage coverage;
  coverage.ranges = std::move(list).release();
  return coverage;
}

Coverage shim_coverage(const PeHeaders& headers, const std::vector<PeSection>& sections) {
  constexpr auto kRule = CoverageRule::shim;
  // read_header: directories and SizeOfOptionalHeader must agree, and there are at most 16.
  constexpr std::uint32_t kMostDirectories = 16;
  const std::uint64_t fixed = headers.directories_offset() - headers.optional_offset();
  const std::uint64_t directories =
      std::uint64_t{headers.optional->directory_count} * pe::kDirectorySize;
  if (headers.optional->directory_count > kMostDirectories ||
      headers.coff.optional_header_size != fixed + directories)
    return refuse(kRule, "SizeOfOptionalHeader does not fit NumberOfRvaAndSizes");
  if (!headers.certificate_table) return refuse(kRule, "the directories reach outside the file");
  if (sections.size() != headers.coff.section_count)
    return refuse(kRule, "the section headers lie outside the file");
  RangeList list;
  if (!add_headers(headers, true, list))
    return refuse(kRule, "SizeOfHeaders does not fit the headers");
  std::uint64_t hashed = headers.optional->headers_size;
  for (const PeSection& section : sort_sections(sections, lies_before)) {
    if (section.raw_size == 0) continue;
    if (!lies_inside(section.raw_offset, section.raw_size, headers.file_size) ||
        section.raw_size > headers.file_size - std::min(hashed, headers.file_size))
      return refuse(kRule, text_of(section));
    list.add(section.raw_offset, section.raw_size);
    hashed += section.raw_size;
  }
  const PeDirectory& table = *headers.certificate_table;
  Coverage coverage;
  if (headers.file_size > hashed && table.size != 0) {
    const std::uint64_t left = headers.file_size - hashed;
    if (left < table.size || headers.file_size - table.size != table.address)
      return refuse(kRule, "the certificate table does not end the file",
                    {table.address, table.size});
    list.add(hashed, left - table.size);
  } else if (headers.file_size > hashed) {
    list.add(hashed, headers.file_size - hashed);
    coverage.zeros = (8 - headers.file_size % 8) % 8;
  }
  coverage.ranges = std::move(list).release();
  return coverage;
}

Coverage linear_coverage(const PeHeaders& headers) {
  constexpr auto kRule = CoverageRule::linear;
  if (!headers.certificate_table) return refuse(kRule, "the directories reach outside the file");
  const PeDirectory& table = *headers.certificate_table;
  const bool is_signed = table.address != 0 && table.size != 0;
  const std::uint64_t end = is_signed ? table.address : headers.file_size;
  const std::uint64_t entry = headers.certificate_entry_offset();
  if (end > headers.file_size || end < entry + pe::kDirectorySize)
    return refuse(kRule, "the certificate table lies outside the file");
  RangeList list;
  list.add(0, headers.checksum_offset());
  list.add(headers.checksum_offset() + 4, entry - headers.checksum_offset() - 4);
  list.add(entry + pe::kDirectorySize, end - entry - pe::kDirectorySize);
  Coverage coverage;
  if (!is_signed) coverage.zeros = (8 - headers.file_size % 8) % 8;
  coverage.ranges = std::move(list).release();
  return coverage;
}

// What the bytes at `offset` are.
std::string kind_of(std::uint64_t offset, const PeHeaders& headers,
                    const std::vector<PeSection>& sections) {
  if (offset < headers.optional->headers_size) return "headers";
  std::uint64_t last = headers.optional->headers_size;
  for (const PeSection& section : sections) {
    if (section.raw_size == 0) continue;
    const Extent data{section.raw_offset, section.raw_size};
    if (offset >= data.offset && offset < data.end())
      return "section " + encode_name(section.name_text());
    last = std::max(last, data.end());
  }
  if (headers.certificate_table && headers.certificate_table->address != 0 &&
      offset >= headers.certificate_table->address)
    return "certificate table";
  return offset < last ? "gap" : "overlay";
}

}  // namespace

std::string_view coverage_rule_name(CoverageRule rule) {
  switch (rule) {
    case CoverageRule::kernel: return "kernel";
    case CoverageRule::firmware: return "firmware";
    case CoverageRule::shim: return "shim";
    case CoverageRule::linear: return "linear";
  }
  return "kernel";
}

Coverage image_coverage(CoverageRule rule, const PeHeaders& headers,
                        const std::vector<PeSection>& kernel_sections,
                        const std::vector<PeSection>& sections) {
  Coverage coverage;
  switch (rule) {
    case CoverageRule::kernel: coverage = kernel_coverage(headers, kernel_sections); break;
    case CoverageRule::firmware: coverage = firmware_coverage(headers, sections); break;
    case CoverageRule::shim: coverage = shim_coverage(headers, sections); break;
    case CoverageRule::linear: coverage = linear_coverage(headers); break;
  }
  coverage.rule = rule;
  return coverage;
}

std::vector<CoverageDifference> compare_coverage(const Coverage& one, const Coverage& other,
                                                 const PeHeaders& headers,
                                                 const std::vector<PeSection>& sections) {
  // At each offset where the count changes, by how much: for one, for the other.
  std::map<std::uint64_t, std::pair<int, int>> steps;
  for (const Extent range : one.ranges) {
    ++steps[range.offset].first;
    --steps[range.end()].first;
  }
  for (const Extent range : other.ranges) {
    ++steps[range.offset].second;
    --steps[range.end()].second;
  }
  // Where the kind of a byte changes, a difference ends, too.
  steps[headers.optional->headers_size];
  for (const PeSection& section : sections) {
    steps[section.raw_offset];
    steps[std::uint64_t{section.raw_offset} + section.raw_size];
  }
  if (headers.certificate_table) steps[headers.certificate_table->address];
  constexpr std::size_t kMostDifferences = 100;
  std::vector<CoverageDifference> differences;
  std::pair<int, int> times;
  std::uint64_t start = 0;
  for (const auto& [offset, change] : steps) {
    if (differences.size() == kMostDifferences) return differences;
    if (times.first != times.second && offset > start)
      differences.push_back({{start, offset - start},
                             kind_of(start, headers, sections),
                             static_cast<unsigned>(times.first),
                             static_cast<unsigned>(times.second)});
    times.first += change.first;
    times.second += change.second;
    start = offset;
  }
  if (one.zeros != other.zeros)
    differences.push_back({{headers.file_size, std::max(one.zeros, other.zeros)},
                           "padding",
                           one.zeros != 0 ? 1U : 0U,
                           other.zeros != 0 ? 1U : 0U});
  if (differences.empty() && one.ranges != other.ranges) differences.push_back({{}, "order", 1, 1});
  return differences;
}

}  // namespace assay
