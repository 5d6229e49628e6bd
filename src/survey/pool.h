// survey/pool.h - worker threads that run jobs in the order they were given.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace assay {

class Pool {
 public:
  explicit Pool(unsigned workers);
  // Waits for all jobs, those that jobs add included.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Waits while many jobs are queued. For the thread that feeds the pool, not for jobs.
  void feed(std::function<void()> job);
  // Never waits. For jobs that lead to others.
  void add(std::function<void()> job);
  // Until nothing is queued or running.
  void wait();

 private:
  void work();
  // Called with the mutex held.
  bool is_idle() const { return queue_.empty() && running_ == 0; }

  std::mutex mutex_;
  std::condition_variable job_ready_;
  std::condition_variable room_or_idle_;
  std::deque<std::function<void()>> queue_;
  std::size_t running_ = 0;
  bool feeder_waits_ = false;
  bool stopping_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace assay
