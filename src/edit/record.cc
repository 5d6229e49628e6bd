#include "edit/record.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"

namespace assay {

namespace {

ContentId name_content(const Content& content, const Digest& sha256) {
  ContentId id{content.size(), {}};
  std::ranges::copy(sha256.bytes(), id.sha256.begin());
  return id;
}

}  // namespace

Result<ContentId> identify(const Content& content) {
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, content, 0, content.size()));
  return name_content(content, digest);
}

Result<ContentId> identify(const Content& content, const PrefixHash& beginning) {
  ASSAY_TRY(const Digest digest, beginning.finish(content));
  return name_content(content, digest);
}

std::uint64_t shared_size(const EditRecord& record) {
  std::uint64_t size = std::min(record.before.size, record.after.size);
  for (const RecordPart& part : record.parts)
    for (const Splice& splice : part.splices) size = std::min(size, splice.offset);
  return size;
}

bool fits_container(const EditRecord& record, const std::optional<Codec>& codec) {
  if (record.before == record.after) return true;
  if (!record.compression) return !codec;
  return codec && *codec == record.compression->codec;
}

std::string_view carrier_name(RecordPart::Carrier carrier) {
  switch (carrier) {
    case RecordPart::Carrier::appended: return "appended";
    case RecordPart::Carrier::pe: return "pe";
    case RecordPart::Carrier::xattr: return "xattr";
  }
  std::unreachable();
}

}  // namespace assay
