// formats/efi_signature_list.h - signature databases of UEFI: db, dbx, KEK, PK, MokList and what
// else holds EFI_SIGNATURE_LISTs.
//
//   database = any number of lists, one after the other:
//   0    SignatureType, a GUID of 16 bytes
//   16   le32 SignatureListSize, of the whole list
//   20   le32 SignatureHeaderSize = h
//   24   le32 SignatureSize = s
//   28   h bytes of header (none in any type that is in use)
//   28+h signatures of s bytes each: 16 bytes GUID of the owner, s - 16 bytes of data
//
// Written by firmware, sbsiglist, efitools and mokutil; read by the kernel's efi_parser.c
// (security/integrity/platform_certs), EDK2 and shim. Sources: UEFI specification, 32.4.1
// "Signature Database"; parse_efi_signature_list (6.1, 6.12, 7.2 alike), whose checks are mirrored
// here.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

// As it is stored: the first three fields are little-endian.
struct EfiGuid {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const EfiGuid&, const EfiGuid&) = default;
};
std::string to_string(const EfiGuid& guid);  // "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
std::optional<EfiGuid> parse_guid(std::string_view text);

enum class EfiSignatureType : std::uint8_t {
  x509,  // data: a DER certificate
  sha1,  // data: the digest of an image
  sha224,
  sha256,
  sha384,
  sha512,
  x509_sha256,  // data: digest of a certificate's signed part, EFI_TIME of its revocation (16
                // bytes)
  x509_sha384,
  x509_sha512,
  rsa2048,
  pkcs7,
  unknown,
};
std::string_view signature_type_name(EfiSignatureType type);  // "x509", "sha256", ...
EfiSignatureType find_signature_type(const EfiGuid& guid);

struct EfiSignature {
  EfiGuid owner;
  View data;
};

struct EfiSignatureList {
  EfiGuid guid;
  EfiSignatureType type = EfiSignatureType::unknown;
  View raw;
  View header;
  std::vector<EfiSignature> signatures;
};

struct EfiSignatureDatabase {
  std::vector<EfiSignatureList> lists;
  // Where the kernel's parser gives up (EBADMSG); the lists before are in use all the same.
  std::optional<Error> stops;
};

EfiSignatureDatabase parse_efi_signature_lists(View bytes);

// A variable that was signed for SetVariable (dbxupdate.bin): EFI_VARIABLE_AUTHENTICATION_2 and
// behind it the database. The database; nothing where the bytes do not start with such a header.
std::optional<View> find_signed_database(View bytes);

}  // namespace assay
