#include "formats/x509.h"

#include <fmt/format.h>

#include <cctype>

#include "base/name.h"
#include "formats/name_attributes.h"
#include "formats/x509_akid.h"

namespace assay {

namespace {

using ber::context;
using ber::context_constructed;
using ber::kBitString;
using ber::kBoolean;
using ber::kGeneralizedTime;
using ber::kInteger;
using ber::kOctetString;
using ber::kOid;
using ber::kSequence;
using ber::kSet;
using ber::kUtcTime;

// subjectPublicKey and signature are BIT STRINGs of whole octets: the first octet is 0.
View without_unused_bits(View bit_string) {
  return bit_string.empty() ? bit_string : bit_string.sub(1, bit_string.size() - 1);
}

// The grammar of x509.asn1 as code; see CmsParser for how it maps to the kernel's.
class CertificateParser {
 public:
  explicit CertificateParser(View data) : ber_(data) {}

  Certificate parse() && {
    ber_.enter(kSequence);
    tbs_certificate();
    algorithm_identifier();
    if (ber_.leaf(kBitString, element_)) {
      certificate_.signature = without_unused_bits(element_.content);
      place(X509Place::signature);
    }
    if (ber_.leave(element_)) certificate_.raw = element_.raw;
    certificate_.fault = ber_.fault();
    if (!certificate_.fault && akid_) authority_key_identifier(*akid_);
    return std::move(certificate_);
  }

 private:
  void tbs_certificate() {
    ber_.enter(kSequence);
    if (ber_.enter_or_skip(context_constructed(0))) {
      ber_.leaf(kInteger, element_);
      ber_.leave();
      ber_.returned();
    }
    if (ber_.leaf(kInteger, element_)) certificate_.serial = element_.content;
    algorithm_identifier();
    certificate_.sig_algo = oid_;
    certificate_.sig_algo_oid = oid_content_;
    place(X509Place::sig_algo);
    if (name()) certificate_.issuer = element_.content;
    validity();
    if (name()) {
      certificate_.subject = element_.content;
      subject_seen_ = true;
    }
    subject_public_key_info();
    ber_.leaf_or_skip(context(1), element_);
    ber_.leaf_or_skip(context(2), element_);
    if (ber_.enter_or_skip(context_constructed(3))) extensions();
    if (ber_.leave(element_)) certificate_.tbs = element_.raw;
  }

  void algorithm_identifier() {
    ber_.enter(kSequence);
    oid();
    if (ber_.any_or_skip(element_) && subject_seen_ && !key_seen_)
      certificate_.key_params = element_.raw;
    ber_.leave(element_);
    ber_.returned();
  }

  // True with the Name in element_.
  bool name() {
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
    ber_.returned();
    return ber_.ok();
  }

  // Where a time is missing the kernel goes by what it read before: a Validity with one time has it
  // twice, an empty one has itself as its first.
  void validity() {
    ber_.enter(kSequence, element_);
    if (time()) {
      certificate_.not_before = parse_time(element_);
      place(X509Place::not_before);
    }
    if (time()) {
      certificate_.not_after = parse_time(element_);
      place(X509Place::not_after);
    }
    ber_.leave();
  }

  bool time() {
    if (!ber_.leaf_or_skip(kUtcTime, element_)) ber_.leaf_or_next(kGeneralizedTime, element_);
    return ber_.choice_made();
  }

  void subject_public_key_info() {
    ber_.enter(kSequence);
    algorithm_identifier();
    certificate_.key_algo = oid_;
    certificate_.key_algo_oid = oid_content_;
    if (ber_.leaf(kBitString, element_)) {
      certificate_.key = without_unused_bits(element_.content);
      place(X509Place::key_data);
      key_seen_ = true;
    }
    ber_.leave();
  }

