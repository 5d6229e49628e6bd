#include "sources/deb.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/name.h"
#include "codec/codec.h"
#include "sources/ar.h"
#include "sources/tar_archive.h"

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

}  // namespace

bool is_deb(View head) {
  return head.text().starts_with(std::string(kArMagic) + std::string(kFirstMember));
}

Result<void> walk_deb(const Content& content, const std::string& name, Nest& nest) {
  ASSAY_TRY(const DataMember data, find_data(content));
  TarArchive archive(content, data.content, data.codec, nest);
  return walk_archive(archive, name, nest);
}

}  // namespace assay
