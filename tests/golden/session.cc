#include "tests/golden/session.h"

#include <fmt/format.h>

#include "ima/policy_show.h"

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
  if (verdict.deciding == nullptr) return done;
  done.deciding_rule = verdict.deciding->id;
  for (const Step* cause : causes_of(verdict.steps, verdict.deciding_step))
    if (cause->rule != verdict.deciding) done.causing_rules.emplace_back(cause->rule->id);
  return done;
}

Performed not_replayed(std::string why) {
  Performed done;
  done.not_replayed = std::move(why);
  return done;
}

std::string artifact_of(const Json& op) {
  const auto found = op.find("artifact");
  return found != op.end() && found->is_string() ? found->get<std::string>() : std::string();
}

constexpr const char* kPolicyFile = "/sys/kernel/security/ima/policy";

}  // namespace

Session::Session(Platform platform, const Artifacts& artifacts)
    : platform_(std::move(platform)), artifacts_(artifacts), setup_(ima_setup(platform_)) {
  Walk walk(platform_.kernel, {}, false);
  ima_.emplace(walk, setup_);
  for (const Choice& choice : walk.choices()) open_at_boot_.push_back(choice.key);
  list_ = MeasurementList(platform_.config.is_on("CONFIG_IMA_DISABLE_HTABLE") == Truth::yes);
  boot();
}

void Session::boot() {
  const HashAlgo& algo = ima_->hash();
  ImaMeasured aggregate;
  aggregate.name = "boot_aggregate";
  aggregate.digest.algo = &algo;
  // Without TPM its registers are zeros.
  if (algo.hash && platform_.state.tpm == false)
    aggregate.digest.value = Digest(*algo.hash, std::vector<std::uint8_t>(algo.size));
  Walk walk(platform_.kernel, {}, false);
  if (const auto entry =
          make_ima_entry(aggregate, ima_->default_template(), ima_default_pcr(platform_.config),
                         algo, ima_list_is_big_endian(walk, *ima_)))
    list_.add(*entry);
  std::ignore = run([&](Access& access, bool) -> Part {
    ImaEvent event;
    event.hook = ImaHook::critical_data;
    event.data = "kernel_info";
    const std::string release =
        platform_.release.empty() ? to_string(platform_.kernel.version) : platform_.release;
    access.door().measure(access.walk(), std::move(event), {}, "kernel_version",
                          assay::bytes_of(release));
    run_first_process(access);
    return {{Decision::allowed, {}}, {}};
  });
}

ImaKeyrings Session::rings() const {
  ImaKeyrings rings = ima_keyrings(platform_);
  if (platform_.config.is_on("CONFIG_INTEGRITY_TRUSTED_KEYRING") == Truth::yes) return rings;
  // Made by user space, or not there.
  const auto user_ring = [&](const char* name, std::string_view key) {
    const auto found = user_rings_.find(name);
    return KnownRing{found == user_rings_.end() ? nullptr : found->second.get(),
                     found == user_rings_.end(), key};
  };
  rings.ima = user_ring("_ima", "keyrings.ima");
  rings.evm = user_ring("_evm", "keyrings.evm");
  return rings;
}

Performed Session::run(const std::function<Part(Access&, bool is_first)>& act) {
  bool first = true;
  GuestFiles changes;
  std::vector<std::string> causes;
  std::string stage;
  const ImaKeyrings keyrings = rings();
  const ImaKernel kernel{*ima_, platform_.config, platform_.signatures, keyrings, evm_};
  const Verdict verdict = conclude(platform_.kernel, true, [&](Walk& walk) {
    Access access(walk, platform_, kernel, files_, artifacts_);
    const Part part = act(access, first);
    if (first) {
      causes = access.causes();
      for (const ImaEntry& entry : access.door().entries()) list_.add(entry);
      stage = part.stage;
      changes = std::move(access).take_changes();
      first = false;
    }
    return part.ending;
  });
  Performed done = performed(verdict);
  if (!stage.empty()) done.result["stage"] = stage;
  if (!causes.empty()) done.result["ima_cause"] = causes;
  if (ima_->classes().any()) std::ranges::copy(open_at_boot_, std::back_inserter(done.open));
  for (auto& [path, file] : changes) files_.insert_or_assign(path, std::move(file));
  return done;
}

