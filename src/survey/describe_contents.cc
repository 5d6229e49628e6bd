#include "survey/describe_contents.h"

#include <algorithm>

namespace assay {

namespace {

std::vector<BuiltInCertificate> describe_certificates(const ImageTrust& image) {
  std::vector<BuiltInCertificate> found;
  for (const auto& certificate : image.certificates) {
    const auto print = compute_digest(Hash::sha256, certificate->x509().raw.bytes());
    found.push_back({name_text(certificate->x509().subject), print ? print->hex() : ""});
  }
  return found;
}

// Of bytes that may overlap, how many there are.
std::uint64_t size_of_union(std::vector<Extent> extents) {
  std::ranges::sort(extents, {}, &Extent::offset);
  std::uint64_t size = 0;
  std::uint64_t end = 0;
  for (const Extent extent : extents) {
    const std::uint64_t start = std::max(extent.offset, end);
    const std::uint64_t extent_end = extent.offset + extent.size;
    if (extent_end <= start) continue;
    size += extent_end - start;
    end = extent_end;
  }
  return size;
}

std::uint64_t total_size(const std::vector<Extent>& extents) {
  std::uint64_t size = 0;
  for (const Extent extent : extents) size += extent.size;
  return size;
}

}  // namespace

Result<std::uint64_t> count_uncovered(const PeBootEvidence& image) {
  const Coverage& coverage = image.coverage(CoverageRule::kernel);
  if (!coverage.is_defined()) return fail(Reason::bad_value, coverage.refused_at, coverage.refusal);
  constexpr std::uint64_t kChecksumSize = 4;
  const PeHeaders& headers = image.headers;
  std::vector<Extent> known = coverage.ranges;
  known.push_back({headers.checksum_offset(), kChecksumSize});
  known.push_back({headers.certificate_entry_offset(), pe::kDirectorySize});
  if (headers.certificate_table)
    known.push_back({headers.certificate_table->address, headers.certificate_table->size});
  for (Extent& extent : known) {  // a damaged image's reach further
    extent.offset = std::min(extent.offset, headers.file_size);
    extent.size = std::min(extent.size, headers.file_size - extent.offset);
  }
  return headers.file_size - size_of_union(std::move(known)) + total_size(image.uncovered);
}

ContentReport describe_contents(const Examined& artifact, const ImageTrust* image) {
  ContentReport report;
  if (artifact.kind == ArtifactKind::kernel_image && image == nullptr) {
    report.certificates.emplace(
        std::unexpected(artifact.error.value_or(Error{Reason::trust_not_found})));
  } else if (artifact.kind == ArtifactKind::kernel_image) {
    if (image->error)
      report.certificates.emplace(std::unexpected(*image->error));
    else
      report.certificates.emplace(describe_certificates(*image));
  }
  if (artifact.boot) {
    report.sbat = artifact.boot->sbat.value_or(std::vector<SbatEntry>());
    if (!artifact.boot->entries.empty() && artifact.boot->headers.optional)
      report.uncovered_size = count_uncovered(*artifact.boot);
  } else if (artifact.appended && artifact.appended->signature) {
    // What follows the message is signed by nobody; what precedes it is.
    report.uncovered_size = artifact.appended->signature->cms().trailing.size();
  }
  return report;
}

}  // namespace assay
