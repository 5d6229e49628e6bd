#include "ima/event.h"

namespace assay {

ImaSubject ImaSubject::with_ids(std::uint32_t uid, std::uint32_t gid) {
  const Truth root = truth(uid == 0);
  return {uid, uid, uid, gid, gid, gid, root, root};
}

std::uint32_t usual_mask(ImaHook hook) {
  switch (hook) {
    case ImaHook::bprm_check:
    case ImaHook::creds_check:
    case ImaHook::mmap_check:
    case ImaHook::mmap_check_reqprot: return kMayExec;
    case ImaHook::none:
    case ImaHook::post_setattr:
    case ImaHook::kexec_cmdline:
    case ImaHook::key_check:
    case ImaHook::critical_data:
    case ImaHook::setxattr_check: return 0;
    default: return kMayRead;
  }
}

}  // namespace assay
