#include "report/open_questions.h"

#include <fmt/format.h>

namespace assay {

namespace {

struct Question {
  std::string_view start;  // of the key; the longer ones first
  std::string_view text;
};

constexpr Question kQuestions[] = {
    {"state.sig_enforce",
     "does the kernel insist on module signatures (/sys/module/module/parameters/sig_enforce)?"},
    {"state.lockdown", "is the kernel locked down (/sys/kernel/security/lockdown)?"},
    {"state.secure_boot", "was it booted with Secure Boot on?"},
    {"state.trusted_boot", "was it booted with a TPM (trusted boot)?"},
    {"state.ipl_secure", "was the machine IPLed securely (/sys/firmware/ipl/secure)?"},
    {"state.modules_disabled", "may modules be loaded still (nomodule, kernel.modules_disabled)?"},
    {"state.kexec_load_disabled", "is kexec still permitted (kernel.kexec_load_disabled)?"},
    {"kernel.cmdline", "what stands on the kernel's command line (/proc/cmdline)?"},
    {"kernel.version",
     "what does a kernel of this version do? Those before and after it differ here, or are not "
     "known"},
    {"kernel.release", "which release is the kernel, and how is it configured?"},
    {"config", "is this on in the kernel's configuration?"},
    {"algorithm", "does the kernel have this algorithm?"},
    {"libcrypto", "OpenSSL on this machine cannot compute this"},
    {"keyrings.secondary_trusted_keys",
     "which keys does the kernel trust besides those built in (added by the machine's owner)?"},
    {"keyrings.evm", "which keys has EVM (in a platform file: evm = [] where no key is loaded)?"},
    {"evm", "does EVM verify with this key (/sys/kernel/security/evm)?"},
    {"keyrings", "which keys are in this keyring of the kernel (/proc/keys)?"},
    {"ima.policy", "which IMA rules are in force (/sys/kernel/security/ima/policy)?"},
    {"artifact", "this cannot be read from the file"},
    {"filesystem", "on what file system does the file lie?"},
    {"subject", "who asks?"},
};

}  // namespace

std::string question_of(std::string_view key) {
  for (const Question& question : kQuestions)
    if (key.starts_with(question.start)) return std::string(question.text);
  return "this is not known";
}

}  // namespace assay
