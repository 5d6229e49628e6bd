// testing/agreement.h - do our parsers see in some bytes what the kernel's decoder sees?
//
// Each function runs the slow reference (testing/reference_asn1.h) beside one of our parsers and
// returns the first difference in words; empty for none. Used by tests and by fuzz targets.

#pragma once

#include <string>

#include "bytes/view.h"

namespace assay {

// parse_cms: every place in its order, what the kernel's parser keeps of each signer, and each
// embedded certificate in turn.
std::string compare_cms(View message);

// parse_certificate, and the two grammars of authorityKeyIdentifier.
std::string compare_certificate(View certificate);

}  // namespace assay
