// s390_verify_sig: the rules for the file; what comes after them is that of modules.

#include "judge/s390_sig.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::s390_sig;

Bytes block(std::string_view fields, std::uint8_t sig_len) {
  return der::join({der::from_hex(fields), {0, 0, 0, sig_len}});
}

Ended verify(const Bytes& file, std::optional<bool> ipl_secure) {
  Platform platform;
  platform.kernel = {kAnchor72, Variant::debian, Arch::s390x};
  platform.state.ipl_secure = ipl_secure;
  platform.ring(Ring::secondary_trusted_keys) = std::make_shared<Keyring>("ring");
  platform.ring(Ring::platform) = platform.ring(Ring::secondary_trusted_keys);
  const auto evidence = collect_appended(ViewContent(View(file)), {});
  Walk walk(platform.kernel, {}, true);
  TrustedBy by;
  return ended(walk, s390_verify_sig(walk, *evidence, platform, by));
}

TEST(S390Sig, EveryRuleOfTheFile) {
  const Bytes marker = der::bytes(kSignatureMarker);
  const std::string_view good = "0000020000000000";
  struct Case {
    std::string_view name;
    Bytes file;
    Ended end;
  };
  const Case cases[] = {
      {"empty", {}, refused_by(rule::length)},
      {"27 bytes", Bytes(27, 1), refused_by(rule::length)},
      {"28 bytes", Bytes(28, 1), refused_by(rule::marker)},
      {"no marker", Bytes(100, 1), refused_by(rule::marker)},
      {"sig_len of all", der::join({Bytes(7, 1), block(good, 7), marker}),
       refused_by(rule::sig_len)},
      {"block alone", der::join({block(good, 0), marker}), refused_by(rule::sig_len)},
      {"id_type 1", der::join({Bytes(7, 1), block("0000010000000000", 3), marker}),
       refused_by(rule::id_type)},
      {"algo", der::join({Bytes(7, 1), block("0100020000000000", 3), marker}),
       refused_by(rule::zero_fields)},
      {"message that is none", der::join({Bytes(7, 1), block(good, 3), marker}),
       refused_by(rules::asn1::tag)},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(verify(one.file, true), one.end) << one.name;
    EXPECT_EQ(verify(one.file, false), Ended()) << one.name;
  }
}

// The kernel reads the block wherever it would have to start.
TEST(S390Sig, MarkerWithoutABlockInFrontOfIt) {
  for (std::size_t before = 0; before < kInfoBlockSize; ++before) {
    const Bytes file = der::join({Bytes(before, 1), der::bytes(kSignatureMarker)});
    const Ended end = verify(file, true);
    EXPECT_EQ(end.rule, &rule::block) << before;
  }
}

}  // namespace
}  // namespace assay
