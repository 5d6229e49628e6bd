#include "edit/record.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"

namespace assay {

Result<ContentId> identify(const Content& content) {
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, content, 0, content.size()));
  ContentId id{content.size(), {}};
  std::ranges::copy(digest.bytes(), id.sha256.begin());
  return id;
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
