#include "survey/request_walk.h"

#include <fmt/format.h>

#include "ima/rules.h"
#include "judge/rules.h"

namespace assay {

namespace {

ImaSubject subject_of(const Platform& platform, const FileFacts& facts) {
  ImaSubject subject = ima_subject(platform);
  if (facts.uid) subject.uid = subject.euid = subject.suid = facts.uid;
  return subject;
}

std::string_view audit_operation(std::string_view cause) {
  if (cause == "mmapped_writers") return "mmap_file";
  for (const std::string_view start :
       {"failed", "no-verity", "invalid-verity-digest", "denied-hash"})
    if (cause.starts_with(start)) return "collect_data";
  return "appraise_data";
}

// By the state, which is made first: it may lie in `room`. How boot comes to its rules is no part
// of what a request meets, so that is walked apart; its questions are those of the walk.
const ImaState& state_of(const PlatformIma& ima, Walk& walk, std::optional<ImaState>& room) {
  Walk apart(walk.kernel(), walk.choices(), false);
  const ImaState& state = ima.state(apart, room);
  for (const Choice& choice : apart.choices()) walk.settle(Truth::unknown, choice.key);
  return state;
}

// Is there a rule that appraises and could hit this request? One for another hook cannot.
bool may_appraise(const ImaState& state, Request request) {
  const auto may_hit = [request](ImaHook hook) {
    if (hook == ImaHook::none || hook == ImaHook::file_check) return true;
    if (request == Request::module) return hook == ImaHook::module_check;
    return request != Request::kexec || hook == ImaHook::kexec_kernel_check;
  };
  return std::ranges::any_of(state.rules(), [&](const PolicyRule& one) {
    return one.rule.action == ImaAction::appraise && may_hit(one.rule.func);
  });
}

}  // namespace

RequestWalk::RequestWalk(Walk& walk, const JudgeRequest& request, const RequestEvidence& evidence,
                         const PlatformIma& ima)
    : walk_(walk),
      request_(request),
      evidence_(evidence),
      ima_(ima),
      platform_(ima.platform()),
      kernel_{state_of(ima, walk, room_), platform_.config, platform_.signatures, ima.rings(),
              evm_state(platform_)},
      door_(kernel_, subject_of(platform_, request.facts)) {
  if (request.facts.evm_key && platform_.config.is_on("CONFIG_EVM") != Truth::no) {
    kernel_.evm.has_hmac_key = Truth::yes;
    kernel_.evm.hmac_key = request.facts.evm_key;
  }
}

// A policy that the platform does not name may ask for what this file has not; and so may rules in
// force where it is not known how IMA would see the file.
Outcome RequestWalk::ask_of_other_rules() {
  if (ima_.is_whole() == Truth::unknown)
    return walk_.check(rules::ima::not_enforced, Truth::unknown, "ima.policy",
                       [] { return std::string("a policy that the platform does not name"); });
  if (is_asked() || !may_appraise(kernel_.state, request_.request)) return {};
  return walk_.check(rules::ima::not_enforced, Truth::unknown,
                     platform_.cmdline ? "artifact: security.ima" : "kernel.cmdline", [] {
                       return std::string("rules that ima_policy= on the command line names");
                     });
}

Ending RequestWalk::go() {
  if (const Outcome bad = ask_of_other_rules(); bad.failed()) return {Decision::refused, bad};
  const bool names_no_file = request_.syscall == "kexec_load";
  if (!names_no_file) {
    const std::uint32_t mask = request_.request == Request::exec ? kMayExec
                               : request_.request == Request::read
                                   ? request_.facts.mask.value_or(kMayRead)
                                   : kMayRead;
    if (const Outcome bad = ask(ImaHook::file_check, mask); bad.failed())
      return {Decision::refused, bad};
  }
  if (request_.request == Request::module) return load_module();
  if (request_.request == Request::kexec) return load_kernel();
  return ask_ima_alone();
}

Outcome RequestWalk::ask(ImaHook hook, std::uint32_t mask) {
  if (!is_asked()) return {};
  ImaEvent event;
  event.hook = hook;
  event.mask = mask;
  return door_.ask(walk_, std::move(event), *evidence_.on_disk, inode_);
}

Ending RequestWalk::load_module() {
  if (!is_asked())
    return assay::load_module(walk_, *evidence_.module, evidence_.load, platform_, taint_);
  const ImaForModule ima{door_,
                         {*evidence_.in_memory, inode_},
                         evidence_.decompressed ? &*evidence_.decompressed : nullptr};
  return assay::load_module(walk_, *evidence_.module, evidence_.load, platform_, taint_, &ima);
}

Ending RequestWalk::load_kernel() {
  ImaForKexec ima;
  ima.door = &door_;
  if (request_.syscall == "kexec_load") return kexec_load(walk_, platform_, ima);
  std::optional<ImaSubjectFile> image;
  if (is_asked()) image.emplace(*evidence_.in_memory, inode_);
  ima.image = image ? &*image : nullptr;
  return kexec_file_load(walk_, *evidence_.kexec, {request_.flags, request_.kexec_cmdline},
                         platform_, ima, signature_);
}

Ending RequestWalk::ask_ima_alone() {
  Outcome bad;
  switch (request_.request) {
    case Request::exec: bad = execute(); break;
    case Request::mmap: bad = map(); break;
    case Request::policy: bad = load_policy(); break;
    case Request::firmware:
    case Request::kexec_initramfs:
      bad =
          read_into_memory(request_.request == Request::firmware ? ImaHook::firmware_check
                                                                 : ImaHook::kexec_initramfs_check);
      break;
    default: break;
  }
  if (bad.failed()) return {Decision::refused, bad};
  for (const ImaVerdict& verdict : door_.verdicts())
    if (verdict.internal.failed())
      return {Decision::allowed_unverified, {Errno::none, verdict.internal.step}};
  return {Decision::allowed, {}};
}

// execve: the interpreter of a script is a file of its own.
Outcome RequestWalk::execute() {
  if (const Outcome bad = ask(ImaHook::bprm_check, kMayExec); bad.failed()) return bad;
  if (const Outcome bad = ask(ImaHook::creds_check, kMayExec); bad.failed()) return bad;
  for (unsigned i = 0; i < evidence_.executable_segments; ++i)
    if (const Outcome bad = map(); bad.failed()) return bad;
  return {};
}

Outcome RequestWalk::map() {
  if (walk_.covers(Scope::since(kAnchor612)))
    if (const Outcome bad = ask(ImaHook::mmap_check_reqprot, kMayExec); bad.failed()) return bad;
  return ask(ImaHook::mmap_check, kMayExec);
}

Outcome RequestWalk::read_into_memory(ImaHook hook) {
  if (is_asked())
    return assay::read_into_memory(walk_, door_, hook, {*evidence_.in_memory, inode_});
  return walk_.check(rules::kernel_read::not_empty, evidence_.size != 0);
}

// The path of the file is written to ima/policy.
Outcome RequestWalk::load_policy() {
  const ImaSetup setup = ima_setup(platform_);
  ImaState state = kernel_.state;
  ImaPolicySession session(walk_, state, setup);
  if (const Outcome bad = session.open(); bad.failed()) return bad;
  if (const Outcome bad = read_into_memory(ImaHook::policy_check); bad.failed()) return bad;
  return session.load(evidence_.text);
}

void RequestWalk::report(RequestVerdict& judged) const {
  for (const ImaVerdict& verdict : door_.verdicts()) {
    for (const std::string& cause : verdict.causes)
      judged.audited.push_back(fmt::format("op={} cause={}", audit_operation(cause), cause));
  }
  const auto by_itself = [](const ImaVerdict& verdict) { return verdict.signs_own_content; };
  if (std::ranges::any_of(door_.verdicts(), by_itself))
    judged.notes.emplace_back(
        "the appended signature is over content that its message carries, not over the file: "
        "whatever "
        "the file is changed into, it stays good");
  for (const ImaEntry& entry : door_.entries()) judged.measured.push_back(entry.ascii());
}

}  // namespace assay
