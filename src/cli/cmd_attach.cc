// assay attach: put records back, bit for bit, or signatures made elsewhere in.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>

#include "base/name.h"
#include "bytes/whole_file.h"
#include "cli/command.h"
#include "cli/edit_arguments.h"
#include "cli/two_steps.h"
#include "edit/apply_record.h"
#include "edit/attach.h"
#include "trust/certificate_file.h"
#include "trust/module_root.h"

namespace assay {

namespace {

constexpr std::uint64_t kLargestSignature = 16 << 20;

class AttachCommand final : public Command {
 public:
  const char* name() const override { return "attach"; }
  const char* purpose() const override { return "put records back, bit for bit"; }
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(A record belongs to the bytes it was taken from, known by size and SHA-256: files that no record is of
are refused when they are named, passed over in folders. What comes out is compared with what the
record describes before anything is written.

A signature given by --signature or --signatures must be of the file: its digest is compared where it
names one; where it does not (signatures of modules), its value is verified with --cert, or with the
certificate in it. Whether anybody trusts that certificate, `assay verify` says. A Merkle proof has to
lead to the root of --kernel. A file that is signed is refused without --replace or --add.

Exit status: 0 all is done, 1 a file is not what its record or signature is of, or none belongs to it,
2 something could not be read or written.

Examples:
  assay attach --records kernel.records --in-place lib/modules/6.1.0-56-amd64
  assay attach --signature vmlinuz.sig -o vmlinuz.signed vmlinuz
  assay attach --answers answers.json --in-place lib/modules/6.1.0
  assay attach --signatures signatures --cert signing_key.x509 --in-place lib/modules/6.1.0
)";
  }

