#include "ima/violations.h"

#include <utility>

namespace assay {

std::string_view violation_cause(ImaViolation violation) {
  return violation == ImaViolation::tomtou ? "ToMToU" : "open_writers";
}

std::optional<ImaOpenFile> ImaOpenFile::make(KernelVersion version) {
  if (is_before_anchors(version) || is_beyond_anchors(version)) return std::nullopt;
  if (version <= kAnchor61) return ImaOpenFile(false);
  if (version >= kAnchor612) return ImaOpenFile(true);
  return std::nullopt;
}

std::optional<ImaViolation> ImaOpenFile::check(const ImaAccess& access) {
  if (access.writes) {
    if (readers_ == 0 || !may_tell_tomtou_) return std::nullopt;
    if (tells_once_) may_tell_tomtou_ = false;
    return ImaViolation::tomtou;
  }
  if (!access.is_measured) return std::nullopt;
  may_tell_tomtou_ = true;
  if (writers_ == 0) return std::nullopt;
  if (tells_once_ && std::exchange(told_writers_, true)) return std::nullopt;
  return ImaViolation::open_writers;
}

// Counted before IMA is asked (do_dentry_open, then ima_file_check).
std::optional<ImaViolation> ImaOpenFile::open(const ImaAccess& access) {
  if (access.writes)
    ++writers_;
  else if (access.reads)
    ++readers_;
  return check(access);
}

std::optional<ImaViolation> ImaOpenFile::map(const ImaAccess& access) { return check(access); }

// IMA is asked before it is counted (__fput).
void ImaOpenFile::close(const ImaAccess& access) {
  if (access.writes) {
    if (writers_ == 1) told_writers_ = false;
    --writers_;
  } else if (access.reads) {
    --readers_;
  }
}

void ImaOpenFile::forget() { may_tell_tomtou_ = told_writers_ = false; }

}  // namespace assay
