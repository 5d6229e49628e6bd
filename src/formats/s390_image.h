// formats/s390_image.h - where the kernel lies in the bzImage of s390.
//
// The image is a flat binary without a header that tells where the compressed kernel begins; only
// the code of its decompressor knows. docs/formats/kernel_image.md describes the search.

#pragma once

#include <optional>

#include "base/result.h"
#include "codec/codec.h"
#include "formats/image_source.h"

namespace assay {

struct S390Payload {
  Extent where;  // a size of 0 reaches to the end of the image, where that is not known
  std::optional<Codec> codec;
};

// True when the bytes of an s390 bzImage's entry point are there.
Result<bool> is_s390_image(ImageSource& source);

// The first place in the image that holds, compressed or not, the start of an s390 kernel.
Result<std::optional<S390Payload>> find_s390_payload(ImageSource& source);

}  // namespace assay
