#include "edit/record.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "edit/apply_record.h"
#include "edit/signature_place.h"
#include "edit/test_artifacts.h"

namespace assay {
namespace {

using namespace test;
using Bytes = std::vector<std::uint8_t>;

ContentId any_id() {
  ContentId id{*rc::gen::inRange<std::uint64_t>(0, 1ULL << 62), {}};
  for (std::uint8_t& byte : id.sha256) byte = *rc::gen::arbitrary<std::uint8_t>();
  return id;
}

EncoderParameters any_parameters(Codec codec) {
  EncoderParameters parameters;
  parameters.codec = codec;
  parameters.level = *rc::gen::inRange(1, 10);
  if (codec == Codec::xz) {
    parameters.level += *rc::gen::element(0, 16);
    parameters.check = *rc::gen::element<std::uint8_t>(0, 1, 4, 10);
    parameters.dictionary = *rc::gen::inRange<std::uint32_t>(4096, (32U << 20) + 1);
  }
  if (codec == Codec::gzip) {
    parameters.memory_level = *rc::gen::inRange(1, 10);
    parameters.header = {0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 'a', 0};
  } else {
    parameters.threaded = *rc::gen::arbitrary<bool>();
  }
  if (codec == Codec::zstd) {
    parameters.checksum = *rc::gen::arbitrary<bool>();
    parameters.content_size = *rc::gen::arbitrary<bool>();
  }
  return parameters;
}

StoredForm any_form(Codec codec) {
  StoredForm form{any_id(), {}, {}};
  if (*rc::gen::arbitrary<bool>())
    form.parameters = any_parameters(codec);
  else
    form.stream = *rc::gen::arbitrary<Bytes>();
  return form;
}

Bytes any_signatures() {
  Bytes all;
  for (int left = *rc::gen::inRange(0, 3); left > 0; --left) {
    const Bytes message = *rc::gen::arbitrary<Bytes>();
    const RecordPart part = describe_appended_signature(MemoryContent(all), View(message));
    const Bytes& one = part.splices.front().after;
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

// Of a content of `size` bytes.
RecordPart any_content_part(std::uint64_t size) {
  RecordPart part;
  if (*rc::gen::arbitrary<bool>()) {
    part.splices = {{size, any_signatures(), any_signatures()}};
    part.splices.front().offset -= part.splices.front().before.size();
    return part;
  }
  part.carrier = RecordPart::Carrier::pe;
  const auto checksum = *rc::gen::inRange<std::uint64_t>(0, size - 1000);
  const auto entry = checksum + *rc::gen::element<std::uint64_t>(64, 80);
  const auto table = *rc::gen::inRange<std::uint64_t>(entry + 8, size - 200);
  const auto any_of_size = [](std::size_t count) {
    return *rc::gen::container<Bytes>(count, rc::gen::arbitrary<std::uint8_t>());
  };
  part.splices = {
      {checksum, any_of_size(4), any_of_size(4)},
      {entry, any_of_size(8), any_of_size(8)},
      {table, any_of_size(*rc::gen::inRange<std::size_t>(0, 200)), *rc::gen::arbitrary<Bytes>()}};
  return part;
}

RecordPart any_attribute(const char* name) {
  RecordPart part;
  part.carrier = RecordPart::Carrier::xattr;
  part.attribute = name;
  if (*rc::gen::arbitrary<bool>()) part.before = *rc::gen::arbitrary<Bytes>();
  if (*rc::gen::arbitrary<bool>()) part.after = *rc::gen::arbitrary<Bytes>();
  return part;
}

EditRecord any_record() {
  EditRecord record;
  record.name = *rc::gen::string<std::string>();
  for (char& c : record.name) c = static_cast<char>(c & 0x7f);
  record.before = any_id();
  record.before.size += 100'000;
  record.after = record.before;
  for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
    record.parts.push_back(any_content_part(record.after.size));
    const Splice& last = record.parts.back().splices.back();
    const std::uint64_t size = record.after.size - last.before.size() + last.after.size();
    record.after = any_id();
    record.after.size = size;
  }
  for (const char* name : {"security.ima", "security.evm"})
    if (*rc::gen::arbitrary<bool>()) record.parts.push_back(any_attribute(name));
  if (*rc::gen::arbitrary<bool>()) {
    const Codec codec = *rc::gen::element(Codec::gzip, Codec::xz, Codec::zstd);
    record.compression = Compression{codec, any_form(codec), any_form(codec)};
  }
  return record;
}

TEST(Record, WhatIsWrittenIsReadAgain) {
  EXPECT_TRUE(rc::check([] {
    const EditRecord record = any_record();
    const std::string line = write_record(record);
    RC_ASSERT(line.find('\n') == std::string::npos);
    const auto read = parse_record(line);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == record);
    RC_ASSERT(write_record(*read) == line);
  }));
}

// A record with everything in it, each key of which can be missing, of another type, or joined by
// one that nobody knows.
EditRecord full_record() {
  EditRecord record;
  record.name = "a.ko.xz";
  record.before = {3, {1}};
  const RecordPart appended =
      describe_appended_signature(MemoryContent({1, 2, 3}), View(Bytes{4, 5}));
  record.after = {3 + appended.splices.front().after.size(), {2}};
  RecordPart attribute;
  attribute.carrier = RecordPart::Carrier::xattr;
  attribute.attribute = "security.ima";
  attribute.after = Bytes{1};
  record.parts = {appended, attribute};
  record.compression =
      Compression{Codec::xz, {{1, {3}}, EncoderParameters(), {}}, {{2, {4}}, {}, {9}}};
  return record;
}

using Json = nlohmann::ordered_json;

// Every object inside, by its path.
void paths_of(const Json& json, const Json::json_pointer& at, std::vector<Json::json_pointer>& to) {
  if (json.is_object()) to.push_back(at);
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items())
    paths_of(value, json.is_array() ? at / static_cast<std::size_t>(std::stoul(key)) : at / key,
             to);
}

TEST(Record, KeysAreAllNeededAndNoOthersTaken) {
  const std::string line = write_record(full_record());
  ASSERT_TRUE(parse_record(line));
  const Json good = Json::parse(line);
  std::vector<Json::json_pointer> objects;
  paths_of(good, Json::json_pointer(), objects);
  EXPECT_EQ(objects.size(), 10U);
  int damaged = 0;
  const auto expect_refused = [&damaged](const Json& bad) {
    const auto read = parse_record(bad.dump());
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().reason, Reason::bad_record);
    ++damaged;
  };
  for (const auto& object : objects) {
    Json more = good;
    more[object]["other"] = 1;
    expect_refused(more);
    for (const auto& [key, value] : good[object].items()) {
      // Compression is the one thing that may be missing.
      if (key != "compression") {
        Json less = good;
        less[object].erase(key);
        expect_refused(less);
      }
      Json other = good;
      other[object][key] = -1;
      expect_refused(other);
    }
  }
  std::printf("%d damaged records\n", damaged);
}

