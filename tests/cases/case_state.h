// tests/cases/case_state.h - the platform states that the corpora of tests/cases name, and how a
// case is asked.

#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "judge/module_sig.h"
#include "signatures/explore.h"
#include "trust/add_key.h"
#include "trust/certificate_file.h"

namespace assay::test {

using Json = nlohmann::ordered_json;

inline Json load_json(const std::string& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

inline std::shared_ptr<const PreparedCertificate> certificate(const std::string& path) {
  auto loaded = load_certificates(path, [](const Error&) {});
  if (loaded && loaded->size() == 1) return loaded->front();
  // Some are damaged beyond what load_certificates takes; the kernel is asked all the same.
  std::ifstream file(path, std::ios::binary);
  return PreparedCertificate::own({std::istreambuf_iterator<char>(file), {}});
}

inline std::shared_ptr<Keyring> ring(const std::string& folder, const std::string& name,
                                     const Json& files, const Json& states,
                                     const Platform& platform, bool builtin) {
  auto made = std::make_shared<Keyring>(name);
  for (const std::string file : files) {
    auto owned = certificate(folder + file);
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

// `folder` is that of the corpus, with a slash.
inline State make_state(const std::string& folder, const Json& json, KernelVersion version,
                        Arch arch) {
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
      ring(folder, ".builtin_trusted_keys", rings["builtin_trusted_keys"], states, platform, true);
  auto secondary = ring(folder, ".secondary_trusted_keys", rings["secondary_trusted_keys"], states,
                        platform, false);
  secondary->link(builtin);
  state.owned = {builtin, secondary};
  platform.ring(Ring::secondary_trusted_keys) = secondary;
  platform.ring(Ring::platform) =
      ring(folder, ".platform", rings["platform"], states, platform, false);
  state.ima = ring(folder, ".ima", rings["ima"], states, platform, false);
  if (platform.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST") == Truth::yes)
    platform.revoked =
        ring(folder, ".blacklist", json["revoked_certificates"], states, platform, false);
  if (json.contains("ipl_secure")) platform.state.ipl_secure = json["ipl_secure"].get<bool>();
  const int flags = json["flags"];
  state.request = {(flags & 1) != 0, (flags & 2) != 0};
  return state;
}

struct Asked {
  std::string answer;         // "ok", an errno, "crash"
  std::string deciding_rule;  // empty where the answer is ok
};

inline Asked describe(const Outcome& outcome, const Walk& walk,
                      const std::vector<std::string>& open) {
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

}  // namespace assay::test
