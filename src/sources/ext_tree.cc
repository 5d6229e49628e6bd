#include "sources/ext_tree.h"

#include "sources/ext_volume.h"
#include "sources/nest.h"
#include "sources/volume_tree.h"

namespace assay {

Result<void> walk_ext(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(const auto volume, ExtVolume::open(image));
  if (volume->needs_recovery())
    nest.failed({Reason::archive_unsupported,
                 {},
                 "the journal is not replayed, and a kernel would do that first",
                 name});
  VolumeTree tree(*volume);
  return walk_tree(tree, name, nest);
}

}  // namespace assay
