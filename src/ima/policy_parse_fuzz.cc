// A rule that is shown is taken again and shown alike, whatever was written; every word at fault
// lies inside the line.

#include "bytes/view.h"
#include "ima/policy_parse.h"
#include "ima/policy_show.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View bytes({data, size});
  const std::string_view policy = bytes.text();
  KernelConfig config;
  config.set("CONFIG_IMA_APPRAISE_MODSIG", "y");
  config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
  const KernelCrypto crypto;
  const ImaPolicyContext context{config, crypto, true};
  Walk walk(KernelId{kAnchor72, Variant::mainline, Arch::x86_64}, {}, false);
  for (const ImaPolicyLine& line : split_ima_policy(policy)) {
    const ParsedImaRule parsed = parse_ima_rule(walk, line.text, line.offset, context);
    if (parsed.outcome.failed()) {
      fuzz_check(lies_inside(parsed.word.offset, parsed.word.size, size), "the word lies outside");
      continue;
    }
    const std::string shown = show_ima_rule(walk, parsed.rule);
    // Numbers above 2^31 are shown as negative ones, which are not taken.
    const bool negative = shown.find("=-") != shown.npos || shown.find("<-") != shown.npos ||
                          shown.find(">-") != shown.npos;
    if (parsed.rule.is_inactive() || negative) continue;
    const ParsedImaRule again = parse_ima_rule(walk, shown, 0, context);
    fuzz_check(!again.outcome.failed(), "what is shown is a rule");
    fuzz_check(show_ima_rule(walk, again.rule) == shown, "and is shown alike");
  }
  return 0;
}
