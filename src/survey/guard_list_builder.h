// survey/guard_list_builder.h - a list of the guard (guardlist/guard_list.h) of what lies under
// paths: modules, kernel images, initrds, firmware.
//
//   class            which files                              what is hashed
//   module           named as modules are                     decompressed, by the list's mode
//   module           those that are compressed, where asked   as stored, too: 6.1 hands the
//   module-compressed                                         compressed bytes to the hooks, 7.2
//   both firmware         in a folder lib/firmware                 as stored kexec-image kernel
//   images, by content                as stored kexec-initramfs  initramfs archives, by content as
//   stored
//
// What cannot be read is an error, and there is no list then: one that lacks a row refuses what it
// should not.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guardlist/guard_list.h"
#include "survey/module_set.h"

namespace assay {

struct GuardListOptions {
  SurveyOptions survey;
  GuardList head;           // all but the rows; `classes` are those that are looked for
  bool compressed = false;  // rows for compressed modules as stored, too
  bool packages = true;     // origins name packages, as their files are named
  // Of modules those alone that it lists, and all of them.
  std::optional<ModuleOrder> order;
  // The tree over them, in their order, ends in this root; requires `order`.
  std::optional<ModuleRoot> root;
};

struct BuiltGuardList {
  GuardList list;
  std::vector<Error> errors;                 // none: the list is whole
  std::uint64_t files = 0;                   // that rows were made of
  std::map<ReadClass, std::uint64_t> other;  // files of classes that were not asked for
  Surveyed surveyed;
};
BuiltGuardList build_guard_list(const GuardListOptions& options);

// What the kernel would read a file as, by its name and its content. Nothing: no class is for it.
Result<std::optional<ReadClass>> read_class_of(const Found& found, const Content& stored);

// Rows for modules that are not there: of a list as kernels with CONFIG_MODULE_HASHES of versions 1
// to 3 have it; of the records of signatures that were put in or taken out, whose unsigned side
// they name (none for a record of anything but one appended signature).
Result<std::vector<GuardRow>> rows_of_hash_list(const std::string& path);
Result<std::vector<GuardRow>> rows_of_records(const std::string& path);

// "lib/modules/6.1.0/kernel/fs/ext4/ext4.ko" of any path that leads there: from the last folder on
// that is lib/modules, lib/firmware or boot; else the path, of a file that was named its last part.
std::string guard_origin_path(std::string_view path, bool is_named);
// Name and version in the name of the innermost package among the containers of a printed name.
GuardOrigin guard_origin_package(std::string_view container);

}  // namespace assay
