#include "trust/boot_material.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/hex.h"
#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "formats/efi_vendor.h"
#include "formats/pe.h"
#include "trust/shim.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

enum class Variable : std::uint8_t { database, mok_list_trusted, mok_ignore_db, sbat, secure_boot };

struct VariableRow {
  std::string_view name;
  std::string_view vendor;
  Variable kind = Variable::database;
  BootDatabase database = BootDatabase::db;
};

// The variables of Secure Boot, by the names of UEFI and shim.
constexpr std::array<VariableRow, 13> kVariables = {{
    {"db", kEfiImageSecurity, Variable::database, BootDatabase::db},
    {"dbx", kEfiImageSecurity, Variable::database, BootDatabase::dbx},
    {"KEK", kEfiGlobal, Variable::database, BootDatabase::kek},
    {"PK", kEfiGlobal, Variable::database, BootDatabase::pk},
    {"MokListRT", kEfiShimLock, Variable::database, BootDatabase::mok},
    {"MokList", kEfiShimLock, Variable::database, BootDatabase::mok},
    {"MokListXRT", kEfiShimLock, Variable::database, BootDatabase::mokx},
    {"MokListX", kEfiShimLock, Variable::database, BootDatabase::mokx},
    {"MokListTrustedRT", kEfiShimLock, Variable::mok_list_trusted},
    {"MokIgnoreDB", kEfiShimLock, Variable::mok_ignore_db},
    {"SbatLevelRT", kEfiShimLock, Variable::sbat},
    {"SbatLevel", kEfiShimLock, Variable::sbat},
    {"SecureBoot", kEfiGlobal, Variable::secure_boot},
}};

constexpr std::size_t kAttributes = 4;  // in front of a variable's data in efivarfs
constexpr std::size_t kGuidText = 36;

struct VariableName {
  std::string_view name;
  std::string_view vendor;
};

// "db" and its vendor of "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f".
std::optional<VariableName> split_variable_name(std::string_view file_name) {
  if (file_name.size() < kGuidText + 2) return std::nullopt;
  const std::size_t dash = file_name.size() - kGuidText - 1;
  if (file_name[dash] != '-' || !parse_guid(file_name.substr(dash + 1))) return std::nullopt;
  return VariableName{file_name.substr(0, dash), file_name.substr(dash + 1)};
}

