// assay guard list: a list of digests of what a kernel may load.

#include <CLI/CLI.hpp>
#include "bytes/atomic_file.h"
#include "cli/cmd_guard.h"
#include "cli/progress_line.h"
#include "cli/signer_arguments.h"
#include "report/guard_report.h"

namespace assay {

namespace {

class GuardListCommand final : public Command {
 public:
  const char* name() const override { return "list"; }
  const char* purpose() const override { return "make a list of what may be loaded"; }
  const char* arguments() const override { return "-o FILE PATH..."; }
  const char* notes() const override {
    return R"(PATH is a package, a folder of modules, a build tree, an image of a disk, a module, a kernel image, an
initrd: containers are opened. The digest of a module is that of its body, without its signature
(--mode), so that a list of modules that somebody else built, and nobody signed, admits the signed
ones too. The same files make the same list, in whatever order they come.

Without -o the list goes to standard output. There is no list where something could not be read.

Exit status: 0, or 2 where there is no list.

Examples:
  assay guard list -o debian.list --name debian linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
  assay guard list --name own --order out/modules.order -o own.list out
  assay guard list --name all --classes module,kexec-image --key k.pem --cert k.crt -o all.list /boot /lib/modules
)";
  }

  void add_options(CLI::App& app) override {
    const auto text = [&app](const char* option, std::string& value, const char* type,
                             const char* help) {
      app.add_option(option, value, help)->type_name(type)->option_text(type);
    };
    app.add_option("PATH", paths_, "packages, folders, archives, images, files")->option_text(" ");
    text("-o", out_, "FILE", "where the list goes");
    text("--name", list_name_, "NAME", "of the list, by which overlays name it");
    text("--list-version", version_, "TEXT", "of what is listed, for people");
    app.add_option("--serial", serial_, "of the list (default: 0)")
        ->type_name("N")
        ->option_text("N");
    text("--mode", mode_, "MODE", "body (the default) or whole: whether signatures are hashed too");
    text("--classes", classes_, "LIST",
         "what is listed, and decided by the list: firmware, module (the default), kexec-image, "
         "kexec-initramfs, policy, x509, module-compressed; in this order");
    app.add_flag("--compressed", compressed_,
                 "list compressed modules as stored, too, for kernels that decompress them "
                 "(6.1 with finit_module's flag 4)");
    app.add_flag("--without-packages", without_packages_,
                 "no names of packages, so that lists of the same files in different packages are "
                 "the same");
    text("--order", order_, "FILE", "a modules.order: these modules alone, and all of them");
    text("--root", root_, "HEX",
         "the root of the tree over them (CONFIG_MODULE_HASHES), which is checked first");
    app.add_option("--levels", levels_, "of that tree")->type_name("N")->option_text("N");
    app.add_option("--hash-list", hash_lists_,
                   "a list of SHA-256 as kernels with CONFIG_MODULE_HASHES have it (repeatable)")
        ->type_name("FILE")
        ->option_text("FILE")
        ->allow_extra_args(false);
    app.add_option("--records", records_,
                   "records of signatures, of which the unsigned side is listed (repeatable)")
        ->type_name("PATH")
        ->option_text("PATH")
        ->allow_extra_args(false);
    signer_.add_to(app);
  }

  Result<void> check() const override {
    if (paths_.empty() && hash_lists_.empty() && records_.empty())
      return fail(Reason::usage, {}, "PATH is missing");
    if (!is_list_name(list_name_))
      return fail(Reason::usage, {},
                  list_name_.empty() ? "--name is missing"
                                     : "--name: 1 to 63 characters of a-z A-Z 0-9 . _ + ~ -");
    if (!find_guard_mode(mode_)) return fail(Reason::usage, {}, "--mode is body or whole");
    if (!parse_read_mask(classes_))
      return fail(Reason::usage, {}, "--classes: unknown, or not in the order of --help");
    if (root_.empty() != !levels_)
      return fail(Reason::usage, {}, "--root and --levels stand together");
    if (!root_.empty() && order_.empty())
      return fail(Reason::usage, {}, "--root is over the modules of --order");
    if (!root_.empty() && !parse_module_hash(root_))
      return fail(Reason::usage, {}, "--root: 64 hexadecimal digits");
    if (signer_.is_given()) {
      if (out_.empty()) return fail(Reason::usage, {}, "a signed list needs -o");
      return signer_.check();
    }
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto status = make(common, output);
    if (status) return *status;
    output.error(status.error());
    return kUndetermined;
  }

