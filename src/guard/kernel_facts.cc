#include "guard/kernel_facts.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <ranges>

#include "bytes/file_descriptor.h"
#include "bytes/pseudo_file.h"
#include "guard/guard_programs.h"

namespace assay {

namespace {

constexpr std::uint64_t kLimit = 1 << 22;

std::optional<std::string> read_text(const std::string& path) {
  const auto content = read_pseudo_file(path, kLimit);
  if (!content || !*content) return std::nullopt;
  std::string text((*content)->begin(), (*content)->end());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> words;
  for (const auto word : std::views::split(text, separator))
    if (!word.empty()) words.emplace_back(word.begin(), word.end());
  return words;
}

// "none [integrity] confidentiality".
std::string chosen_word(std::string_view text) {
  const auto from = text.find('[');
  const auto to = text.find(']');
  if (from == std::string_view::npos || to == std::string_view::npos || to < from) return {};
  return std::string(text.substr(from + 1, to - from - 1));
}

bool is_hook_of_guard(std::string_view function) {
  return std::ranges::any_of(kGuardHooks, [&](std::string_view hook) {
    return function.starts_with("bpf_lsm_") && function.substr(8) == hook;
  });
}

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};

}  // namespace

std::optional<bool> KernelFacts::has_bpf_lsm() const {
  if (!lsms) return std::nullopt;
  return std::ranges::find(*lsms, "bpf") != lsms->end();
}

KernelFacts read_kernel_facts() {
  KernelFacts facts;
  utsname name{};
  if (::uname(&name) == 0) {
    facts.release = name.release;
    facts.machine = name.machine;
  }
  if (const auto text = read_text("/sys/kernel/security/lsm")) facts.lsms = split(*text, ',');
  if (const auto text = read_text("/sys/kernel/security/lockdown"))
    facts.lockdown = chosen_word(*text);
  if (const auto text = read_text("/proc/sys/net/core/bpf_jit_enable"))
    facts.jit = std::atoi(text->c_str());
  facts.has_btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  for (const std::string& line : split(read_text("/proc/modules").value_or(""), '\n'))
    facts.modules.push_back(line.substr(0, line.find(' ')));
  return facts;
}

Result<std::vector<std::string>> find_return_modifiers(std::span<const std::uint32_t> own_links) {
  const std::unique_ptr<btf, BtfDeleter> types(btf__load_vmlinux_btf());
  if (!types) return fail(Reason::usage, {}, "the kernel's BTF cannot be read");
  std::vector<std::string> found;
  std::uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    const FileDescriptor link(bpf_link_get_fd_by_id(id));
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (!link.is_open() || bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) continue;
    if (info.type != BPF_LINK_TYPE_TRACING ||
        std::ranges::find(own_links, info.id) != own_links.end())
      continue;
    const btf_type* type = btf__type_by_id(types.get(), info.tracing.target_btf_id);
    const char* name = type == nullptr ? nullptr : btf__name_by_offset(types.get(), type->name_off);
    const std::string_view function = name == nullptr ? "?" : name;
    const std::uint32_t kind = info.tracing.attach_type;
    if ((kind == BPF_MODIFY_RETURN && function.starts_with("security_")) ||
        ((kind == BPF_LSM_MAC || kind == BPF_LSM_CGROUP) && is_hook_of_guard(function)))
      found.push_back(fmt::format("{}, program {}", function, info.prog_id));
  }
  if (errno != ENOENT)
    return fail(Reason::usage, {}, "links of BPF programs: " + describe_errno(errno));
  return found;
}

}  // namespace assay
