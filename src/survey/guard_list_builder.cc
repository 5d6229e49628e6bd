#include "survey/guard_list_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/name.h"
#include "edit/module_proofs.h"
#include "edit/record_set.h"
#include "formats/kernel_image.h"
#include "formats/module_name.h"
#include "guardlist/body.h"
#include "platforms/module_hashes_section.h"
#include "sources/container.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

constexpr ReadMask kModuleClasses =
    mask_of(ReadClass::module) | mask_of(ReadClass::module_compressed);

// What became of one file.
struct Listed {
  std::vector<GuardRow> rows;
  std::optional<ReadClass> other;  // a class that was not asked for
  std::optional<Error> error;
  std::optional<HashedModule> placed;  // in modules.order
};

// The last place in `path` where `folder` ("lib/modules/") begins a component.
std::size_t find_folder(std::string_view path, std::string_view folder) {
  for (std::size_t at = path.rfind(folder); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : path.rfind(folder, at - 1))
    if (at == 0 || path[at - 1] == '/') return at;
  return std::string_view::npos;
}

constexpr std::string_view kFolders[] = {"lib/modules/", "lib/firmware/", "boot/"};

bool starts_known_folder(std::string_view path) {
  return std::ranges::any_of(kFolders, [&](std::string_view folder) {
    return find_folder(path, folder) != std::string_view::npos;
  });
}

bool is_firmware(const Found& found) {
  const std::string& path = found.path.empty() ? found.inner_name : found.path;
  return find_folder(path, "lib/firmware/") != std::string_view::npos;
}

class Lister {
 public:
  explicit Lister(const GuardListOptions& options) : options_(options) {}

  // Nothing for what has no class.
  Result<std::optional<Listed>> list(const Found& found) const {
    // A module that is not asked for is not opened.
    const auto name = parse_module_name(found.inner_name);
    if (name && !wants_any(kModuleClasses)) return other(ReadClass::module);
    std::unique_ptr<Content> opened;
    if (!found.content) {
      ASSAY_TRY(opened, open_whole(found.path));
    }
    const Content& content = found.content ? *found.content : *opened;
    if (name) return list_module(found, content, name->codec.has_value());
    const auto read = read_class_of(found, content);
    // What else is damaged is no matter to a list of modules.
    if (!read && !wants_any(kAllReads & ~kModuleClasses)) return std::nullopt;
    if (!read) return std::unexpected(read.error());
    const std::optional<ReadClass>& what = *read;
    if (!what) return std::nullopt;
    if (!wants_any(mask_of(*what))) return other(*what);
    count(content);
    Listed listed;
    ASSAY_TRY(const GuardDigest digest, guard_digest(content, options_.head.mode, *what));
    listed.rows.push_back({digest, mask_of(*what), origin_of(found)});
    return std::optional(std::move(listed));
  }

 private:
  bool wants_any(ReadMask mask) const { return (options_.head.classes & mask) != 0; }

  static std::optional<Listed> other(ReadClass what) {
    Listed listed;
    listed.other = what;
    return listed;
  }

  void count(const Content& content) const {
    if (options_.survey.progress != nullptr) options_.survey.progress->bytes += content.size();
  }

  GuardOrigin origin_of(const Found& found) const {
    GuardOrigin origin;
    if (options_.packages) origin = guard_origin_package(found.container);
    // A folder may lie in lib/modules itself; else its files have their names within it.
    const bool is_named = found.inner_name == found.path;
    const bool has_folder = !found.path.empty() && starts_known_folder(found.path);
    origin.path = has_folder ? guard_origin_path(found.path, true)
                             : guard_origin_path(found.inner_name, is_named);
    return origin;
  }

  Result<std::optional<Listed>> list_module(const Found& found, const Content& stored,
                                            bool is_compressed) const {
    Listed listed;
    std::optional<std::uint32_t> position;
    if (options_.order) {
      position = options_.order->find(found.inner_name);
      if (!position) return std::nullopt;
    }
    count(stored);
    ASSAY_TRY(const auto plain, decompress_module(stored, found.inner_name));
    const Content& module = plain ? *plain : stored;
    ASSAY_TRY(const GuardDigest digest,
              guard_digest(module, options_.head.mode, ReadClass::module));
    const GuardOrigin origin = origin_of(found);
    listed.rows.push_back({digest, mask_of(ReadClass::module), origin});
    if (is_compressed && options_.compressed) {
      for (const ReadClass what : {ReadClass::module, ReadClass::module_compressed}) {
        if (!wants_any(mask_of(what))) continue;
        ASSAY_TRY(const GuardDigest as_stored, guard_digest(stored, options_.head.mode, what));
        listed.rows.push_back({as_stored, mask_of(what), origin});
      }
    }
    if (position) {
      listed.placed.emplace();
      listed.placed->name = found.name;
      listed.placed->position = position;
      if (options_.root) {
        ASSAY_TRY(const std::uint64_t end, end_of_hashed(module, false));
        ASSAY_TRY(listed.placed->leaf, module_leaf(*position, module, end));
      }
    }
    return std::optional(std::move(listed));
  }

  const GuardListOptions& options_;
};

