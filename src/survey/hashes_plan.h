// survey/hashes_plan.h - what it takes to load a rebuilt or out-of-tree module on a kernel:
// nothing, a proof, a signature, or another kernel.
//
// Each remedy is tried: the module is proved, signed or hashed into a new tree in memory, and the
// judge is asked again what the kernel then does (survey/judge_request.h). The first that is
// certainly allowed, and leaves no taint of a module that is not authenticated, counts; where none
// is, the verdict on the last one says why.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signer.h"
#include "edit/cms_writer.h"
#include "survey/module_set.h"
#include "survey/survey.h"

namespace assay {

enum class Remedy : std::uint8_t {
  nothing,         // it loads
  attach_proof,    // it is what the kernel was built with, and only its proof is missing
  excise,          // likewise of a list: what was appended since is in the way
  sign,            // with a key that the kernel trusts
  enrol_and_sign,  // with a key that it trusts once it is enrolled
  new_root,        // a kernel with the new root or list, and a reboot into it
  impossible,      // it is refused whatever is done
  undetermined,    // what the platform leaves open would decide
};
std::string_view remedy_name(Remedy remedy);  // "new-root"

// A key to sign with.
struct PlanSigner {
  Signer* signer = nullptr;
  SigningCertificate certificate;
};

// All modules that the kernel was built with, hashed in their order.
struct KernelTree {
  ModuleOrder order;
  std::vector<HashedModule> modules;
};

struct PlanOptions {
  const Platform& platform;
  const std::optional<PlanSigner>& signer;
  bool without_signatures = false;  // modules are hashed as they are without appended signatures
};

// A remedy, and what the kernel does after it.
struct Trial {
  Remedy remedy = Remedy::nothing;
  JudgedModule judged;
};

struct ModulePlan {
  std::string path;  // as it was given
  std::optional<Error> error;
  JudgedModule as_is;
  Remedy remedy = Remedy::undetermined;
  // In the order of what they cost, up to the first that helps. Of a module that loads as it is and
  // taints the kernel, what would spare that.
  std::vector<Trial> tried;
  std::optional<std::uint32_t> position;  // in the tree
  bool is_added = false;                  // with a line of its own at the end of modules.order
};

struct HashesPlan {
  std::vector<ModulePlan> modules;
  // The tree with all these modules in it, where the old one was given.
  std::optional<ModuleOrder> order;
  std::optional<ModuleTree> tree;
};

// `paths` are files. `tree` may be absent: a new root is then tried, and not known.
Result<HashesPlan> plan_modules(const std::vector<std::string>& paths,
                                const std::optional<KernelTree>& tree, const PlanOptions& options);

}  // namespace assay
