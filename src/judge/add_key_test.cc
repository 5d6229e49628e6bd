// The system call add_key, for the keyrings that bear on signatures.

#include "judge/add_key.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::add_key;

Key make_key(const Bytes& der) {
  Key key;
  key.certificate = PreparedCertificate::own(der);
  PrimitiveCache cache;
  Walk walk = walk_of(kAnchor72);
  EXPECT_FALSE(check_certificate(walk, *key.certificate, {}, {}, cache, key.state).failed());
  return key;
}

Bytes root() { return rsa_certificate("root", "root").write(rsa_signer(kGoodKey)); }
Bytes leaf() { return rsa_certificate("root", "leaf", kOtherKey).write(rsa_signer(kGoodKey)); }

Platform make_platform() {
  Platform platform;
  platform.kernel = {kAnchor72, Variant::debian, Arch::x86_64};
  platform.config.set("CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE", "y");
  const auto ring = std::make_shared<Keyring>(".builtin_trusted_keys");
  ring->add(make_key(root()));
  platform.ring(Ring::builtin_trusted_keys) = ring;
  platform.ring(Ring::secondary_trusted_keys) = ring;
  return platform;
}

Verdict ask(const AddKeyRequest& request, const Platform& platform) {
  return conclude(platform.kernel, true, [&](Walk& walk) {
    CertificateState state;
    return add_key(walk, request, platform, state);
  });
}

AddKeyRequest certificate_for(std::optional<Ring> ring, const Bytes& der) {
  AddKeyRequest request;
  request.type = "asymmetric";
  request.target.ring = ring;
  request.certificate = PreparedCertificate::own(der);
  return request;
}

// A hash, signed by the root.
AddKeyRequest hash(const std::string& description) {
  AddKeyRequest request;
  request.type = "blacklist";
  request.description = description;
  request.target.is_blacklist = true;
  const Bytes text = der::bytes(description);
  MessageSample message;
  message.signers[0].sid = der::sequence({der::name("root"), der::integer(0x1234)});
  message.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, text));
  request.signature.emplace(message.write(), 0);
  EXPECT_TRUE(request.signature->digest_data(MemoryContent(text), 0, text.size()));
  return request;
}

TEST(AddKey, WhereUserSpaceMayWrite) {
  const Platform platform = make_platform();
  for (const Ring ring : {Ring::builtin_trusted_keys, Ring::machine, Ring::platform})
    EXPECT_EQ(ask(certificate_for(ring, leaf()), platform).deciding, &rule::writable);
  for (const Ring ring : {Ring::secondary_trusted_keys, Ring::ima_blacklist, Ring::fs_verity})
    EXPECT_EQ(ask(certificate_for(ring, leaf()), platform).decision, Decision::allowed);
  EXPECT_EQ(ask(certificate_for(std::nullopt, leaf()), platform).decision, Decision::allowed);
}

TEST(AddKey, OnlyCertificatesAndOnlyHashes) {
  const Platform platform = make_platform();
  AddKeyRequest request = certificate_for(Ring::secondary_trusted_keys, leaf());
  request.type = "user";
  EXPECT_EQ(ask(request, platform).deciding, &rule::asymmetric_only);
  request.target = {std::nullopt, true};
  EXPECT_EQ(ask(request, platform).deciding, &rule::blacklist_only);
  request.type = "asymmetric";
  EXPECT_EQ(ask(request, platform).deciding, &rule::blacklist_only);
  request.target = {};
  request.type = "user";
  EXPECT_EQ(ask(request, platform).decision, Decision::allowed);
}

// certs/blacklist.c blacklist_vet_description.
TEST(AddKey, DescriptionsOfHashes) {
  const Platform platform = make_platform();
  struct Case {
    std::string description;
    const Rule* rule;  // nothing: it is listed
  };
  const Case cases[] = {
      {"bin:" + std::string(64, 'a'), nullptr},
      {"tbs:00", nullptr},
      {"tbs:" + std::string(128, '0'), nullptr},
      {"tbs:" + std::string(130, '0'), &rule::hash_size},
      {"tbs:000", &rule::hash_form},
      {"tbs:", &rule::hash_form},
      {"tbs", &rule::hash_form},
      {"bbs:00", &rule::hash_form},
      {"bin:AA", &rule::hash_form},
      {"bin:0g", &rule::hash_form},
      {"", &rule::hash_form},
  };
  for (const Case& one : cases)
    EXPECT_EQ(ask(hash(one.description), platform).deciding, one.rule) << one.description;
}

TEST(AddKey, HashesAreSignedAndNew) {
  Platform platform = make_platform();
  AddKeyRequest other = hash("bin:01");
  other.description = "bin:02";
  EXPECT_EQ(ask(hash("bin:01"), platform).decision, Decision::allowed);
  platform.signatures.blocklist.add("bin:01");
  EXPECT_EQ(ask(hash("bin:01"), platform).deciding, &rule::new_hash);
  platform.config.set("CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE", "n");
  EXPECT_EQ(ask(hash("bin:03"), platform).deciding, &rule::writable);
  // A ring of users has no such guard.
  AddKeyRequest in_user_ring = hash("bin:03");
  in_user_ring.target = {};
  EXPECT_EQ(ask(in_user_ring, platform).deciding, &rule::hash_signed);
}

}  // namespace
}  // namespace assay
