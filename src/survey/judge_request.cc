#include "survey/judge_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <ranges>

#include "base/limits.h"
#include "formats/elf.h"
#include "formats/module_name.h"
#include "survey/open_whole.h"
#include "survey/request_walk.h"

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

constexpr std::string_view kRequests[] = {
    "module", "kexec", "kexec-initramfs", "firmware", "policy", "read", "exec", "mmap"};

// The hook of what IMA alone looks at, once the file is open; of reading there is none.
ImaHook hook_of(Request request) {
  switch (request) {
    case Request::kexec_initramfs: return ImaHook::kexec_initramfs_check;
    case Request::firmware: return ImaHook::firmware_check;
    case Request::policy: return ImaHook::policy_check;
    default: return ImaHook::none;
  }
}

}  // namespace

std::string_view request_name(Request request) {
  return kRequests[static_cast<std::size_t>(request)];
}

bool is_for_ima_alone(Request request) {
  return request != Request::module && request != Request::kexec;
}

Result<JudgeRequest> parse_request(std::string_view request, const std::string& syscall,
                                   const std::string& flags) {
  JudgeRequest parsed;
  const auto* found = std::ranges::find(kRequests, request);
  if (found == std::end(kRequests))
    return fail(
        Reason::usage, {},
        fmt::format("unknown request {}, expected {}", request, fmt::join(kRequests, ", ")));
  parsed.request = static_cast<Request>(found - std::begin(kRequests));
  if (is_for_ima_alone(parsed.request)) {
    if (!syscall.empty() || !flags.empty())
      return fail(Reason::usage, {}, fmt::format("{} has no --syscall and no --flags", request));
    return parsed;
  }
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

namespace {

const AppendedEvidence* appended_of(const RequestEvidence& evidence) {
  if (evidence.module) return &evidence.module->appended;
  return evidence.kexec ? &evidence.kexec->appended : evidence.appended.get();
}

// Of the file itself: what is loaded from memory may be another, which kmod decompressed.
std::vector<Digest> known_digests(const RequestEvidence& evidence) {
  const AppendedEvidence* appended = appended_of(evidence);
  if (appended == nullptr || evidence.load.from_memory) return {};
  return appended->file_digests;
}

// The file in memory, and what the kernel makes of a compressed module.
void add_memory(RequestEvidence& evidence) {
  if (const AppendedEvidence* appended = appended_of(evidence))
    evidence.in_memory = ima_evidence_in_memory(*evidence.on_disk, *appended);
  if (evidence.module && evidence.module->decompressed)
    evidence.decompressed =
        ima_evidence_in_memory(*evidence.on_disk, evidence.module->decompressed->appended);
}

Result<void> collect_for_ima(RequestEvidence& evidence, Request request, const Content& content) {
  if (request == Request::policy) {
    if (content.size() > limits::kConfig)
      return fail(Reason::limit_size, {0, content.size()}, "a policy");
    std::vector<std::uint8_t> bytes(content.size());
    ASSAY_CHECK(content.read(0, bytes));
    evidence.text.assign(bytes.begin(), bytes.end());
  }
  if (request == Request::exec)
    if (const auto elf = Elf::open(content); elf && *elf)
      for (const ElfSegment& segment : (*elf)->segments())
        if (segment.type == elf::kLoad && (segment.flags & elf::kExecute) != 0)
          ++evidence.executable_segments;
  if (hook_of(request) == ImaHook::none) return {};
  ASSAY_TRY(AppendedEvidence appended, collect_appended(content, {}));
  evidence.appended = std::make_unique<const AppendedEvidence>(std::move(appended));
  return {};
}

// What the system call itself is about.
Result<void> collect_for_call(RequestEvidence& evidence, const JudgeRequest& request,
                              const RequestFile& file, const EvidenceOptions& options) {
  if (is_for_ima_alone(request.request))
    return collect_for_ima(evidence, request.request, file.content);
  if (request.request == Request::kexec) {
    ASSAY_TRY(KexecEvidence kexec, collect_kexec(file.content, options));
    evidence.kexec = std::make_unique<const KexecEvidence>(std::move(kexec));
    return {};
  }
  evidence.load = {request.syscall == "init_module", request.flags};
  std::unique_ptr<Content> plain;
  if (!request.syscall && request.flags == 0) {
    ASSAY_TRY(plain, decompress_module(file.content, file.name));
    if (plain) evidence.load.from_memory = true;
  }
  ASSAY_TRY(ModuleEvidence module, collect_module(plain ? *plain : file.content, options));
  evidence.module = std::make_unique<const ModuleEvidence>(std::move(module));
  return {};
}

}  // namespace

Result<RequestEvidence> collect_request(const JudgeRequest& request, const RequestFile& file,
                                        bool file_sha256) {
  RequestEvidence evidence;
  evidence.size = file.content.size();
  ASSAY_CHECK(collect_for_call(evidence, request, file, {.file_sha256 = file_sha256}));
  ASSAY_CHECK(add_ima_evidence(evidence, request, file));
  return evidence;
}

Result<void> add_ima_evidence(RequestEvidence& evidence, const JudgeRequest& request,
                              const RequestFile& file) {
  if (file.ima_hashes.empty()) return {};
  ASSAY_TRY(evidence.on_disk, collect_ima_file(file.content, file.path, request.facts,
                                               file.ima_hashes, known_digests(evidence)));
  add_memory(evidence);
  return {};
}

namespace {

// `walk_once` is asked for the way of each walk: Ending walk_once(Walk&, on_end), where on_end
// takes the RequestWalk that has gone it.
template <class WalkOnce>
RequestVerdict conclude_request(const KernelId& kernel, bool explain, WalkOnce walk_once) {
  RequestVerdict judged;
  std::optional<Outcome> signature;
  bool first = true;
  judged.verdict = conclude(kernel, explain, [&](Walk& walk) {
    return walk_once(walk, [&](const RequestWalk& way) {
      // The verdict is that of the first walk; others only show whether it is certain.
      if (!first) return;
      first = false;
      judged.taint = way.taint();
      signature = way.signature();
      way.report(judged);
    });
  });
  if (signature && !signature->crash) judged.signature_err = signature->err;
  return judged;
}

}  // namespace

RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const PlatformIma& ima, bool explain) {
  return conclude_request(ima.platform().kernel, explain, [&](Walk& walk, const auto& on_end) {
    RequestWalk way(walk, request, evidence, ima);
    const Ending ending = way.go();
    on_end(way);
    return ending;
  });
}

RequestVerdict judge_request(const JudgeRequest& request, const RequestEvidence& evidence,
                             const KernelId& kernel, const PlatformIn& platform_in, bool explain) {
  return conclude_request(kernel, explain, [&](Walk& walk, const auto& on_end) {
    Platform own;
    const PlatformIma ima(platform_in(walk, own));
    RequestWalk way(walk, request, evidence, ima);
    const Ending ending = way.go();
    on_end(way);
    return ending;
  });
}

}  // namespace assay
