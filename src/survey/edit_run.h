// survey/edit_run.h - one edit (excise, attach, sign) of many files: found, edited in parallel,
// written by one writer, reported in order.
//
// Records are in place before the first artifact is replaced: a kill loses no signature.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bytes/atomic_file.h"
#include "edit/artifact.h"
#include "survey/survey.h"

namespace assay {

struct EditRunOptions {
  std::vector<std::string> paths;  // files and folders
  unsigned jobs = 1;
  std::string out;  // a file, or a folder for many; empty: in place
  // Ends the names of what is written, where the file itself stays: ".sig". What is there already
  // is refused (already_signed) unless it is to be replaced.
  std::string suffix;
  bool replaces_beside = false;
  // What is written elsewhere has the extended attributes of the file too, not its mode and owner
  // alone.
  bool keeps_attributes = false;
  bool dry_run = false;
  WritePolicy policy;
  bool names_content = false;  // reports have the digest of the content
  std::string records;         // where the records of the edits are kept; empty: nowhere
  Progress* progress = nullptr;
};

enum class EditStatus : std::uint8_t {
  done,
  unchanged,  // there was nothing to do
  failed,     // and is as it was
};
std::string_view edit_status_name(EditStatus status);

struct EditReport {
  std::string path;    // as printed
  std::string output;  // where the result is; empty where there is none
  EditStatus status = EditStatus::failed;
  std::optional<Error> error;
  struct Part {
    std::string carrier;
    std::string name;        // of an attribute
    std::uint64_t size = 0;  // of what was put in or taken out
  };
  std::vector<Part> parts;
  std::vector<std::string> notes;
  bool has_record = false;
  std::string digest;  // SHA-256 of the content without the records; empty: not known
};

struct EditSummary {
  std::uint64_t done = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t failed = 0;
  std::vector<std::string> empty_paths;  // in which nothing was done, as printed
  std::vector<Error> errors;             // of the run, not of one file
};

// `is_named`: the file was given itself, not found in a folder.
using EditFunction =
    std::function<Result<std::optional<Edited>>(const Artifact& artifact, bool is_named)>;

// `report` is called after everything is in place, once a file that was edited, or failed, or was
// given itself.
EditSummary edit_all(const EditRunOptions& options, const EditFunction& edit,
                     const std::function<void(const EditReport&)>& report);

}  // namespace assay
