// The corpus of tests/cases/appended: what booted and compiled kernels said of signatures and
// certificates made by other tools, for each anchor, with the rule that decides.

#include <gtest/gtest.h>

#include "judge/s390_sig.h"
#include "tests/cases/case_state.h"

namespace assay {
namespace {

using namespace test;

const std::string kFolder = "tests/cases/appended/";

class AppendedCases : public testing::TestWithParam<const char*> {
 protected:
  KernelVersion version() const { return *find_kernel_version(GetParam()); }

  Asked check_signature(const Json& entry, const State& state, const AppendedEvidence& evidence) {
    const std::string kind = entry["kind"];
    const std::string usage = entry.value("usage", "module");
    return ask(state.platform.kernel, [&](Walk& walk) -> Outcome {
      TrustedBy by;
      if (kind == "kexec-s390") return s390_verify_sig(walk, evidence, state.platform, by);
      if (kind == "ima-modsig") {
        const SignatureKeyrings keyrings{state.ima.get(), false, state.platform.revoked.get()};
        return verify_pkcs7_attached(walk, *evidence.signature, state.platform.signatures, keyrings,
                                     Usage::module, by);
      }
      if (usage == "module")
        return check_appended(walk, evidence, state.request, state.platform, by);
      const SignatureKeyrings keyrings{state.platform.ring(Ring::secondary_trusted_keys).get(),
                                       false, state.platform.revoked.get()};
      return verify_pkcs7_signature(walk, *evidence.signature, state.platform.signatures, keyrings,
                                    usage == "firmware" ? Usage::firmware : Usage::unspecified, by);
    });
  }

  // module_sig_check with this enforcement: "0", "0E" or an errno.
  static std::string load(State& state, const AppendedEvidence& evidence,
                          const std::string& column) {
    state.platform.state.sig_enforce = column == "enforce";
    state.platform.state.lockdown = column == "lockdown" ? Lockdown::integrity : Lockdown::none;
    const Verdict verdict = conclude(state.platform.kernel, false, [&](Walk& walk) {
      return module_sig_check(walk, evidence, state.request, state.platform);
    });
    switch (verdict.decision) {
      case Decision::allowed: return "0";
      case Decision::allowed_tainted: return "0E";
      case Decision::undetermined: return "open: " + verdict.open.front();
      default: return std::string(errno_name(verdict.err));
    }
  }
};

TEST_P(AppendedCases, EveryCaseIsAsTheKernelHasIt) {
  const Json cases = load_json(kFolder + "cases.json");
  const Json states = load_json(kFolder + "states.json");
  const Json rules = load_json(kFolder + "deciding_rules.json");
  int checked = 0;
  for (const Json& entry : cases) {
    const std::string name = entry["name"];
    SCOPED_TRACE(name + ": " + entry["description"].get<std::string>());
    const Json& expected = entry["expect"][GetParam()];
    const bool is_s390 = entry["kind"] == "kexec-s390";
    State state = make_state(kFolder, states[entry["state"].get<std::string>()], version(),
                             is_s390 ? Arch::s390x : Arch::x86_64);
    Asked asked;
    if (entry["kind"] == "add-key") {
      const std::string ring_name = entry["ring"];
      const Restriction restriction = ring_name == ".ima" ? Restriction::digsig
                                      : ring_name == ".secondary_trusted_keys"
                                          ? Restriction::signed_
                                          : Restriction::none;
      const auto offered = certificate(kFolder + entry["certificate"].get<std::string>());
      asked = ask(state.platform.kernel, [&](Walk& walk) {
        CertificateState kept;
        return check_add_key(walk, *offered, state.platform.signatures, restriction,
                             state.platform.ring(Ring::secondary_trusted_keys).get(), kept);
      });
      EXPECT_EQ(asked.answer, expected["add_key"].get<std::string>()) << asked.deciding_rule;
    } else {
      const auto file = open_file(kFolder + entry["file"].get<std::string>());
      ASSERT_TRUE(file);
      EXPECT_EQ(compute_digest(Hash::sha256, **file, 0, (*file)->size())->hex(),
                entry["sha256"].get<std::string>());
      const auto evidence = collect_appended(**file, {.file_sha256 = true});
      ASSERT_TRUE(evidence);
      asked = check_signature(entry, state, *evidence);
      EXPECT_EQ(asked.answer, expected["verify"].get<std::string>()) << asked.deciding_rule;
      const Json loads = expected.value("load", Json::object());
      for (const auto& [column, errno_text] : loads.items()) {
        EXPECT_EQ(load(state, *evidence, column), errno_text.get<std::string>()) << column;
      }
    }
    const Json& rule = rules.at(name);
    EXPECT_EQ(asked.deciding_rule,
              (rule.is_string() ? rule : rule.at(GetParam())).get<std::string>());
    ++checked;
  }
  EXPECT_EQ(checked, 582);
}

INSTANTIATE_TEST_SUITE_P(Anchors, AppendedCases, testing::Values("6.1", "6.12", "7.2"),
                         [](const auto& anchor) {
                           std::string name = std::string("v") + anchor.param;
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace assay
