#include "sources/deb.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/limits.h"
#include "base/name.h"
#include "codec/codec.h"
#include "sources/ar.h"
#include "sources/package_links.h"
#include "sources/tar.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kFirstMember = "debian-binary";

// The compressions of members, by the extensions that dpkg knows (lib/dpkg/compress.c); dpkg goes
// by them, not by magics.
struct Extension {
  std::string_view text;
  std::optional<Codec> codec;
};
constexpr std::array<Extension, 6> kExtensions = {{{"", std::nullopt},
                                                   {".gz", Codec::gzip},
                                                   {".xz", Codec::xz},
                                                   {".zst", Codec::zstd},
                                                   {".bz2", Codec::bzip2},
                                                   {".lzma", Codec::lzma}}};

const Extension* find_extension(std::string_view name, std::string_view stem) {
  const auto found = std::ranges::find(kExtensions, name.substr(stem.size()), &Extension::text);
  return found == kExtensions.end() ? nullptr : &*found;
}

struct DataMember {
  Extent content;
  std::optional<Codec> codec;
};

// The member with the files, where dpkg finds it (dpkg-deb/extract.c, extracthalf): debian-binary,
// control.tar, data.tar, in this order. Names that start with '_' are for others to read. What
// follows data.tar nobody looks at.
Result<DataMember> find_data(const Content& content) {
  ASSAY_TRY(ArReader archive, ArReader::open(content));
  for (const std::string_view wanted : {kFirstMember, "control.tar"sv, "data.tar"sv}) {
    ASSAY_TRY(std::optional<ArMember> member, archive.next());
    while (member && member->name.starts_with('_') && wanted != kFirstMember) {
      ASSAY_TRY(member, archive.next());
    }
    if (!member) return fail(Reason::archive_no_member, {content.size(), 0}, std::string(wanted));
    const std::string& name = member->name;
    const Extension* extension = name.starts_with(wanted) ? find_extension(name, wanted) : nullptr;
    if (extension == nullptr || (wanted == kFirstMember && extension->codec))
      return fail(Reason::archive_no_member, member->content,
                  fmt::format("{} expected, found {}", wanted, encode_name(name)));
    if (wanted == "data.tar"sv) return DataMember{member->content, extension->codec};
  }
  return fail(Reason::archive_no_member);
}

// data.tar, decompressed.
Result<std::unique_ptr<Stream>> open_data(const Content& content, const DataMember& member,
                                          unsigned threads) {
  auto input = std::make_unique<ContentStream>(content, member.content.offset, member.content.size);
  if (!member.codec) return input;
  DecoderOptions options;
  options.threads = threads;
  options.shares_memory = false;  // it stays open while the files are examined
  options.output_limit = limits::kPackageSize;
  return open_decoder(*member.codec, std::move(input), options);
}

// A file of the package that is looked at under several names.
class SharedContent final : public Content {
 public:
  struct File {
    ByteBudget::Lease lease;
    std::unique_ptr<Content> content;
  };
  explicit SharedContent(std::shared_ptr<const File> file) : file_(std::move(file)) {}

  std::uint64_t size() const override { return file_->content->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return file_->content->read(offset, out);
  }
  std::optional<View> memory() const override { return file_->content->memory(); }

 private:
  std::shared_ptr<const File> file_;
};

class PackageWalk {
 public:
  PackageWalk(const Content& content, const std::string& name, const SourceOptions& options,
              SourceVisitor& visitor)
      : content_(content), name_(name), options_(options), visitor_(visitor) {}

  Result<void> walk() {
    ASSAY_TRY(data_, find_data(content_));
    ASSAY_CHECK(for_each_entry([this](const TarEntry& entry, std::uint64_t index, Stream& content) {
      return first(entry, index, content);
    }));
    if (links_.empty()) return {};
    links_.follow_links();
    ASSAY_CHECK(for_each_entry([this](const TarEntry& entry, std::uint64_t index, Stream& content) {
      return again(entry, index, content);
    }));
    for (const PackageLink& link : links_.all())
      if (!link.is_resolved) fail_link(link, Reason::archive_link, encode_name(link.target));
    return {};
  }

