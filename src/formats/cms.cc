#include "formats/cms.h"

namespace assay {

namespace {

using ber::context;
using ber::context_constructed;
using ber::kInteger;
using ber::kOctetString;
using ber::kOid;
using ber::kSequence;
using ber::kSet;

// The grammar of pkcs7.asn1 as code: one function a production, one call a step. returned() stands
// where the kernel's compiled grammar comes back from a jump.
class CmsParser {
 public:
  explicit CmsParser(View data) : data_(data), ber_(data) {}

  CmsMessage parse() && {
    content_info();
    message_.fault = ber_.fault();
    return std::move(message_);
  }

 private:
  void content_info() {
    ber_.enter(kSequence);
    oid();
    place(CmsPlace::check_content_type, element_);
    if (ber_.enter_or_skip(context_constructed(0))) {
      signed_data();
      ber_.leave();
      ber_.returned();
    }
    if (ber_.leave(element_)) message_.raw = element_.raw;
  }

  void signed_data() {
    ber_.enter(kSequence);
    if (ber_.leaf(kInteger, element_)) place(CmsPlace::signeddata_version, element_);
    digest_algorithms();
    encap_content_info();
    certificates();
    crls();
    signer_infos();
    ber_.leave();
  }

  void digest_algorithms() {
    if (ber_.enter_or_skip(kSet) || ber_.enter_or_next(kSequence)) {
      do {
        ber_.enter(kSequence);
        algorithm_identifier();
      } while (ber_.more());
      ber_.returned();
    }
    ber_.choice_made();
  }

  // After its SEQUENCE was entered.
  void algorithm_identifier() {
    oid();
    ber_.any_or_skip(element_);
    ber_.leave(element_);
    ber_.returned();
  }

  void encap_content_info() {
    ber_.enter(kSequence);
    oid();
    if (ber_.enter_or_skip(context_constructed(0))) {
      if (ber_.any(element_)) {
        message_.content = element_;
        place(CmsPlace::data, element_);
      }
      ber_.leave();
      ber_.returned();
    }
    if (ber_.leave(element_)) {
      message_.content_type = oid_;
      place(CmsPlace::content, element_);
    }
  }

  void certificates() {
    if (ber_.enter_or_skip(context_constructed(0))) {
      do {
        // A choice of two alternatives that both are ANY: see ber.h on why an empty set passes.
        if (ber_.any_or_skip(element_) || ber_.any_or_next(element_)) certificate();
        ber_.choice_made();
      } while (ber_.more());
      ber_.returned();
    }
    if (ber_.enter_or_next(context_constructed(2))) certificate_sequence();
    place(CmsPlace::certificate_list, {});
  }

  void crls() {
    // "This may be defined incorrectly", says pkcs7.asn1: lists of certificates.
    if (ber_.enter_or_skip(context_constructed(1))) lists_of_certificates();
    if (ber_.enter_or_next(context_constructed(3))) lists_of_certificates();
  }

  void lists_of_certificates() {
    do {
      ber_.enter(kSequence);
      certificate_sequence();
    } while (ber_.more());
    ber_.returned();
  }

  void certificate_sequence() {
    do {
      if (ber_.any(element_)) certificate();
    } while (ber_.more());
    ber_.returned();
  }

  // pkcs7_extract_cert hands the element with its header to the X.509 parser.
  void certificate() {
    View certificate = element_.raw;
    if (element_.indefinite) {
      const std::size_t start = certificate.origin() - data_.origin();
      certificate = data_.sub(start, std::min(certificate.size() + 2, data_.size() - start));
    }
    message_.certificates.push_back(certificate);
    place(CmsPlace::extract_cert, element_);
  }

  void signer_infos() {
    if (ber_.enter_or_skip(kSet) || ber_.enter_or_next(kSequence)) {
      do {
        ber_.enter(kSequence);
        signer_info();
      } while (ber_.more());
      ber_.returned();
    }
    ber_.choice_made();
  }