bool Session::refuses_open(Access& access, GuestFile& file, std::uint32_t mask, Part& part,
                           std::string stage) {
  const Outcome bad = access.open(file, mask);
  if (!bad.failed()) return false;
  part = {{Decision::refused, bad}, std::move(stage)};
  return true;
}

Performed Session::perform(const Json& op) {
  const std::string name = op.at("name");
  if (name == "finit") return load(op, false);
  if (name == "init") return load(op, true);
  if (name == "kexecf") return kexec_file(op);
  if (name == "kexecl") return kexec_old();
  if (name == "addkey") return add(op);
  if (name == "cat") return read_pseudo_file(op);
  if (name.starts_with("policy-")) return policy(op);
  if (name == "read") return read(op);
  if (name == "exec") return execute(op);
  if (name == "mmapx") return map(op);
  if (name == "append") return append(op);
  if (name == "copy") return copy(op);
  if (name == "setx") return set_xattr(op);
  if (name == "rmx") return remove_xattr(op);
  if (name == "getx") return get_xattr(op);
  if (name == "write") return write(op);
  return not_replayed("operation " + name);
}

Performed Session::load(const Json& op, bool from_memory) {
  const Artifact& artifact = artifacts_.at(op.at("artifact"));
  const LoadRequest request{from_memory, op.value("flags", 0U)};
  std::string taint;
  Performed done = run([&](Access& access, bool first) -> Part {
    Part part;
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    if (refuses_open(access, file, kMayRead, part, from_memory ? "read" : "open")) return part;
    const ImaEvidence evidence = ima_evidence_in_memory(*file.evidence, artifact.module->appended);
    std::optional<ImaEvidence> inside;
    if (artifact.module->decompressed)
      inside = ima_evidence_in_memory(*file.evidence, artifact.module->decompressed->appended);
    const ImaForModule ima{access.door(), {evidence, file.inode}, inside ? &*inside : nullptr};
    std::string letters;
    part.ending = load_module(access.walk(), *artifact.module, request, platform_, letters, &ima);
    access.note({&file, &file});
    if (first) taint = letters;
    return part;
  });
  if (!from_memory && done.result["errno"] == "0") done.result["taint"] = taint;
  return done;
}

Performed Session::kexec_file(const Json& op) {
  const Artifact& artifact = artifacts_.at(op.at("artifact"));
  const KexecRequest request{op.value("flags", 0U), op.value("cmdline", std::string())};
  std::optional<Outcome> signature;
  Performed done = run([&](Access& access, bool first) -> Part {
    Part part;
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    if (refuses_open(access, file, kMayRead, part)) return part;
    std::optional<Outcome> signature_here;
    const ImaEvidence evidence = ima_evidence_in_memory(*file.evidence, artifact.kexec->appended);
    const ImaSubjectFile image{evidence, file.inode};
    ImaForKexec ima;
    ima.door = &access.door();
    ima.image = &image;
    std::vector<GuestFile*> files{&file};
    std::optional<ImaSubjectFile> initrd;
    if (op.contains("initrd") && op["initrd"].is_object()) {
      files.push_back(&access.file(op["initrd"].at("path"), artifact_of(op["initrd"])));
      std::ignore = access.open(*files.back(), kMayRead);
      initrd.emplace(*files.back()->evidence, files.back()->inode);
      ima.initrd = &*initrd;
    }
    part.ending =
        kexec_file_load(access.walk(), *artifact.kexec, request, platform_, ima, signature_here);
    access.note(files);
    if (first) signature = signature_here;
    return part;
  });
  if (signature && !signature->crash) done.result["signature_errno"] = errno_name(signature->err);
  return done;
}

