#include "compare/canonical_form.h"

#include <algorithm>

#include "edit/excise.h"
#include "edit/pe_table.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;
using Carrier = RecordPart::Carrier;

// The checksum of an image without a table, as the part of its own that a table would have.
Result<std::optional<RecordPart>> describe_checksum(const Rope& content) {
  ASSAY_TRY(const auto headers, find_pe_image(content));
  if (!headers || headers->optional->checksum == 0) return std::nullopt;
  ASSAY_TRY(const auto table, find_pe_table(content, *headers));
  if (table) return std::nullopt;
  Bytes checksum(4);
  ASSAY_CHECK(content.read(headers->checksum_offset(), checksum));
  RecordPart part;
  part.carrier = Carrier::pe;
  part.splices = {{headers->checksum_offset(), Bytes(checksum.size()), std::move(checksum)}};
  return part;
}

}  // namespace

Result<CanonicalForm> find_canonical_form(const std::shared_ptr<const Content>& plain) {
  ASSAY_TRY(BareContent bare, take_out_records(plain));
  CanonicalForm form{std::move(bare.content), std::move(bare.parts)};
  ASSAY_TRY(auto checksum, describe_checksum(form.content));
  if (checksum) {
    ASSAY_TRY(form.content, splice(form.content, checksum->splices, Direction::backward));
    form.parts.insert(form.parts.begin(), std::move(*checksum));
  }
  return form;
}

Result<Rope> put_records(const Rope& content, std::span<const RecordPart> parts) {
  Rope with = content;
  for (const RecordPart& part : parts) {
    ASSAY_TRY(with, splice(with, part.splices, Direction::forward));
  }
  return with;
}

std::string_view owner_of(const RecordPart& part) {
  switch (part.carrier) {
    case Carrier::appended: return "appended signature";
    case Carrier::pe: return holds_signature(part) ? "certificate table" : "checksum";
    case Carrier::xattr: return part.attribute;
  }
  return {};
}

std::uint64_t size_of(const RecordPart& part) {
  std::uint64_t size = part.after ? part.after->size() : 0;
  for (const Splice& splice : part.splices) size += splice.after.size();
  return size;
}

bool holds_signature(const RecordPart& part) {
  return part.carrier != Carrier::pe || part.splices.size() > 1;
}

}  // namespace assay
