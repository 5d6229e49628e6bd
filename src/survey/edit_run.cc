#include "survey/edit_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <mutex>
#include <set>

#include "base/hex.h"
#include "base/name.h"
#include "bytes/attribute_writer.h"
#include "bytes/temporary_name.h"
#include "edit/record_set.h"
#include "survey/pool.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;
  std::string name;    // within its PATH
  std::size_t origin;  // index of that PATH
  bool is_named = false;
};

std::string base_name(const std::string& path) { return fs::path(path).filename().native(); }

EditReport failed_report(const std::string& path, Error error) {
  EditReport report;
  report.path = encode_name(path);
  report.error = with_path(std::move(error), report.path);
  return report;
}

// Regular files of a folder, sorted. Symbolic links in it are passed over: what they lead to is
// found itself, or was not asked for.
Result<std::vector<std::string>> list_folder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code unknown;
    // What the folder says of its entries, where it does: each question is a system call.
    if (!at->is_symlink(unknown) && at->is_regular_file(unknown) &&
        !is_temporary_name(at->path().filename().native()))
      files.push_back(at->path().native());
  }
  if (error) return fail(Reason::cannot_list, {}, error.message());
  std::ranges::sort(files);
  return files;
}

// Paths without links, as weakly_canonical has them; each folder is looked up once.
class RealPaths {
 public:
  // `follows`: where the path itself is a link, to what it leads to.
  std::string resolve(const std::string& text, bool follows) {
    std::error_code error;
    const fs::path path = fs::absolute(text, error);
    const fs::path name = path.filename();
    if (name.empty() || name == "." || name == ".." || (follows && fs::is_symlink(path, error)))
      return fs::weakly_canonical(path, error).native();
    const auto [known, is_new] = folders_.try_emplace(path.parent_path().native());
    if (is_new) known->second = fs::weakly_canonical(path.parent_path(), error);
    return (known->second / name).native();
  }

 private:
  std::map<std::string, fs::path> folders_;
};

std::uint64_t part_size(const RecordPart& part) {
  std::uint64_t size = part.after ? part.after->size() : part.before ? part.before->size() : 0;
  for (const Splice& splice : part.splices)
    size += std::max(splice.before.size(), splice.after.size());
  return size;
}

class EditRun {
 public:
  EditRun(const EditRunOptions& options, const EditFunction& edit)
      : options_(options),
        edit_(edit),
        writer_(artifact_policy()),
        attribute_writer_(artifact_policy()),
        record_writer_(record_policy()) {
    if (!options.records.empty()) keeper_.emplace(options.records);
  }

  EditSummary run(const std::function<void(const EditReport&)>& report) {
    find();
    reports_.resize(files_.size());
    {
      Pool pool(options_.jobs);
      for (std::size_t i = 0; i < files_.size(); ++i)
        pool.feed([this, i] { reports_[i] = process(files_[i]); });
    }
    if (!options_.dry_run) commit();
    return summarize(report);
  }

 private:
  // Artifacts are replaced when their records are in place.
  WritePolicy artifact_policy() const {
    WritePolicy policy = options_.policy;
    policy.wait_for_commit = !options_.records.empty();
    return policy;
  }
  // Records are new files, whatever is to become of links.
  WritePolicy record_policy() const {
    WritePolicy policy;
    policy.durability = options_.policy.durability;
    return policy;
  }

  void find() {
    for (std::size_t origin = 0; origin < options_.paths.size(); ++origin) {
      const std::string& path = options_.paths[origin];
      std::error_code error;
      if (!fs::is_directory(path, error)) {
        add({path, base_name(path), origin, true});
        continue;
      }
      auto files = list_folder(path);
      if (!files) {
        early_.push_back(failed_report(path, std::move(files.error())));
        continue;
      }
      for (std::string& file : *files) {
        std::string name = file.substr(path.size());
        name.erase(0, name.find_first_not_of('/'));
        add({std::move(file), std::move(name), origin, false});
      }
    }
  }

  // The same file under two of the paths given, on its way to the same place, is one.
  void add(File file) {
    if (options_.paths.size() == 1) {
      files_.push_back(std::move(file));
      return;
    }
    const std::string output = output_of(file);
    // A link that is replaced itself is another file than the one it leads to; files of folders are
    // no links.
    const bool follows = !options_.policy.replace_symlinks;
    std::string from = real_paths_.resolve(file.path, follows && file.is_named);
    std::string to = output == file.path ? from : real_paths_.resolve(output, follows);
    const auto [place, is_new] =
        found_.try_emplace({std::move(from), std::move(to)}, files_.size());
    if (is_new)
      files_.push_back(std::move(file));
    else
      files_[place->second].is_named |= file.is_named;
  }

