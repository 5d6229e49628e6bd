#include "cli/trust_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/name.h"
#include "survey/only_image.h"
#include "trust/boot_material.h"

namespace assay {

void TrustArguments::add_to(CLI::App& app) {
  app.add_option("--trust", trust,
                 "what to trust: certificates (PEM, DER), EFI signature lists, a shim, an efivarfs "
                 "folder, or a folder of such; db:PATH, dbx:PATH and the like say what a file is "
                 "(repeatable)")
      ->type_name("PATH")
      ->option_text("PATH")
      ->allow_extra_args(false);
  app.add_option("--kernel", kernel_image,
                 "kernel image whose built-in keys and version are used, or a package or folder "
                 "with one")
      ->type_name("PATH")
      ->option_text("PATH");
  app.add_option("--kernel-version", kernel_version,
                 "version whose rules are applied (6.1, 6.12, 7.2, ...)")
      ->type_name("VERSION")
      ->option_text("VERSION");
}

Result<TrustOptions> TrustArguments::load(const Warn& warn) const {
  TrustOptions options;
  const auto material = std::make_shared<BootMaterial>();
  for (const std::string& path : trust) {
    ASSAY_TRY(BootMaterial loaded, load_boot_material(path, warn));
    for (const Error& stop : loaded.stops) warn(stop);
    for (const UnusedList& list : loaded.unused)
      warn(Error{Reason::unused_list,
                 {},
                 fmt::format("{} of type {} in {}", list.signatures, list.type,
                             database_name(list.database)),
                 list.source});
    material->add(std::move(loaded));
  }
  // What Secure Boot trusts is for images; their modules have the keys that the image brings.
  for (const BootCertificate& one : material->certificates)
    if (one.database == BootDatabase::option) options.certificates.push_back(one.certificate);
  options.has_certificates = !options.certificates.empty();
  if (!trust.empty()) options.material = material;
  if (kernel_version) {
    options.version = find_kernel_version(*kernel_version);
    if (!options.version)
      return fail(Reason::usage, {},
                  "--kernel-version: expected a version such as 6.12, not \"" +
                      encode_name(*kernel_version) + '"');
  }
  if (kernel_image) {
    ASSAY_TRY(options.image, open_only_image(*kernel_image));
    // A kernel without a list has no keys of its own; what any other error hides is not known.
    const auto& error = options.image->error;
    if (error && !(options.has_certificates && error->reason == Reason::trust_not_found))
      return std::unexpected(*error);
  }
  return options;
}

}  // namespace assay
