// assay excise: take records out, so that what is left is what was built.

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/edit_arguments.h"
#include "edit/apply_record.h"
#include "edit/excise.h"
#include "edit/record_set.h"

namespace assay {

namespace {

class ExciseCommand final : public Command {
 public:
  const char* name() const override { return "excise"; }
  const char* purpose() const override {
    return "take records out: appended signatures, PE certificates, security.ima and security.evm";
  }
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(What is left of a PE image is its canonical form: checksum 0, no certificate table, no zeros before
it. -v says what it was. A record brings the file back bit for bit (assay attach), a compressed
module's container included. --original takes the records that assay sign kept, and brings back the
file as it was before it was signed.

Of folders the files that carry a record are written, others left as they are. With --keep-xattrs
security.ima and security.evm are not taken out.

Exit status: 0 all is done (or there was nothing to do), 1 a record given belongs to other bytes,
2 something could not be read or written.

Examples:
  assay excise --records kernel.records --in-place lib/modules/6.1.0-56-amd64
  assay excise --discard -o vmlinuz.unsigned vmlinuz
)";
  }

  void add_options(CLI::App& app) override {
    arguments_.add_to(app, "files (modules, compressed modules, PE images, any other) and folders");
    app.add_option("--records", records_,
                   "keep the records: in a file, to whose end they are added, or in a folder "
                   "(that exists, or whose name ends in /), one a file")
        ->type_name("R")
        ->option_text("R");
    app.add_flag("--discard", discard_, "throw them away");
    app.add_option("--original", original_,
                   "records of assay sign: bring back the file as it was before")
        ->type_name("R")
        ->option_text("R");
    app.add_flag("--last", last_, "of appended signatures the outermost alone");
    app.add_option("--certificate", certificate_, "of a PE image that certificate alone (1: first)")
        ->type_name("N")
        ->option_text("N")
        ->check(CLI::Range(1, 1024));
  }

  Result<void> check() const override {
    ASSAY_CHECK(arguments_.check());
    if (!records_.empty() && discard_)
      return fail(Reason::usage, {}, "--records and --discard exclude each other");
    if (records_.empty() && !discard_)
      return fail(Reason::usage, {},
                  "what becomes of the records is missing: --records R or --discard");
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    ExciseOptions options;
    options.attributes = !arguments_.keeps_attributes();
    options.last_only = last_;
    if (certificate_ > 0) options.entry = certificate_ - 1;
    RecordSet originals;
    if (!original_.empty()) {
      auto loaded = RecordSet::load(original_);
      if (!loaded) {
        output.error(loaded.error());
        return kUndetermined;
      }
      originals = std::move(*loaded);
    }
    const auto edit = [&](const Artifact& artifact,
                          bool is_named) -> Result<std::optional<Edited>> {
      if (original_.empty()) return excise(artifact, options);
      return apply_fitting_record(artifact, originals, Direction::backward, is_named);
    };
    return arguments_.run(common, "excise", "excised", records_, edit, output);
  }

 private:
  EditArguments arguments_;
  std::string records_;
  std::string original_;
  bool discard_ = false;
  bool last_ = false;
  std::size_t certificate_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_excise_command() { return std::make_unique<ExciseCommand>(); }

}  // namespace assay
