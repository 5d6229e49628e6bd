// Laws: an order that parses is written, line by line, as an order that parses to the same; each of
// its names leads to its own position, whatever folder it is in and however it is compressed; a
// name that one line alone has is found by its file's.

#include <algorithm>
#include <map>
#include <string>

#include "survey/module_set.h"
#include "testing/fuzz.h"

namespace {

using namespace assay;

void check_names(const ModuleOrder& order) {
  std::map<std::string, int> files;
  const auto file_of = [&](std::uint32_t i) {
    return order.name(i).substr(order.name(i).rfind('/') + 1);
  };
  constexpr std::size_t kSeveral = 100;  // find_by_name looks at all
  const std::size_t count = std::min(kSeveral, order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) ++files[file_of(i)];
  for (std::uint32_t i = 0; i < count; ++i) {
    // Of "a" and "b/a" the file lib/b/a.ko is the second.
    for (const char* file : {".ko", ".ko.xz"})
      fuzz_check(order.find(order.name(i) + file) == i, "a name leads elsewhere");
    const auto by_name = order.find_by_name("elsewhere/" + file_of(i) + ".ko");
    fuzz_check(files[file_of(i)] == 1 ? by_name == i : !by_name, "a file's name leads elsewhere");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto order = ModuleOrder::parse(View(std::span(data, size)).text());
  if (!order) {
    fuzz_check(order.error().where.end() <= size, "an error outside of the text");
    return 0;
  }
  check_names(*order);
  std::string lines;
  for (std::uint32_t i = 0; i < order->size(); ++i) lines += order->name(i) + ".ko\n";
  auto again = ModuleOrder::parse(lines);
  fuzz_check(again && again->size() == order->size(), "an order is not read as it is written");
  for (std::uint32_t i = 0; i < order->size(); ++i)
    fuzz_check(again->name(i) == order->name(i), "a name is written as another");
  const std::uint32_t added = again->add("x/not there before.ko");
  fuzz_check(added == order->size() && again->size() == added + 1, "a line more is not the last");
  return 0;
}
