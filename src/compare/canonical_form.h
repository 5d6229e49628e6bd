// compare/canonical_form.h - an artifact without its records, and the records: what two builds of
// one source have in common, and what of either cannot come from the source.
//
//   owner                 bytes of the file
//   appended signature    message, information block and marker behind the end, or a Merkle proof
//   certificate table     CheckSum, the directory entry of the table, zeros before it, the table
//   security.ima, .evm    the attribute
//
// The canonical form of a PE image has checksum 0, entry 0 and no table, also where the image
// carries no signature: linkers write a checksum or do not.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "edit/record.h"

namespace assay {

struct CanonicalForm {
  Rope content;
  std::vector<RecordPart> parts;  // of the content, innermost first
};

// Requires decompressed content.
Result<CanonicalForm> find_canonical_form(const std::shared_ptr<const Content>& plain);

// The content with the first `layers` parts put on it; with all of them, the file. record_mismatch
// where other bytes stand in the places of the parts than in the canonical form.
Result<Rope> put_records(const Rope& content, std::span<const RecordPart> parts);

// "appended signature", "certificate table", "security.ima".
std::string_view owner_of(const RecordPart& part);
// Bytes that the part brings.
std::uint64_t size_of(const RecordPart& part);
// Does it hold a signature? Else it is a checksum alone.
bool holds_signature(const RecordPart& part);

}  // namespace assay
