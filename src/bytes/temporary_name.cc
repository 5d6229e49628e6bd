#include "bytes/temporary_name.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <optional>
#include <vector>

#include "bytes/file_descriptor.h"

namespace assay {

namespace {

constexpr std::string_view kPrefix = ".assay-";

// What /proc says in one read; empty where it says nothing.
std::string read_proc(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;
  const ssize_t got = file.is_open() ? ::read(file.get(), text.data(), text.size()) : -1;
  return {text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

// FNV-1a, to 32 bits.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return hash;
}

std::uint64_t this_place() {
  std::array<char, 256> space;
  const ssize_t size = ::readlink("/proc/self/ns/pid", space.data(), space.size());
  return hash_of(read_proc("/proc/sys/kernel/random/boot_id") +
                 std::string(space.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
}

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// proc(5): the 22nd field of stat; the second, in parentheses, may hold anything.
std::optional<std::uint64_t> start_of(std::uint64_t process) {
  const std::string stat = read_proc(fmt::format("/proc/{}/stat", process));
  std::string_view left(stat);
  const std::size_t name_end = left.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  left.remove_prefix(name_end + 1);
  for (int field = 2; field < 22; ++field) {
    const std::size_t space = left.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    left.remove_prefix(space + 1);
  }
  return number_of(left.substr(0, left.find(' ')), 10);
}

struct Owner {
  std::uint64_t place = 0;
  std::uint64_t process = 0;
  std::uint64_t start = 0;
};

std::optional<Owner> owner_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::vector<std::uint64_t> fields;
  for (;;) {
    const std::size_t end = name.find('-');
    const auto field = number_of(name.substr(0, end), 16);
    if (!field) return std::nullopt;
    fields.push_back(*field);
    if (end == std::string_view::npos) break;
    name.remove_prefix(end + 1);
  }
  if (fields.size() != 4) return std::nullopt;
  return Owner{fields[0], fields[1], fields[2]};
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    number = static_cast<std::uint64_t>(std::clock());
  return number;
}

}  // namespace

std::string temporary_mark() {
  const auto process = static_cast<std::uint64_t>(::getpid());
  return fmt::format("{}{:x}-{:x}-{:x}-", kPrefix, this_place(), process,
                     start_of(process).value_or(0));
}

std::string make_temporary_name(const std::string& mark) {
  // The system is asked once a run, not once a file.
  static std::atomic<std::uint64_t> next = random_number();
  return fmt::format("{}{:016x}", mark, next++);
}

bool is_temporary_name(std::string_view file_name) { return file_name.starts_with(kPrefix); }

bool is_left_over(const std::string& folder, const std::string& file_name) {
  const auto owner = owner_of(file_name);
  if (!owner) return false;
  const std::string path = folder + '/' + file_name;
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (owner->place == this_place() && owner->start != 0)
    return start_of(owner->process) != owner->start;
  constexpr std::time_t kDay = 24 * 60 * 60;
  return status.st_mtim.tv_sec < std::time(nullptr) - kDay;
}

}  // namespace assay