Performed Session::kexec_old() {
  return run([&](Access& access, bool) -> Part {
    ImaForKexec ima;
    ima.door = &access.door();
    return {kexec_load(access.walk(), platform_, ima), {}};
  });
}

Performed Session::add(const Json& op) {
  const std::string keyring = op.at("keyring");
  AddKeyRequest request;
  request.type = op.at("type");
  if (op.contains("description") && op["description"].is_string())
    request.description = op["description"];
  if (request.type == "keyring") {
    user_rings_.emplace(request.description, std::make_shared<Keyring>(request.description));
    Performed done;
    done.result = {{"errno", "0"}};
    return done;
  }
  bool is_there = true;
  if (keyring == ".blacklist") {
    request.target.is_blacklist = true;
  } else if (!user_rings_.contains(keyring)) {
    for (std::size_t i = 0; i < kRingCount; ++i)
      if (ring_name(static_cast<Ring>(i)) == keyring) request.target.ring = static_cast<Ring>(i);
    is_there = request.target.ring && !platform_.has_no(*request.target.ring);
  }
  std::vector<std::uint8_t> payload;
  if (!artifact_of(op).empty()) payload = artifacts_.at(artifact_of(op)).bytes;
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
  bool allowed = false;
  Performed done = run([&](Access& access, bool first) -> Part {
    Part part;
    if (op["path"].is_string()) {
      GuestFile& file = access.file(op["path"], artifact_of(op));
      if (refuses_open(access, file, kMayRead, part, "read")) return part;
    }
    if (!is_there) return {{Decision::refused, {Errno::enoent, -1}}, "no such keyring"};
    CertificateState state_here;
    part.ending = add_key(access.walk(), request, platform_, state_here);
    if (first) {
      state = state_here;
      allowed = part.ending.decision == Decision::allowed;
    }
    return part;
  });
  if (allowed && done.open.empty()) keep(request, state, keyring);
  if (allowed && request.type == "asymmetric") measure_key(keyring, payload);
  return done;
}

void Session::measure_key(const std::string& keyring, const std::vector<std::uint8_t>& payload) {
  const bool waits = platform_.config.is_on("CONFIG_IMA_QUEUE_EARLY_BOOT_KEYS") == Truth::yes &&
                     !ima_->has_custom_policy();
  if (waits) {
    waiting_keys_.emplace_back(keyring, payload);
    return;
  }
  std::ignore = run([&](Access& access, bool) -> Part {
    ImaEvent event;
    event.hook = ImaHook::key_check;
    event.data = keyring;
    access.door().measure(access.walk(), std::move(event), {}, keyring, payload);
    return {{Decision::allowed, {}}, {}};
  });
}

void Session::keep(const AddKeyRequest& request, const CertificateState& state,
                   const std::string& name) {
  if (request.type == "blacklist" && request.target.is_blacklist)
    platform_.signatures.blocklist.add(request.description);
  if (request.type != "asymmetric" || request.target.is_blacklist) return;
  const Key key{request.certificate, state, KeyState::good, false, "add_key"};
  if (!request.target.ring) {
    user_rings_.at(name)->add(key);
    return;
  }
  auto& ring = platform_.ring(*request.target.ring);
  auto changed = ring ? std::make_shared<Keyring>(*ring) : std::make_shared<Keyring>(name);
  changed->add(key);
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
  if (path.find("/runtime_measurements_count") != path.npos) {
    done.result = {{"content", fmt::format("{}\n", list_.size())}};
    return done;
  }
  for (const bool ascii : {true, false}) {
    const std::string kind = ascii ? "/ascii" : "/binary";
    const std::string start = "/sys/kernel/security/ima" + kind + "_runtime_measurements";
    if (path != start && path != start + "_sha1") continue;
    const auto content = ascii ? list_.ascii() : list_.binary();
    if (!content) return not_replayed("a list with something that is not known");
    done.result = {{"content", *content}};
    return done;
  }
  if (path == kPolicyFile && platform_.config.is_on("CONFIG_IMA_READ_POLICY") == Truth::yes) {
    std::string text;
    Walk walk(platform_.kernel, {}, false);
    for (const PolicyRule& each : ima_->rules())
      if (const std::string line = show_ima_rule(walk, each.rule); !line.empty())
        text += line + "\n";
    done.result = {{"content", text}};
    return done;
  }
  return not_replayed("content of " + path);
}