// All modules of the order are there, and lead to the root.
std::optional<Error> check_order(const GuardListOptions& options,
                                 const std::vector<HashedModule>& modules) {
  const auto tree = tree_over(*options.order, modules);
  if (!tree) return tree.error();
  if (!options.root || (ModuleRoot{tree->levels(), tree->root()} == *options.root))
    return std::nullopt;
  return Error{Reason::bad_value,
               {},
               fmt::format("these modules lead to root {} ({} levels), not to {} ({} levels): a "
                           "kernel with that root was built with others",
                           tree->root().hex(), tree->levels(), options.root->hash.hex(),
                           options.root->levels)};
}

}  // namespace

Result<std::optional<ReadClass>> read_class_of(const Found& found, const Content& stored) {
  if (parse_module_name(found.inner_name)) return ReadClass::module;
  if (is_firmware(found)) return ReadClass::firmware;
  ASSAY_TRY(const auto container, detect_container(stored, found.inner_name));
  if (container)
    return container->kind == ContainerKind::initramfs ? std::optional(ReadClass::kexec_initramfs)
                                                       : std::nullopt;
  const auto image = find_kernel_image(stored);
  if (!image) return std::unexpected(image.error());
  return *image ? std::optional(ReadClass::kexec_image) : std::nullopt;
}

std::string guard_origin_path(std::string_view path, bool is_named) {
  for (const std::string_view folder : kFolders)
    if (const std::size_t at = find_folder(path, folder); at != std::string_view::npos)
      return std::string(path.substr(at));
  if (is_named) return std::string(path.substr(path.rfind('/') + 1));
  while (path.starts_with("./")) path.remove_prefix(2);
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path);
}

GuardOrigin guard_origin_package(std::string_view container) {
  while (!container.empty()) {
    const std::size_t bang = container.rfind('!');
    std::string name =
        decode_name(bang == std::string_view::npos ? container : container.substr(bang + 1));
    container = container.substr(0, bang == std::string_view::npos ? 0 : bang);
    name = name.substr(name.rfind('/') + 1);
    const bool is_deb = name.ends_with(".deb");
    if (!is_deb && !name.ends_with(".rpm")) continue;
    name.resize(name.size() - 4);
    // NAME_VERSION_ARCH, where apt writes the colon of an epoch as %3a; NAME-VERSION-RELEASE.ARCH.
    if (is_deb) {
      const std::size_t first = name.find('_');
      if (first == std::string::npos) return {decode_name(name), {}, {}};
      const std::string version = name.substr(first + 1);
      return {decode_name(name.substr(0, first)),
              decode_name(version.substr(0, version.find('_'))),
              {}};
    }
    name.resize(std::min(name.rfind('.'), name.size()));
    const std::size_t release = name.rfind('-');
    const std::size_t at =
        release == std::string::npos || release == 0 ? release : name.rfind('-', release - 1);
    if (at == std::string::npos) return {name, {}, {}};
    return {name.substr(0, at), name.substr(at + 1), {}};
  }
  return {};
}

BuiltGuardList build_guard_list(const GuardListOptions& options) {
  BuiltGuardList built;
  built.list = options.head;
  built.list.rows.clear();
  std::vector<HashedModule> placed;
  Run<Listed> run(options.survey, [&](const Listed& listed) {
    if (listed.error) {
      built.errors.push_back(*listed.error);
      return;
    }
    if (listed.other) {
      ++built.other[*listed.other];
      return;
    }
    ++built.files;
    for (const GuardRow& row : listed.rows) built.list.rows.push_back(row);
    if (listed.placed) placed.push_back(*listed.placed);
  });
  const Lister lister(options);
  const auto fail_with = [](const Error& error) {
    Listed listed;
    listed.error = error;
    return listed;
  };
  built.surveyed = run.go(
      [&](const Found& found, std::uint64_t ticket) {
        auto listed = lister.list(found);
        if (!listed)
          return run.reports().fill(
              ticket, std::optional(fail_with(with_path(listed.error(), found.name))));
        run.reports().fill(ticket, std::move(*listed));
      },
      fail_with, [] {});
  if (options.order && built.errors.empty())
    if (const auto error = check_order(options, placed)) built.errors.push_back(*error);
  make_canonical(built.list);
  return built;
}

Result<std::vector<GuardRow>> rows_of_hash_list(const std::string& path) {
  ASSAY_TRY(const std::vector<FileSha256> hashes, read_hash_list(path));
  std::vector<GuardRow> rows;
  for (const FileSha256& hash : hashes) rows.push_back({hash, mask_of(ReadClass::module), {}});
  return rows;
}

Result<std::vector<GuardRow>> rows_of_records(const std::string& path) {
  ASSAY_TRY(const RecordSet set, RecordSet::load(path));
  std::vector<GuardRow> rows;
  for (const EditRecord& record : set.records()) {
    const std::string name = decode_name(record.name);
    const bool is_appended =
        record.parts.size() == 1 && record.parts.front().carrier == RecordPart::Carrier::appended;
    if (!is_appended || !parse_module_name(name)) continue;
    rows.push_back({record.before.sha256,
                    mask_of(ReadClass::module),
                    {{}, {}, guard_origin_path(name, false)}});
  }
  return rows;
}

}  // namespace assay
