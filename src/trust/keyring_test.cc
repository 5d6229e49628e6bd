// find_asymmetric_key and the search of keyrings below it.

#include "trust/keyring.h"

#include <gtest/gtest.h>

#include "signatures/explore.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::pkcs7;

Key make_key(const CertificateSample& sample, KeyState usable = KeyState::good) {
  Key key;
  key.certificate = PreparedCertificate::own(sample.write());
  key.usable = usable;
  return key;
}

CertificateSample named(std::string_view issuer, std::uint64_t serial,
                        std::string_view skid_hex = {}, const RsaVector& key = kGoodKey) {
  CertificateSample sample = rsa_certificate(issuer, "subject", key);
  sample.serial = der::integer(serial);
  if (!skid_hex.empty())
    sample.extensions = {
        extension(oids::kSubjectKeyIdentifier, der::octet_string(der::from_hex(skid_hex)))};
  return sample;
}

// An identifier that owns its bytes.
struct Wanted {
  Bytes bytes;
  KeyId id() const { return {View(bytes), {}}; }
};

Wanted by_id(std::string_view issuer, std::uint64_t serial) {
  const Bytes number = der::integer(serial);
  const Bytes name = der::name(issuer);
  return {
      der::join({Bytes(number.begin() + 2, number.end()), Bytes(name.begin() + 2, name.end())})};
}
Wanted by_skid(std::string_view hex) { return {der::from_hex(hex)}; }

struct Found {
  const Key* key;
  Ended missing;
};

Found search(const Keyring& ring, const std::optional<Wanted>& id,
             const std::optional<Wanted>& skid = std::nullopt) {
  Walk walk = walk_of(kAnchor72);
  const auto id_of = [](const std::optional<Wanted>& wanted) {
    return wanted ? std::optional(wanted->id()) : std::nullopt;
  };
  const KeySearch search = find_key(walk, ring, id_of(id), id_of(skid));
  return {search.key, ended(walk, search.missing)};
}

const Ended kNoKey{Errno::enokey, nullptr};

TEST(FindKey, ByEitherIdentifierOfAKey) {
  Keyring ring("ring");
  ring.add(make_key(named("a", 1, "aa01")));
  ring.add(make_key(named("b", 2, "bb02")));
  ring.add(make_key(named("c", 3)));
  EXPECT_EQ(search(ring, by_id("b", 2)).key, &ring.keys()[1]);
  EXPECT_EQ(search(ring, by_id("c", 3)).key, &ring.keys()[2]);
  // The first identifier asked for is compared with both of each key, and so is the second alone.
  EXPECT_EQ(search(ring, by_skid("aa01")).key, &ring.keys()[0]);
  EXPECT_EQ(search(ring, std::nullopt, by_skid("bb02")).key, &ring.keys()[1]);
  EXPECT_EQ(search(ring, std::nullopt, by_id("b", 2)).key, &ring.keys()[1]);
  for (const Wanted& wanted : {by_id("b", 1), by_id("B", 2), by_skid("aa"), by_skid("aa0100")}) {
    EXPECT_EQ(search(ring, wanted).key, nullptr);
    EXPECT_EQ(search(ring, wanted).missing, kNoKey);
  }
  EXPECT_EQ(search(Keyring("empty"), by_id("a", 1)).missing, kNoKey);
}

TEST(FindKey, WhatIsFoundByTheFirstMustHaveTheSecond) {
  Keyring ring("ring");
  ring.add(make_key(named("a", 1, "aa01")));
  ring.add(make_key(named("c", 3)));
  const Ended lookup = refused_by(rule::key_lookup);
  EXPECT_EQ(search(ring, by_id("a", 1), by_skid("aa01")).key, &ring.keys()[0]);
  EXPECT_EQ(search(ring, by_skid("aa01"), by_skid("aa01")).key, &ring.keys()[0]);
  EXPECT_EQ(search(ring, by_id("a", 1), by_skid("ffff")).missing, lookup);
  EXPECT_EQ(search(ring, by_id("c", 3), by_skid("aa01")).missing, lookup);
  // Found by the second only is not found.
  EXPECT_EQ(search(ring, by_id("z", 1), by_skid("aa01")).missing, kNoKey);
}

TEST(FindKey, AnEmptyIdentifierIsAnError) {
  Keyring ring("ring");
  ring.add(make_key(named("a", 1, "aa01")));
  const Ended empty = refused_by(rule::key_name);
  EXPECT_EQ(search(ring, Wanted{}).missing, empty);
  EXPECT_EQ(search(ring, std::nullopt, Wanted{}).missing, empty);
  EXPECT_EQ(search(ring, Wanted{}, by_skid("aa01")).missing, empty);
  EXPECT_EQ(search(Keyring("empty"), Wanted{}).missing, empty);
}

// keyring_search_iterator asks for the state of every key it passes before it compares.
TEST(FindKey, KeysThatAreExpiredOrRevokedSpoilTheSearch) {
  struct Case {
    std::string_view name;
    KeyState wanted, other;
    bool found;
    Ended missing;
  };
  const Ended expired = refused_by(rule::key_not_expired);
  const Ended revoked = refused_by(rule::key_not_revoked);
  const Case cases[] = {
      {"good", KeyState::good, KeyState::good, true, {}},
      {"another expired", KeyState::good, KeyState::expired, true, {}},
      {"another revoked", KeyState::good, KeyState::revoked, true, {}},
      {"expired", KeyState::expired, KeyState::good, false, expired},
      {"revoked", KeyState::revoked, KeyState::good, false, revoked},
  };
  for (const Case& one : cases) {
    Keyring ring("ring");
    ring.add(make_key(named("other", 9), one.other));
    ring.add(make_key(named("a", 1), one.wanted));
    const Found found = search(ring, by_id("a", 1));
    EXPECT_EQ(found.key != nullptr, one.found) << one.name;
    EXPECT_EQ(found.missing, one.missing) << one.name;
    // Whatever is not there at all is spoilt too.
    const bool spoilt = one.other != KeyState::good || one.wanted != KeyState::good;
    EXPECT_EQ(search(ring, by_id("nobody", 1)).missing == kNoKey, !spoilt) << one.name;
  }
}

