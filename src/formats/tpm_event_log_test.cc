#include "formats/tpm_event_log.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Banks = std::vector<std::pair<unsigned, unsigned>>;

void put(Bytes& bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Bytes old_event(unsigned pcr, unsigned type, const Bytes& data) {
  Bytes bytes;
  put(bytes, pcr, 4);
  put(bytes, type, 4);
  bytes.resize(bytes.size() + 20, 0x11);
  put(bytes, data.size(), 4);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes head(const Banks& banks) {
  const std::string_view name("Spec ID Event03\0", 16);
  Bytes data(name.begin(), name.end());
  put(data, 0, 4);
  put(data, 0x02000200, 4);
  put(data, banks.size(), 4);
  for (const auto& [algorithm, size] : banks) {
    put(data, algorithm, 2);
    put(data, size, 2);
  }
  put(data, 0, 1);
  return old_event(0, 3, data);
}

// With digests of these banks, in this order, each filled with its algorithm.
Bytes event(unsigned pcr, unsigned type, const Banks& banks, const Bytes& data) {
  Bytes bytes;
  put(bytes, pcr, 4);
  put(bytes, type, 4);
  put(bytes, banks.size(), 4);
  for (const auto& [algorithm, size] : banks) {
    put(bytes, algorithm, 2);
    bytes.resize(bytes.size() + size, static_cast<std::uint8_t>(algorithm));
  }
  put(bytes, data.size(), 4);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Banks kBanks = {{0x4, 20}, {0xB, 32}};

TEST(TpmEventLog, DigestsAreInTheOrderOfTheBanks) {
  const Bytes bytes = joined(head(kBanks), event(7, 0x80000001, {{0xB, 32}, {0x4, 20}}, {1, 2}));
  const auto log = parse_tpm_event_log(View(bytes));
  ASSERT_TRUE(log);
  ASSERT_EQ(log->banks.size(), 2U);
  EXPECT_EQ(tpm_hash_name(log->banks[1].algorithm), "sha256");
  ASSERT_EQ(log->events.size(), 1U);
  const TpmEvent& one = log->events[0];
  EXPECT_EQ(one.pcr, 7U);
  EXPECT_EQ(one.type, 0x80000001U);
  EXPECT_EQ(one.digests[0].size(), 20U);
  EXPECT_EQ(one.digests[0].bytes()[0], 0x4);
  EXPECT_EQ(one.digests[1].bytes()[31], 0xB);
  EXPECT_EQ(one.data.size(), 2U);
  EXPECT_FALSE(one.is_informative());
}

TEST(TpmEventLog, OfTpm12HasOneBank) {
  const Bytes bytes = joined(old_event(4, 8, {1}), old_event(0, 3, {}));
  const auto log = parse_tpm_event_log(View(bytes));
  ASSERT_TRUE(log);
  EXPECT_EQ(log->banks.size(), 1U);
  ASSERT_EQ(log->events.size(), 2U);
  EXPECT_EQ(log->events[0].digests[0].bytes()[0], 0x11);
  EXPECT_TRUE(log->events[1].is_informative());
}

TEST(TpmEventLog, DamageIsAnError) {
  const struct {
    const char* name;
    Bytes bytes;
    Reason reason;
  } cases[] = {
      {"nothing", {}, Reason::truncated},
      {"no banks", head({}), Reason::bad_value},
      {"a bank twice", head({{4, 20}, {4, 20}}), Reason::bad_value},
      {"an empty bank", head({{4, 0}}), Reason::bad_value},
      {"too few digests", joined(head(kBanks), event(0, 1, {{4, 20}}, {})), Reason::bad_value},
      {"a digest twice", joined(head(kBanks), event(0, 1, {{4, 20}, {4, 20}}, {})),
       Reason::bad_value},
      {"a digest of no bank", joined(head(kBanks), event(0, 1, {{4, 20}, {0xC, 48}}, {})),
       Reason::bad_value},
      {"an event that is cut off", joined(head(kBanks), {0, 0, 0, 0}), Reason::truncated},
  };
  for (const auto& [name, bytes, reason] : cases) {
    const auto log = parse_tpm_event_log(View(bytes));
    ASSERT_FALSE(log) << name;
    EXPECT_EQ(log.error().reason, reason) << name;
  }
  Bytes longer = joined(head(kBanks), event(0, 1, kBanks, {}));
  longer[longer.size() - 4] = 1;
  EXPECT_EQ(parse_tpm_event_log(View(longer)).error().reason, Reason::bad_length);
}

}  // namespace
}  // namespace assay
