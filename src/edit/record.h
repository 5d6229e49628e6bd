// edit/record.h - what was taken out of an artifact, or put in: all that is needed to go from the
// file without it to the file with it and back, bit for bit.
//
// "Before" is the side without the records (unsigned), "after" the side with them. A record names
// the content of both by size and SHA-256, so that neither direction can be applied to other bytes,
// and lists the steps between them. docs/formats/record.md describes the JSON.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "codec/encoder.h"
#include "crypto/prefix_hash.h"
#include "edit/splice.h"

namespace assay {

struct ContentId {
  std::uint64_t size = 0;
  std::array<std::uint8_t, 32> sha256{};
  friend auto operator<=>(const ContentId&, const ContentId&) = default;
};
Result<ContentId> identify(const Content& content);
// Of content whose beginning was hashed before.
Result<ContentId> identify(const Content& content, const PrefixHash& beginning);

// One signature, or whatever else is excised as a whole.
struct RecordPart {
  enum class Carrier : std::uint8_t { appended, pe, xattr };
  Carrier carrier = Carrier::appended;
  // Of the content, in ascending order; offsets count in the content that has the parts listed
  // before this one and not those after it.
  std::vector<Splice> splices;
  // Of an extended attribute: its name, and its values on both sides (nothing: it is not there).
  std::string attribute;
  std::optional<std::vector<std::uint8_t>> before;
  std::optional<std::vector<std::uint8_t>> after;
  friend bool operator==(const RecordPart&, const RecordPart&) = default;
};
std::string_view carrier_name(RecordPart::Carrier carrier);

// How one side of a compressed file is stored.
struct StoredForm {
  ContentId id;                                 // of the compressed file
  std::optional<EncoderParameters> parameters;  // encode() makes it; else
  std::vector<std::uint8_t> stream;             // the file itself
  friend bool operator==(const StoredForm&, const StoredForm&) = default;
};

struct Compression {
  Codec codec = Codec::xz;
  StoredForm before;
  StoredForm after;
  friend bool operator==(const Compression&, const Compression&) = default;
};

struct EditRecord {
  // As printed, within the run: a hint, where several records are of the same bytes.
  std::string name;
  ContentId before;  // decompressed
  ContentId after;
  std::vector<RecordPart> parts;
  std::optional<Compression> compression;
  friend bool operator==(const EditRecord&, const EditRecord&) = default;
};

// Whether a file in this container can be one side of the record; one that changes attributes alone
// fits any.
bool fits_container(const EditRecord& record, const std::optional<Codec>& codec);

// So many bytes at the beginning are the same on both sides.
std::uint64_t shared_size(const EditRecord& record);

inline constexpr std::string_view kRecordSchema = "assay.record/1";

// One line of JSON, without the line feed.
std::string write_record(const EditRecord& record);
// bad_record, with what is wrong, for anything else: keys that are not known, and changes that are
// no signatures put in or taken out (edit/record_check.h).
Result<EditRecord> parse_record(std::string_view line);

}  // namespace assay