TEST(FindKey, OfSeveralSpoilersTheLastOnePassedCounts) {
  Keyring ring("ring");
  const auto linked_ring = std::make_shared<Keyring>("linked");
  Keyring& linked = *linked_ring;
  ring.link(linked_ring);
  ring.add(make_key(named("a", 1), KeyState::revoked));
  linked.add(make_key(named("b", 1), KeyState::expired));
  EXPECT_EQ(search(ring, by_id("z", 1)).missing, refused_by(rule::key_not_expired));
  linked.keys()[0].usable = KeyState::good;
  EXPECT_EQ(search(ring, by_id("z", 1)).missing, refused_by(rule::key_not_revoked));
  // In one ring the order is the kernel's own.
  ring.add(make_key(named("c", 2), KeyState::expired));
  const Wanted wanted = by_id("z", 1);
  const auto explored = explore(
      {kAnchor72, Variant::debian, Arch::x86_64}, false,
      [&](Walk& walk) { return find_key(walk, ring, wanted.id(), std::nullopt).missing.err; },
      std::equal_to<>());
  EXPECT_EQ(explored.open.size(), 1U);
}

TEST(FindKey, LinkedRingsAreSearchedAfterTheirOwner) {
  Keyring ring("ring");
  const auto linked_ring = std::make_shared<Keyring>("linked");
  const auto deeper_ring = std::make_shared<Keyring>("deeper");
  Keyring& linked = *linked_ring;
  Keyring& deeper = *deeper_ring;
  ring.link(linked_ring);
  linked.link(deeper_ring);
  deeper.add(make_key(named("a", 1)));
  EXPECT_EQ(search(ring, by_id("a", 1)).key, &deeper.keys()[0]);
  linked.add(make_key(named("a", 1)));
  EXPECT_EQ(search(ring, by_id("a", 1)).key, &linked.keys()[0]);
  ring.add(make_key(named("a", 1)));
  EXPECT_EQ(search(ring, by_id("a", 1)).key, &ring.keys()[0]);
  // A spoiler in a linked ring is not even seen when the key is found before.
  deeper.keys()[0].usable = KeyState::revoked;
  EXPECT_EQ(search(ring, by_id("a", 1)).key, &ring.keys()[0]);
  EXPECT_EQ(search(deeper, by_id("a", 1)).missing, refused_by(rule::key_not_revoked));
}

// Two certificates with one identifier: the kernel finds the one or the other.
TEST(FindKey, TwoKeysWithOneIdentifier) {
  const Wanted wanted = by_skid("aa01");
  const auto explore_ring = [&](const Keyring& ring) {
    return explore(
        {kAnchor72, Variant::debian, Arch::x86_64}, false,
        [&](Walk& walk) { return find_key(walk, ring, wanted.id(), std::nullopt).key; },
        std::equal_to<>());
  };
  CertificateSample other = named("b", 2, "aa01", kOtherKey);
  other.subject = der::name("other");
  Keyring different("ring");
  different.add(make_key(named("a", 1, "aa01")));
  different.add(make_key(other));
  EXPECT_EQ(explore_ring(different).first, &different.keys()[0]);
  EXPECT_EQ(explore_ring(different).open.size(), 1U);
  Keyring same("ring");
  same.add(make_key(named("a", 1, "aa01")));
  EXPECT_TRUE(explore_ring(same).open.empty());
}

// x509_key_preparse: the subject's name, and the key identifier or else the serial number.
TEST(KeyDescription, OfSubjectAndIdentifier) {
  const auto description = [](const CertificateSample& sample) {
    const Bytes bytes = sample.write();
    return key_description(parse_certificate(View(bytes)));
  };
  EXPECT_EQ(description(named("a", 0x1234)), "subject: 1234");
  EXPECT_EQ(description(named("a", 0x1234, "aa01")), "subject: aa01");
  CertificateSample cut = named("a", 1);
  cut.subject = der::name(std::string_view("sub\0ject", 8));
  EXPECT_EQ(description(cut), "sub: 01");
}

TEST(Keyring, ReplacesAKeyOfTheSameDescription) {
  Keyring ring("ring");
  ring.add(make_key(named("a", 1, "aa01")));
  ring.add(make_key(named("a", 2, "aa01", kOtherKey)));
  ASSERT_EQ(ring.keys().size(), 1U);
  EXPECT_EQ(search(ring, by_id("a", 1)).missing, kNoKey);
  EXPECT_EQ(search(ring, by_id("a", 2)).key, &ring.keys()[0]);
  EXPECT_EQ(search(ring, by_skid("aa01")).key, &ring.keys()[0]);
  // Another identifier, another serial number without one, another name: another key.
  ring.add(make_key(named("a", 1, "aa02")));
  ring.add(make_key(named("a", 1)));
  ring.add(make_key(named("a", 3)));
  CertificateSample other = named("a", 4, "aa01");
  other.subject = der::name("other");
  ring.add(make_key(other));
  EXPECT_EQ(ring.keys().size(), 5U);
}

}  // namespace
}  // namespace assay
