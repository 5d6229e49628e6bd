#include "formats/oid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hex.h"

namespace assay {

namespace {

constexpr std::size_t kMaxContent = 14;  // of the identifiers in oids.def

struct Row {
  Oid oid = Oid::unknown;
  std::uint8_t size = 0;
  std::array<std::uint8_t, kMaxContent> content{};
  std::string_view text;
};

// X.690 8.19, at compile time. An identifier that does not fit fails to compile.
consteval Row make_row(Oid oid, std::string_view dotted, std::string_view text) {
  Row row{oid, 0, {}, text};
  const auto put = [&row](std::uint64_t arc) {
    int groups = 1;
    while (groups < 10 && arc >> (7 * groups) != 0) ++groups;
    for (int group = groups - 1; group >= 0; --group) {
      const auto bits = static_cast<std::uint8_t>(arc >> (7 * group) & 0x7F);
      row.content[row.size++] = group == 0 ? bits : static_cast<std::uint8_t>(bits | 0x80);
    }
  };
  std::uint64_t first = 0;
  std::uint64_t arc = 0;
  int index = 0;
  for (std::size_t i = 0; i <= dotted.size(); ++i) {
    if (i < dotted.size() && dotted[i] != '.') {
      arc = arc * 10 + static_cast<std::uint64_t>(dotted[i] - '0');
      continue;
    }
    if (index == 0) first = arc;
    if (index == 1) put(first * 40 + arc);
    if (index > 1) put(arc);
    ++index;
    arc = 0;
  }
  return row;
}

constexpr Row kRows[] = {
    Row{Oid::unknown, 0, {}, "unknown"},
#define OID(name, dotted, text) make_row(Oid::name, dotted, text),
#include "formats/oids.def"
#undef OID
};

constexpr bool before(const Row& a, const Row& b) {
  if (a.size != b.size) return a.size < b.size;
  return a.content < b.content;
}

constexpr auto kByContent = [] {
  std::array<Row, std::size(kRows)> rows{};
  std::ranges::copy(kRows, rows.begin());
  std::ranges::sort(rows, before);
  return rows;
}();

}  // namespace

Oid find_oid(View content) {
  if (content.empty() || content.size() > kMaxContent) return Oid::unknown;
  Row wanted;
  wanted.size = static_cast<std::uint8_t>(content.size());
  std::ranges::copy(content.bytes(), wanted.content.begin());
  const auto found = std::ranges::lower_bound(kByContent, wanted, before);
  if (found == kByContent.end() || found->size != wanted.size || found->content != wanted.content)
    return Oid::unknown;
  return found->oid;
}

std::span<const std::uint8_t> oid_content(Oid oid) {
  const Row& row = kRows[static_cast<std::size_t>(oid)];
  return std::span(row.content).first(row.size);
}

std::string_view oid_text(Oid oid) { return kRows[static_cast<std::size_t>(oid)].text; }

std::string oid_text(View content) {
  if (const Oid oid = find_oid(content); oid != Oid::unknown) return std::string(oid_text(oid));
  if (std::string dotted = dotted_oid(content); !dotted.empty()) return dotted;
  return "invalid OID " + to_hex(content.bytes());
}

std::string dotted_oid(View content) {
  constexpr std::size_t kMaxOctets = 64;  // of an identifier worth printing
  if (content.empty() || content.size() > kMaxOctets) return {};
  std::string text;
  std::uint64_t arc = 0;
  bool first = true;
  bool complete = false;
  for (const std::uint8_t octet : content.bytes()) {
    if (arc >> 57 != 0) return {};
    arc = arc << 7 | (octet & 0x7F);
    complete = (octet & 0x80) == 0;
    if (!complete) continue;
    if (first) {
      const std::uint64_t root = std::min<std::uint64_t>(arc / 40, 2);
      text = fmt::format("{}.{}", root, arc - root * 40);
      first = false;
    } else {
      text += fmt::format(".{}", arc);
    }
    arc = 0;
  }
  return complete ? text : std::string();
}

}  // namespace assay