const VariableRow* find_variable(std::string_view name) {
  const auto row = std::ranges::find(kVariables, name, &VariableRow::name);
  return row == kVariables.end() ? nullptr : &*row;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// What a file's name says that it is, in any case: "dbxupdate.bin", "x64_DBXUpdate.bin",
// "MokListRT.esl". Nothing where it says nothing: "keys.esl".
std::optional<BootDatabase> database_of(const std::string& path) {
  const std::string name = lower(fs::path(path).filename().string());
  const std::string stem = name.substr(0, name.find_first_of(".-_ "));
  const auto contains = [&](std::string_view part) { return name.find(part) != name.npos; };
  if (name.starts_with("moklistx") || contains("mokx")) return BootDatabase::mokx;
  if (contains("dbx") || contains("revo") || contains("deny") || contains("forbid"))
    return BootDatabase::dbx;
  if (name.starts_with("mok")) return BootDatabase::mok;
  if (name.starts_with("kek")) return BootDatabase::kek;
  if (stem == "pk") return BootDatabase::pk;
  if (name.starts_with("db")) return BootDatabase::db;
  return std::nullopt;
}

// The same for certificates, which people keep under more names: "revoked.der" may be a test's.
BootDatabase certificate_database_of(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  const std::string stem = name.substr(0, name.find_first_of(".-_ "));
  if (lower(name).starts_with("moklistx")) return BootDatabase::mokx;
  if (lower(name).find("dbx") != name.npos) return BootDatabase::dbx;
  if (stem == "KEK") return BootDatabase::kek;
  return stem == "PK" ? BootDatabase::pk : BootDatabase::option;
}

struct NamedPath {
  std::optional<BootDatabase> database;
  std::string path;
};

// "dbx:update.bin", where there is no file of that name.
NamedPath split_database(const std::string& argument) {
  const std::size_t colon = argument.find(':');
  std::error_code error;
  if (colon == argument.npos || fs::exists(argument, error)) return {std::nullopt, argument};
  const std::string name = lower(argument.substr(0, colon));
  for (const VariableRow& row : kVariables)
    if (row.kind == Variable::database && lower(row.name) == name)
      return {row.database, argument.substr(colon + 1)};
  return {std::nullopt, argument};
}

bool starts_with_list(View bytes) {
  const auto database = parse_efi_signature_lists(bytes);
  return !database.lists.empty() && database.lists[0].type != EfiSignatureType::unknown;
}

std::optional<std::size_t> digest_size_of(EfiSignatureType type) {
  switch (type) {
    case EfiSignatureType::sha1: return 20;
    case EfiSignatureType::sha224: return 28;
    case EfiSignatureType::sha256:
    case EfiSignatureType::x509_sha256: return 32;
    case EfiSignatureType::sha384:
    case EfiSignatureType::x509_sha384: return 48;
    case EfiSignatureType::sha512:
    case EfiSignatureType::x509_sha512: return 64;
    default: return std::nullopt;
  }
}

// verify_x509 of shim.
bool is_framed(View entry) {
  constexpr std::size_t kHeader = 4;
  return entry.size() >= kHeader && entry[0] == ber::kSequence && entry[1] == 0x82 &&
         (std::size_t{entry[2]} << 8 | entry[3]) == entry.size() - kHeader;
}

void add_list(BootDatabase database, const EfiSignatureList& list, const std::string& source,
              BootMaterial& material) {
  const auto size = digest_size_of(list.type);
  if (list.type != EfiSignatureType::x509 && !size) {
    const std::string type = list.type == EfiSignatureType::unknown
                                 ? to_string(list.guid)
                                 : std::string(signature_type_name(list.type));
    material.unused.push_back({database, type, list.signatures.size(), source});
    return;
  }
  bool is_first = true;
  for (const EfiSignature& signature : list.signatures) {
    const auto bytes = signature.data.bytes();
    if (!size) {
      auto certificate = PreparedCertificate::own({bytes.begin(), bytes.end()});
      material.certificates.push_back(
          {database, std::move(certificate), source, true, is_first, is_framed(signature.data)});
      is_first = false;
      continue;
    }
    const auto digest = bytes.first(std::min(*size, bytes.size()));
    const auto time = bytes.subspan(digest.size());
    material.hashes.push_back(
        {database, list.type, {digest.begin(), digest.end()}, {time.begin(), time.end()}, source});
  }
}

Result<void> add_variable(const VariableName& name, View file, const std::string& source,
                          BootMaterial& material) {
  const VariableRow* row = find_variable(name.name);
  if (row == nullptr)
    return fail(
        Reason::bad_value, {},
        fmt::format("{} is no variable of Secure Boot (capitals count)", encode_name(name.name)));
  if (lower(name.vendor) != row->vendor)
    return fail(Reason::bad_value, {},
                fmt::format("{} is a variable of the vendor {}", row->name, row->vendor));
  if (file.size() < kAttributes)
    return fail(Reason::truncated, file.extent(), "an EFI variable without its attributes");
  const View data = file.sub(kAttributes, file.size() - kAttributes);
  switch (row->kind) {
    case Variable::database: add_database(row->database, data, source, material); break;
    case Variable::mok_list_trusted: material.has_mok_list_trusted = true; break;
    case Variable::mok_ignore_db: material.ignores_db = true; break;
    case Variable::secure_boot:
      if (data.size() == 1) material.secure_boot = data[0] == 1;
      break;
    case Variable::sbat: {
      ASSAY_TRY(material.sbat_level, parse_sbat_level(data));
      break;
    }
  }
  return {};
}

Result<void> add_shim(const Content& content, const std::string& source, BootMaterial& material) {
  ASSAY_TRY(const auto shim, read_shim_certificates(content));
  if (!shim)
    return fail(Reason::bad_value, {}, "a PE image without .vendor_cert vouches for nothing");
  if (!shim->authorized.empty()) {
    if (shim->authorized[0] == ber::kSequence) {
      material.certificates.push_back(
          {BootDatabase::vendor_db, PreparedCertificate::own(shim->authorized), source});
    } else {
      add_database(BootDatabase::vendor_db, View(shim->authorized), source, material);
    }
  }
  add_database(BootDatabase::vendor_dbx, View(shim->deauthorized), source, material);
  return {};
}

// Lists of which nobody says what they are. Those with certificates are keys, as the user says who
// trusts them; those of digests may be of what is allowed or of what is denied.
Result<void> add_unnamed_lists(View lists, const std::string& source, BootMaterial& material,
                               const Warn& warn) {
  add_database(BootDatabase::db, lists, source, material);
  if (!material.hashes.empty())
    return fail(Reason::unnamed_database, {}, "say dbx:PATH or db:PATH");
  warn(Error{Reason::assumed_database,
             {},
             "taken for a db, whose certificates are trusted; else say dbx:PATH",
             source});
  return {};
}

Result<void> add_lists(std::optional<BootDatabase> named, View lists, const std::string& source,
                       BootMaterial& material, const Warn& warn) {
  if (!named) return add_unnamed_lists(lists, source, material, warn);
  add_database(*named, lists, source, material);
  return {};
}

Result<BootMaterial> load_file(const NamedPath& named, const Warn& warn) {
  BootMaterial material;
  const std::string& path = named.path;
  const std::string source = encode_name(path);
  ASSAY_TRY(const auto file, open_file(path));
  ContentStream stream(*file);
  ASSAY_TRY(const auto bytes, read_all(stream, limits::kTrustFile));
  const View view(bytes);
  const std::string file_name = fs::path(path).filename().string();
  if (const auto name = split_variable_name(file_name)) {
    if (!named.database) {
      ASSAY_CHECK(add_variable(*name, view, source, material));
      return material;
    }
    if (view.size() < kAttributes)
      return fail(Reason::truncated, view.extent(), "an EFI variable without its attributes");
    add_database(*named.database, view.sub(kAttributes, view.size() - kAttributes), source,
                 material);
    return material;
  }
  if (view.text().starts_with("MZ")) {
    ASSAY_CHECK(add_shim(*file, source, material));
    return material;
  }
  const auto database = named.database ? named.database : database_of(path);
  if (const auto signed_database = find_signed_database(view)) {
    ASSAY_CHECK(add_lists(database, *signed_database, source, material, warn));
    return material;
  }
  if (starts_with_list(view)) {
    ASSAY_CHECK(add_lists(database, view, source, material, warn));
    return material;
  }
  ASSAY_TRY(auto certificates, parse_certificates(view));
  const BootDatabase of = named.database.value_or(certificate_database_of(path));
  for (auto& certificate : certificates)
    material.certificates.push_back({of, std::move(certificate), source});
  return material;
}

Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error);
       !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->is_regular_file(error)) files.push_back(entry->path().string());
  if (error)
    return std::unexpected(Error{Reason::cannot_list, {}, error.message(), encode_name(folder)});
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string_view database_name(BootDatabase database) {
  switch (database) {
    case BootDatabase::option: return "option";
    case BootDatabase::db: return "db";
    case BootDatabase::dbx: return "dbx";
    case BootDatabase::kek: return "KEK";
    case BootDatabase::pk: return "PK";
    case BootDatabase::mok: return "MokListRT";
    case BootDatabase::mokx: return "MokListXRT";
    case BootDatabase::vendor_db: return "shim";
    case BootDatabase::vendor_dbx: return "shim-dbx";
  }
  return "option";
}

