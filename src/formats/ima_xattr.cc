#include "formats/ima_xattr.h"

#include "bytes/reader.h"

namespace assay {

ImaXattr read_ima_xattr(View bytes) {
  ImaXattr xattr;
  xattr.bytes = bytes;
  if (!bytes.empty()) xattr.type = bytes[0];
  if (bytes.size() > 1) xattr.second = bytes[1];
  Reader reader(bytes);
  const auto header = reader.record<kImaSignatureHeaderSize>();
  if (!header || reader.empty()) return xattr;
  ImaSignature signature;
  signature.version = header->u8<1>();
  signature.hash_algo = header->u8<2>();
  std::ranges::copy(header->field<3, 4>(), signature.keyid.begin());
  signature.sig_size = header->be16<7>();
  signature.value = reader.rest();
  xattr.signature = signature;
  return xattr;
}

std::vector<std::uint8_t> write_ima_signature(ImaXattrType type, const ImaSignature& signature) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(kImaSignatureHeaderSize + signature.value.size());
  bytes.push_back(static_cast<std::uint8_t>(type));
  bytes.push_back(signature.version);
  bytes.push_back(signature.hash_algo);
  for (const std::uint8_t byte : signature.keyid) bytes.push_back(byte);
  bytes.push_back(static_cast<std::uint8_t>(signature.sig_size >> 8));
  bytes.push_back(static_cast<std::uint8_t>(signature.sig_size & 0xFF));
  const auto value = signature.value.bytes();
  bytes.insert(bytes.end(), value.begin(), value.end());
  return bytes;
}

}  // namespace assay