// Each of the rules its own write(2), or the path of a file.
Performed Session::policy(const Json& op) {
  const bool is_path = op.at("name") == "policy-path";
  std::vector<std::string> writes;
  if (is_path) {
    writes.push_back(op.at("path"));
  } else if (op.contains("rules")) {
    for (const Json& each : op["rules"]) writes.push_back(each.get<std::string>() + "\n");
  } else {
    writes.push_back(op.at("rule").get<std::string>() + "\n");
  }
  std::optional<ImaState> after;
  std::vector<std::string> causes;
  unsigned line = 0;
  Performed done = run([&](Access& access, bool first) -> Part {
    Part part;
    ImaState state = *ima_;
    ImaPolicySession session(access.walk(), state, setup_);
    if (const Outcome bad = session.open(); bad.failed()) return {{Decision::refused, bad}, "open"};
    if (refuses_open(access, access.file(kPolicyFile), kMayWrite, part)) session.fail();
    unsigned number = 0;
    for (const std::string& text : writes) {
      if (part.ending.outcome.failed()) break;
      ++number;
      const Outcome bad =
          text.starts_with('/') ? load_policy(access, session, op) : session.write(text);
      part.ending = {bad.failed() ? Decision::refused : Decision::allowed, bad};
      if (bad.failed()) part.stage = "write";
    }
    session.close();
    if (!first) return part;
    causes = session.causes();
    line = part.stage == "write" ? number : 0;
    after = std::move(state);
    return part;
  });
  Json words = Json::array();
  for (const std::string& cause : causes) words.push_back(cause.substr(0, cause.find(' ')));
  if (!causes.empty()) done.result["policy_cause"] = words;
  if (line != 0) done.result["line"] = line;
  if (after && done.open.empty()) ima_ = std::move(after);
  if (ima_->has_custom_policy())
    for (const auto& [keyring, payload] : std::exchange(waiting_keys_, {}))
      measure_key(keyring, payload);
  return done;
}

// kernel_read_file_from_path, then the rules in the file.
Outcome Session::load_policy(Access& access, ImaPolicySession& session, const Json& op) {
  const auto fail = [&](const Outcome& bad) {
    session.fail();
    return bad;
  };
  const std::string artifact = artifact_of(op);
  if (!access.exists(op.at("path"), artifact)) return fail({Errno::enoent, -1});
  GuestFile& file = access.file(op.at("path"), artifact);
  if (const Outcome bad = access.open(file, kMayRead); bad.failed()) return fail(bad);
  const std::vector<std::uint8_t>& bytes = file.content();
  if (bytes.empty()) return fail({Errno::einval, -1});
  const AppendedEvidence* appended =
      file.artifact != nullptr && file.artifact->appended ? &*file.artifact->appended : nullptr;
  if (const Outcome bad = access.read(file, ImaHook::policy_check, appended); bad.failed())
    return fail(bad);
  return session.load(View(bytes).text());
}

Performed Session::write(const Json& op) {
  // EVM_INIT_X509: from now on signatures in security.evm are verified.
  if (op.at("path") != "/sys/kernel/security/evm" || op.at("data") != "2")
    return not_replayed("writing to " + op.at("path").get<std::string>());
  Performed done = run([&](Access& access, bool) -> Part {
    Part part{{Decision::allowed, {}}, {}};
    refuses_open(access, access.file(op.at("path")), kMayWrite, part);
    return part;
  });
  if (done.result["errno"] == "0") evm_.has_public_key = Truth::yes;
  return done;
}

}  // namespace assay::golden
