// judge/grub_appended.h - GRUB's verifier of appended signatures, which starts kernels on powerpc.
//
// The trailer is that of modules (formats/appended_signature.h), the rest is not as in Linux: of
// the block only id_type and sig_len are read, certificates in the message are passed over, signed
// attributes too, and every signer is tried with every key of db (built into GRUB, or from the
// platform's keystore), as RSA over the file itself.
//
// GRUB reads DER with libtasn1. What is not DER, or what the kernel's reader of messages does not
// come to the end of, is not known here. dbx counts only where keys are managed by the platform:
// where it would decide, that is not known either.

#pragma once

#include "judge/appended.h"
#include "judge/pe_boot.h"

namespace assay {

namespace rules::grub_appended {
#define BOOT_RULE(name, ...) inline constexpr BootRule name{__VA_ARGS__};
#include "judge/grub_appended.def"
#undef BOOT_RULE
}  // namespace rules::grub_appended

// Certificates of the user and of db count.
BootVerdict judge_grub_appended(const AppendedEvidence& evidence, const BootMaterial& material);

// Does GRUB take it into its db? It wants version 3, an RSA key, the key usage digitalSignature, no
// CA, where there are extended key usages among them codeSigning, and no other critical extension.
// `why` says what is missing.
bool is_grub_certificate(const Certificate& certificate, std::string& why);

}  // namespace assay
