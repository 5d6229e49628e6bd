#include "base/name.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace assay {
namespace {

using Text = std::string;

// Any bytes, with a liking for those that mean something.
rc::Gen<Text> any_bytes() {
  const auto byte = rc::gen::oneOf(
      rc::gen::arbitrary<char>(),
      rc::gen::element('%', '!', '/', '\n', '\x1b', '\x7f', '\0', '\xC2', '\xE2', '\x80', '\xA8',
                       '\xA9', '\xED', '\xF0', '\xF4', '\x9F', '\x85', '4', '1', 'F'));
  return rc::gen::container<Text>(byte);
}

// A decoder of UTF-8 written from RFC 3629, section 4, by value rather than by octet range. The
// code point, or -1.
std::int64_t next_code_point(const Text& text, std::size_t& at) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = octet(at);
  const int more = first < 0x80       ? 0
                   : first >> 5 == 6  ? 1
                   : first >> 4 == 14 ? 2
                   : first >> 3 == 30 ? 3
                                      : -1;
  if (more < 0 || at + static_cast<std::size_t>(more) >= text.size()) return -1;
  std::int64_t value = more == 0 ? first : first & (0x3FU >> more);
  for (int i = 1; i <= more; ++i) {
    const unsigned next = octet(at + static_cast<std::size_t>(i));
    if (next >> 6 != 2) return -1;
    value = value << 6 | (next & 0x3F);
  }
  constexpr std::int64_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  if (value < kLeast[more] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return -1;
  at += 1 + static_cast<std::size_t>(more);
  return value;
}

// General_Category Cc, Zl, Zp, and Bidi_Control (PropList.txt).
bool is_control(std::int64_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || value == 0x061C || value == 0x200E ||
         value == 0x200F || (value >= 0x2028 && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069);
}

bool is_one_printable_line(const Text& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::int64_t value = next_code_point(text, at);
    if (is_control(value)) return false;
  }
  return true;
}

TEST(Name, RoundTripsForAnyBytes) {
  EXPECT_TRUE(rc::check([] {
    const Text bytes = *any_bytes();
    RC_ASSERT(decode_name(encode_name(bytes)) == bytes);
  }));
}

TEST(Name, IsAlwaysOneLineOfUtf8WithoutControls) {
  EXPECT_TRUE(rc::check([] {
    const Text text = encode_name(*any_bytes());
    RC_ASSERT(is_one_printable_line(text));
    RC_ASSERT(text.find('!') == Text::npos);
  }));
}

TEST(Name, TwoNamesNeverLookAlike) {
  EXPECT_TRUE(rc::check([] {
    const Text a = *any_bytes();
    const Text b = *any_bytes();
    RC_ASSERT((encode_name(a) == encode_name(b)) == (a == b));
  }));
}

// Well-formed UTF-8 is left as it is, every code point of it but those that are escaped by name.
TEST(Name, EveryCodePoint) {
  for (std::uint32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value <= 0xDFFF) continue;
    Text text;
    if (value < 0x80) {
      text += static_cast<char>(value);
    } else if (value < 0x800) {
      text += static_cast<char>(0xC0 | value >> 6);
      text += static_cast<char>(0x80 | (value & 0x3F));
    } else if (value < 0x10000) {
      text += static_cast<char>(0xE0 | value >> 12);
      text += static_cast<char>(0x80 | (value >> 6 & 0x3F));
      text += static_cast<char>(0x80 | (value & 0x3F));
    } else {
      text += static_cast<char>(0xF0 | value >> 18);
      text += static_cast<char>(0x80 | (value >> 12 & 0x3F));
      text += static_cast<char>(0x80 | (value >> 6 & 0x3F));
      text += static_cast<char>(0x80 | (value & 0x3F));
    }
    const bool escaped = is_control(value) || value == '!' || value == '%';
    ASSERT_EQ(encode_name(text) == text, !escaped) << value;
    ASSERT_EQ(decode_name(encode_name(text)), text) << value;
  }
}

TEST(Name, Table) {
  struct Case {
    Text bytes;
    Text printed;
  };
  const Case cases[] = {
      {"lib/modules/6.1.0/ext4.ko", "lib/modules/6.1.0/ext4.ko"},
      {"", ""},
      {"a!b", "a%21b"},
      {"100%", "100%25"},
      {"a\nb", "a%0Ab"},
      {"\x1b[2J", "%1B[2J"},
      {"\x7f", "%7F"},
      {Text("\0", 1), "%00"},
      {"\xC3\xBC", "\xC3\xBC"},
      {"\xC2\x85", "%C2%85"},                // U+0085, next line
      {"\xE2\x80\xA8", "%E2%80%A8"},         // U+2028
      {"\xFF\xFE", "%FF%FE"},                // never in UTF-8
      {"\xC0\xAF", "%C0%AF"},                // overlong '/'
      {"\xE0\x80\xAF", "%E0%80%AF"},         // overlong '/'
      {"\xED\xA0\x80", "%ED%A0%80"},         // a surrogate
      {"\xF4\x90\x80\x80", "%F4%90%80%80"},  // beyond U+10FFFF
      {"\xE2\x82", "%E2%82"},                // cut
  };
  for (const Case& one : cases) {
    EXPECT_EQ(encode_name(one.bytes), one.printed);
    EXPECT_EQ(decode_name(one.printed), one.bytes);
  }
}

TEST(Name, DecodingLeavesOtherPercentSignsAlone) {
  EXPECT_EQ(decode_name("%"), "%");
  EXPECT_EQ(decode_name("%4"), "%4");
  EXPECT_EQ(decode_name("%zz"), "%zz");
  EXPECT_EQ(decode_name("%4z1"), "%4z1");
  EXPECT_EQ(decode_name("%%41"), "%A");
  EXPECT_EQ(decode_name("%c3%BC"), "\xC3\xBC");
}

TEST(NestedName, JoinsByAnExclamationMark) {
  EXPECT_EQ(nested_name("", "a!b"), "a%21b");
  EXPECT_EQ(nested_name("x.deb", "./lib/a.ko"), "x.deb!./lib/a.ko");
  EXPECT_EQ(nested_name(nested_name("x%21.deb", "data.tar"), "a!.ko"), "x%21.deb!data.tar!a%21.ko");
}

}  // namespace
}  // namespace assay
