// What the IMA tests of the Linux Test Project assert of a running kernel
// (testcases/kernel/security/integrity/ima/tests), asserted of ours. Each test names its script.
// Of ima_violations.sh the entries and what becomes of the PCR, of ima_tpm.sh what can be said
// without a TPM; whether a file is open elsewhere no file says. evm_overlay.sh writes to overlays.

#include <fmt/format.h>

#include "ima/measurement.h"
#include "ima/test_ima.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;

constexpr std::uint32_t kUser = 1000;
constexpr std::uint32_t kGroup = 100;

class LtpIma : public testing::TestWithParam<KernelVersion> {
 protected:
  // sha256sum of the file, as the scripts compute it.
  static std::string sha256sum(std::string_view content) {
    const auto bytes = bytes_of(content);
    const Finished done = run_command({"sha256sum"}, {bytes.begin(), bytes.end()});
    EXPECT_EQ(done.status, 0);
    return {done.out.begin(), done.out.begin() + 64};
  }
  // The digest in the entry that reading the file adds; empty where none is added.
  static std::string measured(ImaMachine& machine, const std::vector<std::string>& rules,
                              const ImaEvent& event, const ImaEvidence& file) {
    const ImaVerdict verdict = machine.ask(rules, event, file);
    EXPECT_FALSE(verdict.outcome.failed());
    if (!verdict.entry) return "";
    const std::string line = verdict.entry->ascii();
    const std::size_t at = line.find("sha256:");
    return at == line.npos ? line : line.substr(at + 7, 64);
  }
  static ImaEvent reading(std::uint32_t uid, std::uint32_t gid) {
    ImaEvent event = event_of(ImaHook::file_check);
    event.subject = ImaSubject::with_ids(uid, gid);
    return event;
  }
  static ImaEvidence file_of(std::uint32_t owner, std::uint32_t group, std::string_view content) {
    ImaEvidence file = file_with({}, content);
    file.file.path = "/mnt/test.txt";
    file.file.owner = owner;
    file.file.group = group;
    return file;
  }
};

// ima_policy.sh: test1, a policy with a word that is none is not loaded; test2, a policy is, and
// another after it.
TEST_P(LtpIma, Policy) {
  ImaMachine machine(GetParam());
  const auto load = [&](const std::vector<std::string>& lines) {
    ImaPolicySession session(*machine.walk, *machine.state, *machine.setup);
    if (session.open().failed()) return false;
    for (const std::string& line : lines)
      if (session.write(line + "\n").failed()) {
        session.close();
        return false;
      }
    return session.close();
  };
  machine.boot({});
  EXPECT_FALSE(load({"# PROC_SUPER_MAGIC", "dont_measure fsmagic=0x9fa0",
                     "dnt_measure fsmagic=0x73636673", "measure func=BPRM_CHECK mask=MAY_EXEC"}));
  EXPECT_FALSE(machine.state->has_custom_policy());
  const std::vector<std::string> valid{"#",
                                       "# Integrity measure policy",
                                       "# PROC_SUPER_MAGIC",
                                       "dont_measure fsmagic=0x9fa0",
                                       "# TMPFS_MAGIC",
                                       "dont_measure fsmagic=0x1021994 func=FILE_CHECK",
                                       "measure func=FILE_MMAP mask=MAY_EXEC",
                                       "measure func=BPRM_CHECK mask=MAY_EXEC",
                                       "measure func=FILE_CHECK mask=MAY_READ uid=0"};
  EXPECT_TRUE(load(valid));
  EXPECT_TRUE(machine.state->has_custom_policy());
  EXPECT_TRUE(load(valid));
}

// ima_measurements.sh: with ima_policy=tcb, what root reads is measured with its digest; when it
// was changed, again; what a user reads is not.
TEST_P(LtpIma, Measurements) {
  ImaMachine machine(GetParam());
  machine.command_line = "ima_policy=tcb";
  const ImaEvidence file = file_of(0, 0, "this is a test file\n");
  EXPECT_EQ(measured(machine, {}, reading(0, 0), file), sha256sum("this is a test file\n"));
  const ImaVerdict first = machine.ask({}, reading(0, 0), file);
  EXPECT_FALSE(machine.ask({}, reading(0, 0), file, first.inode).entry);
  ImaInode inode = first.inode;
  inode.forget_content();
  const ImaVerdict again = machine.ask({}, reading(0, 0), file_of(0, 0, "modified file\n"), inode);
  ASSERT_TRUE(again.entry);
  EXPECT_NE(again.entry->ascii().find(sha256sum("modified file\n")), std::string::npos);
  EXPECT_EQ(measured(machine, {}, reading(kUser, kGroup), file_of(kUser, kGroup, "user file\n")),
            "");
}

