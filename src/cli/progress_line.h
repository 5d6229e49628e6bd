// cli/progress_line.h - one line on the terminal that says how far a run has come.
//
// Shown on standard error when that is a terminal and the run takes longer than a second.

#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "survey/survey.h"

namespace assay {

class ProgressLine {
 public:
  ProgressLine(const Progress& progress, bool enabled);
  // Wipes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // To be called around anything that prints, so that lines do not mix.
  void hide();

 private:
  void run();

  const Progress& progress_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  bool shown_ = false;
  std::thread thread_;
};

}  // namespace assay
