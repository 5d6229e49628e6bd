#include "judge/grub_appended.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hex.h"

namespace assay {

namespace {

namespace rule = rules::grub_appended;

// Lengths are definite and have no more octets than they need, in all that is nested.
bool is_der(View bytes, int depth = 0) {
  constexpr int kMostDeep = 16;
  if (depth > kMostDeep) return false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t left = bytes.size() - at;
    if (left < 2) return false;
    const std::uint8_t tag = bytes[at];
    if ((tag & 0x1F) == 0x1F) return false;
    const std::uint8_t first = bytes[at + 1];
    std::size_t header = 2;
    std::size_t size = first;
    if (first >= 0x80) {
      const std::size_t octets = first & 0x7F;
      if (octets == 0 || octets > 2 || left < 2 + octets) return false;
      size = 0;
      for (std::size_t i = 0; i < octets; ++i) size = size << 8 | bytes[at + 2 + i];
      if (size < 0x80 || (octets == 2 && size < 0x100)) return false;
      header += octets;
    }
    if (size > left - header) return false;
    if ((tag & ber::kConstructed) != 0 && !is_der(bytes.sub(at + header, size), depth + 1))
      return false;
    at += header + size;
  }
  return true;
}

struct Extension {
  Oid oid = Oid::unknown;
  bool is_critical = false;
  View value;
};

// Version, and extensions as RFC 5280 has them.
struct CertificateOutline {
  bool is_version_3 = false;
  std::vector<Extension> extensions;
  bool is_read = false;
};

CertificateOutline outline_of(const Certificate& certificate) {
  CertificateOutline outline;
  if (certificate.raw.empty() || certificate.tbs.empty() || !is_der(certificate.raw))
    return outline;
  BerDecoder ber(certificate.tbs);
  BerElement element;
  ber.enter(ber::kSequence);
  std::optional<View> extensions;
  bool is_first = true;
  do {
    if (!ber.any(element)) return outline;
    if (is_first && element.tag == ber::context_constructed(0))
      outline.is_version_3 = std::ranges::equal(element.content.bytes(),
                                                std::array<std::uint8_t, 3>{ber::kInteger, 1, 2});
    if (element.tag == ber::context_constructed(3)) extensions = element.raw;
    is_first = false;
  } while (ber.more());
  if (!ber.ok()) return outline;
  if (!extensions) {
    outline.is_read = true;
    return outline;
  }
  BerDecoder list(*extensions);
  list.enter(ber::context_constructed(3));
  list.enter(ber::kSequence);
  do {
    Extension extension;
    list.enter(ber::kSequence);
    if (list.leaf(ber::kOid, element)) extension.oid = find_oid(element.content);
    if (list.leaf_or_skip(ber::kBoolean, element))
      extension.is_critical = !element.content.empty() && element.content[0] != 0;
    if (list.leaf(ber::kOctetString, element)) extension.value = element.content;
    list.leave();
    if (list.ok()) outline.extensions.push_back(extension);
  } while (list.more());
  list.leave();
  outline.is_read = list.ok();
  return outline;
}

bool allows_code_signing(View value) {
  BerDecoder ber(value);
  BerElement element;
  bool allows = false;
  ber.enter(ber::kSequence);
  do {
    if (ber.leaf(ber::kOid, element) && find_oid(element.content) == Oid::eku_code_signing)
      allows = true;
  } while (ber.more());
  return ber.ok() && allows;
}

// SignedData up to its signers.
struct MessageOutline {
  bool is_signed_data = false;
  std::optional<std::uint8_t> version;
  std::vector<Oid> digests;
  bool has_crls = false;
  bool has_signers = false;
  bool is_read = false;
};

MessageOutline outline_of(View message) {
  MessageOutline outline;
  BerDecoder ber(message);
  BerElement element;
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kOid, element))
    outline.is_signed_data = find_oid(element.content) == Oid::signed_data;
  if (!outline.is_signed_data) {
    outline.is_read = ber.ok();
    return outline;
  }
  ber.enter(ber::context_constructed(0));
  ber.enter(ber::kSequence);
  if (ber.leaf(ber::kInteger, element) && element.content.size() == 1)
    outline.version = element.content[0];
  BerElement digests;
  if (!ber.any(digests) || digests.tag != ber::kSet) return outline;
  do {
    if (!ber.any(element)) return outline;
    outline.has_crls = outline.has_crls || element.tag == ber::context_constructed(1);
    outline.has_signers = element.tag == ber::kSet && !element.content.empty();
  } while (ber.more());
  if (!ber.ok()) return outline;
  outline.is_read = true;
  if (digests.content.empty()) return outline;
  BerDecoder list(digests.raw);
  list.enter(ber::kSet);
  do {
    list.enter(ber::kSequence);
    if (list.leaf(ber::kOid, element)) outline.digests.push_back(find_oid(element.content));
    list.any_or_skip(element);
    list.leave();
  } while (list.more());
  outline.is_read = list.ok();
  return outline;
}

