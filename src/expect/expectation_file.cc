#include "expect/expectation_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "base/limits.h"
#include "base/name.h"
#include "bytes/whole_file.h"
#include "crypto/hash.h"
#include "platforms/toml_section.h"

namespace assay {

namespace {

// Those that `status` may hold: without those that make every run fail, and without what is no
// knowledge.
constexpr std::array kExpectable = {Standing::verified, Standing::untrusted, Standing::unchecked};

std::optional<std::uint64_t> number_of(const toml::node& node) {
  const auto number = node.value_exact<std::int64_t>();
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

// A table of which only these keys may be there.
bool has_only(const toml::table& table, std::initializer_list<std::string_view> keys) {
  return !table.empty() && std::ranges::all_of(table, [&](const auto& entry) {
    return std::ranges::find(keys, std::string_view(entry.first.str())) != keys.end();
  });
}

std::optional<Wanted> parse_number(const toml::node& node) {
  Wanted wanted;
  if (const auto number = number_of(node)) {
    wanted.least = wanted.most = *number;
    return wanted;
  }
  const toml::table* range = node.as_table();
  if (range == nullptr || !has_only(*range, {"min", "max"})) return std::nullopt;
  const auto least = range->contains("min") ? number_of(*range->get("min")) : 0;
  const auto most = range->contains("max") ? number_of(*range->get("max")) : UINT64_MAX;
  if (!least || !most || *least > *most) return std::nullopt;
  wanted.least = *least;
  wanted.most = *most;
  return wanted;
}

std::optional<Value> parse_value(const toml::node& node, KeyType type) {
  if (const auto name = node.value_exact<std::string>()) return Value{*name, {}};
  const toml::table* table = node.as_table();
  if (type != KeyType::certificates || table == nullptr ||
      !has_only(*table, {"subject", "fingerprint"}) || !table->contains("subject"))
    return std::nullopt;
  Value value;
  const auto subject = table->get("subject")->value_exact<std::string>();
  if (!subject) return std::nullopt;
  value.name = *subject;
  if (!table->contains("fingerprint")) return value;
  const auto print = table->get("fingerprint")->value_exact<std::string>();
  if (!print) return std::nullopt;
  const auto bytes = from_hex(*print);
  if (!bytes || bytes->size() != digest_size(Hash::sha256)) return std::nullopt;
  value.fingerprint = to_hex(*bytes);
  return value;
}

std::optional<Wanted> parse_values(const toml::node& node, KeyType type) {
  Wanted wanted;
  const toml::array* list = node.as_array();
  if (const toml::table* table = node.as_table(); table != nullptr && has_only(*table, {"among"})) {
    wanted.among = true;
    list = table->get("among")->as_array();
  }
  if (list == nullptr) return std::nullopt;
  for (const toml::node& element : *list) {
    auto value = parse_value(element, type);
    if (!value) return std::nullopt;
    wanted.values.push_back(*std::move(value));
  }
  std::ranges::sort(wanted.values);
  // Of certificates two entries are two; a name occurs or not.
  if (type == KeyType::names)
    wanted.values.erase(std::ranges::unique(wanted.values).begin(), wanted.values.end());
  return wanted;
}

Result<void> check_status(const Wanted& wanted, const TomlSection& section) {
  for (const Value& value : wanted.values)
    if (std::ranges::none_of(
            kExpectable, [&](Standing standing) { return value.name == standing_name(standing); }))
      return section.wrong("status", "verified, untrusted or unchecked");
  return {};
}

Result<void> read_group(TomlSection& section, Group group, Expectation& expectation) {
  for (const KeyRow& row : key_rows()) {
    if (!row.is_of(group)) continue;
    const toml::node* node = section.take(row.name);
    if (node == nullptr) continue;
    auto& wanted = expectation.at(group, row.key);
    if (row.type == KeyType::number) {
      wanted = parse_number(*node);
      if (!wanted)
        return section.wrong(row.name,
                             "a number, or { min = NUMBER, max = NUMBER } with min <= max");
    } else {
      wanted = parse_values(*node, row.type);
      if (!wanted)
        return section.wrong(row.name, row.type == KeyType::names
                                           ? "a list of strings, or { among = LIST }"
                                           : "a list of { subject = STRING, fingerprint = SHA-256 "
                                             "}, or { among = LIST }");
    }
    if (row.key == ExpectKey::status) ASSAY_CHECK(check_status(*wanted, section));
  }
  return section.nothing_left();
}

// A string of TOML with its quotes.
std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\')
      quoted += fmt::format("\\{}", c);
    else if (byte < 0x20 || byte == 0x7F)
      quoted += fmt::format("\\u{:04X}", byte);
    else
      quoted += c;
  }
  return quoted + '"';
}

// What stands behind a '#'.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

std::string write_value(const Value& value, KeyType type) {
  if (type == KeyType::names) return quote(value.name);
  if (value.fingerprint.empty()) return fmt::format("{{ subject = {} }}", quote(value.name));
  return fmt::format("{{ subject = {}, fingerprint = \"{}\" }}", quote(value.name),
                     value.fingerprint);
}

std::string write_values(const Wanted& wanted, KeyType type) {
  std::string text;
  for (const Value& value : wanted.values) {
    const std::string one = write_value(value, type);
    text += type == KeyType::names ? fmt::format("{}{}", text.empty() ? "" : ", ", one)
                                   : fmt::format("\n  {},", one);
  }
  if (type != KeyType::names && !text.empty()) text += '\n';
  return wanted.among ? fmt::format("{{ among = [{}] }}", text) : fmt::format("[{}]", text);
}

std::string write_number(const Wanted& wanted) {
  if (wanted.least == wanted.most) return fmt::format("{}", wanted.least);
  if (wanted.most == UINT64_MAX) return fmt::format("{{ min = {} }}", wanted.least);
  return fmt::format("{{ min = {}, max = {} }}", wanted.least, wanted.most);
}

constexpr std::string_view kHead =
    R"(# What `assay verify --expect FILE PATH...` compares artifacts with. Each key that is not as it
# says here is a drift. Change what may differ; delete what does not matter: a key that is not here
# is not compared. A number may be a range, { min = 1, max = 9 }. A list is of all that occur; in
# { among = [...] } stands what may occur.
schema = 1
)";

}  // namespace

