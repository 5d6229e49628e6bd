// compare/side.h - one of two builds: its files, by the paths that both have in common, and what
// has to be kept of each until its counterpart is there.
//
// A file of the file system can be opened again. One that came out of a package cannot: of it are
// kept the digests of its forms, its records, and where it is small its bytes.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bytes/shelf.h"
#include "compare/canonical_form.h"
#include "compare/record_verifier.h"
#include "survey/survey.h"

namespace assay {

// A file taken apart.
struct OpenedForm {
  std::shared_ptr<const Content> stored;
  std::optional<Codec> codec;
  std::shared_ptr<const Content> plain;  // decompressed
  ContentId plain_id;
  CanonicalForm form;
  ContentId bare_id;  // of the canonical form
};
// By its name, as kmod decides whether a module is compressed. `id` is that of `stored`.
Result<OpenedForm> open_form(std::shared_ptr<const Content> stored, const ContentId& id,
                             std::string_view inner_name);

struct SideFile {
  std::string key;  // path within its side; empty for a side that is one file
  FileNames names;
  std::string path;  // of the file system
  ContentId stored;
  std::optional<FileAttributes> attributes;

  // Of one that is not in the file system.
  struct Forms {
    std::optional<Codec> codec;
    ContentId plain;
    ContentId bare;
    std::vector<RecordPart> parts;
  };
  std::optional<Result<Forms>> forms;
  std::shared_ptr<const Shelf::Item> bytes;  // the whole file, where it is small
};

// Path of a file below `root`, the path of a side.
std::string key_of(const Found& found, const std::string& root);

// A found file: its content, and what is kept of it, but for its forms.
struct TakenFile {
  std::shared_ptr<const Content> content;
  SideFile file;
};
Result<TakenFile> take_file(Found found, const std::string& root);
SideFile::Forms describe_forms(const OpenedForm& opened);

// The file's content, where it is in the file system or on the shelf; else null.
Result<std::shared_ptr<const Content>> reopen(const SideFile& file, const Shelf& shelf);

}  // namespace assay
