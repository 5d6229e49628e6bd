#include "edit/record.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

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
  parameters.level = *rc::gen::inRange(0, 32);
  if (codec == Codec::xz) {
    parameters.check = static_cast<std::uint8_t>(*rc::gen::inRange(0, 16));
    parameters.dictionary = *rc::gen::inRange<std::uint32_t>(0, (64U << 20) + 1);
  }
  if (codec == Codec::gzip) {
    parameters.memory_level = *rc::gen::inRange(1, 10);
    parameters.header = *rc::gen::arbitrary<Bytes>();
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

RecordPart any_part() {
  RecordPart part;
  part.carrier = static_cast<RecordPart::Carrier>(*rc::gen::inRange(0, 3));
  if (part.carrier == RecordPart::Carrier::xattr) {
    part.attribute = *rc::gen::element<std::string>("security.ima", "security.evm");
    if (*rc::gen::arbitrary<bool>()) part.before = *rc::gen::arbitrary<Bytes>();
    if (*rc::gen::arbitrary<bool>()) part.after = *rc::gen::arbitrary<Bytes>();
    return part;
  }
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i)
    part.splices.push_back({*rc::gen::inRange<std::uint64_t>(0, 1ULL << 62),
                            *rc::gen::arbitrary<Bytes>(), *rc::gen::arbitrary<Bytes>()});
  return part;
}

EditRecord any_record() {
  EditRecord record;
  record.name = *rc::gen::string<std::string>();
  for (char& c : record.name) c = static_cast<char>(c & 0x7f);
  record.before = any_id();
  record.after = any_id();
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) record.parts.push_back(any_part());
  if (*rc::gen::arbitrary<bool>()) {
    const Codec codec = *rc::gen::element(Codec::gzip, Codec::xz, Codec::zstd);
    record.compression = Compression{codec, any_form(codec), any_form(codec)};
  }
  return record;
}

TEST(Record, WhatIsWrittenIsReadAgain) {
  rc::check([] {
    const EditRecord record = any_record();
    const std::string line = write_record(record);
    RC_ASSERT(line.find('\n') == std::string::npos);
    const auto read = parse_record(line);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == record);
    RC_ASSERT(write_record(*read) == line);
  });
}

// A record with everything in it, each key of which can be missing, of another type, or joined by
// one that nobody knows.
EditRecord full_record() {
  EditRecord record;
  record.name = "a.ko.xz";
  record.before = {3, {1}};
  record.after = {5, {2}};
  RecordPart appended;
  appended.splices = {{3, {}, {4, 5}}};
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
      with("/compression/before/parameters/dictionary", 1ULL << 31),
  };
  for (const std::string& line : cases) {
    const auto read = parse_record(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().reason, Reason::bad_record);
  }
}

// Law: forward then backward is where one was.
TEST(Splice, UndoesWhatItDid) {
  rc::check([] {
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
  });
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
