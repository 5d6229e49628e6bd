#include "edit/record_check.h"

#include <algorithm>
#include <set>

#include "edit/pe_table.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;
using Carrier = RecordPart::Carrier;

std::unexpected<Error> wrong(std::string what) {
  return fail(Reason::bad_record, {}, std::move(what));
}

// Nothing but appended signatures, one behind the other.
bool are_signatures(View bytes) {
  while (!bytes.empty()) {
    const auto trailer = read_signature_trailer(ViewContent(bytes));
    if (!trailer || !trailer->has_marker || !trailer->splits) return false;
    bytes = bytes.sub(0, trailer->payload_size);
  }
  return true;
}

Result<void> check_appended(const std::vector<Splice>& splices, std::uint64_t size) {
  if (splices.size() != 1) return wrong("an appended part has one splice");
  const Splice& splice = splices.front();
  if (!lies_inside(splice.offset, splice.before.size(), size) ||
      splice.offset + splice.before.size() != size)
    return wrong("an appended part is not at the end");
  if (!are_signatures(View(splice.before)) || !are_signatures(View(splice.after)))
    return wrong("an appended part is no signature");
  return {};
}

// Where the directory entry lies behind CheckSum: PE32, PE32+ (PE/COFF, "Optional Header").
constexpr std::uint64_t kEntryDistance32 = 64;
constexpr std::uint64_t kEntryDistance32Plus = 80;
constexpr std::size_t kChecksumSize = 4;

Result<void> check_image(const std::vector<Splice>& splices, std::uint64_t size) {
  if (splices.size() != 3) return wrong("a part of an image has three splices");
  const auto has_size = [](const Splice& splice, std::size_t expected) {
    return splice.before.size() == expected && splice.after.size() == expected;
  };
  if (!has_size(splices[0], kChecksumSize) || !has_size(splices[1], pe::kDirectorySize))
    return wrong("CheckSum and the directory entry have other sizes");
  const std::uint64_t distance = splices[1].offset - splices[0].offset;
  if (distance != kEntryDistance32 && distance != kEntryDistance32Plus)
    return wrong("CheckSum and the directory entry lie otherwise");
  if (splices[2].offset < splices[1].offset + pe::kDirectorySize ||
      !lies_inside(splices[2].offset, splices[2].before.size(), size))
    return wrong("the certificate table lies otherwise");
  return {};
}

// The third splice on one side: bytes of its table, or none where it has none.
Result<void> check_table(const Content& side, const RecordPart& part, const Bytes& bytes) {
  ASSAY_TRY(const auto headers, find_pe_image(side));
  if (!headers || part.splices[0].offset != headers->checksum_offset() ||
      part.splices[1].offset != headers->certificate_entry_offset())
    return wrong("the content is no such image");
  const std::uint64_t offset = part.splices[2].offset;
  ASSAY_TRY(const auto table, find_pe_table(side, *headers));
  if (!table) {
    if (bytes.empty() && offset == side.size()) return {};
    return wrong("it changes what is no certificate table");
  }
  if (offset >= table->extent.offset) return {};
  constexpr std::uint64_t kAlignment = 8;
  const std::uint64_t padding = table->extent.offset - offset;
  const bool is_padding = padding < kAlignment && padding <= bytes.size() &&
                          std::all_of(
                              bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(padding),
                              [](std::uint8_t byte) { return byte == 0; });
  if (!is_padding) return wrong("it changes what lies before the certificate table");
  return {};
}

}  // namespace

Result<void> check_record(const EditRecord& record) {
  std::uint64_t size = record.before.size;
  bool has_splices = false;
  std::set<std::string_view> attributes;
  for (const RecordPart& part : record.parts) {
    if (part.carrier == Carrier::xattr) {
      if (!attributes.insert(part.attribute).second) return wrong("an attribute comes twice");
      continue;
    }
    has_splices = true;
    ASSAY_CHECK(part.carrier == Carrier::pe ? check_image(part.splices, size)
                                            : check_appended(part.splices, size));
    size = size - part.splices.back().before.size() + part.splices.back().after.size();
  }
  if (size != record.after.size) return wrong("the sizes do not add up");
  if (!has_splices && record.before != record.after)
    return wrong("nothing changes the content, and both sides differ");
  return {};
}

Result<void> check_image_part(const Content& before, const Content& after, const RecordPart& part) {
  ASSAY_CHECK(check_table(before, part, part.splices[2].before));
  return check_table(after, part, part.splices[2].after);
}

}  // namespace assay
