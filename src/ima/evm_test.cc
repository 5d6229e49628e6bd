// EVM's HMAC and signatures that name the inode, beside openssl.

#include "ima/evm.h"

#include <gtest/gtest.h>

#include "ima/rules.h"
#include "ima/test_ima.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::ima;
using Bytes = std::vector<std::uint8_t>;

EvmKey key_of_vectors() {
  EvmKey key{};
  for (std::uint8_t i = 0; i < 64; ++i) key[i] = i;
  return key;
}

FsUuid uuid_of_vectors() {
  FsUuid uuid{};
  for (std::uint8_t i = 0; i < 16; ++i) uuid[i] = i;
  return uuid;
}

// Inode 12345 of generation 7, mode 0100644, root's.
ImaEvidence local_file(Xattrs xattrs) {
  ImaEvidence file = file_with(std::move(xattrs));
  file.mode = 0100644;
  file.inode_number = 12345;
  file.generation = 7;
  file.file.filesystem.uuid = uuid_of_vectors();
  return file;
}

// struct h_misc of a little-endian kernel with 64 bits, and the UUID.
constexpr std::string_view kMisc = "3930000000000000070000000000000000000000a4810000";
constexpr std::string_view kUuid = "000102030405060708090a0b0c0d0e0f";

struct Hmac : testing::Test {
  void SetUp() override {
    machine.config.set("CONFIG_EVM_ATTR_FSUUID", "y");
    machine.evm.has_hmac_key = Truth::yes;
    machine.evm.hmac_key = key_of_vectors();
  }
  // As it ends, and with the choices of other ways.
  IntegrityStatus ask(const ImaEvidence& file) {
    machine.boot({});
    const SignatureVerifier with{machine.config, machine.signatures.crypto, machine.rings,
                                 file.cache.get()};
    const EvmVerdict verdict = evm_verify(*machine.walk, machine.evm, with, file);
    EXPECT_EQ(verdict.outcome.failed(), verdict.status != IntegrityStatus::pass);
    EXPECT_TRUE(!verdict.outcome.failed() || machine.rule_of(verdict.outcome) == &rule::evm_valid);
    return verdict.status;
  }
  bool is_open() const { return !machine.walk->choices().empty(); }

  // By openssl.
  static std::string hmac_hex(const std::string& data_hex) {
    std::string key = to_hex(key_of_vectors());
    const Finished done =
        run_command({"openssl", "mac", "-digest", "SHA1", "-macopt", "hexkey:" + key, "HMAC"},
                    bytes_of_hex(data_hex));
    EXPECT_EQ(done.status, 0) << done.error;
    std::string hex(done.out.begin(), done.out.end());
    std::erase(hex, '\n');
    std::ranges::transform(hex, hex.begin(), [](unsigned char c) { return std::tolower(c); });
    return hex;
  }

  ImaMachine machine;
};

TEST_F(Hmac, TheVector) {
  Xattrs xattrs{{"security.ima", bytes_of_hex(vectors::kHashSha256)},
                {"security.evm", bytes_of_hex("028fed30d3e7351fdbbaba4cdb35d8343d565236bf")}};
  EXPECT_EQ(ask(local_file(xattrs)), IntegrityStatus::pass);
  EXPECT_FALSE(is_open());
  // Each of the things it is over, changed.
  const auto changed = [&](const auto& change) {
    ImaEvidence file = local_file(xattrs);
    change(file);
    return ask(file);
  };
  EXPECT_EQ(changed([](ImaEvidence& file) { file.mode = 0100755; }), IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { file.file.owner = 1; }), IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { file.file.group = 1; }), IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { file.inode_number = 1; }), IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { file.generation = 1; }), IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { file.file.filesystem.uuid = FsUuid{}; }),
            IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { (*file.xattrs)["security.ima"][5] ^= 1; }),
            IntegrityStatus::fail);
  EXPECT_EQ(changed([](ImaEvidence& file) { (*file.xattrs)["security.evm"].push_back(0); }),
            IntegrityStatus::fail);
  // Without the key, or without what it is over, nobody knows.
  for (const bool without_key : {true, false}) {
    SetUp();
    if (without_key) machine.evm.hmac_key.reset();
    changed([&](ImaEvidence& file) {
      if (!without_key) file.generation.reset();
    });
    EXPECT_TRUE(is_open());
  }
  // A kernel that leaves the UUID out.
  SetUp();
  machine.config.set("CONFIG_EVM_ATTR_FSUUID", "n");
  EXPECT_EQ(ask(local_file(xattrs)), IntegrityStatus::fail);
  xattrs["security.evm"] =
      bytes_of_hex("02" + hmac_hex(std::string(vectors::kHashSha256) + std::string(kMisc)));
  EXPECT_EQ(ask(local_file(xattrs)), IntegrityStatus::pass);
}

