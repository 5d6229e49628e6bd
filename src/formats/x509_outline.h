// formats/x509_outline.h - version and extensions of a certificate as RFC 5280, 4.1 has them.
//
// The kernel's parser (formats/x509.h) passes over most of them. Firmware, shim and GRUB, which use
// other libraries, do not.

#pragma once

#include <optional>
#include <vector>

#include "formats/oid.h"
#include "formats/x509.h"

namespace assay {

struct X509Extension {
  Oid oid = Oid::unknown;
  bool is_critical = false;
  View value;
};

struct CertificateOutline {
  bool is_version_1 = true;  // DER leaves that version out
  bool is_version_3 = false;
  std::vector<X509Extension> extensions;
  // AlgorithmIdentifiers with their headers: that which is signed, and that beside the signature.
  View signed_algorithm;
  View algorithm;
};

// Nothing where the certificate is not built so.
std::optional<CertificateOutline> outline_of(const Certificate& certificate);

// Is the value of this extension built as RFC 5280 has it? Nothing for kinds that are not looked
// at, and for names and distribution points of a kind that is rare.
std::optional<bool> is_well_formed(const X509Extension& extension);

// Is `purpose` among the extended key usages (RFC 5280, 4.2.1.12)? False for what is none.
bool has_extended_usage(View value, Oid purpose);

}  // namespace assay
