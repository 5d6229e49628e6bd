#include "survey/ima_records.h"

#include "base/name.h"
#include "bytes/content.h"
#include "sources/file_attributes.h"
#include "survey/file_facts.h"

namespace assay {

namespace {

// A security.ima can have as much (include/uapi/linux/limits.h, XATTR_SIZE_MAX).
constexpr std::uint64_t kLargest = 65536;

Result<std::optional<FileAttributes>> find_attributes(const Found& found) {
  if (found.attributes) return found.attributes;
  if (found.path.empty() || !has_security_ima(found.path)) return std::nullopt;
  ASSAY_TRY(auto attributes, read_file_attributes(found.path));
  return std::optional(std::move(attributes));
}

Result<void> add_sidecar(const Found& found, const Content& content,
                         std::vector<ImaRecord>& records) {
  const std::string path = found.path + ".sig";
  const auto file = open_file(path);
  if (!file || (*file)->size() > kLargest) return {};
  std::vector<std::uint8_t> bytes((*file)->size());
  ASSAY_CHECK((*file)->read(0, bytes));
  if (!is_ima_signature(View(bytes))) return {};
  Xattrs xattrs;
  xattrs.emplace(kXattrIma, std::move(bytes));
  ASSAY_TRY(ImaEvidence evidence, collect_ima(content, std::move(xattrs), {}));
  records.push_back({"detached", encode_name(path), std::move(evidence)});
  return {};
}

}  // namespace

bool is_ima_signature(View bytes) {
  const ImaXattr xattr = read_ima_xattr(bytes);
  const bool is_kind =
      xattr.is(ImaXattrType::signature) || xattr.is(ImaXattrType::verity_signature);
  return is_kind && xattr.signature && xattr.second >= 2 && xattr.second <= 3 &&
         xattr.signature->sig_size == xattr.signature->value.size();
}

Result<std::vector<ImaRecord>> collect_ima_records(const Found& found, const Content& content) {
  std::vector<ImaRecord> records;
  ASSAY_TRY(auto attributes, find_attributes(found));
  if (attributes && attributes->security.contains(kXattrIma)) {
    ASSAY_TRY(ImaEvidence evidence, collect_ima(content, std::move(attributes->security), {}));
    describe_file(*attributes, evidence);
    records.push_back({"xattr", std::string(kXattrIma), std::move(evidence)});
  }
  if (!found.path.empty()) ASSAY_CHECK(add_sidecar(found, content, records));
  return records;
}

}  // namespace assay