  void add_options(CLI::App& app) override {
    arguments_.add_to(app, "files and folders without their records");
    app.add_option("--records", records_,
                   "a file or folder of records, as excise and sign keep them")
        ->type_name("R")
        ->option_text("R");
    app.add_option("--signatures", signatures_,
                   "a folder with NAME.sig for each file NAME within PATH, as Debian's signing "
                   "service lays them out: debian/signatures for a folder of packages")
        ->type_name("FOLDER")
        ->option_text("FOLDER");
    app.add_option("--signature", signature_,
                   "a PKCS#7 message (DER), a whole WIN_CERTIFICATE, or a Merkle proof "
                   "(CONFIG_MODULE_HASHES), for one file")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--answers", answers_,
                   "what sign --prepare asked for, with the values that the key made")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--cert", certificates_,
                   "who has signed: certificates, PEM or DER, with one of which a signature must "
                   "verify (repeatable)")
        ->type_name("FILE")
        ->option_text("FILE")
        ->allow_extra_args(false);
    app.add_option("--kernel", kernel_, "the kernel image whose root a Merkle proof has to lead to")
        ->type_name("IMAGE")
        ->option_text("IMAGE");
    app.add_flag("--unverified", unverified_,
                 "put in signatures that name no digest and that no certificate is there for, and "
                 "proofs without --kernel");
    app.add_flag("--replace", replace_, "take the signatures that are there out");
    app.add_flag("--add", add_, "add to the signatures that are there");
  }

  Result<void> check() const override {
    ASSAY_CHECK(arguments_.check());
    const std::string* ways[] = {&records_, &signature_, &signatures_, &answers_};
    if (std::ranges::count_if(ways, [](const std::string* way) { return !way->empty(); }) != 1)
      return fail(Reason::usage, {},
                  "one of --records R, --signature FILE, --signatures FOLDER and --answers FILE is "
                  "to be given");
    if (!signature_.empty() && arguments_.paths().size() != 1)
      return fail(Reason::usage, {}, "--signature is for one file");
    if (replace_ && add_) return fail(Reason::usage, {}, "--replace and --add exclude each other");
    if (!kernel_.empty() && signature_.empty())
      return fail(Reason::usage, {}, "--kernel is for --signature");
    if (!records_.empty() && (replace_ || add_ || unverified_ || !certificates_.empty()))
      return fail(Reason::usage, {},
                  "--cert, --unverified, --replace and --add are for signatures, not for records");
    if (!answers_.empty() && unverified_)
      return fail(Reason::usage, {}, "--unverified is for signatures, not for answers");
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (!records_.empty()) return attach_records(common, output);
    if (!answers_.empty())
      return attach_answers(common, arguments_, {answers_, certificates_, existing()}, output);
    return signature_.empty() ? attach_folder(common, output) : attach_one(common, output);
  }

 private:
  ExitStatus attach_records(const CommonOptions& common, Output& output) {
    const auto set = RecordSet::load(records_);
    if (!set) {
      output.error(set.error());
      return kUndetermined;
    }
    std::atomic<std::size_t> attached = 0;
    const auto edit = [&](const Artifact& artifact,
                          bool is_named) -> Result<std::optional<Edited>> {
      ASSAY_TRY(auto edited, apply_fitting_record(artifact, *set, Direction::forward, is_named));
      if (edited) ++attached;
      return edited;
    };
    const ExitStatus status = arguments_.run(common, "attach", "attached", {}, edit, output);
    if (attached < set->records().size() && !common.quiet)
      output.warn(std::to_string(set->records().size() - attached) + " of " +
                  std::to_string(set->records().size()) + " records found no file");
    return status;
  }

  ExitStatus attach_one(const CommonOptions& common, Output& output) {
    const auto signature = read_whole_file(signature_, kLargestSignature);
    if (!signature) {
      output.error(signature.error());
      return kUndetermined;
    }
    return attach_signatures(common, output,
                             [&](const Artifact&, bool is_named) -> Result<OptionalSignature> {
                               if (!is_named)
                                 return fail(Reason::usage, {}, "--signature is for one file");
                               return *signature;
                             });
  }

  ExitStatus attach_folder(const CommonOptions& common, Output& output) {
    const auto there = count_signatures();
    if (!there) {
      output.error(there.error());
      return kUndetermined;
    }
    std::atomic<std::size_t> used = 0;
    const ExitStatus status = attach_signatures(
        common, output, [&](const Artifact& artifact, bool is_named) -> Result<OptionalSignature> {
          const std::string path = signatures_ + '/' + decode_name(artifact.name) + ".sig";
          if (!std::filesystem::exists(path)) {
            if (is_named) return fail(Reason::no_record, {}, encode_name(path));
            return std::nullopt;
          }
          ++used;
          ASSAY_TRY(auto signature, read_whole_file(path, kLargestSignature));
          return signature;
        });
    if (used < *there && !common.quiet)
      output.warn(std::to_string(*there - used) + " of " + std::to_string(*there) +
                  " signatures found no file");
    return status;
  }

  // An error where there is no such folder: a package would stay as it is without a word.
  Result<std::size_t> count_signatures() const {
    namespace fs = std::filesystem;
    std::size_t count = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator at(signatures_, error), end; !error && at != end;
         at.increment(error))
      if (at->path().extension() == ".sig") ++count;
    if (error)
      return std::unexpected(
          Error{Reason::cannot_open, {}, error.message(), encode_name(signatures_)});
    return count;
  }

  using OptionalSignature = std::optional<std::vector<std::uint8_t>>;
  using FindSignature = std::function<Result<OptionalSignature>(const Artifact&, bool is_named)>;

  ExitStatus attach_signatures(const CommonOptions& common, Output& output,
                               const FindSignature& find) {
    const auto options = attach_options();
    if (!options) {
      output.error(options.error());
      return kUndetermined;
    }
    std::atomic<std::size_t> unbound = 0;
    const auto edit = [&](const Artifact& artifact,
                          bool is_named) -> Result<std::optional<Edited>> {
      ASSAY_TRY(const OptionalSignature signature, find(artifact, is_named));
      if (!signature) return std::nullopt;
      ASSAY_TRY(const bool is_there, carries_signature(artifact, View(*signature)));
      if (is_there && !is_named) return std::nullopt;
      ASSAY_TRY(AttachedSignature attached, attach_signature(artifact, View(*signature), *options));
      if (!attached.is_bound) ++unbound;
      return std::move(attached.edited);
    };
    const ExitStatus status = arguments_.run(common, "attach", "attached", {}, edit, output);
    if (unbound > 0)
      output.warn(std::to_string(unbound) +
                  " unverified: nothing says that the signature is of the file it was put into");
    return status;
  }

  Existing existing() const {
    return replace_ ? Existing::replace : add_ ? Existing::add : Existing::refuse;
  }

  Result<AttachOptions> attach_options() const {
    AttachOptions options;
    options.existing = existing();
    options.unverified = unverified_;
    if (!kernel_.empty())
      options.is_root_of_kernel = [this](const ModuleRoot& root) -> Result<bool> {
        const auto found = open_module_hashes(kernel_, root);
        if (!found && found.error().reason == Reason::no_trust) return false;
        if (!found) return std::unexpected(found.error());
        return found->root == root;
      };
    for (const std::string& path : certificates_) {
      ASSAY_TRY(const Certificates loaded, load_certificates(path, [](const Error&) {}));
      for (const auto& certificate : loaded) {
        const auto raw = certificate->x509().raw.bytes();
        options.certificates.push_back({{raw.begin(), raw.end()}, {}});
      }
    }
    return options;
  }

  EditArguments arguments_;
  std::string records_;
  std::string signature_;
  std::string signatures_;
  std::string answers_;
  std::vector<std::string> certificates_;
  std::string kernel_;
  bool unverified_ = false;
  bool replace_ = false;
  bool add_ = false;
};

}  // namespace

std::unique_ptr<Command> make_attach_command() { return std::make_unique<AttachCommand>(); }

}  // namespace assay
