#include "trust/platform.h"

namespace assay {

Truth Platform::sig_enforce() const {
  if (state.sig_enforce) return truth(*state.sig_enforce);
  return config.is_on("CONFIG_MODULE_SIG_FORCE") == Truth::yes ? Truth::yes : Truth::unknown;
}

Truth Platform::locked_down(Lockdown at_least) const {
  if (!state.lockdown) return Truth::unknown;
  return truth(*state.lockdown >= at_least);
}

}  // namespace assay
