// base/budget.h - bytes in flight between those who read artifacts and those who examine them.
//
// A reader takes a lease before it reads and sends it along with the bytes; whoever is done with
// the bytes drops it. Memory is thereby bounded whatever the size and number of artifacts.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

namespace assay {

class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t bytes) : whole_(bytes) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  // Bytes held; given back when it goes. An empty lease holds nothing.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Lease() {
      if (budget_ != nullptr) budget_->give_back(bytes_);
    }

   private:
    friend class ByteBudget;
    Lease(ByteBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    ByteBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  // Waits until `bytes` are free. What is larger than the whole budget waits until all of it is
  // free, and then has it alone.
  Lease take(std::uint64_t bytes) {
    if (bytes > whole_) bytes = whole_;
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return whole_ - used_ >= bytes; });
    used_ += bytes;
    return {this, bytes};
  }

 private:
  void give_back(std::uint64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      used_ -= bytes;
    }
    freed_.notify_all();
  }

  const std::uint64_t whole_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::uint64_t used_ = 0;
};

}  // namespace assay
