#include "compare/build_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/module_name.h"
#include "survey/modules_folder.h"

namespace assay {

namespace {

bool belongs_to(const std::string& path, const KernelPair& kernel) {
  const auto folder = find_modules_folder("", path);
  return !folder || kernel.release.empty() || folder->release == kernel.release;
}

bool is_signed_with(const std::vector<RecordVerdict>& records, const BuildKey& key) {
  return records.size() == 1 && records[0].is_verified && records[0].uncovered.empty() &&
         !key.fingerprint.empty() && records[0].fingerprint == key.fingerprint;
}

// Whether it is signed; nothing where that cannot be read.
std::optional<bool> is_signed(const SideFile& file, const Shelf& shelf) {
  if (file.forms) return *file.forms ? std::optional(!(*file.forms)->parts.empty()) : std::nullopt;
  const auto content = reopen(file, shelf);
  if (!content || !*content) return std::nullopt;
  const auto opened = open_form(*content, file.stored, file.names.inner_name);
  return opened ? std::optional(!opened->form.parts.empty()) : std::nullopt;
}

// Counts the modules that the certificates signed. Returns what contradicts that they signed all.
std::string check_modules(KernelPair& kernel, const std::vector<Difference>& differences,
                          const std::vector<const SideFile*>& same, const Shelf& shelf) {
  for (const Difference& module : differences) {
    const std::string name = module.path.substr(module.path.rfind('/') + 1);
    if (!parse_module_name(name) || !belongs_to(module.path, kernel)) continue;
    for (const auto& [records, key, side] : {std::tuple(&module.records_a, &kernel.a, "A"),
                                             std::tuple(&module.records_b, &kernel.b, "B")})
      if (!is_signed_with(*records, *key))
        return fmt::format("{} of {} is not shown to be signed with it alone", module.path, side);
    ++kernel.modules;
  }
  for (const SideFile* module : same) {
    if (!belongs_to(module->key, kernel)) continue;
    const auto found = is_signed(*module, shelf);
    if (!found) return fmt::format("{} cannot be read again", module->key);
    if (*found) return fmt::format("{} is signed with the same key in A and B", module->key);
  }
  return kernel.modules == 0 ? "no module is there that it signed" : "";
}

void call_different(Difference& difference, std::string reason) {
  difference.verdict = Sameness::different;
  difference.reason = std::move(reason);
}

void settle(Difference& image, const std::vector<Difference>& differences,
            const std::vector<const SideFile*>& same, const Shelf& shelf) {
  KernelPair& kernel = *image.kernel;
  if (!kernel.difference.empty())
    return call_different(image, "the content differs: " + kernel.difference);
  const std::string build_id =
      kernel.build_id ? ", and the build-id that follows from it" : std::string();
  image.wrapping.insert(
      image.wrapping.begin(),
      fmt::format("decompressed, the kernels differ only in the certificate of the build's module "
                  "signing key{}; removing signatures alone will not reproduce this kernel",
                  build_id));
  if (image.verdict == Sameness::different) return;  // a record of the image itself
  const std::string problem = check_modules(kernel, differences, same, shelf);
  if (!problem.empty()) {
    kernel.modules = 0;
    return call_different(image, "whose key that is cannot be said: " + problem);
  }
  if (!kernel.around.empty()) call_different(image, kernel.around);
}

}  // namespace

void settle_build_keys(std::vector<Difference>& differences,
                       const std::vector<const SideFile*>& same, const Shelf& shelf) {
  for (Difference& difference : differences)
    if (difference.kernel) settle(difference, differences, same, shelf);
}

}  // namespace assay
