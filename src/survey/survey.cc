#include "survey/survey.h"

#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <variant>

#include "base/limits.h"
#include "base/name.h"
#include "formats/module_name.h"
#include "survey/alike.h"
#include "survey/attempt.h"
#include "survey/inner_images.h"
#include "survey/open_whole.h"
#include "survey/ordered.h"
#include "survey/pool.h"

namespace assay {

namespace {

// std::function wants copies; what a job carries can only be moved.
template <class T>
std::shared_ptr<T> shared(T&& value) {
  return std::make_shared<T>(std::move(value));
}

class Finder final : public SourceVisitor {
 public:
  using OnFound = std::function<void(Found)>;
  using OnFailed = std::function<void(Error)>;

  Finder(OnFound on_found, OnFailed on_failed)
      : on_found_(std::move(on_found)), on_failed_(std::move(on_failed)) {}

  void found(Found found) override { on_found_(std::move(found)); }
  void failed(Error error) override { on_failed_(std::move(error)); }
  void skipped() override { ++skipped_; }
  std::uint64_t count_skipped() const { return skipped_; }

 private:
  OnFound on_found_;
  OnFailed on_failed_;
  std::uint64_t skipped_ = 0;
};

void walk_paths(const SurveyOptions& options, ByteBudget& budget, Finder& finder,
                const std::function<void()>& start_path) {
  const SourceOptions source_options{budget, options.jobs};
  for (const std::string& path : options.paths) {
    start_path();
    const auto kind = source_kind(path);
    if (kind)
      walk_source(path, *kind, source_options, finder);
    else
      finder.failed(with_path(kind.error(), encode_name(path)));
  }
}

// Does this error mean that the bytes of a kernel image are damaged?
bool is_damage(const Error& error) {
  return error.reason == Reason::stream_corrupt || error.reason == Reason::stream_truncated ||
         error.reason == Reason::truncated || error.reason == Reason::bad_length;
}

// There is nothing beside it then that a key could be for.
bool is_one_file(const std::vector<std::string>& paths) {
  if (paths.size() != 1) return false;
  const auto kind = source_kind(paths.front());
  return kind && *kind == SourceKind::file;
}

// What the search of an image's payload says of the image itself.
void note_payload(const ImageTrust& image, Examined& artifact) {
  if (artifact.image->banner.empty()) artifact.image->banner = image.banner;
  if (image.error && is_damage(*image.error) && !artifact.error) artifact.error = image.error;
}

// A kernel configuration goes into the book.
bool add_config(const Found& found, TrustBook& book) {
  const auto release = release_of_config(found.path, found.inner_name);
  if (!release) return false;
  const auto read = [&]() -> ConfigFile {
    if (found.content) return read_config_file(found.name, found.container, *found.content);
    const auto file = open_file(found.path);
    if (!file) return {found.name, found.container, std::unexpected(file.error())};
    return read_config_file(found.name, found.container, **file);
  };
  book.add_config(*release, read());
  return true;
}

JudgedModule failed_judgement(const Error& error) {
  return {.path = error.path, .reason = explain(error)};
}

JudgedModule judged_module(RequestVerdict answer, const std::string& name,
                           const Platform& platform) {
  JudgedModule judged{.path = name,
                      .platform = platform.name,
                      .verdict = std::move(answer.verdict),
                      .taint = std::move(answer.taint),
                      .signature_err = answer.signature_err,
                      .kernel = platform.kernel,
                      .measured = std::move(answer.measured),
                      .audited = std::move(answer.audited)};
  judged.rules =
      fmt::format("{} {} {}", to_string(platform.kernel.version),
                  variant_name(platform.kernel.variant), arch_name(platform.kernel.arch));
  judged.reason = explain(judged.verdict, name);
  return judged;
}

// A file that is named itself is judged whatever it is.
bool is_named(const SurveyOptions& options, const Found& found) {
  return !found.path.empty() && std::ranges::find(options.paths, found.path) != options.paths.end();
}

// The file, where its bytes were not read already.
Result<std::unique_ptr<Content>> open_found(const Found& found) {
  if (found.content) return nullptr;
  return open_whole(found.path);
}

// Which walks are explained: all, or that of the first artifact, which may be the only one.
class Explaining {
 public:
  explicit Explaining(bool all) : all_(all) {}
  bool next() { return !any_.exchange(true) || all_; }

