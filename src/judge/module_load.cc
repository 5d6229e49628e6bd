#include "judge/module_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "formats/compressed_module.h"
#include "judge/module_hashes.h"
#include "judge/release_note.h"
#include "judge/rules.h"
#include "trust/boot_state.h"

namespace assay {

namespace {

namespace rule = rules::module_load;

constexpr std::uint32_t kKnownFlags = module_flags::kIgnoreModversions |
                                      module_flags::kIgnoreVermagic | module_flags::kCompressedFile;

struct Compression {
  std::string_view option;
  Codec codec;
  std::string_view name;
};

constexpr std::array<Compression, 3> kCompressions = {{
    {"CONFIG_MODULE_COMPRESS_GZIP", Codec::gzip, "gzip"},
    {"CONFIG_MODULE_COMPRESS_XZ", Codec::xz, "xz"},
    {"CONFIG_MODULE_COMPRESS_ZSTD", Codec::zstd, "zstd"},
}};

// The kernel's xz decoder knows CRC32 or no check (lib/xz; XZ_DEC_ANY_CHECK is not set). The stream
// header names the check in its eighth byte.
constexpr std::size_t kXzCheck = 7;
constexpr std::uint8_t kXzNone = 0;
constexpr std::uint8_t kXzCrc32 = 1;

// How much of a file load_module goes on with: what its signature check has left.
std::uint64_t size_of_elf(const SignatureTrailer& trailer) {
  if (trailer.splits) return trailer.payload_size;
  return trailer.has_marker ? trailer.marker_extent().offset : trailer.file_size;
}

Result<DecompressedModule> decompress(Codec codec, const Content& content,
                                      const EvidenceOptions& options) {
  DecompressedModule module{codec, {}, {}, {}};
  if (codec == Codec::xz && content.size() > kXzCheck) {
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View head, view_of(content, 0, kXzCheck + 1, scratch));
    if (head[kXzCheck] != kXzNone && head[kXzCheck] != kXzCrc32) {
      module.fault = Error{Reason::codec_unsupported,
                           {kXzCheck, 1},
                           fmt::format("check {}, the kernel has none and CRC32", head[kXzCheck])};
      return module;
    }
  }
  DecoderOptions decoder;
  decoder.output_limit = largest_module(content.size());
  decoder.after = AfterStream::ignore;  // the kernel stops at the end of the first stream
  auto stream = open_decoder(codec, std::make_unique<ContentStream>(content), decoder);
  if (!stream) {
    module.fault = stream.error();
    return module;
  }
  auto plain = hold(**stream, limits::kArtifactInMemory, limits::kArtifactSize);
  if (!plain) {
    if (plain.error().reason != Reason::stream_corrupt &&
        plain.error().reason != Reason::stream_truncated &&
        plain.error().reason != Reason::codec_unsupported)
      return std::unexpected(plain.error());
    module.fault = plain.error();
    return module;
  }
  ASSAY_TRY(module.appended, collect_appended(**plain, options));
  ASSAY_TRY(module.elf, read_module_elf(**plain, size_of_elf(module.appended.trailer)));
  return module;
}

class Loader {
 public:
  Loader(Walk& walk, const LoadRequest& request, const Platform& platform, std::string& taint,
         const ImaForModule* ima)
      : walk_(walk), request_(request), platform_(platform), taint_(taint), ima_(ima) {}

  Ending load(const ModuleEvidence& evidence) {
    if (const Outcome bad = check_call(evidence); bad.failed()) return {Decision::refused, bad};
    if (const Outcome bad = ask_ima(); bad.failed()) return {Decision::refused, bad};
    if (!is_compressed() || request_.from_memory) return load(evidence.appended, evidence.elf);
    if (const Outcome bad = check_stream(evidence); bad.failed()) return {Decision::refused, bad};
    if (const Outcome bad = ask_ima_again(); bad.failed()) return {Decision::refused, bad};
    return load(evidence.decompressed->appended, evidence.decompressed->elf);
  }

