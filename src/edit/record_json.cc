// The JSON of records (docs/formats/record.md): written by hand through one library, read strictly.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "edit/record.h"
#include "edit/record_check.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::uint8_t>;

constexpr Codec kCodecs[] = {Codec::gzip, Codec::xz, Codec::zstd};
constexpr RecordPart::Carrier kCarriers[] = {RecordPart::Carrier::appended, RecordPart::Carrier::pe,
                                             RecordPart::Carrier::xattr};

Json json_of(const ContentId& id) { return {{"size", id.size}, {"sha256", to_hex(id.sha256)}}; }

Json json_of(const EncoderParameters& parameters) {
  Json json{{"level", parameters.level}};
  switch (parameters.codec) {
    case Codec::xz:
      json["check"] = parameters.check;
      json["dictionary"] = parameters.dictionary;
      json["threaded"] = parameters.threaded;
      break;
    case Codec::gzip:
      json["memory_level"] = parameters.memory_level;
      json["header"] = to_hex(parameters.header);
      break;
    default:
      json["threaded"] = parameters.threaded;
      json["checksum"] = parameters.checksum;
      json["content_size"] = parameters.content_size;
  }
  return json;
}

Json json_of(const StoredForm& form) {
  Json json = json_of(form.id);
  if (form.parameters)
    json["parameters"] = json_of(*form.parameters);
  else
    json["stream"] = to_hex(form.stream);
  return json;
}

Json json_of(const std::optional<Bytes>& value) { return value ? Json(to_hex(*value)) : Json(); }

Json json_of(const RecordPart& part) {
  Json json{{"carrier", carrier_name(part.carrier)}};
  if (part.carrier == RecordPart::Carrier::xattr) {
    json["attribute"] = part.attribute;
    json["before"] = json_of(part.before);
    json["after"] = json_of(part.after);
    return json;
  }
  json["splices"] = Json::array();
  for (const Splice& splice : part.splices)
    json["splices"].push_back({{"offset", splice.offset},
                               {"before", to_hex(splice.before)},
                               {"after", to_hex(splice.after)}});
  return json;
}

