// compare/kernel_pair.h - two kernel images that differ in the certificate of the key that the
// build made to sign its modules with, and perhaps in nothing else.
//
// With CONFIG_MODULE_SIG_KEY at its default a build makes a key, signs the modules with it and
// compiles its certificate into the kernel, as the first of the system certificate list
// (trust/system_certificates.h). Built twice, the compressed payloads of the images then differ
// from there to their end. What the kernels are is told by comparing them decompressed, with that
// certificate masked: its bytes and no others.
//
// GNU ld's build-id is a digest of what was linked, the certificate with it. It differs where the
// certificate does, and cannot be computed again from an image: it is masked, and told.

#pragma once

#include <optional>
#include <string>

#include "bytes/content.h"

namespace assay {

// The certificate of one side's module signing key.
struct BuildKey {
  std::string subject;
  std::string fingerprint;  // its SHA-256
};

struct KernelPair {
  std::string release;  // "6.1.0-56-amd64"; empty where the kernel has no banner
  Extent certificate;   // in the decompressed kernels of both
  BuildKey a, b;
  std::optional<Extent> build_id;  // where that differs
  // Why the kernels are not the same but for these; empty where they are.
  std::string difference;
  // Why the images are not the same around the kernels: the boot loader's headers, the
  // decompressor. Empty where they are.
  std::string around;
  // Modules of each side that its certificate signed, where it signed all, and no other did.
  std::uint64_t modules = 0;
};

// Nothing where one is no kernel image, or holds no list that can be found, or where both were
// built with the same key, or none: then the certificate explains nothing.
std::optional<KernelPair> compare_kernels(const Content& a, const Content& b);

}  // namespace assay
