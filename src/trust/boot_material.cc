#include "trust/boot_material.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/hex.h"
#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "formats/pe.h"
#include "trust/shim.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

struct VariableRow {
  std::string_view name;
  std::optional<BootDatabase> database;
};

// The variables of Secure Boot, by the names of UEFI and shim.
constexpr std::array<VariableRow, 11> kVariables = {{
    {"db", BootDatabase::db},
    {"dbx", BootDatabase::dbx},
    {"KEK", BootDatabase::kek},
    {"PK", BootDatabase::pk},
    {"MokListRT", BootDatabase::mok},
    {"MokList", BootDatabase::mok},
    {"MokListXRT", BootDatabase::mokx},
    {"MokListX", BootDatabase::mokx},
    {"MokListTrustedRT", std::nullopt},
    {"SbatLevelRT", std::nullopt},
    {"SbatLevel", std::nullopt},
}};

constexpr std::size_t kAttributes = 4;  // in front of a variable's data in efivarfs
constexpr std::size_t kGuidText = 36;

// "db" of "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f".
std::optional<std::string_view> variable_name(std::string_view file_name) {
  if (file_name.size() < kGuidText + 2) return std::nullopt;
  const std::size_t dash = file_name.size() - kGuidText - 1;
  if (file_name[dash] != '-' || !parse_guid(file_name.substr(dash + 1))) return std::nullopt;
  return file_name.substr(0, dash);
}

const VariableRow* find_variable(std::string_view name) {
  const auto row = std::ranges::find(kVariables, name, &VariableRow::name);
  return row == kVariables.end() ? nullptr : &*row;
}

// By the start of a file's name, in any case: "dbxupdate.bin", "MokListRT.esl".
BootDatabase database_of(const std::string& path) {
  std::string name = fs::path(path).filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.starts_with("dbx")) return BootDatabase::dbx;
  if (name.starts_with("moklistx")) return BootDatabase::mokx;
  if (name.starts_with("mok")) return BootDatabase::mok;
  if (name.starts_with("kek")) return BootDatabase::kek;
  if (name.starts_with("pk.") || name == "pk") return BootDatabase::pk;
  return BootDatabase::db;
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

Result<void> add_variable(std::string_view name, View file, const std::string& source,
                          BootMaterial& material) {
  const VariableRow* row = find_variable(name);
  if (row == nullptr) return {};
  if (file.size() < kAttributes)
    return fail(Reason::truncated, file.extent(), "an EFI variable without its attributes");
  const View data = file.sub(kAttributes, file.size() - kAttributes);
  if (row->database) {
    add_database(*row->database, data, source, material);
  } else if (name == "MokListTrustedRT") {
    material.has_mok_list_trusted = true;
  } else {
    ASSAY_TRY(material.sbat_level, parse_sbat_level(data));
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

Result<BootMaterial> load_file(const std::string& path) {
  BootMaterial material;
  const std::string source = encode_name(path);
  ASSAY_TRY(const auto file, open_file(path));
  ContentStream stream(*file);
  ASSAY_TRY(const auto bytes, read_all(stream, limits::kTrustFile));
  const View view(bytes);
  const std::string file_name = fs::path(path).filename().string();
  if (const auto name = variable_name(file_name)) {
    ASSAY_CHECK(add_variable(*name, view, source, material));
    return material;
  }
  if (view.text().starts_with("MZ")) {
    ASSAY_CHECK(add_shim(*file, source, material));
    return material;
  }
  if (const auto signed_database = find_signed_database(view)) {
    add_database(database_of(path), *signed_database, source, material);
    return material;
  }
  if (starts_with_list(view)) {
    add_database(database_of(path), view, source, material);
    return material;
  }
  ASSAY_TRY(auto certificates, parse_certificates(view));
  const BootDatabase named = database_of(path);
  const BootDatabase database = is_deny_list(named) ? named : BootDatabase::option;
  for (auto& certificate : certificates)
    material.certificates.push_back({database, std::move(certificate), source});
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
  const auto load = [](const std::string& file) -> Result<BootMaterial> {
    auto loaded = load_file(file);
    if (!loaded) return std::unexpected(with_path(loaded.error(), encode_name(file)));
    if (loaded->is_deny_list_damaged) return std::unexpected(loaded->stops.back());
    return loaded;
  };
  std::error_code error;
  if (!fs::is_directory(path, error)) return load(path);
  ASSAY_TRY(std::vector<std::string> files, files_of(path));
  const auto is_variable = [](const std::string& file) {
    return variable_name(fs::path(file).filename().string()).has_value();
  };
  if (std::ranges::any_of(files, is_variable))
    std::erase_if(files, [&](const std::string& file) { return !is_variable(file); });
  BootMaterial material;
  for (const std::string& file : files) {
    // Of a machine's hundred variables only these are anybody's business.
    const std::string file_name = fs::path(file).filename().string();
    if (const auto name = variable_name(file_name); name && find_variable(*name) == nullptr)
      continue;
    auto one = load(file);
    if (one)
      material.add(std::move(*one));
    else if (is_variable(file) || is_deny_list(database_of(file)))
      return one;
    else
      warn(one.error());
  }
  if (material.is_empty())
    return std::unexpected(
        Error{Reason::not_a_certificate, {}, "no certificate in this folder", encode_name(path)});
  return material;
}

std::vector<std::string> kernel_blocklist(const BootMaterial& material) {
  std::vector<std::string> descriptions;
  for (const BootHash& hash : material.hashes) {
    const bool is_kernels =
        hash.database == BootDatabase::dbx || hash.database == BootDatabase::mokx;
    if (!is_kernels) continue;
    const std::string hex = to_hex(hash.digest) + to_hex(hash.revocation_time);
    if (hash.type == EfiSignatureType::sha256) descriptions.push_back("bin:" + hex);
    if (hash.type == EfiSignatureType::x509_sha256) descriptions.push_back("tbs:" + hex);
  }
  return descriptions;
}

}  // namespace assay
