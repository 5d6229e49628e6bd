#include "bytes/whole_file.h"

#include <fmt/format.h>

#include "base/name.h"
#include "bytes/content.h"

namespace assay {

Result<std::vector<std::uint8_t>> read_whole_file(const std::string& path, std::uint64_t limit) {
  const auto read = [&]() -> Result<std::vector<std::uint8_t>> {
    ASSAY_TRY(const auto file, open_file(path));
    if (file->size() > limit)
      return fail(Reason::limit_size, {}, fmt::format("{} bytes", file->size()));
    std::vector<std::uint8_t> bytes(file->size());
    ASSAY_CHECK(file->read(0, bytes));
    return bytes;
  };
  auto bytes = read();
  if (!bytes) return std::unexpected(with_path(std::move(bytes.error()), encode_name(path)));
  return bytes;
}

}  // namespace assay
