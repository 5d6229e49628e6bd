#include "survey/judge_request.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ranges>

#include "base/limits.h"
#include "formats/module_name.h"
#include "judge/ima_door.h"

namespace assay {

namespace {

struct FlagName {
  std::string_view name;
  std::uint32_t value;
};

constexpr std::array<FlagName, 3> kModuleFlags = {{
    {"force-modversions", module_flags::kIgnoreModversions},
    {"force-vermagic", module_flags::kIgnoreVermagic},
    {"compressed", module_flags::kCompressedFile},
}};

// include/uapi/linux/kexec.h.
constexpr std::array<FlagName, 2> kKexecFlags = {{{"on-crash", 2}, {"no-initramfs", 4}}};

Result<std::uint32_t> parse_flag(std::span<const FlagName> names, std::string_view text) {
  for (const FlagName& flag : names)
    if (flag.name == text) return flag.value;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  std::string known;
  for (const FlagName& flag : names) known += fmt::format("{}, ", flag.name);
  return fail(Reason::usage, {},
              fmt::format("unknown flag {}, expected {}or a number", text, known));
}

// What kmod does with a compressed file whose bytes it decompresses itself.
Result<std::unique_ptr<Content>> decompress(const Content& content, std::string_view file_name) {
  const auto name = parse_module_name(file_name);
  if (!name || !name->codec) return nullptr;
  DecoderOptions options;
  options.after = AfterStream::refuse;
  ASSAY_TRY(auto stream,
            open_decoder(*name->codec, std::make_unique<ContentStream>(content), options));
  return hold(*stream, limits::kArtifactInMemory, limits::kArtifactSize);
}

// IMA is asked when the file has been read. What it answers is not found out here: with a rule that
// appraises, the verdict is open.
Outcome ask_ima(Walk& walk, const JudgeRequest& request, const Platform& platform) {
  const auto rule = find_appraisal_rule(
      platform, request.request == Request::module ? "MODULE_CHECK" : "KEXEC_KERNEL_CHECK");
  if (!rule || walk.settle(Truth::unknown, "ima: " + *rule)) return {};
  return {Errno::eacces, -1};
}

}  // namespace

Result<JudgeRequest> parse_request(std::string_view request, const std::string& syscall,
                                   const std::string& flags) {
  JudgeRequest parsed;
  if (request == "kexec")
    parsed.request = Request::kexec;
  else if (request != "module")
    return fail(Reason::usage, {},
                fmt::format("unknown request {}, expected module or kexec", request));
  const bool is_module = parsed.request == Request::module;
  const std::array<std::string_view, 2> calls =
      is_module ? std::array<std::string_view, 2>{"init_module", "finit_module"}
                : std::array<std::string_view, 2>{"kexec_load", "kexec_file_load"};
  if (!syscall.empty()) {
    if (std::ranges::find(calls, syscall) == calls.end())
      return fail(Reason::usage, {},
                  fmt::format("{} is no system call for {}, expected {} or {}", syscall, request,
                              calls[0], calls[1]));
    parsed.syscall = syscall;
  }
  const std::span<const FlagName> names =
      is_module ? std::span<const FlagName>(kModuleFlags) : std::span<const FlagName>(kKexecFlags);
  if (flags.empty()) return parsed;
  for (const auto part : flags | std::views::split(',')) {
    ASSAY_TRY(const std::uint32_t flag,
              parse_flag(names, std::string_view(part.begin(), part.end())));
    parsed.flags |= flag;
  }
  return parsed;
}

Result<RequestEvidence> collect_request(const JudgeRequest& request, const Content& content,
                                        std::string_view file_name) {
  RequestEvidence evidence;
  const EvidenceOptions options{.file_sha256 = true};
  if (request.request == Request::kexec) {
    ASSAY_TRY(evidence.kexec, collect_kexec(content, options));
    return evidence;
  }
  evidence.load = {request.syscall == "init_module", request.flags};
  if (!request.syscall && request.flags == 0) {
    ASSAY_TRY(const auto plain, decompress(content, file_name));
    if (plain) {
      evidence.load.from_memory = true;
      ASSAY_TRY(evidence.module, collect_module(*plain, options));
      return evidence;
    }
  }
  ASSAY_TRY(evidence.module, collect_module(content, options));
  return evidence;
}

RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const Platform& platform, bool explain) {
  RequestVerdict judged;
  std::optional<Outcome> signature;
  bool first = true;
  judged.verdict = conclude(platform.kernel, explain, [&](Walk& walk) {
    std::optional<Outcome> signature_here;
    std::string taint;
    if (const Outcome open = ask_ima(walk, request, platform); open.failed())
      return Ending{Decision::refused, open};
    const Ending ending =
        request.request == Request::module
            ? load_module(walk, *evidence.module, evidence.load, platform, taint)
        : request.syscall == "kexec_load"
            ? kexec_load(walk, platform, {})
            : kexec_file_load(walk, *evidence.kexec, {request.flags}, platform, {}, signature_here);
    // The verdict is that of the first walk; others only show whether it is certain.
    if (first) {
      judged.taint = taint;
      signature = signature_here;
      first = false;
    }
    return ending;
  });
  if (signature && !signature->crash) judged.signature_err = signature->err;
  return judged;
}

}  // namespace assay
