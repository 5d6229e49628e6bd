#include "sources/deb.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/name.h"
#include "codec/codec.h"
#include "sources/ar.h"
#include "sources/tar.h"

namespace assay {

namespace {

constexpr std::string_view kFirstMember = "debian-binary";

// data.tar, decompressed. Its codec is told by its bytes; without a known magic it is a bare tar.
Result<std::unique_ptr<Stream>> open_data(const Content& content, const ArMember& member,
                                          unsigned threads) {
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head, view_of(content, member.content.offset,
                                     std::min<std::uint64_t>(16, member.content.size), scratch));
  auto input = std::make_unique<ContentStream>(content, member.content.offset, member.content.size);
  const std::optional<Codec> codec = detect_codec(head);
  if (!codec) return input;
  DecoderOptions options;
  options.threads = threads;
  options.output_limit = limits::kPackageSize;
  return open_decoder(*codec, std::move(input), options);
}

Result<void> walk_data(TarReader tar, const std::string& package, const SourceOptions& options,
                       SourceVisitor& visitor) {
  TarEntry entry;
  for (std::uint64_t count = 0;; ++count) {
    if (count > limits::kEntries)
      return fail(Reason::limit_count, {}, fmt::format("more than {} entries", limits::kEntries));
    ASSAY_TRY(const bool more, tar.next(entry));
    if (!more) return {};
    if (!entry.is_regular) {
      visitor.skipped();
      continue;
    }
    Found found;
    found.name = nested_name(package, entry.name);
    found.container = package;
    found.inner_name = entry.name;
    found.size = entry.size;
    found.lease = options.budget.take(std::min(entry.size, limits::kArtifactInMemory));
    auto held = hold(tar.content(), limits::kArtifactInMemory, limits::kArtifactSize, entry.size);
    if (!held) return std::unexpected(with_path(std::move(held).error(), found.name));
    found.content = std::move(*held);
    visitor.found(std::move(found));
  }
}

}  // namespace

Result<bool> is_deb(const Content& content) {
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size = std::min<std::uint64_t>(content.size(), kArMagic.size() + kFirstMember.size());
  ASSAY_TRY(const View head, view_of(content, 0, size, scratch));
  return head.text() == std::string(kArMagic) + std::string(kFirstMember);
}

Result<void> walk_deb(const Content& content, const std::string& name, const SourceOptions& options,
                      SourceVisitor& visitor) {
  ASSAY_TRY(ArReader archive, ArReader::open(content));
  for (;;) {
    ASSAY_TRY(const std::optional<ArMember> member, archive.next());
    if (!member) return fail(Reason::archive_no_member, {content.size(), 0}, "data.tar");
    if (!member->name.starts_with("data.tar")) continue;
    ASSAY_TRY(std::unique_ptr<Stream> data, open_data(content, *member, options.threads));
    return walk_data(TarReader(std::move(data)), name, options, visitor);
  }
}

void walk_deb_file(const std::string& path, const std::string& name, const SourceOptions& options,
                   SourceVisitor& visitor) {
  const auto walk = [&]() -> Result<void> {
    ASSAY_TRY(const auto file, open_file(path));
    return walk_deb(*file, name, options, visitor);
  };
  if (const auto done = walk(); !done) visitor.failed(with_path(done.error(), name));
}

}  // namespace assay
