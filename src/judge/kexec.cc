#include "judge/kexec.h"

#include <fmt/format.h>

#include <algorithm>

#include "judge/appended_kexec_sig.h"
#include "judge/rules.h"
#include "judge/s390_sig.h"

namespace assay {

namespace {

namespace rule = rules::kexec;

// include/uapi/linux/kexec.h: UNLOAD, ON_CRASH, NO_INITRAMFS; since 6.12 at the latest DEBUG; 7.2
// has NO_CMA and FORCE_DTB too.
constexpr std::uint32_t kFlags61 = 0x7;
constexpr std::uint32_t kFlags612 = 0xF;
constexpr std::uint32_t kFlags72 = 0x3F;
constexpr std::uint32_t kNoInitramfs = 4;

constexpr std::uint32_t kHdrS = 0x53726448;
constexpr std::uint16_t kBootFlag = 0xAA55;
constexpr std::uint16_t kProtocol = 0x020C;
constexpr std::uint8_t kLoadedHigh = 0x01;
constexpr std::uint16_t kKernel64 = 0x01;
constexpr std::uint16_t kAbove4g = 0x02;
constexpr std::uint32_t kArm64Magic = 0x644D5241;  // "ARM\x64"
constexpr std::uint32_t kRiscvMagic = 0x05435352;  // "RSC\x05"
constexpr std::uint32_t kRiscvVersion = 2;         // RISCV_HEADER_VERSION

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kS390CommandLine =
    0x10480;  // PARMAREA and the offset of command_line in it
constexpr std::uint64_t kS390LegacyCommandLine = 896;  // LEGACY_COMMAND_LINE_SIZE

Truth permitted(const Platform& platform) {
  return platform.state.kexec_load_disabled ? truth(!*platform.state.kexec_load_disabled)
                                            : Truth::unknown;
}

std::string nothing() { return {}; }

class FileLoad {
 public:
  FileLoad(Walk& walk, const KexecEvidence& evidence, const KexecRequest& request,
           const Platform& platform, const ImaForKexec& ima)
      : walk_(walk), evidence_(evidence), request_(request), platform_(platform), ima_(ima) {}

  Ending load(std::optional<Outcome>& signature) {
    if (const Outcome bad = check_call(); bad.failed()) return {Decision::refused, bad};
    if (const Outcome bad = appraise(ImaHook::kexec_kernel_check, ima_.image); bad.failed())
      return {Decision::refused, bad};
    if (const Outcome bad = probe(); bad.failed()) return {Decision::refused, bad};
    Ending ending{Decision::allowed_unverified, {}};  // where nothing is looked at
    if (walk_.settle(platform_.config.is_on("CONFIG_KEXEC_SIG"), "config: CONFIG_KEXEC_SIG")) {
      ending = validate_signature(signature);
      if (ending.decision == Decision::refused || ending.decision == Decision::crashes)
        return ending;
    }
    if (const Outcome bad = read_initrd(); bad.failed()) return {Decision::refused, bad};
    measure_command_line();
    if (const Outcome bad = check_loader(); bad.failed()) return {Decision::refused, bad};
    return ending;
  }

 private:
  Outcome check_call() {
    if (const Outcome bad =
            walk_.check(rule::has_file_load, platform_.config.is_on("CONFIG_KEXEC_FILE"),
                        "config: CONFIG_KEXEC_FILE", nothing);
        bad.failed())
      return bad;
    if (const Outcome bad = walk_.check(rule::permitted, permitted(platform_),
                                        "state.kexec_load_disabled", nothing);
        bad.failed())
      return bad;
    const std::uint32_t known = walk_.covers(Scope::since(kAnchor72))    ? kFlags72
                                : walk_.covers(Scope::since(kAnchor612)) ? kFlags612
                                                                         : kFlags61;
    if (const Outcome bad = walk_.check(rule::flags, (request_.flags & ~known) == 0, {},
                                        [&] { return fmt::format("flags {}", request_.flags); });
        bad.failed())
      return bad;
    return walk_.check(rule::not_empty, evidence_.image.size != 0);
  }

  // kernel_read_file.
  Outcome appraise(ImaHook hook, const ImaSubjectFile* file) {
    if (ima_.door == nullptr || file == nullptr) return {};
    return ima_.door->read(walk_, hook, file->evidence, file->inode);
  }

  Outcome read_initrd() {
    const bool asked = (request_.flags & kNoInitramfs) == 0 && ima_.initrd != nullptr;
    if (!asked || ima_.door == nullptr) return {};
    return read_into_memory(walk_, *ima_.door, ImaHook::kexec_initramfs_check, *ima_.initrd);
  }

  // ima_kexec_cmdline.
  void measure_command_line() {
    if (ima_.door == nullptr || ima_.image == nullptr || request_.cmdline.empty()) return;
    ImaEvent event;
    event.hook = ImaHook::kexec_cmdline;
    ima_.door->measure(walk_, std::move(event), ima_.image->evidence.file, "kexec-cmdline",
                       bytes_of(request_.cmdline));
  }

