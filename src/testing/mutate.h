// testing/mutate.h - damages BER the way damage is interesting: some of it blind, some of it with
// an eye for elements, so that what comes out is often still well formed.

#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace assay {

using Random = std::mt19937_64;

// One random change. Never longer than the input and 600 bytes.
std::vector<std::uint8_t> mutate_ber(std::span<const std::uint8_t> message, Random& random);

// An element and those in it, also those inside an OCTET STRING; what does not take apart is the
// content of a leaf.
struct BerNode {
  std::uint8_t tag = 0;
  bool indefinite = false;
  std::size_t length_octets = 0;  // 0: the short form, or as many as needed
  std::vector<std::uint8_t> content;
  std::vector<BerNode> children;
  bool has_children = false;
};

// Empty when the bytes do not take apart.
std::vector<BerNode> parse_ber_nodes(std::span<const std::uint8_t> bytes);
// The inverse of parse_ber_nodes where no lengths are written longer than needed.
std::vector<std::uint8_t> write_ber_nodes(const std::vector<BerNode>& nodes);

}  // namespace assay