  std::string output_of(const File& file) const {
    if (options_.out.empty()) return file.path + options_.suffix;
    const bool is_alone = options_.paths.size() == 1 && file.is_named;
    std::error_code error;
    if (is_alone && !options_.out.ends_with('/') && !fs::is_directory(options_.out, error))
      return options_.out;
    return (fs::path(options_.out) / (file.name + options_.suffix)).native();
  }

  EditReport process(const File& file) {
    if (options_.progress != nullptr) ++options_.progress->artifacts;
    EditReport report;
    report.path = encode_name(file.path);
    auto done = process(file, report);
    if (!done) {
      report.status = EditStatus::failed;
      report.error = with_path(std::move(done.error()), report.path);
      report.output.clear();
    }
    return report;
  }

  // The records are no artifact, and take no artifact's place.
  bool is_where_records_are(const std::string& path) const {
    if (options_.records.empty()) return false;
    std::error_code error;
    if (fs::equivalent(path, options_.records, error)) return true;
    return fs::weakly_canonical(path, error) == fs::weakly_canonical(options_.records, error);
  }

  Result<void> process(const File& file, EditReport& report) {
    if (is_where_records_are(file.path) || is_where_records_are(output_of(file)))
      return fail(Reason::cannot_write, {}, "the records are kept there");
    ASSAY_TRY(Artifact artifact, open_artifact(file.path, encode_name(file.name),
                                               file.is_named ? Links::follow : Links::refuse));
    artifact.is_recorded = keeper_.has_value() || options_.names_content;
    if (!stays_one_file(artifact)) return process(file, artifact, report);
    // One name after the other: once the file is edited by one, all are.
    const std::lock_guard lock(linked_mutex_);
    const std::pair inode(artifact.stamp.device, artifact.stamp.inode);
    if (const auto edited = linked_.find(inode); edited != linked_.end()) {
      report.status = EditStatus::unchanged;
      report.notes.push_back("the same file as " + edited->second);
      return {};
    }
    ASSAY_CHECK(process(file, artifact, report));
    if (report.status == EditStatus::done) linked_.emplace(inode, report.path);
    return {};
  }

  // A file with further names, which are to stay its names.
  bool stays_one_file(const Artifact& artifact) const {
    return artifact.stamp.link_count > 1 && options_.out.empty() && options_.suffix.empty() &&
           !options_.policy.break_hard_links && !options_.policy.replace_symlinks;
  }

  Result<void> process(const File& file, const Artifact& artifact, EditReport& report) {
    if (options_.progress != nullptr) options_.progress->bytes += artifact.plain->size();
    ASSAY_TRY(auto edited, edit_(artifact, file.is_named));
    report.status = edited ? EditStatus::done : EditStatus::unchanged;
    if (edited) describe(*edited, report);
    // A file that was asked for by name arrives at its destination, edited or not.
    const bool is_copied =
        !edited && file.is_named && !options_.out.empty() && options_.suffix.empty();
    if (!edited && !is_copied) return {};
    std::error_code error;
    const std::string output = output_of(file);
    if (!options_.suffix.empty() && !options_.replaces_beside && fs::exists(output, error))
      return fail(Reason::already_signed, {}, encode_name(output));
    report.output = encode_name(output);
    if (options_.dry_run) return {};
    if (edited && keeper_) {
      ASSAY_CHECK(keeper_->add(record_writer_, edited->record));
      report.has_record = true;
    }
    return write(output, artifact, edited ? edited->stored : artifact.stored,
                 edited ? edited->attributes : std::vector<AttributeChange>());
  }

  void describe(const Edited& edited, EditReport& report) const {
    for (const RecordPart& part : edited.record.parts)
      report.parts.push_back(
          {std::string(carrier_name(part.carrier)), part.attribute, part_size(part)});
    report.notes = edited.notes;
    if (options_.names_content) report.digest = to_hex(edited.record.before.sha256);
  }