  Truth appraises_signature(Truth locked) {
    if (ima_.door == nullptr) return ima_.appraises_signature;
    return truth(ima_appraise_signature(walk_, ima_.door->kernel().state, platform_.config,
                                        ImaHook::kexec_kernel_check, locked));
  }

  // ima_appraise_signature is compiled out where the keys of .ima need no signature themselves.
  std::string_view why_ima_is_not_enough() const {
    if (ima_.door == nullptr ||
        platform_.config.is_on("CONFIG_INTEGRITY_TRUSTED_KEYRING") != Truth::no)
      return {};
    const auto& rules = ima_.door->kernel().state.rules();
    const bool appraises = std::ranges::any_of(rules, [](const PolicyRule& one) {
      return one.rule.action == ImaAction::appraise &&
             (one.rule.func == ImaHook::none || one.rule.func == ImaHook::kexec_kernel_check);
    });
    if (!appraises) return {};
    return "; this kernel does not let the signature that IMA appraises stand in, because "
           "CONFIG_INTEGRITY_TRUSTED_KEYRING is off";
  }

  Outcome probe() {
    switch (platform_.kernel.arch) {
      case Arch::x86_64: return probe_bzimage();
      case Arch::arm64:
        return walk_.check(rule::arm64_image,
                           evidence_.image.image && evidence_.image.image->magic2 == kArm64Magic,
                           {56, 4});
      case Arch::s390x: return {};  // the last loader takes anything
      case Arch::ppc64le: return probe_elf();
      case Arch::riscv64: return probe_riscv();
    }
    return {};
  }

  Outcome probe_bzimage() {
    const auto& header = evidence_.image.bzimage;
    const Extent file{0, evidence_.image.size};
    if (const Outcome bad = walk_.check(rule::bzimage_size, header.has_value(), file); bad.failed())
      return bad;
    struct Test {
      const Rule& rule;
      bool holds;
      Extent where;
    };
    const Test tests[] = {
        {rule::bzimage_magic, header->magic == kHdrS, {0x202, 4}},
        {rule::bzimage_boot_flag, header->boot_flag == kBootFlag, {0x1FE, 2}},
        {rule::bzimage_version, header->version >= kProtocol, {0x206, 2}},
        {rule::bzimage_high, (header->load_flags & kLoadedHigh) != 0, {0x211, 1}},
        {rule::bzimage_64, (header->extra_flags & kKernel64) != 0, {0x236, 2}},
        {rule::bzimage_above_4g, (header->extra_flags & kAbove4g) != 0, {0x236, 2}},
    };
    for (const Test& test : tests)
      if (const Outcome bad = walk_.check(test.rule, test.holds, test.where); bad.failed())
        return bad;
    return {};
  }

  bool is_elf_of_this_arch() const {
    return evidence_.image.elf.fault.empty() &&
           arch_of_elf_machine(evidence_.image.elf.machine) == platform_.kernel.arch;
  }

  Outcome probe_elf() {
    return walk_.check(rule::elf_image, is_elf_of_this_arch(), {},
                       [&] { return evidence_.image.elf.fault; });
  }

  // The error is that of the loader that is asked last.
  Outcome probe_riscv() {
    if (!walk_.applies(rule::riscv_image)) return probe_elf();
    const auto& image = evidence_.image.image;
    const bool is_image = image && (image->version < kRiscvVersion || image->magic2 == kRiscvMagic);
    return walk_.check(rule::riscv_image, is_elf_of_this_arch() || is_image);
  }

  // A loader without verify_sig counts as a signature that is rejected.
  Outcome verify() {
    TrustedBy by;
    switch (platform_.kernel.arch) {
      case Arch::x86_64: return verify_pe("CONFIG_KEXEC_BZIMAGE_VERIFY_SIG");
      case Arch::arm64: return verify_pe("CONFIG_KEXEC_IMAGE_VERIFY_SIG");
      case Arch::s390x: return s390_verify_sig(walk_, evidence_.appended, platform_, by);
      case Arch::ppc64le:
        if (platform_.kernel.variant == Variant::appended_kexec_sig)
          return verify_appended_kernel(walk_, evidence_.appended, platform_, by);
        [[fallthrough]];
      default: return walk_.check(rule::has_verifier, false);
    }
  }

  Outcome verify_pe(std::string_view option) {
    if (const Outcome bad = walk_.check(rule::has_verifier, platform_.config.is_on(option),
                                        fmt::format("config: {}", option), nothing);
        bad.failed())
      return bad;
    TrustedBy by;
    return kexec_kernel_verify_pe_sig(walk_, evidence_.pe, platform_, by);
  }

