// codec/decoder_memory.h - the memory of all decoders that are open at a time.
//
// One decoder may need 160 MiB, and as many as there are threads may be open. Each takes what it
// needs from one budget of the process before it allocates it, and waits until that is free.
//
// Decoders stand upon each other: who has one open may need another. Threads that all hold some and
// all wait for more would wait for ever, so one of them is then let through. What is taken stays
// below the budget and the needs of one thread.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace assay {

class DecoderMemory {
 public:
  explicit DecoderMemory(std::uint64_t bytes) : whole_(bytes) {}
  DecoderMemory(const DecoderMemory&) = delete;
  DecoderMemory& operator=(const DecoderMemory&) = delete;

  // That of the process: limits::kAllDecoders.
  static DecoderMemory& process();

  // What one decoder holds; given back when it goes. One without a budget counts nothing. Whoever
  // holds a share must not wait for another thread but here.
  class Share {
   public:
    Share() = default;
    explicit Share(DecoderMemory& memory) : memory_(&memory) {}
    Share(Share&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)),
          holder_(other.holder_),
          bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(memory_, other.memory_);
      std::swap(holder_, other.holder_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (bytes_ != 0) memory_->give_back(holder_, bytes_);
    }

    // Waits until the share has at least `bytes`.
    void hold(std::uint64_t bytes);

   private:
    DecoderMemory* memory_ = nullptr;
    std::thread::id holder_;
    std::uint64_t bytes_ = 0;
  };

  std::uint64_t used() const;

 private:
  void take(std::thread::id holder, std::uint64_t bytes);
  void give_back(std::thread::id holder, std::uint64_t bytes);

  const std::uint64_t whole_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t used_ = 0;
  std::map<std::thread::id, std::uint64_t> held_;  // by those who hold any
  std::size_t waiting_holders_ = 0;
};

}  // namespace assay
