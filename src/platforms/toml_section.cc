#include "platforms/toml_section.h"

#include <fmt/format.h>

namespace assay {

Result<toml::table> parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(Reason::bad_value, {},
                fmt::format("line {}: {}", error.source().begin.line, error.description()));
  }
}

const toml::node* TomlSection::take(std::string_view key) {
  taken_.insert(std::string(key));
  return table_ == nullptr ? nullptr : table_->get(key);
}

template <class T>
Result<std::optional<T>> TomlSection::value(std::string_view key, std::string_view expected) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::optional<T>();
  if (const auto found = node->value_exact<T>()) return std::optional<T>(*found);
  return wrong(key, expected);
}

Result<std::optional<bool>> TomlSection::boolean(std::string_view key) {
  return value<bool>(key, "true or false");
}

Result<std::optional<std::string>> TomlSection::text(std::string_view key) {
  return value<std::string>(key, "a string");
}

Result<std::optional<std::int64_t>> TomlSection::number(std::string_view key) {
  return value<std::int64_t>(key, "a number");
}

Result<std::optional<std::vector<std::string>>> TomlSection::texts(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::optional<std::vector<std::string>>();
  if (const auto one = node->value_exact<std::string>())
    return std::optional(std::vector<std::string>{*one});
  const toml::array* list = node->as_array();
  if (list == nullptr) return wrong(key, "a list of strings");
  std::vector<std::string> found;
  for (const toml::node& element : *list) {
    const auto entry = element.value_exact<std::string>();
    if (!entry) return wrong(key, "a list of strings");
    found.push_back(*entry);
  }
  return std::optional(std::move(found));
}

std::unexpected<Error> TomlSection::wrong(std::string_view key, std::string_view expected) const {
  return fail(Reason::bad_value, {}, fmt::format("{}: expected {}", path_of(key), expected));
}

Result<void> TomlSection::nothing_left() const {
  if (table_ == nullptr) return {};
  for (const auto& [key, node] : *table_)
    if (!taken_.contains(std::string(key.str())))
      return fail(Reason::bad_value, {}, fmt::format("unknown key {}", path_of(key.str())));
  return {};
}

std::string TomlSection::path_of(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

}  // namespace assay
