// What parse_certificate makes of single parts: names, extensions, times.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "formats/x509.h"
#include "testing/samples.h"

namespace assay {
namespace {

using der::Bytes;

std::optional<std::int64_t> time_of(std::uint8_t tag, std::string_view text) {
  const Bytes content = der::bytes(text);
  BerElement element;
  element.tag = tag;
  element.content = View(content);
  return parse_time(element);
}

constexpr std::uint8_t kUtc = 0x17;
constexpr std::uint8_t kGeneralized = 0x18;

// A calendar that counts days one by one: a year has a leap day when it divides by 4, but not by
// 100 unless by 400 (ISO 8601).
struct SlowCalendar {
  int year = 1970;
  int month = 1;
  int day = 1;
  std::int64_t days = 0;

  int month_size() const {
    switch (month) {
      case 4:
      case 6:
      case 9:
      case 11: return 30;
      case 2: return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
      default: return 31;
    }
  }
  void advance() {
    ++days;
    if (++day > month_size()) {
      day = 1;
      ++month;
    }
    if (month > 12) {
      month = 1;
      ++year;
    }
  }
};

TEST(Time, EveryDayOfEveryYear) {
  for (SlowCalendar calendar; calendar.year <= 9999; calendar.advance()) {
    const bool utc = calendar.year <= 2049;
    const std::string text =
        utc ? fmt::format("{:02}{:02}{:02}123456Z", calendar.year % 100, calendar.month,
                          calendar.day)
            : fmt::format("{:04}{:02}{:02}123456Z", calendar.year, calendar.month, calendar.day);
    const auto time = time_of(utc ? kUtc : kGeneralized, text);
    ASSERT_EQ(time, calendar.days * 86400 + 12 * 3600 + 34 * 60 + 56) << text;
    if (calendar.day != calendar.month_size()) continue;
    // No day follows the last one of a month.
    std::string beyond = text;
    beyond.replace(beyond.size() - 9, 2, fmt::format("{:02}", calendar.day + 1));
    ASSERT_EQ(time_of(utc ? kUtc : kGeneralized, beyond), std::nullopt) << beyond;
  }
}

struct TimeCase {
  std::uint8_t tag;
  std::string_view text;
  std::optional<std::int64_t> seconds;
};

TEST(Time, Table) {
  constexpr std::int64_t kDay = 86400;
  const TimeCase cases[] = {
      {kUtc, "700101000000Z", 0},
      {kUtc, "691231235959Z", std::nullopt},  // 1969
      {kUtc, "991231235959Z", 946684799},
      {kUtc, "491231235959Z", 2524607999},    // 2049-12-31
      {kUtc, "500101000000Z", std::nullopt},  // 1950
      {kUtc, "000101000000Z", 946684800},
      {kUtc, "700101240000Z", kDay},  // midnight tomorrow
      {kUtc, "700101245960Z", kDay + 59 * 60 + 60},
      {kUtc, "700101000060Z", 60},  // a leap second
      {kUtc, "700101000061Z", std::nullopt},
      {kUtc, "700101006000Z", std::nullopt},
      {kUtc, "700101250000Z", std::nullopt},
      {kUtc, "700001000000Z", std::nullopt},
      {kUtc, "701301000000Z", std::nullopt},
      {kUtc, "700100000000Z", std::nullopt},
      {kUtc, "7001010000Z", std::nullopt},        // without seconds
      {kUtc, "700101000000", std::nullopt},       // without zone
      {kUtc, "700101000000+0000", std::nullopt},  // another zone
      {kUtc, "700101000000z", std::nullopt},
      {kUtc, "70010100000 Z", std::nullopt},
      {kUtc, "7001010000-1Z", std::nullopt},
      {kUtc, "", std::nullopt},
      {kUtc, "19700101000000Z", std::nullopt},
      {kGeneralized, "20500101000000Z", 2524608000},
      {kGeneralized, "20491231235959Z", std::nullopt},  // to be written as UTCTime
      {kGeneralized, "19700101000000Z", std::nullopt},
      {kGeneralized, "19500101000000Z", std::nullopt},
      {kGeneralized, "19491231235959Z", std::nullopt},  // before 1970
      {kGeneralized, "00000101000000Z", std::nullopt},
      {kGeneralized, "99991231235959Z", 253402300799},
      {kGeneralized, "21000229000000Z", std::nullopt},
      {kGeneralized, "24000229000000Z", 13574563200},
      {kGeneralized, "20500101000000.5Z", std::nullopt},
      {kGeneralized, "500101000000Z", std::nullopt},
      {0x16, "700101000000Z", std::nullopt},
      {0x37, "700101000000Z", std::nullopt},  // constructed
      {0x00, "", std::nullopt},
  };
  for (const TimeCase& one : cases) EXPECT_EQ(time_of(one.tag, one.text), one.seconds) << one.text;
}

// The validity that the kernel reads where one time or both are missing (lib/asn1_decoder.c passes
// over optional steps at the end of the data without forgetting what matched before).
TEST(Time, MissingOnes) {
  CertificateSample one;
  one.not_after = {};
  const Bytes bytes = one.write();
  const Certificate parsed = parse_certificate(View(bytes));
  EXPECT_FALSE(parsed.fault);
  EXPECT_TRUE(parsed.not_before);
  EXPECT_EQ(parsed.not_after, parsed.not_before);

  CertificateSample none = one;
  none.not_before = {};
  const Bytes empty = none.write();
  EXPECT_FALSE(parse_certificate(View(empty)).fault);
  EXPECT_FALSE(parse_certificate(View(empty)).not_before);
}

// x509_process_extension of 6.12 and 7.2: what booted kernels did with these.
struct ExtensionCase {
  std::string_view name;
  std::string_view value;
  bool reads;
};

TEST(Extension, BasicConstraints) {
  const ExtensionCase cases[] = {
      {"empty sequence", "3000", true},
      {"true", "30030101ff", true},
      {"true and a path length", "30060101ff020100", true},
      {"false", "3003010100", false},
      {"a path length alone", "3003020100", false},
      {"false and a path length", "3006010100020100", false},
      {"true as 01", "3003010101", false},
      {"boolean of two octets", "30040102ffff", false},
      {"trailing byte", "30030101ff00", false},
      {"long-form length", "3081030101ff", false},
      {"wrong length", "30020101ff", false},
      {"cut", "30030101", false},
      {"octet string", "04030101ff", false},
      {"no value", "", false},
      {"one byte", "30", false},
  };
  for (const ExtensionCase& one : cases) {
    const Bytes value = der::from_hex(one.value);
    Certificate certificate;
    EXPECT_EQ(read_basic_constraints(View(value), &certificate), one.reads) << one.name;
    EXPECT_EQ(certificate.ca, one.reads && value.size() > 2) << one.name;
    EXPECT_EQ(read_basic_constraints(View(value), nullptr), one.reads) << one.name;
  }
}

struct KeyUsageCase {
  std::string_view name;
  std::string_view value;
  bool reads;
  bool digital_signature = false;
  bool key_cert_sign = false;
};

TEST(Extension, KeyUsage) {
  const KeyUsageCase cases[] = {
      {"digitalSignature", "03020780", true, true},
      {"keyCertSign and cRLSign", "03020106", true, false, true},
      {"digitalSignature and keyCertSign", "03020284", true, true, true},
      {"zero bits", "03020700", true},
      {"two octets", "0303078480", true, true, true},
      {"decipherOnly", "0303070080", true},
      {"keyCertSign among the unused", "03020304", true},
      {"unused bits wrong", "03020080", true, true},
      {"trailing byte", "0302078000", true, true},
      {"another length", "03ff0084", true, true},
      {"eight unused bits", "03020880", false},
      {"empty bit string", "030100", false},
      {"no unused octet", "0300", false},
      {"octet string", "04020780", false},
      {"no value", "", false},
      {"one byte", "03", false},
      {"cut", "030207", false},
  };
  for (const KeyUsageCase& one : cases) {
    const Bytes value = der::from_hex(one.value);
    Certificate certificate;
    EXPECT_EQ(read_key_usage(View(value), &certificate), one.reads) << one.name;
    EXPECT_EQ(certificate.digital_signature, one.digital_signature) << one.name;
    EXPECT_EQ(certificate.key_cert_sign, one.key_cert_sign) << one.name;
    EXPECT_EQ(read_key_usage(View(value), nullptr), one.reads) << one.name;
  }
}

TEST(Extension, FlagsOfRepeatedKeyUsageAddUp) {
  CertificateSample sample;
  sample.extensions = {extension(oids::kKeyUsage, der::from_hex("03020780")),
                       extension(oids::kKeyUsage, der::from_hex("03020204"))};
  const Bytes bytes = sample.write();
  const Certificate parsed = parse_certificate(View(bytes));
  EXPECT_TRUE(parsed.digital_signature);
  EXPECT_TRUE(parsed.key_cert_sign);
}

TEST(Extension, SubjectKeyIdentifier) {
  const ExtensionCase cases[] = {
      {"eight octets", "0408a1a2a3a4a5a6a7a8", true},
      {"one octet", "0401aa", true},
      {"empty", "0400", false},
      {"trailing byte", "0401aabb", false},
      {"cut", "0402aa", false},
      {"bit string", "0301aa", false},
      {"long-form length", "048101aa", false},
      {"no value", "", false},
      {"constructed", "240304 01aa", false},
  };
  for (const ExtensionCase& one : cases) {
    const Bytes value = der::from_hex(one.value);
    const auto skid = read_skid(View(value));
    ASSERT_EQ(skid.has_value(), one.reads) << one.name;
    if (skid) {
      EXPECT_EQ(to_hex(skid->bytes()), one.value.substr(4)) << one.name;
    }
  }
}

TEST(Extension, TheFirstSubjectKeyIdentifierCountsAndTheSecondIsMarked) {
  CertificateSample sample;
  const Bytes first = der::from_hex("0401aa");
  const Bytes second = der::from_hex("0401bb");
  sample.extensions = {extension(oids::kSubjectKeyIdentifier, first),
                       extension(oids::kSubjectKeyIdentifier, second)};
  const Bytes bytes = sample.write();
  const Certificate parsed = parse_certificate(View(bytes));
  EXPECT_EQ(to_hex(parsed.skid->bytes()), "aa");
  std::vector<bool> repeated;
  for (const X509Item& item : parsed.items)
    if (item.place == X509Place::extension) repeated.push_back(item.repeated_skid);
  EXPECT_EQ(repeated, (std::vector<bool>{false, true}));
}

TEST(Extension, TheLastAuthorityKeyIdentifierCounts) {
  CertificateSample sample;
  sample.extensions = {extension(oids::kAuthorityKeyIdentifier, der::from_hex("ff")),
                       extension(oids::kAuthorityKeyIdentifier, der::from_hex("30038001aa"))};
  const Bytes bytes = sample.write();
  const Certificate parsed = parse_certificate(View(bytes));
  EXPECT_FALSE(parsed.akid_fault);
  EXPECT_EQ(to_hex(*parsed.auth_skid()), "aa");
  EXPECT_FALSE(parsed.auth_id());
}

TEST(AuthorityKeyIdentifier, NamesAreExplicitIn61AndImplicitSince612) {
  struct Case {
    std::string_view name;
    Bytes general_name;
    bool older;
    bool newer;
  };
  const Bytes string = der::text(0x16, "x");
  const Case cases[] = {
      {"directoryName", der::element(0xA4, {der::name("x")}), true, true},
      {"URI", der::text(0x86, "http://x"), false, true},
      {"URI with a tag inside", der::element(0xA6, {string}), true, false},
      {"iPAddress", der::element(0x87, der::from_hex("7f000001")), false, true},
      {"otherName", der::element(0xA0, {der::oid("1.2.3"), der::element(0xA0, {string})}), false,
       true},
      {"otherName of one element", der::element(0xA0, {string}), true, false},
      {"primitive tag around an element", der::element(0x82, {string}), true, true},
      {"x400Address", der::element(0xA3, {der::null()}), true, true},
  };
  for (const Case& one : cases) {
    CertificateSample sample;
    sample.extensions = {extension(oids::kAuthorityKeyIdentifier,
                                   der::sequence({der::element(0xA1, {one.general_name})}))};
    const Bytes bytes = sample.write();
    const Certificate parsed = parse_certificate(View(bytes));
    EXPECT_EQ(!parsed.akid_fault_61, one.older) << one.name;
    EXPECT_EQ(!parsed.akid_fault, one.newer) << one.name;
  }
}

TEST(NameText, Table) {
  const auto text_of = [](std::initializer_list<Bytes> sets) {
    const Bytes name = der::sequence(sets);
    return name_text(View(name).sub(2, name.size() - 2));
  };
  const auto one = [](std::string_view oid, std::uint8_t tag, std::string_view value) {
    return der::set({der::sequence({der::oid(oid), der::text(tag, value)})});
  };
  EXPECT_EQ(text_of({one("2.5.4.3", 0x0C, "CA"), one("2.5.4.10", 0x13, "Org")}), "CN=CA, O=Org");
  EXPECT_EQ(text_of({one("1.2.3.4", 0x0C, "x")}), "1.2.3.4=x");
  EXPECT_EQ(text_of({one("2.5.4.3", 0x0C, "a\nb\x1b[2J")}), "CN=a%0Ab%1B[2J");
  EXPECT_EQ(text_of({one("2.5.4.3", 0x14, "\xE9\xFF")}), "CN=%E9%FF");
  EXPECT_EQ(text_of({one("2.5.4.3", 0x0C,
                         "Gr\xC3\xBC\xC3\x9F"
                         "e")}),
            "CN=Gr\xC3\xBC\xC3\x9F"
            "e");
  EXPECT_EQ(text_of({one("2.5.4.3", 0x0C, "50%!")}), "CN=50%25%21");
  EXPECT_EQ(text_of({}), "");
  const Bytes garbage = der::from_hex("ff00ff");
  EXPECT_EQ(name_text(View(garbage)), "");
}

TEST(NameText, ShortNameIsTheLastCommonName) {
  const Bytes name =
      der::sequence({der::set({der::sequence({der::oid("2.5.4.3"), der::text(0x0C, "first")}),
                               der::sequence({der::oid("2.5.4.3"), der::text(0x0C, "second")})}),
                     der::set({der::sequence({der::oid("2.5.4.10"), der::text(0x0C, "org")})})});
  EXPECT_EQ(short_name(View(name).sub(2, name.size() - 2)), "second");
  const Bytes nameless =
      der::sequence({der::set({der::sequence({der::oid("2.5.4.10"), der::text(0x0C, "org")})})});
  EXPECT_EQ(short_name(View(nameless).sub(2, nameless.size() - 2)), "O=org");
}

// x509_fabricate_name.
TEST(FabricatedName, Table) {
  struct Case {
    std::string_view common_name, organization, email, name;
  };
  const Case cases[] = {
      {"", "", "", ""},
      {"CA", "", "", "CA"},
      {"CA", "", "a@b", "CA"},
      {"", "Org", "a@b", "Org"},
      {"", "", "a@b", "a@b"},
      {"CA", "Org", "a@b", "Org: CA"},
      {"Org CA", "Org", "", "Org CA"},
      {"Org", "Org Inc", "", "Org Inc: Org"},
      {"Red Hat CA", "Red Hat, Inc.", "", "Red Hat CA"},
      {"Red Ha", "Red Hat", "", "Red Hat: Red Ha"},
      {"Debian CA", "Debian Project", "", "Debian CA"},
      {"Debia CA", "Debian Project", "", "Debian Project: Debia CA"},
      {"Debian\tCA", "Debian\tProject", "", "Debian\tCA"},
  };
  for (const Case& one : cases) {
    Bytes name;
    const auto add = [&name](std::string_view oid, std::string_view value) {
      if (value.empty()) return;
      const Bytes pair = der::sequence({der::oid(oid), der::text(0x0C, value)});
      name = der::join({name, der::set({pair})});
    };
    add("2.5.4.10", one.organization);
    add("2.5.4.3", one.common_name);
    add("1.2.840.113549.1.9.1", one.email);
    EXPECT_EQ(fabricated_name(View(name)), one.name);
  }
}

}  // namespace
}  // namespace assay