// Reading: a Fields takes the keys of one object, each by its type, and in the end there must be
// none left. What is wrong is noted once, and everything after it reads as empty.
class Fields {
 public:
  Fields(const Json& json, std::string& wrong) : json_(json), wrong_(wrong) {
    if (!json.is_object()) note("not an object");
  }
  ~Fields() {
    if (wrong_.empty() && json_.size() != taken_) note("an unknown key");
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  const Json& take(const char* key) {
    static const Json kNothing;
    if (!has(key)) {
      note(fmt::format("{} is missing", key));
      return kNothing;
    }
    ++taken_;
    return json_[key];
  }
  std::string text(const char* key) {
    const Json& value = take(key);
    if (value.is_string()) return value.get<std::string>();
    note(fmt::format("{} is no text", key));
    return {};
  }
  bool truth(const char* key) {
    const Json& value = take(key);
    if (value.is_boolean()) return value.get<bool>();
    note(fmt::format("{} is neither true nor false", key));
    return false;
  }
  std::uint64_t number(const char* key, std::uint64_t most) {
    const Json& value = take(key);
    if (value.is_number_unsigned() && value.get<std::uint64_t>() <= most)
      return value.get<std::uint64_t>();
    note(fmt::format("{} is not a number up to {}", key, most));
    return 0;
  }
  Bytes hex(const char* key) {
    const std::string digits = text(key);
    auto bytes = from_hex(digits);
    // One spelling, so that equal records are equal text.
    if (!bytes || to_hex(*bytes) != digits) note(fmt::format("{} is not hexadecimal", key));
    return bytes.value_or(Bytes());
  }
  std::optional<Bytes> optional_hex(const char* key) {
    if (has(key) && json_[key].is_null()) {
      ++taken_;
      return std::nullopt;
    }
    return hex(key);
  }
  const Json& list(const char* key) {
    static const Json kEmpty = Json::array();
    const Json& value = take(key);
    if (value.is_array()) return value;
    note(fmt::format("{} is no list", key));
    return kEmpty;
  }
  template <class T>
  T one_of(const char* key, std::span<const T> values, auto name) {
    const std::string word = text(key);
    for (const T value : values)
      if (word == name(value)) return value;
    note(fmt::format("{} is not known", key));
    return values.front();
  }
  void note(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  std::string& wrong() { return wrong_; }

 private:
  const Json& json_;
  std::string& wrong_;
  std::size_t taken_ = 0;
};

constexpr std::uint64_t kLargestFile = INT64_MAX;

ContentId id_of(Fields& fields) {
  ContentId id{fields.number("size", kLargestFile), {}};
  const Bytes digest = fields.hex("sha256");
  if (digest.size() == id.sha256.size())
    std::ranges::copy(digest, id.sha256.begin());
  else
    fields.note("sha256 has not 32 bytes");
  return id;
}

ContentId id_of(const Json& json, std::string& wrong) {
  Fields fields(json, wrong);
  return id_of(fields);
}

EncoderParameters parameters_of(const Json& json, Codec codec, std::string& wrong) {
  Fields fields(json, wrong);
  EncoderParameters parameters;
  parameters.codec = codec;
  parameters.level = static_cast<int>(fields.number("level", 31));
  switch (codec) {
    case Codec::xz:
      parameters.check = static_cast<std::uint8_t>(fields.number("check", 15));
      parameters.dictionary = static_cast<std::uint32_t>(fields.number("dictionary", UINT32_MAX));
      parameters.threaded = fields.truth("threaded");
      break;
    case Codec::gzip:
      parameters.memory_level = static_cast<int>(fields.number("memory_level", 9));
      parameters.header = fields.hex("header");
      break;
    default:
      parameters.threaded = fields.truth("threaded");
      parameters.checksum = fields.truth("checksum");
      parameters.content_size = fields.truth("content_size");
  }
  if (wrong.empty() && !check_parameters(parameters))
    fields.note(fmt::format("no parameters of {}", codec_name(codec)));
  return parameters;
}

StoredForm form_of(const Json& json, Codec codec, std::string& wrong) {
  Fields fields(json, wrong);
  StoredForm form{id_of(fields), {}, {}};
  if (fields.has("parameters"))
    form.parameters = parameters_of(fields.take("parameters"), codec, wrong);
  else
    form.stream = fields.hex("stream");
  return form;
}

RecordPart part_of(const Json& json, std::string& wrong) {
  Fields fields(json, wrong);
  RecordPart part;
  part.carrier = fields.one_of<RecordPart::Carrier>("carrier", kCarriers, carrier_name);
  if (part.carrier == RecordPart::Carrier::xattr) {
    // Nobody's record is to set other attributes than those that are excised.
    constexpr std::string_view kAttributes[] = {"security.ima", "security.evm"};
    part.attribute = fields.one_of<std::string_view>("attribute", kAttributes, std::identity());
    part.before = fields.optional_hex("before");
    part.after = fields.optional_hex("after");
    return part;
  }
  for (const Json& item : fields.list("splices")) {
    Fields splice(item, wrong);
    part.splices.push_back(
        {splice.number("offset", kLargestFile), splice.hex("before"), splice.hex("after")});
  }
  return part;
}

EditRecord record_of(const Json& json, std::string& wrong) {
  Fields fields(json, wrong);
  EditRecord record;
  if (fields.text("schema") != kRecordSchema)
    fields.note(fmt::format("the schema is not {}", kRecordSchema));
  record.name = fields.text("name");
  record.before = id_of(fields.take("before"), wrong);
  record.after = id_of(fields.take("after"), wrong);
  for (const Json& part : fields.list("parts")) record.parts.push_back(part_of(part, wrong));
  if (!fields.has("compression")) return record;
  Fields compression(fields.take("compression"), wrong);
  const Codec codec = compression.one_of<Codec>("codec", kCodecs, codec_name);
  record.compression = Compression{codec, form_of(compression.take("before"), codec, wrong),
                                   form_of(compression.take("after"), codec, wrong)};
  return record;
}

// What nlohmann-json parses takes memory for each level, however little stands in it.
bool is_nested_too_deeply(std::string_view text) {
  constexpr int kDeepest = 8;  // a record has five
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      if (++depth > kDeepest) return true;
    } else if (!in_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string write_record(const EditRecord& record) {
  Json json{{"schema", kRecordSchema},
            {"name", record.name},
            {"before", json_of(record.before)},
            {"after", json_of(record.after)},
            {"parts", Json::array()}};
  for (const RecordPart& part : record.parts) json["parts"].push_back(json_of(part));
  if (record.compression)
    json["compression"] = {{"codec", codec_name(record.compression->codec)},
                           {"before", json_of(record.compression->before)},
                           {"after", json_of(record.compression->after)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<EditRecord> parse_record(std::string_view line) {
  if (is_nested_too_deeply(line)) return fail(Reason::bad_record, {}, "nested too deeply");
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return fail(Reason::bad_record, {}, "not JSON");
  std::string wrong;
  EditRecord record = record_of(json, wrong);
  if (!wrong.empty()) return fail(Reason::bad_record, {}, std::move(wrong));
  ASSAY_CHECK(check_record(record));
  return record;
}

}  // namespace assay
