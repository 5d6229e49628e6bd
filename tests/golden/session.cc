#include "tests/golden/session.h"

#include <fmt/format.h>

#include "judge/ima_door.h"

namespace assay::golden {

namespace {

Json errno_fields(const Verdict& verdict) {
  if (verdict.decision == Decision::crashes) return {{"crash", true}};
  return {{"errno", errno_name(verdict.err)}};
}

Performed performed(const Verdict& verdict) {
  Performed done;
  done.result = errno_fields(verdict);
  done.open = verdict.open;
  if (verdict.deciding != nullptr) done.deciding_rule = verdict.deciding->id;
  return done;
}

Performed not_replayed(std::string why) {
  Performed done;
  done.not_replayed = std::move(why);
  return done;
}

}  // namespace

// The rule of IMA on which the answer hinges; asking it is not this checker's yet.
std::optional<std::string> Session::ima_rule_for(std::string_view hook) const {
  if (policy_changed_) return "a policy loaded in this session";
  return find_appraisal_rule(platform_, hook);
}

Performed Session::perform(const Json& op) {
  const std::string name = op.at("name");
  if (name == "finit") return load(op, false);
  if (name == "init") return load(op, true);
  if (name == "kexecf") return kexec_file(op);
  if (name == "kexecl") return kexec_old();
  if (name == "addkey") return add(op);
  if (name == "cat") return read_pseudo_file(op);
  if (name.starts_with("policy")) policy_changed_ = true;
  return not_replayed("IMA: " + name);
}

Performed Session::load(const Json& op, bool from_memory) {
  if (const auto rule = ima_rule_for("MODULE_CHECK")) return not_replayed("IMA: " + *rule);
  const Artifact& artifact = artifacts_.at(op.at("artifact"));
  const LoadRequest request{from_memory, op.value("flags", 0U)};
  std::string taint;
  const Verdict verdict = conclude(platform_.kernel, true, [&](Walk& walk) {
    return load_module(walk, *artifact.module, request, platform_, taint);
  });
  Performed done = performed(verdict);
  if (!from_memory && verdict.err == Errno::none) done.result["taint"] = taint;
  return done;
}

Performed Session::kexec_file(const Json& op) {
  if (const auto rule = ima_rule_for("KEXEC_KERNEL_CHECK")) return not_replayed("IMA: " + *rule);
  const Artifact& artifact = artifacts_.at(op.at("artifact"));
  const KexecRequest request{op.value("flags", 0U)};
  std::optional<Outcome> signature;
  const Verdict verdict = conclude(platform_.kernel, true, [&](Walk& walk) {
    return kexec_file_load(walk, *artifact.kexec, request, platform_, {}, signature);
  });
  Performed done = performed(verdict);
  if (signature && !signature->crash) done.result["signature_errno"] = errno_name(signature->err);
  return done;
}

Performed Session::kexec_old() {
  if (const auto rule = ima_rule_for("KEXEC_KERNEL_CHECK")) return not_replayed("IMA: " + *rule);
  return performed(conclude(platform_.kernel, true,
                            [&](Walk& walk) { return kexec_load(walk, platform_, {}); }));
}

Performed Session::add(const Json& op) {
  const std::string keyring = op.at("keyring");
  AddKeyRequest request;
  request.type = op.at("type");
  if (op.contains("description") && op["description"].is_string())
    request.description = op["description"];
  if (request.type == "keyring") {
    user_rings_.insert(request.description);
    Performed done;
    done.result = {{"errno", "0"}};
    return done;
  }
  if (keyring == ".blacklist") {
    request.target.is_blacklist = true;
  } else if (!user_rings_.contains(keyring)) {
    for (std::size_t i = 0; i < kRingCount; ++i)
      if (ring_name(static_cast<Ring>(i)) == keyring) request.target.ring = static_cast<Ring>(i);
    if (!request.target.ring || platform_.has_no(*request.target.ring)) {
      Performed done;
      done.result = {{"errno", "ENOENT"}, {"stage", "no such keyring"}};
      return done;
    }
  }
  std::vector<std::uint8_t> payload;
  if (op.contains("artifact") && op["artifact"].is_string())
    payload = artifacts_.at(op["artifact"]).bytes;
  if (request.type == "blacklist") {
    request.signature.emplace(payload, 0);
    const std::vector<std::uint8_t> text(request.description.begin(), request.description.end());
    const MemoryContent description(text);
    if (auto digested = request.signature->digest_data(description, 0, text.size()); !digested)
      return not_replayed(describe(digested.error()));
  } else {
    request.certificate = PreparedCertificate::own(payload);
  }
  CertificateState state;
  const Verdict verdict = conclude(
      platform_.kernel, true, [&](Walk& walk) { return add_key(walk, request, platform_, state); });
  if (verdict.decision == Decision::allowed) keep(request, state);
  return performed(verdict);
}

void Session::keep(const AddKeyRequest& request, const CertificateState& state) {
  if (request.type == "blacklist" && request.target.is_blacklist)
    platform_.signatures.blocklist.add(request.description);
  if (request.type != "asymmetric" || !request.target.ring) return;
  auto& ring = platform_.ring(*request.target.ring);
  auto changed = ring ? std::make_shared<Keyring>(*ring)
                      : std::make_shared<Keyring>(std::string(ring_name(*request.target.ring)));
  changed->add({request.certificate, state, KeyState::good, false, "add_key"});
  ring = changed;
}

Performed Session::read_pseudo_file(const Json& op) {
  const std::string path = op.at("path");
  Performed done;
  if (path.ends_with("/lockdown")) {
    std::string text;
    for (const Lockdown level : {Lockdown::none, Lockdown::integrity, Lockdown::confidentiality}) {
      const bool current = platform_.state.lockdown == level;
      text += fmt::format(
          "{}{}", text.empty() ? "" : " ",
          current ? fmt::format("[{}]", lockdown_name(level)) : std::string(lockdown_name(level)));
    }
    done.result = {{"content", text + "\n"}};
    return done;
  }
  if (path.ends_with("/sig_enforce")) {
    done.result = {{"content", platform_.sig_enforce() == Truth::yes ? "Y\n" : "N\n"}};
    return done;
  }
  return not_replayed("content of " + path);
}

}  // namespace assay::golden