std::optional<Hash> hash_of(Oid oid) {
  if (oid == Oid::sha256) return Hash::sha256;
  if (oid == Oid::sha512) return Hash::sha512;
  return std::nullopt;
}

// EMSA-PKCS1-v1_5 (RFC 8017, 9.2): 00 01 FF... 00 DigestInfo.
std::vector<std::uint8_t> pkcs1_block(const Digest& digest, std::size_t size) {
  // SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }
  std::vector<std::uint8_t> info = {
      0x30, static_cast<std::uint8_t>(17 + digest.size()), 0x30, 0x0D, 0x06, 0x09};
  const auto oid = oid_content(digest.hash() == Hash::sha256 ? Oid::sha256 : Oid::sha512);
  info.insert(info.end(), oid.begin(), oid.end());
  info.insert(info.end(), {0x05, 0x00, 0x04, static_cast<std::uint8_t>(digest.size())});
  info.insert(info.end(), digest.bytes().begin(), digest.bytes().end());
  constexpr std::size_t kLeastPadding = 11;
  if (size < info.size() + kLeastPadding) return {};
  std::vector<std::uint8_t> block(size, 0xFF);
  block[0] = 0;
  block[1] = 1;
  block[size - info.size() - 1] = 0;
  std::copy(info.begin(), info.end(), block.end() - static_cast<std::ptrdiff_t>(info.size()));
  return block;
}

enum class Made : std::uint8_t { no, of_something_else, of_this };

// Did this key make a signature, and of this digest?
Made made_by(const PreparedRsaKey& key, View signature, const Digest& digest) {
  if (!key.key || key.key->compare_with_modulus(signature.bytes()) >= 0) return Made::no;
  const std::size_t size = key.key->modulus_size();
  const auto found = key.key->apply(signature.bytes(), size);
  const auto wanted = pkcs1_block(digest, size);
  if (!found || wanted.empty()) return Made::no;
  if (*found == wanted) return Made::of_this;
  const auto start = std::span(wanted).first(size - digest.size());
  return std::ranges::equal(std::span(*found).first(start.size()), start) ? Made::of_something_else
                                                                          : Made::no;
}

class GrubJudge {
 public:
  GrubJudge(const AppendedEvidence& evidence, const BootMaterial& material)
      : evidence_(evidence), material_(material) {}

  BootVerdict judge() {
    const SignatureTrailer& trailer = evidence_.trailer;
    if (!trailer.has_marker) return refuse(rule::marker, {trailer.file_size, 0});
    if (!trailer.block) return refuse(rule::block, trailer.marker_extent());
    if (trailer.block->id_type != kIdTypePkcs7)
      return refuse(rule::id_type, trailer.block_extent(),
                    fmt::format("id_type {}", trailer.block->id_type));
    if (!trailer.splits) return refuse(rule::sig_len, trailer.block_extent());
    if (!evidence_.signature) return leave_open("the message was not read");
    if (auto verdict = check_message()) return *std::move(verdict);
    return look_for_key();
  }

 private:
  const CmsMessage& cms() const { return evidence_.signature->cms(); }

  std::optional<BootVerdict> check_message() const {
    // GRUB passes over what follows it.
    BerDecoder ber(evidence_.signature->bytes());
    BerElement element;
    const View message = ber.any(element) ? element.raw : View();
    if (message.empty()) return leave_open("the message could not be read to its end");
    if (!is_der(message)) return leave_open("the message is not DER");
    const MessageOutline outline = outline_of(message);
    if (!outline.is_read) return leave_open("the message could not be read to its end");
    const Extent where = message.extent();
    if (!outline.is_signed_data) return refuse(rule::content_type, where);
    if (outline.version != 1) return refuse(rule::version, where);
    for (std::size_t i = 0; i < outline.digests.size(); ++i)
      if (!hash_of(outline.digests[i]) ||
          std::find(outline.digests.begin(),
                    outline.digests.begin() + static_cast<std::ptrdiff_t>(i),
                    outline.digests[i]) != outline.digests.begin() + static_cast<std::ptrdiff_t>(i))
        return refuse(rule::digests, where, std::string(oid_text(outline.digests[i])));
    if (outline.digests.empty()) return refuse(rule::digests, where, "none");
    if (outline.has_crls) return refuse(rule::crls, where);
    if (!outline.has_signers) return refuse(rule::signers, where);
    if (cms().fault || cms().signers.empty())
      return leave_open("the message could not be read to its end");
    // What GRUB hashes is the file all the same; here the content was hashed.
    if (cms().content) return leave_open("the message carries a content of its own");
    return check_signer_digests(outline);
  }

