#include "formats/oid.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "base/hex.h"
#include "testing/der.h"

namespace assay {
namespace {

using der::Bytes;

Bytes content_of(std::string_view dotted) {
  const Bytes element = der::oid(dotted);
  return {element.begin() + 2, element.end()};
}

struct Row {
  Oid oid;
  std::string_view dotted;
  std::string_view text;
};

constexpr Row kRows[] = {
#define OID(name, dotted, text) {Oid::name, dotted, text},
#include "formats/oids.def"
#undef OID
};

TEST(OidTable, EveryRowRoundTrips) {
  std::set<std::string_view> dotted;
  std::set<std::string_view> texts;
  for (const Row& row : kRows) {
    const Bytes content = content_of(row.dotted);
    EXPECT_EQ(find_oid(View(content)), row.oid) << row.dotted;
    EXPECT_EQ(to_hex(oid_content(row.oid)), to_hex(content)) << row.dotted;
    EXPECT_EQ(dotted_oid(View(content)), row.dotted);
    EXPECT_EQ(oid_text(row.oid), row.text);
    EXPECT_EQ(oid_text(View(content)), row.text);
    EXPECT_TRUE(dotted.insert(row.dotted).second) << row.dotted;
    EXPECT_TRUE(texts.insert(row.text).second) << row.text;
  }
}

TEST(OidTable, NothingNearARowIsTheRow) {
  for (const Row& row : kRows) {
    Bytes content = content_of(row.dotted);
    content.push_back(1);
    EXPECT_NE(find_oid(View(content)), row.oid);
    content.pop_back();
    content.back() = static_cast<std::uint8_t>(content.back() ^ 0x40);
    EXPECT_NE(find_oid(View(content)), row.oid);
    content.pop_back();
    EXPECT_NE(find_oid(View(content)), row.oid);
  }
  EXPECT_EQ(find_oid(View()), Oid::unknown);
  EXPECT_TRUE(oid_content(Oid::unknown).empty());
  EXPECT_EQ(oid_text(Oid::unknown), "unknown");
}

// The encodings are those that openssl asn1parse shows.
TEST(DottedOid, KnownValues) {
  struct Case {
    std::string_view content;
    std::string_view dotted;
  };
  const Case cases[] = {
      {"2a864886f70d010702", "1.2.840.113549.1.7.2"},
      {"608648016503040201", "2.16.840.1.101.3.4.2.1"},
      {"2b0e03021a", "1.3.14.3.2.26"},
      {"2a8648ce3d030107", "1.2.840.10045.3.1.7"},
      {"2b81040022", "1.3.132.0.34"},
      {"2b06010401823702010c", "1.3.6.1.4.1.311.2.1.12"},
      {"0992268993f22c640119", "0.9.2342.19200300.100.1.25"},
      {"00", "0.0"},
      {"27", "0.39"},
      {"28", "1.0"},
      {"4f", "1.39"},
      {"50", "2.0"},
      {"8837", "2.999"},
      {"2a8180808080808080807f", "1.2.9223372036854775935"},
      {"", ""},
      {"2a86", ""},                    // cut inside an arc
      {"80", ""},                      // cut in the first
      {"2affffffffffffffffff7f", ""},  // an arc of more than 64 bits
  };
  for (const Case& one : cases) {
    const Bytes content = der::from_hex(one.content);
    EXPECT_EQ(dotted_oid(View(content)), one.dotted) << one.content;
  }
  EXPECT_EQ(dotted_oid(View(Bytes(65, 1))), "");
}

TEST(DottedOid, RoundTripsForAnyArcs) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint32_t>& arcs) {
    std::string dotted = "1.3";
    for (std::size_t i = 0; i < std::min<std::size_t>(arcs.size(), 10); ++i)
      dotted += "." + std::to_string(arcs[i]);
    const Bytes content = content_of(dotted);
    RC_ASSERT(dotted_oid(View(content)) == dotted);
  }));
}

TEST(OidText, FallsBackToDottedAndToBytes) {
  EXPECT_EQ(oid_text(View(content_of("1.2.3.4"))), "1.2.3.4");
  EXPECT_EQ(oid_text(View(der::from_hex("2a86"))), "invalid OID 2a86");
  EXPECT_EQ(oid_text(View()), "invalid OID ");
}

// The kernel goes by include/linux/oid_registry.h; these are the rows it and we both have by other
// names.
TEST(OidTable, HasTheKernelsNumbers) {
  struct Case {
    Oid oid;
    std::string_view dotted;  // from the comments of oid_registry.h
  };
  const Case cases[] = {
      {Oid::rsa_sha224, "1.2.840.113549.1.1.14"},
      {Oid::rsa_sha3_256, "2.16.840.1.101.3.4.3.14"},
      {Oid::ecdsa_sha3_256, "2.16.840.1.101.3.4.3.10"},
      {Oid::sha3_256, "2.16.840.1.101.3.4.2.8"},
      {Oid::ml_dsa_44, "2.16.840.1.101.3.4.3.17"},
      {Oid::streebog256, "1.2.643.7.1.1.2.2"},
      {Oid::gost2012_key_256, "1.2.643.7.1.1.1.1"},
      {Oid::gost2012_sig_256, "1.2.643.7.1.1.3.2"},
      {Oid::sm2_sm3, "1.2.156.10197.1.501"},
      {Oid::ms_statement_type, "1.3.6.1.4.1.311.2.1.11"},
      {Oid::ms_opus_info, "1.3.6.1.4.1.311.2.1.12"},
      {Oid::smime_capabilities, "1.2.840.113549.1.9.15"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(to_hex(oid_content(one.oid)), to_hex(content_of(one.dotted))) << one.dotted;
}

}  // namespace
}  // namespace assay
