#include "edit/message_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "crypto/signature_check.h"
#include "edit/pe_table.h"
#include "signatures/algorithms.h"
#include "signatures/authenticode.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes copy_of(View view) { return {view.bytes().begin(), view.bytes().end()}; }

std::unexpected<Error> other_digest(View named, const Digest& found) {
  return fail(Reason::record_mismatch, {},
              fmt::format("the signature is over {} {}, the file has {}", hash_name(found.hash()),
                          to_hex(named.bytes()), found.hex()));
}

// The signatures of one message, over one content.
class MessageCheck {
 public:
  MessageCheck(const CmsMessage& message, const Content& content,
               std::span<const SigningCertificate> certificates)
      : message_(message), content_(content), certificates_(certificates) {}

  Result<MessageBinding> run() {
    if (message_.signers.empty()) return fail(Reason::bad_record, {}, "a message without a signer");
    MessageBinding all{true, true};
    for (const CmsSigner& signer : message_.signers) {
      ASSAY_TRY(const MessageBinding one, check(signer));
      all.is_bound &= one.is_bound;
      all.is_verified &= one.is_verified;
    }
    if (!certificates_.empty() && !found_given_)
      return fail(Reason::record_mismatch, {},
                  "the signature is by none of the certificates given");
    return all;
  }

 private:
  Result<MessageBinding> check(const CmsSigner& signer) {
    const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
    if (algorithm == nullptr) return MessageBinding{};
    ASSAY_TRY(const Digest digest, compute_digest(algorithm->hash, content_, 0, content_.size()));
    MessageBinding binding;
    if (signer.authattrs) {
      if (!signer.message_digest)
        return fail(Reason::bad_record, {}, "signed attributes without a digest");
      if (!std::ranges::equal(digest.bytes(), signer.message_digest->bytes()))
        return other_digest(*signer.message_digest, digest);
      binding.is_bound = true;
    }
    const auto certificate = find_certificate(signer);
    if (!certificate) return binding;
    ASSAY_TRY(binding.is_verified, verifies(signer, digest, *certificate));
    binding.is_bound |= binding.is_verified;
    return binding;
  }

  std::optional<SigningCertificate> find_certificate(const CmsSigner& signer) {
    const auto fits = [&signer](View der) {
      const Certificate parsed = parse_certificate(der);
      return !parsed.fault && names_certificate(signer, parsed);
    };
    for (const SigningCertificate& given : certificates_) {
      if (!fits(View(given.der))) continue;
      found_given_ = true;
      return given;
    }
    if (!certificates_.empty()) return std::nullopt;
    for (const View own : message_.certificates)
      if (fits(own)) return SigningCertificate{copy_of(own), {}};
    return std::nullopt;
  }

  // False where libcrypto does not know the algorithm, record_mismatch where the value is wrong.
  Result<bool> verifies(const CmsSigner& signer, const Digest& digest,
                        const SigningCertificate& certificate) const {
    const Bytes public_key = write_public_key(certificate);
    const auto key = describe_public_key(View(public_key));
    if (!key) return false;
    SignRequest request{digest, {}};
    Bytes message;
    if (signer.authattrs) {
      // RFC 5652, 5.4: signed as a SET, carried as [0].
      message = copy_of(signer.authattrs->raw);
      message.front() = ber::kSet;
      ASSAY_TRY(request.digest, compute_digest(digest.hash(), message));
    } else if (!key->signs_digests()) {
      message.resize(content_.size());
      ASSAY_CHECK(content_.read(0, message));
    }
    request.message = message;
    const auto checked = check_signature(*key, request, copy_of(signer.signature));
    if (checked) return true;
    if (checked.error().reason != Reason::signer_failed) return false;
    return fail(Reason::record_mismatch, {},
                fmt::format("the signature is not one over this file by \"{}\"",
                            name_text(parse_certificate(View(certificate.der)).subject)));
  }

  const CmsMessage& message_;
  const Content& content_;
  std::span<const SigningCertificate> certificates_;
  bool found_given_ = false;
};

}  // namespace

Result<MessageBinding> check_message(const CmsMessage& message, const Content& content,
                                     std::span<const SigningCertificate> certificates) {
  if (message.content) return fail(Reason::bad_record, {}, "it carries content of its own");
  return MessageCheck(message, content, certificates).run();
}

Result<MessageBinding> check_image_message(const CmsMessage& message, const Content& image,
                                           std::span<const SigningCertificate> certificates) {
  if (!message.content) return fail(Reason::bad_record, {}, "no SpcIndirectDataContent");
  const IndirectData data = parse_indirect_data(message.content->raw);
  const auto* algorithm =
      data.digest_algo ? find_image_digest_algorithm(find_oid(*data.digest_algo)) : nullptr;
  if (data.fault || algorithm == nullptr || !data.digest)
    return fail(Reason::bad_record, {}, "the digest of the image cannot be read");
  ASSAY_TRY(const Digest found, compute_image_digest(image, algorithm->hash));
  if (!std::ranges::equal(found.bytes(), data.digest->bytes()))
    return other_digest(*data.digest, found);
  // What is signed in its turn: the value, without its header (RFC 2315, 9.3).
  return MessageCheck(message, ViewContent(message.content->content), certificates).run();
}

bool names_certificate(const CmsSigner& signer, const Certificate& certificate) {
  if (signer.by_skid) return certificate.skid && same_bytes(signer.sid.first, *certificate.skid);
  return same_bytes(signer.serial, certificate.serial) &&
         same_bytes(signer.issuer, certificate.issuer);
}

}  // namespace assay
