// signatures/image_coverage.h - which bytes of a PE image each verifier hashes, and where they
// differ.
//
//   kernel    crypto/asymmetric_keys/verify_pefile.c: section headers behind NumberOfRvaAndSizes
//             directories, gaps skipped, 32-bit sums, the certificate table taken for the last
//             bytes
//   firmware  EDK2 DxeImageVerificationLib HashPeImage: section headers behind SizeOfOptionalHeader
//   shim      shim generate_hash: the same with bounds checked; the table must end the file, which
//             without one is filled up with zeros to a multiple of 8
//   linear    osslsigncode 2.9: everything up to the certificate table but for the two fields
//
// Sources: Linux 6.1, 6.12, 7.2; tianocore/edk2; rhboot/shim pe.c; osslsigncode pe.c.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/authenticode.h"

namespace assay {

enum class CoverageRule : std::uint8_t { kernel, firmware, shim, linear };
inline constexpr std::size_t kCoverageRuleCount = 4;
std::string_view coverage_rule_name(CoverageRule rule);

struct Coverage {
  CoverageRule rule = CoverageRule::kernel;
  // Neighbours are one; in the order in which they are hashed. Empty where `refusal` says why the
  // verifier computes no digest.
  std::vector<Extent> ranges;
  std::uint64_t zeros = 0;  // hashed behind the last range
  std::string refusal;      // "section .text reaches outside the file"
  Extent refused_at;

  bool is_defined() const { return refusal.empty(); }
  // Do both hash the same bytes in the same order?
  bool hashes_like(const Coverage& other) const {
    return is_defined() && other.is_defined() && ranges == other.ranges && zeros == other.zeros;
  }
};

// Requires headers with an optional header.
Coverage image_coverage(CoverageRule rule, const PeHeaders& headers,
                        const std::vector<PeSection>& kernel_sections,
                        const std::vector<PeSection>& sections);

// Bytes that are not hashed alike.
struct CoverageDifference {
  Extent where;
  std::string kind;          // "gap", "overlay", "headers", "certificate table", "padding", "order"
  unsigned times = 0;        // how often `one` hashes them
  unsigned other_times = 0;  // and how often the other does
};

// Both are defined. Where every byte is hashed as often by both but in another order, one
// difference of kind "order". Only the first hundred are told: an image may have 65535 sections.
std::vector<CoverageDifference> compare_coverage(const Coverage& one, const Coverage& other,
                                                 const PeHeaders& headers,
                                                 const std::vector<PeSection>& sections);

}  // namespace assay
