#include "base/errno.h"

namespace assay {

namespace {

struct Row {
  Errno value;
  std::string_view name;
};

constexpr Row kRows[] = {
#define ERRNO(name, value, text) {Errno::name, text},
#include "base/errno.def"
#undef ERRNO
};

}  // namespace

std::string_view errno_name(Errno value) {
  for (const Row& row : kRows)
    if (row.value == value) return row.name;
  return "unknown";
}

std::optional<Errno> find_errno(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.value;
  return std::nullopt;
}

std::optional<Errno> find_errno(int number) {
  for (const Row& row : kRows)
    if (errno_number(row.value) == number) return row.value;
  return std::nullopt;
}

}  // namespace assay
