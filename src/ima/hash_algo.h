// ima/hash_algo.h - the kernel's numbering of digests (enum hash_algo), as security.ima has it.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "crypto/hash.h"
#include "signatures/kernel_crypto.h"
#include "signatures/walk.h"
#include "trust/kernel_config.h"

namespace assay {

// A row of ima/hash_algos.def.
struct HashAlgo {
  std::uint8_t number;
  std::string_view name;
  std::size_t size;
  Scope scope;
  std::optional<Hash> hash;  // nothing: assay does not compute it
  std::string_view config;   // of the kernel's code; empty: see KernelCrypto, or there is none
};

std::span<const HashAlgo> hash_algos();
const HashAlgo* find_hash_algo(std::string_view name);
const HashAlgo& hash_algo_of(Hash hash);
// Nothing for a number that no kernel has.
const HashAlgo* find_hash_algo(std::uint8_t number);

// crypto_has_alg: has the kernel the code?
Truth has_hash_algo(const HashAlgo& algo, const KernelCrypto& crypto, const KernelConfig& config);

}  // namespace assay
