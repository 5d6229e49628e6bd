// survey/ipe_writer.h - a policy of IPE that allows the files under paths by their fs-verity
// digests, and denies all others of their classes.

#pragma once

#include <array>
#include <string>
#include <vector>

#include "guardlist/read_class.h"
#include "survey/survey.h"

namespace assay {

struct IpeWriterOptions {
  SurveyOptions survey;
  std::string name;  // of the policy: as a list's (guardlist/overlay.h)
  std::array<std::uint16_t, 3> version{};
  ReadMask classes = 0;    // that are denied but for these files
  bool initramfs = false;  // what comes from the initramfs is allowed, too
};

struct WrittenIpe {
  std::string text;
  std::size_t digests = 0;
  std::vector<Error> errors;  // none: all files are there
  Surveyed surveyed;
};
WrittenIpe write_ipe_policy(const IpeWriterOptions& options);

}  // namespace assay