// ima_conditionals.sh -r uid, fowner, gid, fgroup.
TEST_P(LtpIma, Conditionals) {
  struct Row {
    std::string rule;
    ImaEvent event;
    std::uint32_t owner;
    std::uint32_t group;
  };
  const Row rows[] = {{"measure uid=1000", reading(kUser, kGroup), 0, 0},
                      {"measure gid=100", reading(kUser, kGroup), 0, 0},
                      {"measure fowner=1000", reading(0, 0), kUser, 0},
                      {"measure fgroup=100", reading(0, 0), 0, kGroup}};
  for (const Row& row : rows) {
    ImaMachine machine(GetParam());
    EXPECT_EQ(measured(machine, {row.rule}, row.event, file_of(row.owner, row.group, "test\n")),
              sha256sum("test\n"))
        << row.rule;
    EXPECT_EQ(measured(machine, {row.rule}, reading(0, 0), file_of(0, 0, "test\n")), "")
        << row.rule;
  }
}

class LtpBuffers : public LtpIma {
 protected:
  static std::optional<ImaEntry> measure(const std::string& rule, ImaHook hook,
                                         const std::string& data, const std::string& name,
                                         std::span<const std::uint8_t> buffer) {
    ImaMachine machine(GetParam());
    machine.config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
    machine.boot({rule});
    const ImaKernel kernel{*machine.state, machine.config, machine.signatures, machine.rings,
                           machine.evm};
    ImaEvent event = event_of(hook);
    event.data = data;
    return measure_ima_buffer(*machine.walk, kernel, event, {}, name, buffer);
  }
};

// ima_kexec.sh: the command line, whichever way kexec was given it, is in the list, with its
// digest.
TEST_P(LtpBuffers, Kexec) {
  const std::string cmdline = "foo bar";
  const auto entry = measure("measure func=KEXEC_CMDLINE", ImaHook::kexec_cmdline, "",
                             "kexec-cmdline", bytes_of(cmdline));
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->ascii().ends_with(" ima-buf sha256:" + sha256sum(cmdline) +
                                       " kexec-cmdline 666f6f20626172"))
      << entry->ascii();
}

// ima_keys.sh: keys added to the keyrings that a rule names are in the list, each a certificate
// that openssl reads and that equals what was added.
TEST_P(LtpBuffers, Keys) {
  const std::string rule =
      "measure func=KEY_CHECK keyrings=.ima|.evm|.builtin_trusted_keys|.blacklist|key_import_test "
      "template=ima-buf";
  const auto certificate = bytes_of_hex(vectors::kCertificate);
  for (const std::string keyring : {".ima", "key_import_test"}) {
    const auto entry = measure(rule, ImaHook::key_check, keyring, keyring, certificate);
    ASSERT_TRUE(entry) << keyring;
    ASSERT_EQ(entry->fields.size(), 3U);
    EXPECT_EQ(entry->fields[2].data, certificate);
    EXPECT_EQ(
        run_command({"openssl", "x509", "-inform", "der", "-noout"}, *entry->fields[2].data).status,
        0);
  }
  EXPECT_FALSE(measure(rule, ImaHook::key_check, "other", "other", certificate));
}

// ima_selinux.sh: measured with label=selinux, as the state's text and the digest of the policy.
TEST_P(LtpBuffers, CriticalData) {
  const std::string state = "initialized=1;enforcing=0;checkreqprot=0;";
  const auto entry = measure("measure func=CRITICAL_DATA label=selinux", ImaHook::critical_data,
                             "selinux", "selinux-state", bytes_of(state));
  ASSERT_TRUE(entry);
  const auto bytes = bytes_of(state);
  EXPECT_TRUE(
      entry->ascii().ends_with("sha256:" + sha256sum(state) + " selinux-state " + to_hex(bytes)))
      << entry->ascii();
  EXPECT_FALSE(measure("measure func=CRITICAL_DATA label=selinux", ImaHook::critical_data,
                       "kernel_info", "kernel_version", bytes_of(state)));
}

