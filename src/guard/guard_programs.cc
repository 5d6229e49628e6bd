#include "guard/guard_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "base/errno.h"
#include "guard/guard_object.h"

namespace assay {

namespace {

std::string& last_words() {
  static std::string words;
  return words;
}

// libbpf prints, and verifiers say much: the last lines are what they stumbled over.
int keep_words(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::string line(1 << 20, '\0');
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string& words = last_words();
  words.append(line, 0, std::min(line.size() - 1, static_cast<std::size_t>(std::max(size, 0))));
  if (words.size() > 16384) words.erase(0, words.size() - 16384);
  return size;
}

std::string pin_path(std::string_view kind, std::string_view name) {
  return fmt::format("{}/{}_{}", kPinFolder, kind, name);
}

}  // namespace

std::string describe_errno(int number) {
  const auto known = find_errno(number < 0 ? -number : number);
  if (known) return std::string(errno_name(*known));
  const char* name = ::strerrorname_np(std::abs(number));
  return name != nullptr ? name : fmt::format("error {}", std::abs(number));
}

std::vector<std::string> programs_of(GuardVariant variant, bool with_overlays) {
  std::vector<std::string> names = {"protect_unlink", "protect_rename", "protect_map",
                                    "protect_prog",   "protect_bpf",    "protect_ftrace"};
  names.push_back(fmt::format("protect_umount_{}", guard_variant_name(variant)));
  if (with_overlays) names.emplace_back("overlay_prctl");
  if (variant == GuardVariant::ima) {
    names.insert(names.end(), {"ima_read", "ima_load"});
    return names;
  }
  names.insert(names.end(), {"partial_read", "unseen_load"});
  for (const char* hook : {"post_load", "post_read"})
    names.push_back(fmt::format("{}_{}", guard_variant_name(variant), hook));
  return names;
}

void GuardPrograms::Deleter::operator()(bpf_object* object) const { bpf_object__close(object); }

Result<GuardPrograms> GuardPrograms::load(std::span<const std::string> names) {
  libbpf_set_print(keep_words);
  last_words().clear();
  const auto bytes = guard_object();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "assay_guard");
  GuardPrograms loaded;
  loaded.object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), &options));
  if (!loaded.object_)
    return fail(
        Reason::usage, {},
        fmt::format("libbpf does not open the guard's programs: {}", describe_errno(errno)));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, loaded.object_.get()) {
    const bool is_wanted = std::ranges::find(names, bpf_program__name(program)) != names.end();
    bpf_program__set_autoload(program, is_wanted);
  }
  if (const int error = bpf_object__load(loaded.object_.get()); error != 0) {
    const std::string& words = last_words();
    const bool has_more = std::getenv("ASSAY_GUARD_VERIFIER_LOG") != nullptr;
    return fail(Reason::usage, {},
                fmt::format("the kernel does not take the guard's programs: {}{}{}",
                            describe_errno(error), has_more ? "\n" : "", has_more ? words : ""));
  }
  return loaded;
}

GuardPrograms::GuardPrograms(GuardPrograms&& other) noexcept
    : object_(std::move(other.object_)), links_(std::exchange(other.links_, {})) {}

GuardPrograms& GuardPrograms::operator=(GuardPrograms&& other) noexcept {
  std::swap(object_, other.object_);
  std::swap(links_, other.links_);
  return *this;
}

GuardPrograms::~GuardPrograms() {
  for (const auto& [name, link] : links_) bpf_link__destroy(link);
}

int GuardPrograms::map(std::string_view name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), std::string(name).c_str());
}

std::vector<std::uint32_t> GuardPrograms::program_ids() const {
  std::vector<std::uint32_t> ids;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    const int file = bpf_program__fd(program);
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (file >= 0 && bpf_obj_get_info_by_fd(file, &info, &size) == 0) ids.push_back(info.id);
  }
  return ids;
}

Result<void> GuardPrograms::attach(const std::string& name) {
  bpf_program* program = bpf_object__find_program_by_name(object_.get(), name.c_str());
  bpf_link* link = program == nullptr ? nullptr : bpf_program__attach_lsm(program);
  if (link == nullptr)
    return fail(Reason::usage, {},
                fmt::format("{} cannot be attached: {}", name, describe_errno(errno)));
  links_.emplace_back(name, link);
  return {};
}

Result<void> GuardPrograms::pin() {
  const std::string folder(kPinFolder);
  if (::mkdir(folder.c_str(), 0700) != 0)
    return std::unexpected(Error{Reason::cannot_write, {}, describe_errno(errno), folder});
  for (const std::string_view name : kGuardMaps) {
    const std::string path = pin_path("map", name);
    if (bpf_obj_pin(map(name), path.c_str()) != 0)
      return std::unexpected(Error{Reason::cannot_write, {}, describe_errno(errno), path});
  }
  for (const auto& [name, link] : links_) {
    const std::string path = pin_path("link", name);
    if (const int error = bpf_link__pin(link, path.c_str()); error != 0)
      return std::unexpected(Error{Reason::cannot_write, {}, describe_errno(error), path});
  }
  return {};
}

void GuardPrograms::unpin() {
  for (const auto& [name, link] : links_) ::unlink(pin_path("link", name).c_str());
  for (const std::string_view name : kGuardMaps) ::unlink(pin_path("map", name).c_str());
  ::rmdir(std::string(kPinFolder).c_str());
}

}  // namespace assay
