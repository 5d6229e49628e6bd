// platforms/toml_section.h - TOML files that people write: tables whose keys are taken out one by
// one, so that what nobody took is an unknown key.
//
// Errors are bad_value and name the key ("kernel.version: expected a string").

#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay {

// bad_value with the line where the text is no TOML; limit_count for a key of too many parts.
Result<toml::table> parse_toml(std::string_view text);

class TomlSection {
 public:
  // `table` outlives it; none: as one without keys. `name` is empty for the whole file.
  TomlSection(const toml::table* table, std::string name) : table_(table), name_(std::move(name)) {}

  bool exists() const { return table_ != nullptr; }

  const toml::node* take(std::string_view key);

  Result<std::optional<bool>> boolean(std::string_view key);
  Result<std::optional<std::string>> text(std::string_view key);
  Result<std::optional<std::int64_t>> number(std::string_view key);
  // Of a user or a group: 32 bits.
  Result<std::optional<std::uint32_t>> id(std::string_view key);
  // A list of strings; a single one may stand without brackets.
  Result<std::optional<std::vector<std::string>>> texts(std::string_view key);

  std::unexpected<Error> wrong(std::string_view key, std::string_view expected) const;

  // Fails where a key was not taken.
  Result<void> nothing_left() const;

 private:
  template <class T>
  Result<std::optional<T>> value(std::string_view key, std::string_view expected);
  std::string path_of(std::string_view key) const;

  const toml::table* table_;
  std::string name_;
  std::set<std::string, std::less<>> taken_;
};

}  // namespace assay
