// judge/appended.h - what every user of appended signatures does alike: take the file apart, look
// at the information block, verify the PKCS#7 message in one keyring or two.

#pragma once

#include <optional>

#include "formats/appended_signature.h"
#include "signatures/evidence.h"
#include "trees/module_proof.h"
#include "trust/platform.h"
#include "trust/verify_pkcs7.h"

namespace assay {

// A file with, or without, an appended signature: all that a kernel looks at.
struct AppendedEvidence {
  SignatureTrailer trailer;
  std::optional<SignatureEvidence> signature;  // where the trailer splits and the id_type is PKCS#7
  std::vector<Digest> file_digests;            // of the whole file, as far as they are known
  std::optional<FollowedProof> proof;          // where the id_type is that of a Merkle proof
  std::optional<InfoBlock> last_block;         // the last 12 bytes of a file, marker or not

  const Digest* file_digest(Hash hash) const { return find_digest(file_digests, hash); }
};

struct EvidenceOptions {
  bool file_sha256 = false;  // SHA-256 of the whole file must be known
};

// Reads the trailer and the signature, and computes the digests that the signature is over.
Result<AppendedEvidence> collect_appended(const Content& content, const EvidenceOptions& options);

// Two of the rules for an information block; `before` bytes precede it, and it lies at `where`.
Outcome check_sig_len(Walk& walk, const Rule& rule, const InfoBlock& block, std::uint64_t before,
                      Extent where);
Outcome check_zero_fields(Walk& walk, const Rule& rule, const InfoBlock& block, Extent where);

// The rules for the information block; each mechanism has its own errors.
struct BlockRules {
  const Rule& sig_len;
  const Rule& id_type;
  const Rule& zero_fields;
};

// mod_check_sig, or what stands in its place. Requires a trailer with a block.
Outcome check_block(Walk& walk, const SignatureTrailer& trailer, const BlockRules& rules);

// verify_pkcs7_signature over the payload, in the order of judge/two_keyrings.h.
Outcome verify_appended(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                        bool then_platform, TrustedBy& trusted_by);

// The same in .platform alone.
Outcome verify_appended_in_platform(Walk& walk, const AppendedEvidence& evidence,
                                    const Platform& platform, TrustedBy& trusted_by);

}  // namespace assay