Result<Expectation> parse_expectation(std::string_view text) {
  ASSAY_TRY(const toml::table table, parse_toml(text));
  TomlSection top(&table, "");
  ASSAY_TRY(const auto schema, top.number("schema"));
  if (schema != 1) return top.wrong("schema", "1");
  Expectation expectation;
  for (const Group group : kGroups) {
    const toml::node* node = top.take(group_name(group));
    if (node == nullptr) continue;
    if (!node->is_table()) return top.wrong(group_name(group), "a table");
    TomlSection section(node->as_table(), std::string(group_name(group)));
    ASSAY_CHECK(read_group(section, group, expectation));
  }
  ASSAY_CHECK(top.nothing_left());
  return expectation;
}

Result<Expectation> load_expectation(const std::string& path) {
  ASSAY_TRY(const auto bytes, read_whole_file(path, limits::kConfig));
  auto expectation = parse_expectation(std::string(bytes.begin(), bytes.end()));
  if (!expectation) return std::unexpected(with_path(expectation.error(), encode_name(path)));
  return expectation;
}

std::string write_expectation(const Expectation& expectation, const Inventory* inventory) {
  std::string text(kHead);
  for (const Group group : kGroups) {
    std::string keys;
    for (const KeyRow& row : key_rows()) {
      if (!row.is_of(group)) continue;
      const auto& wanted = expectation.at(group, row.key);
      if (wanted)
        keys += fmt::format(
            "# {}\n{} = {}\n", row.comment, row.name,
            row.type == KeyType::number ? write_number(*wanted) : write_values(*wanted, row.type));
      else if (inventory != nullptr && !inventory->at(group, row.key).unknown.empty())
        keys += fmt::format("# {}\n# {} could not be found out: {}\n", row.comment, row.name,
                            one_line(inventory->at(group, row.key).unknown));
    }
    if (!keys.empty())
      text += fmt::format("\n# {}\n[{}]\n{}", describe_group(group), group_name(group), keys);
  }
  return text;
}

}  // namespace assay
