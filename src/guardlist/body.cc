#include "guardlist/body.h"

#include <algorithm>

#include "crypto/hash.h"
#include "formats/appended_signature.h"

namespace assay {

Result<std::uint64_t> guard_body_size(const Content& content) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(content));
  return trailer.splits && trailer.payload_size != 0 ? trailer.payload_size : content.size();
}

Result<GuardDigest> guard_digest(const Content& content, GuardMode mode, ReadClass what) {
  std::uint64_t size = content.size();
  if (mode == GuardMode::body && what == ReadClass::module) {
    ASSAY_TRY(size, guard_body_size(content));
  }
  ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, content, 0, size));
  GuardDigest row;
  std::ranges::copy(digest.bytes(), row.begin());
  return row;
}

}  // namespace assay
