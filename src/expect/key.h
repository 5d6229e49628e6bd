// expect/key.h - the words of an expectation: groups of artifacts, and what can be said of each.
//
// "modules.count" is the key `count` of the group `modules`. The rows stand in keys.def.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

enum class Group : std::uint8_t {
  modules,
  images,  // kernel images
  pe,      // PE files that are no kernel image: boot loaders
  files,   // any other file with an appended signature
  ima,     // records of IMA and EVM of any file: one a record
};
inline constexpr std::size_t kGroupCount = 5;
std::string_view group_name(Group group);
std::string_view describe_group(Group group);  // "kernel modules"

inline constexpr unsigned kModules = 1, kImages = 2, kPe = 4, kFiles = 8, kIma = 16;
inline constexpr unsigned kFileGroups = kModules | kImages | kPe | kFiles;
inline constexpr unsigned kAnyGroup = kFileGroups | kIma;

enum class KeyType : std::uint8_t { number, names, certificates };

enum class ExpectKey : std::uint8_t {
#define KEY(name, ...) name,
#include "expect/keys.def"
#undef KEY
};

struct KeyRow {
  ExpectKey key;
  std::string_view name;
  KeyType type;
  unsigned groups;
  std::string_view comment;

  bool is_of(Group group) const { return (groups >> static_cast<unsigned>(group) & 1U) != 0; }
};

inline constexpr std::size_t kKeyCount = 0
#define KEY(...) +1
#include "expect/keys.def"
#undef KEY
    ;
const std::array<KeyRow, kKeyCount>& key_rows();
const KeyRow& row_of(ExpectKey key);

// "modules.count"
std::string full_name(Group group, ExpectKey key);

inline constexpr std::array kGroups = {Group::modules, Group::images, Group::pe, Group::files,
                                       Group::ima};

// One T for each key of each group.
template <class T>
class KeyTable {
 public:
  T& at(Group group, ExpectKey key) {
    return values_[static_cast<std::size_t>(group)][static_cast<std::size_t>(key)];
  }
  const T& at(Group group, ExpectKey key) const {
    return values_[static_cast<std::size_t>(group)][static_cast<std::size_t>(key)];
  }

  bool operator==(const KeyTable&) const = default;

 private:
  std::array<std::array<T, kKeyCount>, kGroupCount> values_;
};

}  // namespace assay