  Result<void> write(const std::string& output, const Artifact& artifact,
                     const std::shared_ptr<const Content>& stored,
                     std::vector<AttributeChange> attributes) {
    const bool is_in_place = options_.out.empty() && options_.suffix.empty();
    if (is_in_place && stored == artifact.stored &&
        AttributeWriter::can_write(attributes, artifact.stamp, options_.policy))
      return attribute_writer_.write({.path = output,
                                      .change = std::move(attributes.front()),
                                      .of = artifact.stamp,
                                      .file = artifact.file.get()});
    if (is_in_place)
      return writer_.write({.path = output,
                            .content = *stored,
                            .attributes = std::move(attributes),
                            .replaces = artifact.stamp});
    const std::string folder = fs::path(output).parent_path().native();
    {
      const std::lock_guard lock(mutex_);
      if (!outputs_.insert(output).second)
        return fail(Reason::cannot_write, {}, "two files of one name: " + encode_name(output));
      if (!folder.empty() && !folders_.contains(folder)) {
        ASSAY_CHECK(make_folders(folder));
        folders_.insert(folder);
      }
    }
    return writer_.write({.path = output,
                          .content = *stored,
                          .attributes = std::move(attributes),
                          .like = options_.suffix.empty() ? artifact.file : nullptr,
                          .keeps_attributes = options_.keeps_attributes});
  }

  void commit() {
    std::vector<Error> errors;
    if (keeper_) {
      if (auto finished = keeper_->finish(record_writer_); !finished)
        errors.push_back(std::move(finished.error()));
      else
        errors = record_writer_.commit();
    }
    if (!errors.empty()) {
      // Without its record nothing is replaced: the writer drops what it holds.
      for (EditReport& report : reports_)
        if (report.status == EditStatus::done) fail_report(report, errors.front());
    } else {
      errors = writer_.commit();
      std::ranges::move(attribute_writer_.commit(), std::back_inserter(errors));
    }
    std::map<std::string, EditReport*> by_output;
    for (EditReport& report : reports_)
      if (!report.output.empty()) by_output[report.output] = &report;
    for (Error& error : errors) {
      const auto found = by_output.find(error.path);
      if (found != by_output.end())
        fail_report(*found->second, error);
      else
        summary_.errors.push_back(std::move(error));
    }
  }

  static void fail_report(EditReport& report, const Error& error) {
    report.status = EditStatus::failed;
    report.error = error;
    report.output.clear();
    report.has_record = false;
  }

  EditSummary summarize(const std::function<void(const EditReport&)>& report) {
    std::vector<bool> is_used(options_.paths.size(), false);
    for (const EditReport& early : early_) {
      ++summary_.failed;
      report(early);
    }
    for (std::size_t i = 0; i < reports_.size(); ++i) {
      const EditReport& one = reports_[i];
      summary_.done += one.status == EditStatus::done ? 1 : 0;
      summary_.unchanged += one.status == EditStatus::unchanged ? 1 : 0;
      summary_.failed += one.status == EditStatus::failed ? 1 : 0;
      if (one.status != EditStatus::unchanged) is_used[files_[i].origin] = true;
      if (one.status != EditStatus::unchanged || files_[i].is_named) report(one);
    }
    for (std::size_t i = 0; i < is_used.size(); ++i)
      if (!is_used[i]) summary_.empty_paths.push_back(encode_name(options_.paths[i]));
    return std::move(summary_);
  }

  const EditRunOptions& options_;
  const EditFunction& edit_;
  AtomicWriter writer_;
  AttributeWriter attribute_writer_;
  AtomicWriter record_writer_;
  std::optional<RecordKeeper> keeper_;
  std::vector<File> files_;
  std::vector<EditReport> reports_;
  std::vector<EditReport> early_;
  RealPaths real_paths_;
  std::map<std::pair<std::string, std::string>, std::size_t> found_;  // from where, to where
  std::mutex mutex_;
  std::set<std::string> outputs_;
  std::mutex linked_mutex_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> linked_;  // edited: device, inode
  std::set<std::string> folders_;                                          // that are there
  EditSummary summary_;
};

}  // namespace

std::string_view edit_status_name(EditStatus status) {
  switch (status) {
    case EditStatus::done: return "done";
    case EditStatus::unchanged: return "unchanged";
    case EditStatus::failed: return "failed";
  }
  std::unreachable();
}

EditSummary edit_all(const EditRunOptions& options, const EditFunction& edit,
                     const std::function<void(const EditReport&)>& report) {
  return EditRun(options, edit).run(report);
}

}  // namespace assay