  std::optional<BootVerdict> check_signer_digests(const MessageOutline& outline) const {
    const auto uses = [](Oid oid) {
      return [oid](const CmsSigner& signer) { return signer.digest_algo == oid; };
    };
    for (const CmsSigner& signer : cms().signers)
      if (std::ranges::find(outline.digests, signer.digest_algo) == outline.digests.end())
        return refuse(rule::signer_digests, signer.raw.extent(), oid_text(signer.digest_algo_oid));
    for (const Oid oid : outline.digests)
      if (std::ranges::none_of(cms().signers, uses(oid)))
        return refuse(rule::signer_digests, cms().raw.extent(), std::string(oid_text(oid)));
    return std::nullopt;
  }

  BootVerdict look_for_key() const {
    BootVerdict best = refuse(rule::trusted);
    for (const CmsSigner& signer : cms().signers) {
      const Digest* digest = evidence_.signature->content_digest(*hash_of(signer.digest_algo));
      if (digest == nullptr) return leave_open("the digest of the file was not computed");
      for (const BootCertificate& one : material_.certificates) {
        if (one.database != BootDatabase::option && one.database != BootDatabase::db) continue;
        const Made made = made_by(one.certificate->key().rsa(), signer.signature, *digest);
        if (made == Made::no) continue;
        std::string why;
        const std::string name = short_name(one.certificate->x509().subject);
        if (!is_grub_certificate(one.certificate->x509(), why)) {
          if (best.rule == &rule::trusted)
            best.because = fmt::format("GRUB does not take \"{}\": {}", name, why);
        } else if (made == Made::of_something_else) {
          best = refuse(rule::file, signer.signature.extent(), name);
        } else {
          return accept(one, *digest);
        }
      }
    }
    return best;
  }

  // Would dbx forbid it, where GRUB looks at dbx?
  BootVerdict accept(const BootCertificate& by, const Digest& digest) const {
    for (const BootCertificate& one : material_.certificates)
      if (one.database == BootDatabase::dbx &&
          same_key_id(one.certificate->x509().id(), by.certificate->x509().id()))
        return leave_open(
            "its certificate is in dbx, which counts where the platform manages keys");
    for (const BootHash& one : material_.hashes)
      if (one.database == BootDatabase::dbx && may_forbid(one, by, digest))
        return leave_open("a digest in dbx, which counts where the platform manages keys");
    BootVerdict verdict;
    verdict.standing = Standing::verified;
    verdict.certificate = &by;
    return verdict;
  }

  static bool may_forbid(const BootHash& entry, const BootCertificate& by, const Digest& digest) {
    if (entry.digest.size() == digest.size() && std::ranges::equal(entry.digest, digest.bytes()))
      return true;
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
      const Certificate& certificate = by.certificate->x509();
      for (const View part : {certificate.raw, certificate.tbs}) {
        const auto of_part = compute_digest(hash, part.bytes());
        if (of_part && std::ranges::equal(of_part->bytes(), entry.digest)) return true;
      }
    }
    // A digest of the file by another algorithm than the signature's was not computed.
    const bool is_of_file = entry.type == EfiSignatureType::sha256 ||
                            entry.type == EfiSignatureType::sha384 ||
                            entry.type == EfiSignatureType::sha512;
    return is_of_file && entry.digest.size() != digest.size();
  }

  const AppendedEvidence& evidence_;
  const BootMaterial& material_;
};

}  // namespace

bool is_grub_certificate(const Certificate& certificate, std::string& why) {
  const CertificateOutline outline = outline_of(certificate);
  const auto refuse = [&](const char* reason) {
    why = reason;
    return false;
  };
  if (!outline.is_read) return refuse("it is not DER");
  if (!outline.is_version_3) return refuse("it is not of version 3");
  if (certificate.key_algo != Oid::rsa) return refuse("its key is not one of RSA");
  int usages = 0;
  int constraints = 0;
  int extended = 0;
  for (const Extension& extension : outline.extensions) {
    Certificate read;
    switch (extension.oid) {
      case Oid::key_usage:
        ++usages;
        if (!read_key_usage(extension.value, &read) || !read.digital_signature)
          return refuse("its key usage lacks digitalSignature");
        break;
      case Oid::basic_constraints:
        ++constraints;
        if (!read_basic_constraints(extension.value, &read))
          return refuse("its basicConstraints are not read");
        if (read.ca) return refuse("it is one of a CA");
        break;
      case Oid::extended_key_usage:
        ++extended;
        if (!allows_code_signing(extension.value))
          return refuse("its extended key usage lacks codeSigning");
        break;
      default:
        if (extension.is_critical) return refuse("it has a critical extension unknown to GRUB");
    }
  }
  if (usages != 1) return refuse("it has no key usage");
  if (constraints != 1) return refuse("it has no basicConstraints");
  if (extended > 1) return refuse("it has two extended key usages");
  return true;
}

BootVerdict judge_grub_appended(const AppendedEvidence& evidence, const BootMaterial& material) {
  return GrubJudge(evidence, material).judge();
}

}  // namespace assay
