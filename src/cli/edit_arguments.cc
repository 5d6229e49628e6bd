#include "cli/edit_arguments.h"

#include <CLI/CLI.hpp>

#include "cli/progress_line.h"
#include "report/edit_report.h"

namespace assay {

void EditArguments::add_to(CLI::App& app, const std::string& what_paths_are) {
  app.add_option("PATH", paths_, what_paths_are)->option_text(" ");
  app.add_option("-o,--output", out_,
                 "write here: a file for one file, a folder (made where it is missing) for more; "
                 "of folders what was edited. It gets the mode, the access list and, where "
                 "permitted, the owner of the file; nothing stays of one that is there")
      ->type_name("OUT")
      ->option_text("OUT");
  app.add_flag("--in-place", in_place_, "change the files themselves");
  app.add_flag("--dry-run", dry_run_, "say what would be done, and write nothing");
  app.add_option("--durable", durable_,
                 "when files are on the disk: each as it is written, all before the first is "
                 "replaced and attributes at the end (run, the default), or when the system likes "
                 "(none)")
      ->type_name("WHEN")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"each", "run", "none"}));
  app.add_flag(
      "--keep-xattrs", keep_attributes_,
      "what -o writes gets the extended attributes of the file too, which --in-place keeps "
      "anyway");
  app.add_flag("--keep-times", keep_times_, "what is written has the times of the file");
  app.add_flag("--break-hard-links", break_hard_links_,
               "replace files that have further names, which keep the old content");
  app.add_flag("--replace-symlinks", replace_symlinks_,
               "replace a symbolic link itself, not the file it leads to");
}

Result<void> EditArguments::check() const {
  ASSAY_CHECK(require_paths(paths_));
  if (in_place_ && !out_.empty())
    return fail(Reason::usage, {}, "-o and --in-place exclude each other");
  if (!in_place_ && out_.empty())
    return fail(Reason::usage, {}, "where to write is missing: -o OUT or --in-place");
  return {};
}

Result<void> EditArguments::check_reads_alone() const {
  ASSAY_CHECK(require_paths(paths_));
  if (in_place_ || !out_.empty())
    return fail(Reason::usage, {}, "-o and --in-place are for what is written, and nothing is");
  return {};
}

EditRunOptions EditArguments::options(const CommonOptions& common,
                                      const std::string& records) const {
  EditRunOptions options;
  options.paths = paths_;
  options.jobs = common.job_count();
  options.out = out_;
  options.suffix = suffix_;
  options.replaces_beside = replaces_beside_;
  options.keeps_attributes = keep_attributes_;
  options.dry_run = dry_run_ || reads_alone();
  options.policy.durability = durable_ == "each"  ? Durability::each
                              : durable_ == "run" ? Durability::run
                                                  : Durability::none;
  options.policy.keep_times = keep_times_;
  options.policy.break_hard_links = break_hard_links_;
  options.policy.replace_symlinks = replace_symlinks_;
  options.records = records;
  options.names_content = common.json;
  return options;
}

ExitStatus EditArguments::run(const CommonOptions& common, const char* action, const char* done,
                              const std::string& records, const EditFunction& edit,
                              Output& output) const {
  Progress numbers;
  EditRunOptions run_options = options(common, records);
  run_options.progress = &numbers;
  const TextStyle style = common.text_style();
  bool refused = false;
  bool failed = false;
  EditSummary summary;
  {
    ProgressLine progress(numbers, !common.quiet);
    summary = edit_all(run_options, edit, [&](EditReport report) {
      if (reads_alone()) report.output.clear();
      if (report.error) (is_refusal(report.error->reason) ? refused : failed) = true;
      progress.hide();
      if (common.json)
        output.print(to_json(report, action, dry_run_) + '\n');
      else if (report.error || (!common.quiet && (style.verbose || report.error)))
        output.print(to_text(report, done, style));
    });
  }
  for (const Error& error : summary.errors) output.error(error);
  if (common.json)
    output.print(to_json(summary, action) + '\n');
  else if (!common.quiet)
    output.print(to_text(summary, done));
  if (refused) return kBad;
  return failed || !summary.errors.empty() ? kUndetermined : kGood;
}

bool is_refusal(Reason reason) {
  switch (reason) {
    case Reason::no_record:
    case Reason::record_mismatch:
    case Reason::not_restored:
    case Reason::already_signed:
    case Reason::not_signable: return true;
    default: return false;
  }
}

}  // namespace assay
