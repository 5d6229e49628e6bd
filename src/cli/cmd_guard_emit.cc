// assay guard emit: the same for a kernel that has something else than a guard.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>

#include "bytes/atomic_file.h"
#include "cli/cmd_guard.h"
#include "cli/progress_line.h"
#include "cli/signer_arguments.h"
#include "crypto/signer.h"
#include "edit/cms_embed.h"
#include "formats/ber.h"
#include "guardlist/overlay.h"
#include "survey/ipe_writer.h"

namespace assay {

namespace {

// "1.0.0".
std::optional<std::array<std::uint16_t, 3>> parse_version(std::string_view text) {
  std::array<std::uint16_t, 3> version{};
  for (std::size_t i = 0; i < version.size(); ++i) {
    const std::size_t end = i + 1 < version.size() ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0) return std::nullopt;
    const auto [at, error] = std::from_chars(text.data(), text.data() + end, version[i]);
    if (error != std::errc() || at != text.data() + end) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return version;
}

class GuardEmitCommand final : public Command {
 public:
  const char* name() const override { return "emit"; }
  const char* purpose() const override { return "write a policy of IPE for a small set of files"; }
  const char* arguments() const override { return "--ipe NAME -o FILE PATH..."; }
  const char* notes() const override {
    return R"(IPE (since 6.12) denies what no rule of its active policy allows. The policy that is written denies the
--classes, but for the files PATH by their fs-verity digests: each of these files has to lie on a
file system with fs-verity, which has to be enabled for it (fsverity enable), and be loaded as a
file: init_module is denied.

With a key the policy is signed, as /sys/kernel/security/ipe/new_policy takes it; a signed policy
has at most 65535 bytes (the kernel answers EMSGSIZE to more), which is about 575 files. A larger
set needs a guard.

Exit status: 0, or 2 where no policy is written.

Examples:
  assay guard emit --ipe appliance --key MOK.priv --cert MOK.der -o appliance.p7b /lib/modules/7.2.13
)";
  }

  void add_options(CLI::App& app) override {
    const auto text = [&app](const char* option, std::string& value, const char* type,
                             const char* help) {
      app.add_option(option, value, help)->type_name(type)->option_text(type);
    };
    app.add_option("PATH", paths_, "modules, kernel images, packages, folders")->option_text(" ");
    text("--ipe", policy_name_, "NAME", "a policy of IPE, of this name");
    text("--ipe-version", version_, "A.B.C",
         "of the policy; an update has a greater one (default: 1.0.0)");
    text("-o", out_, "FILE", "where it goes (default: standard output, where it is not signed)");
    text("--classes", classes_, "LIST",
         "what is denied but for these files (default: module): firmware, module, kexec-image, "
         "kexec-initramfs, policy, x509; in this order");
    app.add_flag("--initramfs", initramfs_,
                 "allow what comes from the initramfs, too (boot_verified)");
    signer_.add_to(app);
  }

  Result<void> check() const override {
    ASSAY_CHECK(require_paths(paths_));
    if (!is_list_name(policy_name_))
      return fail(Reason::usage, {},
                  policy_name_.empty() ? "--ipe is missing"
                                       : "--ipe: 1 to 63 characters of a-z A-Z 0-9 . _ + ~ -");
    if (!parse_version(version_))
      return fail(Reason::usage, {}, "--ipe-version: A.B.C, 16 bits each");
    const auto mask = parse_read_mask(classes_);
    if (!mask || (*mask & mask_of(ReadClass::module_compressed)) != 0)
      return fail(Reason::usage, {}, "--classes: unknown, or not in the order of --help");
    if (!signer_.is_given()) return {};
    if (out_.empty()) return fail(Reason::usage, {}, "a signed policy needs -o");
    return signer_.check();
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto status = emit(common, output);
    if (status) return *status;
    output.error(status.error());
    return kUndetermined;
  }

 private:
  Result<ExitStatus> emit(const CommonOptions& common, Output& output) const {
    WrittenIpe written;
    {
      Progress numbers;
      const ProgressLine progress(numbers, !common.quiet);
      IpeWriterOptions options;
      options.survey.paths = paths_;
      options.survey.jobs = common.job_count();
      options.survey.progress = &numbers;
      options.name = policy_name_;
      options.version = *parse_version(version_);
      options.classes = *parse_read_mask(classes_);
      options.initramfs = initramfs_;
      written = write_ipe_policy(options);
    }
    for (const Error& error : written.errors) output.error(error);
    if (!written.errors.empty()) return kUndetermined;
    warn_of_empty_paths(written.surveyed.empty_paths, "files of these classes", output);
    const std::span<const std::uint8_t> text = bytes_of(written.text);
    // Whoever signs it, the message is longer than what it carries.
    if (text.size() > ber::kMaxSize)
      return fail(Reason::not_signable, {},
                  fmt::format("a policy of {} bytes with {} digests, and a message of at most {} "
                              "has to hold it (EMSGSIZE), which is about 575 digests",
                              text.size(), written.digests, ber::kMaxSize));
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    if (signer_.is_given()) {
      ASSAY_TRY(bytes, sign(text));
    }
    if (out_.empty()) {
      output.print(written.text);
      return kGood;
    }
    const std::size_t size = bytes.size();
    AtomicWriter writer{WritePolicy{}};
    ASSAY_CHECK(writer.write({.path = out_, .content = MemoryContent(std::move(bytes))}));
    for (const Error& error : writer.commit()) return std::unexpected(error);
    if (!common.quiet)
      output.print(fmt::format("{}: {} digests, {} bytes of at most {}\n", policy_name_,
                               written.digests, size, ber::kMaxSize));
    return kGood;
  }

  // As openssl cms -sign -binary -nodetach -noattr -nocerts makes it.
  Result<std::vector<std::uint8_t>> sign(std::span<const std::uint8_t> text) const {
    ASSAY_TRY(const SigningIdentity identity, signer_.load());
    ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, text));
    const SigningKey& key = identity.signer->key();
    ASSAY_TRY(const PreparedMessage prepared, prepare_message({}, key, digest, text));
    ASSAY_TRY(const SignatureOctets value, sign_one(*identity.signer, prepared.request));
    ASSAY_TRY(const DerBytes message, write_message(prepared, key, identity.certificate, value));
    return embed_content(View(message), text);
  }

  std::vector<std::string> paths_;
  std::string policy_name_;
  std::string version_ = "1.0.0";
  std::string out_;
  std::string classes_ = "module";
  bool initramfs_ = false;
  SignerArguments signer_;
};

}  // namespace

std::unique_ptr<Command> make_guard_emit_command() { return std::make_unique<GuardEmitCommand>(); }

}  // namespace assay