 private:
  Outcome check_call(const ModuleEvidence& evidence) {
    const auto no_more = [] { return std::string(); };
    if (const Outcome bad = walk_.check(rule::has_modules, has_modules(platform_),
                                        "config: CONFIG_MODULES", no_more);
        bad.failed())
      return bad;
    if (const Outcome bad = walk_.check(rule::modules_enabled, !modules_disabled(platform_),
                                        "state.modules_disabled", no_more);
        bad.failed())
      return bad;
    const std::uint64_t size = evidence.appended.trailer.file_size;
    const auto bytes = [&] { return fmt::format("{} bytes", size); };
    if (request_.from_memory) {
      constexpr std::uint64_t kElfHeader = 64;
      return walk_.check(rule::init_size, size >= kElfHeader, {0, size}, bytes);
    }
    if (const Outcome bad = walk_.check(rule::flags, (request_.flags & ~kKnownFlags) == 0, {},
                                        [&] { return fmt::format("flags {}", request_.flags); });
        bad.failed())
      return bad;
    return walk_.check(rule::not_empty, size != 0, {0, size}, bytes);
  }

  bool is_compressed() const { return (request_.flags & module_flags::kCompressedFile) != 0; }

  // Of memory nothing can be appraised.
  Outcome ask_ima() {
    if (ima_ == nullptr) return {};
    if (request_.from_memory)
      return ima_load_module(walk_, ima_->door.kernel().state, platform_.sig_enforce());
    const bool defers = is_compressed() && walk_.covers(Scope::since(kAnchor72));
    return ima_->door.read(walk_, ImaHook::module_check, ima_->file.evidence, ima_->file.inode,
                           defers);
  }

  // 7.2 comes back with what it has decompressed (READING_MODULE_COMPRESSED).
  Outcome ask_ima_again() {
    if (ima_ == nullptr || ima_->decompressed == nullptr || !walk_.covers(Scope::since(kAnchor72)))
      return {};
    return ima_->door.read(walk_, ImaHook::module_check, *ima_->decompressed, ima_->file.inode);
  }

  Outcome check_stream(const ModuleEvidence& evidence) {
    if (const Outcome bad =
            walk_.check(rule::can_decompress, platform_.config.is_on("CONFIG_MODULE_DECOMPRESS"),
                        "config: CONFIG_MODULE_DECOMPRESS", [] { return std::string(); });
        bad.failed())
      return bad;
    const Compression* compiled_in = nullptr;
    for (const Compression& compression : kCompressions)
      if (platform_.config.is_on(compression.option) == Truth::yes) compiled_in = &compression;
    const bool fits = compiled_in != nullptr && evidence.decompressed &&
                      evidence.decompressed->codec == compiled_in->codec;
    const std::string_view wanted = compiled_in == nullptr ? "none" : compiled_in->name;
    if (!fits)
      return walk_.refuse(rule::compression, {0, 6}, fmt::format("the kernel has {}", wanted),
                          fmt::format("decompress: not {} {} compressed module",
                                      wanted == "xz" ? "an" : "a", wanted));
    if (const Outcome bad = walk_.check(rule::compression, true); bad.failed()) return bad;
    const auto& fault = evidence.decompressed->fault;
    return walk_.check(rule::stream, !fault, fault ? fault->where : Extent(), [&] {
      return fault ? std::string(reason_sentence(fault->reason)) + ": " + fault->detail
                   : std::string();
    });
  }

  // kernel/module/main.c load_module.
  Ending load(const AppendedEvidence& appended, const ModuleElf& elf) {
    const ModuleRequest mangled{
        !request_.from_memory && (request_.flags & module_flags::kIgnoreModversions) != 0,
        !request_.from_memory && (request_.flags & module_flags::kIgnoreVermagic) != 0};
    const Ending signature = check_origin(appended, mangled);
    if (signature.decision == Decision::refused) return signature;
    if (const Outcome bad = check_elf(elf); bad.failed()) return {Decision::refused, bad};
    bool forced = false;
    if (const Outcome bad = check_versions(elf, mangled.ignore_modversions, forced); bad.failed())
      return {Decision::refused, bad};
    if (const Outcome bad = check_vermagic(elf, mangled, forced); bad.failed())
      return {Decision::refused, bad};
    const bool unsigned_ = signature.decision == Decision::allowed_tainted;
    taint_ = taint_letters(elf, forced, unsigned_);
    if (taint_.empty()) return signature;
    return {Decision::allowed_tainted, {Errno::none, signature.outcome.step}};
  }

