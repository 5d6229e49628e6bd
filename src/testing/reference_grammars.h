// testing/reference_grammars.h - the kernel's grammars as programs for testing/reference_asn1.h.
//
// One step a line, in the order in which scripts/asn1_compiler.c lays them out:
//   match TAG          an element with this tag must stand here       ASN1_OP_MATCH
//   match? TAG         it may                                         ..._OR_SKIP
//   or? TAG            it may, unless the step before matched         ASN1_OP_COND_MATCH_OR_SKIP
//   any, any?, or_any? the same for an element of any tag             ASN1_OP_MATCH_ANY, ...
//   ... -> ACTION      and calls the action with it                   ..._ACT
//   ... => LABEL       and goes on there, to come back                ..._JUMP
//   must               the step before must have matched              ASN1_OP_COND_FAIL
//   act ACTION         calls the action                               ASN1_OP_ACT
//   maybe ACTION       the same, after a jump that came back          ASN1_OP_MAYBE_ACT
//   end [-> ACTION]    the innermost container ends here              ASN1_OP_END_SEQ
//   again LABEL        it ends here, or goes on at the label          ASN1_OP_END_SEQ_OF,
//   ..._SET_OF return, done                                                      ASN1_OP_RETURN,
//   _COMPLETE

#pragma once

#include <string_view>

namespace assay {

// crypto/asymmetric_keys/pkcs7.asn1 (6.1, 6.12, 7.2).
inline constexpr std::string_view kPkcs7Grammar = R"(
    match 30
    match 06 -> note_OID
    act check_content_type
    match? a0 => content
    end
    done
  content:
    match 30
    match 02 -> note_signeddata_version
    match? 31 => digest_set
    or? 30 => digest_sequence
    must
    match 30
    match 06 -> note_OID
    act note_OID
    match? a0 => data
    end
    act note_content
    match? a0 => certificate_set
    or? a2 => certificates
    act note_certificate_list
    match? a1 => crl_set
    or? a3 => crl_sequence
    match? 31 => signer_set
    or? 30 => signer_sequence
    must
    end
    end
    return
  digest_set:
    match 30 => algorithm
    again digest_set
    return
  digest_sequence:
    match 30 => algorithm
    again digest_sequence
    return
  data:
    any -> note_data
    end
    return
  certificate_set:
    any? -> extract_cert
    or_any? -> extract_cert
    must
    again certificate_set
    return
  certificates:
    any -> extract_cert
    again certificates
    return
  crl_set:
    match 30 => certificates
    again crl_set
    return
  crl_sequence:
    match 30 => certificates
    again crl_sequence
    return
  signer_set:
    match 30 => signer
    again signer_set
    return
  signer_sequence:
    match 30 => signer
    again signer_sequence
    return
  algorithm:
    match 06 -> note_OID
    any?
    end
    return
  signer:
    match 02 -> note_signerinfo_version
    match? 30 => issuer_and_serial
    or? 80 -> sig_note_skid
    must
    match 30 => algorithm
    act sig_note_digest_algo
    match? a0 => attribute_set
    maybe sig_note_set_of_authattrs
    or? a2 => attribute_sequence
    match 30
    match 06 -> note_OID
    any?
    end
    act sig_note_pkey_algo
    match 04 -> sig_note_signature
    match? a1 => unsigned_set
    or? a3 => unsigned_sequence
    end -> note_signed_info
    return
  issuer_and_serial:
    match 30
  rdn:
    match 31
  ava:
    match 30
    match 06 -> note_OID
    any
    end
    again ava
    again rdn
    act sig_note_issuer
    match 02
    act sig_note_serial
    end
    return
  attribute_set:
    match 30 => attribute
    again attribute_set
    return
  attribute_sequence:
    match 30
  attribute_of_sequence:
    match 30 => attribute
    again attribute_of_sequence
    end
    return
  unsigned_set:
    match 30 => unsigned_attribute
    again unsigned_set
    return
  unsigned_sequence:
    match 30 => unsigned_attribute
    again unsigned_sequence
    return
  attribute:
    match 06 -> note_OID
    match 31
  value:
    any -> sig_note_authenticated_attr
    again value
    end
    return
  unsigned_attribute:
    match 06
    match 31
  unsigned_value:
    any
    again unsigned_value
    end
    return
)";

