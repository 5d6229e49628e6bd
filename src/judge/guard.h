// judge/guard.h - what the guard says to what a kernel is about to read: a BPF program that lets
// pass what is on a list (docs/guard-list.md).
//
// It can only refuse. What it lets pass the kernel goes on with: IPE, IMA and signatures are asked
// afterwards. Which hooks are called for a request, with which bytes, is the kernel's
// (fs/kernel_read_file.c, kernel/module/main.c, kernel/kexec.c, kernel/kexec_file.c).

#pragma once

#include <memory>
#include <vector>

#include "guardlist/guard_list.h"
#include "judge/verdict.h"

namespace assay {

enum class GuardProgram : std::uint8_t {
  ima,     // digests that IMA makes, of files alone
  buffer,  // SHA-256 over the loader's buffer
  cast,    // the same, under lockdown=confidentiality
};
std::string_view guard_program_name(GuardProgram variant);  // "cast"
std::optional<GuardProgram> find_guard_program(std::string_view name);

enum class GuardEnforcement : std::uint8_t { off, audit, enforce };
std::string_view guard_enforcement_name(GuardEnforcement enforcement);
std::optional<GuardEnforcement> find_guard_enforcement(std::string_view name);

// A guard that is armed.
struct GuardState {
  GuardProgram variant = GuardProgram::buffer;
  GuardEnforcement enforcement = GuardEnforcement::enforce;
  ReadMask classes = 0;  // that it decides
  Errno err = Errno::ekeyrejected;
  std::shared_ptr<const GuardList> list;
};

// What is asked of the kernel.
enum class GuardRequest : std::uint8_t {
  finit_module,
  finit_module_compressed,  // with flag 4: the kernel decompresses
  init_module,
  kexec_image,
  kexec_load,
  kexec_initramfs,
  firmware,
  policy,
};

// The bytes that it is about: as they are handed over, and those of a module that the kernel has
// decompressed, where it can. `module`: by the mode of the list, where they are read as a module.
struct GuardBytes {
  std::uint64_t size = 0;
  GuardDigest whole{};
  GuardDigest module{};
};
struct GuardEvidence {
  GuardBytes stored;
  std::optional<GuardBytes> decompressed;
};
Result<GuardEvidence> collect_guard(const Content& stored, const Content* decompressed,
                                    GuardMode mode);

// allowed_unverified where nothing is decided: the guard is off, lets everything pass that it would
// refuse (audit), or does not decide the class.
Ending judge_guard(Walk& walk, const GuardState& state, GuardRequest request,
                   const GuardEvidence& evidence);

}  // namespace assay
