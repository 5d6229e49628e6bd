#include "formats/tpm_event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bytes/reader.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

constexpr std::uint16_t kSha1 = 0x4;
constexpr std::uint16_t kSha1Size = 20;
constexpr std::uint32_t kNoAction = 3;
constexpr std::size_t kMostBanks = 16;
constexpr auto kSpecId = "Spec ID Event03\0"sv;
constexpr auto kStartupLocality = "StartupLocality\0"sv;

constexpr std::array<std::pair<std::uint16_t, std::string_view>, 8> kNames = {{{kSha1, "sha1"},
                                                                               {0xB, "sha256"},
                                                                               {0xC, "sha384"},
                                                                               {0xD, "sha512"},
                                                                               {0x12, "sm3"},
                                                                               {0x27, "sha3-256"},
                                                                               {0x28, "sha3-384"},
                                                                               {0x29, "sha3-512"}}};

Result<std::uint16_t> take16(Reader& reader) {
  ASSAY_TRY(const auto record, reader.record<2>());
  return record.le16<0>();
}

Result<std::uint32_t> take32(Reader& reader) {
  ASSAY_TRY(const auto record, reader.record<4>());
  return record.le32<0>();
}

Result<std::vector<TpmBank>> parse_banks(View spec_id) {
  Reader reader(spec_id);
  ASSAY_CHECK(reader.take(kSpecId.size() + 8));
  ASSAY_TRY(const std::uint32_t count, take32(reader));
  if (count == 0 || count > kMostBanks)
    return fail(Reason::bad_value, spec_id.extent(), fmt::format("{} banks", count));
  std::vector<TpmBank> banks(count);
  for (TpmBank& bank : banks) {
    ASSAY_TRY(bank.algorithm, take16(reader));
    ASSAY_TRY(bank.digest_size, take16(reader));
  }
  return banks;
}

// TCG_PCR_EVENT.
Result<TpmEvent> parse_old_event(Reader& reader) {
  TpmEvent event;
  ASSAY_TRY(const auto head, reader.record<8>());
  event.pcr = head.le32<0>();
  event.type = head.le32<4>();
  ASSAY_TRY(const View digest, reader.take(kSha1Size));
  event.digests.push_back(digest);
  ASSAY_TRY(const std::uint32_t size, take32(reader));
  ASSAY_TRY(event.data, reader.take(size, Reason::bad_length));
  return event;
}

// TCG_PCR_EVENT2. Digests may be in any order.
Result<TpmEvent> parse_event(Reader& reader, const std::vector<TpmBank>& banks) {
  TpmEvent event;
  ASSAY_TRY(const auto head, reader.record<12>());
  event.pcr = head.le32<0>();
  event.type = head.le32<4>();
  if (head.le32<8>() != banks.size())
    return fail(Reason::bad_value, head.extent_of<8, 4>(),
                fmt::format("{} digests, expected {}", head.le32<8>(), banks.size()));
  event.digests.resize(banks.size());
  for (std::size_t i = 0; i < banks.size(); ++i) {
    const View before = reader.left();
    ASSAY_TRY(const std::uint16_t algorithm, take16(reader));
    const auto bank = std::ranges::find(banks, algorithm, &TpmBank::algorithm);
    const auto at = static_cast<std::size_t>(bank - banks.begin());
    if (bank == banks.end() || !event.digests[at].empty())
      return fail(Reason::bad_value, before.sub(0, 2).extent(),
                  fmt::format("a digest of algorithm {:04x}, {}", algorithm,
                              bank == banks.end() ? "which has no bank" : "the second"));
    ASSAY_TRY(event.digests[at], reader.take(bank->digest_size));
  }
  ASSAY_TRY(const std::uint32_t size, take32(reader));
  ASSAY_TRY(event.data, reader.take(size, Reason::bad_length));
  return event;
}

}  // namespace

std::string_view tpm_hash_name(std::uint16_t algorithm) {
  const auto found =
      std::ranges::find(kNames, algorithm, [](const auto& row) { return row.first; });
  return found == kNames.end() ? std::string_view() : found->second;
}

Result<TpmEventLog> parse_tpm_event_log(View log) {
  TpmEventLog parsed;
  Reader reader(log);
  ASSAY_TRY(TpmEvent first, parse_old_event(reader));
  const bool has_banks = first.is_informative() && first.data.text().starts_with(kSpecId);
  if (has_banks) {
    ASSAY_TRY(parsed.banks, parse_banks(first.data));
    for (const TpmBank& bank : parsed.banks)
      if (bank.digest_size == 0 ||
          std::ranges::count(parsed.banks, bank.algorithm, &TpmBank::algorithm) != 1)
        return fail(Reason::bad_value, first.data.extent(),
                    fmt::format("bank {:04x} of {} bytes", bank.algorithm, bank.digest_size));
  } else {
    parsed.banks.push_back({kSha1, kSha1Size});
    parsed.events.push_back(std::move(first));
  }
  while (!reader.empty()) {
    ASSAY_TRY(TpmEvent event,
              has_banks ? parse_event(reader, parsed.banks) : parse_old_event(reader));
    if (event.type == kNoAction && event.pcr == 0 && event.data.size() > kStartupLocality.size() &&
        event.data.text().starts_with(kStartupLocality))
      parsed.startup_locality = event.data.bytes()[kStartupLocality.size()];
    parsed.events.push_back(std::move(event));
  }
  return parsed;
}

}  // namespace assay
