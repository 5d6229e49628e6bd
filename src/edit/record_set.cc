#include "edit/record_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/name.h"
#include "bytes/whole_file.h"

namespace assay {

namespace {

constexpr std::string_view kSuffix = ".record";

// Records of a distribution's modules have some megabytes; those that keep compressed streams,
// twice the size of the modules.
constexpr std::uint64_t kLargestFile = std::uint64_t{4} << 30;

Result<void> load_lines(const std::string& path, RecordSet& set) {
  ASSAY_TRY(const std::vector<std::uint8_t> bytes, read_whole_file(path, kLargestFile));
  std::string_view left = View(bytes).text();
  for (int number = 1; !left.empty(); ++number) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    if (line.empty()) continue;
    auto record = parse_record(line);
    if (!record) {
      Error error = with_path(std::move(record.error()), encode_name(path));
      error.detail = fmt::format("line {}: {}", number, error.detail);
      return std::unexpected(std::move(error));
    }
    set.add(std::move(*record));
  }
  return {};
}

const ContentId& start_of(const EditRecord& record, Direction direction) {
  return direction == Direction::forward ? record.before : record.after;
}

// Equal in what they make of the file.
bool same_outcome(const EditRecord& a, const EditRecord& b) {
  return a.before == b.before && a.after == b.after && a.compression == b.compression &&
         a.parts == b.parts;
}

std::string_view base_name(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

Result<RecordSet> RecordSet::load(const std::string& path) {
  RecordSet set;
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    ASSAY_CHECK(load_lines(path, set));
    return set;
  }
  std::vector<std::string> files;
  for (std::filesystem::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error))
    if (at->path().native().ends_with(kSuffix)) files.push_back(at->path().native());
  if (error)
    return std::unexpected(Error{Reason::cannot_list, {}, error.message(), encode_name(path)});
  std::ranges::sort(files);
  for (const std::string& file : files) ASSAY_CHECK(load_lines(file, set));
  return set;
}

void RecordSet::add(EditRecord record) {
  by_size_before_.emplace(record.before.size, records_.size());
  by_size_after_.emplace(record.after.size, records_.size());
  records_.push_back(std::move(record));
}

bool RecordSet::has_size(Direction direction, std::uint64_t size) const {
  return by_size(direction).contains(size);
}

std::optional<std::uint64_t> RecordSet::shared_size_of(Direction direction,
                                                       std::uint64_t size) const {
  const auto [first, last] = by_size(direction).equal_range(size);
  std::optional<std::uint64_t> shared;
  for (auto at = first; at != last; ++at)
    shared = std::min(shared.value_or(size), shared_size(records_[at->second]));
  return shared;
}

Result<const EditRecord*> RecordSet::find(Direction direction, const ContentId& from,
                                          std::optional<Codec> codec,
                                          const std::string& name) const {
  std::vector<const EditRecord*> found;
  const auto [first, last] = by_size(direction).equal_range(from.size);
  for (auto at = first; at != last; ++at) {
    const EditRecord& record = records_[at->second];
    if (start_of(record, direction) != from) continue;
    if (fits_container(record, codec)) found.push_back(&record);
  }
  if (found.empty()) return fail(Reason::no_record);
  const auto all_alike = [&found] {
    return std::ranges::all_of(
        found, [&](const EditRecord* one) { return same_outcome(*one, *found.front()); });
  };
  if (all_alike()) return found.front();
  for (const bool whole_name : {true, false}) {
    std::vector<const EditRecord*> named;
    for (const EditRecord* one : found)
      if (whole_name ? one->name == name : base_name(one->name) == base_name(name))
        named.push_back(one);
    if (named.empty()) continue;
    found = std::move(named);
    if (all_alike()) return found.front();
  }
  return fail(Reason::no_record, {},
              fmt::format("{} records are of these bytes, and differ", found.size()));
}

RecordKeeper::RecordKeeper(std::string path) : path_(std::move(path)) {
  std::error_code error;
  is_folder_ = path_.ends_with('/') || std::filesystem::is_directory(path_, error);
}

Result<void> RecordKeeper::add(AtomicWriter& writer, const EditRecord& record) {
  std::string line = write_record(record) + '\n';
  if (!is_folder_) {
    const std::lock_guard lock(mutex_);
    lines_.insert(lines_.end(), line.begin(), line.end());
    return {};
  }
  const std::string path = fmt::format("{}/{}{}", path_, record.name, kSuffix);
  {
    const std::lock_guard guard(mutex_);
    ASSAY_CHECK(make_folders(path_));
    ASSAY_CHECK(lock(path_));
    if (!names_.emplace(path, true).second)
      return std::unexpected(
          Error{Reason::cannot_write, {}, "two artifacts of one name", encode_name(path)});
  }
  // What was taken out of an earlier file of this name is not thrown away.
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    ASSAY_TRY(const auto there, read_whole_file(path, kLargestFile));
    if (View(there).text() == line) return {};
    return std::unexpected(
        Error{Reason::cannot_write, {}, "there is another record", encode_name(path)});
  }
  ASSAY_CHECK(make_folders(path.substr(0, path.rfind('/'))));
  const MemoryContent content({line.begin(), line.end()});
  return writer.write({.path = path, .content = content});
}

Result<void> RecordKeeper::lock(const std::string& folder) {
  if (lock_.is_open()) return {};
  ASSAY_TRY(lock_, lock_folder(folder));
  return {};
}

Result<void> RecordKeeper::finish(AtomicWriter& writer) {
  if (is_folder_ || lines_.empty()) return {};
  std::vector<std::uint8_t> all;
  ASSAY_CHECK(lock(std::filesystem::path(path_).parent_path().native()));
  std::error_code error;
  if (std::filesystem::exists(path_, error)) {
    ASSAY_TRY(all, read_whole_file(path_, kLargestFile));
    if (!all.empty() && all.back() != '\n') all.push_back('\n');
  }
  all.insert(all.end(), lines_.begin(), lines_.end());
  const MemoryContent content(std::move(all));
  return writer.write({.path = path_, .content = content});
}

}  // namespace assay
