// guardlist/guard_list.h - what the guard lets a kernel read: digests, what each may be read as,
// and where each comes from (docs/guard-list.md).
//
//   assay-guard-list 1 name=debian version=6.1.192-2 serial=7 hash=sha256 mode=body classes=module
//   0b2e...64 digits... module linux-image-6.1.0-56-amd64 6.1.192-2 lib/modules/.../ext4.ko
//
// Text, a row a line, each line ended by a newline, one space between fields. There is one spelling
// of a list: rows ascend by digest, which are all different, and fields are encoded as names are
// (base/name.h), a space as %20; "-" stands for what is not known.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guardlist/overlay.h"

namespace assay {

inline constexpr std::string_view kGuardListMagic = "assay-guard-list";
// Digests that the kernel's map has room for: one more is E2BIG there.
inline constexpr std::size_t kGuardListRows = 32768;
// A row of 512 bytes for each.
inline constexpr std::uint64_t kGuardListSize = std::uint64_t{512} * kGuardListRows;

// What of a file is hashed (guardlist/body.h).
enum class GuardMode : std::uint8_t { whole, body };
std::string_view guard_mode_name(GuardMode mode);
std::optional<GuardMode> find_guard_mode(std::string_view name);

// Raw, not encoded; empty: not known.
struct GuardOrigin {
  std::string package;
  std::string version;
  std::string path;
  friend auto operator<=>(const GuardOrigin&, const GuardOrigin&) = default;
};

struct GuardRow {
  GuardDigest digest{};
  ReadMask mask = 0;
  GuardOrigin origin;
  friend bool operator==(const GuardRow&, const GuardRow&) = default;
};

struct GuardList {
  std::string name;     // is_list_name
  std::string version;  // of what it lists, raw; empty: none
  std::uint64_t serial = 0;
  GuardMode mode = GuardMode::body;
  ReadMask classes = 0;        // that the guard decides; rows have no others
  std::vector<GuardRow> rows;  // ascending by digest
  // Nothing where it has none.
  const GuardRow* find(const GuardDigest& digest) const;
  friend bool operator==(const GuardList&, const GuardList&) = default;
};

// Sorts rows and joins those of one digest: the classes of all, and the least of the origins, so
// that the order in which files came makes no difference.
void make_canonical(GuardList& list);

// Of the text without a signature. bad_magic, bad_value with the line, truncated; limit_count
// beyond kGuardListRows, limit_size beyond kGuardListSize.
Result<GuardList> parse_guard_list(View text);
// Requires a canonical list. bad_value for one that could not be read, limit_count.
Result<std::string> write_guard_list(const GuardList& list);

// What stands before an appended signature, where there is one.
Result<View> cut_list_signature(View file);

}  // namespace assay
