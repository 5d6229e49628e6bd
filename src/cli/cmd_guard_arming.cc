// assay guard load, mode, seal, add, apply, unload: what changes the guard of the running kernel.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/name.h"
#include "bytes/whole_file.h"
#include "cli/cmd_guard.h"
#include "cli/trust_arguments.h"
#include "formats/appended_signature.h"
#include "guard/digest_file.h"
#include "guard/guard_programs.h"
#include "report/live_guard_report.h"
#include "survey/guard_signature.h"

namespace assay {

namespace {

constexpr std::uint64_t kDigestFileLimit = 64U << 20;
constexpr std::uint64_t kOverlayLimit = 1U << 20;
constexpr std::array<std::string_view, 3> kKeyrings = {"builtin", "secondary", "platform"};

Error usage(std::string detail) { return {Reason::usage, {}, std::move(detail), {}}; }

Result<std::uint32_t> to_mask(const std::vector<std::string>& names) {
  std::uint32_t mask = 0;
  for (const std::string& name : names) {
    const auto found = find_read_class(name);
    if (!found)
      return std::unexpected(
          usage(fmt::format("unknown class {}, expected module, firmware, kexec-image, "
                            "kexec-initramfs, policy, x509 or "
                            "module-compressed",
                            name)));
    mask |= mask_of(*found);
  }
  return mask;
}

// "enforce" for the classes of `mask`, or "module=enforce" for one.
Result<void> set_stances(const std::vector<std::string>& words, std::uint32_t mask,
                         std::span<GuardStance, kGuardClasses> stances) {
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const auto stance =
        find_guard_stance(equals == std::string::npos ? word : word.substr(equals + 1));
    if (!stance)
      return std::unexpected(
          usage(fmt::format("unknown mode {}, expected off, audit or enforce", word)));
    std::uint32_t classes = mask;
    if (equals != std::string::npos) {
      ASSAY_TRY(classes, to_mask({word.substr(0, equals)}));
    }
    for (std::size_t number = 0; number < kGuardClasses; ++number)
      if ((classes >> number & 1) != 0) stances[number] = *stance;
  }
  return {};
}

Result<std::vector<GuardEntry>> read_digests(const std::vector<std::string>& paths,
                                             std::uint32_t mask) {
  std::vector<GuardEntry> entries;
  for (const std::string& path : paths) {
    ASSAY_TRY(const auto bytes, read_whole_file(path, kDigestFileLimit));
    auto read = parse_digest_file(View(bytes).text(), mask);
    if (!read) return std::unexpected(with_path(std::move(read).error(), path));
    entries.insert(entries.end(), read->begin(), read->end());
  }
  return entries;
}

std::unexpected<Error> bad_list(const std::string& path, std::string detail) {
  return std::unexpected(Error{Reason::bad_value, {}, std::move(detail), encode_name(path)});
}

// What is to be listed, and the list that says so where it is one.
struct Listing {
  std::vector<GuardEntry> entries;
  std::uint32_t classes = 0;
  std::optional<GuardList> list;
};

Result<Listing> read_list(const std::string& path, const TrustArguments& trust, Output& output) {
  ASSAY_TRY(const TrustOptions options,
            trust.load([&output](const Error& error) { output.error(error); }));
  ASSAY_TRY(LoadedGuardList loaded, load_guard_list(path, options));
  const bool is_trust_asked = !trust.trust.empty() || trust.kernel_image;
  if (is_trust_asked && loaded.signature.standing != Standing::verified)
    return bad_list(path,
                    "the list's signature is not verified: " +
                        (loaded.signature.reason ? loaded.signature.reason->text : "it has none"));
  Listing listing{{}, loaded.list.classes, {}};
  for (const GuardRow& row : loaded.list.rows) listing.entries.push_back({row.digest, row.mask, 0});
  listing.list = std::move(loaded.list);
  return listing;
}

class ArmingCommand : public Command {
 public:
  const char* arguments() const override { return ""; }
  void add_options(CLI::App&) override {}
  Result<void> check() const override { return {}; }
  ExitStatus run(const CommonOptions& common, Output& output) override {
    auto done = change(common, output);
    if (done) return *done;
    output.error(done.error());
    return kUndetermined;
  }

