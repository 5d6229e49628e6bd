#include "platforms/toml_section.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace assay {

namespace {

// Tables within tables are walked by recursion when they are freed. Brackets have a limit of
// toml++; dotted keys have not. Far more than any file has.
constexpr std::size_t kKeyParts = 256;

// The end of the string that begins at `at`, with one quote or three; the end of the text where it
// has none.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view three = text.substr(at, 3);
  const bool is_long = three.size() == 3 && three[1] == quote && three[2] == quote;
  const std::string_view close = is_long ? three : text.substr(at, 1);
  for (std::size_t i = at + close.size(); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text.substr(i).starts_with(close)) {
      return i + close.size();
    } else if (!is_long && text[i] == '\n') {
      return i;
    }
  }
  return text.size();
}

// Has some key more parts than the limit? In values dots are few between other signs.
bool has_long_key(std::string_view text) {
  std::size_t dots = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      i = end_of_string(text, i);
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '.' && ++dots >= kKeyParts) return true;
    if (std::string_view("=[]{},\n").contains(c)) dots = 0;
    ++i;
  }
  return false;
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text) {
  if (has_long_key(text))
    return fail(Reason::limit_count, {}, fmt::format("a key of more than {} parts", kKeyParts));
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(
        Reason::bad_value, {},
        fmt::format("line {}: {}", error.source().begin.line, encode_name(error.description())));
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

Result<std::optional<std::uint32_t>> TomlSection::id(std::string_view key) {
  ASSAY_TRY(const auto found, number(key));
  if (!found) return std::optional<std::uint32_t>();
  if (*found < 0 || *found > UINT32_MAX) return wrong(key, "0 to 4294967295");
  return std::optional(static_cast<std::uint32_t>(*found));
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
      return fail(Reason::bad_value, {},
                  fmt::format("unknown key {}", path_of(encode_name(key.str()))));
  return {};
}

std::string TomlSection::path_of(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

}  // namespace assay
