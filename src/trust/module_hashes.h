// trust/module_hashes.h - what a kernel with CONFIG_MODULE_HASHES was built with: the hashes of its
// modules, or the root of a tree over them.
//
// The series was posted in five versions and is not merged; its format is no ABI. Kernels are told
// apart by the version that they carry:
//
//   list-v3    versions 1 to 3: rows of 32 bytes, SHA-256 of each module, in .module_hashes
//   merkle-v4  version 4: levels and root of a Merkle tree (trees/module_proof.h)
//   merkle-v5  version 5: the same tree; other errors

#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "trees/module_proof.h"

namespace assay {

enum class ModuleHashesFormat : std::uint8_t { list_v3, merkle_v4, merkle_v5 };

std::string_view module_hashes_format_name(ModuleHashesFormat format);  // "merkle-v5"
std::optional<ModuleHashesFormat> find_module_hashes_format(std::string_view name);

using FileSha256 = std::array<std::uint8_t, 32>;

// Rows of 32 bytes, as they stand in .module_hashes; nothing where the size is that of no rows.
std::optional<std::vector<FileSha256>> parse_hash_rows(View bytes);

struct ModuleHashes {
  ModuleHashesFormat format = ModuleHashesFormat::merkle_v5;
  // What is not known leaves verdicts open.
  std::optional<ModuleRoot> root;               // of merkle-v4 and merkle-v5
  std::optional<std::vector<FileSha256>> list;  // of list-v3

  bool is_list() const { return format == ModuleHashesFormat::list_v3; }
  friend bool operator==(const ModuleHashes&, const ModuleHashes&) = default;
};

}  // namespace assay
