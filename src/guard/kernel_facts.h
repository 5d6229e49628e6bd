// guard/kernel_facts.h - what a running kernel says of itself that the guard depends on.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay {

struct KernelFacts {
  std::string release;
  std::string machine;
  std::optional<std::vector<std::string>> lsms;  // in their order; nothing: securityfs says nothing
  std::string lockdown;              // none, integrity, confidentiality; empty: no such LSM
  std::optional<int> jit;            // net.core.bpf_jit_enable
  bool has_btf = false;              // /sys/kernel/btf/vmlinux
  std::vector<std::string> modules;  // loaded now

  // Nothing where it is not known.
  std::optional<bool> has_bpf_lsm() const;
};

KernelFacts read_kernel_facts();

// Programs that may answer in the place of the guard: those that modify what a security hook
// returns (BPF_MODIFY_RETURN), and those of BPF LSM at a hook of the guard, but for `own_links`:
// "security_kernel_post_read_file, program 12".
Result<std::vector<std::string>> find_return_modifiers(std::span<const std::uint32_t> own_links);

}  // namespace assay