  Ending validate_signature(std::optional<Outcome>& signature) {
    const Outcome bad = verify();
    signature = bad;
    if (bad.crash) return {Decision::crashes, bad};
    if (!bad.failed()) return {Decision::allowed, {}};
    const std::string_view name = errno_name(bad.err);
    if (walk_.settle(platform_.kexec_sig_enforce(), "state.secure_boot")) {
      std::ignore = walk_.refuse(
          rule::enforced, {}, fmt::format("sig_enforce, {}", name),
          fmt::format("kexec_file: Enforced kernel signature verification failed (-{}).",
                      errno_number(bad.err)));
      return {Decision::refused, bad};
    }
    if (const Outcome holds = walk_.check(rule::enforced, true, {}, nothing); holds.failed())
      return {Decision::refused, holds};
    const Truth locked = platform_.locked_down(Lockdown::integrity);
    const Truth permits = locked == Truth::no ? Truth::yes : !locked || appraises_signature(locked);
    if (const Outcome refused = walk_.check(
            rule::lockdown, permits, "state.lockdown",
            [&] { return fmt::format("lockdown, {}{}", name, why_ima_is_not_enough()); },
            std::string(rule::lockdown.log));
        refused.failed())
      return {Decision::refused, walk_.because_of(refused, bad)};
    return {Decision::allowed_unverified, {Errno::none, bad.step}};
  }

  Outcome check_loader() {
    const KexecImage& image = evidence_.image;
    const auto bytes = [&] { return fmt::format("{} bytes", image.size); };
    switch (platform_.kernel.arch) {
      case Arch::x86_64: {
        const std::uint64_t sectors =
            image.bzimage->setup_sectors == 0 ? 4 : image.bzimage->setup_sectors;
        return walk_.check(rule::bzimage_whole, image.size >= (sectors + 1) * kSector,
                           {0, image.size}, bytes);
      }
      case Arch::arm64: return walk_.check(rule::arm64_size, image.image->image_size != 0, {16, 8});
      case Arch::s390x: return check_s390();
      default: return {};
    }
  }

  Outcome check_s390() {
    const KexecImage& image = evidence_.image;
    constexpr unsigned kExecutable = 2;  // ET_EXEC
    if (image.elf.has_magic) {
      const bool good = image.elf.is_64_bit && image.elf.type == kExecutable &&
                        arch_of_elf_machine(image.elf.machine) == Arch::s390x &&
                        image.elf.program_headers != 0;
      if (const Outcome bad =
              walk_.check(rule::s390_elf, good, {}, [&] { return image.elf.fault; });
          bad.failed())
        return bad;
    }
    std::uint64_t room = kS390LegacyCommandLine;
    if (image.s390_max_command_line.value_or(0) != 0) room = *image.s390_max_command_line;
    const bool fits = image.size >= kS390CommandLine && image.size - kS390CommandLine >= room;
    return walk_.check(rule::s390_room, fits, {0, image.size},
                       [&] { return fmt::format("{} bytes", image.size); });
  }

  Walk& walk_;
  const KexecEvidence& evidence_;
  const KexecRequest& request_;
  const Platform& platform_;
  const ImaForKexec& ima_;
};

}  // namespace

Result<KexecEvidence> collect_kexec(const Content& content, const EvidenceOptions& options) {
  KexecEvidence evidence;
  ASSAY_TRY(evidence.image, read_kexec_image(content));
  ASSAY_TRY(evidence.pe, collect_pe(content));
  ASSAY_TRY(evidence.appended, collect_appended(content, options));
  return evidence;
}

Ending kexec_file_load(Walk& walk, const KexecEvidence& evidence, const KexecRequest& request,
                       const Platform& platform, const ImaForKexec& ima,
                       std::optional<Outcome>& signature) {
  signature.reset();
  return FileLoad(walk, evidence, request, platform, ima).load(signature);
}

Ending kexec_load(Walk& walk, const Platform& platform, const ImaForKexec& ima) {
  if (const Outcome bad = walk.check(rule::has_load, platform.config.is_on("CONFIG_KEXEC"),
                                     "config: CONFIG_KEXEC", nothing);
      bad.failed())
    return {Decision::refused, bad};
  if (const Outcome bad =
          walk.check(rule::permitted, permitted(platform), "state.kexec_load_disabled", nothing);
      bad.failed())
    return {Decision::refused, bad};
  // arch_get_secureboot of s390 is ipl_secure_flag.
  const Truth secure =
      platform.kernel.arch == Arch::s390x ? platform.ipl_secure() : platform.secure_boot();
  const Truth has_ima = platform.config.is_on("CONFIG_IMA");
  const Truth refuses =
      ima.door == nullptr
          ? ima.refuses_kexec_load
          : truth(ima.door->kernel().state.enforces() &&
                  (ima.door->kernel().state.appraise() & appraise_mode::kKexec) != 0);
  const Truth by_secure_boot = platform.config.is_on("CONFIG_KEXEC_SIG") && secure;
  if (const Outcome bad =
          walk.check(rule::ima_kexec_load, !(has_ima && (by_secure_boot || refuses)),
                     "state.secure_boot", nothing, std::string(rule::ima_kexec_load.log));
      bad.failed())
    return {Decision::refused, bad};
  if (const Outcome bad =
          walk.check(rule::load_lockdown, !platform.locked_down(Lockdown::integrity),
                     "state.lockdown", nothing, std::string(rule::load_lockdown.log));
      bad.failed())
    return {Decision::refused, bad};
  return {Decision::allowed_unverified, {}};
}

}  // namespace assay
