// Appended signatures beside security.ima: which of them is looked at, and in which keyring.

#include "ima/modsig.h"

#include <gtest/gtest.h>

#include "ima/rules.h"
#include "ima/test_ima.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::ima;

constexpr std::string_view kKexec = "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig";
constexpr std::string_view kModule = "appraise func=MODULE_CHECK appraise_type=imasig|modsig";

// The file of the vectors with its message appended, and what a reader finds in it.
class SignedFile {
 public:
  explicit SignedFile(std::string_view block_hex = "00000200000000000000010f",
                      const std::vector<std::uint8_t>& message = bytes_of_hex(vectors::kMessage)) {
    const auto file = bytes_of(vectors::kFile);
    bytes_.assign(file.begin(), file.end());
    bytes_.insert(bytes_.end(), message.begin(), message.end());
    const auto block = bytes_of_hex(block_hex);
    bytes_.insert(bytes_.end(), block.begin(), block.end());
    const auto marker = bytes_of(kSignatureMarker);
    bytes_.insert(bytes_.end(), marker.begin(), marker.end());
    const ViewContent content{View(bytes_)};
    trailer_ = *read_signature_trailer(content);
    if (!trailer_.splits) return;
    const Extent where = trailer_.signature_extent();
    const auto found = std::span(bytes_).subspan(where.offset, where.size);
    message_.emplace(std::vector(found.begin(), found.end()), where.offset);
    EXPECT_TRUE(message_->digest_data(content, 0, trailer_.payload_size));
  }
  ImaEvidence with(std::string_view xattr = {}) const {
    const std::string_view text = View(bytes_).text();
    ImaEvidence evidence = xattr.empty() ? file_with({}, text)
                                         : file_with({{"security.ima", bytes_of_hex(xattr)}}, text);
    evidence.trailer = &trailer_;
    evidence.appended = message_ ? &*message_ : nullptr;
    return evidence;
  }
  std::string hash_xattr() const {
    return "0404" + to_hex(compute_digest(Hash::sha256, bytes_)->bytes());
  }

 private:
  std::vector<std::uint8_t> bytes_;
  SignatureTrailer trailer_;
  std::optional<SignatureEvidence> message_;
};

std::string ask(ImaMachine& machine, std::string_view rule_text, const ImaEvidence& evidence) {
  const ImaHook hook = rule_text == kModule ? ImaHook::module_check : ImaHook::kexec_kernel_check;
  const ImaVerdict verdict = machine.ask({std::string(rule_text)}, event_of(hook), evidence);
  if (!verdict.outcome.failed()) return "ok";
  return verdict.causes.empty() ? std::string(machine.rule_of(verdict.internal)->id)
                                : verdict.causes[0];
}

TEST(ImaModsig, Fallbacks) {
  const SignedFile file;
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    EXPECT_EQ(ask(machine, kKexec, file.with()), "ok");
    EXPECT_EQ(ask(machine, "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig", file.with()),
              "IMA-signature-required");
    EXPECT_EQ(ask(machine, "appraise func=KEXEC_KERNEL_CHECK", file.with()), "missing-hash");
    // A digest of the type 4 lets the appended signature be tried, one of the type 1 does not.
    EXPECT_EQ(ask(machine, kKexec, file.with(file.hash_xattr())), "ok");
    EXPECT_EQ(ask(machine, kKexec, file.with(vectors::kHashSha1)), "IMA-signature-required");
    // So does a signature by an unknown key, but not a wrong one by a known key.
    std::string unknown(vectors::kSignature);
    unknown.replace(6, 8, "00000000");
    EXPECT_EQ(ask(machine, kKexec, file.with(unknown)), "ok");
    EXPECT_EQ(ask(machine, kModule, file.with(vectors::kSignature)), "invalid-signature");
    // For kexec the attribute is then tried with .platform, which does not know the key.
    EXPECT_EQ(ask(machine, kKexec, file.with(vectors::kSignature)), "ok");
    EXPECT_EQ(ask(machine, kKexec, file_with_ima(vectors::kSignature)), "ok");
    // An attribute without bytes has no type.
    ImaEvidence empty = file.with();
    (*empty.xattrs)["security.ima"] = {};
    EXPECT_EQ(ask(machine, kKexec, empty), "unknown-ima-data");
  }
}