 private:
  Result<void> for_each_entry(auto visit) {
    ASSAY_TRY(auto stream, open_data(content_, data_, options_.threads));
    TarReader tar(std::move(stream));
    TarEntry entry;
    for (std::uint64_t index = 0;; ++index) {
      if (index > limits::kEntries)
        return fail(Reason::limit_count, {}, fmt::format("more than {} entries", limits::kEntries));
      ASSAY_TRY(const bool more, tar.next(entry));
      if (!more) return {};
      ASSAY_CHECK(visit(entry, index, tar.content()));
    }
  }

  Result<void> first(const TarEntry& entry, std::uint64_t index, Stream& content) {
    if (entry.kind != TarKind::regular) {
      visitor_.skipped();
      if (entry.kind == TarKind::other) return {};
      if (auto added = links_.add(entry, index); !added)
        visitor_.failed(with_path(added.error(), nested_name(name_, entry.name)));
      return {};
    }
    SharedContent::File file;
    ASSAY_CHECK(read(entry, content, file));
    Found found = describe(entry.name, file.content->size());
    found.attributes = entry.attributes;
    found.lease = std::move(file.lease);
    found.content = std::move(file.content);
    visitor_.found(std::move(found));
    return {};
  }

  // The second time: for the files that links lead to.
  Result<void> again(const TarEntry& entry, std::uint64_t index, Stream& content) {
    if (entry.kind != TarKind::regular) return {};
    const auto links = links_.leading_to(entry, index);
    if (links.empty()) return {};
    auto file = std::make_shared<SharedContent::File>();
    ASSAY_CHECK(read(entry, content, *file));
    for (const PackageLink* link : links) {
      linked_size_ += file->content->size();
      if (linked_size_ > limits::kPackageSize) {
        fail_link(*link, Reason::limit_size,
                  fmt::format("links lead to more than {} bytes", limits::kPackageSize));
        continue;
      }
      Found found = describe(link->name, file->content->size());
      found.attributes = entry.attributes;
      found.content = std::make_unique<SharedContent>(file);
      visitor_.found(std::move(found));
    }
    return {};
  }

  Result<void> read(const TarEntry& entry, Stream& content, SharedContent::File& file) {
    file.lease = options_.budget.take(std::min(entry.size, limits::kArtifactInMemory));
    auto held = hold(content, limits::kArtifactInMemory, limits::kArtifactSize, entry.size);
    if (!held)
      return std::unexpected(with_path(std::move(held).error(), nested_name(name_, entry.name)));
    file.content = std::move(*held);
    return {};
  }

  Found describe(const std::string& inner_name, std::uint64_t size) const {
    Found found;
    found.name = nested_name(name_, inner_name);
    found.container = name_;
    found.inner_name = inner_name;
    found.size = size;
    return found;
  }

  void fail_link(const PackageLink& link, Reason reason, std::string detail) {
    visitor_.failed({reason, {}, std::move(detail), nested_name(name_, link.name)});
  }

  const Content& content_;
  const std::string& name_;
  const SourceOptions& options_;
  SourceVisitor& visitor_;
  DataMember data_;
  PackageLinks links_;
  std::uint64_t linked_size_ = 0;
};

}  // namespace

Result<bool> is_deb(const Content& content) {
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size =
      std::min<std::uint64_t>(content.size(), kArMagic.size() + kFirstMember.size());
  ASSAY_TRY(const View head, view_of(content, 0, size, scratch));
  return head.text() == std::string(kArMagic) + std::string(kFirstMember);
}

Result<void> walk_deb(const Content& content, const std::string& name, const SourceOptions& options,
                      SourceVisitor& visitor) {
  return PackageWalk(content, name, options, visitor).walk();
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
