#include "ima/inode.h"

namespace assay {

std::string_view integrity_status_name(IntegrityStatus status) {
  switch (status) {
    case IntegrityStatus::pass: return "pass";
    case IntegrityStatus::pass_immutable: return "pass_immutable";
    case IntegrityStatus::fail: return "fail";
    case IntegrityStatus::fail_immutable: return "fail_immutable";
    case IntegrityStatus::no_label: return "no_label";
    case IntegrityStatus::no_xattrs: return "no_xattrs";
    case IntegrityStatus::unknown: return "unknown";
  }
  return "";
}

void ImaInode::forget_results() {
  measured = audited = hashed = false;
  measured_pcrs = 0;
  appraised = {};
  digest.reset();
}

void ImaInode::forget_requirements() {
  appraised = {};
  flags = 0;
}

void ImaInode::forget_content() {
  forget_results();
  is_new = false;
}

}  // namespace assay
