// testing/reference_asn1.h - a slow and literal account of the kernel's ASN.1 decoder, for tests.
//
// asn1_ber_decoder (lib/asn1_decoder.c; 6.1, 6.12 and 7.2 alike) as an interpreter of the programs
// that scripts/asn1_compiler.c makes of a grammar, with the kernel's variables under the kernel's
// names. formats/ber.h says the same as straight code; the two were written apart and have to
// agree. The functions that a grammar calls are not run: each call is listed, and every one
// succeeds.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bytes/view.h"

namespace assay {

// A grammar of the kernel. x509_akid.asn1 is not the same in 6.1 as in 6.12 and 7.2.
enum class Grammar : std::uint8_t {
  pkcs7,
  x509,
  akid_61,
  akid_612,
  ecdsa_signature,
  rsa_public_key
};

// One call of an action.
struct GrammarCall {
  std::string_view action;  // "note_OID": the kernel's name without the grammar's prefix
  View last_oid;            // what note_OID was called with last
  std::size_t header_size = 0;
  std::uint8_t tag = 0;
  View value;
};

enum class GrammarEnding : std::uint8_t { complete, ebadmsg, emsgsize };

struct GrammarRun {
  GrammarEnding ending = GrammarEnding::ebadmsg;
  std::string_view message;  // the kernel's, without values: "Unexpected tag"
  std::vector<GrammarCall> calls;
  std::size_t deepest = 0;  // most containers open at a time
};

GrammarRun run_grammar(Grammar grammar, View data);

}  // namespace assay