  void extensions() {
    ber_.enter(kSequence);
    do {
      ber_.enter(kSequence);
      oid();
      ber_.leaf_or_skip(kBoolean, element_);
      if (ber_.leaf(kOctetString, element_)) extension(element_.content);
      ber_.leave();
    } while (ber_.more());
    ber_.leave();
    ber_.returned();
  }

  void extension(View value) {
    place(X509Place::extension);
    switch (oid_) {
      case Oid::subject_key_identifier:
        if (!certificate_.skid) certificate_.skid = read_skid(value);
        break;
      case Oid::key_usage: read_key_usage(value, &certificate_); break;
      case Oid::basic_constraints: read_basic_constraints(value, &certificate_); break;
      case Oid::authority_key_identifier: akid_ = value; break;
      default: break;
    }
  }

  // Decoded after the certificate. Where both grammars can read it, they read the same.
  void authority_key_identifier(View value) {
    auto akid = parse_authority_key_identifier(value, AkidGrammar::implicit_names);
    auto older = parse_authority_key_identifier(value, AkidGrammar::explicit_names);
    certificate_.akid_fault = akid.fault;
    certificate_.akid_fault_61 = older.fault;
    if (akid.fault) akid = std::move(older);
    certificate_.akid_key = akid.key;
    certificate_.akid_issuer = akid.issuer;
    certificate_.akid_serial = akid.serial;
  }

  void oid() {
    BerElement element;
    if (!ber_.leaf(kOid, element)) return;
    oid_content_ = element.content;
    oid_ = find_oid(oid_content_);
  }

  void place(X509Place place) {
    if (!ber_.ok()) return;
    certificate_.items.push_back({place, oid_, oid_content_, element_,
                                  place == X509Place::key_data ? certificate_.key_params : View(),
                                  certificate_.skid.has_value()});
  }

