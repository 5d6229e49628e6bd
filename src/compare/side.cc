#include "compare/side.h"

#include "base/limits.h"
#include "base/name.h"
#include "formats/compressed_module.h"
#include "formats/module_name.h"
#include "survey/open_whole.h"

namespace assay {

namespace {

// Keeps the bytes in flight counted for as long as they are.
class LeasedContent final : public Content {
 public:
  LeasedContent(std::unique_ptr<Content> content, ByteBudget::Lease lease)
      : content_(std::move(content)), lease_(std::move(lease)) {}
  std::uint64_t size() const override { return content_->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return content_->read(offset, out);
  }
  std::optional<View> memory() const override { return content_->memory(); }

 private:
  std::unique_ptr<Content> content_;
  ByteBudget::Lease lease_;
};

}  // namespace

Result<OpenedForm> open_form(std::shared_ptr<const Content> stored, const ContentId& id,
                             std::string_view inner_name) {
  OpenedForm opened;
  opened.stored = std::move(stored);
  opened.plain = opened.stored;
  const auto named = parse_module_name(inner_name);
  opened.codec = named ? named->codec : std::nullopt;
  if (opened.codec) {
    // What follows the first stream is no part of the module, and nothing that a record covers.
    ASSAY_TRY(opened.plain, decompress_module(*opened.stored, *opened.codec));
  }
  ASSAY_TRY(opened.form, find_canonical_form(opened.plain));
  opened.plain_id = id;
  if (opened.codec) {
    ASSAY_TRY(opened.plain_id, identify(*opened.plain));
  }
  opened.bare_id = opened.plain_id;
  if (!opened.form.parts.empty()) {
    ASSAY_TRY(opened.bare_id, identify(opened.form.content));
  }
  return opened;
}

std::string key_of(const Found& found, const std::string& root) {
  std::string_view key = found.name;
  const std::string printed = encode_name(root);
  if (key.starts_with(printed)) key.remove_prefix(printed.size());
  while (key.starts_with('!') || key.starts_with('/')) key.remove_prefix(1);
  return std::string(key);
}

Result<TakenFile> take_file(Found found, const std::string& root) {
  TakenFile taken;
  SideFile& file = taken.file;
  file.key = key_of(found, root);
  file.names = {found.name, found.container, found.inner_name};
  file.path = found.path;
  file.attributes = std::move(found.attributes);
  const auto take = [&]() -> Result<void> {
    if (found.content) {
      taken.content =
          std::make_shared<LeasedContent>(std::move(found.content), std::move(found.lease));
    } else {
      ASSAY_TRY(taken.content, open_whole(found.path));
      ASSAY_TRY(file.attributes, read_file_attributes(found.path));
    }
    ASSAY_TRY(file.stored, identify(*taken.content));
    return {};
  };
  if (const auto done = take(); !done) return std::unexpected(with_path(done.error(), found.name));
  return taken;
}

SideFile::Forms describe_forms(const OpenedForm& opened) {
  return {opened.codec, opened.plain_id, opened.bare_id, opened.form.parts};
}

Result<std::shared_ptr<const Content>> reopen(const SideFile& file, const Shelf& shelf) {
  if (!file.path.empty()) return open_whole(file.path);
  if (!file.bytes) return nullptr;
  ASSAY_TRY(auto bytes, shelf.get(*file.bytes));
  return std::make_shared<MemoryContent>(std::move(bytes));
}

}  // namespace assay
