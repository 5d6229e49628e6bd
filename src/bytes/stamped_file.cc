#include "bytes/stamped_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "bytes/file_io.h"

namespace assay {

Result<StampedFile> open_stamped(const std::string& path, Links links) {
  const int no_links = links == Links::refuse ? O_NOFOLLOW : 0;
  StampedFile opened;
  opened.file =
      FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | no_links));
  if (!opened.file.is_open()) return fail(Reason::cannot_open, {}, std::strerror(errno));
  ASSAY_TRY(opened.stamp, stamp_file(opened.file));
  if (!opened.stamp.is_regular) return fail(Reason::not_a_regular_file);
  // Files of /proc claim to be empty, which open_file looks into.
  if (opened.stamp.size == 0) ASSAY_CHECK(open_file(path));
  return opened;
}

Result<std::shared_ptr<const Content>> read_stamped(const StampedFile& file,
                                                    std::uint64_t memory_limit) {
  const std::uint64_t size = file.stamp.size;
  if (size > memory_limit) {
    FileDescriptor again(::fcntl(file.file.get(), F_DUPFD_CLOEXEC, 0));
    if (!again.is_open()) return fail(Reason::cannot_open, {}, std::strerror(errno));
    return std::make_shared<FileContent>(std::move(again), size);
  }
  auto content = std::make_shared<FilledContent>(size);
  ASSAY_TRY(const std::size_t got, read_at(file.file, 0, content->all()));
  if (got != size) return fail(Reason::changed_while_read);
  return content;
}

}  // namespace assay
