// Lists made by sbsiglist and packed by hand; what is refused is refused by the kernel's
// parse_efi_signature_list.

#include "formats/efi_signature_list.h"

#include <gtest/gtest.h>

#include "testing/der.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using der::Bytes;

constexpr std::string_view kOwner = "11111111-2222-3333-4444-123456789abc";
constexpr std::string_view kSha256 = "c1c41626-504c-4092-aca9-41f936934328";

Bytes le32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
}

Bytes guid(std::string_view text) {
  const EfiGuid parsed = *parse_guid(text);
  return {parsed.bytes.begin(), parsed.bytes.end()};
}

Bytes list(std::uint32_t list_size, std::uint32_t header_size, std::uint32_t size,
           const Bytes& rest) {
  return der::join({guid(kSha256), le32(list_size), le32(header_size), le32(size), rest});
}

Bytes made_by_sbsiglist(const std::string& type, const Bytes& data) {
  const TemporaryFolder folder;
  write_file(folder / "in", data);
  const Finished made = run_command({"sbsiglist", "--owner", std::string(kOwner), "--type", type,
                                     "--output", folder / "out", folder / "in"});
  EXPECT_EQ(made.status, 0) << made.error;
  return read_file(folder / "out");
}

TEST(EfiGuid, TextAndBytes) {
  const EfiGuid parsed = *parse_guid("0b6e5233-a65c-44c9-9407-d9ab83bfc8bd");
  EXPECT_EQ(Bytes(parsed.bytes.begin(), parsed.bytes.end()),
            der::from_hex("33526e0b 5ca6 c944 9407 d9ab83bfc8bd"));
  EXPECT_EQ(to_string(parsed), "0b6e5233-a65c-44c9-9407-d9ab83bfc8bd");
  for (const std::string_view bad :
       {"", "0b6e5233-a65c-44c9-9407-d9ab83bfc8b", "0b6e5233-a65c-44c9-9407xd9ab83bfc8bd",
        "0b6e523g-a65c-44c9-9407-d9ab83bfc8bd"})
    EXPECT_FALSE(parse_guid(bad)) << bad;
}

TEST(EfiSignatureList, MadeBySbsiglist) {
  const Bytes certificate = der::sequence({der::integer(1)});
  const Bytes digest(32, 0xAB);
  const Bytes bytes =
      der::join({made_by_sbsiglist("x509", certificate), made_by_sbsiglist("sha256", digest)});
  const auto database = parse_efi_signature_lists(View(bytes, 4));
  EXPECT_FALSE(database.stops);
  ASSERT_EQ(database.lists.size(), 2U);
  EXPECT_EQ(database.lists[0].type, EfiSignatureType::x509);
  EXPECT_EQ(database.lists[1].type, EfiSignatureType::sha256);
  ASSERT_EQ(database.lists[0].signatures.size(), 1U);
  EXPECT_TRUE(same_bytes(database.lists[0].signatures[0].data, View(certificate)));
  EXPECT_EQ(to_string(database.lists[0].signatures[0].owner), kOwner);
  EXPECT_TRUE(same_bytes(database.lists[1].signatures[0].data, View(digest)));
  EXPECT_EQ(database.lists[1].raw.origin(), 4 + 28 + 16 + certificate.size());
}

TEST(EfiSignatureList, SizesThatDoNotFit) {
  struct Case {
    std::string_view name;
    Bytes bytes;
    std::size_t lists;
    bool stops;
  };
  const Bytes good = list(28 + 2 * 48, 0, 48, Bytes(96));
  const Case cases[] = {
      {"empty", {}, 0, false},
      {"two signatures", good, 1, false},
      {"with a header", list(28 + 5 + 48, 5, 48, Bytes(53)), 1, false},
      {"owner alone", list(28 + 16, 0, 16, Bytes(16)), 1, false},
      {"27 bytes", Bytes(good.begin(), good.begin() + 27), 0, true},
      {"list longer than the bytes", list(28 + 49, 0, 48, Bytes(48)), 0, true},
      {"list shorter than its header", list(27, 0, 48, Bytes(48)), 0, true},
      {"header longer than the list", list(28 + 48, 49, 48, Bytes(48)), 0, true},
      {"signature shorter than an owner", list(28 + 30, 0, 15, Bytes(30)), 0, true},
      {"signature of no bytes", list(28 + 48, 0, 0, Bytes(48)), 0, true},
      {"no signature", list(28, 0, 48, {}), 0, true},
      {"half a signature", list(28 + 72, 0, 48, Bytes(72)), 0, true},
      {"sizes that wrap around", list(0xFFFFFFFF, 0xFFFFFFFF, 48, Bytes(48)), 0, true},
      {"damage behind a good list", der::join({good, Bytes(30)}), 1, true},
  };
  for (const Case& one : cases) {
    const auto database = parse_efi_signature_lists(View(one.bytes));
    EXPECT_EQ(database.lists.size(), one.lists) << one.name;
    EXPECT_EQ(database.stops.has_value(), one.stops) << one.name;
  }
}

TEST(EfiSignatureList, UnknownTypesAreKept) {
  Bytes bytes = list(28 + 48, 0, 48, Bytes(48));
  bytes[0] ^= 1;
  const auto database = parse_efi_signature_lists(View(bytes));
  ASSERT_EQ(database.lists.size(), 1U);
  EXPECT_EQ(database.lists[0].type, EfiSignatureType::unknown);
  EXPECT_EQ(to_string(database.lists[0].guid), "c1c41627-504c-4092-aca9-41f936934328");
}

// sbvarsign writes what SetVariable takes.
TEST(EfiSignatureList, SignedVariable) {
  const TemporaryFolder folder;
  const Bytes database = made_by_sbsiglist("sha256", Bytes(32, 1));
  write_file(folder / "dbx", database);
  ASSERT_EQ(run_command({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                         "/CN=test", "-keyout", folder / "key", "-out", folder / "cert"})
                .status,
            0);
  const Finished made =
      run_command({"sbvarsign", "--key", folder / "key", "--cert", folder / "cert", "--output",
                   folder / "out", "dbx", folder / "dbx"});
  ASSERT_EQ(made.status, 0) << made.error;
  const Bytes bytes = read_file(folder / "out");
  const View with_header(bytes);
  const auto found = find_signed_database(with_header);
  ASSERT_TRUE(found);
  EXPECT_TRUE(same_bytes(*found, View(database)));
  EXPECT_FALSE(find_signed_database(with_header.sub(4, bytes.size() - 4)));
  EXPECT_FALSE(find_signed_database(View(database)));
  EXPECT_FALSE(find_signed_database(with_header.sub(0, 39)));
  EXPECT_FALSE(find_signed_database(with_header.sub(0, 60)));
}

}  // namespace
}  // namespace assay
