#include "guardlist/guard_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "base/name.h"
#include "formats/appended_signature.h"

namespace assay {

namespace {

constexpr std::string_view kHeaderKeys[] = {"name", "version", "serial", "hash", "mode", "classes"};

std::string encode_field(std::string_view raw) {
  if (raw.empty()) return "-";
  if (raw == "-") return "%2D";
  std::string text;
  for (const char c : encode_name(raw)) {
    if (c == ' ')
      text += "%20";
    else
      text += c;
  }
  return text;
}

// Nothing where another spelling stands for the same bytes.
std::optional<std::string> decode_field(std::string_view text) {
  std::string raw = text == "-" ? std::string() : decode_name(text);
  if (encode_field(raw) != text) return std::nullopt;
  return raw;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (std::to_string(value) != text) return std::nullopt;
  return value;
}

// The fields of a line: exactly `count`.
std::optional<std::vector<std::string_view>> split(std::string_view line, std::size_t count) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  if (fields.size() != count) return std::nullopt;
  return fields;
}

class Parser {
 public:
  explicit Parser(View text) : whole_(text), left_(text.text()) {}

  Result<GuardList> parse() {
    ASSAY_CHECK(parse_header());
    while (!left_.empty()) {
      ASSAY_TRY(const std::string_view line, next_line());
      if (list_.rows.size() == kGuardListRows)
        return fail(Reason::limit_count, where_,
                    fmt::format("line {}: the kernel's map has room for {} digests (E2BIG)",
                                number_, kGuardListRows));
      ASSAY_CHECK(parse_row(line));
    }
    return std::move(list_);
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(Reason::bad_value, where_, fmt::format("line {}: {}", number_, what));
  }

  Result<std::string_view> next_line() {
    ++number_;
    const std::size_t end = left_.find('\n');
    const std::uint64_t at = whole_.origin() + whole_.size() - left_.size();
    if (end == std::string_view::npos)
      return fail(Reason::truncated, {at, left_.size()},
                  fmt::format("line {} does not end", number_));
    where_ = {at, end};
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return line;
  }

  Result<void> parse_header() {
    if (!left_.starts_with(kGuardListMagic))
      return fail(Reason::bad_magic, {whole_.origin(), 0}, "no list of the guard");
    ASSAY_TRY(const std::string_view line, next_line());
    const auto fields = split(line, 2 + std::size(kHeaderKeys));
    if (!fields || (*fields)[0] != kGuardListMagic) return wrong("not the fields of a header");
    if ((*fields)[1] != "1")
      return wrong(fmt::format("format {}, expected 1", encode_name((*fields)[1])));
    std::string_view values[std::size(kHeaderKeys)];
    for (std::size_t i = 0; i < std::size(kHeaderKeys); ++i) {
      std::string_view field = (*fields)[i + 2];
      if (!field.starts_with(kHeaderKeys[i]) ||
          field.substr(kHeaderKeys[i].size()).substr(0, 1) != "=")
        return wrong(fmt::format("{}=... is missing at its place", kHeaderKeys[i]));
      values[i] = field.substr(kHeaderKeys[i].size() + 1);
    }
    return take_header(values);
  }

  Result<void> take_header(const std::string_view (&values)[std::size(kHeaderKeys)]) {
    const auto& [name, version, serial, hash, mode, classes] = values;
    if (!is_list_name(name)) return wrong("not a list's name");
    const auto raw_version = decode_field(version);
    if (!raw_version) return wrong("version: another spelling than the one");
    const auto number = parse_number(serial);
    if (!number) return wrong("serial: not a number of 64 bits");
    if (hash != "sha256") return wrong("hash: expected sha256");
    const auto known_mode = find_guard_mode(mode);
    if (!known_mode) return wrong("mode: whole or body");
    const auto mask = parse_read_mask(classes);
    if (!mask) return wrong("classes: not the names of classes in their order");
    list_.name = name;
    list_.version = *raw_version;
    list_.serial = *number;
    list_.mode = *known_mode;
    list_.classes = *mask;
    return {};
  }

