// trust/certificate_search.h - the system certificate list in a kernel without symbols, found by
// its structure (trust/system_certificates.h) in a window that slides over the kernel.
//
// docs/formats/system_certificates.md says what is taken for a list, and why nothing else can be.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/extent.h"
#include "base/limits.h"
#include "base/result.h"
#include "bytes/view.h"
#include "formats/arch.h"

namespace assay {

struct FoundList {
  Extent where;                   // in the kernel
  std::vector<std::uint8_t> der;  // its bytes
  std::vector<std::size_t> certificate_sizes;
  std::uint64_t module_cert_size;
};

class CertificateSearch {
 public:
  // What `.align 8` means to the assembler: 8 bytes on x86 and s390, 2^8 bytes on arm64, powerpc
  // and riscv.
  static constexpr std::uint64_t kSmallAlignment = 8;
  static constexpr std::uint64_t kLargeAlignment = 256;

  // Windows start at a multiple of this.
  static constexpr std::size_t kWindowAlignment = 512;
  // The most that scan() may want to see again.
  static constexpr std::size_t kLargestKeep =
      limits::kCertificateList + limits::kExtraCertificate + limits::kKiB * 128;

  // Without an architecture, every byte order and alignment is tried.
  explicit CertificateSearch(std::optional<Arch> arch);

  // Looks for lists that start in `window`, whose origin is its place in the kernel; `ended` says
  // that nothing follows it. Returns how many bytes at the front of the window are done with.
  // trust_ambiguous at the second list; limit_count where certificates are piled up so that the
  // search would take more than limits::kCertificateSteps.
  Result<std::size_t> scan(View window, bool ended);

  std::optional<FoundList>& found() { return found_; }
  // Runs of certificates that are no list.
  std::uint64_t other_runs() const { return other_runs_; }

 private:
  struct Layout {
    std::uint64_t alignment;
    bool is_big_endian;
  };
  enum class Outcome : std::uint8_t { none, list, cut_off };

  Outcome examine(View rest, bool ended);
  std::optional<std::uint64_t> match(const Layout& layout, View rest, std::size_t run_size,
                                     std::size_t first_size);

  std::vector<Layout> layouts_;
  std::uint64_t stride_;
  std::uint64_t next_ = 0;  // the first place in the kernel that is not yet looked at
  std::uint64_t other_runs_ = 0;
  std::uint64_t steps_ = 0;
  std::optional<FoundList> found_;
  std::optional<FoundList> candidate_;
};

}  // namespace assay
