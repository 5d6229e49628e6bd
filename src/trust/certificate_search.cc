#include "trust/certificate_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "bytes/reader.h"
#include "trust/certificate_run.h"

namespace assay {

namespace {

constexpr std::size_t kWordSize = 8;  // unsigned long
constexpr std::size_t kZerosInStep = 64;

std::uint64_t align_up(std::uint64_t offset, std::uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

constexpr std::array<std::uint8_t, 2> kPrefix{0x30, 0x82};

// Eight pairs of bytes that are compared at once. Every fourth stands at a multiple of 8.
using Pairs = std::uint16_t __attribute__((vector_size(16)));
constexpr std::size_t kBlock = CertificateSearch::kWindowAlignment;

// Whether the prefix stands at a multiple of 8 in the first kBlock bytes.
bool has_prefix(std::span<const std::uint8_t> bytes) {
  const Pairs prefix = Pairs{} + std::bit_cast<std::uint16_t>(kPrefix);
  Pairs equal{};
  for (std::size_t at = 0; at < kBlock; at += sizeof(Pairs)) {
    Pairs pairs;
    std::memcpy(&pairs, &bytes[at], sizeof(Pairs));
    equal |= std::bit_cast<Pairs>(pairs == prefix);
  }
  return (equal[0] | equal[4]) != 0;
}

// The first of `at`, `at` + `stride`, ... where the prefix stands; or the first that leaves no room
// for it.
std::size_t find_prefix(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t stride) {
  while (at + 1 < bytes.size() && (bytes[at] != kPrefix[0] || bytes[at + 1] != kPrefix[1])) {
    at += stride;
    while (stride == CertificateSearch::kSmallAlignment && at % kBlock == 0 &&
           lies_inside(at, kBlock, bytes.size()) && !has_prefix(bytes.subspan(at, kBlock)))
      at += kBlock;
  }
  return at;
}

std::uint64_t word_at(View bytes, std::size_t offset, bool is_big_endian) {
  const Record<kWordSize> word(bytes.sub(offset, kWordSize));
  return is_big_endian ? word.be64<0>() : word.le64<0>();
}

bool is_zero(View bytes, std::size_t from, std::size_t to) {
  return std::ranges::all_of(bytes.sub(from, to - from).bytes(),
                             [](std::uint8_t byte) { return byte == 0; });
}

// Where the first byte from `from` on stands that is not 0.
std::size_t end_of_zeros(View bytes, std::size_t from) {
  const auto rest = bytes.bytes().subspan(from);
  const auto found = std::ranges::find_if(rest, [](std::uint8_t byte) { return byte != 0; });
  return from + static_cast<std::size_t>(found - rest.begin());
}

}  // namespace

CertificateSearch::CertificateSearch(std::optional<Arch> arch) {
  if (!arch) {
    for (const std::uint64_t alignment : {kSmallAlignment, kLargeAlignment})
      for (const bool is_big : {false, true}) layouts_.push_back({alignment, is_big});
  } else {
    const bool is_small = *arch == Arch::x86_64 || *arch == Arch::s390x;
    layouts_.push_back({is_small ? kSmallAlignment : kLargeAlignment, is_big_endian(*arch)});
  }
  stride_ = layouts_[0].alignment;
}

Result<std::size_t> CertificateSearch::scan(View window, bool ended) {
  const std::uint64_t origin = window.origin();
  std::size_t at = std::max(next_, align_up(origin, stride_)) - origin;
  while ((at = find_prefix(window.bytes(), at, stride_)) + 1 < window.size()) {
    const Outcome outcome = examine(window.sub(at, window.size() - at), ended);
    if (steps_ > limits::kCertificateSteps)
      return fail(Reason::limit_count, {origin + at, 0}, "certificates that stand in rows");
    if (outcome == Outcome::cut_off) break;
    if (outcome == Outcome::list && found_)
      return fail(Reason::trust_ambiguous, candidate_->where,
                  fmt::format("the first is at {:#x}", found_->where.offset));
    if (outcome == Outcome::list) {
      found_ = std::move(candidate_);
      at += align_up(found_->where.size, stride_);
    } else {
      at += stride_;
    }
  }
  next_ = origin + at;
  return std::min(at, window.size());
}

CertificateSearch::Outcome CertificateSearch::examine(View rest, bool ended) {
  const CertificateRun run = measure_certificates(rest, limits::kCertificateList);
  steps_ += run.sizes.size();
  if (run.size > limits::kCertificateList) return Outcome::none;
  if (run.is_cut_off && !ended) return Outcome::cut_off;
  if (run.sizes.empty()) return Outcome::none;
  const std::size_t words_end =
      run.size + limits::kExtraCertificate + 2 * kLargeAlignment + kWordSize;
  if (rest.size() < words_end && !ended) return Outcome::cut_off;
  const View near = rest.sub(0, std::min(words_end, rest.size()));
  for (const Layout& layout : layouts_) {
    if (rest.origin() % layout.alignment != 0) continue;
    const auto module_cert_size = match(layout, near, run.size, run.sizes[0]);
    if (!module_cert_size) continue;
    const View list = rest.sub(0, run.size);
    candidate_ = FoundList{
        list.extent(), {list.bytes().begin(), list.bytes().end()}, run.sizes, *module_cert_size};
    return Outcome::list;
  }
  ++other_runs_;
  return Outcome::none;
}

// The value of module_cert_size, if the two words stand behind the run: right behind it, or behind
// an area of zeros and an int of any value. Two words that repeat both sizes are no coincidence; a
// second word of 0 is one of many zeros, and only counts right behind the run.
std::optional<std::uint64_t> CertificateSearch::match(const Layout& layout, View near,
                                                      std::size_t run_size,
                                                      std::size_t first_size) {
  const std::size_t alignment = layout.alignment;
  const std::size_t zeros_end = end_of_zeros(near, run_size);
  steps_ += (zeros_end - run_size) / kZerosInStep;
  const std::size_t adjacent = align_up(near.origin() + run_size, alignment) - near.origin();
  for (std::size_t at = adjacent; lies_inside(at, alignment + kWordSize, near.size());
       at += alignment) {
    if (zeros_end < (at == adjacent ? at : at - alignment)) break;
    const std::uint64_t list_size = word_at(near, at, layout.is_big_endian);
    const std::uint64_t module_size = word_at(near, at + alignment, layout.is_big_endian);
    const bool is_plausible = module_size == first_size || (module_size == 0 && at == adjacent);
    if (list_size == run_size && is_plausible && is_zero(near, at + kWordSize, at + alignment))
      return module_size;
  }
  return std::nullopt;
}

}  // namespace assay