 private:
  const bool all_;
  std::atomic<bool> any_ = false;
};

// What execve takes, of what is there without other formats: ELF and scripts.
bool is_program(const Content& content) {
  constexpr std::uint64_t kMagic = 4;
  std::vector<std::uint8_t> scratch;
  const auto head = view_of(content, 0, std::min(kMagic, content.size()), scratch);
  return head && (head->text().starts_with("\x7F"
                                           "ELF") ||
                  head->text().starts_with("#!"));
}

// Is this what the request is about? A damaged image is one.
Result<bool> is_wanted(const JudgeRequest& request, const Found& found, const Content& content) {
  if (is_for_ima_alone(request.request))
    return request.request != Request::exec || is_program(content);
  if (request.request == Request::module) return parse_module_name(found.inner_name).has_value();
  const auto image = find_kernel_image(content);
  if (image) return image->has_value();
  if (is_damage(image.error())) return true;
  return std::unexpected(image.error());
}

// One entry a file, in the order of the finds: a T, nothing for what is no artifact.
template <class T>
class Run {
 public:
  using Reports = Ordered<std::optional<T>>;
  using Work = std::function<void(Found, typename Reports::Ticket)>;

  Run(const SurveyOptions& options, const std::function<void(const T&)>& report)
      : options_(options),
        reports_([this, report](std::optional<T> result) {
          note_path(result.has_value());
          if (!result) {
            ++skipped_;
            return;
          }
          if (options_.progress != nullptr) ++options_.progress->artifacts;
          report(*result);
        }),
        pool_(options.jobs) {}

  Pool& pool() { return pool_; }
  Reports& reports() { return reports_; }

  // `fail` makes a T of an Error.
  Surveyed go(const Work& work, const std::function<T(const Error&)>& fail,
              const std::function<void()>& all_fed) {
    Finder finder(
        [&](Found found) {
          const auto ticket = next_ticket();
          pool_.feed([&work, ticket, found = shared(std::move(found))] {
            work(std::move(*found), ticket);
          });
        },
        [&](const Error& error) { reports_.fill(next_ticket(), fail(error)); });
    ByteBudget budget(limits::kInFlight);
    walk_paths(options_, budget, finder, [this] {
      const std::lock_guard lock(paths_mutex_);
      found_in_path_.push_back(false);
    });
    pool_.wait();
    all_fed();
    pool_.wait();
    Surveyed surveyed{skipped_ + finder.count_skipped(), {}};
    for (std::size_t i = 0; i < found_in_path_.size(); ++i)
      if (!found_in_path_[i]) surveyed.empty_paths.push_back(encode_name(options_.paths[i]));
    return surveyed;
  }

 private:
  typename Reports::Ticket next_ticket() {
    {
      const std::lock_guard lock(paths_mutex_);
      path_of_.push_back(found_in_path_.size() - 1);
    }
    return reports_.ticket();  // by the finding thread alone
  }

  // Reports come in the order of their tickets, which is that of the paths.
  void note_path(bool is_artifact) {
    const std::lock_guard lock(paths_mutex_);
    if (is_artifact) found_in_path_[path_of_.front()] = true;
    path_of_.pop_front();
  }

