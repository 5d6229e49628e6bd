#include "codec/decoder_memory.h"

#include "base/limits.h"

namespace assay {

DecoderMemory& DecoderMemory::process() {
  static DecoderMemory memory(limits::kAllDecoders);
  return memory;
}

void DecoderMemory::Share::hold(std::uint64_t bytes) {
  if (memory_ == nullptr || bytes <= bytes_) return;
  if (bytes_ == 0) holder_ = std::this_thread::get_id();
  memory_->take(holder_, bytes - bytes_);
  bytes_ = bytes;
}

std::uint64_t DecoderMemory::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

void DecoderMemory::take(std::thread::id holder, std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  const bool holds = held_.contains(holder);
  if (holds) {
    ++waiting_holders_;
    changed_.notify_all();  // perhaps all wait now
  }
  changed_.wait(lock, [&] {
    if (used_ <= whole_ && bytes <= whole_ - used_) return true;
    // Nobody will give anything back: all who hold some wait, or nobody holds any.
    return waiting_holders_ == held_.size() && (holds || held_.empty());
  });
  if (holds) --waiting_holders_;
  used_ += bytes;
  held_[holder] += bytes;
}

void DecoderMemory::give_back(std::thread::id holder, std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    const auto held = held_.find(holder);
    held->second -= bytes;
    if (held->second == 0) held_.erase(held);
  }
  changed_.notify_all();
}

}  // namespace assay