  // A kernel of the series that brings CONFIG_MODULE_HASHES has another check.
  Ending check_origin(const AppendedEvidence& appended, const ModuleRequest& request) {
    if (platform_.module_hashes) return module_hashes_check(walk_, appended, request, platform_);
    if (platform_.config.is_on("CONFIG_MODULE_HASHES") == Truth::yes) {
      const Outcome open = walk_.check(rules::module_hashes_v5::root, Truth::unknown,
                                       "module_hashes", [] { return std::string(); });
      return {open.failed() ? Decision::refused : Decision::allowed, open};
    }
    return module_sig_check(walk_, appended, request, platform_);
  }

  Outcome check_elf(const ModuleElf& elf) {
    const auto detail = [&] { return elf.detail; };
    const bool is_ours = arch_of_elf_machine(elf.machine) == platform_.kernel.arch;
    if (const Outcome bad = walk_.check(
            rule::elf_header, elf.fault != ModuleElfFault::header && is_ours, elf.where,
            [&] { return is_ours ? elf.detail : fmt::format("e_machine {}", elf.machine); });
        bad.failed())
      return bad;
    const bool sections_bad = elf.fault == ModuleElfFault::sections ||
                              elf.fault == ModuleElfFault::section_zero ||
                              elf.fault == ModuleElfFault::names;
    if (const Outcome bad = walk_.check(rule::elf_sections, !sections_bad, elf.where, detail);
        bad.failed())
      return bad;
    if (const Outcome bad =
            walk_.check(rule::elf_module, elf.fault == ModuleElfFault::none, elf.where, detail);
        bad.failed())
      return bad;
    return check_denied(elf);
  }

  // blacklisted: a module whose .modinfo has no name is called as its struct module says.
  Outcome check_denied(const ModuleElf& elf) {
    const auto name = elf.find("name");
    const Truth denied = name ? denies_module(platform_, *name) : denies_modules(platform_);
    if (!name && denied == Truth::yes)
      return walk_.check(rule::not_denied, Truth::unknown, "artifact: the module's name",
                         [] { return std::string(); });
    return walk_.check(
        rule::not_denied, !denied, "kernel.cmdline",
        [&] { return std::string(name.value_or("a module without a name")); },
        fill_log(rule::not_denied, {std::string(name.value_or(""))}));
  }

  // check_version: with CONFIG_MODVERSIONS, a module without versions loads only by force.
  Outcome check_versions(const ModuleElf& elf, bool ignore, bool& forced) {
    if (elf.has_versions && !ignore) return {};
    if (!walk_.settle(platform_.config.is_on("CONFIG_MODVERSIONS"), "config: CONFIG_MODVERSIONS"))
      return {};
    const Outcome bad =
        walk_.check(rule::versions, platform_.config.is_on("CONFIG_MODULE_FORCE_LOAD"),
                    "config: CONFIG_MODULE_FORCE_LOAD",
                    [] { return std::string("without versions of symbols"); });
    if (!bad.failed()) forced = true;
    return bad;
  }

