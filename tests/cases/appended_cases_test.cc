// The corpus of tests/cases/appended: what booted and compiled kernels said of signatures and
// certificates made by other tools, for each anchor, with the rule that decides.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "judge/module_sig.h"
#include "judge/s390_sig.h"
#include "trust/add_key.h"
#include "trust/certificate_file.h"

namespace assay {
namespace {

using Json = nlohmann::ordered_json;

const std::string kFolder = "tests/cases/appended/";

Json load_json(const std::string& name) {
  std::ifstream file(kFolder + name);
  return Json::parse(file);
}

std::shared_ptr<const PreparedCertificate> certificate(const std::string& name) {
  auto loaded = load_certificates(kFolder + name);
  if (loaded && loaded->size() == 1) return loaded->front();
  // Some are damaged beyond what load_certificates takes; the kernel is asked all the same.
  std::ifstream file(kFolder + name, std::ios::binary);
  return PreparedCertificate::own({std::istreambuf_iterator<char>(file), {}});
}

std::shared_ptr<Keyring> ring(const std::string& name, const Json& files, const Json& states,
                              const Platform& platform, bool builtin) {
  auto made = std::make_shared<Keyring>(name);
  for (const std::string file : files) {
    auto owned = certificate(file);
    Walk walk(platform.kernel, {}, false);
    CertificateState state;
    if (check_add_key(walk, *owned, platform.signatures, Restriction::none, nullptr, state)
            .failed())
      continue;
    KeyState usable = KeyState::good;
    if (states.contains(file))
      usable = states[file] == "expired" ? KeyState::expired : KeyState::revoked;
    made->add({owned, state, usable, builtin, file});
  }
  return made;
}

struct State {
  Platform platform;
  std::vector<std::shared_ptr<Keyring>> owned;
  std::shared_ptr<Keyring> ima;
  ModuleRequest request;
};

State make_state(const Json& json, KernelVersion version, Arch arch) {
  State state;
  Platform& platform = state.platform;
  platform.kernel = {version, *find_variant(json["variant"].get<std::string>()), arch};
  for (const auto& [name, value] : json["config"].items()) platform.config.set(name, value);
  platform.signatures.crypto = crypto_of(platform.config, Truth::no);
  platform.signatures.waive_mldsa_attributes =
      platform.config.is_on("CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA");
  for (const std::string entry : json["blacklist_hashes"]) platform.signatures.blocklist.add(entry);
  const Json& rings = json["rings"];
  const Json& states = json["key_states"];
  auto builtin =
      ring(".builtin_trusted_keys", rings["builtin_trusted_keys"], states, platform, true);
  auto secondary =
      ring(".secondary_trusted_keys", rings["secondary_trusted_keys"], states, platform, false);
  secondary->link(builtin.get());
  state.owned = {builtin, secondary};
  platform.secondary_trusted_keys = secondary;
  platform.platform_keys = ring(".platform", rings["platform"], states, platform, false);
  state.ima = ring(".ima", rings["ima"], states, platform, false);
  if (platform.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST") == Truth::yes)
    platform.revoked = ring(".blacklist", json["revoked_certificates"], states, platform, false);
  if (json.contains("ipl_secure")) platform.state.ipl_secure = json["ipl_secure"].get<bool>();
  const int flags = json["flags"];
  state.request = {(flags & 1) != 0, (flags & 2) != 0};
  return state;
}

struct Asked {
  std::string answer;         // "ok", an errno, "crash"
  std::string deciding_rule;  // empty where the answer is ok
};

Asked describe(const Outcome& outcome, const Walk& walk, const std::vector<std::string>& open) {
  if (!open.empty()) return {"open: " + open.front(), ""};
  if (!outcome.failed()) return {"ok", ""};
  const std::string rule =
      outcome.step < 0 ? ""
                       : std::string(walk.steps()[static_cast<std::size_t>(outcome.step)].rule->id);
  return {outcome.crash ? "crash" : std::string(errno_name(outcome.err)), rule};
}

template <class Run>
Asked ask(const KernelId& kernel, Run run) {
  auto explored =
      explore(kernel, true, run, [](const Outcome& a, const Outcome& b) { return a == b; });
  return describe(explored.first, explored.walk, explored.open);
}

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
      const SignatureKeyrings keyrings{state.platform.secondary_trusted_keys.get(), false,
                                       state.platform.revoked.get()};
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
  const Json cases = load_json("cases.json");
  const Json states = load_json("states.json");
  const Json rules = load_json("deciding_rules.json");
  int checked = 0;
  for (const Json& entry : cases) {
    const std::string name = entry["name"];
    SCOPED_TRACE(name + ": " + entry["description"].get<std::string>());
    const Json& expected = entry["expect"][GetParam()];
    const bool is_s390 = entry["kind"] == "kexec-s390";
    State state = make_state(states[entry["state"].get<std::string>()], version(),
                             is_s390 ? Arch::s390x : Arch::x86_64);
    Asked asked;
    if (entry["kind"] == "add-key") {
      const std::string ring_name = entry["ring"];
      const Restriction restriction = ring_name == ".ima" ? Restriction::digsig
                                      : ring_name == ".secondary_trusted_keys"
                                          ? Restriction::signed_
                                          : Restriction::none;
      const auto offered = certificate(entry["certificate"]);
      asked = ask(state.platform.kernel, [&](Walk& walk) {
        CertificateState kept;
        return check_add_key(walk, *offered, state.platform.signatures, restriction,
                             state.platform.secondary_trusted_keys.get(), kept);
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
