#include "guard/arm.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "guard/guard_maps.h"
#include "guard/guard_programs.h"
#include "guard/live_guard.h"

namespace assay {

namespace {

constexpr std::array kPreferred = {GuardVariant::buffer, GuardVariant::cast, GuardVariant::ima};

std::uint32_t kernel_device(dev_t device) { return major(device) << 20 | minor(device); }

Result<void> mount_bpffs() {
  const std::string folder(kBpfFolder);
  struct statfs found{};
  if (::statfs(folder.c_str(), &found) == 0 &&
      static_cast<std::uint32_t>(found.f_type) == BPF_FS_MAGIC)
    return {};
  if (::mount("bpf", folder.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
    return std::unexpected(Error{Reason::cannot_write, {}, describe_errno(errno), folder});
  return {};
}

Result<GuardPrograms> load_variant(GuardVariant variant, VariantTrial& trial) {
  trial.variant = variant;
  trial.with_overlays = true;
  auto programs = GuardPrograms::load(programs_of(variant, true));
  if (!programs) {
    trial.with_overlays = false;
    auto without = GuardPrograms::load(programs_of(variant, false));
    if (without) programs = std::move(without);
  }
  trial.loads = programs.has_value();
  if (!programs) trial.error = programs.error().detail;
  return programs;
}

Result<void> attach_all(GuardPrograms& programs, VariantTrial& trial) {
  for (const std::string& name : programs_of(trial.variant, trial.with_overlays))
    if (auto attached = programs.attach(name); !attached) {
      trial.error = attached.error().detail;
      return attached;
    }
  trial.attaches = true;
  return {};
}

std::uint64_t now_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

abi::guard_conf to_conf(const GuardOptions& options, std::size_t rows, std::size_t modules) {
  abi::guard_conf conf{};
  for (std::size_t number = 0; number < kGuardClasses; ++number)
    conf.mode[number] = static_cast<std::uint8_t>(options.modes[number]);
  conf.error = options.error;
  conf.flags = options.body ? GUARD_BODY : 0;
  conf.keyrings = options.keyrings;
  struct stat root{};
  if (::stat("/", &root) == 0) conf.root_dev = kernel_device(root.st_dev);
  conf.armed = now_since_boot();
  conf.rows = static_cast<std::uint32_t>(rows);
  conf.modules_before = static_cast<std::uint32_t>(modules);
  options.list_name.copy(conf.list, sizeof conf.list - 1);
  return conf;
}

Result<void> write_only_value(int map, const void* value, std::string_view name) {
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(map, &zero, value, BPF_ANY) != 0)
    return fail(Reason::usage, {}, fmt::format("map {}: {}", name, describe_errno(errno)));
  return {};
}

// What may not be opened once the guard is sealed.
Result<void> list_protected(const GuardPrograms& programs) {
  const auto insert = [&](std::uint64_t kind, std::uint32_t id) {
    const std::uint64_t key = kind << 32 | id;
    const std::uint64_t value = 1;
    return bpf_map_update_elem(programs.map("prot"), &key, &value, BPF_ANY) == 0;
  };
  bool done = true;
  for (const std::string_view name : kGuardMaps) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    done = done && bpf_obj_get_info_by_fd(programs.map(name), &info, &size) == 0;
    if (name == "events") continue;  // readers move its position
    // Who may only read a map may still write it with an iterator (kernel/bpf/map_iter.c), whatever
    // the map's flags say: what decides is not given to anybody.
    const bool is_closed = name != "stats" && name != "shown";
    done = done && insert(is_closed ? GUARD_PROT_MAP_CLOSED : GUARD_PROT_MAP_READ_ONLY, info.id);
  }
  for (const std::uint32_t id : programs.program_ids()) done = done && insert(GUARD_PROT_PROG, id);
  for (const std::string_view hook : kGuardHooks) {
    const int id = libbpf_find_vmlinux_btf_id(std::string(hook).c_str(), BPF_LSM_MAC);
    done = done && id > 0 && insert(GUARD_PROT_HOOK, static_cast<std::uint32_t>(id));
  }
  if (!done) return fail(Reason::usage, {}, "map prot: " + describe_errno(errno));
  return {};
}

// The program that sees the call notes which mount it is and answers EBUSY.
void tell_mount() { ::umount2(std::string(kBpfFolder).c_str(), GUARD_MNT_EXPIRE); }

Result<void> pin_and_protect(GuardPrograms& programs, abi::guard_conf& conf, bool has_bpf) {
  ASSAY_CHECK(programs.pin());
  struct stat folder{};
  if (::stat(std::string(kPinFolder).c_str(), &folder) != 0)
    return std::unexpected(
        Error{Reason::cannot_read, {}, describe_errno(errno), std::string(kPinFolder)});
  conf.pin_dev = kernel_device(folder.st_dev);
  conf.pin_dir = folder.st_ino;
  ASSAY_CHECK(write_only_value(programs.map("conf"), &conf, "conf"));
  const abi::guard_shown shown{.conf = conf};
  ASSAY_CHECK(write_only_value(programs.map("shown"), &shown, "shown"));
  ASSAY_CHECK(list_protected(programs));
  if (has_bpf) tell_mount();
  return {};
}

Result<Armed> arm_loaded(GuardPrograms& programs, std::span<const GuardEntry> entries,
                         const GuardOptions& options, const KernelFacts& facts, Armed armed) {
  ASSAY_CHECK(fill_map(programs.map("allow"), entries));
  if (bpf_map_freeze(programs.map("allow")) != 0)
    return fail(Reason::usage, {}, "map allow: " + describe_errno(errno));
  abi::guard_conf conf = to_conf(options, entries.size(), facts.modules.size());
  ASSAY_CHECK(write_only_value(programs.map("conf"), &conf, "conf"));
  ASSAY_CHECK(attach_all(programs, armed.variant));
  ASSAY_CHECK(pin_and_protect(programs, conf, facts.has_bpf_lsm() != false));
  ASSAY_TRY(armed.test, test_guard());
  if (!armed.test.passed()) return armed;
  // What the test itself did is nobody's.
  const abi::guard_stats none{};
  ASSAY_CHECK(write_only_value(programs.map("stats"), &none, "stats"));
  if (options.seal) {
    ASSAY_TRY(LiveGuard guard, LiveGuard::open());
    ASSAY_CHECK(guard.seal());
    armed.sealed = true;
  }
  return armed;
}

// Before 5.11 the memory of maps counted as locked.
void raise_memory_limit() {
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &all);
}

std::string why_none(const GuardProbe& probe) {
  if (!probe.facts.has_btf) return "the kernel has no BTF";
  const auto& first = probe.trials.front();
  if (first.loads && first.error.ends_with("ENOTSUPP"))
    return "programs load and cannot be attached: this architecture's kernel has no direct calls "
           "of ftrace (arm64 from 6.4)";
  return first.error;
}

}  // namespace

