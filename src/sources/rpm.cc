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

// The content of one file under several names, and its lease until the last of them is examined.
struct Held {
  std::unique_ptr<Content> content;
  ByteBudget::Lease lease;
};

class SharedContent final : public Content {
 public:
  explicit SharedContent(std::shared_ptr<const Held> held) : held_(std::move(held)) {}

  std::uint64_t size() const override { return held_->content->size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return held_->content->read(offset, out);
  }
  std::optional<View> memory() const override { return held_->content->memory(); }

 private:
  std::shared_ptr<const Held> held_;
};

class PackageWalk {
 public:
  PackageWalk(const RpmPackage& package, const std::string& name, const SourceOptions& options,
              SourceVisitor& visitor)
      : package_(package), name_(name), options_(options), visitor_(visitor) {}

  Result<void> run(const Content& content) {
    for (const RpmFile& file : package_.files)
      if (!files_.emplace(file.name, &file).second)
        return fail(Reason::bad_value, {},
                    fmt::format("{} twice in the header", encode_name(file.name)));
    ASSAY_TRY(auto stream, open_payload(content, package_.payload, options_.threads));
    TarReader payload(std::move(stream), ArchiveFormat::cpio);
    TarEntry entry;
    for (std::uint64_t index = 0;; ++index) {
      if (index > limits::kEntries)
        return fail(Reason::limit_count, {}, fmt::format("more than {} entries", limits::kEntries));
      ASSAY_TRY(const bool more, payload.next(entry));
      if (!more) break;
      if (entry.kind != TarKind::regular && entry.kind != TarKind::hard_link) {
        visitor_.skipped();
        continue;
      }
      ASSAY_CHECK(take(payload, entry));
    }
    for (const auto& [first, group] : waiting_)
      for (const RpmFile* file : group) refuse(*file, "its content is not in the payload");
    return {};
  }

 private:
  std::string printed(const RpmFile& file) const { return nested_name(name_, file.name.substr(1)); }
  void refuse(const RpmFile& file, std::string why) {
    visitor_.failed({Reason::archive_link, {}, std::move(why), printed(file)});
  }

  // Names of one file follow each other, and the last has the content (cpio's new format; rpm,
  // lib/rpmfi.c); libarchive calls all behind the first links to it.
  Result<void> take(TarReader& payload, const TarEntry& entry) {
    const auto known = files_.find("/" + entry.name);
    if (known == files_.end()) {
      visitor_.failed({Reason::archive_link,
                       {},
                       "not in the header, or twice in the payload",
                       nested_name(name_, entry.name)});
      return {};
    }
    const RpmFile& file = *known->second;
    files_.erase(known);
    const bool is_link = entry.kind == TarKind::hard_link;
    const std::string_view target(entry.target);
    const std::string first(!is_link                   ? std::string_view(entry.name)
                            : target.starts_with("./") ? target.substr(2)
                                                       : target);
    if (entry.size == 0 && file.size != 0) {
      waiting_[first].push_back(&file);
      return {};
    }
    if (entry.size != file.size) {
      refuse(file, fmt::format("{} bytes, the header says {}", entry.size, file.size));
      return {};
    }
    Held held;
    held.lease = options_.budget.take(std::min(entry.size, limits::kArtifactInMemory));
    auto content =
        hold(payload.content(), limits::kArtifactInMemory, limits::kArtifactSize, entry.size);
    if (!content) return std::unexpected(with_path(std::move(content).error(), printed(file)));
    held.content = std::move(*content);
    auto group = is_link ? waiting_.extract(first) : decltype(waiting_)::node_type();
    if (group.empty()) {
      found(file, std::move(held.content), std::move(held.lease));
      return {};
    }
    const auto shared = std::make_shared<const Held>(std::move(held));
    group.mapped().push_back(&file);
    for (const RpmFile* each : group.mapped()) {
      if (each->size == entry.size)
        found(*each, std::make_unique<SharedContent>(shared), {});
      else
        refuse(*each, fmt::format("{} bytes, the header says {}", entry.size, each->size));
    }
    return {};
  }

  void found(const RpmFile& file, std::unique_ptr<Content> content, ByteBudget::Lease lease) {
    Found found;
    found.lease = std::move(lease);
    found.content = std::move(content);
    found.name = printed(file);
    found.container = name_;
    found.inner_name = file.name.substr(1);
    found.size = found.content->size();
    describe(file, found);
    visitor_.found(std::move(found));
  }

  const RpmPackage& package_;
  const std::string& name_;
  const SourceOptions& options_;
  SourceVisitor& visitor_;
  std::map<std::string_view, const RpmFile*> files_;            // that did not come yet
  std::map<std::string, std::vector<const RpmFile*>> waiting_;  // by the first name of the file
};

}  // namespace

Result<void> walk_rpm(const Content& content, const std::string& name, const SourceOptions& options,
                      SourceVisitor& visitor) {
  ASSAY_TRY(const RpmPackage package, read_rpm(content));
  return PackageWalk(package, name, options, visitor).run(content);
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
