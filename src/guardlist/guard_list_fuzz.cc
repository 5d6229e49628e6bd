// Laws: a list that parses is written as the bytes it was read from, finds all its rows, and the
// body of any bytes is a beginning of them.

#include "guardlist/body.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file({data, size});
  const auto body = guard_body_size(ViewContent(file));
  fuzz_check(body && *body <= size && (*body != 0 || size == 0), "the body of some other file");
  const auto text = cut_list_signature(file);
  if (!text) return 0;
  auto list = parse_guard_list(*text);
  if (!list) return 0;
  const auto written = write_guard_list(*list);
  fuzz_check(written && *written == text->text(), "a list is written as other bytes");
  for (const GuardRow& row : list->rows)
    fuzz_check(list->find(row.digest) == &row, "a row is not found");
  const GuardList before = *list;
  make_canonical(*list);
  fuzz_check(*list == before, "what parses is not canonical");
  return 0;
}
