// Entries of the measurement list, beside digests and lists that evmctl verifies.

#include "ima/measurement.h"

#include <gtest/gtest.h>

#include "ima/test_ima.h"

namespace assay {
namespace {

using namespace test;
using Bytes = std::vector<std::uint8_t>;

const HashAlgo& algo(std::string_view name) { return *find_hash_algo(name); }
const ImaTemplate& form(std::string_view name) { return *find_ima_template(name, nullptr); }

FileDigest digest_of(std::string_view name, std::string_view text = vectors::kFile) {
  return {&algo(name), *compute_digest(*algo(name).hash, bytes_of(text))};
}
FileDigest zeros(std::string_view name) {
  return {&algo(name), Digest(*algo(name).hash, Bytes(algo(name).size))};
}

struct Made {
  std::string_view name;
  std::string_view form;
  ImaMeasured measured;
  std::string_view sha1;
  std::string_view sha256;
  bool big_endian = false;
};

ImaMeasured of(std::string_view name, FileDigest digest,
               std::span<const std::uint8_t> buffer = {}) {
  ImaMeasured measured;
  measured.name = name;
  measured.digest = digest;
  measured.buffer = buffer;
  return measured;
}

TEST(ImaMeasurement, DigestsOfEntries) {
  const Bytes certificate = bytes_of_hex(vectors::kCertificate);
  const auto digest_bytes = [](std::string_view text) {
    const Digest digest = *compute_digest(Hash::sha256, bytes_of(text));
    return Bytes(digest.bytes().begin(), digest.bytes().end());
  };
  const Bytes policy = digest_bytes("selinux-state-demo;");
  const Bytes hello = digest_bytes("hello");
  const auto buffer_of = [](std::string_view text) { return bytes_of(text); };
  const auto hashed = [](const Bytes& bytes) -> FileDigest {
    return {&algo("sha256"), *compute_digest(Hash::sha256, bytes)};
  };
  ImaMeasured verity = of("/f", digest_of("sha256"));
  verity.is_verity = true;
  ImaEvidence file = file_with_ima(vectors::kSignature);
  ImaMeasured evm = of("/f", digest_of("sha256"));
  evm.file = &file;
  const Made cases[] = {
      {"no TPM", "ima-ng", of("boot_aggregate", zeros("sha1")),
       "1d8d532d463c9f8c205d0df7787669a85f93e260",
       "bba20e8b15e2f5948a181bc922fd1207b9d5ed549585ffa3ab6e44f8aaeb4b16"},
      {"no TPM, big endian", "ima-ng", of("boot_aggregate", zeros("sha1")),
       "7d7bd868e49f42e651c0020372397e4980ba11ab", "", true},
      {"no TPM, sha256", "ima-ng", of("boot_aggregate", zeros("sha256")),
       "0adefe762c149c7cec19da62f0da1297fcfbffff",
       "36f1cd67a730bc4137870c4d00dbc7430b51b1ebdaa130744297cf65339078a0"},
      {"with an empty signature", "ima-sig", of("boot_aggregate", zeros("sha256")),
       "4f38ef8f82bbc2a73f2169c57ff5c76e14ce353d",
       "34d2696f3c3e0b417b0525a2d1501d564ff6bd022f4886a7fae839a9be4f1839"},
      {"the oldest form", "ima", of("boot_aggregate", zeros("sha256")),
       "719de8e521439498e9b77f6ed41e230b9821111e", ""},
      {"a file in the oldest form", "ima", of("/usr/bin/hello", digest_of("sha1")),
       "076bbc14a4599a59c74229f3b78a7edf7eaa2caa", ""},
      {"a file", "ima-ng", of("/usr/bin/hello", digest_of("sha1")),
       "411b93105f1c8cba17e5b3d7ebff0fb40e93af51",
       "62e5259fe9bc67a90f3ad0c2c421a01e17f024bd6cac6da5b8855126fd6ec94a"},
      {"fs-verity", "ima-ngv2", verity, "77584730facd39961d3116e1ec4d554ee9b1d3e4",
       "b54572cab0166256fee05e2c8c94297966246d3a461c6010e65c243e5ba0610e"},
      {"a key", "ima-buf", of(".ima", hashed(certificate), certificate),
       "21e7232b3e8f7c39023ef51ec3bec5ecf1d53a18",
       "73c411feb3cc713ffe973f29d0b7200ea804f6a1cb9ad3f0c80aeee42596323d"},
      {"a hashed buffer", "ima-buf", of("selinux-policy-hash", hashed(policy), policy),
       "b24237b8490038b1980fb791a3fe271b3989795e",
       "12685901350e9982bd1f1d2f5d194b49dadf17b9e0aa383a1138d59162469ecf"},
      {"a buffer", "ima-buf",
       of("selinux-state", digest_of("sha256", "selinux-state-demo;"),
          buffer_of("selinux-state-demo;")),
       "86e06db0c81d89befea079092985aa373c80b787",
       "da673b63bf614ceffe8052cdf614be3c41b9b7b0d08d5b39bfa57d48636f218a"},
      {"an empty buffer", "ima-buf", of("blacklisted-hash", digest_of("sha256", "")),
       "3ed42715de7bcf37dd7f7d2fc58891c130c1ed47",
       "2379c67379c6ae95f73a30ad17c570bd6e854d2aa6f57b4e69505b10fe0f0bcf"},
      {"a digest on the blocklist", "ima-buf", of("blacklisted-hash", hashed(hello), hello),
       "f3208e93e464eda07da2929ef2bce08fc3f2475b",
       "6c0218dcc94206a5baedcbe68358a89366978dcf646ac40eb9920922085a8e53"},
      {"attributes", "evm-sig", evm, "a6e8be7d1abc7774996deda721f4479ede4e5794",
       "5e9315b34ef65210eb51c83850afcf263b7e1473944d889584accccd01c8eb72"},
  };
  for (const Made& one : cases) {
    const auto entry =
        make_ima_entry(one.measured, form(one.form), 10, algo("sha256"), one.big_endian);
    ASSERT_TRUE(entry && entry->is_known()) << one.name;
    EXPECT_EQ(entry->digest(Hash::sha1)->hex(), one.sha1) << one.name;
    if (!one.sha256.empty()) {
      EXPECT_EQ(entry->digest(Hash::sha256)->hex(), one.sha256) << one.name;
    }
  }
}

// Eight entries, the list of which evmctl 1.4 verified (ima_measurement --verify-sig).
constexpr std::string_view kList =
    "0a0000004f38ef8f82bbc2a73f2169c57ff5c76e14ce353d07000000696d612d736967430000002800000073"
    "68613235363a0000000000000000000000000000000000000000000000000000000000000000000f00000062"
    "6f6f745f61676772656761746500000000000a0000000a2a4e095391ca25ab88621bb9a7b485690f160f0700"
    "0000696d612d73696747000000280000007368613235363a00a5179bba8fab834fc386a17478842d04b2742d"
    "653c9addae998e007c242d02d4130000002f7573722f62696e2f68656c6c6f5f696d6100000000000a000000"
    "d1d0c073f5a54e8aaa69187d0d6b5cf0b8acd89d07000000696d612d736967d3000000280000007368613235"
    "363a00a5179bba8fab834fc386a17478842d04b2742d653c9addae998e007c242d02d4160000002f7573722f"
    "62696e2f68656c6c6f2d7369676e65640089000000030204571f2bd8008071e330659daa7b4c225f44733b9b"
    "923808443ce9c2dfc5a91b19f41432afd3b97846cd377a3d6e0049714bde04d162efc52a422befe463eac3a8"
    "710f55e1455b9e1951decd5d8df71f0fa64f021da1056a40cc64ec14c02f22694da9547f45d08234dccdcba6"
    "394b0dfd54da78d7ae61754be1c66bb2fb4164f4f28e611fb8d90a000000f3ad4fd16ab79ff281824eb2d1c7"
    "10ebe47e761807000000696d612d62756656000000280000007368613235363a000644fce991902318799a34"
    "2d28b967f24038c0165a1d206147583bd4f1ac151e0e0000006b657865632d636d646c696e65001400000071"
    "7569657420726f6f743d2f6465762f736461310a000000000000000000000000000000000000000000000007"
    "000000696d612d7369673f000000280000007368613235363a00000000000000000000000000000000000000"
    "00000000000000000000000000000b0000002f7661722f6c6f672f7800000000000a00000085b1b24a44e174"
    "d8e8982ff84442e62024a3fad607000000696d612d62756651000000280000007368613235363a00e8e1ee90"
    "b8cdc1a2c04560d531e143636d7766e0acef8b6bfc5422ed389ed6470f0000006b65726e656c5f7665727369"
    "6f6e000e000000362e312e302d35302d616d6436340a0000000e14f5c4e62853532d4e6f6c1d64f6dc1d4f35"
    "2208000000696d612d6e677632370000002c000000696d613a7368613235363a00a5179bba8fab834fc386a1"
    "7478842d04b2742d653c9addae998e007c242d02d4030000002f66000a000000a5a65179b09132a438fcf42b"
    "af97a2ed8d90bf670a000000696d612d6d6f647369676f000000280000007368613235363a00a5179bba8fab"
    "834fc386a17478842d04b2742d653c9addae998e007c242d02d4060000002f6d2e6b6f000000000028000000"
    "7368613235363a002cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982405000000"
    "3003020105";

TEST(ImaMeasurement, TheBinaryList) {
  const Bytes signature = bytes_of_hex(vectors::kSignature);
  const ImaXattr xattr = read_ima_xattr(View(signature));
  const FileDigest file = digest_of("sha256");
  ImaEvidence evidence = file_with({});
  ImaMeasured signed_file = of("/usr/bin/hello-signed", file);
  signed_file.file = &evidence;
  signed_file.xattr = &xattr;
  ImaMeasured violation = of("/var/log/x", {&algo("sha256"), std::nullopt});
  violation.is_violation = true;
  const auto buffer = [](std::string_view name, std::string_view text) {
    return of(name, digest_of("sha256", text), bytes_of(text));
  };
  const Bytes message = bytes_of_hex("3003020105");
  const SignatureEvidence appended(message, 0);
  const Modsig modsig{&appended, *compute_digest(Hash::sha256, bytes_of("hello"))};
  ImaMeasured module = of("/m.ko", file);
  module.modsig = &modsig;
  const std::pair<std::string_view, ImaMeasured> entries[] = {
      {"ima-sig", of("boot_aggregate", zeros("sha256"))},
      {"ima-sig", of("/usr/bin/hello ima", file)},
      {"ima-sig", signed_file},
      {"ima-buf", buffer("kexec-cmdline", "quiet root=/dev/sda1")},
      {"ima-sig", violation},
      {"ima-buf", buffer("kernel_version", "6.1.0-50-amd64")},
      {"ima-ngv2", of("/f", file)},
      {"ima-modsig", module},
  };
  Bytes list;
  for (const auto& [name, measured] : entries) {
    const auto entry = make_ima_entry(measured, form(name), 10, algo("sha256"), false);
    ASSERT_TRUE(entry && entry->is_known()) << name;
    const auto record = entry->binary();
    ASSERT_TRUE(record);
    list.insert(list.end(), record->begin(), record->end());
  }
  EXPECT_EQ(to_hex(list), kList);
}

TEST(ImaMeasurement, TheOldestBinaryRecord) {
  const auto entry =
      make_ima_entry(of("/usr/bin/hello", digest_of("sha1")), form("ima"), 10, algo("sha1"), false);
  EXPECT_EQ(to_hex(*entry->binary()),
            "0a000000076bbc14a4599a59c74229f3b78a7edf7eaa2caa03000000696d61ae22c6afae407276c1be2619"
            "cf4ec30e3a7652ae0e0000002f7573722f62696e2f68656c6c6f");
}

// ima_show_template_data_ascii.
TEST(ImaMeasurement, Lines) {
  const auto line = [](const ImaMeasured& measured, const ImaTemplate& tmpl) {
    const auto entry = make_ima_entry(measured, tmpl, 9, algo("sha256"), false);
    return entry ? entry->ascii() : "lost";
  };
  // From a booted kernel.
  EXPECT_EQ(line(of("boot_aggregate", zeros("sha256")), form("ima-sig")),
            " 9 4f38ef8f82bbc2a73f2169c57ff5c76e14ce353d ima-sig "
            "sha256:0000000000000000000000000000000000000000000000000000000000000000 "
            "boot_aggregate ");
  ImaEvidence file = file_with_ima(vectors::kHashSha1);
  file.file.owner = 1000;
  file.file.group = 100;
  ImaMeasured measured = of("/a b", digest_of("sha1"));
  measured.file = &file;
  const ImaTemplate numbers{"", "n|iuid|igid|imode|xattrnames|xattrlengths"};
  const std::string shown = line(measured, numbers);
  EXPECT_NE(shown.find(" n|iuid|igid|imode|xattrnames|xattrlengths /a_b 1000 100 33261 "
                       "security.ima 15000000"),
            shown.npos)
      << shown;
  // What is not known is said to be; an entry of which the kernel cannot make a field is none.
  file.file.owner.reset();
  measured.name.reset();
  EXPECT_EQ(line(measured, ImaTemplate{"", "n|iuid"}), " 9 ? n|iuid ? ?");
  EXPECT_EQ(line(of("kexec-cmdline", digest_of("sha256")), form("ima")), "lost");
  // A name beyond 255 bytes is the last part of it.
  measured.name = "/" + std::string(300, 'd') + "/file";
  EXPECT_NE(line(measured, ImaTemplate{"", "n"}).find(" n file"), std::string::npos);
  EXPECT_NE(line(measured, ImaTemplate{"", "n-ng"}).find("ddd/file"), std::string::npos);
}

// A portable security.evm stands where there is no signature in security.ima.
TEST(ImaMeasurement, SignaturesOfEvm) {
  ImaEvidence file = file_with({{"security.ima", bytes_of_hex(vectors::kHashSha256)},
                                {"security.evm", bytes_of_hex(vectors::kPortable)}});
  const auto xattr = file.xattr(kXattrIma);
  ImaMeasured measured = of("/f", digest_of("sha256"));
  measured.file = &file;
  measured.xattr = &*xattr;
  const auto entry = make_ima_entry(measured, form("ima-sig"), 10, algo("sha256"), false);
  EXPECT_EQ(to_hex(*entry->fields[2].data), vectors::kPortable);
}

TEST(ImaMeasurement, WhatIsMeasuredIsInTheVerdict) {
  ImaMachine machine;
  ImaEvidence file = file_with_ima(vectors::kSignature);
  file.file.path = "/usr/bin/hello-signed";
  const ImaVerdict verdict =
      machine.ask({"measure func=FILE_CHECK pcr=11"}, event_of(ImaHook::file_check), file);
  ASSERT_TRUE(verdict.entry);
  EXPECT_EQ(verdict.entry->pcr, 11);
  EXPECT_EQ(verdict.entry->digest(Hash::sha1)->hex(), "d1d0c073f5a54e8aaa69187d0d6b5cf0b8acd89d");
  EXPECT_TRUE(verdict.inode.measured);
  // The same again is not measured again.
  EXPECT_FALSE(machine
                   .ask({"measure func=FILE_CHECK pcr=11"}, event_of(ImaHook::file_check), file,
                        verdict.inode)
                   .entry);
}

TEST(ImaMeasurement, BuffersAreMeasuredWhereARuleSaysSo) {
  ImaMachine machine;
  machine.config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
  machine.boot({"measure func=KEY_CHECK keyrings=.ima|.evm pcr=0", "measure func=KEXEC_CMDLINE"});
  const ImaKernel kernel{*machine.state, machine.config, machine.signatures, machine.rings,
                         machine.evm};
  ImaEvent event = event_of(ImaHook::key_check);
  event.data = ".ima";
  const Bytes certificate = bytes_of_hex(vectors::kCertificate);
  const auto entry = measure_ima_buffer(*machine.walk, kernel, event, {}, ".ima", certificate);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->digest(Hash::sha1)->hex(), "21e7232b3e8f7c39023ef51ec3bec5ecf1d53a18");
  EXPECT_EQ(entry->pcr, 10);
  event.data = ".platform";
  EXPECT_FALSE(measure_ima_buffer(*machine.walk, kernel, event, {}, ".platform", certificate));
}

}  // namespace
}  // namespace assay