// Attributes that the kernel's options leave out are not covered; their order is the kernel's.
TEST_F(Hmac, EnabledAttributes) {
  const std::string end = std::string(kMisc) + std::string(kUuid);
  const std::string ima(vectors::kHashSha256);
  Xattrs xattrs{
      {"security.capability", bytes_of_hex("cc")},  {"security.ima", bytes_of_hex(ima)},
      {"security.selinux", bytes_of_hex("5e00")},   {"security.SMACK64", bytes_of_hex("55")},
      {"security.SMACK64EXEC", bytes_of_hex("56")}, {"security.apparmor", bytes_of_hex("aa")},
      {"security.other", bytes_of_hex("00")}};
  struct Row {
    std::vector<const char*> on;
    std::string covered;
  };
  const Row rows[] = {
      {{}, ima + "cc"},
      {{"CONFIG_SECURITY_SELINUX"}, "5e00" + ima + "cc"},
      {{"CONFIG_SECURITY_SMACK"}, "55" + ima + "cc"},
      {{"CONFIG_SECURITY_SMACK", "CONFIG_EVM_EXTRA_SMACK_XATTRS"}, "5556" + ima + "cc"},
      {{"CONFIG_SECURITY_SELINUX", "CONFIG_SECURITY_APPARMOR"}, "5e00aa" + ima + "cc"},
  };
  for (const Row& row : rows) {
    for (const char* option : {"CONFIG_SECURITY_SELINUX", "CONFIG_SECURITY_SMACK",
                               "CONFIG_EVM_EXTRA_SMACK_XATTRS", "CONFIG_SECURITY_APPARMOR"})
      machine.config.set(option, "n");
    for (const char* option : row.on) machine.config.set(option, "y");
    xattrs["security.evm"] = bytes_of_hex("02" + hmac_hex(row.covered + end));
    EXPECT_EQ(ask(local_file(xattrs)), IntegrityStatus::pass) << row.covered;
  }
}

// The same of a signature of the type 3, by a key that .evm has.
TEST_F(Hmac, SignaturesThatNameTheInode) {
  TemporaryFolder folder;
  const auto run = [](const std::vector<std::string>& command, const Bytes& input = {}) {
    const Finished done = run_command(command, input);
    EXPECT_EQ(done.status, 0) << command[1] << done.error;
    return done.out;
  };
  run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key",
       "-out", folder / "cert", "-outform", "DER", "-subj", "/CN=evm", "-days", "3650"});
  const Key key = key_of_hex(to_hex(read_file(folder / "cert")));
  machine.ima.add(key);
  const std::string skid = to_hex(key.certificate->x509().skid->bytes());
  const std::string data =
      std::string(vectors::kHashSha256) + std::string(kMisc) + std::string(kUuid);
  const Bytes value =
      run({"openssl", "dgst", "-sha256", "-sign", folder / "key"}, bytes_of_hex(data));
  Xattrs xattrs{{"security.ima", bytes_of_hex(vectors::kHashSha256)},
                {"security.evm",
                 bytes_of_hex("030204" + skid.substr(skid.size() - 8) + "0100" + to_hex(value))}};
  machine.boot({});
  const auto status = [&](const ImaEvidence& file) {
    machine.boot({});
    const SignatureVerifier with{machine.config, machine.signatures.crypto, machine.rings,
                                 file.cache.get()};
    return evm_verify(*machine.walk, machine.evm, with, file).status;
  };
  EXPECT_EQ(status(local_file(xattrs)), IntegrityStatus::pass);
  ImaEvidence moved = local_file(xattrs);
  moved.inode_number = 12346;
  EXPECT_EQ(status(moved), IntegrityStatus::fail);
}

}  // namespace
}  // namespace assay