// crypto/asymmetric_keys/x509.asn1 (6.1, 6.12, 7.2).
inline constexpr std::string_view kX509Grammar = R"(
    match 30
    match 30
    match? a0 => version
    match 02
    act note_serial
    match 30 => algorithm
    act note_sig_algo
    match 30 => name
    act note_issuer
    match 30
    match? 17
    or? 18
    must
    act note_not_before
    match? 17
    or? 18
    must
    act note_not_after
    end
    match 30 => name
    act note_subject
    match 30
    match 30 => algorithm
    match 03 -> extract_key_data
    end
    match? 81
    match? 82
    match? a3 => extensions
    end
    act note_tbs_certificate
    match 30 => algorithm
    match 03 -> note_signature
    end
    done
  version:
    match 02
    end
    return
  algorithm:
    match 06 -> note_OID
    any? -> note_params
    end
    return
  name:
    match 31
  ava:
    match 30
    match 06 -> note_OID
    any -> extract_name_segment
    end
    again ava
    again name
    return
  extensions:
    match 30
  extension:
    match 30
    match 06 -> note_OID
    match? 01
    match 04 -> process_extension
    end
    again extension
    end
    return
)";

// crypto/asymmetric_keys/x509_akid.asn1: what 6.1 has before its list of alternatives, and 6.12 and
// 7.2 likewise.
inline constexpr std::string_view kAkidGrammar61 = R"(
    match 30
    match? 80 -> akid_note_kid
    match? a1 => names
    match? 82 -> akid_note_serial
    end
    done
  names:
    match? a0 => one
    or? a1 => string
    or? a2 => string
    or? a3 => one
    or? a4 => directory
    or? a5 => one
    or? a6 => string
    or? a7 => octets
    or? a8 => oid
    must
    again names
    return
  one:
    any
    end
    return
  string:
    match 16
    end
    return
  octets:
    match 04
    end
    return
  oid:
    match 06
    end
    return
  directory:
    match 30
  rdn:
    match 31
  ava:
    match 30
    match 06 -> note_OID
    any -> extract_name_segment
    end
    again ava
    again rdn
    act akid_note_name
    end
    return
)";

inline constexpr std::string_view kAkidGrammar612 = R"(
    match 30
    match? 80 -> akid_note_kid
    match? a1 => names
    match? 82 -> akid_note_serial
    end
    done
  names:
    match? a0 => other_name
    or? 81
    or? 82
    or? a3 => one
    or? a4 => directory
    or? a5 => edi_party_name
    or? 86
    or? 87
    or? 88
    must
    again names
    return
  other_name:
    match 06
    match a0
    any
    end
    end
    return
  one:
    any
    end
    return
  directory:
    match 30
  rdn:
    match 31
  ava:
    match 30
    match 06 -> note_OID
    any -> extract_name_segment
    end
    again ava
    again rdn
    act akid_note_name
    end
    return
  edi_party_name:
    match? a0 => one
    match a1
    any
    end
    end
    return
)";

// crypto/ecdsasignature.asn1 and crypto/rsapubkey.asn1 (6.1, 6.12, 7.2).
inline constexpr std::string_view kEcdsaSignatureGrammar = R"(
    match 30
    match 02 -> get_signature_r
    match 02 -> get_signature_s
    end
    done
)";

inline constexpr std::string_view kRsaPublicKeyGrammar = R"(
    match 30
    match 02 -> get_n
    match 02 -> get_e
    end
    done
)";

}  // namespace assay