bool is_deny_list(BootDatabase database) {
  return database == BootDatabase::dbx || database == BootDatabase::mokx ||
         database == BootDatabase::vendor_dbx;
}

bool vouches_for_code(BootDatabase database) {
  return !is_deny_list(database) && database != BootDatabase::kek && database != BootDatabase::pk;
}

bool BootMaterial::has(BootDatabase database) const {
  const auto is_of = [database](const auto& one) { return one.database == database; };
  return std::ranges::any_of(certificates, is_of) || std::ranges::any_of(hashes, is_of) ||
         std::ranges::any_of(unused, is_of);
}

void BootMaterial::add(BootMaterial other) {
  std::ranges::move(other.certificates, std::back_inserter(certificates));
  std::ranges::move(other.hashes, std::back_inserter(hashes));
  std::ranges::move(other.unused, std::back_inserter(unused));
  std::ranges::move(other.stops, std::back_inserter(stops));
  is_deny_list_damaged = is_deny_list_damaged || other.is_deny_list_damaged;
  if (other.sbat_level) sbat_level = std::move(other.sbat_level);
  has_mok_list_trusted = has_mok_list_trusted || other.has_mok_list_trusted;
  ignores_db = ignores_db || other.ignores_db;
  if (other.secure_boot) secure_boot = other.secure_boot;
}

