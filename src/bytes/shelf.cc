#include "bytes/shelf.h"

#include <fmt/format.h>

#include "bytes/file_io.h"

namespace assay {

Shelf::Item& Shelf::Item::operator=(Item&& other) noexcept {
  std::swap(shelf_, other.shelf_);
  std::swap(bytes_, other.bytes_);
  std::swap(claimed_, other.claimed_);
  std::swap(offset_, other.offset_);
  std::swap(size_, other.size_);
  return *this;
}

Shelf::Item::~Item() {
  if (shelf_ != nullptr) shelf_->in_memory_ -= claimed_;
}

std::optional<Shelf::Item> Shelf::claim(std::uint64_t size) {
  if (in_memory_.fetch_add(size) + size > memory_) {
    in_memory_ -= size;
    return std::nullopt;
  }
  Item item;
  item.shelf_ = this;
  item.claimed_ = size;
  return item;
}

Result<Shelf::Item> Shelf::put(std::vector<std::uint8_t> bytes) {
  if (auto item = claim(bytes.size())) {
    item->bytes_ = std::move(bytes);
    return std::move(*item);
  }
  Item item;
  ASSAY_TRY(item.offset_, append(bytes));
  item.size_ = bytes.size();
  return item;
}

Result<std::uint64_t> Shelf::append(const std::vector<std::uint8_t>& bytes) {
  const std::lock_guard lock(file_mutex_);
  if (bytes.size() > file_limit_ - in_file_)
    return fail(
        Reason::limit_size, {},
        fmt::format("more than {} bytes of signatures wait for their kernel image", file_limit_));
  if (!file_.is_open()) {
    ASSAY_TRY(file_, open_temporary());
  }
  if (auto written = write_all(file_, bytes); !written) {
    in_file_ = file_limit_;  // where the next bytes would go is not known any more
    return std::unexpected(std::move(written).error());
  }
  return in_file_.fetch_add(bytes.size());
}

Result<std::vector<std::uint8_t>> Shelf::get(const Item& item) const {
  if (item.size_ == 0) return item.bytes_;
  std::vector<std::uint8_t> bytes(item.size_);
  ASSAY_TRY(const std::size_t got, read_at(file_, item.offset_, bytes));
  if (got != bytes.size()) return fail(Reason::changed_while_read, {}, "temporary file");
  return bytes;
}

}  // namespace assay
