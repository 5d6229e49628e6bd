// trust/boot_material.h - what a machine's Secure Boot trusts and distrusts: db, dbx, MokList and
// the like, what shim carries inside, and certificates that a user names.
//
// Read from files and folders, by what they are:
//   PEM, DER                     certificates: trusted; denied in a file dbx..., MokListX...; of a
//                                KEK or PK in a file of that name
//   a PE image with .vendor_cert shim: its vendor certificate or vendor db, and its vendor dbx
//   EFI signature lists          by the file's name a db, dbx, MokListRT, ...; with certificates a
//                                db under any other name, too, and a warning says so; lists of
//                                digests under such a name are an error
//   NAME-GUID                    an EFI variable as efivarfs shows it: le32 attributes, then data
//   a folder                     all of these in it; with NAME-GUID files it is taken for efivarfs,
//                                and of its variables only those of Secure Boot are read
//   DATABASE:PATH                a file of which one says what it is: "dbx:update.bin"
//
// Whom each database counts for differs: a kernel knows certificates of db and MokListRT, firmware
// does not know MokListRT (judge/pe_boot.h).

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "formats/efi_signature_list.h"
#include "formats/sbat.h"
#include "trust/certificate_file.h"

namespace assay {

enum class BootDatabase : std::uint8_t {
  option,      // certificates that a user names
  db,          // UEFI: images that may start
  dbx,         // and those that may not, whatever db says
  kek,         // who may change db and dbx: vouches for no image
  pk,          // who may change KEK: likewise
  mok,         // MokListRT, MokList: the machine owner's db, to shim and what comes after it
  mokx,        // MokListXRT, MokListX
  vendor_db,   // in shim
  vendor_dbx,  // in shim
};
std::string_view database_name(BootDatabase database);  // "db", "MokListRT", "shim", ...
bool is_deny_list(BootDatabase database);
// Do its certificates vouch for programs? Those of KEK and PK sign databases.
bool vouches_for_code(BootDatabase database);

struct BootCertificate {
  BootDatabase database = BootDatabase::option;
  std::shared_ptr<const PreparedCertificate> certificate;
  std::string source;  // the file it was found in, as printed
  // As an entry of an EFI signature list; what shim goes by (check_db_cert_in_ram).
  bool is_in_list = false;
  bool is_first = true;   // of its list
  bool is_framed = true;  // 30 82, and a length that fills the entry
};

// The digest of an image, or of a certificate's signed part.
struct BootHash {
  BootDatabase database = BootDatabase::db;
  EfiSignatureType type = EfiSignatureType::sha256;
  std::vector<std::uint8_t> digest;
  // For x509_sha*: what follows the digest, EFI_TIME; empty where the entry is not as specified.
  std::vector<std::uint8_t> revocation_time;
  std::string source;
};

// A list of a type that nobody here makes use of; kept to be shown.
struct UnusedList {
  BootDatabase database = BootDatabase::db;
  std::string type;
  std::size_t signatures = 0;
  std::string source;
};

struct BootMaterial {
  std::vector<BootCertificate> certificates;
  std::vector<BootHash> hashes;
  std::vector<UnusedList> unused;
  std::vector<Error> stops;           // databases that are damaged from some place on
  bool is_deny_list_damaged = false;  // one of them is a deny list
  std::optional<std::vector<SbatRevocation>> sbat_level;
  bool has_mok_list_trusted = false;  // MokListTrustedRT exists
  bool ignores_db = false;            // MokIgnoreDB exists: shim and kernel go without db
  std::optional<bool> secure_boot;    // the variable SecureBoot

  // Does anything of this database stand here?
  bool has(BootDatabase database) const;
  bool is_empty() const { return certificates.empty() && hashes.empty() && !sbat_level; }
  void add(BootMaterial other);
};

// Lists of one database.
void add_database(BootDatabase database, View bytes, const std::string& source,
                  BootMaterial& material);

// See above. bad_value for a file that is none of these. What in a folder is none of these is
// passed over and told to `warn`; a folder without anything of use is an error. So is a database
// that cannot be read, and a deny list that is damaged: what it would have denied is not known.
Result<BootMaterial> load_boot_material(const std::string& path, const Warn& warn);

// load_uefi_certs: shim may have told the kernel to go without db (MokIgnoreDB), and the lists of
// the machine's owner are read only under Secure Boot.
bool is_read_by_kernel(BootDatabase database, const BootMaterial& material);

// What the kernel makes of the deny lists: descriptions of .blacklist (keyring_handler.c:
// uefi_blacklist_binary, uefi_blacklist_x509_tbs). An entry of x509_sha256 is written with the
// revocation time behind its digest, and so never matches a certificate.
std::vector<std::string> kernel_blocklist(const BootMaterial& material);

}  // namespace assay
