// trust/certificate_run.h - DER certificates that stand one behind the other, as in the kernel's
// built-in lists.
//
// The kernel cuts its list by the four bytes that each certificate starts with
// (crypto/asymmetric_keys/x509_loader.c, x509_load_certificate_list): 30 82 and two bytes of
// length. Here each must also look like a certificate inside; what it says is not read.

#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "bytes/view.h"

namespace assay {

struct CertificateRun {
  std::size_t size = 0;            // of all of them
  std::vector<std::size_t> sizes;  // of each
  bool is_cut_off = false;         // the bytes end inside of what may be another
};

// The certificates at the start of `bytes`, as many as there are. It stops when they have more than
// `limit` bytes.
CertificateRun measure_certificates(View bytes, std::size_t limit);

}  // namespace assay
