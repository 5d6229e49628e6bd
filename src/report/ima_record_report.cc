#include "report/ima_record_report.h"

#include <fmt/format.h>

#include "base/hex.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

struct TypeName {
  ImaXattrType type;
  std::string_view name;
};
constexpr TypeName kTypes[] = {
    {ImaXattrType::digest, "digest"},
    {ImaXattrType::hmac, "hmac"},
    {ImaXattrType::signature, "signature"},
    {ImaXattrType::digest_ng, "digest"},
    {ImaXattrType::portable_signature, "portable signature"},
    {ImaXattrType::verity_signature, "signature of the fs-verity digest"},
};

std::string_view type_name(const ImaXattr& xattr) {
  for (const TypeName& each : kTypes)
    if (xattr.is(each.type)) return each.name;
  return "unknown";
}

bool is_signature(const ImaXattr& xattr) {
  return xattr.is(ImaXattrType::signature) || xattr.is(ImaXattrType::portable_signature) ||
         xattr.is(ImaXattrType::verity_signature);
}

// The algorithm that the record names; nothing where it names none.
const HashAlgo* algo_of(const ImaXattr& xattr) {
  if (xattr.is(ImaXattrType::digest_ng)) return find_hash_algo(xattr.second);
  if (!is_signature(xattr) || !xattr.signature || xattr.second < 2) return nullptr;
  return find_hash_algo(xattr.signature->hash_algo);
}

Json record_to_json(const ImaRecord& record, std::string_view place, const ImaXattr& xattr) {
  Json json{{"carrier", record.carrier}, {"record", place}, {"type", xattr.type}};
  json["type_name"] = type_name(xattr);
  json["size"] = xattr.bytes.size();
  if (const HashAlgo* algo = algo_of(xattr)) json["hash"] = algo->name;
  if (xattr.is(ImaXattrType::digest) || xattr.is(ImaXattrType::digest_ng)) {
    const std::size_t start = xattr.is(ImaXattrType::digest) ? 1 : 2;
    const auto bytes = xattr.bytes.bytes();
    json["digest"] = to_hex(bytes.subspan(std::min(start, bytes.size())));
  }
  if (is_signature(xattr)) json["version"] = xattr.second;
  if (is_signature(xattr) && xattr.signature && xattr.second >= 2) {
    json["key_identifier"] = to_hex(xattr.signature->keyid);
    json["sig_size"] = xattr.signature->sig_size;
    json["signature_size"] = xattr.signature->value.size();
  }
  return json;
}

std::string record_to_text(const ImaRecord& record, std::string_view place, const ImaXattr& xattr) {
  std::string text = fmt::format("  {} ({}): {}", place, record.carrier, type_name(xattr));
  if (is_signature(xattr)) text += fmt::format(" of version {}", xattr.second);
  if (const HashAlgo* algo = algo_of(xattr)) text += fmt::format(", {}", algo->name);
  text += fmt::format(", {} bytes\n", xattr.bytes.size());
  if (is_signature(xattr) && xattr.signature && xattr.second >= 2)
    text += fmt::format("    signer       key id {}\n", to_hex(xattr.signature->keyid));
  return text;
}

}  // namespace

Json records_to_json(const ImaRecord& record) {
  Json json = Json::array();
  json.push_back(record_to_json(record, record.place, *record.evidence.xattr(kXattrIma)));
  if (const auto evm = record.evidence.xattr(kXattrEvm))
    json.push_back(record_to_json(record, kXattrEvm, *evm));
  return json;
}

std::string records_to_text(const ImaRecord& record) {
  std::string text = record_to_text(record, record.place, *record.evidence.xattr(kXattrIma));
  if (const auto evm = record.evidence.xattr(kXattrEvm))
    text += record_to_text(record, kXattrEvm, *evm);
  return text;
}

}  // namespace assay
