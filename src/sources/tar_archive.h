// sources/tar_archive.h - a tar archive, compressed or not: the files of data.tar in a package, and
// tar archives by themselves.

#pragma once

#include <optional>
#include <string>

#include "codec/codec.h"
#include "sources/archive.h"

namespace assay {

// The part `where` of `content`.
class TarArchive final : public Archive {
 public:
  TarArchive(const Content& content, Extent where, std::optional<Codec> codec, Nest& nest)
      : content_(content), where_(where), codec_(codec), nest_(nest) {}

  Result<void> for_each(const Visit& visit) override;

 private:
  const Content& content_;
  Extent where_;
  std::optional<Codec> codec_;
  Nest& nest_;
};

Result<void> walk_tar(const Content& content, std::optional<Codec> codec, const std::string& name,
                      Nest& nest);

}  // namespace assay
