// bytes/shelf.h - bytes put aside until they are needed again: some in memory, the rest in a file.

#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

// For any number of threads.
class Shelf {
 public:
  // At most `memory` bytes stay in memory, at most `file` go to a temporary file.
  Shelf(std::uint64_t memory, std::uint64_t file) : memory_(memory), file_limit_(file) {}
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  // What was put aside once. The shelf outlives it.
  class Item {
   public:
    Item() = default;
    Item(Item&& other) noexcept { *this = std::move(other); }
    Item& operator=(Item&& other) noexcept;
    ~Item();

   private:
    friend class Shelf;
    Shelf* shelf_ = nullptr;
    std::vector<std::uint8_t> bytes_;  // in memory
    std::uint64_t claimed_ = 0;        // of the shelf's memory
    std::uint64_t offset_ = 0;         // in the file
    std::uint64_t size_ = 0;           // there
  };

  // Counts as put aside what stays with its owner, of about `size` bytes; nothing where the memory
  // does not suffice.
  std::optional<Item> claim(std::uint64_t size);
  // limit_size when the file would become too long.
  Result<Item> put(std::vector<std::uint8_t> bytes);
  // What the item was made of, as often as it is asked for.
  Result<std::vector<std::uint8_t>> get(const Item& item) const;

  std::uint64_t in_memory() const { return in_memory_; }
  std::uint64_t in_file() const { return in_file_; }

 private:
  Result<std::uint64_t> append(const std::vector<std::uint8_t>& bytes);

  const std::uint64_t memory_;
  const std::uint64_t file_limit_;
  std::atomic<std::uint64_t> in_memory_ = 0;
  std::atomic<std::uint64_t> in_file_ = 0;
  std::mutex file_mutex_;
  FileDescriptor file_;
};

}  // namespace assay
