#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace assay {

ProgressLine::ProgressLine(const Progress& progress, bool enabled) : progress_(progress) {
  if (enabled && ::isatty(STDERR_FILENO) != 0) thread_ = std::thread([this] { run(); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
  hide();
}

void ProgressLine::hide() {
  const std::lock_guard lock(mutex_);
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void ProgressLine::run() {
  using namespace std::chrono_literals;
  std::unique_lock lock(mutex_);
  if (stop_.wait_for(lock, 1s, [this] { return stopping_; })) return;
  do {
    const std::string line = fmt::format("\r{} artifacts, {} MB\x1b[K", progress_.artifacts.load(),
                                         progress_.bytes.load() / 1'000'000);
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    shown_ = true;
  } while (!stop_.wait_for(lock, 200ms, [this] { return stopping_; }));
}

}  // namespace assay
