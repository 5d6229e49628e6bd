#include "formats/sbat.h"

#include <fmt/format.h>

namespace assay {

namespace {

constexpr std::size_t kSectionColumns = 6;
constexpr std::size_t kLevelColumns = 2;

// atoi() into a UINT16: blanks, a sign, digits; what does not fit loses its upper bits.
std::uint16_t to_generation(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\v\f");
  text.remove_prefix(start == text.npos ? text.size() : start);
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  std::uint16_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    value = static_cast<std::uint16_t>(value * 10 + (c - '0'));
  }
  return negative ? static_cast<std::uint16_t>(-value) : value;
}

std::vector<std::string_view> split(std::string_view line, std::size_t most) {
  std::vector<std::string_view> columns;
  while (columns.size() < most) {
    const std::size_t comma = line.find(',');
    columns.push_back(line.substr(0, comma));
    if (comma == line.npos) break;
    line.remove_prefix(comma + 1);
  }
  return columns;
}

// Calls `take` with the columns of each line: at most `most`, at least `least` of them.
template <class Take>
Result<void> read_lines(View bytes, std::size_t least, std::size_t most, Take take) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view text = bytes.text();
  text = text.substr(0, text.find('\0'));
  const std::string_view whole = text;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view line = text.substr(0, end);
    const auto at = static_cast<std::uint64_t>(line.data() - whole.data());
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const auto columns = split(line, most);
    const Extent where{bytes.origin() + at, line.size()};
    if (columns.size() < least)
      return fail(Reason::bad_value, where,
                  fmt::format("{} columns, at least {}", columns.size(), least));
    for (const std::string_view column : columns)
      if (column.empty()) return fail(Reason::bad_value, where, "an empty column");
    take(columns);
  }
  return {};
}

}  // namespace

Result<std::vector<SbatEntry>> parse_sbat(View section) {
  std::vector<SbatEntry> entries;
  ASSAY_CHECK(read_lines(section, kSectionColumns, kSectionColumns, [&](const auto& columns) {
    entries.push_back({std::string(columns[0]), to_generation(columns[1]), std::string(columns[2]),
                       std::string(columns[3]), std::string(columns[4]), std::string(columns[5])});
  }));
  return entries;
}

Result<std::vector<SbatRevocation>> parse_sbat_level(View bytes) {
  std::vector<SbatRevocation> level;
  ASSAY_CHECK(read_lines(bytes, kLevelColumns, kLevelColumns + 1, [&](const auto& columns) {
    level.push_back({std::string(columns[0]), to_generation(columns[1]),
                     std::string(columns.size() > 2 ? columns[2] : std::string_view())});
  }));
  return level;
}

std::optional<SbatConflict> find_revoked(const std::vector<SbatEntry>& entries,
                                         const std::vector<SbatRevocation>& level) {
  for (const SbatEntry& entry : entries) {
    for (const SbatRevocation& revocation : level) {
      if (revocation.component != entry.component) continue;
      if (entry.generation < revocation.least_generation) return SbatConflict{&entry, &revocation};
      break;  // shim looks at the first line with this component
    }
  }
  return std::nullopt;
}

}  // namespace assay
