// survey/run.h - how a run goes: one thread finds files, many work on them, and what became of them
// is reported in the order of the finds.

#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/name.h"
#include "survey/ordered.h"
#include "survey/pool.h"
#include "survey/survey.h"

namespace assay {

// std::function wants copies; what a job carries can only be moved.
template <class T>
std::shared_ptr<T> shared(T&& value) {
  return std::make_shared<T>(std::move(value));
}

// Everything under the paths goes to `on_found`; what cannot be read to `on_failed`.
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

inline void walk_paths(const SurveyOptions& options, ByteBudget& budget, Finder& finder,
                       const std::function<void()>& start_path) {
  const SourceOptions source_options{budget, options.jobs, {}, options.opens_images};
  for (const std::string& path : options.paths) {
    start_path();
    const auto kind = source_kind(path);
    if (kind)
      walk_source(path, *kind, source_options, finder);
    else
      finder.failed(with_path(kind.error(), encode_name(path)));
  }
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

}  // namespace assay
