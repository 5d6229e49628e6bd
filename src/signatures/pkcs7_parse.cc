// pkcs7_parser.c: what the kernel says at each place that formats/cms.h lists.

#include <fmt/format.h>

#include "signatures/pkcs7.h"
#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pkcs7;

class ParseChecker {
 public:
  ParseChecker(Walk& walk, const SignatureEvidence& evidence, const SignatureContext& context,
               std::vector<Pkcs7Certificate>& certificates, std::vector<Pkcs7Signer>& signers)
      : walk_(walk),
        evidence_(evidence),
        context_(context),
        certificates_(certificates),
        signers_(signers) {}

  Outcome check(const CmsItem& item) {
    const Extent where = item.element.raw.extent();
    switch (item.place) {
      case CmsPlace::check_content_type:
        return walk_.check(rule::outer_type, item.oid == Oid::signed_data, where,
                           [&] { return oid_text(item.oid_content); });
      case CmsPlace::signeddata_version: return signed_data_version(item, where);
      case CmsPlace::content: return content(item, where);
      case CmsPlace::extract_cert: return extract_cert(item, where);
      case CmsPlace::certificate_list: kept_ = certificates_.size(); return {};
      case CmsPlace::signerinfo_version: return signer_version(item, where);
      case CmsPlace::digest_algo: return digest_algo(item, where);
      case CmsPlace::authenticated_attr: return attribute(item, where);
      case CmsPlace::set_of_authattrs:
        return walk_.check(rule::attributes_required,
                           has(Oid::content_type) && has(Oid::message_digest), where);
      case CmsPlace::pkey_algo: return pkey_algo(item, where);
      case CmsPlace::signed_info: return signed_info(item, where);
      case CmsPlace::data:
      case CmsPlace::issuer:
      case CmsPlace::serial:
      case CmsPlace::skid:
      case CmsPlace::signature: return {};
    }
    return {};
  }

  // Certificates among the crls were parsed like the others, and are forgotten.
  void drop_certificates_of_crls() { certificates_.resize(kept_); }

 private:
  Outcome signed_data_version(const CmsItem& item, Extent where) {
    const View value = item.element.content;
    const bool known = value.size() == 1 && (value[0] == 1 || value[0] == 3);
    if (known) version_ = value[0];
    return walk_.check(rule::signed_data_version, known, where,
                       [&] { return "version " + to_text(value); });
  }

  Outcome content(const CmsItem& item, Extent where) {
    content_type_ = item.oid;
    return walk_.check(rule::content_type,
                       item.oid == Oid::data || item.oid == Oid::ms_indirect_data, where,
                       [&] { return oid_text(item.oid_content); });
  }

  Outcome extract_cert(const CmsItem& item, Extent where) {
    const auto tag_text = [&] {
      return fmt::format("tag 0x{:02x}, expected 0x30", item.element.tag);
    };
    if (const Outcome bad =
            walk_.check(rule::certificate_tag, item.element.tag == ber::kSequence, where, tag_text);
        bad.failed())
      return bad;
    Pkcs7Certificate certificate;
    certificate.prepared = evidence_.certificates()[certificates_.size()].get();
    if (const Outcome bad =
            check_certificate(walk_, *certificate.prepared, context_.crypto, context_.blocklist,
                              evidence_.cache(), certificate.state);
        bad.failed())
      return bad;
    certificates_.push_back(certificate);
    return {};
  }

  Outcome signer_version(const CmsItem& item, Extent where) {
    signer_ = {};
    attributes_.clear();
    const View value = item.element.content;
    const bool known = value.size() == 1 && (value[0] == 1 || value[0] == 3);
    if (const Outcome bad = walk_.check(rule::signer_version, known, where,
                                        [&] { return "version " + to_text(value); });
        bad.failed())
      return bad;
    return walk_.check(rule::same_version, value[0] == version_, where, [&] {
      return fmt::format("SignerInfo {}, SignedData {}", value[0], version_);
    });
  }