GuardProbe probe_guard() {
  raise_memory_limit();
  GuardProbe probe;
  probe.facts = read_kernel_facts();
  probe.modifiers = find_return_modifiers({}).value_or(std::vector<std::string>{});
  for (const GuardVariant variant : kPreferred) {
    VariantTrial& trial = probe.trials.emplace_back();
    auto programs = load_variant(variant, trial);
    if (programs) (void)attach_all(*programs, trial);
  }
  const auto best = std::ranges::find_if(probe.trials, &VariantTrial::attaches);
  if (probe.facts.has_bpf_lsm() == false) {
    probe.why =
        "bpf is not in the kernel's list of LSMs (lsm=): programs attach and are not called";
  } else if (best == probe.trials.end()) {
    probe.why = why_none(probe);
  } else {
    probe.chosen = best->variant;
    probe.why = best == probe.trials.begin()
                    ? "it hashes the kernel's own buffer"
                    : fmt::format("{} does not work here: {}",
                                  guard_variant_name(probe.trials.front().variant),
                                  probe.trials.front().error);
  }
  return probe;
}

Result<Armed> arm_guard(std::span<const GuardEntry> entries, const GuardOptions& options) {
  raise_memory_limit();
  if (::access(std::string(kPinFolder).c_str(), F_OK) == 0)
    return fail(Reason::usage, {}, "a guard is armed already");
  ASSAY_CHECK(mount_bpffs());
  const KernelFacts facts = read_kernel_facts();
  Armed armed;
  armed.modules_before = facts.modules;
  Result<GuardPrograms> programs = fail(Reason::usage, {}, "no variant");
  std::string errors;
  for (const GuardVariant variant : kPreferred) {
    if (options.variant && variant != *options.variant) continue;
    armed.variant = {};
    programs = load_variant(variant, armed.variant);
    if (programs) break;
    errors += fmt::format("{}{}: {}", errors.empty() ? "" : "; ", guard_variant_name(variant),
                          armed.variant.error);
  }
  if (!programs) return fail(Reason::usage, {}, errors);
  auto result = arm_loaded(*programs, entries, options, facts, std::move(armed));
  if (!result || !result->test.passed()) programs->unpin();
  return result;
}

}  // namespace assay
