// The corpus of tests/cases/pe: what the kernel's check of PE signatures says of images made by
// other tools, for each anchor, with the rule that decides.

#include <gtest/gtest.h>

#include "judge/pe_sig.h"
#include "tests/cases/case_state.h"

namespace assay {
namespace {

using namespace test;

const std::string kFolder = "tests/cases/pe/";

class PeCases : public testing::TestWithParam<const char*> {};

TEST_P(PeCases, EveryCaseIsAsTheKernelHasIt) {
  const Json cases = load_json(kFolder + "cases.json");
  const Json states = load_json(kFolder + "states.json");
  const Json rules = load_json(kFolder + "deciding_rules.json");
  int checked = 0;
  for (const Json& entry : cases) {
    const std::string name = entry["name"];
    SCOPED_TRACE(name + ": " + entry["description"].get<std::string>());
    const State state = make_state(kFolder, states.at(entry["state"].get<std::string>()),
                                   *find_kernel_version(GetParam()), Arch::x86_64);
    const auto file = open_file(kFolder + entry["file"].get<std::string>());
    ASSERT_TRUE(file);
    EXPECT_EQ(compute_digest(Hash::sha256, **file, 0, (*file)->size())->hex(),
              entry["sha256"].get<std::string>());
    const auto evidence = collect_pe(**file);
    ASSERT_TRUE(evidence);
    const Asked asked = ask(state.platform.kernel, [&](Walk& walk) {
      TrustedBy by;
      return kexec_kernel_verify_pe_sig(walk, *evidence, state.platform, by);
    });
    EXPECT_EQ(asked.answer, entry["expect"].at(GetParam()).get<std::string>())
        << asked.deciding_rule;
    const Json& rule = rules.contains(name) ? rules[name] : Json("not in deciding_rules.json");
    EXPECT_EQ(asked.deciding_rule,
              (rule.is_string() ? rule : rule.at(GetParam())).get<std::string>());
    ++checked;
  }
  EXPECT_EQ(checked, 171);
}

INSTANTIATE_TEST_SUITE_P(Anchors, PeCases, testing::Values("6.1", "6.12", "7.2"),
                         [](const auto& anchor) {
                           std::string name = std::string("v") + anchor.param;
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace assay
