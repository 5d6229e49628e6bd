#include "formats/ber.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "testing/mutate.h"
#include "testing/reference_asn1.h"
#include "testing/samples.h"

namespace assay {
namespace {

using der::Bytes;

// The grammar of ecdsasignature.asn1 and rsapubkey.asn1 as steps.
struct Pair {
  std::optional<BerFault> fault;
  View first;
  View second;
};

Pair read_pair(View data) {
  BerDecoder ber(data);
  BerElement first;
  BerElement second;
  ber.enter(ber::kSequence);
  ber.leaf(ber::kInteger, first);
  ber.leaf(ber::kInteger, second);
  ber.leave();
  return {ber.fault(), first.content, second.content};
}

void expect_agreement(Grammar grammar, const Bytes& bytes) {
  const Pair ours = read_pair(View(bytes));
  const GrammarRun run = run_grammar(grammar, View(bytes));
  ASSERT_EQ(!ours.fault, run.ending == GrammarEnding::complete) << to_hex(bytes);
  ASSERT_LE(run.calls.size(), 2U);
  for (std::size_t i = 0; i < run.calls.size(); ++i)
    ASSERT_EQ((i == 0 ? ours.first : ours.second).extent(), run.calls[i].value.extent());
}

TEST(Ber, PairsOfNumbersAgreeWithTheReference) {
  Random random(40);
  const Bytes samples[] = {
      der::sequence({der::integer(5), der::integer(600)}),
      der::indefinite(0x30, {der::integer(5), der::integer(6)}),
      der::sequence({der::integer(Bytes(130, 0x7F)), der::integer(Bytes(70, 0xFF))}),
  };
  for (const Grammar grammar : {Grammar::ecdsa_signature, Grammar::rsa_public_key})
    for (const Bytes& sample : samples) {
      expect_agreement(grammar, sample);
      for (int round = 0; round < 20000; ++round) {
        Bytes bytes = sample;
        for (std::size_t changes = 1 + random() % 3; changes > 0; --changes)
          bytes = mutate_ber(bytes, random);
        expect_agreement(grammar, bytes);
      }
    }
}

struct FaultCase {
  std::string_view name;
  std::string_view bytes;
  std::optional<BerFaultKind> fault;
  std::uint64_t offset = 0;
};

TEST(Ber, FaultsHaveAKindAndAPlace) {
  using enum BerFaultKind;
  const FaultCase cases[] = {
      {"good", "3006 020105 020106", std::nullopt},
      {"non-minimal lengths", "308108 02820001 05 020106", std::nullopt},
      {"indefinite length", "3080 020105 020106 0000", std::nullopt},
      {"bytes after it", "3006 020105 020106 ffff", std::nullopt},
      {"constructed bit missing", "1006 020105 020106", std::nullopt},
      {"empty", "", overrun, 0},
      {"one byte", "30", overrun, 0},
      {"content cut", "3006 020105 0201", overrun, 2},
      {"number cut", "3005 020105 0201", overrun, 7},
      {"length cut", "3082 00", overrun, 2},
      {"another tag", "3106 020105 020106", unexpected_tag, 0},
      {"another tag inside", "3006 020105 030106", unexpected_tag, 5},
      {"constructed number", "3006 220105 020106", unexpected_tag, 2},
      {"long tag", "3f06 020105 020106", long_tag, 0},
      {"three length octets", "3083000006 020105 020106", length_too_long, 1},
      {"reserved length", "30ff", length_too_long, 1},
      {"primitive of indefinite length", "3006 028000 00 020106", indefinite_primitive, 3},
      {"no end-of-contents", "3080 020105 020106", overrun, 8},
      {"something else than end-of-contents", "3080 020105 020106 0500", missing_end, 8},
      {"end-of-contents with a length", "3080 020105 020106 0001 00", invalid_end, 8},
      {"one byte left over", "3007 020105 020106 00", leftover, 8},
  };
  for (const FaultCase& one : cases) {
    const Bytes bytes = der::from_hex(one.bytes);
    const Pair pair = read_pair(View(bytes, 500));
    ASSERT_EQ(pair.fault.has_value(), one.fault.has_value()) << one.name;
    const GrammarRun run = run_grammar(Grammar::rsa_public_key, View(bytes));
    EXPECT_EQ(run.ending == GrammarEnding::complete, !one.fault) << one.name << run.message;
    if (!one.fault) continue;
    EXPECT_EQ(pair.fault->kind, *one.fault) << one.name;
    EXPECT_EQ(pair.fault->where.offset, 500 + one.offset) << one.name;
    EXPECT_FALSE(describe(*pair.fault).empty()) << one.name;
    EXPECT_EQ(describe(*pair.fault).find('\n'), std::string::npos);
  }
}

TEST(Ber, FaultsAreSticky) {
  const Bytes bytes = der::from_hex("0500 020101");
  BerDecoder ber{View(bytes)};
  BerElement element;
  EXPECT_FALSE(ber.leaf(ber::kInteger, element));
  EXPECT_FALSE(ber.ok());
  EXPECT_FALSE(ber.leaf(ber::kNull, element));
  EXPECT_FALSE(ber.any(element));
  EXPECT_FALSE(ber.any_or_skip(element));
  EXPECT_FALSE(ber.enter_or_skip(ber::kSequence));
  EXPECT_FALSE(ber.choice_made());
  EXPECT_FALSE(ber.more());
  EXPECT_FALSE(ber.leave());
  EXPECT_FALSE(ber.last_matched());
  EXPECT_EQ(ber.fault()->kind, BerFaultKind::unexpected_tag);
}

// No grammar of the kernel opens more than nine; the limit is the decoder's all the same.
TEST(Ber, TenContainersMayBeOpen) {
  for (const std::size_t depth : {9U, 10U, 11U}) {
    Bytes bytes = der::null();
    for (std::size_t i = 0; i < depth; ++i) bytes = der::sequence({bytes});
    BerDecoder ber{View(bytes)};
    BerElement element;
    for (std::size_t i = 0; i < depth; ++i) ber.enter(ber::kSequence);
    ber.leaf(ber::kNull, element);
    for (std::size_t i = 0; i < depth; ++i) ber.leave();
    EXPECT_EQ(ber.ok(), depth <= 10) << depth;
    if (depth > 10) {
      EXPECT_EQ(ber.fault()->kind, BerFaultKind::too_deep);
    }
  }
}

TEST(Ber, GrammarsOpenAtMostNineContainers) {
  std::size_t deepest = 0;
  for (const Bytes& message : sample_messages())
    deepest = std::max(deepest, run_grammar(Grammar::pkcs7, View(message)).deepest);
  for (const Bytes& certificate : sample_certificates())
    deepest = std::max(deepest, run_grammar(Grammar::x509, View(certificate)).deepest);
  EXPECT_EQ(deepest, 9U);
}

// What an ANY element of indefinite length holds need not follow any grammar, but has to end.
TEST(Ber, AnyOfIndefiniteLength) {
  const FaultCase cases[] = {
      {"nested", "3080 3080 0000 0401aa 0000", std::nullopt},
      {"a long tag inside", "3080 1f8101 01aa 0000", std::nullopt},
      {"seven length octets", "3080 0487 00000000000001 aa 0000", std::nullopt},
      {"eight length octets", "3080 0488 0000000000000001 aa 0000", BerFaultKind::length_too_long,
       4},
      {"content cut", "3080 0405 aa 0000", BerFaultKind::overrun, 4},
      {"a length near the largest", "3080 0487 ffffffffffffff aa 0000", BerFaultKind::overrun, 11},
      {"no end", "3080 0401aa", BerFaultKind::missing_end, 5},
      {"half an end", "3080 0401aa 00", BerFaultKind::overrun, 5},
      {"end with a length", "3080 0001", BerFaultKind::invalid_end, 4},
      {"primitive of indefinite length inside", "3080 0480 0000 0000",
       BerFaultKind::indefinite_primitive, 4},
      {"long tag without end", "3080 1fff ffff", BerFaultKind::overrun, 5},
  };
  for (const FaultCase& one : cases) {
    const Bytes bytes = der::from_hex(one.bytes);
    BerDecoder ber{View(bytes)};
    BerElement element;
    EXPECT_EQ(ber.any(element), !one.fault) << one.name;
    if (one.fault) {
      ASSERT_TRUE(ber.fault()) << one.name;
      EXPECT_EQ(ber.fault()->kind, *one.fault) << one.name;
      EXPECT_EQ(ber.fault()->where.offset, one.offset) << one.name;
    } else {
      EXPECT_EQ(element.raw.size(), bytes.size()) << one.name;
      EXPECT_EQ(element.content.size(), bytes.size() - 2) << one.name;
    }
  }
}

TEST(BerNodes, TakeApartAndPutTogetherIsTheIdentity) {
  for (const Bytes& message : sample_messages())
    EXPECT_EQ(write_ber_nodes(parse_ber_nodes(message)), message);
  for (const Bytes& certificate : sample_certificates())
    EXPECT_EQ(write_ber_nodes(parse_ber_nodes(certificate)), certificate);
}

}  // namespace
}  // namespace assay