  Result<void> parse_row(std::string_view line) {
    const auto fields = split(line, 5);
    if (!fields) return wrong("a row has five fields");
    GuardRow row;
    const auto digest = from_hex((*fields)[0]);
    if (!digest || digest->size() != row.digest.size() || to_hex(*digest) != (*fields)[0])
      return wrong("not 64 lower-case hexadecimal digits");
    std::ranges::copy(*digest, row.digest.begin());
    const auto mask = parse_read_mask((*fields)[1]);
    if (!mask) return wrong("not the names of classes in their order");
    if ((*mask & ~list_.classes) != 0) return wrong("a class that the header has not");
    row.mask = *mask;
    std::string* const parts[] = {&row.origin.package, &row.origin.version, &row.origin.path};
    for (std::size_t i = 0; i < std::size(parts); ++i) {
      auto raw = decode_field((*fields)[i + 2]);
      if (!raw) return wrong("a field with another spelling than the one");
      *parts[i] = std::move(*raw);
    }
    if (!list_.rows.empty() && !(list_.rows.back().digest < row.digest))
      return wrong("rows do not ascend by digest");
    list_.rows.push_back(std::move(row));
    return {};
  }

  View whole_;
  std::string_view left_;
  std::size_t number_ = 0;
  Extent where_;
  GuardList list_;
};

}  // namespace

std::string_view guard_mode_name(GuardMode mode) {
  return mode == GuardMode::body ? "body" : "whole";
}

std::optional<GuardMode> find_guard_mode(std::string_view name) {
  if (name == "body") return GuardMode::body;
  if (name == "whole") return GuardMode::whole;
  return std::nullopt;
}

const GuardRow* GuardList::find(const GuardDigest& digest) const {
  const auto at = std::ranges::lower_bound(rows, digest, {}, &GuardRow::digest);
  return at != rows.end() && at->digest == digest ? &*at : nullptr;
}

void make_canonical(GuardList& list) {
  std::ranges::sort(list.rows, [](const GuardRow& a, const GuardRow& b) {
    return std::tie(a.digest, a.origin) < std::tie(b.digest, b.origin);
  });
  std::vector<GuardRow> rows;
  rows.reserve(list.rows.size());
  for (GuardRow& row : list.rows) {
    if (!rows.empty() && rows.back().digest == row.digest)
      rows.back().mask |= row.mask;
    else
      rows.push_back(std::move(row));
  }
  list.rows = std::move(rows);
}

Result<GuardList> parse_guard_list(View text) {
  if (text.size() > kGuardListSize)
    return fail(Reason::limit_size, text.extent(), fmt::format("at most {} bytes", kGuardListSize));
  return Parser(text).parse();
}

Result<std::string> write_guard_list(const GuardList& list) {
  const auto wrong = [](std::string_view what) {
    return fail(Reason::bad_value, {}, std::string(what));
  };
  if (!is_list_name(list.name)) return wrong("not a list's name");
  if (!is_read_mask(list.classes)) return wrong("a list of no classes");
  if (list.rows.size() > kGuardListRows)
    return fail(Reason::limit_count, {},
                fmt::format("{} digests, and the kernel's map has room for {} (E2BIG)",
                            list.rows.size(), kGuardListRows));
  std::string text =
      fmt::format("{} 1 name={} version={} serial={} hash=sha256 mode={} classes={}\n",
                  kGuardListMagic, list.name, encode_field(list.version), list.serial,
                  guard_mode_name(list.mode), read_mask_text(list.classes));
  const GuardRow* before = nullptr;
  for (const GuardRow& row : list.rows) {
    if (!is_read_mask(row.mask) || (row.mask & ~list.classes) != 0)
      return wrong("a row with a class that the list has not");
    if (before != nullptr && !(before->digest < row.digest)) return wrong("rows are not in order");
    text += fmt::format("{} {} {} {} {}\n", to_hex(row.digest), read_mask_text(row.mask),
                        encode_field(row.origin.package), encode_field(row.origin.version),
                        encode_field(row.origin.path));
    before = &row;
  }
  if (text.size() > kGuardListSize)
    return fail(Reason::limit_size, {},
                fmt::format("{} bytes, at most {}", text.size(), kGuardListSize));
  return text;
}

Result<View> cut_list_signature(View file) {
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(ViewContent(file)));
  if (!trailer.has_marker) return file;
  if (!trailer.splits)
    return fail(Reason::bad_length, trailer.marker_extent(),
                "the appended signature is longer than the file");
  return file.sub(0, trailer.payload_size);
}

}  // namespace assay
