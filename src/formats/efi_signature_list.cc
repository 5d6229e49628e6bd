#include "formats/efi_signature_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kListHeader = 28;
constexpr std::size_t kOwner = 16;

// Where in the text of a GUID the bytes stand that are stored one after the other.
constexpr std::array<std::size_t, 16> kTextOrder = {6,  4,  2,  0,  11, 9,  16, 14,
                                                    19, 21, 24, 26, 28, 30, 32, 34};

struct TypeRow {
  EfiSignatureType type;
  std::string_view name;
  std::string_view guid;
};

// UEFI specification, 32.4.1.
constexpr std::array<TypeRow, 11> kTypes = {{
    {EfiSignatureType::x509, "x509", "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"},
    {EfiSignatureType::sha1, "sha1", "826ca512-cf10-4ac9-b187-be01496631bd"},
    {EfiSignatureType::sha224, "sha224", "0b6e5233-a65c-44c9-9407-d9ab83bfc8bd"},
    {EfiSignatureType::sha256, "sha256", "c1c41626-504c-4092-aca9-41f936934328"},
    {EfiSignatureType::sha384, "sha384", "ff3e5307-9fd0-48c9-85f1-8ad56c701e01"},
    {EfiSignatureType::sha512, "sha512", "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a"},
    {EfiSignatureType::x509_sha256, "x509-sha256", "3bd2a492-96c0-4079-b420-fcf98ef103ed"},
    {EfiSignatureType::x509_sha384, "x509-sha384", "7076876e-80c2-4ee6-aad2-28b349a6865b"},
    {EfiSignatureType::x509_sha512, "x509-sha512", "446dbf63-2502-4cda-bcfa-2465d2b0fe9d"},
    {EfiSignatureType::rsa2048, "rsa2048", "3c5766e8-269c-4e34-aa14-ed776e85b3b6"},
    {EfiSignatureType::pkcs7, "pkcs7", "4aafd29d-68df-49ee-8aa9-347d375665a7"},
}};

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

EfiGuid guid_of(std::span<const std::uint8_t, 16> bytes) {
  EfiGuid guid;
  std::ranges::copy(bytes, guid.bytes.begin());
  return guid;
}

Result<EfiSignatureList> parse_list(View rest) {
  Reader reader(rest);
  ASSAY_TRY(const auto header, reader.record<kListHeader>());
  const std::uint32_t list_size = header.le32<16>();
  const std::uint32_t header_size = header.le32<20>();
  const std::uint32_t size = header.le32<24>();
  if (list_size > rest.size() || list_size < kListHeader || list_size - kListHeader < header_size)
    return fail(Reason::bad_length, header.extent(),
                fmt::format("SignatureListSize {}, SignatureHeaderSize {}, {} bytes are left",
                            list_size, header_size, rest.size()));
  const std::uint32_t area = list_size - static_cast<std::uint32_t>(kListHeader) - header_size;
  if (size < kOwner || area < size || area % size != 0)
    return fail(Reason::bad_length, header.extent_of<24, 4>(),
                fmt::format("SignatureSize {}, {} bytes of signatures", size, area));
  EfiSignatureList list;
  list.guid = guid_of(header.field<0, 16>());
  list.type = find_signature_type(list.guid);
  list.raw = rest.sub(0, list_size);
  list.header = rest.sub(kListHeader, header_size);
  for (std::size_t at = kListHeader + header_size; at < list_size; at += size) {
    const View element = rest.sub(at, size);
    list.signatures.push_back(
        {guid_of(element.bytes().first<kOwner>()), element.sub(kOwner, size - kOwner)});
  }
  return list;
}

}  // namespace

std::string to_string(const EfiGuid& guid) {
  std::string text(36, '-');
  const std::string hex = to_hex(guid.bytes);
  for (std::size_t i = 0; i < kTextOrder.size(); ++i) text.replace(kTextOrder[i], 2, hex, 2 * i, 2);
  return text;
}

std::optional<EfiGuid> parse_guid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  for (const std::size_t dash : {8U, 13U, 18U, 23U})
    if (text[dash] != '-') return std::nullopt;
  EfiGuid guid;
  for (std::size_t i = 0; i < kTextOrder.size(); ++i) {
    const auto high = hex_digit(text[kTextOrder[i]]);
    const auto low = hex_digit(text[kTextOrder[i] + 1]);
    if (!high || !low) return std::nullopt;
    guid.bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return guid;
}

std::string_view signature_type_name(EfiSignatureType type) {
  const auto row = std::ranges::find(kTypes, type, &TypeRow::type);
  return row == kTypes.end() ? "unknown" : row->name;
}

EfiSignatureType find_signature_type(const EfiGuid& guid) {
  for (const TypeRow& row : kTypes)
    if (parse_guid(row.guid) == guid) return row.type;
  return EfiSignatureType::unknown;
}

EfiSignatureDatabase parse_efi_signature_lists(View bytes) {
  EfiSignatureDatabase database;
  View rest = bytes;
  while (!rest.empty()) {
    auto list = parse_list(rest);
    if (!list) {
      database.stops = list.error();
      break;
    }
    rest = rest.sub(list->raw.size(), rest.size() - list->raw.size());
    database.lists.push_back(std::move(*list));
  }
  return database;
}

std::optional<View> find_signed_database(View bytes) {
  // EFI_TIME of 16 bytes, WIN_CERTIFICATE_UEFI_GUID: dwLength, revision 2.0, type 0x0EF1, PKCS7's
  // GUID.
  constexpr std::size_t kHeader = 40;
  constexpr std::uint32_t kRevisionAndType = 0x0EF10200;
  if (bytes.size() < kHeader) return std::nullopt;
  const Record<kHeader> header(bytes);
  const std::uint32_t length = header.le32<16>();
  if (header.le32<20>() != kRevisionAndType ||
      find_signature_type(guid_of(header.field<24, 16>())) != EfiSignatureType::pkcs7 ||
      length < kHeader - 16 || length > bytes.size() - 16)
    return std::nullopt;
  return bytes.sub(16 + length, bytes.size() - 16 - length);
}

}  // namespace assay
