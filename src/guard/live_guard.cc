#include "guard/live_guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/hex.h"
#include "guard/guard_programs.h"

namespace assay {

namespace {

constexpr std::array<const char*, 4> kVerdicts = {"allowed", "missed", "denied", "protected"};
constexpr std::array<const char*, 8> kAttempts = {"",    "unlink",  "rename",        "umount",
                                                  "map", "program", "modify-return", "ftrace"};

std::string pinned(std::string_view name) { return fmt::format("{}/{}", kPinFolder, name); }

Result<FileDescriptor> open_map(std::string_view name, std::uint32_t flags) {
  const std::string path = pinned(fmt::format("map_{}", name));
  LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = flags);
  FileDescriptor map(bpf_obj_get_opts(path.c_str(), &options));
  if (!map.is_open())
    return fail(
        Reason::usage, {},
        errno == ENOENT ? "no guard is armed" : fmt::format("{}: {}", path, describe_errno(errno)));
  return map;
}

template <class Value>
Result<Value> read_only_value(std::string_view name) {
  ASSAY_TRY(const FileDescriptor map, open_map(name, BPF_F_RDONLY));
  const std::uint32_t zero = 0;
  Value value{};
  if (bpf_map_lookup_elem(map.get(), &zero, &value) != 0)
    return fail(Reason::usage, {}, fmt::format("map {}: {}", name, describe_errno(errno)));
  return value;
}

template <class Value>
Result<void> write_value(std::string_view name, const Value& value) {
  ASSAY_TRY(const FileDescriptor map, open_map(name, 0));
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(map.get(), &zero, &value, BPF_ANY) != 0)
    return fail(Reason::usage, {}, fmt::format("map {}: {}", name, describe_errno(errno)));
  return {};
}

std::uint32_t count_rows(int map) {
  std::array<std::uint8_t, 32> key{};
  std::uint32_t count = 0;
  const void* from = nullptr;
  while (bpf_map_get_next_key(map, from, key.data()) == 0) {
    ++count;
    from = key.data();
  }
  return count;
}

std::string text_of(const char* bytes, std::size_t room) { return {bytes, ::strnlen(bytes, room)}; }

GuardEvent to_event(const abi::guard_event& raw) {
  GuardEvent event;
  event.time = raw.time;
  event.size = raw.size;
  event.inode = raw.inode;
  event.device_major = raw.dev >> 20;
  event.device_minor = raw.dev & 0xfffff;
  event.pid = raw.pid;
  event.uid = raw.uid;
  event.class_number = raw.class_;
  event.verdict = kVerdicts.at(raw.verdict & 3);
  event.attempt = kAttempts.at(raw.attempt & 7);
  if (raw.has_digest != 0) event.digest = to_hex(raw.digest);
  event.command = text_of(raw.comm, sizeof raw.comm);
  event.name = text_of(raw.name, sizeof raw.name);
  return event;
}

bool is_alive(const LiveProgram& program) {
  return FileDescriptor(bpf_prog_get_fd_by_id(program.id)).is_open();
}

struct Watch {
  const std::function<bool(const GuardEvent&)>& take;
};

int hand_over(void* context, void* data, std::size_t size) {
  abi::guard_event raw{};
  std::memcpy(&raw, data, std::min(size, sizeof raw));
  return static_cast<Watch*>(context)->take(to_event(raw)) ? 0 : -ECANCELED;
}

}  // namespace

Result<void> fill_map(int map, std::span<const GuardEntry> entries) {
  for (const GuardEntry& entry : entries) {
    const abi::guard_row row{.mask = entry.mask, .source = entry.source};
    if (bpf_map_update_elem(map, entry.digest.data(), &row, BPF_ANY) != 0)
      return fail(Reason::usage, {},
                  fmt::format("digest {} of {}: {}", &entry - entries.data() + 1, entries.size(),
                              describe_errno(errno)));
  }
  return {};
}

std::vector<std::uint32_t> link_ids(std::span<const LiveProgram> programs) {
  std::vector<std::uint32_t> ids;
  for (const LiveProgram& program : programs) ids.push_back(program.link_id);
  return ids;
}

Result<LiveGuard> LiveGuard::open() {
  ASSAY_TRY(const FileDescriptor map, open_map("shown", BPF_F_RDONLY));
  return LiveGuard();
}

Result<abi::guard_conf> LiveGuard::conf() const {
  ASSAY_TRY(const auto shown, read_only_value<abi::guard_shown>("shown"));
  return shown.conf;
}
Result<abi::guard_stats> LiveGuard::stats() const {
  return read_only_value<abi::guard_stats>("stats");
}

Result<void> LiveGuard::set_conf(const abi::guard_conf& conf) {
  ASSAY_TRY(auto shown, read_only_value<abi::guard_shown>("shown"));
  ASSAY_TRY(const FileDescriptor map, open_map("conf", 0));
  shown.conf = conf;
  ASSAY_CHECK(write_value("shown", shown));
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(map.get(), &zero, &conf, BPF_ANY) != 0)
    return fail(Reason::usage, {}, "map conf: " + describe_errno(errno));
  return {};
}

