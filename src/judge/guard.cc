#include "judge/guard.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/hex.h"
#include "base/limits.h"
#include "guardlist/body.h"
#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::guard;

// BPF_MAX_LOOPS is 8 Mi (include/linux/bpf.h, 6.1 and 7.2); a turn hashes a block of 64 bytes, and
// the program keeps one for what SHA-256 pads with.
constexpr std::uint64_t kMostHashed = 512 * limits::kMiB - 64;

constexpr std::array<std::pair<GuardProgram, std::string_view>, 3> kVariants = {{
    {GuardProgram::ima, "ima"},
    {GuardProgram::buffer, "buffer"},
    {GuardProgram::cast, "cast"},
}};
constexpr std::array<std::pair<GuardEnforcement, std::string_view>, 3> kEnforcements = {{
    {GuardEnforcement::off, "off"},
    {GuardEnforcement::audit, "audit"},
    {GuardEnforcement::enforce, "enforce"},
}};

template <class Table>
std::string_view name_in(const Table& table, auto value) {
  for (const auto& [one, name] : table)
    if (one == value) return name;
  return {};
}

template <class Table>
auto find_in(const Table& table, std::string_view name)
    -> std::optional<typename Table::value_type::first_type> {
  for (const auto& [one, known] : table)
    if (known == name) return one;
  return std::nullopt;
}

class Guard {
 public:
  Guard(Walk& walk, const GuardState& state) : walk_(walk), state_(state) {}

  Outcome ask(GuardRequest request, const GuardEvidence& evidence) {
    const GuardBytes& stored = evidence.stored;
    switch (request) {
      case GuardRequest::kexec_load: return load_without_content(ReadClass::kexec_image);
      case GuardRequest::init_module: return load_module(stored);
      case GuardRequest::finit_module: return read(ReadClass::module, stored);
      case GuardRequest::finit_module_compressed: return read_compressed(evidence);
      case GuardRequest::kexec_image: return read(ReadClass::kexec_image, stored);
      case GuardRequest::kexec_initramfs: return read(ReadClass::kexec_initramfs, stored);
      case GuardRequest::firmware: return read(ReadClass::firmware, stored);
      case GuardRequest::policy: return read(ReadClass::policy, stored);
    }
    return {};
  }

  bool is_any_decided() const { return is_any_decided_; }

 private:
  bool decides(ReadClass what) {
    const bool does = (state_.classes & mask_of(what)) != 0;
    is_any_decided_ = is_any_decided_ || does;
    return does;
  }

  // With the error that this guard returns.
  Outcome refused(Outcome bad) const {
    if (bad.failed()) bad.err = state_.err;
    return bad;
  }

  Outcome load_without_content(ReadClass what) {
    if (!decides(what)) return {};
    return refused(walk_.check(rule::has_content, false));
  }

  Outcome load_module(const GuardBytes& bytes) {
    if (!decides(ReadClass::module)) return {};
    if (const Outcome bad = walk_.check(rule::has_file, state_.variant != GuardProgram::ima);
        bad.failed())
      return refused(bad);
    return look_up(ReadClass::module, bytes);
  }

  Outcome read(ReadClass what, const GuardBytes& bytes) {
    return decides(what) ? look_up(what, bytes) : Outcome();
  }

  // Since 7.2 the compressed bytes have an id of their own, and what they decompress to comes by
  // security_kernel_post_read_file again, without a file that IMA could hash.
  Outcome read_compressed(const GuardEvidence& evidence) {
    if (!walk_.covers(Scope::since(kAnchor72))) return read(ReadClass::module, evidence.stored);
    if (const Outcome bad = read(ReadClass::module_compressed, evidence.stored); bad.failed())
      return bad;
    if (state_.variant == GuardProgram::ima || !evidence.decompressed) return {};
    return read(ReadClass::module, *evidence.decompressed);
  }

  Outcome look_up(ReadClass what, const GuardBytes& bytes) {
    if (state_.variant != GuardProgram::ima) {
      const Outcome bad = walk_.check(rule::size, bytes.size < kMostHashed, {0, bytes.size},
                                      [&] { return fmt::format("{} bytes", bytes.size); });
      if (bad.failed()) return refused(bad);
    }
    // IMA has digests of whole files alone.
    const bool is_body = state_.list->mode == GuardMode::body && what == ReadClass::module &&
                         state_.variant != GuardProgram::ima;
    const GuardDigest& digest = is_body ? bytes.module : bytes.whole;
    const GuardRow* row = state_.list->find(digest);
    const bool is_listed = row != nullptr && (row->mask & mask_of(what)) != 0;
    return refused(walk_.check(rule::listed, is_listed, {0, bytes.size}, [&] {
      return fmt::format(
          "sha256 {} of the {}, read as {}{}", to_hex(digest), is_body ? "body" : "file",
          read_class_name(what),
          row == nullptr ? std::string() : "; listed for " + read_mask_text(row->mask));
    }));
  }

  Walk& walk_;
  const GuardState& state_;
  bool is_any_decided_ = false;
};

Result<GuardBytes> bytes_by(const Content& content, GuardMode mode) {
  GuardBytes bytes{.size = content.size()};
  ASSAY_TRY(bytes.whole, guard_digest(content, GuardMode::whole, ReadClass::module));
  ASSAY_TRY(bytes.module, guard_digest(content, mode, ReadClass::module));
  return bytes;
}

}  // namespace

std::string_view guard_program_name(GuardProgram variant) { return name_in(kVariants, variant); }
std::optional<GuardProgram> find_guard_program(std::string_view name) {
  return find_in(kVariants, name);
}
std::string_view guard_enforcement_name(GuardEnforcement enforcement) {
  return name_in(kEnforcements, enforcement);
}
std::optional<GuardEnforcement> find_guard_enforcement(std::string_view name) {
  return find_in(kEnforcements, name);
}

Result<GuardEvidence> collect_guard(const Content& stored, const Content* decompressed,
                                    GuardMode mode) {
  GuardEvidence evidence;
  ASSAY_TRY(evidence.stored, bytes_by(stored, mode));
  if (decompressed != nullptr) {
    ASSAY_TRY(evidence.decompressed, bytes_by(*decompressed, mode));
  }
  return evidence;
}

Ending judge_guard(Walk& walk, const GuardState& state, GuardRequest request,
                   const GuardEvidence& evidence) {
  if (state.enforcement == GuardEnforcement::off) return {Decision::allowed_unverified, {}};
  Guard guard(walk, state);
  const Outcome bad = guard.ask(request, evidence);
  if (!bad.failed())
    return {guard.is_any_decided() ? Decision::allowed : Decision::allowed_unverified, {}};
  if (state.enforcement == GuardEnforcement::audit)
    return {Decision::allowed_unverified, {Errno::none, bad.step}};
  return {Decision::refused, bad};
}

}  // namespace assay
