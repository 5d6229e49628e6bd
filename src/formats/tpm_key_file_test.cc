// Key files written by hand after the draft; those of tpm2-tools are in tests/keys.

#include "formats/tpm_key_file.h"

#include <gtest/gtest.h>

#include "testing/der.h"

namespace assay {
namespace {

using der::Bytes;

struct KeyFileSample {
  Bytes type = der::oid("2.23.133.10.1.3");
  Bytes empty_auth = der::element(0xA0, {der::element(0x01, Bytes{0xFF})});
  Bytes more;
  Bytes parent = der::integer(0x40000001);
  Bytes public_area = der::octet_string(Bytes{1, 2, 3});
  Bytes private_area = der::octet_string(Bytes{4, 5});

  Bytes write() const {
    return der::sequence({type, empty_auth, more, parent, public_area, private_area});
  }
};

TEST(TpmKeyFile, AllFieldsAreRead) {
  const Bytes file = KeyFileSample().write();
  const auto key = parse_tpm_key_file(View(file));
  ASSERT_TRUE(key) << describe(key.error());
  EXPECT_TRUE(key->empty_auth);
  EXPECT_EQ(key->parent, 0x40000001U);
  EXPECT_TRUE(std::ranges::equal(key->public_area.bytes(), Bytes{1, 2, 3}));
  EXPECT_TRUE(std::ranges::equal(key->private_area.bytes(), Bytes{4, 5}));
}

TEST(TpmKeyFile, OptionsMayBeAbsent) {
  KeyFileSample sample;
  sample.empty_auth.clear();
  sample.parent = der::integer(0x81000001);
  const Bytes file = sample.write();
  const auto key = parse_tpm_key_file(View(file));
  ASSERT_TRUE(key) << describe(key.error());
  EXPECT_FALSE(key->empty_auth);
  EXPECT_EQ(key->parent, 0x81000001U);
  sample.empty_auth = der::element(0xA0, {der::element(0x01, Bytes{0})});
  const Bytes other = sample.write();
  EXPECT_FALSE(parse_tpm_key_file(View(other))->empty_auth);
}

TEST(TpmKeyFile, OthersAreRefused) {
  const auto refused = [](auto change) {
    KeyFileSample sample;
    change(sample);
    const Bytes file = sample.write();
    const auto key = parse_tpm_key_file(View(file));
    return !key && key.error().reason == Reason::not_a_private_key;
  };
  EXPECT_TRUE(refused([](auto& key) { key.type = der::oid("2.23.133.10.1.4"); }));  // importable
  EXPECT_TRUE(refused([](auto& key) { key.type.clear(); }));
  for (const std::uint8_t tag : {std::uint8_t{0xA1}, std::uint8_t{0xA2}, std::uint8_t{0xA3}})
    EXPECT_TRUE(refused([&](auto& key) { key.more = der::element(tag, {der::sequence({})}); }));
  EXPECT_TRUE(refused([](auto& key) { key.parent = der::integer(0x140000001); }));
  EXPECT_TRUE(refused([](auto& key) { key.parent = der::element(0x02, Bytes{}); }));
  EXPECT_TRUE(refused([](auto& key) { key.private_area.clear(); }));
  EXPECT_TRUE(refused([](auto& key) { key.private_area.push_back(0); }));
  EXPECT_FALSE(parse_tpm_key_file(View()));
}

}  // namespace
}  // namespace assay
