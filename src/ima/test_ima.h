// ima/test_ima.h - for the tests of this room: a kernel with a policy and keyrings, and files.

#pragma once

#include <gtest/gtest.h>

#include "base/hex.h"
#include "ima/appraise.h"
#include "ima/policy_load.h"
#include "ima/test_vectors.h"

namespace assay::test {

inline std::vector<std::uint8_t> bytes_of_hex(std::string_view hex) { return *from_hex(hex); }

// As the kernel keeps it when it was added.
inline Key key_of_hex(std::string_view der) {
  Key key;
  key.certificate = PreparedCertificate::own(bytes_of_hex(der));
  Walk walk(KernelId{}, {}, false);
  PrimitiveCache cache;
  const Outcome bad = check_certificate(walk, *key.certificate, {}, Blocklist(), cache, key.state);
  EXPECT_FALSE(bad.failed());
  return key;
}

// A machine with every option that IMA asks about, whose .ima has the key of the vectors.
struct ImaMachine {
  explicit ImaMachine(KernelVersion of = kAnchor72) : version(of) {
    for (const char* option :
         {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_IMA_APPRAISE_BOOTPARAM",
          "CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_IMA_WRITE_POLICY", "CONFIG_INTEGRITY_SIGNATURE",
          "CONFIG_INTEGRITY_ASYMMETRIC_KEYS", "CONFIG_INTEGRITY_TRUSTED_KEYRING",
          "CONFIG_INTEGRITY_PLATFORM_KEYRING", "CONFIG_IMA_BLACKLIST_KEYRING", "CONFIG_KEXEC_SIG"})
      config.set(option, "y");
    config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
    config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-sig");
    ima.add(key_of_hex(vectors::kCertificate));
    rings.ima.keys = &ima;
    rings.evm.keys = &ima;
    rings.platform.keys = &platform;
    rings.blacklist.keys = &blacklist;
  }
  ImaMachine(const ImaMachine&) = delete;
  ImaMachine& operator=(const ImaMachine&) = delete;

  // Boots, loads the rules, and asks. The walk is kept for the steps in it.
  ImaVerdict ask(const std::vector<std::string>& rules, const ImaEvent& event,
                 const ImaEvidence& evidence, const ImaInode& before = {}) {
    boot(rules);
    const ImaKernel kernel{*state, config, signatures, rings, evm};
    return ima_process(*walk, kernel, event, evidence, before);
  }
  void boot(const std::vector<std::string>& rules) {
    walk.emplace(KernelId{version, Variant::mainline, Arch::x86_64}, choices, true);
    setup.emplace(ImaSetup{config, signatures.crypto, command_line, Truth::no, Truth::no});
    state.emplace(*walk, *setup);
    if (rules.empty()) return;
    ImaPolicySession session(*walk, *state, *setup);
    for (const std::string& rule : rules)
      EXPECT_FALSE(session.write(rule).failed()) << rule << ", " << to_string(version);
    EXPECT_TRUE(session.close());
  }
  const Rule* rule_of(const Outcome& outcome) const {
    if (!outcome.failed()) return nullptr;
    return outcome.step < 0 ? nullptr : walk->steps()[static_cast<std::size_t>(outcome.step)].rule;
  }

  KernelVersion version;
  KernelConfig config;
  SignatureContext signatures;
  Keyring ima{".ima"};
  Keyring platform{".platform"};
  Keyring blacklist{".ima_blacklist"};
  ImaKeyrings rings;
  EvmState evm;
  std::string command_line;
  std::vector<Choice> choices;
  std::optional<Walk> walk;
  std::optional<ImaSetup> setup;
  std::optional<ImaState> state;
};

// The file of the vectors, root's, with these attributes on an ext4.
inline ImaEvidence file_with(Xattrs xattrs, std::string_view content = vectors::kFile) {
  const ViewContent bytes(View(bytes_of(content)));
  auto evidence = collect_ima(bytes, std::move(xattrs), {find_hash_algo("sha256")});
  evidence->file.filesystem.magic = 0xef53;
  evidence->file.filesystem.name = "ext4";
  evidence->file.filesystem.has_xattrs = Truth::yes;
  evidence->file.owner = 0;
  evidence->file.group = 0;
  evidence->mode = 0100755;
  return *std::move(evidence);
}
inline ImaEvidence file_with_ima(std::string_view hex) {
  return file_with({{"security.ima", bytes_of_hex(hex)}});
}

inline ImaEvent event_of(ImaHook hook) {
  ImaEvent event;
  event.hook = hook;
  event.mask = usual_mask(hook);
  event.subject = ImaSubject::with_ids(0, 0);
  return event;
}

}  // namespace assay::test
