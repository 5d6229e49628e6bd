// assay sign: make signatures, as the kernel's build and Secure Boot's tools make them.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "bytes/content.h"
#include "cli/command.h"
#include "cli/debian_signing.h"
#include "cli/edit_arguments.h"
#include "cli/signer_arguments.h"
#include "cli/signing_time.h"
#include "cli/two_steps.h"
#include "edit/attach.h"
#include "edit/excise.h"
#include "edit/ima_sign.h"
#include "edit/record_set.h"
#include "edit/reuse.h"
#include "edit/sign.h"
#include "formats/module_name.h"
#include "formats/pe.h"

namespace assay {

namespace {

class SignCommand final : public Command {
 public:
  const char* name() const override { return "sign"; }
  const char* purpose() const override { return "add a signature to modules, images, any file"; }
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(PE images get an Authenticode signature in their certificate table, all else one appended as the
kernel's scripts/sign-file appends it, byte for byte. Compressed modules (.ko.xz, .ko.gz, .ko.zst) are
signed inside and compressed again such that the kernel's decompressor reads them. Of folders modules
and PE images are signed, with --all every file.

With --ima the signature goes into security.ima instead, over the file as it is stored, compressed or
not; with --evm a portable signature of attributes, owner and mode goes into security.evm; --sidecar
writes FILE.sig, as evmctl does, and leaves the file as it is.

RSA signatures are the same each time; of PE images, and with --attributes, when SOURCE_DATE_EPOCH
gives the time. ECDSA and ML-DSA signatures differ each time: --reuse R puts in the one that a record
has of the same bytes by the same certificate, and refuses one of another form than asked for.

--prepare FILE signs nothing: it writes what is to be signed, for whoever has the key to answer, and
attach --answers FILE puts the answers in (docs/formats/signing_request.md). --debian-files FILES.JSON
signs PATH/PACKAGE/FILE for all that it lists, and writes OUT/PACKAGE/FILE.sig.

Exit status: 0 all is done, 1 a file is signed already (see --replace and --add) or cannot be signed
in this way, 2 something could not be read or written, or the signer failed.

Examples:
  assay sign --key signing_key.pem --cert signing_key.x509 --in-place lib/modules/6.1.0
  assay sign --key db.key --cert db.crt -o vmlinuz.signed vmlinuz
  sudo assay sign --ima --evm --key ima.key --cert ima.pem --in-place /usr/bin/tool
  assay sign --ima --sidecar --key ima.key --cert ima.pem --in-place --all folder
  assay sign --key 'pkcs11:token=release;object=kernel' --cert release.pem --in-place lib/modules/6.1.0
  assay sign --prepare digests.json --cert release.pem lib/modules/6.1.0
  assay sign --debian-files files.json --key db.key --cert db.crt -o debian/signatures debian
)";
  }

