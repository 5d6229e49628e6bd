#include "cli/kernel_hashes_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "platforms/module_hashes_section.h"

namespace assay {

void KernelHashesArguments::add_to(CLI::App& app) {
  const auto text = [&app](const char* option, std::string& value, const char* type,
                           const char* help) {
    app.add_option(option, value, help)->type_name(type)->option_text(type);
  };
  text("--kernel", kernel_, "IMAGE",
       "verify, explain, plan: the kernel image whose root or list counts");
  text("--root", root_, "HEX", "verify, explain, plan: the root that counts, with --levels");
  app.add_option("--levels", levels_, "verify, explain, plan: the levels of that tree")
      ->type_name("N")
      ->option_text("N");
  text("--list", list_, "FILE", "verify, explain, plan: rows of 32 bytes that count");
}

Result<void> KernelHashesArguments::check() const {
  const int given = (kernel_.empty() ? 0 : 1) + (root_.empty() ? 0 : 1) + (list_.empty() ? 0 : 1);
  if (given != 1)
    return fail(Reason::usage, {},
                "one of --kernel IMAGE, --root HEX and --list FILE is to be given");
  if (root_.empty() != !levels_) return fail(Reason::usage, {}, "--root and --levels go together");
  return {};
}

Result<GivenHashes> KernelHashesArguments::load(const std::optional<ModuleRoot>& expected,
                                                ModuleHashesFormat format) const {
  GivenHashes given;
  ModuleHashes& hashes = given.hashes;
  hashes.format = format == ModuleHashesFormat::list_v3 ? ModuleHashesFormat::merkle_v5 : format;
  if (!root_.empty()) {
    const auto hash = parse_module_hash(root_);
    if (!hash || *levels_ > kModuleTreeLevels)
      return fail(Reason::usage, {}, "--root wants 64 hexadecimal digits, --levels at most 32");
    hashes.root = ModuleRoot{*levels_, *hash};
    return given;
  }
  if (!list_.empty()) {
    hashes.format = ModuleHashesFormat::list_v3;
    ASSAY_TRY(hashes.list, read_hash_list(list_));
    return given;
  }
  ASSAY_TRY(const auto found, open_module_hashes(kernel_, expected));
  given.where =
      fmt::format("{}: {} at offset {} of the kernel inside", kernel_,
                  found.by_section ? "section .module_hashes" : "found by value", found.offset);
  hashes.root = found.root;
  if (!found.root) {
    hashes.format = ModuleHashesFormat::list_v3;
    hashes.list = found.list;
  }
  return given;
}

}  // namespace assay