 private:
  Result<GuardListOptions> list_options(const CommonOptions& common, Progress& numbers) const {
    GuardListOptions options;
    options.survey.paths = paths_;
    options.survey.jobs = common.job_count();
    options.survey.progress = &numbers;
    options.head.name = list_name_;
    options.head.version = version_;
    options.head.serial = serial_;
    options.head.mode = *find_guard_mode(mode_);
    options.head.classes = *parse_read_mask(classes_);
    options.compressed = compressed_;
    if (compressed_) options.head.classes |= mask_of(ReadClass::module_compressed);
    options.packages = !without_packages_;
    if (!order_.empty()) {
      ASSAY_TRY(options.order, read_module_order(order_));
    }
    if (!root_.empty()) options.root = ModuleRoot{*levels_, *parse_module_hash(root_)};
    return options;
  }

  // Those are of modules alone.
  Result<void> add_rows(GuardList& list) const {
    const auto add = [&list](Result<std::vector<GuardRow>> rows) -> Result<void> {
      if (!rows) return std::unexpected(rows.error());
      for (GuardRow& row : *rows) {
        row.mask &= list.classes;
        if (row.mask != 0) list.rows.push_back(std::move(row));
      }
      return {};
    };
    for (const std::string& path : hash_lists_) ASSAY_CHECK(add(rows_of_hash_list(path)));
    for (const std::string& path : records_) ASSAY_CHECK(add(rows_of_records(path)));
    make_canonical(list);
    return {};
  }

  Result<ExitStatus> make(const CommonOptions& common, Output& output) const {
    BuiltGuardList built;
    {
      Progress numbers;
      const ProgressLine progress(numbers, !common.quiet);
      ASSAY_TRY(const GuardListOptions options, list_options(common, numbers));
      built = build_guard_list(options);
    }
    for (const Error& error : built.errors) output.error(error);
    if (!built.errors.empty()) return kUndetermined;
    ASSAY_CHECK(add_rows(built.list));
    warn_of_empty_paths(built.surveyed.empty_paths, "files of these classes", output);
    if (built.list.rows.empty())
      return fail(Reason::usage, {}, "nothing to list: a guard with an empty list refuses all");
    ASSAY_TRY(const std::string text, write_guard_list(built.list));
    ASSAY_CHECK(write(text, output));
    if (!common.quiet && !out_.empty()) print_summary(common, built, text, output);
    return kGood;
  }

  Result<void> write(const std::string& text, Output& output) const {
    if (out_.empty()) {
      output.print(text);
      return {};
    }
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    if (signer_.is_given()) {
      ASSAY_TRY(const SigningIdentity identity, signer_.load());
      ASSAY_TRY(bytes, sign_bytes(out_, std::move(bytes), *identity.signer, identity.certificate));
    }
    AtomicWriter writer{WritePolicy{}};
    ASSAY_CHECK(writer.write({.path = out_, .content = MemoryContent(std::move(bytes))}));
    for (const Error& error : writer.commit()) return std::unexpected(error);
    return {};
  }

  void print_summary(const CommonOptions& common, const BuiltGuardList& built,
                     const std::string& text, Output& output) const {
    const auto digest = compute_digest(Hash::sha256, bytes_of(text));
    const std::string sha256 = digest ? digest->hex() : "";
    output.print(common.json ? to_json(built, sha256) + '\n' : to_text(built, sha256));
  }

  std::vector<std::string> paths_;
  std::string out_;
  std::string list_name_;
  std::string version_;
  std::uint64_t serial_ = 0;
  std::string mode_ = "body";
  std::string classes_ = "module";
  bool compressed_ = false;
  bool without_packages_ = false;
  std::string order_;
  std::string root_;
  std::optional<std::uint32_t> levels_;
  std::vector<std::string> hash_lists_;
  std::vector<std::string> records_;
  SignerArguments signer_;
};

}  // namespace

std::unique_ptr<Command> make_guard_list_command() { return std::make_unique<GuardListCommand>(); }

void add_guard_list_commands(CLI::App& guard, GuardCommands& commands) {
  add_guard_command(guard, commands, make_guard_list_command());
  add_guard_command(guard, commands, make_guard_overlay_command());
  add_guard_command(guard, commands, make_guard_simulate_command());
  add_guard_command(guard, commands, make_guard_explain_command());
  add_guard_command(guard, commands, make_guard_emit_command());
}

}  // namespace assay
