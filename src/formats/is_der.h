// formats/is_der.h - is it DER (X.690, 10.1) as far as lengths go? The kernel's decoder
// (formats/ber.h) does not mind; OpenSSL and libtasn1 read what is DER as one expects, and the rest
// each in its way.

#pragma once

#include "bytes/view.h"

namespace assay {

// Also of all that is nested, at most 48 containers deep. No for an element of more than 65535
// bytes.
bool is_der(View bytes);

}  // namespace assay
