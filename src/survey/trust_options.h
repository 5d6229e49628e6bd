// survey/trust_options.h - what the user says is trusted, and by whose rules it is looked at.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "signatures/kernel.h"
#include "trust/boot_material.h"

namespace assay {

struct ImageTrust;

struct TrustOptions {
  std::vector<std::shared_ptr<const PreparedCertificate>> certificates;  // --trust
  bool has_certificates = false;
  // All of --trust, with what is for images alone; nothing without the option.
  std::shared_ptr<const BootMaterial> material;
  std::shared_ptr<const ImageTrust> image;  // --kernel
  std::optional<KernelVersion> version;     // --kernel-version
  bool use_host = true;
  // The kernel as its package describes it: built-in keys and configuration, without knowledge of
  // how it is booted. Else it is asked whether a signature is good, and nothing else.
  bool for_package = false;
  std::optional<std::string> cmdline;  // that it is booted with; for_package alone

  bool is_given() const { return has_certificates || image != nullptr; }
};

}  // namespace assay
