// platforms/image_keys.h - the certificates built into kernel images, each image read once however
// many platforms name it.
//
// Platforms of one image then have the same keys in memory, so that what was computed with a key
// for one of them serves the others (signatures/public_key_verify.h).

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "signatures/certificate.h"

namespace assay {

class ImageKeys {
 public:
  using Keys = std::vector<std::shared_ptr<const PreparedCertificate>>;

  // Those of the image at `path`, in the order of its list.
  Result<Keys> find(const std::string& path);

 private:
  std::map<std::string, Keys> by_path_;
};

}  // namespace assay
