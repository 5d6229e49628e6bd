#include "sources/rpm.h"

#include <fmt/format.h>

#include <map>

#include "base/limits.h"
#include "base/name.h"
#include "codec/codec.h"
#include "formats/rpm.h"
#include "sources/tar.h"

namespace assay {

namespace {

Result<std::unique_ptr<Stream>> open_payload(const Content& content, const Extent& payload,
                                             unsigned threads) {
  constexpr std::uint64_t kHead = 16;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head,
            view_of(content, payload.offset, std::min(kHead, payload.size), scratch));
  auto input = std::make_unique<ContentStream>(content, payload.offset, payload.size);
  const auto codec = detect_codec(head);
  if (!codec) return input;
  DecoderOptions options;
  options.threads = threads;
  options.shares_memory = false;  // it stays open while the files are examined
  options.output_limit = limits::kPackageSize;
  return open_decoder(*codec, std::move(input), options);
}

void describe(const RpmFile& file, Found& found) {
  if (file.ima.empty()) return;
  FileAttributes attributes;
  attributes.mode = file.mode;
  attributes.has_xattrs = true;
  attributes.security["security.ima"] = file.ima;
  found.attributes = std::move(attributes);
}

}  // namespace

Result<void> walk_rpm(const Content& content, const std::string& name, const SourceOptions& options,
                      SourceVisitor& visitor) {
  ASSAY_TRY(const RpmPackage package, read_rpm(content));
  std::map<std::string_view, const RpmFile*> files;
  for (const RpmFile& file : package.files)
    if (!files.emplace(file.name, &file).second)
      return fail(Reason::bad_value, {},
                  fmt::format("{} twice in the header", encode_name(file.name)));
  ASSAY_TRY(auto stream, open_payload(content, package.payload, options.threads));
  TarReader payload(std::move(stream), ArchiveFormat::cpio);
  TarEntry entry;
  for (std::uint64_t index = 0;; ++index) {
    if (index > limits::kEntries)
      return fail(Reason::limit_count, {}, fmt::format("more than {} entries", limits::kEntries));
    ASSAY_TRY(const bool more, payload.next(entry));
    if (!more) return {};
    if (entry.kind != TarKind::regular && entry.kind != TarKind::hard_link) {
      visitor.skipped();
      continue;
    }
    const auto known = files.find("/" + entry.name);
    if (known == files.end() || known->second->size != entry.size) {
      visitor.failed({Reason::archive_link,
                      {},
                      known == files.end() ? "not in the header, or twice in the payload"
                                           : fmt::format("{} bytes, the header says {}", entry.size,
                                                         known->second->size),
                      nested_name(name, entry.name)});
      continue;
    }
    Found found;
    found.lease = options.budget.take(std::min(entry.size, limits::kArtifactInMemory));
    auto held =
        hold(payload.content(), limits::kArtifactInMemory, limits::kArtifactSize, entry.size);
    if (!held)
      return std::unexpected(with_path(std::move(held).error(), nested_name(name, entry.name)));
    found.content = std::move(*held);
    found.name = nested_name(name, entry.name);
    found.container = name;
    found.inner_name = entry.name;
    found.size = found.content->size();
    describe(*known->second, found);
    files.erase(known);
    visitor.found(std::move(found));
  }
}

void walk_rpm_file(const std::string& path, const std::string& name, const SourceOptions& options,
                   SourceVisitor& visitor) {
  const auto walk = [&]() -> Result<void> {
    ASSAY_TRY(const auto file, open_file(path));
    return walk_rpm(*file, name, options, visitor);
  };
  if (const auto done = walk(); !done) visitor.failed(with_path(done.error(), name));
}

}  // namespace assay