TEST(ImaModsig, Keyrings) {
  const SignedFile file;
  ImaMachine machine;
  std::swap(machine.ima.keys(), machine.platform.keys());
  EXPECT_EQ(ask(machine, kKexec, file.with()), "ok");
  EXPECT_EQ(ask(machine, kModule, file.with()), "invalid-signature");
  EXPECT_EQ(ask(machine, kKexec, file_with_ima(vectors::kSignature)), "ok");
  // A rule without func= makes an opened file of the kernel.
  EXPECT_EQ(
      ask(machine, "appraise fowner=0 appraise_type=imasig", file_with_ima(vectors::kSignature)),
      "invalid-signature");
  machine.config.set("CONFIG_INTEGRITY_PLATFORM_KEYRING", "n");
  EXPECT_EQ(ask(machine, kKexec, file.with()), "invalid-signature");
  machine.rings.ima = {nullptr, true, "keyrings.ima"};
  EXPECT_EQ(ask(machine, kKexec, file.with()), "invalid-signature");
}

// pkcs7_verify checks a message that has content against that (pkcs7_supply_detached_data leaves it
// there): the file may be any.
TEST(ImaModsig, AMessageWithContentOfItsOwn) {
  TemporaryFolder folder;
  const auto run = [](const std::vector<std::string>& command) {
    const Finished done = run_command(command);
    EXPECT_EQ(done.status, 0) << command[1] << done.error;
  };
  write_file(folder / "other", bytes_of_hex("00112233"));
  run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key",
       "-out", folder / "cert", "-subj", "/CN=modsig", "-days", "3650"});
  run({"openssl", "x509", "-in", folder / "cert", "-outform", "DER", "-out", folder / "der"});
  for (const bool detached : {false, true}) {
    std::vector<std::string> sign{
        "openssl", "cms",           "-sign",    "-binary",      "-noattr", "-nocerts",
        "-md",     "sha256",        "-outform", "DER",          "-in",     folder / "other",
        "-signer", folder / "cert", "-inkey",   folder / "key", "-out",    folder / "p7"};
    if (!detached) sign.emplace_back("-nodetach");
    run(sign);
    std::vector<std::uint8_t> message = read_file(folder / "p7");
    char block[25];
    std::snprintf(block, sizeof block, "0000020000000000%08zx", message.size());
    const SignedFile file(block, message);
    ImaMachine machine;
    machine.ima.add(key_of_hex(to_hex(read_file(folder / "der"))));
    const ImaVerdict verdict =
        machine.ask({std::string(kModule)}, event_of(ImaHook::module_check), file.with());
    EXPECT_EQ(verdict.outcome.failed(), detached);
    EXPECT_EQ(verdict.signs_own_content, !detached);
  }
}

// What does not parse is as if it were not there.
TEST(ImaModsig, DamagedBlocks) {
  for (const char* block :
       {"00000100000000000000010f", "00000200000100000000010f", "01000200000000000000010f",
        "000002000000000000000110", "00000200000000000000ffff"}) {
    ImaMachine machine;
    EXPECT_EQ(ask(machine, kKexec, SignedFile(block).with()), "IMA-signature-required") << block;
  }
}

// The digest that counts is that of the content before the signature.
TEST(ImaModsig, Blocklist) {
  const SignedFile file;
  const std::string content =
      "bin:a5179bba8fab834fc386a17478842d04b2742d653c9addae998e007c242d02d4";
  for (const KernelVersion version : kAnchors) {
    ImaMachine machine(version);
    machine.signatures.blocklist.add("bin:" + file.hash_xattr().substr(4));
    EXPECT_EQ(ask(machine, kKexec, file.with()), "ok");
    machine.signatures.blocklist.add(content);
    EXPECT_EQ(ask(machine, kKexec, file.with()),
              version == kAnchor61 ? "ok" : "ima/not-blacklisted");
    EXPECT_EQ(ask(machine,
                  "appraise func=KEXEC_KERNEL_CHECK appraise_flag=check_blacklist "
                  "appraise_type=imasig|modsig",
                  file.with()),
              "ima/not-blacklisted");
  }
}

}  // namespace
}  // namespace assay
