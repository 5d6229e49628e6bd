#include "bytes/write_error.h"

#include <cerrno>
#include <cstring>

#include "base/name.h"

namespace assay {

std::unexpected<Error> fail_at(const std::string& path, Reason reason, std::string detail) {
  return std::unexpected(Error{reason, {}, std::move(detail), encode_name(path)});
}

std::unexpected<Error> cannot_write(const std::string& path, std::string_view what) {
  return fail_at(path, Reason::cannot_write, std::string(what) + ": " + std::strerror(errno));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace assay
