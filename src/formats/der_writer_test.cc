#include "formats/der_writer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "formats/ber.h"
#include "formats/x509.h"
#include "testing/der.h"
#include "testing/process.h"

namespace assay {
namespace {

// The writer of the tests was written apart from this one.
TEST(DerWriter, ElementsAreThoseOfTheOtherWriter) {
  for (const std::size_t size : {0UL, 1UL, 127UL, 128UL, 255UL, 256UL, 65535UL, 65536UL, 70000UL}) {
    const DerBytes content(size, 7);
    EXPECT_EQ(der_octet_string(content), der::octet_string(content)) << size;
  }
  EXPECT_EQ(der_oid(Oid::sha256), der::oid("2.16.840.1.101.3.4.2.1"));
  EXPECT_EQ(der_small_integer(3), der::integer(3));
  EXPECT_EQ(der_sequence({der_null(), der_small_integer(1)}),
            der::sequence({der::null(), der::integer(1)}));
}

TEST(DerWriter, SetsAreInOrder) {
  EXPECT_EQ(der_set_of({{4, 1, 2}, {2, 1, 9}, {4, 1, 1}}),
            (DerBytes{0x31, 9, 2, 1, 9, 4, 1, 1, 4, 1, 2}));
  EXPECT_EQ(der_set_of({}, 0xa0), (DerBytes{0xa0, 0}));
}

// date(1) knows the calendar, the kernel's reader of times the meaning.
TEST(DerWriter, TimesAreThoseOfDateAndReadBack) {
  for (const std::int64_t seconds :
       {0L, 951782399L, 951782400L, 1782864000L, 2524607999L, 2524608000L, 4102444800L}) {
    const DerBytes written = der_time(seconds);
    const bool is_utc = written[0] == ber::kUtcTime;
    EXPECT_EQ(is_utc, seconds < 2524608000L);
    const Finished date = run_command({"date", "-u", "-d", "@" + std::to_string(seconds),
                                       is_utc ? "+%y%m%d%H%M%SZ" : "+%Y%m%d%H%M%SZ"});
    const std::string expected(date.out.begin(), date.out.end() - 1);
    EXPECT_EQ(std::string(written.begin() + 2, written.end()), expected);
    BerDecoder decoder{View(written)};
    BerElement element;
    ASSERT_TRUE(decoder.any(element));
    EXPECT_EQ(parse_time(element), seconds);
  }
}

}  // namespace
}  // namespace assay
