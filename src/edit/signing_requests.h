// edit/signing_requests.h - signing in two steps: a file says what is to be signed, whoever has the
// key writes the values into it, and the values are put in where the files are.
//
// docs/formats/signing_request.md describes the JSON. It holds all that a message is made of, so
// that what comes out is what signing at once makes, and names the content of each file, so that an
// answer goes nowhere else.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edit/sign.h"

namespace assay {

struct SigningRequest {
  std::string name;   // as printed, within the run
  ContentId content;  // of the file, decompressed, as it was prepared
  RecordPart::Carrier carrier = RecordPart::Carrier::appended;
  // What the key signs: this digest, or the attributes where the key signs no digests.
  Digest digest;
  // What the digest is of: SET OF Attribute, or IMA's identity of a file (version 3); empty: it is
  // of the content.
  DerBytes attributes;
  SignatureOctets value;  // the answer; empty: there is none yet
};

struct SigningRequests {
  SigningCertificate certificate;
  SignOptions options;
  // The signatures go into security.ima, in this version; of the options `hash` and `existing`
  // count.
  std::optional<std::uint8_t> ima_version;
  std::vector<SigningRequest> requests;
};

inline constexpr std::string_view kRequestsSchema = "assay.signing-requests/1";

// The first step, of one file; as prepare_signature fails. not_signable where the key wants the
// content itself.
Result<SigningRequest> make_request(const Artifact& artifact, const SigningKey& key,
                                    const SignOptions& options,
                                    const std::optional<std::uint8_t>& ima_version = {});

// The last, of the file that the request was made of. record_mismatch where it asks for another
// digest now, or where the answer is no signature over it by the certificate's key.
Result<Edited> attach_answer(const Artifact& artifact, const SigningRequests& requests,
                             const SigningRequest& request, const SigningKey& key);

// Indented JSON, the requests in the order of their names.
std::string write_requests(SigningRequests requests);
// bad_record, with what is wrong; keys that are not known are wrong.
Result<SigningRequests> parse_requests(std::string_view text);

}  // namespace assay