  const SurveyOptions& options_;
  std::uint64_t skipped_ = 0;
  std::mutex paths_mutex_;
  std::deque<std::size_t> path_of_;  // the paths of the tickets that are not reported yet
  std::vector<bool> found_in_path_;  // has the path an artifact, or something that cannot be read?
  Reports reports_;
  Pool pool_;
};

void report_with_inner(const Examined& artifact,
                       const std::function<void(const Examined&)>& report) {
  report(artifact);
  for (const Examined& inner : artifact.inner) report_with_inner(inner, report);
}

}  // namespace

JudgedModule judge_on(const JudgeRequest& request, const RequestEvidence& evidence,
                      const std::string& name, const PlatformIma& ima, bool explain) {
  return judged_module(judge_request(request, evidence, ima, explain), name, ima.platform());
}

Surveyed survey(const SurveyOptions& options, const std::function<void(const Examined&)>& report,
                const std::function<void(const Error&)>& report_failure) {
  using Entry = std::variant<Examined, Error>;
  Run<Entry> run(options, [&](const Entry& result) {
    if (const auto* artifact = std::get_if<Examined>(&result))
      report_with_inner(*artifact, report);
    else
      report_failure(std::get<Error>(result));
  });
  const auto work = [&](Found found, std::uint64_t ticket) {
    std::optional<Result<SystemCertificates>> builtin;
    std::vector<Examined> inner;
    const auto with_content = [&](const Examined& artifact, const Content& content) {
      if (options.progress != nullptr) options.progress->bytes += content.size();
      if (artifact.image && options.builtin_certificates)
        builtin = find_system_certificates(content, *artifact.image);
      if (options.inner_images) inner = examine_inner_images(artifact, content, options.evidence);
    };
    auto examined = examine(std::move(found), options.all, options.evidence, with_content);
    if (examined) examined->builtin = std::move(builtin);
    if (examined) examined->inner = std::move(inner);
    run.reports().fill(ticket,
                       examined ? std::optional<Entry>(std::move(*examined)) : std::nullopt);
  };
  return run.go(work, [](const Error& error) { return Entry(error); }, [] {});
}

Summary survey_and_verify(const SurveyOptions& options, const TrustOptions& trust,
                          const VerifyOptions& verify,
                          const std::function<void(const ArtifactReport&)>& report) {
  Summary summary;
  Run<ArtifactReport> run(options, [&](const ArtifactReport& artifact) {
    summary.add(artifact);
    report(artifact);
  });
  VerifyOptions verify_options = verify;
  verify_options.version = trust.version;
  const bool wants_images = !trust.is_given();
  const bool is_alone = is_one_file(options.paths);
  Shelf shelf(limits::kWaitingInMemory, limits::kWaiting);
  TrustBook book(trust, [&run](std::function<void()> job) { run.pool().add(std::move(job)); });
  const auto work = [&](Found found, std::uint64_t ticket) {
    std::shared_ptr<const ImageTrust> image;
    const auto with_content = [&](const Examined& artifact, const Content& content) {
      if (options.progress != nullptr) options.progress->bytes += content.size();
      if (!artifact.image) return;
      const auto propose = [&book](auto likely) { book.propose_image(std::move(likely)); };
      const Standing standing =
          artifact.pe ? verify_pe(artifact, verify.pe, false).standing : Standing::unchecked;
      // Of an image that is as it was signed, and whose keys nobody asks for, nothing else has to
      // be known.
      if (standing == Standing::verified && !artifact.image->banner.empty() &&
          (is_alone || !wants_images))
        return;
      image =
          read_image_trust(artifact, content, wants_images ? propose : ProposeImage(), standing);
      if (wants_images) book.add_image(image);
    };
    auto examined = examine(std::move(found), options.all, options.evidence, with_content);
    if (!examined) return run.reports().fill(ticket, std::nullopt);
    if (image) note_payload(*image, *examined);
    if (!needs_trust(*examined))
      return run.reports().fill(ticket,
                                verify_artifact(*examined, fail(Reason::no_trust), verify_options));
    const auto attempt = std::make_shared<Attempt>(std::move(*examined), verify_options, shelf);
    book.find(
        attempt->artifact(),
        [&run, ticket, attempt](const TrustAnswer& answer) {
          run.reports().fill(ticket, attempt->conclude(answer));
        },
        [attempt](const std::shared_ptr<const Trust>& likely) { attempt->prepare(likely); });
    attempt->wait();
  };
  Surveyed surveyed = run.go(work, report_error, [&book] { book.no_more_images(); });
  summary.skipped = surveyed.skipped;
  summary.empty_paths = std::move(surveyed.empty_paths);
  return summary;
}

namespace {

// A file that waits for the kernel it is judged for.
struct Pending {
  Examined artifact;  // what says which kernel that is
  RequestEvidence evidence;
};

// Nothing when the file is not what the request is about. The image goes into the book.
Result<std::optional<Pending>> examine_for(const JudgeRequest& request, const Found& found,
                                           bool is_named, TrustBook& book) {
  ASSAY_TRY(const auto file, open_found(found));
  const Content& content = found.content ? *found.content : *file;
  Pending pending;
  Examined& artifact = pending.artifact;
  artifact.name = found.name;
  artifact.container = found.container;
  artifact.inner_name = found.inner_name;
  artifact.path = found.path;
  artifact.folder = find_modules_folder(found.path, found.inner_name);
  const bool is_module = parse_module_name(found.inner_name).has_value();
  if (!is_module) {
    ASSAY_TRY(artifact.image, find_kernel_image(content));
  }
  if (artifact.image) {
    const auto image = read_image_trust(artifact, content);
    image->config = find_config_beside(*image);
    book.add_image(image);
  }
  const bool is_wanted =
      request.request == Request::module ? is_module : artifact.image.has_value();
  if (!is_wanted && !is_named) return std::nullopt;
  ASSAY_TRY(pending.evidence, collect_request(request, {content, found.inner_name, {}, {}}));
  if (const auto& module = pending.evidence.module) {
    const ModuleElf& elf = module->decompressed ? module->decompressed->elf : module->elf;
    artifact.module.emplace();
    artifact.module->arch = arch_of_elf_machine(elf.machine);
    artifact.module->vermagic = elf.find("vermagic").value_or("");
  }
  return std::optional(std::move(pending));
}

JudgedModule judge_for_package(const JudgeRequest& request, const Pending& pending,
                               const TrustAnswer& trust, bool explain) {
  const std::string& name = pending.artifact.name;
  if (!trust) {
    JudgedModule judged = failed_judgement(with_path(trust.error(), name));
    judged.path = name;
    judged.platform = "package";
    return judged;
  }
  const PlatformIn platform_in = [&](Walk& walk, Platform& own) -> const Platform& {
    return (*trust)->platform_in(walk, own);
  };
  const Platform& platform = (*trust)->platform;
  JudgedModule judged =
      judged_module(judge_request(request, pending.evidence, platform.kernel, platform_in, explain),
                    name, platform);
  judged.rules = (*trust)->kernel.describe();
  return judged;
}

}  // namespace

Surveyed survey_and_judge(const SurveyOptions& options, const JudgeRequest& request,
                          const std::optional<std::string>& cmdline,
                          const std::function<void(const JudgedModule&)>& report) {
  Run<JudgedModule> run(options, report);
  TrustOptions package;
  package.for_package = true;
  package.cmdline = cmdline;
  TrustBook book(package, [&run](std::function<void()> job) { run.pool().add(std::move(job)); });
  Explaining explaining(request.explain);
  const auto work = [&](const Found& found, std::uint64_t ticket) {
    if (add_config(found, book)) return run.reports().fill(ticket, std::nullopt);
    auto examined = examine_for(request, found, is_named(options, found), book);
    if (!examined)
      return run.reports().fill(ticket, failed_judgement(with_path(examined.error(), found.name)));
    if (!*examined) return run.reports().fill(ticket, std::nullopt);
    const auto pending = shared(std::move(**examined));
    const bool explain = explaining.next();
    book.find(pending->artifact,
              [&run, &request, ticket, pending, explain](const TrustAnswer& answer) {
                run.reports().fill(ticket, judge_for_package(request, *pending, answer, explain));
              });
  };
  return run.go(work, failed_judgement, [&book] { book.no_more_images(); });
}

Surveyed survey_and_judge_on(const SurveyOptions& options, const JudgeRequest& request,
                             std::span<const Platform> platforms,
                             const std::function<void(const std::vector<JudgedModule>&)>& report) {
  using Verdicts = std::vector<JudgedModule>;
  Run<Verdicts> run(options, report);
  const auto failed = [](const Error& error) { return Verdicts{failed_judgement(error)}; };
  std::vector<PlatformIma> machines;
  std::vector<const HashAlgo*> hashes;
  for (const Platform& platform : platforms) {
    machines.emplace_back(platform);
    for (const HashAlgo* hash : machines.back().hashes())
      if (std::ranges::find(hashes, hash) == hashes.end()) hashes.push_back(hash);
  }
  std::vector<std::size_t> alike(machines.size());
  std::iota(alike.begin(), alike.end(), std::size_t{0});
  if (request.request == Request::module) alike = find_alike_for_modules(machines);
  Explaining explaining(request.explain);
  const auto judge = [&](const Found& found) -> Result<std::optional<Verdicts>> {
    ASSAY_TRY(const auto file, open_found(found));
    const Content& content = found.content ? *found.content : *file;
    if (!is_named(options, found)) {
      ASSAY_TRY(const bool wanted, is_wanted(request, found, content));
      if (!wanted) return std::nullopt;
    }
    ASSAY_TRY(const RequestEvidence evidence,
              collect_request(request, {content, found.inner_name, found.path, hashes}));
    const bool explain = explaining.next();
    Verdicts verdicts;
    verdicts.reserve(machines.size());
    for (std::size_t i = 0; i < machines.size(); ++i) {
      if (alike[i] == i) {
        verdicts.push_back(judge_on(request, evidence, found.name, machines[i], explain));
      } else {
        verdicts.push_back(verdicts[alike[i]]);
        verdicts.back().platform = machines[i].platform().name;
      }
    }
    return std::optional(std::move(verdicts));
  };
  const auto work = [&](const Found& found, std::uint64_t ticket) {
    auto judged = judge(found);
    if (!judged) return run.reports().fill(ticket, failed(with_path(judged.error(), found.name)));
    run.reports().fill(ticket, std::move(*judged));
  };
  return run.go(work, failed, [] {});
}

}  // namespace assay