  BerDecoder ber_;
  Certificate certificate_;
  BerElement element_;
  Oid oid_ = Oid::unknown;
  View oid_content_;
  std::optional<View> akid_;
  bool subject_seen_ = false;
  bool key_seen_ = false;
};

// Days from 1970-01-01 to a date of the Gregorian calendar, year >= 1970.
std::int64_t days_from_epoch(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int era_day = y * 365 + y / 4 - y / 100 + y / 400;
  const int year_day = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  constexpr int kEpoch = 719468;  // of 1970-01-01 in the same count
  return static_cast<std::int64_t>(era_day) + year_day - kEpoch;
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace

std::optional<KeyId> Certificate::skid_id() const {
  if (!skid) return std::nullopt;
  return KeyId{*skid, {}};
}

std::optional<KeyId> Certificate::auth_id() const {
  if (!akid_serial || !akid_issuer) return std::nullopt;
  return KeyId{*akid_serial, *akid_issuer};
}

std::optional<KeyId> Certificate::auth_skid() const {
  if (!akid_key) return std::nullopt;
  return KeyId{*akid_key, {}};
}

Certificate parse_certificate(View data) { return CertificateParser(data).parse(); }

std::optional<std::int64_t> parse_time(const BerElement& element) {
  const std::string_view text = element.content.text();
  const bool utc = element.tag == kUtcTime;
  if (!utc && element.tag != kGeneralizedTime) return std::nullopt;
  if (text.size() != (utc ? 13U : 15U) || text.back() != 'Z') return std::nullopt;
  std::size_t next = 0;
  bool digits = true;
  const auto two = [&] {
    const char tens = text[next];
    const char ones = text[next + 1];
    next += 2;
    digits = digits && tens >= '0' && tens <= '9' && ones >= '0' && ones <= '9';
    return (tens - '0') * 10 + (ones - '0');
  };
  int year = two();
  if (utc)
    year += year >= 50 ? 1900 : 2000;
  else
    year = year * 100 + two();
  const int month = two();
  const int day = two();
  const int hour = two();
  const int minute = two();
  const int second = two();
  // GeneralizedTime is for dates that UTCTime cannot express; the kernel insists.
  if (!digits || (!utc && year >= 1950 && year <= 2049)) return std::nullopt;
  if (year < 1970 || month < 1 || month > 12) return std::nullopt;
  // 24:00:00 and leap seconds are as ISO 8601 has them, and the kernel allows.
  if (day < 1 || day > days_in_month(year, month) || hour > 24 || minute > 59 || second > 60)
    return std::nullopt;
  return ((days_from_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

// x509_process_extension looks at single octets of these three extensions, not at their structure.

std::optional<View> read_skid(View value) {
  if (value.size() < 3 || value[0] != kOctetString || value[1] != value.size() - 2)
    return std::nullopt;
  return value.sub(2, value.size() - 2);
}

bool read_key_usage(View value, Certificate* certificate) {
  constexpr std::uint8_t kDigitalSignature = 0x80;
  constexpr std::uint8_t kKeyCertSign = 0x04;
  if (value.size() < 4 || value[0] != kBitString || value[2] >= 8) return false;
  if (certificate == nullptr) return true;
  if ((value[3] & kDigitalSignature) != 0) certificate->digital_signature = true;
  const bool one_octet = value[1] == 2 && value[2] <= 2;
  const bool two_octets = value.size() > 4 && value[1] == 3;
  if ((one_octet || two_octets) && (value[3] & kKeyCertSign) != 0)
    certificate->key_cert_sign = true;
  return true;
}

bool read_basic_constraints(View value, Certificate* certificate) {
  if (value.size() < 2 || value[0] != kSequence || value[1] != value.size() - 2) return false;
  if (value[1] == 0) return true;
  if (value.size() < 5 || value[2] != kBoolean || value[3] != 1 || value[4] != 0xFF) return false;
  if (certificate != nullptr) certificate->ca = true;
  return true;
}

namespace {}  // namespace

bool may_be_same_name(View a, View b) {
  // Types, and of values the letters and digits; of those beyond ASCII or in UTF-16 nothing.
  struct Folded {
    std::string types;
    std::string values;
    bool is_ascii = true;
  };
  const auto fold = [](View name) {
    Folded folded;
    each_attribute(name, [&](View type, View value) {
      folded.types += dotted_oid(type) + ' ';
      for (const std::uint8_t c : value.bytes()) {
        folded.is_ascii = folded.is_ascii && c != 0 && c < 0x80;
        if (std::isalnum(c) != 0) folded.values += static_cast<char>(std::tolower(c));
      }
    });
    return folded;
  };
  if (same_bytes(a, b)) return true;
  const Folded one = fold(a);
  const Folded other = fold(b);
  return one.types == other.types &&
         (!one.is_ascii || !other.is_ascii || one.values == other.values);
}

std::string name_text(View name) {
  std::string text;
  each_attribute(name, [&](View type, View value) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{}={}", oid_text(type), encode_name(value.text()));
  });
  return text;
}

std::string fabricated_name(View name) {
  constexpr std::size_t kSignificant = 7;
  std::string_view common_name;
  std::string_view organization;
  std::string_view email;
  each_attribute(name, [&](View type, View value) {
    switch (find_oid(type)) {
      case Oid::common_name: common_name = value.text(); break;
      case Oid::organization: organization = value.text(); break;
      case Oid::email_address: email = value.text(); break;
      default: break;
    }
  });
  if (organization.empty()) return std::string(common_name.empty() ? email : common_name);
  if (common_name.empty()) return std::string(organization);
  const bool says_enough =
      common_name.starts_with(organization) ||
      (common_name.size() >= kSignificant && organization.size() >= kSignificant &&
       common_name.starts_with(organization.substr(0, kSignificant)));
  if (says_enough) return std::string(common_name);
  return fmt::format("{}: {}", organization, common_name);
}

std::string short_name(View name) {
  std::string common_name;
  each_attribute(name, [&](View type, View value) {
    if (find_oid(type) == Oid::common_name) common_name = encode_name(value.text());
  });
  return common_name.empty() ? name_text(name) : common_name;
}

}  // namespace assay