void add_database(BootDatabase database, View bytes, const std::string& source,
                  BootMaterial& material) {
  const EfiSignatureDatabase parsed = parse_efi_signature_lists(bytes);
  for (const EfiSignatureList& list : parsed.lists) add_list(database, list, source, material);
  if (!parsed.stops) return;
  material.stops.push_back(with_path(*parsed.stops, source));
  material.is_deny_list_damaged = material.is_deny_list_damaged || is_deny_list(database);
}

Result<BootMaterial> load_boot_material(const std::string& path, const Warn& warn) {
  const auto load = [&warn](const NamedPath& file) -> Result<BootMaterial> {
    auto loaded = load_file(file, warn);
    if (!loaded) return std::unexpected(with_path(loaded.error(), encode_name(file.path)));
    if (loaded->is_deny_list_damaged) return std::unexpected(loaded->stops.back());
    return loaded;
  };
  std::error_code error;
  if (!fs::is_directory(path, error)) return load(split_database(path));
  ASSAY_TRY(std::vector<std::string> files, files_of(path));
  const auto name_of = [](const std::string& file) { return fs::path(file).filename().string(); };
  const auto is_variable = [&](const std::string& file) {
    const auto name = split_variable_name(name_of(file));
    return name && find_variable(name->name) != nullptr;
  };
  // Beside variables lies what is none; but a name that says dbx is not passed over.
  if (std::ranges::any_of(files, is_variable))
    std::erase_if(
        files, [&](const std::string& file) { return !is_variable(file) && !database_of(file); });
  BootMaterial material;
  for (const std::string& file : files) {
    // Of a machine's hundred variables only these are anybody's business; those of other vendors
    // have nothing but the name in common with them.
    const std::string file_name = name_of(file);
    if (const auto name = split_variable_name(file_name)) {
      const VariableRow* row = find_variable(name->name);
      if (row == nullptr || lower(name->vendor) != row->vendor) continue;
    }
    auto one = load({std::nullopt, file});
    if (one)
      material.add(std::move(*one));
    else if (is_variable(file) || one.error().reason == Reason::unnamed_database ||
             is_deny_list(database_of(file).value_or(BootDatabase::db)))
      return one;
    else
      warn(one.error());
  }
  if (material.is_empty())
    return std::unexpected(
        Error{Reason::not_a_certificate, {}, "no certificate in this folder", encode_name(path)});
  if (material.secure_boot == false)
    warn(Error{Reason::secure_boot_off, {}, "looked at as if it were on", encode_name(path)});
  return material;
}

bool is_read_by_kernel(BootDatabase database, const BootMaterial& material) {
  if (database == BootDatabase::db) return !material.ignores_db;
  const bool is_owners = database == BootDatabase::mok || database == BootDatabase::mokx;
  return !is_owners || material.secure_boot != false;
}

std::vector<std::string> kernel_blocklist(const BootMaterial& material) {
  std::vector<std::string> descriptions;
  for (const BootHash& hash : material.hashes) {
    const bool is_kernels =
        hash.database == BootDatabase::dbx || hash.database == BootDatabase::mokx;
    if (!is_kernels || !is_read_by_kernel(hash.database, material)) continue;
    const std::string hex = to_hex(hash.digest) + to_hex(hash.revocation_time);
    if (hash.type == EfiSignatureType::sha256) descriptions.push_back("bin:" + hex);
    if (hash.type == EfiSignatureType::x509_sha256) descriptions.push_back("tbs:" + hex);
  }
  return descriptions;
}

}  // namespace assay
