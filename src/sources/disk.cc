#include "sources/disk.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "bytes/runs_content.h"
#include "formats/partition_table.h"
#include "sources/nest.h"

namespace assay {

namespace {

constexpr std::uint64_t kLooked = 64 * limits::kKiB;

// Nothing was ever written there, or it is for swapping (mkswap writes for pages of 4 KiB).
Result<bool> is_unused(const Content& partition) {
  constexpr std::size_t kSwapMagic = 4086;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head, view_of(partition, 0, std::min(kLooked, partition.size()), scratch));
  if (head.size() > kSwapMagic && head.text().substr(kSwapMagic).starts_with("SWAPSPACE2"))
    return true;
  return std::ranges::all_of(head.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

Result<void> open_partition(const Content& disk, const Partition& partition,
                            const std::string& name, Nest& nest) {
  if (!lies_inside(partition.where.offset, partition.where.size, disk.size()))
    return fail(Reason::bad_length, partition.where,
                fmt::format("{} bytes, the disk has {}", partition.where.size, disk.size()));
  const RunsContent content(disk, partition.where);
  ASSAY_TRY(const auto container, detect_container(content, {}));
  if (container) return nest.open(*container, content, name);
  ASSAY_TRY(const bool unused, is_unused(content));
  if (!unused)
    return fail(Reason::archive_unsupported, partition.where, "no file system that can be read");
  nest.skipped();
  return {};
}

}  // namespace

Result<void> walk_disk(const Content& disk, const std::string& name, Nest& nest) {
  ASSAY_TRY(const auto partitions, read_partitions(disk));
  for (const Partition& partition : partitions) {
    ASSAY_CHECK(nest.count_member());
    const std::string inner = nested_name(name, std::to_string(partition.number));
    auto done = open_partition(disk, partition, inner, nest);
    if (done) continue;
    if (nest.is_exhausted()) return done;
    nest.failed(with_path(std::move(done).error(), inner));
  }
  return {};
}

}  // namespace assay
