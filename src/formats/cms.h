// formats/cms.h - CMS SignedData (RFC 5652, PKCS#7) as the kernel's parser walks through it.
//
// Mirrors the grammar of crypto/asymmetric_keys/pkcs7.asn1 (6.1, 6.12, 7.2 alike). The kernel's
// parser calls a function at each place of interest; parse_cms lists those places in the order in
// which the kernel comes to them, whatever it would say there. What a kernel version accepts at
// each place are the rules in signatures/pkcs7.def; this file only says what the bytes are.
//
//   ContentInfo { contentType, [0] SignedData { version, digestAlgorithms, encapContentInfo,
//     [0] certificates, [1] crls, signerInfos { version, sid, digestAlgorithm, [0] signedAttrs,
//     signatureAlgorithm, signature, [1] unsignedAttrs } } }

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bytes/view.h"
#include "formats/ber.h"
#include "formats/key_id.h"
#include "formats/oid.h"

namespace assay {

// The places, named after the functions of pkcs7_parser.c that the kernel calls there.
enum class CmsPlace : std::uint8_t {
  check_content_type,
  signeddata_version,
  data,     // the content carried inside; absent when the signature is detached
  content,  // end of encapContentInfo
  extract_cert,
  certificate_list,  // end of certificates, present or not; without an element
  signerinfo_version,
  issuer,
  serial,
  skid,
  digest_algo,
  authenticated_attr,  // one value of one signed attribute
  set_of_authattrs,    // end of [0] signedAttrs
  pkey_algo,
  signature,
  signed_info,  // end of one SignerInfo
};

struct CmsItem {
  CmsPlace place;
  std::uint16_t signer;  // index of the SignerInfo, where the place is in one
  Oid oid;               // the last object identifier before this place, which the kernel goes by
  View oid_content;      // the same as bytes
  BerElement element;
};

// One SignerInfo, as the kernel's parser leaves it.
struct CmsSigner {
  std::uint8_t version = 0;
  // What the signer is named by. The kernel builds it from the fields it read last: a SignerInfo
  // that lacks the kind its version asks for inherits that of the SignerInfo before it.
  KeyId sid;
  bool by_skid = false;
  Oid digest_algo = Oid::unknown;
  View digest_algo_oid;
  Oid pkey_algo = Oid::unknown;
  View pkey_algo_oid;
  std::optional<BerElement> authattrs;  // [0] signedAttrs; the [2] form is not kept by the kernel
  std::optional<View> message_digest;
  std::optional<BerElement> signing_time;
  View signature;
  BerElement unauthattrs;  // [1] or [3]; not examined by the kernel
  View raw;
  View issuer;  // as named by this SignerInfo; the Name's content, without its header
  View serial;
};

struct CmsMessage {
  View raw;       // the outermost element
  View trailing;  // bytes after it
  std::vector<CmsItem> items;
  std::optional<BerFault> fault;  // where the kernel's decoder gives up; items end there

  // The content carried inside: its value without header, and with it.
  Oid content_type = Oid::unknown;
  std::optional<BerElement> content;
  // In the order found, from crls too, as the kernel hands them to its X.509 parser: one of
  // indefinite length with its end-of-contents octets, which pkcs7_extract_cert counts twice.
  std::vector<View> certificates;
  std::vector<CmsSigner> signers;
};

CmsMessage parse_cms(View data);

}  // namespace assay