  Outcome check_vermagic(const ModuleElf& elf, const ModuleRequest& request, bool& forced) {
    const auto magic = elf.find("vermagic");
    if (request.ignore_vermagic || !magic) {
      const Outcome bad = walk_.check(
          rule::force, platform_.config.is_on("CONFIG_MODULE_FORCE_LOAD"),
          "config: CONFIG_MODULE_FORCE_LOAD", [] { return std::string("bad vermagic"); });
      if (!bad.failed()) forced = true;
      return bad;
    }
    const auto ours = kernel_vermagic(platform_);
    const bool by_release = !elf.has_versions || request.ignore_modversions;
    const auto same = [&] {
      if (!ours) return Truth::unknown;
      const auto tail = [&](std::string_view text) {
        return by_release ? text : text.substr(std::min(text.find(' '), text.size()));
      };
      return truth(tail(*magic) == tail(*ours));
    };
    return walk_.check(rule::vermagic, same(), "kernel.release, kernel.config", [&] {
      const auto release = [](std::string_view text) { return text.substr(0, text.find(' ')); };
      if (!by_release && ours && release(*magic) != release(*ours))
        return fmt::format(
            "{}{}, and this kernel is {}: with CONFIG_MODVERSIONS only what follows is compared: "
            "\"{}\", the kernel's \"{}\"",
            kBuiltForRelease, release(*magic), release(*ours),
            magic->substr(release(*magic).size()), ours->substr(release(*ours).size()));
      return fmt::format("\"{}\", the kernel's \"{}\"", *magic, ours.value_or("?"));
    });
  }

  // Of the module itself, in the kernel's order (kernel/panic.c taint_flags).
  std::string taint_letters(const ModuleElf& elf, bool forced, bool unsigned_) const {
    constexpr std::array<std::string_view, 6> kFree = {
        "GPL",          "GPL v2",       "GPL and additional rights",
        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    const std::string_view license = elf.find("license").value_or("unspecified");
    std::string letters;
    if (std::ranges::find(kFree, license) == kFree.end()) letters += 'P';
    if (forced) letters += 'F';
    if (elf.find("staging")) letters += 'C';
    if (!elf.find("intree")) letters += 'O';
    if (unsigned_) letters += 'E';
    return letters;
  }

  Walk& walk_;
  const LoadRequest& request_;
  const Platform& platform_;
  std::string& taint_;
  const ImaForModule* ima_;
};

}  // namespace

Result<ModuleEvidence> collect_module(const Content& content, const EvidenceOptions& options) {
  ModuleEvidence evidence;
  ASSAY_TRY(evidence.appended, collect_appended(content, options));
  ASSAY_TRY(evidence.elf, read_module_elf(content, size_of_elf(evidence.appended.trailer)));
  constexpr std::size_t kHead = 16;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head,
            view_of(content, 0, std::min<std::uint64_t>(kHead, content.size()), scratch));
  const auto codec = detect_codec(head);
  if (codec == Codec::gzip || codec == Codec::xz || codec == Codec::zstd) {
    ASSAY_TRY(evidence.decompressed, decompress(*codec, content, options));
  }
  return evidence;
}

Ending load_module(Walk& walk, const ModuleEvidence& evidence, const LoadRequest& request,
                   const Platform& platform, std::string& taint, const ImaForModule* ima) {
  taint.clear();
  return Loader(walk, request, platform, taint, ima).load(evidence);
}

std::optional<std::string> kernel_vermagic(const Platform& platform) {
  const KernelConfig& config = platform.config;
  const auto on = [&](std::string_view option) { return config.is_on(option) == Truth::yes; };
  if (!config.is_known() || platform.release.empty() || on("CONFIG_RANDSTRUCT_FULL") ||
      on("CONFIG_RANDSTRUCT_PERFORMANCE"))
    return std::nullopt;
  std::string magic = platform.release + " ";
  if (on("CONFIG_SMP")) magic += "SMP ";
  if (on("CONFIG_PREEMPT_RT"))
    magic += "preempt_rt ";
  else if (on("CONFIG_PREEMPT_BUILD"))
    magic += "preempt ";
  if (on("CONFIG_MODULE_UNLOAD")) magic += "mod_unload ";
  if (on("CONFIG_MODVERSIONS")) magic += "modversions ";
  switch (platform.kernel.arch) {
    case Arch::arm64: return magic + "aarch64";
    case Arch::riscv64: return magic + "riscv";
    case Arch::ppc64le:
      if (on("CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY"))
        magic += "patchable-function-entry ";
      else if (on("CONFIG_MPROFILE_KERNEL"))
        magic += "mprofile-kernel ";
      if (on("CONFIG_RELOCATABLE")) magic += "relocatable ";
      return magic;
    default: return magic;
  }
}

}  // namespace assay
