// survey/fix.h - the one command that makes the kernel take what it rejects, or what taints it.

#pragma once

#include "survey/doctor.h"

namespace assay {

// What is known when a fix is looked for.
struct FixFacts {
  const Platform& platform;
  const HostLayout& layout;
  // The host's key that made the signature; nothing: none of them, or there is no signature.
  const OwnersKey* signer = nullptr;
  std::string inside;  // the artifact's path from the root folder
};

Fix find_fix(const Diagnosis& diagnosis, const FixFacts& facts);

}  // namespace assay