Result<std::vector<LiveProgram>> LiveGuard::programs() const {
  std::vector<LiveProgram> programs;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(std::string(kPinFolder).c_str()),
                                                   ::closedir);
  if (!folder) return fail(Reason::usage, {}, "no guard is armed");
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name(entry->d_name);
    if (!name.starts_with("link_")) continue;
    LiveProgram program;
    program.name = name.substr(5);
    const FileDescriptor link(bpf_obj_get(pinned(name).c_str()));
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (link.is_open() && bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0) {
      program.id = info.prog_id;
      program.link_id = info.id;
    }
    const FileDescriptor file(bpf_prog_get_fd_by_id(program.id));
    bpf_prog_info of_program{};
    size = sizeof of_program;
    if (file.is_open() && bpf_obj_get_info_by_fd(file.get(), &of_program, &size) == 0) {
      program.runs = of_program.run_cnt;
      program.run_ns = of_program.run_time_ns;
    }
    programs.push_back(program);
  }
  std::ranges::sort(programs, {}, &LiveProgram::name);
  return programs;
}

Result<std::uint32_t> LiveGuard::added_count() const {
  ASSAY_TRY(const auto shown, read_only_value<abi::guard_shown>("shown"));
  return shown.added;
}

Result<void> LiveGuard::add(std::span<const GuardEntry> entries) {
  ASSAY_TRY(auto shown, read_only_value<abi::guard_shown>("shown"));
  ASSAY_TRY(const FileDescriptor map, open_map("added", 0));
  const auto filled = fill_map(map.get(), entries);
  shown.added = count_rows(map.get());
  ASSAY_CHECK(write_value("shown", shown));
  return filled;
}

Result<void> LiveGuard::seal() {
  ASSAY_TRY(abi::guard_conf sealed, conf());
  if (sealed.sealed != 0) return {};
  sealed.sealed = 1;
  ASSAY_CHECK(set_conf(sealed));
  if (open_map("conf", BPF_F_RDONLY))
    return fail(Reason::usage, {},
                "the guard is sealed, and its maps can be opened: it is not called");
  return {};
}

Result<void> LiveGuard::unload() {
  ASSAY_TRY(const abi::guard_conf now, conf());
  if (now.sealed != 0)
    return fail(Reason::usage, {}, "the guard is sealed: it stays until the next boot");
  ASSAY_TRY(const auto links, programs());
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(std::string(kPinFolder).c_str()),
                                                   ::closedir);
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr)
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  // What asks first, what protects the asking last.
  std::ranges::sort(names, std::greater<>());
  for (const std::string& name : names)
    if (::unlink(pinned(name).c_str()) != 0)
      return std::unexpected(Error{Reason::cannot_write, {}, describe_errno(errno), pinned(name)});
  if (::rmdir(std::string(kPinFolder).c_str()) != 0)
    return std::unexpected(
        Error{Reason::cannot_write, {}, describe_errno(errno), std::string(kPinFolder)});
  // The kernel lets go of what was pinned after a while (RCU), of a program last.
  for (int tries = 0; tries < 500 && std::ranges::any_of(links, is_alive); ++tries)
    ::usleep(10'000);
  return {};
}

Result<int> LiveGuard::apply_overlay(std::span<const std::uint8_t> file, std::size_t data_size,
                                     unsigned keyring) const {
  ASSAY_TRY(const abi::guard_stats before, stats());
  // The call itself fails whatever the guard answers: that lies in a map.
  ::prctl(GUARD_PRCTL, file.data(), data_size, file.size() - data_size, keyring);
  const int error = errno;
  ASSAY_TRY(const abi::guard_stats after, stats());
  if (after.overlays == before.overlays)
    return fail(Reason::usage, {},
                error == EBUSY ? "another overlay is being taken"
                               : "the guard did not look at the overlay: this needs root");
  return static_cast<int>(after.overlay_result);
}

Result<void> LiveGuard::watch(int timeout_ms,
                              const std::function<bool(const GuardEvent&)>& take) const {
  ASSAY_TRY(const FileDescriptor map, open_map("events", 0));
  Watch context{take};
  const std::unique_ptr<ring_buffer, void (*)(ring_buffer*)> ring(
      ring_buffer__new(map.get(), hand_over, &context, nullptr), ring_buffer__free);
  if (!ring) return fail(Reason::usage, {}, "map events: " + describe_errno(errno));
  for (;;) {
    const int count = ring_buffer__poll(ring.get(), timeout_ms);
    if (count == -ECANCELED) return {};
    if (count == -EINTR) continue;
    if (count < 0) return fail(Reason::usage, {}, "map events: " + describe_errno(count));
    if (count == 0) return {};
  }
}

}  // namespace assay
