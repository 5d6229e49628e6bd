#include "guardlist/overlay.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "base/hex.h"
#include "formats/appended_signature.h"
#include "testing/der.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

GuardDigest digest_of(std::uint8_t filler) {
  GuardDigest digest;
  digest.fill(filler);
  return digest;
}

// The page's table written down by hand, not with write_overlay.
Bytes sample() {
  Bytes bytes = der::bytes("ASSAYOVL");
  const auto add = [&bytes](const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  add({1, 0, 0, 0});                          // version
  add({2, 0, 0, 0});                          // count
  add({0x88, 0x77, 0x66, 0x55, 4, 3, 2, 1});  // serial
  add(der::bytes("debian-cloud"));            // list
  add(Bytes(64 - 12));
  add(Bytes(32, 0x11));
  add({0x04, 0, 0, 0, 0, 0, 0, 0});
  add(Bytes(32, 0x22));
  add({0x84, 0, 0, 0, 0, 0, 0, 0});
  return bytes;
}

TEST(Overlay, HasTheLayoutOfThePage) {
  const Overlay overlay{
      "debian-cloud", 0x0102030455667788, {{digest_of(0x22), 0x84}, {digest_of(0x11), 0x04}}};
  const auto written = write_overlay(overlay);
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(to_hex(*written), to_hex(sample()));
  const auto parsed = parse_overlay(View(*written));
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  EXPECT_EQ(parsed->serial, overlay.serial);
  EXPECT_EQ(parsed->list, "debian-cloud");
  EXPECT_EQ(parsed->rows[1].mask, 0x84U);
}

TEST(Overlay, OneDigestTwiceIsOneRowWithBothClasses) {
  const auto written =
      write_overlay({"l", 1, {{digest_of(1), 0x04}, {digest_of(1), 0x02}, {digest_of(1), 0x04}}});
  ASSERT_TRUE(written.has_value());
  const auto parsed = parse_overlay(View(*written));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->rows, (std::vector<OverlayRow>{{digest_of(1), 0x06}}));
}

TEST(Overlay, DamagedOnesSayWhere) {
  struct Case {
    const char* what;
    std::size_t at;
    std::uint8_t byte;
    Reason reason;
    std::uint64_t offset;
  };
  const Case cases[] = {
      {"magic", 7, 'X', Reason::bad_magic, 0},
      {"version 2", 8, 2, Reason::bad_value, 8},
      {"no rows", 12, 0, Reason::bad_value, 12},
      {"4098 rows", 13, 0x10, Reason::limit_count, 12},
      {"a row more", 12, 3, Reason::truncated, 168},
      {"a row less", 12, 1, Reason::trailing_bytes, 128},
      {"a name with a slash", 24, '/', Reason::bad_value, 24},
      {"no name", 24, 0, Reason::bad_value, 24},
      {"bytes behind the name", 87, 'x', Reason::bad_value, 24},
      {"no class", 120, 0, Reason::bad_value, 120},
      {"class 0", 120, 1, Reason::bad_value, 120},
      {"class 8", 121, 1, Reason::bad_value, 120},
      {"reserved", 124, 1, Reason::bad_value, 124},
      {"order", 128, 0x10, Reason::bad_value, 128},
  };
  for (const Case& one : cases) {
    Bytes bytes = sample();
    bytes[one.at] = one.byte;
    const auto parsed = parse_overlay(View(bytes));
    ASSERT_FALSE(parsed.has_value()) << one.what;
    EXPECT_EQ(reason_id(parsed.error().reason), reason_id(one.reason)) << one.what;
    EXPECT_EQ(parsed.error().where.offset, one.offset) << one.what;
  }
  Bytes twice = sample();
  std::fill(twice.begin() + 128, twice.begin() + 160, 0x11);
  EXPECT_FALSE(parse_overlay(View(twice)).has_value());
}

TEST(Overlay, LimitsOfWritten) {
  std::vector<OverlayRow> rows(kOverlayRows + 1);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].digest[0] = static_cast<std::uint8_t>(i >> 8);
    rows[i].digest[1] = static_cast<std::uint8_t>(i);
    rows[i].mask = 4;
  }
  const auto over = write_overlay({"l", 1, rows});
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().reason, Reason::limit_count);
  rows.pop_back();
  const auto full = write_overlay({"l", 1, rows});
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(full->size(), kOverlayDataSize);
  EXPECT_FALSE(write_overlay({"l", 1, {}}).has_value());
  EXPECT_FALSE(write_overlay({std::string(64, 'n'), 1, {{digest_of(1), 4}}}).has_value());
  EXPECT_TRUE(write_overlay({std::string(63, 'n'), 1, {{digest_of(1), 4}}}).has_value());
}

TEST(Overlay, IsCutFromItsSignature) {
  Bytes file = sample();
  auto bare = split_overlay(View(file));
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->data.size(), file.size());
  EXPECT_TRUE(bare->signature.empty());
  // As scripts/sign-file writes it.
  const Bytes tail = der::join(
      {Bytes(5, 0x30), Bytes{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 5}, der::bytes(kSignatureMarker)});
  file.insert(file.end(), tail.begin(), tail.end());
  const auto parts = split_overlay(View(file));
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(to_hex(parts->data.bytes()), to_hex(sample()));
  EXPECT_EQ(to_hex(parts->signature.bytes()), "3030303030");
  file[sample().size() + 5 + 2] = 3;  // CONFIG_MODULE_HASHES' proofs have this id_type
  EXPECT_FALSE(split_overlay(View(file)).has_value());
}

TEST(ReadClass, NamesOfMasks) {
  EXPECT_EQ(read_mask_text(0x86), "firmware,module,module-compressed");
  EXPECT_EQ(parse_read_mask("kexec-image,kexec-initramfs"), ReadMask{0x18});
  for (const char* wrong :
       {"", "module,", "module,module", "module,firmware", "modules", ",module"})
    EXPECT_FALSE(parse_read_mask(wrong).has_value()) << wrong;
  EXPECT_TRUE(rc::check("a mask reads as it is written", [] {
    const auto mask = *rc::gen::inRange<ReadMask>(1, 128) << 1;
    RC_ASSERT(is_read_mask(mask));
    RC_ASSERT(parse_read_mask(read_mask_text(mask)) == mask);
  }));
}

TEST(Overlay, ReadsAsItIsWritten) {
  EXPECT_TRUE(rc::check("an overlay reads as it is written", [] {
    Overlay overlay;
    overlay.list = "list-" + std::to_string(*rc::gen::arbitrary<std::uint8_t>());
    overlay.serial = *rc::gen::arbitrary<std::uint64_t>();
    const auto digests = *rc::gen::nonEmpty(rc::gen::arbitrary<std::set<std::uint8_t>>());
    for (const std::uint8_t one : digests)
      overlay.rows.push_back({digest_of(one), *rc::gen::inRange<ReadMask>(1, 128) << 1});
    const auto written = write_overlay(overlay);
    RC_ASSERT(written.has_value());
    const auto parsed = parse_overlay(View(*written));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == overlay);
  }));
}

}  // namespace
}  // namespace assay
