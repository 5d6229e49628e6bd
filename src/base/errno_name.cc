#include "base/errno_name.h"

#include <string>

namespace assay {

namespace {

struct Row {
  int number;
  std::string_view name;
};

// Only numbers that the mechanisms assay knows can return. They are spelled out, not taken from
// <errno.h>, so that the answer does not depend on the machine assay runs on.
constexpr Row kRows[] = {
    {0, "0"},           {1, "EPERM"},        {2, "ENOENT"},       {4, "EINTR"},
    {5, "EIO"},         {8, "ENOEXEC"},      {9, "EBADF"},        {11, "EAGAIN"},
    {12, "ENOMEM"},     {13, "EACCES"},      {14, "EFAULT"},      {16, "EBUSY"},
    {17, "EEXIST"},     {19, "ENODEV"},      {20, "ENOTDIR"},     {21, "EISDIR"},
    {22, "EINVAL"},     {26, "ETXTBSY"},     {27, "EFBIG"},       {28, "ENOSPC"},
    {30, "EROFS"},      {34, "ERANGE"},      {38, "ENOSYS"},      {40, "ELOOP"},
    {61, "ENODATA"},    {65, "ENOPKG"},      {71, "EPROTO"},      {74, "EBADMSG"},
    {75, "EOVERFLOW"},  {80, "ELIBBAD"},     {90, "EMSGSIZE"},    {92, "ENOPROTOOPT"},
    {95, "EOPNOTSUPP"}, {99, "EADDRNOTAVAIL"}, {116, "ESTALE"},   {122, "EDQUOT"},
    {126, "ENOKEY"},    {127, "EKEYEXPIRED"}, {128, "EKEYREVOKED"}, {129, "EKEYREJECTED"},
    {kENOTSUPP, "ENOTSUPP"},
};

}  // namespace

std::string errno_name(int number) {
  for (const Row& row : kRows)
    if (row.number == number) return std::string(row.name);
  return std::to_string(number);
}

std::optional<int> errno_number(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return row.number;
  return std::nullopt;
}

}  // namespace assay
