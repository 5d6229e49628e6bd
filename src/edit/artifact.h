// edit/artifact.h - a file that is to be edited, and what an edit makes of it.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/atomic_file.h"
#include "bytes/rope.h"
#include "bytes/stamped_file.h"
#include "codec/codec.h"
#include "edit/record.h"

namespace assay {

// As it was opened. Compressed modules are known by their names (.ko.xz, .ko.gz, .ko.zst), as kmod
// knows them.
struct Artifact {
  std::string path;
  std::string name;  // for records
  FileStamp stamp;
  std::shared_ptr<const FileDescriptor> file;  // open; nothing for bytes in memory
  std::shared_ptr<const Content> stored;       // the file
  std::optional<Codec> codec;
  std::shared_ptr<const Content> plain;  // decompressed, or the file
  // security.ima and security.evm, as far as they are there.
  std::map<std::string, std::vector<std::uint8_t>> attributes;
  // What is made of it has a record that names both sides, for which they are hashed; else nobody
  // is to read that record's `before` and `after`.
  bool is_recorded = true;
};

// `links`: files of folders are none when they are found, and are not to become one before they are
// opened.
Result<Artifact> open_artifact(const std::string& path, std::string name,
                               Links links = Links::follow);
// The same over bytes in memory, for tests: `name` decides about compression.
Result<Artifact> make_artifact(std::string name, std::vector<std::uint8_t> stored);

// What is to be written in its place.
struct Edited {
  std::shared_ptr<const Content> stored;
  std::vector<AttributeChange> attributes;
  EditRecord record;               // between the two, whichever way the edit went
  std::vector<std::string> notes;  // what the user should know of this file
};

// The compressed file that holds `plain`: by `form`, whose digest it must have (not_restored).
Result<std::shared_ptr<const Content>> restore_stored(std::shared_ptr<const Content> plain,
                                                      Codec codec, const StoredForm& form);

// Names the sides of the record, whose parts are known, where anybody is to read it.
Result<void> name_sides(const Artifact& artifact, const Content& before, const Content& after,
                        EditRecord& record);

// How `stored` came from `plain`: parameters where they are found, else the stream.
Result<StoredForm> describe_stored(const Content& stored, const Content& plain);

// `plain` compressed with `parameters`.
struct Compressed {
  std::shared_ptr<const Content> stored;
  StoredForm form;
};
Result<Compressed> compress(const Content& plain, const EncoderParameters& parameters);

}  // namespace assay
