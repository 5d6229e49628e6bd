#include "ima/hash_algo.h"

#include <algorithm>

namespace assay {

namespace {

constexpr HashAlgo kAlgos[] = {
#define HASH_ALGO(number, name, size, scope, hash, config) \
  {number, name, size, scope, hash, config},
#include "ima/hash_algos.def"
#undef HASH_ALGO
};

}  // namespace

std::span<const HashAlgo> hash_algos() { return kAlgos; }

const HashAlgo* find_hash_algo(std::string_view name) {
  const auto* found = std::ranges::find(kAlgos, name, &HashAlgo::name);
  return found == std::end(kAlgos) ? nullptr : found;
}

const HashAlgo& hash_algo_of(Hash hash) {
  return *std::ranges::find(kAlgos, std::optional(hash), &HashAlgo::hash);
}

const HashAlgo* find_hash_algo(std::uint8_t number) {
  const auto* found = std::ranges::find(kAlgos, number, &HashAlgo::number);
  return found == std::end(kAlgos) ? nullptr : found;
}

Truth has_hash_algo(const HashAlgo& algo, const KernelCrypto& crypto, const KernelConfig& config) {
  if (algo.hash) return crypto.has(*algo.hash);
  if (algo.config.empty()) return Truth::no;
  return config.is_on(algo.config);
}

}  // namespace assay
