#include "sources/squash_tree.h"

#include "sources/squash_volume.h"
#include "sources/volume_tree.h"

namespace assay {

Result<void> walk_squash(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(const auto volume, SquashVolume::open(image));
  VolumeTree tree(*volume);
  return walk_tree(tree, name, nest);
}

}  // namespace assay
