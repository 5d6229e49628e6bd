// signatures/authenticode.h - what an Authenticode signature says and which bytes of a PE image it
// covers.
//
// The digest is over the headers without CheckSum and without the directory entry of the
// certificate table, the sections' data in the order of the file, and what follows them but for the
// table ("Windows Authenticode Portable Executable Signature Format", "Calculating the PE Image
// Hash"). Verifiers differ in where they look for the sections and in what they do with bytes that belong
// to none.

#pragma once

#include <optional>
#include <vector>

#include "bytes/content.h"
#include "crypto/hash.h"
#include "formats/ber.h"
#include "formats/cms.h"
#include "formats/oid.h"
#include "formats/pe.h"

namespace assay {

// SpcIndirectDataContent, as crypto/asymmetric_keys/mscode.asn1 has it.
struct IndirectData {
  std::optional<BerFault> fault;     // where the kernel's decoder gives up
  std::optional<View> content_type;  // content of the OID
  std::optional<View> digest_algo;   // likewise
  std::optional<View> digest;
};

// `content` with its header.
IndirectData parse_indirect_data(View content);

// Further signatures of the same image, which signtool and osslsigncode nest in unsigned attributes
// (SpcNestedSignature, 1.3.6.1.4.1.311.2.4.1) of the first: messages as they stand there. Where the
// attributes of a signer are not a SET of attributes, those up to that place. Neither the kernel
// nor shim looks at them.
std::vector<View> nested_signatures(const CmsMessage& message);

// The bytes that are hashed, in order. Ranges may overlap: the rule does not forbid it.
struct ImageRanges {
  std::vector<Extent> ranges;
  bool entry_in_headers = true;  // else nothing is hashed, see pe-sig/entry-in-headers
  bool has_section = true;
  std::optional<PeSection> outside;  // a section whose data is not in the file
  bool sizes_add_up = true;

  bool is_defined() const { return entry_in_headers && has_section && !outside && sizes_add_up; }
};

// Sections that `before` does not tell apart stay in the order of their headers.
using SectionOrder = bool (*)(const PeSection&, const PeSection&);
std::vector<PeSection> sort_sections(const std::vector<PeSection>& sections, SectionOrder before);

// As Linux has it (pefile_digest_pe_contents; 6.1, 6.12, 7.2 alike): 32-bit sums, gaps skipped, no
// bounds check. Requires headers with a certificate table.
ImageRanges kernel_image_ranges(const PeHeaders& headers, const std::vector<PeSection>& sections);

// Sections may overlap, and a few hundred kilobytes of section headers then ask for terabytes to be
// hashed: what verifiers make of that is not computed. Images of no linker have any byte in two
// sections.
bool is_hashed_too_often(const std::vector<Extent>& ranges, std::uint64_t file_size);

Result<Digest> compute_digest(Hash hash, const Content& content, const std::vector<Extent>& ranges);
// The same as a part of a digest.
Result<void> hash_ranges(Hasher& hasher, const Content& content, const std::vector<Extent>& ranges);

}  // namespace assay