TEST(Record, ValuesThatCannotBeAreRefused) {
  const auto with = [](const char* pointer, const Json& value) {
    Json json = Json::parse(write_record(full_record()));
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  const std::string cases[] = {
      "",
      "x",
      "[]",
      "null",
      "{}",
      with("/schema", "assay.record/2"),
      with("/before/sha256", "00"),
      with("/before/size", 1e30),
      with("/parts/0/carrier", "other"),
      with("/parts/0/splices/0/after", "0G"),
      with("/parts/0/splices/0/after", "0"),
      with("/parts/0/splices/0/after", "AA"),
      // A record must not be a way to set any attribute.
      with("/parts/1/attribute", "security.capability"),
      with("/compression/codec", "lzo"),
      with("/compression/before/parameters/dictionary", 64U << 20),
      with("/compression/before/parameters/dictionary", 4095),
      with("/compression/before/parameters/level", 10),
      with("/compression/before/parameters/level", 26),
      with("/compression/before/parameters/check", 2),
      with("/before/size", 2),
      with("/after/size", 4),
      std::string(100'000, '['),
      R"({"schema":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
  };
  for (const std::string& line : cases) {
    const auto read = parse_record(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().reason, Reason::bad_record);
  }
}

TEST(Record, ParametersAreThoseOfTheCodec) {
  const Bytes header = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  const auto gzip = [&](int level, int memory, const Bytes& bytes) {
    EncoderParameters parameters = kernel_parameters(Codec::gzip);
    parameters.level = level;
    parameters.memory_level = memory;
    parameters.header = bytes;
    return parameters;
  };
  const auto zstd = [](int level) {
    EncoderParameters parameters = kernel_parameters(Codec::zstd);
    parameters.level = level;
    return parameters;
  };
  // A whole member before the header would be content that nobody described.
  Bytes member = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  member.insert(member.end(), header.begin(), header.end());
  EXPECT_TRUE(check_parameters(gzip(9, 8, header)));
  EXPECT_TRUE(check_parameters(zstd(19)));
  for (const EncoderParameters& bad :
       {gzip(10, 8, header), gzip(9, 0, header), gzip(9, 10, header), gzip(9, 8, {}),
        gzip(9, 8, member), gzip(9, 8, {'n', 'o', 8, 0, 0, 0, 0, 0, 0, 3}), zstd(0), zstd(20)}) {
    EditRecord record = full_record();
    record.compression = Compression{bad.codec, {{1, {3}}, bad, {}}, {{2, {4}}, {}, {9}}};
    EXPECT_EQ(parse_record(write_record(record)).error().reason, Reason::bad_record);
  }
}

// Records come from anywhere: what they change is signatures, and nothing that is signed.
TEST(Record, ChangesOfAnythingElseAreRefused) {
  Bytes file(1000, 'a');
  const auto with_signature = [](Bytes content, const Bytes& message) {
    const RecordPart part = describe_appended_signature(MemoryContent(content), View(message));
    const Bytes& tail = part.splices.front().after;
    content.insert(content.end(), tail.begin(), tail.end());
    return content;
  };
  const Bytes signature = with_signature({}, {1, 2, 3});
  Bytes broken = signature;
  broken[broken.size() - 29] = 200;  // sig_len
  Bytes ahead = signature;
  ahead.insert(ahead.begin(), 'x');
  using Carrier = RecordPart::Carrier;
  const auto part = [](Carrier carrier, std::vector<Splice> splices) {
    RecordPart made;
    made.carrier = carrier;
    made.splices = std::move(splices);
    return made;
  };
  const Bytes four(4, 'a');
  const Bytes eight(8, 'a');
  struct Case {
    const char* what;
    RecordPart part;
    bool good;
  };
  const Case cases[] = {
      {"a signature", part(Carrier::appended, {{1000, {}, signature}}), true},
      {"code before it",
       part(Carrier::appended, {{500, Bytes(3, 'a'), Bytes(3, 'b')}, {1000, {}, signature}}),
       false},
      {"not at the end", part(Carrier::appended, {{999, {}, signature}}), false},
      {"code in its place", part(Carrier::appended, {{900, Bytes(100, 'a'), signature}}), false},
      {"no signature", part(Carrier::appended, {{1000, {}, {1, 2, 3}}}), false},
      {"one that is too long", part(Carrier::appended, {{1000, {}, broken}}), false},
      {"more than one", part(Carrier::appended, {{1000, {}, ahead}}), false},
      {"nothing", part(Carrier::appended, {}), false},
      {"a table",
       part(Carrier::pe,
            {{88, four, {1, 2, 3, 4}}, {168, eight, Bytes(8, 1)}, {1000, {}, Bytes(8, 2)}}),
       true},
      {"fields apart",
       part(Carrier::pe, {{88, four, four}, {160, eight, eight}, {1000, {}, eight}}), false},
      {"a field too long",
       part(Carrier::pe, {{88, eight, eight}, {168, eight, eight}, {1000, {}, eight}}), false},
      {"a field longer",
       part(Carrier::pe, {{88, four, eight}, {168, eight, eight}, {1000, {}, eight}}), false},
      {"headers", part(Carrier::pe, {{88, four, four}, {168, eight, eight}, {170, {}, eight}}),
       false},
      {"behind the end",
       part(Carrier::pe, {{88, four, four}, {168, eight, eight}, {1000, eight, {}}}), false},
      {"more splices",
       part(Carrier::pe,
            {{88, four, four}, {168, eight, eight}, {990, {}, eight}, {1000, {}, eight}}),
       false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    EditRecord record;
    record.before = {file.size(), {1}};
    record.after = {file.size(), {2}};
    for (const Splice& splice : one.part.splices)
      record.after.size += splice.after.size() - splice.before.size();
    record.parts = {one.part};
    const auto read = parse_record(write_record(record));
    EXPECT_EQ(read.has_value(), one.good);
    if (!read) {
      EXPECT_EQ(read.error().reason, Reason::bad_record);
    }
  }
  EditRecord twice = full_record();
  twice.parts.push_back(twice.parts.back());
  EXPECT_EQ(parse_record(write_record(twice)).error().reason, Reason::bad_record);
}

// Attributes are compared as content is: what a record was not made of is not overwritten.
TEST(Record, AttributesAreThoseOfTheRecord) {
  EditRecord record;
  record.before = record.after = *identify(MemoryContent({1, 2, 3}));
  RecordPart part;
  part.carrier = RecordPart::Carrier::xattr;
  part.attribute = "security.ima";
  part.before = Bytes{1};
  part.after = Bytes{2};
  record.parts = {part};
  const auto reason = [&](const std::optional<Bytes>& there, Direction direction) {
    Artifact artifact = artifact_of("a", {1, 2, 3});
    if (there) artifact.attributes["security.ima"] = *there;
    const auto edited = apply_record(artifact, record, direction);
    return edited ? std::nullopt : std::optional(edited.error().reason);
  };
  EXPECT_EQ(reason(Bytes{1}, Direction::forward), std::nullopt);
  EXPECT_EQ(reason(Bytes{2}, Direction::forward), std::nullopt);
  EXPECT_EQ(reason(Bytes{3}, Direction::forward), Reason::record_mismatch);
  EXPECT_EQ(reason(std::nullopt, Direction::forward), Reason::record_mismatch);
  EXPECT_EQ(reason(Bytes{2}, Direction::backward), std::nullopt);
  EXPECT_EQ(reason(Bytes{3}, Direction::backward), Reason::record_mismatch);
}

// Law: forward then backward is where one was.
TEST(Splice, UndoesWhatItDid) {
  EXPECT_TRUE(rc::check([] {
    const Bytes plain = *rc::gen::arbitrary<Bytes>();
    std::vector<Splice> splices;
    std::size_t at = 0;
    while (at < plain.size() && *rc::gen::arbitrary<bool>()) {
      const auto from = *rc::gen::inRange(at, plain.size() + 1);
      const auto end = *rc::gen::inRange(from, plain.size() + 1);
      splices.push_back({from,
                         {plain.begin() + static_cast<std::ptrdiff_t>(from),
                          plain.begin() + static_cast<std::ptrdiff_t>(end)},
                         *rc::gen::arbitrary<Bytes>()});
      at = end;
    }
    const Rope before(std::make_shared<MemoryContent>(plain));
    const auto after = splice(before, splices, Direction::forward);
    RC_ASSERT(after.has_value());
    const auto again = splice(*after, splices, Direction::backward);
    RC_ASSERT(again.has_value());
    RC_ASSERT(all_of(*again) == plain);
    // By hand.
    Bytes expected;
    std::size_t next = 0;
    for (const Splice& one : splices) {
      expected.insert(expected.end(), plain.begin() + static_cast<std::ptrdiff_t>(next),
                      plain.begin() + static_cast<std::ptrdiff_t>(one.offset));
      expected.insert(expected.end(), one.after.begin(), one.after.end());
      next = one.offset + one.before.size();
    }
    expected.insert(expected.end(), plain.begin() + static_cast<std::ptrdiff_t>(next), plain.end());
    RC_ASSERT(all_of(*after) == expected);
  }));
}

TEST(Splice, OtherBytesAreRefused) {
  Rope content;
  content.append(Bytes{1, 2, 3});
  const auto reason = [&content](std::vector<Splice> splices, Direction direction) {
    const auto result = splice(content, splices, direction);
    return result ? std::optional<Reason>() : result.error().reason;
  };
  EXPECT_EQ(reason({{1, {2}, {9}}}, Direction::forward), std::nullopt);
  EXPECT_EQ(reason({{1, {3}, {9}}}, Direction::forward), Reason::record_mismatch);
  EXPECT_EQ(reason({{2, {3, 4}, {}}}, Direction::forward), Reason::record_mismatch);
  EXPECT_EQ(reason({{4, {}, {}}}, Direction::forward), Reason::record_mismatch);
  EXPECT_EQ(reason({{1, {2}, {9}}}, Direction::backward), Reason::record_mismatch);
  EXPECT_EQ(reason({{2, {}, {}}, {1, {}, {}}}, Direction::forward), Reason::bad_record);
  EXPECT_EQ(reason({{1, {2, 3}, {}}, {2, {}, {}}}, Direction::forward), Reason::bad_record);
}

}  // namespace
}  // namespace assay
