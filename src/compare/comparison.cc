#include "compare/comparison.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <variant>

#include "base/limits.h"
#include "base/name.h"
#include "compare/build_key.h"
#include "compare/compare_pair.h"
#include "compare/folder_frame.h"
#include "formats/module_name.h"
#include "sources/standard_input.h"
#include "survey/run.h"

namespace assay {

namespace {

// Files of a package that are kept whole, so that it need not be read again where they differ; all
// of them, and all that are kept to be compared byte by byte.
constexpr std::uint64_t kSmallFile = 256 * limits::kKiB;
constexpr std::uint64_t kSmallFiles = limits::kGiB;

// What a worker found out about one file of B.
struct Outcome {
  SideFile file;
  std::optional<Difference> difference;
  bool has_counterpart = false;
  std::optional<Error> error;
};

// A copy of what will be gone, the file itself where it will not.
std::shared_ptr<const Content> keep(const TakenFile& taken) {
  if (!taken.file.path.empty()) {
    auto file = open_file(taken.file.path);
    return file ? std::shared_ptr<const Content>(std::move(*file)) : nullptr;
  }
  ContentStream stream(*taken.content);
  // hold() writes in pieces of what it may have in memory.
  auto held = hold(stream, limits::kMiB, limits::kArtifactSize);
  return held ? std::shared_ptr<const Content>(std::move(*held)) : nullptr;
}

// Nothing for what is no kernel image.
std::shared_ptr<const Content> keep_if_image(const TakenFile& taken, RecordVerifier& verifier) {
  if (parse_module_name(taken.file.names.inner_name)) return nullptr;
  const auto image = find_kernel_image(*taken.content);
  if (!image || !*image) return nullptr;
  auto content = keep(taken);
  if (content) verifier.keep_image(taken.file.names, content);
  return content;
}

// Of one that came out of a package: all that will be asked of it.
void describe(TakenFile& taken, Shelf& shelf) {
  SideFile& file = taken.file;
  if (!file.path.empty()) return;
  auto opened = open_form(taken.content, file.stored, file.names.inner_name);
  if (opened)
    file.forms = describe_forms(*opened);
  else
    file.forms = std::unexpected(opened.error());
  if (file.stored.size > kSmallFile || parse_module_name(file.names.inner_name)) return;
  std::vector<std::uint8_t> bytes(file.stored.size);
  if (!taken.content->read(0, bytes)) return;
  if (auto item = shelf.put(std::move(bytes)))
    file.bytes = std::make_shared<const Shelf::Item>(std::move(*item));
}

bool is_folder(const std::string& path) {
  const auto kind = source_kind(path);
  return kind && *kind == SourceKind::folder;
}

bool is_plain_file(const std::string& path) {
  const auto kind = source_kind(path);
  return kind && *kind == SourceKind::file;
}

class BuildComparison {
 public:
  BuildComparison(const CompareOptions& options,
                  const std::function<void(const Difference&)>& report,
                  const std::function<void(const Error&)>& report_failure)
      : options_(options),
        report_(report),
        report_failure_(report_failure),
        shelf_(0, 2 * kSmallFiles) {}

  BuildVerdict run() {
    if (const auto done = check_sides(); !done) {
      report_failure_(done.error());
      return result_;
    }
    if (are_same_file()) {
      result_.verdict = Sameness::identical;
      result_.files = result_.identical = 1;
      return result_;
    }
    read_a();
    read_b();
    find_removed();
    pair_renamed();
    locate_differences();
    compare_frames();
    settle_build_keys(differences_, same_modules_, shelf_);
    conclude();
    return result_;
  }

 private:
  static Result<void> check_side(const std::string& path) {
    const auto kind = source_kind(path);
    if (!kind) return std::unexpected(with_path(kind.error(), encode_name(path)));
    if (*kind == SourceKind::standard_input)
      return fail(Reason::usage, {}, "standard input cannot be compared: it can be read only once");
    return {};
  }
  Result<void> check_sides() const {
    ASSAY_CHECK(check_side(options_.a));
    return check_side(options_.b);
  }

