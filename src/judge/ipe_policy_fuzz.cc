// Laws: what a policy says does not depend on comments before it or on how its lines end, and one
// that is taken answers every question about every file.

#include <algorithm>
#include <string>

#include "bytes/view.h"
#include "judge/ipe.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const KernelId kernel;
  const std::string text(View({data, size}).text());
  const auto parse = [&](const std::string& of, IpePolicy& policy) {
    Walk walk(kernel, {}, true);
    return parse_ipe_policy(walk, of, policy).err;
  };
  auto policy = std::make_shared<IpePolicy>();
  IpePolicy other;
  const Errno err = parse(text, *policy);
  if (text.empty()) return 0;
  fuzz_check(parse("# comment\n\n" + text, other) == err, "a comment makes a difference");
  std::string returns = text;
  std::ranges::replace(returns, '\n', '\r');
  fuzz_check(parse(returns, other) == err, "the end of lines makes a difference");
  if (err != Errno::none) return 0;
  fuzz_check(!policy->name.empty(), "a policy without a name");
  const KernelConfig config;
  for (std::size_t op = 0; op < kIpeOps; ++op) {
    fuzz_check(policy->otherwise || policy->tables[op].otherwise, "an operation without a default");
    Walk walk(kernel, {}, true);
    const Ending ending =
        judge_ipe(walk, {policy, true}, static_cast<IpeOp>(op), IpeFile::memory(), config);
    fuzz_check(ending.decision != Decision::undetermined, "a walk without an end");
  }
  return 0;
}
