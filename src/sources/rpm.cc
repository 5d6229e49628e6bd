#include "sources/rpm.h"

#include <fmt/format.h>

#include <map>

#include "base/name.h"
#include "codec/codec.h"
#include "formats/rpm.h"
#include "sources/nest.h"
#include "sources/tar.h"

namespace assay {

namespace {

Result<std::unique_ptr<Stream>> open_payload(const Content& content, const Extent& payload,
                                             Nest& nest) {
  constexpr std::uint64_t kHead = 16;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head,
            view_of(content, payload.offset, std::min(kHead, payload.size), scratch));
  auto input = std::make_unique<ContentStream>(content, payload.offset, payload.size);
  const auto codec = detect_codec(head);
  if (!codec) return input;
  return nest.open_decoder(*codec, std::move(input));
}

std::optional<FileAttributes> attributes_of(const RpmFile& file) {
  if (file.ima.empty()) return std::nullopt;
  FileAttributes attributes;
  attributes.mode = file.mode;
  attributes.has_xattrs = true;
  attributes.security["security.ima"] = file.ima;
  return attributes;
}

class PackageWalk {
 public:
  PackageWalk(const RpmPackage& package, const std::string& name, Nest& nest)
      : package_(package), name_(name), nest_(nest) {}

  Result<void> run(const Content& content) {
    for (const RpmFile& file : package_.files)
      if (!files_.emplace(file.name, &file).second)
        return fail(Reason::bad_value, {},
                    fmt::format("{} twice in the header", encode_name(file.name)));
    ASSAY_TRY(auto stream, open_payload(content, package_.payload, nest_));
    TarReader payload(std::move(stream), ArchiveFormat::cpio);
    ArchiveEntry entry;
    for (;;) {
      ASSAY_TRY(const bool more, payload.next(entry));
      if (!more) break;
      if (entry.kind == EntryKind::regular || entry.kind == EntryKind::hard_link) {
        ASSAY_CHECK(take(payload, entry));
        continue;
      }
      ASSAY_CHECK(nest_.count_member());
      nest_.skipped();
    }
    for (const auto& [first, group] : waiting_)
      for (const RpmFile* file : group) refuse(*file, "its content is not in the payload");
    return {};
  }

 private:
  static std::string inner_name(const RpmFile& file) { return file.name.substr(1); }
  void refuse(const RpmFile& file, std::string why) {
    nest_.failed({Reason::archive_link, {}, std::move(why), nested_name(name_, inner_name(file))});
  }

  // Names of one file follow each other, and the last has the content (cpio's new format; rpm,
  // lib/rpmfi.c); libarchive calls all behind the first links to it.
  Result<void> take(TarReader& payload, const ArchiveEntry& entry) {
    const auto known = files_.find("/" + entry.name);
    if (known == files_.end()) {
      ASSAY_CHECK(nest_.count_member());
      nest_.failed({Reason::archive_link,
                    {},
                    "not in the header, or twice in the payload",
                    nested_name(name_, entry.name)});
      return {};
    }
    const RpmFile& file = *known->second;
    files_.erase(known);
    const bool is_link = entry.kind == EntryKind::hard_link;
    const std::string_view target(entry.target);
    const std::string first(!is_link                   ? std::string_view(entry.name)
                            : target.starts_with("./") ? target.substr(2)
                                                       : target);
    if (entry.size == 0 && file.size != 0) {
      ASSAY_CHECK(nest_.count_member());
      waiting_[first].push_back(&file);
      return {};
    }
    if (entry.size != file.size) {
      ASSAY_CHECK(nest_.count_member());
      refuse(file, fmt::format("{} bytes, the header says {}", entry.size, file.size));
      return {};
    }
    std::vector<std::string> names;
    if (const auto group = is_link ? waiting_.extract(first) : decltype(waiting_)::node_type())
      for (const RpmFile* each : group.mapped()) {
        if (each->size == entry.size)
          names.push_back(inner_name(*each));
        else
          refuse(*each, fmt::format("{} bytes, the header says {}", entry.size, each->size));
      }
    const std::optional<FileAttributes> attributes = attributes_of(file);
    const std::string name = inner_name(file);
    const Member member{name_, name, entry.size, attributes};
    const EntryContent content(payload.content());
    if (names.empty()) return nest_.file(member, content);
    names.push_back(name);
    return nest_.file_of_names(member, names, content);
  }

  const RpmPackage& package_;
  const std::string& name_;
  Nest& nest_;
  std::map<std::string_view, const RpmFile*> files_;            // that did not come yet
  std::map<std::string, std::vector<const RpmFile*>> waiting_;  // by the first name of the file
};

}  // namespace

Result<void> walk_rpm(const Content& content, const std::string& name, Nest& nest) {
  ASSAY_TRY(const RpmPackage package, read_rpm(content));
  return PackageWalk(package, name, nest).run(content);
}

}  // namespace assay