  void signer_info() {
    signer_ = {};
    if (ber_.leaf(kInteger, element_)) {
      if (element_.content.size() == 1) {
        signer_.version = element_.content[0];
        // Only the versions the kernel knows change what it expects
        // (pkcs7_note_signerinfo_version).
        if (signer_.version == 1) expect_skid_ = false;
        if (signer_.version == 3) expect_skid_ = true;
      }
      place(CmsPlace::signerinfo_version, element_);
    }
    signer_identifier();
    ber_.enter(kSequence);
    algorithm_identifier();
    signer_.digest_algo = oid_;
    signer_.digest_algo_oid = oid_content_;
    place(CmsPlace::digest_algo, element_);
    signed_attributes();
    ber_.enter(kSequence);
    oid();
    ber_.any_or_skip(element_);
    ber_.leave(element_);
    signer_.pkey_algo = oid_;
    signer_.pkey_algo_oid = oid_content_;
    place(CmsPlace::pkey_algo, element_);
    if (ber_.leaf(kOctetString, element_)) {
      signer_.signature = element_.content;
      place(CmsPlace::signature, element_);
    }
    unsigned_attributes();
    if (ber_.leave(element_)) {
      end_of_signer_info();
      ber_.returned();
    }
  }

  void end_of_signer_info() {
    signer_.by_skid = expect_skid_;
    signer_.sid = expect_skid_ ? KeyId{skid_, {}} : KeyId{serial_, issuer_};
    signer_.raw = element_.raw;
    place(CmsPlace::signed_info, element_);
    message_.signers.push_back(signer_);
  }

  void signer_identifier() {
    if (ber_.enter_or_skip(kSequence)) {
      name();
      if (ber_.leaf(kInteger, element_)) {
        serial_ = signer_.serial = element_.content;
        place(CmsPlace::serial, element_);
      }
      ber_.leave();
      ber_.returned();
    }
    if (ber_.leaf_or_next(context(0), element_)) {
      skid_ = element_.content;
      place(CmsPlace::skid, element_);
    }
    ber_.choice_made();
  }

  void name() {
    ber_.enter(kSequence);
    do {
      ber_.enter(kSet);
      do {
        ber_.enter(kSequence);
        oid();
        ber_.any(element_);
        ber_.leave();
      } while (ber_.more());
    } while (ber_.more(element_));
    if (!ber_.ok()) return;
    issuer_ = signer_.issuer = element_.content;
    place(CmsPlace::issuer, element_);
  }

  void signed_attributes() {
    if (ber_.enter_or_skip(context_constructed(0))) {
      attributes();
      ber_.returned();
    }
    if (ber_.last_matched()) {
      signer_.authattrs = element_;
      place(CmsPlace::set_of_authattrs, element_);
    }
    if (ber_.enter_or_next(context_constructed(2))) {
      ber_.enter(kSequence);
      attributes();
      ber_.leave();
      ber_.returned();
    }
  }

  void attributes() {
    do {
      ber_.enter(kSequence);
      oid();
      ber_.enter(kSet);
      do {
        if (ber_.any(element_)) attribute_value();
      } while (ber_.more());
      ber_.leave();
    } while (ber_.more(element_));
  }

  void attribute_value() {
    if (oid_ == Oid::message_digest) signer_.message_digest = element_.content;
    if (oid_ == Oid::signing_time) signer_.signing_time = element_;
    place(CmsPlace::authenticated_attr, element_);
  }

  void unsigned_attributes() {
    if (ber_.enter_or_skip(context_constructed(1)) || ber_.enter_or_next(context_constructed(3))) {
      do {
        ber_.enter(kSequence);
        ber_.leaf(kOid, element_);
        ber_.enter(kSet);
        do {
          ber_.any(element_);
        } while (ber_.more());
        ber_.leave();
      } while (ber_.more(element_));
      if (ber_.ok()) signer_.unauthattrs = element_;
      ber_.returned();
    }
  }

  void oid() {
    if (!ber_.leaf(kOid, element_)) return;
    oid_content_ = element_.content;
    oid_ = find_oid(oid_content_);
  }

  void place(CmsPlace place, const BerElement& element) {
    if (!ber_.ok()) return;
    message_.items.push_back(
        {place, static_cast<std::uint16_t>(message_.signers.size()), oid_, oid_content_, element});
  }

  View data_;
  BerDecoder ber_;
  CmsMessage message_;
  CmsSigner signer_;
  BerElement element_;
  Oid oid_ = Oid::unknown;
  View oid_content_;
  // Like the kernel's parse context, these outlive the SignerInfo that set them.
  bool expect_skid_ = false;
  View serial_;
  View issuer_;
  View skid_;
};

}  // namespace

CmsMessage parse_cms(View data) {
  CmsMessage message = CmsParser(data).parse();
  if (!message.fault && message.raw.size() <= data.size())
    message.trailing = data.sub(message.raw.size(), data.size() - message.raw.size());
  return message;
}

}  // namespace assay