  // Files, packages and images of the same bytes hold the same.
  bool are_same_file() const {
    if (is_folder(options_.a) || is_folder(options_.b)) return false;
    const auto a = open_file(options_.a);
    const auto b = open_file(options_.b);
    if (!a || !b || (*a)->size() != (*b)->size()) return false;
    const auto same = same_content(**a, **b);
    return same && *same;
  }

  SurveyOptions survey_options(const std::string& path) const {
    SurveyOptions options;
    options.paths = {path};
    options.jobs = options_.jobs;
    options.progress = options_.progress;
    return options;
  }

  void fail_at(const Error& error) {
    ++result_.undetermined;
    report_failure_(error);
  }

  void take_twice(const SideFile& file) {
    fail_at({Reason::bad_value,
             {},
             "the path comes twice: which of the two counts depends on who reads",
             file.names.name});
  }

  void count_bytes(const TakenFile& taken) const {
    if (options_.progress != nullptr) options_.progress->bytes += taken.file.stored.size;
  }

  void read_a() {
    const SurveyOptions options = survey_options(options_.a);
    using Kept = std::variant<SideFile, Error>;
    std::mutex mutex;
    Run<Kept> run(options, [this](const Kept& kept) {
      if (const auto* error = std::get_if<Error>(&kept)) return fail_at(*error);
      const auto& file = std::get<SideFile>(kept);
      if (!files_a_.emplace(file.key, file).second) take_twice(file);
    });
    verifier_a_.emplace(options_.trust,
                        [this](std::function<void()> job) { later(std::move(job)); });
    const auto work = [&](Found found, std::uint64_t ticket) {
      auto taken = take_file(std::move(found), options_.a);
      if (!taken) return run.reports().fill(ticket, Kept(taken.error()));
      if (auto image = keep_if_image(*taken, *verifier_a_)) {
        const std::lock_guard lock(mutex);
        images_a_.emplace(taken->file.key, std::move(image));
      }
      describe(*taken, shelf_);
      count_bytes(*taken);
      run.reports().fill(ticket, Kept(std::move(taken->file)));
    };
    run.go(work, [](const Error& error) { return Kept(error); }, [] {});
  }

  void read_b() {
    const SurveyOptions options = survey_options(options_.b);
    Run<Outcome> run(options, [this](const Outcome& outcome) { take(outcome); });
    pool_ = &run.pool();
    verifier_b_.emplace(options_.trust,
                        [this](std::function<void()> job) { later(std::move(job)); });
    const PairTools tools{*verifier_a_, *verifier_b_, shelf_, images_a_};
    const auto work = [&](Found found, std::uint64_t ticket) {
      auto taken = take_file(std::move(found), options_.b);
      if (!taken) return run.reports().fill(ticket, failed(taken.error()));
      count_bytes(*taken);
      keep_if_image(*taken, *verifier_b_);
      const auto counterpart = files_a_.find(taken->file.key);
      if (counterpart == files_a_.end()) {
        describe(*taken, shelf_);
        return run.reports().fill(ticket, Outcome{std::move(taken->file), {}, false, {}});
      }
      const auto fill = [&run, ticket, file = taken->file](std::optional<Difference> difference) {
        run.reports().fill(ticket, Outcome{file, std::move(difference), true, {}});
      };
      compare_pair(counterpart->second, *taken, tools, fill);
    };
    run.go(work, failed, [this] {
      verifier_a_->finish();
      verifier_b_->finish();
    });
    pool_ = nullptr;
  }

  static Outcome failed(const Error& error) { return {{}, {}, false, error}; }

  void later(std::function<void()> job) const {
    if (pool_ != nullptr)
      pool_->add(std::move(job));
    else
      job();
  }

  void take(const Outcome& outcome) {
    if (outcome.error) return fail_at(*outcome.error);
    if (!keys_b_.insert(outcome.file.key).second) return take_twice(outcome.file);
    if (!outcome.has_counterpart) {
      added_.push_back(outcome.file);
      return;
    }
    if (outcome.difference) {
      differences_.push_back(*outcome.difference);
      return;
    }
    ++result_.identical;
    if (parse_module_name(outcome.file.names.inner_name))
      same_modules_.push_back(&files_a_.at(outcome.file.key));
  }

  void find_removed() {
    for (const auto& [key, file] : files_a_)
      if (!keys_b_.contains(key)) removed_.push_back(&file);
  }

