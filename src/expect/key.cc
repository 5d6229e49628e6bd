#include "expect/key.h"

#include <fmt/format.h>

#include <utility>

namespace assay {

namespace {

// The name of a value that C++ keeps for itself ends in an underscore.
constexpr std::string_view plain_name(std::string_view name) {
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

constexpr std::array<KeyRow, kKeyCount> kRows = {{
#define KEY(name, type, groups, comment) \
  {ExpectKey::name, plain_name(#name), KeyType::type, groups, comment},
#include "expect/keys.def"
#undef KEY
}};

}  // namespace

std::string_view group_name(Group group) {
  switch (group) {
    case Group::modules: return "modules";
    case Group::images: return "images";
    case Group::pe: return "pe";
    case Group::files: return "files";
    case Group::ima: return "ima";
  }
  std::unreachable();
}

std::string_view describe_group(Group group) {
  switch (group) {
    case Group::modules: return "kernel modules";
    case Group::images: return "kernel images";
    case Group::pe: return "PE files that are no kernel image: boot loaders, firmware programs";
    case Group::files: return "other files with an appended signature";
    case Group::ima: return "records of IMA and EVM: extended attributes, and files beside files";
  }
  std::unreachable();
}

const std::array<KeyRow, kKeyCount>& key_rows() { return kRows; }

const KeyRow& row_of(ExpectKey key) { return kRows[static_cast<std::size_t>(key)]; }

std::string full_name(Group group, ExpectKey key) {
  return fmt::format("{}.{}", group_name(group), row_of(key).name);
}

}  // namespace assay
