#include "edit/debian_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/name.h"

namespace assay {

namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(std::string what) {
  return fail(Reason::bad_record, {}, "files.json: " + std::move(what));
}

// Relative, and without "", "." and "..".
bool leads_down(std::string_view path) {
  for (;;) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == ".." || part.contains('\0')) return false;
    if (part.size() == path.size()) return true;
    path.remove_prefix(part.size() + 1);
  }
}

Result<void> add_file(const Json& json, const std::string& name, DebianPackage& package) {
  if (!json.is_object() || !json.contains("file") || !json["file"].is_string() ||
      !json.contains("sig_type") || !json["sig_type"].is_string())
    return wrong(name + ": a file without file and sig_type");
  const auto path = json["file"].get<std::string>();
  const auto type = json["sig_type"].get<std::string>();
  if (!leads_down(path)) return wrong(name + ": not a path in a package: " + encode_name(path));
  if (type != "efi" && type != "linux-module")
    return wrong(name + ": sig_type is neither efi nor linux-module: " + encode_name(type));
  const auto kind = type == "efi" ? DebianSignature::efi : DebianSignature::linux_module;
  if (!package.files.emplace(path, kind).second)
    return wrong(name + ": twice: " + encode_name(path));
  return {};
}

Result<DebianPackage> parse_package(const Json& json, const std::string& name) {
  DebianPackage package;
  if (!json.is_object() || !json.contains("trusted_certs") || !json["trusted_certs"].is_array())
    return wrong(name + ": trusted_certs is missing");
  if (!json.contains("files") || !json["files"].is_array())
    return wrong(name + ": files is missing");
  for (const Json& each : json["trusted_certs"]) {
    const auto bytes = each.is_string() ? from_hex(each.get<std::string>()) : std::nullopt;
    std::array<std::uint8_t, 32> fingerprint{};
    if (!bytes || bytes->size() != fingerprint.size())
      return wrong(name + ": trusted_certs has what is no SHA-256");
    std::ranges::copy(*bytes, fingerprint.begin());
    package.trusted_certificates.push_back(fingerprint);
  }
  for (const Json& each : json["files"]) ASSAY_CHECK(add_file(each, name, package));
  return package;
}

}  // namespace

Result<DebianFiles> parse_debian_files(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return wrong("not JSON");
  if (!json.is_object() || !json.contains("packages") || !json["packages"].is_object())
    return wrong("packages is missing");
  DebianFiles files;
  for (const auto& [name, each] : json["packages"].items()) {
    const std::string printed = encode_name(name);
    if (name.contains('/') || !leads_down(name)) return wrong("no name of a package: " + printed);
    ASSAY_TRY(files[name], parse_package(each, printed));
  }
  return files;
}

}  // namespace assay
