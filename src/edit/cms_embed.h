// edit/cms_embed.h - the data of a detached message put into it: what IPE takes policies from.

#pragma once

#include "base/result.h"
#include "bytes/view.h"
#include "formats/der_writer.h"

namespace assay {

// `message` is SignedData over `content` that carries none (edit/cms_writer.h), of type id-data.
// The signature stays good: what is signed is the octets of the content, inside or outside (RFC
// 5652, 5.4). bad_value for a message that is not of this form, not_signable for one beyond 65535
// bytes, of which kernels take no more.
Result<DerBytes> embed_content(View message, std::span<const std::uint8_t> content);

}  // namespace assay
