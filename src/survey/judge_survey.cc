#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>

#include "base/budget.h"
#include "base/limits.h"
#include "formats/module_name.h"
#include "survey/alike.h"
#include "survey/open_whole.h"
#include "survey/run.h"

namespace assay {

namespace {

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
                      .audited = std::move(answer.audited),
                      .notes = std::move(answer.notes)};
  judged.rules =
      fmt::format("{} {} {}", to_string(platform.kernel.version),
                  variant_name(platform.kernel.variant), arch_name(platform.kernel.arch));
  judged.reason = explain(judged.verdict, name);
  return judged;
}

// A file that is named itself is judged whatever it is, unless it stands for what is in it.
bool is_named(const SurveyOptions& options, const Found& found) {
  return !found.path.empty() && !found.is_opened &&
         std::ranges::find(options.paths, found.path) != options.paths.end();
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

}  // namespace

JudgedModule judge_on(const JudgeRequest& request, const RequestEvidence& evidence,
                      const std::string& name, const PlatformIma& ima, bool explain) {
  return judged_module(judge_request(request, evidence, ima, explain), name, ima.platform());
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
    // Of a package the configuration comes before the image; where it does not, it is looked for
    // what no kernel has that was merged.
    const bool may_have_hashes =
        image->config && image->config->config
            ? image->config->config->is_on("CONFIG_MODULE_HASHES") != Truth::no
            : book.may_have_module_hashes(image->release);
    if (may_have_hashes)
      if (auto hashes = find_module_hashes(content, *artifact.image, {}))
        image->module_hashes = std::move(*hashes);
    book.add_image(image);
  }
  const bool is_wanted =
      request.request == Request::module ? is_module : artifact.image.has_value();
  if (!is_wanted && !is_named) return std::nullopt;
  ASSAY_TRY(pending.evidence, collect_request(request, {content, found.inner_name, {}, {}}, true));
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

namespace {

using Verdicts = std::vector<JudgedModule>;

Verdicts failed_everywhere(const Error& error) { return {failed_judgement(error)}; }

// The platforms that are asked, and what of a file that takes.
struct Machines {
  explicit Machines(std::vector<Platform> all) : platforms(std::move(all)) {
    for (const Platform& platform : platforms) {
      machines.emplace_back(platform);
      for (const HashAlgo* hash : machines.back().hashes())
        if (std::ranges::find(hashes, hash) == hashes.end()) hashes.push_back(hash);
    }
    file_sha256 = std::ranges::any_of(platforms, [](const Platform& platform) {
      return platform.signatures.blocklist.has_any(kBlockedBinary) ||
             (platform.module_hashes && platform.module_hashes->is_list());
    });
  }
  Machines(const Machines&) = delete;
  Machines& operator=(const Machines&) = delete;

  const std::vector<Platform> platforms;
  std::vector<PlatformIma> machines;
  std::vector<const HashAlgo*> hashes;  // that IMA may ask for
  bool file_sha256 = false;             // some blocklist or list of modules has hashes of files
};

// What was learned of a file before the platforms were known.
struct Early {
  std::string name;
  RequestEvidence evidence;
  ByteBudget::Lease lease;
};

// About the memory that evidence takes: that of a module, of a message, and of what is known of
// each signer and certificate in it.
std::uint64_t cost_of(const RequestEvidence& evidence) {
  constexpr std::uint64_t kModule = 2048;
  constexpr std::uint64_t kPart = 2048;
  std::uint64_t cost = kModule;
  const auto add = [&cost](const AppendedEvidence& appended) {
    if (!appended.signature) return;
    const CmsMessage& cms = appended.signature->cms();
    cost += appended.signature->size() + kPart * (cms.signers.size() + cms.certificates.size());
  };
  if (evidence.module) add(evidence.module->appended);
  if (evidence.module && evidence.module->decompressed)
    add(evidence.module->decompressed->appended);
  return cost;
}

// Files are read and hashed while the first worker still reads the platforms, of which most of the
// time goes into decompressing one kernel image. Where it turns out that a platform asks more of
// them than their signatures, they are read again.
class JudgeOnPlatforms {
 public:
  JudgeOnPlatforms(const SurveyOptions& options, const JudgeRequest& request,
                   const std::function<void(const Verdicts&)>& report)
      : options_(options),
        request_(request),
        waiting_(limits::kWaitingInMemory),
        explaining_(request.explain),
        run_(options, [this, report](const Verdicts& verdicts) {
          if (is_of_all(verdicts)) return report(verdicts);
          Verdicts all;
          for (const PlatformIma& machine : machines_->machines) {
            all.push_back(verdicts.front());
            all.back().platform = machine.platform().name;
          }
          report(all);
        }) {}

  Result<Surveyed> go(const ReadPlatforms& read) {
    run_.pool().add([&] { know(read()); });
    Surveyed surveyed =
        run_.go([this](Found found, std::uint64_t ticket) { work(std::move(found), ticket); },
                failed_everywhere, [] {});
    if (error_) return std::unexpected(*error_);
    return surveyed;
  }

 private:
  using Ticket = Run<Verdicts>::Reports::Ticket;

  bool are_known() const { return known_.load(std::memory_order_acquire); }

  // What could not be read was found out on no platform, and is one verdict yet. Who waits here
  // holds up no platform: they are read by the first job of all.
  bool is_of_all(const Verdicts& verdicts) const {
    known_.wait(false, std::memory_order_acquire);
    return error_ || verdicts.size() == machines_->machines.size();
  }

