// compare/record_audit.h - which bytes of a record nothing vouches for.
//
// A record is set aside because it is a signature. What lies in it and is neither signed nor the
// signature could be anything, and would be set aside with it: unauthenticated attributes,
// certificates that nobody signed with, bytes behind the message, entries of a certificate table
// that are no signature.
//
// Of a message (RFC 5652) this is covered: signed attributes and the content inside by the
// signature's value, which is as long as its key makes it; the signer's name and serial number by
// the certificate that they name; that certificate, which is the key by which the record is known,
// and those that signed it. The rest is structure: tags, lengths, object identifiers. Parameters of
// algorithms can hold more than that, so structure has an allowance.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bytes/view.h"
#include "formats/cms.h"

namespace assay {

struct Uncovered {
  std::string what;  // "unauthenticated attributes"
  Extent where;      // in the file, or in the attribute
  friend bool operator==(const Uncovered&, const Uncovered&) = default;
};

// Tags, lengths, versions and object identifiers of a message, and of each signer in it. Debian's
// modules have 62 and 44 bytes of them, images signed by Debian 61 and 44.
inline constexpr std::uint64_t kMessageStructure = 96;
inline constexpr std::uint64_t kSignerStructure = 64;

// Of one message. Certificates that signed a signer's are followed among those of the message, by
// their names and their keys.
std::vector<Uncovered> find_uncovered(const CmsMessage& message);

// Of an appended signature with its block and marker: `bytes`, at `offset` of the file. A Merkle
// proof is hashes of public data, all of which its root covers.
std::vector<Uncovered> find_uncovered_appended(View bytes);

// Of security.ima or security.evm, within its value. The kernel compares as many bytes of a digest
// as its algorithm has, and lets others follow (security/integrity/ima/ima_appraise.c,
// xattr_verify); of signatures and HMACs it takes none (security/integrity/digsig_asymmetric.c).
std::vector<Uncovered> find_uncovered_attribute(View value);

std::uint64_t total_size(const std::vector<Uncovered>& uncovered);

}  // namespace assay
