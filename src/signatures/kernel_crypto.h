// signatures/kernel_crypto.h - the algorithms a kernel has, built in or loadable.
//
// Its parsers know an algorithm by name (signatures/algorithms.h); whether the code for it is there
// is a matter of configuration. By default everything is.

#pragma once

#include <array>

#include "base/truth.h"
#include "signatures/algorithms.h"

namespace assay {

struct KernelCrypto {
  // One answer for each Hash, in the order of the enum.
  std::array<Truth, kHashCount> hashes = filled<kHashCount>();
  Truth rsa = Truth::yes;
  Truth ecdsa = Truth::yes;
  Truth ecrdsa = Truth::yes;
  Truth sm2 = Truth::yes;
  Truth ml_dsa = Truth::yes;

  Truth has(Hash hash) const { return hashes[static_cast<std::size_t>(hash)]; }
  Truth has(KeyKind kind) const;

 private:
  template <std::size_t N>
  static constexpr std::array<Truth, N> filled() {
    std::array<Truth, N> all{};
    all.fill(Truth::yes);
    return all;
  }
};

}  // namespace assay
