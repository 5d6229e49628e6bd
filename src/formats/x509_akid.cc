#include "formats/x509_akid.h"

namespace assay {

namespace {

using ber::context;
using ber::context_constructed;
using ber::kOctetString;
using ber::kOid;
using ber::kSequence;
using ber::kSet;

constexpr std::uint8_t kIa5String = 0x16;

// The grammar as code; see CmsParser for how it maps to the kernel's.
class AkidParser {
 public:
  AkidParser(View value, AkidGrammar grammar) : ber_(value), grammar_(grammar) {}

  AuthorityKeyIdentifier parse() && {
    ber_.enter(kSequence);
    if (ber_.leaf_or_skip(context(0), element_)) akid_.key = element_.content;
    if (ber_.enter_or_skip(context_constructed(1))) general_names();
    if (ber_.leaf_or_skip(context(2), element_) && akid_.issuer) akid_.serial = element_.content;
    ber_.leave();
    akid_.fault = ber_.fault();
    return std::move(akid_);
  }

 private:
  void general_names() {
    do {
      if (grammar_ == AkidGrammar::implicit_names)
        implicit_name();
      else
        explicit_name();
      ber_.choice_made();
    } while (ber_.more());
    ber_.returned();
  }

  void implicit_name() {
    if (ber_.enter_or_skip(context_constructed(0))) {  // otherName
      ber_.leaf(kOid, element_);
      explicit_any(0);
      close();
    }
    ber_.leaf_or_next(context(1), element_);  // rfc822Name
    ber_.leaf_or_next(context(2), element_);  // dNSName
    one_or_next(3);                           // x400Address
    directory_or_next();
    if (ber_.enter_or_next(context_constructed(5))) {  // ediPartyName
      if (ber_.enter_or_skip(context_constructed(0))) {
        ber_.any(element_);
        close();
      }
      explicit_any(1);
      close();
    }
    ber_.leaf_or_next(context(6), element_);  // uniformResourceIdentifier
    ber_.leaf_or_next(context(7), element_);  // iPAddress
    ber_.leaf_or_next(context(8), element_);  // registeredID
  }

  void explicit_name() {
    if (ber_.enter_or_skip(context_constructed(0))) {
      ber_.any(element_);
      close();
    }
    leaf_or_next(1, kIa5String);
    leaf_or_next(2, kIa5String);
    one_or_next(3);
    directory_or_next();
    one_or_next(5);
    leaf_or_next(6, kIa5String);
    leaf_or_next(7, kOctetString);
    leaf_or_next(8, kOid);
  }

  void close() {
    ber_.leave();
    ber_.returned();
  }

  void explicit_any(std::uint8_t number) {
    ber_.enter(context_constructed(number));
    ber_.any(element_);
    ber_.leave();
  }

  void one_or_next(std::uint8_t number) {
    if (!ber_.enter_or_next(context_constructed(number))) return;
    ber_.any(element_);
    close();
  }

  void leaf_or_next(std::uint8_t number, std::uint8_t tag) {
    if (!ber_.enter_or_next(context_constructed(number))) return;
    ber_.leaf(tag, element_);
    close();
  }

  void directory_or_next() {
    if (!ber_.enter_or_next(context_constructed(4))) return;
    ber_.enter(kSequence);
    do {
      ber_.enter(kSet);
      do {
        ber_.enter(kSequence);
        ber_.leaf(kOid, element_);
        ber_.any(element_);
        ber_.leave();
      } while (ber_.more());
    } while (ber_.more(element_));
    if (ber_.ok()) akid_.issuer = element_.content;
    close();
  }

  BerDecoder ber_;
  AkidGrammar grammar_;
  AuthorityKeyIdentifier akid_;
  BerElement element_;
};

}  // namespace

AuthorityKeyIdentifier parse_authority_key_identifier(View value, AkidGrammar grammar) {
  return AkidParser(value, grammar).parse();
}

}  // namespace assay
