// Tables and laws of the small things: errors, hexadecimal, truth, extents.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <set>
#include <string>

#include "base/errno.h"
#include "base/extent.h"
#include "base/hex.h"
#include "base/result.h"
#include "base/truth.h"

namespace assay {
namespace {

// include/uapi/asm-generic/errno-base.h and errno.h, include/linux/errno.h.
TEST(ErrnoTable, HasTheKernelsNumbers) {
  struct Row {
    std::string_view name;
    int number;
  };
  constexpr Row kRows[] = {
      {"0", 0},           {"EPERM", 1},          {"ENOENT", 2},        {"EINTR", 4},
      {"EIO", 5},         {"ENOEXEC", 8},        {"EBADF", 9},         {"EAGAIN", 11},
      {"ENOMEM", 12},     {"EACCES", 13},        {"EFAULT", 14},       {"EBUSY", 16},
      {"EEXIST", 17},     {"ENODEV", 19},        {"ENOTDIR", 20},      {"EISDIR", 21},
      {"EINVAL", 22},     {"ETXTBSY", 26},       {"EFBIG", 27},        {"ENOSPC", 28},
      {"EROFS", 30},      {"ERANGE", 34},        {"ENOSYS", 38},       {"ELOOP", 40},
      {"ENODATA", 61},    {"ENOPKG", 65},        {"EPROTO", 71},       {"EBADMSG", 74},
      {"EOVERFLOW", 75},  {"ELIBBAD", 80},       {"EMSGSIZE", 90},     {"ENOPROTOOPT", 92},
      {"EOPNOTSUPP", 95}, {"EADDRNOTAVAIL", 99}, {"ESTALE", 116},      {"EDQUOT", 122},
      {"ENOKEY", 126},    {"EKEYEXPIRED", 127},  {"EKEYREVOKED", 128}, {"EKEYREJECTED", 129},
      {"ENOTSUPP", 524}};
  for (const Row& row : kRows) {
    const auto found = find_errno(row.name);
    ASSERT_TRUE(found) << row.name;
    EXPECT_EQ(errno_number(*found), row.number) << row.name;
    EXPECT_EQ(errno_name(*found), row.name);
    EXPECT_EQ(find_errno(row.number), found) << row.name;
  }
  std::size_t known = 0;
  for (int number = 0; number <= 1000; ++number)
    if (find_errno(number)) ++known;
  EXPECT_EQ(known, std::size(kRows));
}

TEST(ErrnoTable, KnowsNothingElse) {
  EXPECT_FALSE(find_errno("EWOULDBLOCK"));
  EXPECT_FALSE(find_errno("einval"));
  EXPECT_FALSE(find_errno(""));
  EXPECT_FALSE(find_errno(-22));
}

TEST(Hex, RoundTripsForAnyBytes) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& bytes) {
    const std::string text = to_hex(bytes);
    RC_ASSERT(text.size() == 2 * bytes.size());
    RC_ASSERT(from_hex(text) == bytes);
    std::string upper = text;
    for (char& c : upper) c = hex_digit(hex_value(c), HexCase::upper);
    RC_ASSERT(from_hex(upper) == bytes);
  }));
}

TEST(Hex, Table) {
  const std::vector<std::uint8_t> bytes{0x00, 0x0F, 0xF0, 0xFF, 0x9A};
  EXPECT_EQ(to_hex(bytes), "000ff0ff9a");
  EXPECT_EQ(from_hex("000FF0fF9a"), bytes);
  EXPECT_EQ(from_hex(""), std::vector<std::uint8_t>());
  for (const std::string_view bad : {"0", "0g", "g0", "00 ", " 0", "0x", "-1", "000"})
    EXPECT_FALSE(from_hex(bad)) << bad;
  for (int c = 0; c < 256; ++c) {
    const bool is_digit = std::string_view("0123456789abcdefABCDEF").find(static_cast<char>(c)) !=
                          std::string_view::npos;
    EXPECT_EQ(hex_value(static_cast<char>(c)) >= 0, is_digit && c != 0) << c;
  }
}

// Kleene's strong three-valued logic.
TEST(Truth, Tables) {
  constexpr Truth n = Truth::no, y = Truth::yes, u = Truth::unknown;
  constexpr Truth kAll[] = {n, y, u};
  constexpr Truth kAnd[3][3] = {{n, n, n}, {n, y, u}, {n, u, u}};
  constexpr Truth kOr[3][3] = {{n, y, u}, {y, y, y}, {u, y, u}};
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      EXPECT_EQ(kAll[a] && kAll[b], kAnd[a][b]) << a << b;
      EXPECT_EQ(kAll[a] || kAll[b], kOr[a][b]) << a << b;
      EXPECT_EQ(!(kAll[a] && kAll[b]), (!kAll[a] || !kAll[b]));
    }
  EXPECT_EQ(!n, y);
  EXPECT_EQ(!y, n);
  EXPECT_EQ(!u, u);
  EXPECT_EQ(truth(true), y);
  EXPECT_EQ(truth(false), n);
}

TEST(Extent, LiesInsideIsExactWhateverTheNumbers) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t edges[] = {
      0, 1, 2, 40, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, kMost / 2, kMost / 2 + 1, kMost - 1, kMost};
  const auto expect = [](std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
    return Wide{offset} + size <= whole;
  };
  for (const std::uint64_t offset : edges)
    for (const std::uint64_t size : edges)
      for (const std::uint64_t whole : edges)
        EXPECT_EQ(lies_inside(offset, size, whole), expect(offset, size, whole));
  EXPECT_TRUE(rc::check([&](std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
    RC_ASSERT(lies_inside(offset, size, whole) == expect(offset, size, whole));
  }));
}

TEST(Reasons, HaveUniqueIdsAndSentences) {
  std::set<std::string_view> ids;
#define REASON(name, id, sentence)                         \
  EXPECT_TRUE(ids.insert(reason_id(Reason::name)).second); \
  EXPECT_EQ(reason_id(Reason::name), id);                  \
  EXPECT_EQ(reason_sentence(Reason::name), sentence);      \
  EXPECT_FALSE(std::string_view(sentence).empty());        \
  EXPECT_NE(std::string_view(sentence).back(), '.');
#include "base/reasons.def"
#undef REASON
}

TEST(Describe, LeavesOutWhatIsAbsent) {
  EXPECT_EQ(describe(Error{Reason::truncated}), "the data ends before the structure does");
  EXPECT_EQ(describe(Error{Reason::truncated, {}, "1 of 2", "a.ko"}),
            "a.ko: the data ends before the structure does: 1 of 2");
  EXPECT_EQ(describe(Error{Reason::truncated, {16, 4}, {}, "a.ko"}),
            "a.ko: offset 16: the data ends before the structure does");
  EXPECT_EQ(with_path(Error{Reason::truncated, {}, {}, "a"}, "b").path, "a");
  EXPECT_EQ(with_path(Error{Reason::truncated}, "b").path, "b");
}

}  // namespace
}  // namespace assay