  void know(Result<std::vector<Platform>> platforms) {
    if (platforms) {
      machines_ = std::make_unique<const Machines>(std::move(*platforms));
      alike_.resize(machines_->machines.size());
      std::iota(alike_.begin(), alike_.end(), std::size_t{0});
      if (request_.request == Request::module) alike_ = find_alike_for_modules(machines_->machines);
    } else {
      error_ = std::move(platforms.error());
    }
    std::deque<std::function<void()>> held;
    {
      const std::lock_guard lock(mutex_);
      known_.store(true, std::memory_order_release);
      held.swap(held_);
    }
    known_.notify_all();
    for (auto& job : held) run_.pool().add(std::move(job));
  }

  // At once where the platforms are known, else as soon as they are.
  void when_known(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (!are_known()) {
        held_.push_back(std::move(job));
        return;
      }
    }
    job();
  }

  // The bytes of a member of a package are read already, and not to be read again: it waits.
  void work(Found found, Ticket ticket) {
    const auto file = shared(std::move(found));
    if (are_known() || file->content || request_.request != Request::module)
      return when_known([this, file, ticket] { fill(ticket, judge(*file)); });
    auto evidence = collect(*file, {}, false);
    if (!evidence || !*evidence) {
      return when_known([this, file, ticket, result = shared(std::move(evidence))] {
        fill(ticket, *result ? Answer(std::nullopt)
                             : std::unexpected(with_path(result->error(), file->name)));
      });
    }
    const auto early = shared(Early{file->name, std::move(**evidence), {}});
    early->lease = waiting_.take(cost_of(early->evidence));
    when_known([this, file, ticket, early] {
      const bool suffices = error_ || !machines_->file_sha256 ||
                            early->evidence.module->appended.file_digest(Hash::sha256) != nullptr;
      fill(ticket, suffices ? finish(*file, early->evidence) : judge(*file));
    });
  }

  // What was read early, with what IMA looks at where it is asked.
  Result<std::optional<Verdicts>> finish(const Found& file, RequestEvidence& evidence) {
    if (!error_ && !machines_->hashes.empty()) {
      const OpenedWhenRead content(file.path, evidence.size);
      const auto added = add_ima_evidence(evidence, request_,
                                          {content, file.inner_name, file.path, machines_->hashes});
      if (!added) return std::unexpected(with_path(added.error(), file.name));
    }
    return judge_everywhere(file.name, evidence);
  }

  using Answer = Result<std::optional<Verdicts>>;

  void fill(Ticket ticket, Answer answer) {
    if (error_) return run_.reports().fill(ticket, std::nullopt);
    run_.reports().fill(ticket, answer ? std::move(*answer) : failed_everywhere(answer.error()));
  }

  // Nothing for what the request is not about.
  Result<std::optional<RequestEvidence>> collect(const Found& found,
                                                 const std::vector<const HashAlgo*>& hashes,
                                                 bool file_sha256) {
    ASSAY_TRY(const auto file, open_found(found));
    const Content& content = found.content ? *found.content : *file;
    if (!is_named(options_, found)) {
      ASSAY_TRY(const bool wanted, is_wanted(request_, found, content));
      if (!wanted) return std::nullopt;
    }
    ASSAY_TRY(
        RequestEvidence evidence,
        collect_request(request_, {content, found.inner_name, found.path, hashes}, file_sha256));
    return std::optional(std::move(evidence));
  }

  Answer judge(const Found& found) {
    if (error_) return std::nullopt;
    auto evidence = collect(found, machines_->hashes, machines_->file_sha256);
    if (!evidence) return std::unexpected(with_path(evidence.error(), found.name));
    if (!*evidence) return std::nullopt;
    return judge_everywhere(found.name, **evidence);
  }

  Answer judge_everywhere(const std::string& name, const RequestEvidence& evidence) {
    if (error_) return std::nullopt;
    const bool explain = explaining_.next();
    const std::vector<PlatformIma>& machines = machines_->machines;
    Verdicts verdicts;
    verdicts.reserve(machines.size());
    for (std::size_t i = 0; i < machines.size(); ++i) {
      if (alike_[i] == i) {
        verdicts.push_back(judge_on(request_, evidence, name, machines[i], explain));
      } else {
        verdicts.push_back(verdicts[alike_[i]]);
        verdicts.back().platform = machines[i].platform().name;
      }
    }
    return std::optional(std::move(verdicts));
  }

  const SurveyOptions& options_;
  const JudgeRequest& request_;
  std::unique_ptr<const Machines> machines_;
  std::vector<std::size_t> alike_;  // where the verdict of a platform is found
  std::optional<Error> error_;      // the platforms cannot be read
  std::mutex mutex_;
  std::atomic<bool> known_ = false;
  std::deque<std::function<void()>> held_;
  ByteBudget waiting_;
  Explaining explaining_;
  Run<Verdicts> run_;
};

}  // namespace

Result<Surveyed> survey_and_judge_on(
    const SurveyOptions& options, const JudgeRequest& request, const ReadPlatforms& read,
    const std::function<void(const std::vector<JudgedModule>&)>& report) {
  return JudgeOnPlatforms(options, request, report).go(read);
}

}  // namespace assay