  // The digest of the canonical form.
  std::optional<ContentId> canonical_of(const SideFile& file) const {
    if (file.forms) return *file.forms ? std::optional((*file.forms)->bare) : std::nullopt;
    const auto content = reopen(file, shelf_);
    if (!content || !*content) return std::nullopt;
    const auto opened = open_form(*content, file.stored, file.names.inner_name);
    return opened ? std::optional(opened->bare_id) : std::nullopt;
  }

  void pair_renamed() {
    std::multimap<ContentId, const SideFile*> by_content;
    if (!added_.empty())
      for (const SideFile* file : removed_)
        if (const auto id = canonical_of(*file)) by_content.emplace(*id, file);
    std::set<const SideFile*> paired;
    for (const SideFile& file : added_) {
      Difference difference;
      difference.path = file.key;
      difference.kind = Difference::Kind::added;
      difference.b = file.stored;
      const auto id = by_content.empty() ? std::nullopt : canonical_of(file);
      if (const auto found = id ? by_content.find(*id) : by_content.end();
          found != by_content.end()) {
        difference.kind = Difference::Kind::renamed;
        difference.from = found->second->key;
        difference.a = found->second->stored;
        difference.canonical = id;
        paired.insert(found->second);
        by_content.erase(found);
      }
      differences_.push_back(std::move(difference));
    }
    for (const SideFile* file : removed_) {
      if (paired.contains(file)) continue;
      Difference difference;
      difference.path = file->key;
      difference.kind = Difference::Kind::removed;
      difference.a = file->stored;
      differences_.push_back(std::move(difference));
    }
  }

  // Of files whose bytes are gone, the packages are read again.
  void locate_differences() {
    std::map<std::string, Difference*> wanted;
    for (Difference& difference : differences_)
      if (difference.kind == Difference::Kind::changed &&
          difference.verdict == Sameness::different && !difference.canonical &&
          !difference.offset && difference.a && difference.b)
        wanted.emplace(difference.path, &difference);
    if (wanted.empty()) return;
    Shelf shelf(0, kSmallFiles);
    std::mutex mutex;
    std::map<std::string, Shelf::Item> kept;
    read_again(options_.a, wanted, [&](const OpenedForm& a, Difference& difference) {
      std::vector<std::uint8_t> bytes(a.form.content.size());
      if (bytes.size() > limits::kArtifactInMemory || !a.form.content.read(0, bytes)) return;
      if (auto item = shelf.put(std::move(bytes))) {
        const std::lock_guard lock(mutex);
        kept.emplace(difference.path, std::move(*item));
      }
    });
    read_again(options_.b, wanted, [&](const OpenedForm& b, Difference& difference) {
      const auto found = kept.find(difference.path);
      if (found == kept.end()) return;
      auto bytes = shelf.get(found->second);
      if (!bytes) return;
      // What cannot be read a second time has no place; that it differs is known.
      (void)find_first_difference(MemoryContent(std::move(*bytes)), b.form.content, difference);
    });
  }

  void read_again(const std::string& side, const std::map<std::string, Difference*>& wanted,
                  const std::function<void(const OpenedForm&, Difference&)>& visit) const {
    SurveyOptions options = survey_options(side);
    options.progress = nullptr;
    Run<int> run(options, [](int) {});
    const auto work = [&](Found found, std::uint64_t ticket) {
      const auto look = [&] {
        const auto difference = wanted.find(key_of(found, side));
        if (difference == wanted.end()) return;
        const auto taken = take_file(std::move(found), side);
        if (!taken) return;
        const auto opened =
            open_form(taken->content, taken->file.stored, taken->file.names.inner_name);
        if (opened) visit(*opened, *difference->second);
      };
      look();
      run.reports().fill(ticket, std::nullopt);
    };
    run.go(work, [](const Error&) { return 0; }, [] {});
  }