  void add_options(CLI::App& app) override {
    arguments_.add_to(app, "files and folders");
    signer_.add_to(app);
    app.add_option("--hash", hash_, "of the content: sha256 (the default), sha512, sha3-256...")
        ->type_name("HASH")
        ->option_text("HASH");
    app.add_flag("--replace", replace_, "take the signatures that are there out");
    app.add_flag("--add", add_, "add to the signatures that are there");
    app.add_flag("-k,--key-identifier", by_key_identifier_,
                 "name the signer by the key identifier of its certificate, not by issuer and "
                 "serial number");
    app.add_flag("--with-certificate", with_certificate_,
                 "embed the certificate, which appended signatures do without");
    app.add_flag("--without-certificate", without_certificate_,
                 "leave it out, which PE images have");
    app.add_flag("--attributes", attributes_,
                 "signed attributes, which kernels refuse in signatures of modules");
    app.add_flag("--appended", appended_, "append to PE images too");
    app.add_flag("--ima", ima_, "sign into security.ima, for IMA");
    app.add_option("--ima-version", ima_version_,
                   "2, which all kernels take (the default), or 3, for 7.2")
        ->type_name("N")
        ->option_text("N")
        ->check(CLI::IsMember({2, 3}));
    app.add_flag("--evm", evm_, "with --ima: and a portable signature into security.evm");
    app.add_flag("--sidecar", sidecar_, "with --ima: into a file FILE.sig beside the file");
    app.add_flag("--all", all_, "of folders every file");
    app.add_option("--records", records_,
                   "keep records, with which excise --original brings back the files as they were")
        ->type_name("R")
        ->option_text("R");
    app.add_option("--reuse", reuse_, "records whose signatures are taken before new ones are made")
        ->type_name("R")
        ->option_text("R");
    app.add_option("--prepare", prepare_, "write here what is to be signed, and sign nothing")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--debian-files", debian_.files,
                   "files.json of Debian's signing service: detached signatures of what it lists")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--trusted-certs", debian_.trusted,
                   "with --debian-files: certificates that what is signed may trust (repeatable)")
        ->type_name("FILE")
        ->option_text("FILE")
        ->allow_extra_args(false);
  }

  Result<void> check() const override {
    ASSAY_CHECK(prepare_.empty() ? arguments_.check() : arguments_.check_reads_alone());
    ASSAY_CHECK(prepare_.empty() ? signer_.check() : signer_.check_public());
    ASSAY_CHECK(check_way());
    if (replace_ && add_) return fail(Reason::usage, {}, "--replace and --add exclude each other");
    if (with_certificate_ && without_certificate_)
      return fail(Reason::usage, {},
                  "--with-certificate and --without-certificate exclude each other");
    if (!ima_ && (evm_ || sidecar_)) return fail(Reason::usage, {}, "--ima is missing");
    if (evm_ && sidecar_) return fail(Reason::usage, {}, "--evm and --sidecar exclude each other");
    if (ima_ && add_) return fail(Reason::usage, {}, "--ima and --add exclude each other");
    if (!find_hash(hash_)) return fail(Reason::usage, {}, "unknown hash " + hash_);
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto options = sign_options();
    if (!options) return refuse(options.error(), output);
    if (!prepare_.empty()) return prepare(common, *options, output);
    const auto identity = signer_.load();
    if (!identity) return refuse(identity.error(), output);
    if (!debian_.files.empty()) {
      arguments_.write_beside(".sig", replace_);
      return sign_debian_files(common, arguments_, *identity, *options, debian_, output);
    }
    RecordSet reusable;
    if (!reuse_.empty()) {
      auto loaded = RecordSet::load(reuse_);
      if (!loaded) return refuse(loaded.error(), output);
      reusable = std::move(*loaded);
    }
    const SigningKey& key = identity->signer->key();
    if (!key.is_deterministic() && reuse_.empty() && !common.quiet)
      output.warn(
          fmt::format("signatures by this key ({}) differ each time they are made; "
                      "--records and --reuse keep them",
                      signing_algorithm_name(key.algorithm)));
    ImaKeyId key_id{};
    if (ima_) {
      const auto found = ima_key_id(identity->certificate);
      if (!found) return refuse(found.error(), output);
      key_id = *found;
    }
    const auto edit = [&](const Artifact& artifact,
                          bool is_named) -> Result<std::optional<Edited>> {
      // The signatures that lie beside files already.
      if (!is_named && sidecar_ && artifact.path.ends_with(".sig")) return std::nullopt;
      if (!is_named && !all_) {
        ASSAY_TRY(const bool is_wanted, is_signable(artifact));
        if (!is_wanted) return std::nullopt;
      }
      if (ima_) return sign_for_ima(artifact, *identity->signer, key_id);
      ASSAY_TRY(auto reused, reuse_signature(artifact, reusable, identity->certificate, *options));
      if (reused) return reused;
      ASSAY_TRY(Edited edited,
                sign_artifact(artifact, *identity->signer, identity->certificate, *options));
      return edited;
    };
    if (sidecar_) arguments_.write_beside(".sig", replace_);
    return arguments_.run(common, "sign", "signed", records_, edit, output);
  }

 private:
  // What excludes what, of the ways to sign elsewhere.
  Result<void> check_way() const {
    const bool prepares = !prepare_.empty();
    const bool is_debian = !debian_.files.empty();
    if (!debian_.trusted.empty() && !is_debian)
      return fail(Reason::usage, {}, "--debian-files is missing");
    if (prepares && is_debian)
      return fail(Reason::usage, {}, "--prepare and --debian-files exclude each other");
    if ((prepares || is_debian) && (!records_.empty() || !reuse_.empty()))
      return fail(Reason::usage, {},
                  std::string("--records and --reuse are not for ") +
                      (prepares ? "--prepare" : "--debian-files"));
    if (is_debian && ima_) return fail(Reason::usage, {}, "--ima is not for --debian-files");
    // A portable signature of EVM is over security.ima with its value, which is not there yet.
    if (prepares && (evm_ || sidecar_))
      return fail(Reason::usage, {}, "--evm and --sidecar are not for --prepare");
    if (is_debian && (arguments_.is_in_place() || arguments_.paths().size() != 1))
      return fail(Reason::usage, {}, "--debian-files is for one PATH, and -o OUT");
    return {};
  }

  ExitStatus prepare(const CommonOptions& common, const SignOptions& options, Output& output) {
    const auto identity = signer_.load_public();
    if (!identity) return refuse(identity.error(), output);
    const auto is_wanted = [this](const Artifact& artifact) -> Result<bool> {
      return all_ ? Result<bool>(true) : is_signable(artifact);
    };
    Preparation what{options, {}, prepare_};
    if (ima_) what.ima_version = static_cast<std::uint8_t>(ima_version_);
    return prepare_requests(common, arguments_, *identity, what, is_wanted, output);
  }

  static ExitStatus refuse(const Error& error, Output& output) {
    output.error(error);
    return kUndetermined;
  }

  Result<SignOptions> sign_options() const {
    SignOptions options;
    options.hash = *find_hash(hash_);
    options.existing = replace_ ? Existing::replace : add_ ? Existing::add : Existing::refuse;
    options.by_key_identifier = by_key_identifier_;
    if (with_certificate_ || without_certificate_) options.embeds_certificates = with_certificate_;
    options.signed_attributes = attributes_;
    options.always_appended = appended_;
    ASSAY_TRY(options.time, signing_time());
    return options;
  }

  Result<std::optional<Edited>> sign_for_ima(const Artifact& artifact, Signer& signer,
                                             const ImaKeyId& key_id) const {
    ImaSignOptions options;
    options.hash = *find_hash(hash_);
    options.version = static_cast<std::uint8_t>(ima_version_);
    options.existing = replace_ ? Existing::replace : Existing::refuse;
    options.evm = evm_;
    options.has_all_attributes = arguments_.has_all_attributes();
    if (!sidecar_) {
      ASSAY_TRY(Edited edited, sign_ima(artifact, signer, key_id, options));
      return edited;
    }
    ASSAY_TRY(auto value, make_ima_signature(artifact, signer, key_id, options));
    Edited beside;
    ASSAY_CHECK(name_sides(artifact, *artifact.plain, *artifact.plain, beside.record));
    beside.stored = std::make_shared<MemoryContent>(std::move(value));
    return beside;
  }

  static Result<bool> is_signable(const Artifact& artifact) {
    if (parse_module_name(artifact.name)) return true;
    ASSAY_TRY(const PeHeaders headers, read_pe_headers(*artifact.plain));
    return headers.optional.has_value();
  }

  SignerArguments signer_;
  EditArguments arguments_;
  std::string hash_ = "sha256";
  bool replace_ = false;
  bool add_ = false;
  bool by_key_identifier_ = false;
  bool with_certificate_ = false;
  bool without_certificate_ = false;
  bool attributes_ = false;
  bool appended_ = false;
  bool all_ = false;
  bool ima_ = false;
  int ima_version_ = 2;
  bool evm_ = false;
  bool sidecar_ = false;
  std::string records_;
  std::string reuse_;
  std::string prepare_;
  DebianSigning debian_;
};

}  // namespace

std::unique_ptr<Command> make_sign_command() { return std::make_unique<SignCommand>(); }

}  // namespace assay
