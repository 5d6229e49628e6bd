#include "edit/artifact.h"

#include <utility>

#include "base/limits.h"
#include "formats/compressed_module.h"
#include "formats/module_name.h"
#include "sources/file_attributes.h"

namespace assay {

namespace {

Result<void> open_plain(Artifact& artifact) {
  const auto named = parse_module_name(artifact.name);
  artifact.codec = named ? named->codec : std::nullopt;
  artifact.plain = artifact.stored;
  if (artifact.codec) {
    // What follows the first stream some readers read and others do not: the edited file would be
    // another for them.
    ASSAY_TRY(artifact.plain, decompress_module(*artifact.stored, *artifact.codec));
  }
  return {};
}

Result<void> check_same(const Content& content, const ContentId& expected) {
  ASSAY_TRY(const ContentId id, identify(content));
  if (id != expected) return fail(Reason::not_restored, {}, "the compressed file is another");
  return {};
}

}  // namespace

Result<Artifact> open_artifact(const std::string& path, std::string name, Links links) {
  Artifact artifact;
  artifact.path = path;
  artifact.name = std::move(name);
  ASSAY_TRY(StampedFile opened, open_stamped(path, links));
  artifact.stamp = opened.stamp;
  // Small files in memory: they are read more than once.
  ASSAY_TRY(artifact.stored, read_stamped(opened, limits::kArtifactInMemory));
  ASSAY_CHECK(open_plain(artifact));
  for (const char* attribute : {"security.ima", "security.evm"}) {
    ASSAY_TRY(auto value, read_attribute(opened.file, attribute));
    if (value) artifact.attributes.emplace(attribute, std::move(*value));
  }
  artifact.file = std::make_shared<const FileDescriptor>(std::move(opened.file));
  return artifact;
}

Result<Artifact> make_artifact(std::string name, std::vector<std::uint8_t> stored) {
  Artifact artifact;
  artifact.name = std::move(name);
  artifact.stored = std::make_shared<MemoryContent>(std::move(stored));
  ASSAY_CHECK(open_plain(artifact));
  return artifact;
}

Result<std::shared_ptr<const Content>> restore_stored(std::shared_ptr<const Content> plain,
                                                      Codec codec, const StoredForm& form) {
  std::vector<std::uint8_t> bytes = form.stream;
  if (form.parameters) {
    ASSAY_TRY(bytes, encode(*plain, *form.parameters));
  }
  const auto stored = std::make_shared<MemoryContent>(std::move(bytes));
  ASSAY_CHECK(check_same(*stored, form.id));
  if (!form.parameters) {
    // Somebody's stream: is it of this content?
    ASSAY_TRY(const auto held, decompress_module(*stored, codec));
    ASSAY_TRY(const bool is_same, same_content(*held, *plain));
    if (!is_same) return fail(Reason::not_restored, {}, "the compressed file holds other content");
  }
  return stored;
}

Result<void> name_sides(const Artifact& artifact, const Content& before, const Content& after,
                        EditRecord& record) {
  if (!artifact.is_recorded) return {};
  record.before.size = before.size();
  record.after.size = after.size();
  ASSAY_TRY(const PrefixHash beginning,
            PrefixHash::make(Hash::sha256, before, shared_size(record)));
  ASSAY_TRY(record.before, identify(before, beginning));
  ASSAY_TRY(record.after, identify(after, beginning));
  return {};
}

Result<StoredForm> describe_stored(const Content& stored, const Content& plain) {
  StoredForm form;
  ASSAY_TRY(form.id, identify(stored));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View stream, view_of(stored, 0, stored.size(), scratch));
  ASSAY_TRY(form.parameters, find_parameters(plain, stream));
  if (!form.parameters) form.stream.assign(stream.bytes().begin(), stream.bytes().end());
  return form;
}

Result<Compressed> compress(const Content& plain, const EncoderParameters& parameters) {
  ASSAY_TRY(auto bytes, encode(plain, parameters));
  Compressed compressed;
  compressed.stored = std::make_shared<MemoryContent>(std::move(bytes));
  compressed.form.parameters = parameters;
  ASSAY_TRY(compressed.form.id, identify(*compressed.stored));
  return compressed;
}

}  // namespace assay
