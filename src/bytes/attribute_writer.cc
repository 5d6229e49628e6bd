#include "bytes/attribute_writer.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "bytes/write_error.h"

namespace assay {

namespace {

constexpr std::uint64_t kSyncedTogether = 2000;

}  // namespace

AttributeWriter::AttributeWriter(const WritePolicy& policy, FileCalls& calls)
    : policy_(policy), calls_(calls) {}

bool AttributeWriter::can_write(const std::vector<AttributeChange>& changes, const FileStamp& of,
                                const WritePolicy& policy) {
  const bool is_for_one_name =
      policy.replace_symlinks || (of.link_count > 1 && policy.break_hard_links);
  return changes.size() == 1 && !is_for_one_name;
}

Result<void> AttributeWriter::write(const AttributeToWrite& attribute) {
  if (policy_.wait_for_commit) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(attribute);
    waiting_.back().file = nullptr;
    return {};
  }
  return attribute.file != nullptr ? set(attribute, *attribute.file) : open_and_set(attribute);
}

Result<void> AttributeWriter::open_and_set(const AttributeToWrite& attribute) {
  const FileDescriptor file(
      ::open(attribute.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open() && errno != ENOENT) return cannot_write(attribute.path, "open");
  const auto opened = stamp_file(file);
  if (!opened || !is_unchanged(attribute.of, *opened))
    return fail_at(attribute.path, Reason::changed_while_read);
  return set(attribute, file);
}

Result<void> AttributeWriter::set(const AttributeToWrite& attribute, const FileDescriptor& file) {
  const auto now = stamp_file(attribute.path);
  if (!now || !is_unchanged(attribute.of, *now))
    return fail_at(attribute.path, Reason::changed_while_read);
  const auto& [name, value] = attribute.change;
  const int done = value ? calls_.set_attribute(file.get(), name, *value)
                         : calls_.remove_attribute(file.get(), name);
  // One that is to go and is gone is as it is to be.
  if (done != 0 && (value || errno != ENODATA)) return cannot_write(attribute.path, name);
  if (policy_.durability == Durability::each && calls_.sync_file(file.get()) != 0)
    return cannot_write(attribute.path, "fsync");
  if (policy_.durability == Durability::run) {
    const std::lock_guard lock(mutex_);
    folders_.try_emplace(attribute.of.device, folder_of(attribute.path));
    if (++unsynced_count_ >= kSyncedTogether && !is_syncing_) sync_meanwhile();
  }
  return {};
}

void AttributeWriter::sync_meanwhile() {
  unsynced_count_ = 0;
  is_syncing_ = true;
  // The thread before this one has said that it is done, and waits for nothing.
  syncing_ = std::jthread([this, folders = folders_] {
    auto synced = sync_file_systems(calls_, folders);
    const std::lock_guard lock(mutex_);
    if (!synced && !sync_error_) sync_error_ = std::move(synced.error());
    is_syncing_ = false;
  });
}

std::vector<Error> AttributeWriter::commit() {
  std::vector<Error> errors;
  std::vector<AttributeToWrite> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const AttributeToWrite& attribute : waiting)
    if (auto done = open_and_set(attribute); !done) errors.push_back(std::move(done.error()));
  if (syncing_.joinable()) syncing_.join();
  const std::lock_guard lock(mutex_);
  if (sync_error_) errors.push_back(*std::exchange(sync_error_, std::nullopt));
  if (auto synced = sync_file_systems(calls_, folders_); !synced)
    errors.push_back(std::move(synced.error()));
  folders_.clear();
  return errors;
}

}  // namespace assay
