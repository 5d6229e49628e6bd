#include "cli/confinement.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/limits.h"
#include "bytes/content.h"
#include "sandbox/confine.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_HAS_LEAK_CHECK
#endif
#endif

#ifdef ASSAY_HAS_LEAK_CHECK
// LeakSanitizer stops the process with a tracer, which a confined process cannot start.
static bool is_confined = false;
extern "C" int __lsan_is_turned_off() { return is_confined ? 1 : 0; }
#endif

namespace assay {

namespace {

namespace fs = std::filesystem;

// Libraries and their settings, kernels and modules, what the host says of itself.
constexpr std::array kHost = {"/usr",
                              "/lib",
                              "/lib64",
                              "/boot",
                              "/etc/ssl",
                              "/etc/ima",
                              "/etc/keys",
                              "/etc/os-release",
                              "/etc/ld.so.cache",
                              "/proc/self",
                              "/proc/sys",
                              "/proc/keys",
                              "/proc/cmdline",
                              "/proc/config.gz",
                              "/proc/cpuinfo",
                              "/proc/meminfo",
                              "/proc/version",
                              "/sys",
                              "/dev/null",
                              "/dev/urandom",
                              "/var/lib/dkms",
                              "/var/lib/shim-signed"};

// Entries of a folder that are looked at for what belongs to a path.
constexpr std::size_t kMostNeighbours = 1000;

// What belongs to a path and lies beside it: the kernel of a folder of modules, the configuration
// of a kernel.
void add_beside(const fs::path& path, std::vector<std::string>& readable) {
  const std::string text = path.string() + '/';
  constexpr std::string_view kModules = "lib/modules/";
  if (const auto at = text.find(kModules); at != text.npos) {
    const std::string root = text.substr(0, at);
    for (const char* folder : {"boot", "lib/modules", "usr/lib/modules", "../boot"})
      readable.push_back(root + folder);
  }
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return;
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    if (++seen > kMostNeighbours) break;
    if (entry.path().filename().string().starts_with("config"))
      readable.push_back(entry.path().string());
  }
}

// A platform file names certificates, keys and policies, from its own folder on: all that is quoted
// there and is a path.
void add_named(const fs::path& file, std::vector<std::string>& readable) {
  if (file.extension() != ".toml") return;
  const auto content = open_file(file.string());
  std::vector<std::uint8_t> scratch;
  if (!content || (*content)->size() > limits::kConfig) return;
  const auto bytes = view_of(**content, 0, (*content)->size(), scratch);
  if (!bytes) return;
  std::string_view text = bytes->text();
  while (!text.empty()) {
    const std::size_t begin = text.find_first_of("\"'");
    if (begin == text.npos) return;
    const std::size_t end = text.find(text[begin], begin + 1);
    if (end == text.npos) return;
    const fs::path named = file.parent_path() / text.substr(begin + 1, end - begin - 1);
    std::error_code error;
    if (end != begin + 1 && fs::is_regular_file(named, error)) readable.push_back(named.string());
    text.remove_prefix(end + 1);
  }
}

// Whether all that is named are single files: images, packages, modules. Links in folders lead
// elsewhere, and platforms are asked about the whole host.
bool names_files_alone(std::string_view command, std::span<char*> words) {
  return command != "judge" && std::ranges::all_of(words, [](const std::string_view word) {
           std::error_code error;
           const fs::path path(word.substr(word.find('=') + 1));
           return !fs::exists(path, error) ||
                  (fs::is_regular_file(path, error) && path.extension() != ".toml");
         });
}

std::vector<std::string> readable_paths(std::span<char*> words) {
  std::vector<std::string> readable(kHost.begin(), kHost.end());
  for (const std::string_view word : words) {
    for (const std::string_view part : {word, word.substr(word.find('=') + 1)}) {
      std::error_code error;
      const fs::path path(part);
      if (part.empty() || !fs::exists(path, error)) continue;
      readable.emplace_back(part);
      const fs::path real = fs::canonical(path, error);
      if (error) continue;
      add_beside(real, readable);
      add_named(real, readable);
      if (!fs::is_directory(real, error)) continue;
      std::size_t seen = 0;
      for (const auto& entry : fs::directory_iterator(real, error)) {
        if (++seen > kMostNeighbours) break;
        add_named(entry.path(), readable);
      }
    }
  }
  return readable;
}

}  // namespace

void ConfinementArguments::add_to(CLI::App& app) {
  app.add_option("--sandbox", mode_,
                 "whether to give up all but reading what is named: auto (the default; as far as "
                 "the kernel can), require, off")
      ->type_name("WHEN")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "require", "off"}));
}

Result<void> ConfinementArguments::apply(std::string_view command, std::span<char*> words,
                                         bool is_verbose, Output& output) const {
  if (mode_ == "off") return {};
  const char* scratch = std::getenv("TMPDIR");
  const bool has_scratch = scratch != nullptr && *scratch != '\0';
  words = words.subspan(1);
  std::vector<std::string> readable = {"/"};
  if (mode_ == "require" || names_files_alone(command, words)) readable = readable_paths(words);
  const Confinement held = confine_process({std::move(readable), has_scratch ? scratch : "/tmp"});
#ifdef ASSAY_HAS_LEAK_CHECK
  is_confined = held.calls;
#endif
  if (held.files && held.calls) return {};
  if (mode_ == "require")
    return fail(Reason::usage, {}, "--sandbox=require cannot be had: " + held.missing);
  if (is_verbose) output.warn("goes on without a full sandbox: " + held.missing);
  return {};
}

}  // namespace assay
