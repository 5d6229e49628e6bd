// What a session does with files: reading, running, mapping, changing them.

#include "base/hex.h"

#include "tests/golden/session.h"

namespace assay::golden {

namespace {

std::string artifact_of(const Json& op) {
  const auto found = op.find("artifact");
  return found != op.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// wait(2): ended by _exit(127) where execve failed, by SIGSEGV where it failed too late for that.
constexpr int kNotRun = 127 << 8;
constexpr int kKilled = 11;

// What the kernel asks when something is mapped to be executed (ima_file_mmap).
Outcome map_to_execute(Access& access, GuestFile& file) {
  if (access.walk().covers(Scope::since(kAnchor612)))
    if (const Outcome bad = access.ask(file, ImaHook::mmap_check_reqprot, kMayExec); bad.failed())
      return bad;
  return access.ask(file, ImaHook::mmap_check, kMayExec);
}

}  // namespace

Performed Session::read(const Json& op) {
  std::uint64_t size = 0;
  Performed done = run([&](Access& access, bool) -> Part {
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    const Outcome bad = access.open(file, kMayRead);
    size = file.evidence->size;
    return {{bad.failed() ? Decision::refused : Decision::allowed, bad}, {}};
  });
  if (done.result["errno"] == "0") done.result["ret"] = size;
  return done;
}

// execve(2): do_open_execat, exec_binprm, load_script or load_elf_binary.
Performed Session::execute(const Json& op) {
  int status = 0;
  Performed done = run([&](Access& access, bool first) -> Part {
    int status_here = kNotRun;
    const Outcome bad = run_program(access, op, status_here);
    if (first) status = status_here;
    // Past the point of no return execve has no result.
    if (status_here == kKilled) return {{Decision::allowed, {Errno::none, bad.step}}, {}};
    return {{bad.failed() ? Decision::refused : Decision::allowed, bad}, {}};
  });
  done.result["status"] = status;
  return done;
}

Outcome Session::run_program(Access& access, const Json& op, int& status) {
  GuestFile* file = &access.file(op.at("path"), artifact_of(op));
  const bool once = access.walk().covers(Scope::since(kAnchor72));
  const bool is_script = op.contains("interpreter") && op["interpreter"].is_object();
  for (const bool last : {!is_script, true}) {
    if (const Outcome bad = access.ask(*file, ImaHook::file_check, kMayExec); bad.failed())
      return bad;
    if (const Outcome bad = access.ask(*file, ImaHook::bprm_check, kMayExec); bad.failed())
      return bad;
    // Until 6.12 asked of every program that execve comes to, since then of the last.
    if (!once || last)
      if (const Outcome bad = access.ask(*file, ImaHook::creds_check, kMayExec); bad.failed())
        return bad;
    if (last) break;
    const Json& interpreter = op["interpreter"];
    file = &access.file(interpreter.at("path"), artifact_of(interpreter));
  }
  for (unsigned i = 0; i < file->artifact->executable_segments; ++i)
    if (const Outcome bad = map_to_execute(access, *file); bad.failed()) {
      status = kKilled;
      return bad;
    }
  status = 0;
  return {};
}

void Session::run_first_process(Access& access) {
  const Subject& subject = platform_.subject;
  if (subject.artifact.empty()) return;
  GuestFile& file = access.file(subject.path, subject.artifact);
  for (const ImaHook hook : {ImaHook::file_check, ImaHook::bprm_check, ImaHook::creds_check})
    std::ignore = access.ask(file, hook, kMayExec);
  for (unsigned i = 0; i < file.artifact->executable_segments; ++i)
    std::ignore = map_to_execute(access, file);
}

Performed Session::map(const Json& op) {
  return run([&](Access& access, bool) -> Part {
    Part part;
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    if (refuses_open(access, file, kMayRead, part)) return part;
    const Outcome bad = map_to_execute(access, file);
    return {{bad.failed() ? Decision::refused : Decision::allowed, bad}, {}};
  });
}

Performed Session::append(const Json& op) {
  return run([&](Access& access, bool) -> Part {
    Part part{{Decision::allowed, {}}, {}};
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    const bool refused = refuses_open(access, file, kMayWrite | kMayAppend, part);
    if (!refused) {
      std::vector<std::uint8_t> bytes = file.content();
      const std::vector<std::uint8_t> more = bytes_of(op.at("data"));
      bytes.insert(bytes.end(), more.begin(), more.end());
      access.replace_bytes(file, std::move(bytes));
    }
    access.close_written(file, !refused);
    return part;
  });
}

Performed Session::copy(const Json& op) {
  return run([&](Access& access, bool) -> Part {
    GuestFile& from = access.file(op.at("path"), artifact_of(op));
    if (const Outcome bad = access.open(from, kMayRead); bad.failed())
      return {{Decision::refused, bad}, {}};
    const std::vector<std::uint8_t> bytes = from.content();
    GuestFile& to = access.create(op.at("to"));
    const Outcome bad = access.open(to, kMayWrite, true);
    if (!bad.failed()) access.replace_bytes(to, bytes);
    access.close_written(to, !bad.failed());
    return {{bad.failed() ? Decision::refused : Decision::allowed, bad}, {}};
  });
}

Performed Session::set_xattr(const Json& op) {
  const auto bytes = from_hex(op.at("value").get<std::string>());
  if (!bytes) return {.not_replayed = "a value that is not hexadecimal"};
  const std::string name = op.at("attribute");
  return run([&](Access& access, bool) -> Part {
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    const ImaXattr value = read_ima_xattr(View(*bytes));
    Outcome bad;
    std::string cause;
    if (name == kXattrIma)
      bad = ima_set_xattr(access.walk(), access.door().kernel(), value, Truth::yes, cause);
    if (!cause.empty()) access.add_cause(cause);
    if (name == kXattrEvm) bad = evm_set_xattr(access.walk(), access.door().kernel(), value);
    if (bad.failed()) return {{Decision::refused, bad}, {}};
    access.replace_xattr(file, name, *bytes);
    const bool is_signature = name == kXattrIma ? value.is(ImaXattrType::signature)
                                                : value.is(ImaXattrType::portable_signature);
    access.reset_appraisal(file, is_signature);
    return {{Decision::allowed, {}}, {}};
  });
}

Performed Session::remove_xattr(const Json& op) {
  const std::string name = op.at("attribute");
  return run([&](Access& access, bool) -> Part {
    GuestFile& file = access.file(op.at("path"), artifact_of(op));
    access.reset_appraisal(file, name == kXattrIma ? std::optional(false) : std::nullopt);
    if (!file.evidence->xattrs->contains(name))
      return {{Decision::refused, {Errno::enodata, -1}}, {}};
    access.replace_xattr(file, name, std::nullopt);
    return {{Decision::allowed, {}}, {}};
  });
}

Performed Session::get_xattr(const Json& op) {
  std::optional<std::string> value;
  Performed done = run([&](Access& access, bool) -> Part {
    const GuestFile& file = access.file(op.at("path"), artifact_of(op));
    const auto found = file.evidence->xattrs->find(op.at("attribute").get<std::string>());
    if (found == file.evidence->xattrs->end())
      return {{Decision::refused, {Errno::enodata, -1}}, {}};
    value = to_hex(found->second);
    return {{Decision::allowed, {}}, {}};
  });
  if (value && !value->empty()) done.result["value"] = *value;
  return done;
}

}  // namespace assay::golden
