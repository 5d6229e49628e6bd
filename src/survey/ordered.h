// survey/ordered.h - results that are made in any order and handed out in the order of their
// tickets.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace assay {

template <class T>
class Ordered {
 public:
  using Ticket = std::uint64_t;

  // `emit` is called for one result at a time, by whichever thread filled the last gap.
  explicit Ordered(std::function<void(T)> emit) : emit_(std::move(emit)) {}

  Ticket ticket() {
    const std::lock_guard lock(mutex_);
    return next_ticket_++;
  }

  void fill(Ticket ticket, T result) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(ticket, std::move(result));
    while (!waiting_.empty() && waiting_.begin()->first == next_out_) {
      auto node = waiting_.extract(waiting_.begin());
      ++next_out_;
      emit_(std::move(node.mapped()));
    }
  }

 private:
  std::function<void(T)> emit_;
  std::mutex mutex_;
  Ticket next_ticket_ = 0;
  Ticket next_out_ = 0;
  std::map<Ticket, T> waiting_;
};

}  // namespace assay
