#include "judge/grub_appended.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "formats/cms_outline.h"
#include "formats/is_der.h"
#include "formats/x509_outline.h"

namespace assay {

namespace {

namespace rule = rules::grub_appended;

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
  const auto outline = outline_of(certificate);
  const auto refuse = [&](const char* reason) {
    why = reason;
    return false;
  };
  if (!outline || !is_der(certificate.raw)) return refuse("it is not DER");
  if (!outline->is_version_3) return refuse("it is not of version 3");
  if (certificate.key_algo != Oid::rsa) return refuse("its key is not one of RSA");
  int usages = 0;
  int constraints = 0;
  int extended = 0;
  for (const X509Extension& extension : outline->extensions) {
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
        if (!has_extended_usage(extension.value, Oid::eku_code_signing))
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