  // Folders and links of folders. What containers hold beside files is not yielded by sources.
  void compare_frames() {
    if (is_plain_file(options_.a) && is_plain_file(options_.b)) return;
    if (!is_folder(options_.a) || !is_folder(options_.b)) {
      ++result_.undetermined;
      result_.reason =
          "the containers are not the same byte for byte, and what they hold beside regular files "
          "(links, folders, owners, control files) is not compared yet";
      return;
    }
    const auto a = read_folder_frame(options_.a);
    const auto b = read_folder_frame(options_.b);
    if (!a) return fail_at(with_path(a.error(), encode_name(options_.a)));
    if (!b) return fail_at(with_path(b.error(), encode_name(options_.b)));
    for (const auto& [path, what] : *a) {
      const auto other = b->find(path);
      if (other == b->end())
        add_frame(path, Difference::Kind::removed, what);
      else if (other->second != what)
        add_frame(path, Difference::Kind::changed, what + "; in B: " + other->second);
    }
    for (const auto& [path, what] : *b)
      if (!a->contains(path)) add_frame(path, Difference::Kind::added, what);
  }

  void add_frame(const std::string& path, Difference::Kind kind, std::string what) {
    Difference difference;
    difference.path = path;
    difference.kind = kind;
    difference.reason = std::move(what);
    differences_.push_back(std::move(difference));
  }

  void count(const Difference& difference) {
    switch (difference.verdict) {
      case Sameness::identical: ++result_.identical; break;
      case Sameness::transplanted: ++result_.transplanted; break;
      case Sameness::content_equal: ++result_.content_equal; break;
      case Sameness::undetermined: ++result_.undetermined; break;
      case Sameness::different: ++result_.different; break;
    }
    result_.added += difference.kind == Difference::Kind::added ? 1 : 0;
    result_.removed += difference.kind == Difference::Kind::removed ? 1 : 0;
    result_.renamed += difference.kind == Difference::Kind::renamed ? 1 : 0;
    for (const RecordVerdict& record : difference.records_a) {
      ++result_.records;
      result_.record_bytes += record.size;
      result_.uncovered_bytes += total_size(record.uncovered);
    }
    if (difference.kernel && difference.verdict == Sameness::content_equal) {
      result_.certificate_bytes += difference.kernel->certificate.size;
      result_.certificate_bytes += difference.kernel->build_id.value_or(Extent{}).size;
    }
    for (const RecordVerdict& record : difference.records_b)
      result_.uncovered_bytes += total_size(record.uncovered);
  }

  void conclude() {
    std::ranges::stable_sort(differences_, {}, &Difference::path);
    for (const Difference& difference : differences_) {
      count(difference);
      report_(difference);
    }
    result_.files = result_.identical + differences_.size();
    result_.verdict = result_.different != 0       ? Sameness::different
                      : result_.undetermined != 0  ? Sameness::undetermined
                      : result_.content_equal != 0 ? Sameness::content_equal
                      : result_.transplanted != 0  ? Sameness::transplanted
                                                   : Sameness::identical;
    if (result_.different != 0) result_.reason.clear();
  }

  const CompareOptions& options_;
  const std::function<void(const Difference&)>& report_;
  const std::function<void(const Error&)>& report_failure_;
  Shelf shelf_;
  Pool* pool_ = nullptr;
  std::optional<RecordVerifier> verifier_a_;
  std::optional<RecordVerifier> verifier_b_;
  std::map<std::string, SideFile> files_a_;
  KeptImages images_a_;
  std::vector<const SideFile*> same_modules_;
  std::set<std::string> keys_b_;
  std::vector<SideFile> added_;
  std::vector<const SideFile*> removed_;
  std::vector<Difference> differences_;
  BuildVerdict result_;
};

}  // namespace

std::string_view sameness_name(Sameness sameness) {
  switch (sameness) {
    case Sameness::identical: return "identical";
    case Sameness::transplanted: return "identical-after-transplant";
    case Sameness::content_equal: return "content-equal";
    case Sameness::undetermined: return "undetermined";
    case Sameness::different: return "different";
  }
  return "undetermined";
}

std::string_view kind_name(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::changed: return "changed";
    case Difference::Kind::added: return "added";
    case Difference::Kind::removed: return "removed";
    case Difference::Kind::renamed: return "renamed";
  }
  return "changed";
}

BuildVerdict compare_builds(const CompareOptions& options,
                            const std::function<void(const Difference&)>& report,
                            const std::function<void(const Error&)>& report_failure) {
  return BuildComparison(options, report, report_failure).run();
}

}  // namespace assay
