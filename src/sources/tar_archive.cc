#include "sources/tar_archive.h"

#include "sources/nest.h"
#include "sources/tar.h"

namespace assay {

Result<void> TarArchive::for_each(const Visit& visit) {
  std::unique_ptr<Stream> stream =
      std::make_unique<ContentStream>(content_, where_.offset, where_.size);
  if (codec_) {
    ASSAY_TRY(stream, nest_.open_decoder(*codec_, std::move(stream)));
  }
  TarReader tar(std::move(stream));
  ArchiveEntry entry;
  for (std::uint64_t index = 0;; ++index) {
    ASSAY_TRY(const bool more, tar.next(entry));
    if (!more) return {};
    ASSAY_CHECK(visit(entry, index, EntryContent(tar.content())));
  }
}

Result<void> walk_tar(const Content& content, std::optional<Codec> codec, const std::string& name,
                      Nest& nest) {
  TarArchive archive(content, {0, content.size()}, codec, nest);
  return walk_archive(archive, name, nest);
}

}  // namespace assay
