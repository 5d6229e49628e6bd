#include "catalogue/rule_tables.h"

#include "ima/rules.h"
#include "judge/rules.h"
#include "signatures/rules.h"
#include "trust/rules.h"

namespace assay {

namespace {

constexpr RuleTable kTables[] = {
    {"module_load", "Loading a module",
     "init_module and finit_module, from the system call to the point where the module's own code "
     "and the kernel's symbols decide. The signature is looked at before anything of the ELF file "
     "(module_sig), so a file that is no module at all is refused for its signature where those "
     "are enforced.\n\n"
     "IMA's rules for MODULE_CHECK are asked when the file has been read, before any of this but "
     "the flags and the size. init_module hides the file from IMA; where a rule asks for files, it "
     "is refused unless signatures are enforced.",
     rules::module_load::kTable},
    {"module_sig", "MODULE_SIG",
     "What becomes of a module's appended signature. Three errors are forgiven where signatures "
     "are not enforced and lockdown is off: there is none (ENODATA), no key is known (ENOKEY), an "
     "algorithm is not supported (ENOPKG). The module then loads and taints the kernel. Every "
     "other error is final, enforced or not: a bad signature is worse than none.\n\n"
     "sig_enforce is asked before lockdown: with both, the error is EKEYREJECTED, not EPERM.",
     rules::module_sig::kTable},
    {"module_hashes_v3", "MODULE_HASHES, versions 1 to 3: a list in the kernel",
     "A proposed series, not merged: docs/mechanisms/module_hashes.md. A module that the list has "
     "loads, "
     "whatever else is true of it. One that it has not is refused with ENOKEY where MODULE_SIG is "
     "off, enforced or not; with MODULE_SIG its signature decides, by the rules of module_sig.",
     rules::module_hashes_v3::kTable},
    {"module_hashes_v4", "MODULE_HASHES, version 4: a Merkle proof behind the module",
     "A proposed series, not merged: docs/mechanisms/module_hashes.md. A module without a marker "
     "is refused "
     "with ENOPKG or EBADMSG, enforced or not, since its last bytes are taken for an information "
     "block. A wrong proof is not refused where signatures are enforced, only by lockdown. "
     "Version 5 mended both.",
     rules::module_hashes_v4::kTable},
    {"module_hashes_v5", "MODULE_HASHES, version 5: a Merkle proof behind the module",
     "A proposed series, not merged: docs/mechanisms/module_hashes.md. As with MODULE_SIG three "
     "errors are "
     "forgiven where signatures are not enforced and lockdown is off: there is no proof (ENODATA), "
     "the proof leads to another root (ENOKEY), its size is not that of the kernel's tree "
     "(ENOPKG). A module that was changed after it was hashed is among them.\n\n"
     "The type is looked at before the length: an unknown type with an absurd length is ENOPKG "
     "here and EBADMSG without the series.",
     rules::module_hashes_v5::kTable},
    {"kexec", "Loading a kernel: kexec_file_load and kexec_load",
     "The loaders of the architecture look at the file before its signature is, so a signed file "
     "of the wrong format is ENOEXEC (EINVAL on arm64). Then KEXEC_SIG verifies the signature, and "
     "what becomes of a failure depends on enforcement alone: KEXEC_SIG_FORCE, or Secure Boot with "
     "IMA_ARCH_POLICY on x86 and arm64, returns the error of the check; lockdown returns EPERM; "
     "else the image is loaded, whether its signature is missing, bad, or by a revoked key.\n\n"
     "Without KEXEC_SIG (powerpc, riscv) lockdown is not asked at all. The initrd is never checked "
     "by KEXEC_SIG. kexec_load looks at no signature: lockdown stops it, and IMA, but not "
     "KEXEC_SIG_FORCE.",
     rules::kexec::kTable},
    {"guard", "The guard: a list of digests",
     "What the guard's BPF program says to what the kernel reads (docs/guard-list.md), where one "
     "is "
     "armed. It is asked when the bytes are in memory, after IPE and before IMA and the signature "
     "check, and can only refuse: what it lets pass may be refused afterwards. The kernel logs "
     "nothing. The errors are those that it returns unless it is told another.\n\n"
     "With variant ima files are looked at before they are read and before IPE is asked, and IMA "
     "makes the digest.",
     rules::guard::kTable},
    {"ipe", "IPE: Integrity Policy Enforcement",
     "What a policy must be like to be taken (new_policy, update), in the parser's order; the last "
     "row is what becomes of a file under the active policy. Rules are tried in their order, then "
     "the operation's default counts, then the policy's. A policy is the content of a PKCS#7 "
     "message, which has at most 65535 bytes (lib/asn1_decoder.c, EMSGSIZE): about 575 rules with "
     "a "
     "digest.\n\n"
     "IPE is asked before a file is read (kernel_read_file) and before memory is "
     "(kernel_load_data), so before the guard where that hashes what was read, and before IMA.",
     rules::ipe::kTable},
    {"kernel_read", "Files that the kernel reads",
     "Firmware, policies of IMA and the initrd of kexec are read into memory before anything looks "
     "at them, and IMA is asked only then.",
     rules::kernel_read::kTable},
    {"pe_sig", "PE signatures of kernels",
     "Authenticode as verify_pefile_signature has it, on x86 and arm64. The image's digest is "
     "compared last: an image that was changed and whose signer is not trusted is ENOKEY.",
     rules::pe_sig::kTable},
    {"s390_sig", "Appended signatures of s390 kernels",
     "Looked at only where the machine was IPLed securely.", rules::s390_sig::kTable},
    {"appended_kexec_sig", "Appended signatures of kernels, as proposed",
     "Variant appended-kexec-sig: the series \"KEXEC_SIG with appended signature\" of January "
     "2022, which was not merged. s390 gets the errors of modules, and powerpc the check itself, "
     "with keys from .platform alone; lockdown then refuses kernels there too that are not signed.",
     rules::appended_kexec_sig::kTable},
    {"ima", "IMA and EVM: files",
     "What happens to a file that a rule of the policy appraises, whoever asks: opening it "
     "(FILE_CHECK), running it (BPRM_CHECK, CREDS_CHECK), mapping it to be executed (MMAP_CHECK), "
     "and the kernel reading it (MODULE_CHECK, KEXEC_KERNEL_CHECK, KEXEC_INITRAMFS_CHECK, "
     "FIRMWARE_CHECK, POLICY_CHECK). Whatever is wrong with it, the system call returns EACCES "
     "where appraisal is enforced, and goes on where it is not (ima_appraise=log, fix, off); the "
     "error in the table is the one that the kernel carries inside, and its audit record has the "
     "cause.\n\n"
     "What any rule that matches a file requires counts for all of them, and is remembered for the "
     "file until it changes. An appended signature is tried where the rule allows it "
     "(imasig|modsig) and security.ima is missing, or a digest of the type 4, or signed by a key "
     "that is not known: any other signature in security.ima decides alone.\n\n"
     "The last rows are about calls that have no file, and about setting the attributes.",
     rules::ima::kTable},
    {"ima_signature", "IMA and EVM: signatures in extended attributes",
     "integrity_digsig_verify: keys are looked for by the last four bytes of their identifiers.",
     rules::ima_sig::kTable},
    {"ima_load", "IMA: loading a policy",
     "What is written between opening and closing /sys/kernel/security/ima/policy comes into force "
     "together, or not at all; close(2) does not say which. A policy takes the place of those that "
     "ima_policy= named, but not of the architecture's and of the build's rules.",
     rules::ima_load::kTable},
    {"ima_policy", "IMA: the language of policies",
     "ima_parse_rule and ima_validate_rule: what a rule must be like to be taken, word by word, "
     "then as a whole.",
     rules::ima_policy::kTable},
    {"add_key", "Adding keys",
     "The system call add_key for the keyrings that signatures are checked against.",
     rules::add_key::kTable},
    {"keyring", "Keyrings and who may add to them",
     "What a keyring asks of a certificate (restrict_link_by_...).", rules::keyring::kTable},
    {"pkcs7", "PKCS#7 messages",
     "Parsing, verification and trust of a message, whatever it is for.", rules::pkcs7::kTable},
    {"x509", "Certificates", "As x509_cert_parse has them.", rules::x509::kTable},
    {"public_key", "Public keys", "The signature itself.", rules::public_key::kTable},
    {"asn1", "BER", "The decoder under certificates and messages.", rules::asn1::kTable},
};

}  // namespace

std::span<const RuleTable> all_rule_tables() { return kTables; }

const Rule* find_rule(std::string_view id) {
  for (const RuleTable& table : kTables)
    for (const Rule* rule : table.rules)
      if (rule->id == id) return rule;
  return nullptr;
}

}  // namespace assay
