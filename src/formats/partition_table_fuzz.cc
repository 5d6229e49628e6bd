// Laws: partitions have numbers of their own, one after the other; there is an end to them.

#include "formats/partition_table.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const ViewContent content{View({data, size})};
  const auto partitions = read_partitions(content);
  if (!partitions) return 0;
  fuzz_check(partitions->size() <= 256 + 4, "as many as Linux counts");
  unsigned last = 0;
  for (const Partition& partition : *partitions) {
    fuzz_check(partition.number > last || partition.number == 5 || last >= 5, "numbers in order");
    last = partition.number;
  }
  return 0;
}