class LtpList : public LtpIma {
 protected:
  void add(ImaEntry entry) {
    const auto bytes = entry.binary();
    ASSERT_TRUE(bytes);
    list_.insert(list_.end(), bytes->begin(), bytes->end());
    for (Digest& pcr : pcrs_) {
      const auto by = entry.extension(pcr.hash());
      ASSERT_TRUE(by);
      const auto next = extend_pcr(pcr, *by);
      ASSERT_TRUE(next);
      pcr = *next;
    }
  }
  ImaEntry read_by_root(std::string_view content) {
    ImaMachine machine(GetParam());
    machine.command_line = "ima_policy=tcb";
    const ImaVerdict verdict = machine.ask({}, reading(0, 0), file_of(0, 0, content));
    EXPECT_TRUE(verdict.entry);
    return *verdict.entry;
  }
  // ima_add_violation: the file's name and no digest.
  static ImaEntry violation() {
    ImaMeasured measured;
    measured.name = "/mnt/test.txt";
    measured.is_violation = true;
    const auto entry = make_ima_entry(measured, *find_ima_template("ima-ng", nullptr), 10,
                                      *find_hash_algo("sha256"), false);
    EXPECT_TRUE(entry);
    return *entry;
  }
  // Does evmctl come from the list to these PCRs?
  bool evmctl_agrees(const std::vector<Digest>& pcrs, bool ignores_violations = false) {
    TemporaryFolder folder;
    write_file(folder / "list", list_);
    std::vector<std::string> command{"evmctl", "ima_measurement"};
    if (ignores_violations) command.emplace_back("--ignore-violations");
    for (const Digest& pcr : pcrs) {
      const std::string name(hash_name(pcr.hash()));
      std::string text;
      for (int i = 0; i < 24; ++i)
        text += fmt::format("PCR-{:02}:{}\n", i,
                            i == 10 ? pcr.hex() : std::string(std::size_t{2} * pcr.size(), '0'));
      write_file(folder / name, bytes_of(text));
      command.insert(command.end(), {"--pcrs", name + "," + (folder / name)});
    }
    command.push_back(folder / "list");
    return run_command(command).status == 0;
  }

  std::vector<std::uint8_t> list_;
  std::vector<Digest> pcrs_{Digest(Hash::sha1, std::vector<std::uint8_t>(20)),
                            Digest(Hash::sha256, std::vector<std::uint8_t>(32))};
};

// ima_tpm.sh: without a TPM the aggregate of the boot is zeros (test1); PCR 10 is what the list
// makes of it (test2, which asks evmctl as well).
TEST_P(LtpList, Pcr) {
  add(read_by_root("this is a test file\n"));
  add(read_by_root("modified file\n"));
  EXPECT_TRUE(evmctl_agrees(pcrs_));
  std::vector<Digest> other = pcrs_;
  other[1] = Digest(Hash::sha256, std::vector<std::uint8_t>(32, 1));
  EXPECT_FALSE(evmctl_agrees(other));
}

// ima_violations.sh: a violation is in the list without digests, and its PCR is that of no list of
// whole entries.
TEST_P(LtpList, Violations) {
  EXPECT_EQ(violation().ascii(), "10 " + std::string(40, '0') +
                                     " ima-ng sha256:" + std::string(64, '0') + " /mnt/test.txt");
  add(read_by_root("this is a test file\n"));
  std::vector<Digest> as_listed = pcrs_;
  // Each counts: none is a double of another (ima_add_template_entry).
  for (int i = 0; i < 2; ++i) {
    add(violation());
    for (Digest& pcr : as_listed) pcr = *extend_pcr(pcr, *violation().digest(pcr.hash()));
  }
  EXPECT_TRUE(evmctl_agrees(pcrs_, true));
  EXPECT_FALSE(evmctl_agrees(as_listed, true));
}

const auto kVersions = testing::Values(kAnchor61, kAnchor612, kAnchor72);
const auto name_of = [](const auto& each) {
  std::string name = "v" + to_string(each.param);
  std::erase(name, '.');
  return name;
};
INSTANTIATE_TEST_SUITE_P(Anchors, LtpIma, kVersions, name_of);
INSTANTIATE_TEST_SUITE_P(Anchors, LtpList, kVersions, name_of);
INSTANTIATE_TEST_SUITE_P(Anchors, LtpBuffers, kVersions, name_of);

}  // namespace
}  // namespace assay