  Outcome digest_algo(const CmsItem& item, Extent where) {
    const DigestAlgorithm* algorithm = find_digest_algorithm(item.oid);
    const bool known = algorithm != nullptr && walk_.covers(algorithm->scope);
    if (known) signer_.hash = algorithm->hash;
    return walk_.check(rule::digest_algo, known, where, [&] { return oid_text(item.oid_content); });
  }

  Outcome pkey_algo(const CmsItem& item, Extent where) {
    const SignatureAlgorithm* algorithm = find_signature_algorithm(item.oid);
    const bool known = algorithm != nullptr && walk_.covers(algorithm->scope);
    if (known) signer_.kind = algorithm->kind;
    return walk_.check(rule::pkey_algo, known, where, [&] { return oid_text(item.oid_content); });
  }

  bool has(Oid attribute) const {
    return std::ranges::find(attributes_, attribute) != attributes_.end();
  }

  Outcome attribute(const CmsItem& item, Extent where) {
    const auto name = [&] { return std::string(oid_text(item.oid)); };
    switch (item.oid) {
      case Oid::content_type:
      case Oid::signing_time:
      case Oid::message_digest:
      case Oid::smime_capabilities:
      case Oid::ms_opus_info:
      case Oid::ms_statement_type: break;
      default: return {};
    }
    if (const Outcome bad = walk_.check(rule::attribute_once, !has(item.oid), where, name);
        bad.failed())
      return bad;
    attributes_.push_back(item.oid);
    const bool authenticode = content_type_ == Oid::ms_indirect_data;
    switch (item.oid) {
      case Oid::content_type:
        return walk_.check(rule::attribute_content_type,
                           find_oid(item.element.content) == content_type_, where,
                           [&] { return oid_text(item.element.content); });
      case Oid::signing_time:
        return walk_.check(rule::attribute_signing_time, parse_time(item.element).has_value(),
                           where, [&] { return std::string(item.element.content.text()); });
      case Oid::message_digest:
        return walk_.check(rule::attribute_message_digest, item.element.tag == ber::kOctetString,
                           where);
      case Oid::smime_capabilities: return walk_.check(rule::attribute_smime, authenticode, where);
      default: return walk_.check(rule::attribute_authenticode, authenticode, where, name);
    }
  }

  Outcome signed_info(const CmsItem& item, Extent where) {
    const CmsSigner& cms = evidence_.cms().signers[item.signer];
    const bool complete = content_type_ != Oid::ms_indirect_data || cms.authattrs.has_value();
    if (const Outcome bad = walk_.check(rule::authenticode_attributes, complete, where);
        bad.failed())
      return bad;
    signer_.cms = &cms;
    signers_.push_back(signer_);
    return {};
  }

  static std::string to_text(View integer) {
    return integer.size() == 1 ? std::to_string(integer[0])
                               : fmt::format("of {} octets", integer.size());
  }

  Walk& walk_;
  const SignatureEvidence& evidence_;
  const SignatureContext& context_;
  std::vector<Pkcs7Certificate>& certificates_;
  std::vector<Pkcs7Signer>& signers_;
  Pkcs7Signer signer_;
  std::size_t kept_ = 0;         // pkcs7_note_certificate_list
  std::vector<Oid> attributes_;  // of the current signer, those known to the kernel
  Oid content_type_ = Oid::unknown;
  unsigned version_ = 0;
};

}  // namespace

Outcome Pkcs7::parse(Walk& walk) {
  const CmsMessage& cms = evidence_.cms();
  ParseChecker checker(walk, evidence_, context_, certificates_, signers_);
  for (const CmsItem& item : cms.items)
    if (const Outcome bad = checker.check(item); bad.failed()) return bad;
  if (const Outcome bad = check_ber(walk, cms.fault); bad.failed()) return bad;
  checker.drop_certificates_of_crls();

  // pkcs7_check_authattrs. ML-DSA without signed attributes signs the data itself, without a
  // digest.
  bool consistent = !signers_.empty();
  for (const Pkcs7Signer& signer : signers_)
    consistent =
        consistent && signer.cms->authattrs.has_value() == signers_[0].cms->authattrs.has_value();
  return walk.check(rule::same_attributes, consistent, cms.raw.extent(),
                    [&] { return fmt::format("{} signers", signers_.size()); });
}

}  // namespace assay
