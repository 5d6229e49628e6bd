#include "ima/boot_aggregate.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hex.h"
#include "base/name.h"

namespace assay {

namespace {

std::optional<std::size_t> find_bank(const TpmEventLog& log, Hash hash) {
  for (std::size_t i = 0; i < log.banks.size(); ++i)
    if (tpm_hash_name(log.banks[i].algorithm) == hash_name(hash) &&
        log.banks[i].digest_size == digest_size(hash))
      return i;
  return std::nullopt;
}

// TPM2_PCR_Extend: the new value is the digest of the old one and what it is extended with.
Result<Digest> extend(const Digest& old, View with) {
  ASSAY_TRY(Hasher hasher, Hasher::make(old.hash()));
  hasher.update(old.bytes());
  hasher.update(with.bytes());
  return std::move(hasher).finish();
}

std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

// "sha256:00...", or as the oldest template has it, "00...".
std::optional<Digest> parse_digest(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto hash = colon == text.npos ? Hash::sha1 : find_hash(text.substr(0, colon));
  const auto bytes = from_hex(colon == text.npos ? text : text.substr(colon + 1));
  if (!hash || !bytes || bytes->size() != digest_size(*hash)) return std::nullopt;
  return Digest(*hash, *bytes);
}

}  // namespace

Result<BootAggregate> compute_boot_aggregate(const TpmEventLog& log, Hash ima_hash) {
  std::optional<std::size_t> bank;
  BootAggregate aggregate;
  for (const Hash hash : {ima_hash, Hash::sha256, Hash::sha1}) {
    if (bank) break;
    bank = find_bank(log, hash);
    aggregate.bank = hash;
  }
  if (!bank)
    return fail(Reason::crypto_unavailable, {},
                fmt::format("the log has no bank of {}, sha256 or sha1", hash_name(ima_hash)));
  std::array<std::uint8_t, kMaxDigestSize> zeros{};
  const auto start = std::span(zeros).first(digest_size(aggregate.bank));
  aggregate.pcrs.fill(Digest(aggregate.bank, start));
  start.back() = log.startup_locality;
  aggregate.pcrs[0] = Digest(aggregate.bank, start);
  for (const TpmEvent& event : log.events) {
    if (event.is_informative()) continue;
    if (event.pcr >= kPcrCount)
      return fail(
          Reason::bad_value, event.data.extent(),
          fmt::format("an event of register {}, expected 0 to {}", event.pcr, kPcrCount - 1));
    ASSAY_TRY(aggregate.pcrs[event.pcr], extend(aggregate.pcrs[event.pcr], event.digests[*bank]));
  }
  ASSAY_TRY(Hasher hasher, Hasher::make(aggregate.bank));
  const std::size_t end = aggregate.bank == Hash::sha1 ? 8 : 10;
  for (std::size_t i = 0; i < end; ++i) hasher.update(aggregate.pcrs[i].bytes());
  aggregate.value = std::move(hasher).finish();
  return aggregate;
}

Result<std::vector<Digest>> find_boot_aggregates(std::string_view ascii_list) {
  std::vector<Digest> found;
  for (std::size_t at = 0, number = 1; at < ascii_list.size(); ++number) {
    const std::size_t end = std::min(ascii_list.find('\n', at), ascii_list.size());
    std::string_view line = ascii_list.substr(at, end - at);
    const std::string_view whole = line;
    next_word(line);  // the register
    next_word(line);  // the template's digest
    next_word(line);  // its name
    const auto digest = parse_digest(next_word(line));
    const std::string_view name = next_word(line);
    if (name.empty())
      return fail(Reason::bad_value, {at, whole.size()},
                  fmt::format("line {}: {}: no entry of a measurement list", number,
                              encode_name(whole.substr(0, 80))));
    if (name == "boot_aggregate") {
      if (!digest)
        return fail(Reason::bad_value, {at, whole.size()},
                    fmt::format("line {}: no digest of boot_aggregate", number));
      found.push_back(*digest);
    }
    at = end + 1;
  }
  return found;
}

}  // namespace assay