 protected:
  virtual Result<ExitStatus> change(const CommonOptions& common, Output& output) = 0;

  Result<void> check_listing() const {
    if (list_.empty() == digests_.empty())
      return std::unexpected(usage("one of --list and --digests is wanted"));
    return {};
  }

  Result<Listing> read_listing(Output& output) const {
    if (!list_.empty()) return read_list(list_, trust_, output);
    Listing listing;
    ASSAY_TRY(listing.classes, to_mask(classes_));
    ASSAY_TRY(listing.entries, read_digests(digests_, listing.classes));
    return listing;
  }

  void add_digest_options(CLI::App& app) {
    app.add_option(
           "--list", list_,
           "a list of assay guard list; with --trust or --kernel its signature must be good")
        ->type_name("FILE")
        ->option_text("FILE");
    trust_.add_to(app);
    app.add_option("--digests", digests_, "SHA-256 of files, as sha256sum writes them")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--class", classes_,
                   "what they may be read as (default: module): module, firmware, kexec-image, "
                   "kexec-initramfs, policy, x509, module-compressed")
        ->delimiter(',')
        ->type_name("LIST")
        ->option_text("LIST");
  }

  std::string list_;
  std::vector<std::string> digests_;
  std::vector<std::string> classes_ = {"module"};
  TrustArguments trust_;
};

class LoadCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "load"; }
  const char* purpose() const override { return "arm the running kernel"; }
  const char* notes() const override {
    return R"(Puts the guard into the running kernel, lists the digests, attaches it, and proves that it is called and
refuses; where it is not, nothing stays. Everything is let through and reported in audit mode, the default.

Exit status: 0 armed, 1 the self-test failed, 2 it could not be armed.

Examples:
  assay guard list --name mine -o mine.glist /lib/modules/$(uname -r) && assay guard load --list mine.glist
  assay guard load --list mine.glist --trust MOK.der --mode enforce --keyring secondary --seal
)";
  }
  void add_options(CLI::App& app) override {
    add_digest_options(app);
    app.add_option("--mode", modes_, "audit (the default), enforce or off; or CLASS=MODE, repeated")
        ->type_name("MODE")
        ->option_text("MODE");
    app.add_option("--error", error_,
                   "what a refusal returns: EKEYREJECTED (the default), EACCES, EPERM")
        ->type_name("ERRNO")
        ->option_text("ERRNO");
    app.add_flag("--body", options_.body,
                 "--digests of modules are of what stands before their signature");
    app.add_option("--keyring", keyrings_,
                   "overlays signed by a key of it are taken: builtin, secondary, platform")
        ->delimiter(',')
        ->type_name("LIST")
        ->option_text("LIST");
    app.add_option("--name", options_.list_name,
                   "of the list, which overlays name (default: its own)")
        ->type_name("NAME")
        ->option_text("NAME");
    app.add_option("--variant", variant_, "buffer, cast or ima (default: the first that works)")
        ->type_name("NAME")
        ->option_text("NAME");
    app.add_flag("--seal", options_.seal, "for good, until the next boot");
  }
  Result<void> check() const override {
    ASSAY_CHECK(check_listing());
    if (options_.list_name.size() > 63)
      return std::unexpected(usage("--name has more than 63 bytes"));
    if (!variant_.empty() && !find_guard_variant(variant_))
      return std::unexpected(usage("unknown variant " + variant_));
    return {};
  }

 private:
  Result<ExitStatus> change(const CommonOptions& common, Output& output) override {
    ASSAY_TRY(const Listing listing, read_listing(output));
    ASSAY_CHECK(set_stances({"audit"}, listing.classes, options_.modes));
    ASSAY_CHECK(set_stances(modes_, listing.classes, options_.modes));
    if (listing.list) {
      options_.body = listing.list->mode == GuardMode::body;
      if (options_.list_name.empty()) options_.list_name = listing.list->name;
    }
    for (const std::string& keyring : keyrings_) {
      const auto found = std::ranges::find(kKeyrings, keyring);
      if (found == kKeyrings.end()) return std::unexpected(usage("unknown keyring " + keyring));
      options_.keyrings |= 1U << (found - kKeyrings.begin());
    }
    if (error_ != "EKEYREJECTED" && error_ != "EACCES" && error_ != "EPERM")
      return std::unexpected(usage("--error is EKEYREJECTED, EACCES or EPERM"));
    options_.error = error_ == "EPERM" ? 1 : (error_ == "EACCES" ? 13 : 129);
    options_.variant = find_guard_variant(variant_);
    ASSAY_TRY(const Armed armed, arm_guard(listing.entries, options_));
    output.print(common.json ? to_json(armed) : to_text(armed));
    return armed.test.passed() ? kGood : kBad;
  }

  GuardOptions options_;
  std::vector<std::string> modes_;
  std::vector<std::string> keyrings_;
  std::string error_ = "EKEYREJECTED";
  std::string variant_;
};

class ModeCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "mode"; }
  const char* purpose() const override { return "audit or enforce, of the armed guard"; }
  const char* arguments() const override { return "MODE..."; }
  const char* notes() const override {
    return R"(MODE is off, audit or enforce for every class that is not off, or CLASS=MODE for one.

Exit status: 0, or 2 where the guard is sealed, or none is armed.

Examples:
  assay guard mode enforce --seal
  assay guard mode module=enforce firmware=audit
)";
  }
  void add_options(CLI::App& app) override {
    app.add_option("MODE", modes_, "off, audit, enforce or CLASS=MODE")->option_text(" ");
    app.add_flag("--seal", seal_, "then for good, until the next boot");
  }
  Result<void> check() const override {
    if (modes_.empty()) return std::unexpected(usage("MODE is missing"));
    return {};
  }

 private:
  Result<ExitStatus> change(const CommonOptions&, Output&) override {
    ASSAY_TRY(LiveGuard guard, LiveGuard::open());
    ASSAY_TRY(abi::guard_conf conf, guard.conf());
    std::array<GuardStance, kGuardClasses> stances{};
    std::uint32_t decided = 0;
    for (std::size_t number = 0; number < kGuardClasses; ++number) {
      stances[number] = static_cast<GuardStance>(conf.mode[number]);
      if (stances[number] != GuardStance::off) decided |= 1U << number;
    }
    ASSAY_CHECK(set_stances(modes_, decided, stances));
    for (std::size_t number = 0; number < kGuardClasses; ++number)
      conf.mode[number] = static_cast<std::uint8_t>(stances[number]);
    ASSAY_CHECK(guard.set_conf(conf));
    if (seal_) ASSAY_CHECK(guard.seal());
    return kGood;
  }

  std::vector<std::string> modes_;
  bool seal_ = false;
};

class SealCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "seal"; }
  const char* purpose() const override { return "nothing takes the guard out until the next boot"; }
  const char* notes() const override {
    return R"(From then on only a signed overlay changes what is allowed. docs/guard.md says what this stops, and what not.

Exit status: 0, or 2.
)";
  }

 private:
  Result<ExitStatus> change(const CommonOptions&, Output&) override {
    ASSAY_TRY(LiveGuard guard, LiveGuard::open());
    ASSAY_CHECK(guard.seal());
    return kGood;
  }
};

class AddCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "add"; }
  const char* purpose() const override { return "list more digests, while it is not sealed"; }
  const char* notes() const override {
    return R"(Exit status: 0, or 2 where the guard is sealed, has no more room (E2BIG), or none is armed.

Example:
  assay guard add --list more.glist
)";
  }
  void add_options(CLI::App& app) override { add_digest_options(app); }
  Result<void> check() const override { return check_listing(); }

 private:
  Result<ExitStatus> change(const CommonOptions&, Output& output) override {
    ASSAY_TRY(const Listing listing, read_listing(output));
    ASSAY_TRY(LiveGuard guard, LiveGuard::open());
    ASSAY_TRY(const abi::guard_conf conf, guard.conf());
    const bool is_body = (conf.flags & GUARD_BODY) != 0;
    if (listing.list && (listing.list->mode == GuardMode::body) != is_body)
      return bad_list(list_,
                      fmt::format("mode={}, and the guard was armed with {}",
                                  guard_mode_name(listing.list->mode), is_body ? "body" : "whole"));
    ASSAY_CHECK(guard.add(listing.entries));
    return kGood;
  }
};

class ApplyCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "apply"; }
  const char* purpose() const override { return "list what a signed overlay adds, sealed or not"; }
  const char* arguments() const override { return "FILE"; }
  const char* notes() const override {
    return R"(The kernel verifies the overlay with a key of its keyring; its serial has to be greater than that of the
one before, and its list the one that the guard was armed with (--name).

Exit status: 0 taken, 1 the guard refuses it, 2 it could not be asked.

Example:
  assay guard apply --keyring secondary r8126.overlay
)";
  }
  void add_options(CLI::App& app) override {
    app.add_option("FILE", path_, "an overlay with its signature appended")->option_text(" ");
    app.add_option("--keyring", keyring_, "builtin, secondary (the default) or platform")
        ->type_name("NAME")
        ->option_text("NAME");
  }
  Result<void> check() const override {
    if (path_.empty()) return std::unexpected(usage("FILE is missing"));
    if (std::ranges::find(kKeyrings, keyring_) == kKeyrings.end())
      return std::unexpected(usage("unknown keyring " + keyring_));
    return {};
  }

 private:
  Result<ExitStatus> change(const CommonOptions&, Output& output) override {
    ASSAY_TRY(const auto bytes, read_whole_file(path_, kOverlayLimit));
    ASSAY_TRY(const auto trailer, read_signature_trailer(ViewContent(View(bytes))));
    if (!trailer.splits || trailer.signature_extent().size == 0)
      return std::unexpected(usage(path_ + ": has no appended signature"));
    ASSAY_TRY(const LiveGuard guard, LiveGuard::open());
    const auto ring = std::ranges::find(kKeyrings, keyring_) - kKeyrings.begin();
    ASSAY_TRY(const int answer,
              guard.apply_overlay(std::span(bytes).first(trailer.before_block),
                                  trailer.payload_size, static_cast<unsigned>(ring)));
    if (answer == 0) return kGood;
    output.warn(fmt::format("{}: the guard does not take it: {}", path_, describe_errno(answer)));
    return kBad;
  }

  std::string path_;
  std::string keyring_ = "secondary";
};

class UnloadCommand final : public ArmingCommand {
 public:
  const char* name() const override { return "unload"; }
  const char* purpose() const override { return "take the guard out, while it is not sealed"; }
  const char* notes() const override {
    return R"(Exit status: 0, or 2 where the guard is sealed, or none is armed.
)";
  }

 private:
  Result<ExitStatus> change(const CommonOptions&, Output&) override {
    ASSAY_TRY(LiveGuard guard, LiveGuard::open());
    ASSAY_CHECK(guard.unload());
    return kGood;
  }
};

}  // namespace

void add_guard_arming_commands(CLI::App& guard, GuardCommands& commands) {
  add_guard_command(guard, commands, std::make_unique<LoadCommand>());
  add_guard_command(guard, commands, std::make_unique<ModeCommand>());
  add_guard_command(guard, commands, std::make_unique<SealCommand>());
  add_guard_command(guard, commands, std::make_unique<AddCommand>());
  add_guard_command(guard, commands, std::make_unique<ApplyCommand>());
  add_guard_command(guard, commands, std::make_unique<UnloadCommand>());
}

}  // namespace assay
