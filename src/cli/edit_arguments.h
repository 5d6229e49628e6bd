// cli/edit_arguments.h - the options that excise, attach and sign share: where to write, how, and
// what is reported.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "survey/edit_run.h"

namespace CLI {
class App;
}

namespace assay {

class EditArguments {
 public:
  void add_to(CLI::App& app, const std::string& what_paths_are);
  // PATHs, and one of -o and --in-place; neither for what reads alone.
  Result<void> check() const;
  Result<void> check_reads_alone() const;
  bool is_in_place() const { return in_place_; }
  bool is_dry_run() const { return dry_run_; }
  const std::vector<std::string>& paths() const { return paths_; }
  // What is written stands beside the file, under its name with this.
  void write_beside(std::string suffix, bool replaces) {
    suffix_ = std::move(suffix);
    replaces_beside_ = replaces;
  }
  // --keep-xattrs.
  bool keeps_attributes() const { return keep_attributes_; }
  // What is written has the extended attributes of the file that was read.
  bool has_all_attributes() const { return in_place_ || keep_attributes_; }

  // Runs the edit, reports, and says what the exit status is: 2 where something could not be done,
  // and 1 where it may not be done (is_refusal).
  ExitStatus run(const CommonOptions& common, const char* action, const char* done,
                 const std::string& records, const EditFunction& edit, Output& output) const;

 private:
  bool reads_alone() const { return out_.empty() && !in_place_; }
  EditRunOptions options(const CommonOptions& common, const std::string& records) const;

  std::vector<std::string> paths_;
  std::string out_;
  std::string suffix_;
  bool in_place_ = false;
  bool dry_run_ = false;
  std::string durable_ = "run";
  bool replaces_beside_ = false;
  bool keep_attributes_ = false;
  bool keep_times_ = false;
  bool break_hard_links_ = false;
  bool replace_symlinks_ = false;
};

// What was asked for may not be done to this file, as opposed to what could not be found out or
// written.
bool is_refusal(Reason reason);

}  // namespace assay
