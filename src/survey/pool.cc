#include "survey/pool.h"

namespace assay {

namespace {

// Jobs that may wait; what they hold is bounded by the byte budget. Who feeds sleeps until half of
// them are done: to be woken for each job costs as much as many a job.
constexpr std::size_t kQueued = 256;
constexpr std::size_t kQueuedAgain = kQueued / 2;

}  // namespace

Pool::Pool(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
}

Pool::~Pool() {
  wait();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  job_ready_.notify_all();
}

void Pool::feed(std::function<void()> job) {
  {
    std::unique_lock lock(mutex_);
    if (queue_.size() >= kQueued) {
      feeder_waits_ = true;
      room_or_idle_.wait(lock, [this] { return queue_.size() <= kQueuedAgain; });
      feeder_waits_ = false;
    }
    queue_.push_back(std::move(job));
  }
  job_ready_.notify_one();
}

void Pool::add(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  job_ready_.notify_one();
}

void Pool::wait() {
  std::unique_lock lock(mutex_);
  room_or_idle_.wait(lock, [this] { return is_idle(); });
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    job_ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto job = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    job();
    lock.lock();
    --running_;
    if ((feeder_waits_ && queue_.size() <= kQueuedAgain) || is_idle()) room_or_idle_.notify_all();
  }
}

}  // namespace assay
