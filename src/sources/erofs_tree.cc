#include "sources/erofs_tree.h"

#include "sources/erofs_volume.h"
#include "sources/volume_tree.h"

namespace assay {

Result<void> walk_erofs(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(const ErofsVolume volume, ErofsVolume::open(image));
  VolumeTree tree(volume);
  return walk_tree(tree, name, nest);
}

}  // namespace assay
