#include "report/hashes_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/name.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

// Rows of eight, as the kernel's tool has them.
std::string c_bytes(std::span<const std::uint8_t> bytes, std::string_view indent) {
  constexpr std::size_t kRow = 8;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % kRow == 0) text += fmt::format("\n{}", indent);
    text += fmt::format("0x{:02x},{}", bytes[i], (i + 1) % kRow == 0 ? "" : " ");
  }
  return text;
}

std::string text_of(HashFinding finding) {
  switch (finding) {
    case HashFinding::matches: return "is one that the kernel knows";
    case HashFinding::no_proof: return "has no proof at its end";
    case HashFinding::malformed:
      return "has a proof with an information block that kernels refuse (EBADMSG)";
    case HashFinding::other_height: return "has a proof of a tree of another height";
    case HashFinding::other_root: return "has a proof that leads to another root";
    case HashFinding::not_listed: return "is not in the kernel's list";
    case HashFinding::unreadable: break;
  }
  return "cannot be read";
}

}  // namespace

std::string to_json(const BuiltHashes& built) {
  Json json;
  json["schema"] = "assay.module-hashes/1";
  json["format"] = module_hashes_format_name(built.format);
  json["count"] = built.count;
  if (built.root) {
    json["levels"] = built.root->levels;
    json["root"] = built.root->hash.hex();
  } else {
    json["list"] = Json::array();
    for (const FileSha256& row : built.list) json["list"].push_back(to_hex(row));
  }
  return json.dump();
}

std::string to_text(const BuiltHashes& built) {
  const std::string head =
      fmt::format("{}: {} modules", module_hashes_format_name(built.format), built.count);
  if (!built.root) return fmt::format("{}, {} bytes\n", head, built.list.size() * kTreeHashSize);
  return fmt::format("{}, {} levels\nroot {}\n", head, built.root->levels, built.root->hash.hex());
}

std::string to_json(const BuiltModule& built) {
  Json json{{"schema", "assay.module-proof/1"},
            {"position", *built.module.position},
            {"name", encode_name(built.name)},
            {"path", built.module.name}};
  if (!built.proof) {
    json["sha256"] = to_hex(*built.module.sha256);
    return json.dump();
  }
  json["leaf"] = built.module.leaf.hex();
  json["proof"] = Json::array();
  for (const ModuleHash& sibling : built.proof->siblings) json["proof"].push_back(sibling.hex());
  return json.dump();
}

std::string to_text(const BuiltModule& built) {
  const std::string hash = built.proof ? built.module.leaf.hex() : to_hex(*built.module.sha256);
  return fmt::format("{} {} {}\n", *built.module.position, hash, encode_name(built.name));
}

std::string to_c_source(const BuiltHashes& built) {
  std::string text = "#include <linux/module_hashes.h>\n\n";
  if (built.root)
    return text +
           fmt::format(
               "const struct\nmodule_hashes_root module_hashes_root __module_hashes_section = "
               "{{\n\t.levels = {},\n\t.hash = {{{}{}\n\t}}{},\n}};\n",
               built.root->levels, built.format == ModuleHashesFormat::merkle_v5 ? "{" : "",
               c_bytes(built.root->hash.bytes, "\t\t"),
               built.format == ModuleHashesFormat::merkle_v5 ? "}" : "");
  text += fmt::format(
      "const u8 module_hashes[{}][MODULE_HASHES_HASH_SIZE] __module_hashes_section = {{\n",
      built.list.size());
  for (const FileSha256& row : built.list)
    text += fmt::format("\t{{{}\n\t}},\n", c_bytes(row, "\t\t"));
  return text + "};\n";
}

std::string to_json(const HashedModule& module, HashFinding finding) {
  Json json;
  json["schema"] = "assay.module-hash/1";
  json["path"] = module.name;
  json["finding"] = hash_finding_name(finding);
  if (module.sha256) json["sha256"] = to_hex(*module.sha256);
  if (module.proof) {
    json["position"] = module.proof->position;
    json["levels"] = module.proof->siblings.size();
    json["root"] = module.proof->root.hex();
  }
  if (module.error) json["error"] = describe(*module.error);
  return json.dump();
}

std::string to_text(const HashedModule& module, HashFinding finding) {
  if (module.error) return describe(*module.error) + '\n';
  return fmt::format("{} {}\n", module.name, text_of(finding));
}

std::string to_json(const HashDiagnosis& diagnosis) {
  Json json;
  json["schema"] = "assay.module-hashes-diagnosis/1";
  json["id"] = diagnosis.id;
  json["text"] = diagnosis.text;
  return json.dump();
}

}  // namespace assay
