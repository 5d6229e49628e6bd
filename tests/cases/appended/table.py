"""The cases, one line or two each: source row, artifact, what each kernel says, and why it is here.

Expected values are those of the appended-signature specification (rows 7.2/N and 7.3/N; 2.x is one of its
rules), of booted kernels (obs) or, where it says source, of the kernel source alone. Nothing here was asked
of Assay.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSIONS = ("6.1", "6.12", "7.2")
SECONDARY, IMA, UNRESTRICTED = ".secondary_trusted_keys", ".ima", "unrestricted"


@dataclass(frozen=True)
class Case:
    row: str
    name: str
    subject: str  # an artifact, or a certificate of kind add-key
    results: dict[str, str]
    description: str
    kind: str = "module"
    usage: str = "module"
    state: str = "trusted"
    ring: str = ""
    disagrees: str = ""


def every(result: str) -> dict[str, str]:
    return dict.fromkeys(VERSIONS, result)


def since_612(before: str, after: str) -> dict[str, str]:
    return {"6.1": before, "6.12": after, "7.2": after}


def since_72(before: str, after: str) -> dict[str, str]:
    return {"6.1": before, "6.12": before, "7.2": after}


def make_cases() -> list[Case]:
    tables = (vectors, platform_vectors, chains, keys_and_rings, observed, observed_ml_dsa,
              observed_signatures, observed_bags, by_rule, unspecified, firmware, ima_modsig, s390,
              adding_keys, adding_listed)
    cases = [case for table in tables for case in table()]
    names = [case.name for case in cases]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    return cases


def vectors() -> list[Case]:
    """Table 7.2 in its order; a row's artifact bears the row's name."""
    ok, unsigned, unsupported, unknown = every("ok"), every("ENODATA"), every("ENOPKG"), every("ENOKEY")
    malformed, invalid = every("EBADMSG"), every("EINVAL")
    rejected, too_big = every("EKEYREJECTED"), every("EMSGSIZE")
    rows = [
        ("signed", ok, "sign-file sha256, RSA-2048, issuer and serial, no certificates, key trusted"),
        ("unsigned", unsigned, "plain payload"),
        ("marker-cut", unsigned, "last byte of the marker removed"),
        ("marker-and-newline", unsigned, "one newline after the marker"),
        ("id-type-pgp", unsupported, "id_type 0"),
        ("id-type-x509", unsupported, "id_type 1"),
        ("id-type-3", unsupported, "id_type 3"),
        ("algo-1", malformed, "algo 1"),
        ("hash-4", malformed, "hash 4"),
        ("signer-len-1", malformed, "signer_len 1"),
        ("key-id-len-1", malformed, "key_id_len 1"),
        ("pad-1", malformed, "last byte of __pad 1"),
        ("id-type-x509-and-algo-1", unsupported, "id_type is tested before the other fields"),
        ("sig-len-max", malformed, "sig_len 0xffffffff"),
        ("sig-len-without-payload", malformed, "sig_len leaves no payload"),
        ("sig-len-one-byte-payload", too_big,
         "sig_len leaves one byte of payload and a message over 65535 bytes"),
        ("sig-len-0", malformed, "sig_len 0"),
        ("sig-len-little-endian", malformed, "sig_len in little-endian order"),
        ("sig-len-too-small", malformed, "sig_len one too small"),
        ("sig-len-too-large", malformed, "sig_len one too large"),
        ("marker-only", unsigned, "the file is the 28 bytes of the marker"),
        ("one-byte-and-marker", malformed, "one byte and the marker"),
        ("zero-block-only", malformed, "12 zero bytes and the marker"),
        ("one-byte-payload-sig-len-0", malformed, "one byte of payload, a valid block with sig_len 0"),
        ("payload-flipped", rejected, "one bit of the payload flipped"),
        ("signature-flipped", rejected, "last bit of the signature flipped, no certificates"),
        ("garbage-after-message", ok, "4 bytes after the DER inside sig_len are ignored"),
        ("trusted-then-unknown", unknown,
         "signed by a trusted key, then by an unknown one: only the last counts"),
        ("unknown-then-trusted", ok, "signed by an unknown key, then by a trusted one"),
        ("attributes", rejected, "signed attributes"),
        ("attributes-smime-capabilities", rejected, "signed attributes with S/MIME capabilities"),
        ("good-with-certificate", ok, "certificate of the signer embedded"),
        ("attached-big", too_big, "attached content of over 65535 bytes"),
        ("attached", malformed, "attached content"),
        ("attached-other-text", malformed, "attached content that is not the payload"),
        ("signed-by-skid", ok, "signer named by subject key identifier"),
        ("skid-with-certificate", ok, "signer named by subject key identifier, certificate embedded"),
        ("pss", unsupported, "RSASSA-PSS"),
        ("p256-sha384", ok, "ECDSA P-256 with the longer SHA-384"),
        ("p256-sha384-with-certificate", ok, "ECDSA P-256 with SHA-384, certificate embedded"),
        ("p384", ok, "ECDSA P-384"),
        ("p521", since_612("ENOKEY", "ok"), "ECDSA P-521; 6.1 cannot load the key"),
        ("p521-with-certificate", since_612("ENOPKG", "ok"), "ECDSA P-521, certificate embedded"),
        ("secp256k1", unknown, "ECDSA secp256k1; the key cannot be loaded"),
        ("secp256k1-with-certificate", unsupported, "ECDSA secp256k1, certificate embedded"),
        ("p384-signature-flipped", rejected, "ECDSA P-384, last bit of the signature flipped"),
        ("digest-sha1", ok, "digest SHA-1"),
        ("digest-sha224", ok, "digest SHA-224"),
        ("digest-sha512", ok, "digest SHA-512"),
        ("digest-md5", since_612("ok", "ENOPKG"), "digest MD5"),
        ("digest-ripemd160", unsupported, "digest RIPEMD-160"),
        ("digest-sha3-256", since_612("ENOPKG", "ok"), "digest SHA3-256"),
        ("digest-sha3-512", since_612("ENOPKG", "ok"), "digest SHA3-512"),
        ("digest-sha512-256", unsupported, "digest SHA-512/256"),
        ("signed-by-expired", ok, "certificate expired, key trusted"),
        ("expired-with-certificate", ok, "expired certificate embedded, no attributes"),
        ("attributes-expired-with-certificate", rejected,
         "signing time outside the validity of the embedded certificate"),
        ("signed-by-ku", ok, "certificate for keyEncipherment and serverAuth only"),
        ("trusted-and-unknown-signer", ok, "two signers, the first trusted"),
        ("unknown-and-trusted-signer", ok, "two signers, the second trusted"),
        ("signer-twice-second-bad", rejected,
         "two SignerInfos of a trusted key, the second with a bad signature"),
        ("second-signer-ed25519", unsupported, "trusted signer and a SignerInfo with the Ed25519 OID"),
        ("attributes-in-first-signer-only", invalid, "one SignerInfo with attributes, one without"),
        ("signed-by-leaf", unknown, "leaf not trusted, no certificates"),
        ("bag-ed", unsupported, "unrelated Ed25519 certificate embedded"),
        ("bag-psssig", unsupported, "unrelated certificate signed with PSS embedded"),
        ("other-with-certificate", unknown, "unknown self-signed signer, certificate embedded"),
        ("with-certificate-signature-flipped", invalid,
         "certificate embedded, last bit of the signature flipped"),
        ("bag-self-signature-flipped", invalid,
         "embedded self-signed certificate with a damaged self-signature"),
        ("bag-not-a-certificate", malformed, "something else among the certificates"),
        ("certificates-empty", ok, "empty set of certificates"),
        ("certificates-under-2", ok, "certificates under [2]"),
        ("padded-to-65536", too_big, "message padded to 65536 bytes"),
        ("padded-to-65535", ok, "message padded to 65535 bytes"),
        ("indefinite-length", ok, "outer SEQUENCE of indefinite length"),
        ("indefinite-lengths-nested", ok, "three nested indefinite lengths"),
        ("length-of-three-octets", malformed, "length as 83 00 xx xx"),
        ("oid-length-of-two-octets", ok, "length of an OID as 82 00 09"),
        ("digest-algorithms-empty", malformed, "empty digestAlgorithms"),
        ("signer-infos-empty", malformed, "empty signerInfos"),
        ("version-2", invalid, "SignedData version 2"),
        ("version-3-signer-1", malformed, "SignedData version 3 with SignerInfo version 1"),
        ("version-4", invalid, "SignedData version 4"),
        ("version-of-two-octets", invalid, "SignedData version in two octets"),
        ("version-1-signer-3", malformed, "SignedData version 1 with SignerInfo version 3"),
        ("signature-oid-sha256-with-rsa", unsupported, "signature OID sha256WithRSAEncryption"),
        ("digest-oid-sha512-224", unsupported, "digest OID SHA-512/224"),
        ("digest-oid-sha512", rejected, "digest OID SHA-512, signed with SHA-256"),
        ("unsigned-attribute", ok, "unsigned attribute added"),
        ("listed-digest-sha3-512", ok, "digestAlgorithms lists another digest than the SignerInfo"),
        ("outer-type-enveloped-data", invalid, "contentType envelopedData"),
        ("inner-type-indirect-data", malformed, "content type msIndirectData without attributes"),
        ("inner-type-tst-info", invalid, "content type TSTInfo"),
        ("signer-infos-as-sequence", ok, "signerInfos as SEQUENCE"),
        ("signature-255-bytes", rejected, "RSA signature of 255 bytes"),
        ("message-of-ff", malformed, "300 bytes ff in place of the message"),
        ("message-of-text", malformed, "text in place of the message"),
        ("content-missing", invalid, "ContentInfo with an OID only"),
        ("signed-by-sha1c", ok, "certificate of the signer signed with SHA-1"),
        ("signed-by-md5c", unknown, "certificate of the signer signed with MD5, not among the trusted ones"),
        ("signed-by-psssig", unknown, "certificate of the signer signed with PSS; it cannot be loaded"),
        ("ml-dsa-44-then-rsa-with-attributes", since_72("ENOPKG", "EKEYREJECTED"),
         "made-up ML-DSA signer, then RSA, both with attributes"),
        ("rsa-then-ml-dsa-44-with-attributes", since_72("ENOPKG", "EKEYREJECTED"),
         "RSA, then made-up ML-DSA signer, both with attributes"),
        ("ml-dsa-44-on-rsa-key", since_72("ENOPKG", "EKEYREJECTED"), "ML-DSA OID, the key named is RSA"),
        ("garbage-parameters", ok, "garbage as parameters of the algorithms"),
        ("signer-info-extra-null", malformed, "a NULL at the end of the SignerInfo"),
        ("issuer-printable-string", unknown, "issuer's O as PrintableString instead of UTF8String"),
    ]
    return [Case(f"7.2/{number}", name, name, results, description)
            for number, (name, results, description) in enumerate(rows, 1)]


def in_state(state: str, *rows: tuple) -> list[Case]:
    """Rows (row, name, artifact, results, description[, text that it disagrees with]) in one state."""
    return [Case(*row[:5], state=state, disagrees="".join(row[5:])) for row in rows]


def trusted(*rows: tuple) -> list[Case]:
    """Rows (row, artifact, results, description) in the default state; the case bears the artifact's name."""
    return [Case(row, name, name, results, description) for row, name, results, description in rows]


def platform_vectors() -> list[Case]:
    """Table 7.3, modules; its rows are counted from the top."""
    return [
        *in_state("good-in-platform",
                  ("7.3/1", "key-in-platform", "signed", every("ok"), "key only in .platform, Debian")),
        *in_state("good-in-platform-mainline",
                  ("7.3/2", "key-in-platform-mainline", "signed", every("ENOKEY"),
                   "key only in .platform, mainline")),
        *in_state("no-keys",
                  ("7.3/3,7.3/4", "key-nowhere", "signed", every("ENOKEY"), "key in no ring")),
        *in_state("trusted-ignore-modversions",
                  ("7.3/5", "ignore-modversions", "signed", every("ENODATA"),
                   "MODULE_INIT_IGNORE_MODVERSIONS")),
        *in_state("trusted-ignore-vermagic",
                  ("7.3/5", "ignore-vermagic", "signed", every("ENODATA"), "MODULE_INIT_IGNORE_VERMAGIC")),
        *in_state("ca-trusted",
                  ("7.3/6", "ca-trusted-leaf", "signed-by-leaf", every("ENOKEY"),
                   "signed by a leaf, CA trusted"),
                  ("7.3/7", "ca-trusted-leaf-embedded", "leaf-with-certificate", every("ok"),
                   "leaf embedded, CA trusted"),
                  ("7.3/7", "ca-trusted-leaf-and-ca-embedded", "leaf-with-certificate-and-ca", every("ok"),
                   "leaf and CA embedded, CA trusted")),
        *in_state("leaf-trusted",
                  ("7.3/8", "leaf-trusted", "signed-by-leaf", every("ok"), "signed by a leaf, leaf trusted"),
                  ("7.3/8", "leaf-trusted-embedded", "leaf-with-certificate", every("ok"),
                   "leaf embedded, leaf trusted"),
                  ("7.3/8", "leaf-trusted-and-ca-embedded", "leaf-with-certificate-and-ca", every("ok"),
                   "leaf and CA embedded, leaf trusted")),
        *in_state("good-revoked",
                  ("7.3/9", "signer-revoked", "signed", since_612("ok", "EKEYREJECTED"),
                   "certificate of the signer in .blacklist, key builtin"),
                  ("7.3/9", "signer-revoked-certificate-embedded", "good-with-certificate",
                   since_612("ok", "EKEYREJECTED"), "the same with the certificate embedded")),
        *in_state("good-revoked-in-platform",
                  ("7.3/10", "signer-revoked-in-platform", "signed", every("EKEYREJECTED"),
                   "certificate of the signer in .blacklist, key only in .platform")),
        *in_state("good-revoked-without-list",
                  ("7.3/11", "no-revocation-list", "signed", every("ok"),
                   "kernel without CONFIG_SYSTEM_REVOCATION_LIST")),
        *in_state("good-tbs-listed",
                  ("7.3/12", "signer-tbs-listed", "signed", every("ENOKEY"),
                   "tbs: hash of the signer's certificate listed, so that the key was not loaded"),
                  ("7.3/12", "signer-tbs-listed-certificate-embedded", "good-with-certificate",
                   every("EKEYREJECTED"), "the same with the certificate embedded")),
        *trusted(
            ("7.3/18", "crl-real", every("EBADMSG"), "revocation list in [1]"),
            ("7.3/19", "crl-list-of-certificates", every("ok"), "list of certificates in [1]"),
            ("7.3/20", "signature-constructed", every("EBADMSG"), "signature as constructed OCTET STRING"),
            ("7.3/21", "content-info-tag-10", every("ok"), "outer SEQUENCE without the constructed bit"),
            ("7.3/21", "signer-info-tag-10", every("ok"), "SignerInfo without the constructed bit"),
            ("7.3/22", "version-tag-22", every("EBADMSG"), "version INTEGER with the constructed bit"),
            ("7.3/23", "attributes-content-type-repeated", every("EKEYREJECTED"),
             "contentType attribute repeated"),
            ("7.3/24", "attributes-without-message-digest", every("EBADMSG"),
             "attributes without messageDigest"),
            ("7.3/24", "attributes-without-content-type", every("EBADMSG"), "attributes without contentType"),
            ("7.3/26", "digest-algorithms-missing", every("EBADMSG"), "no digestAlgorithms element"),
        ),
        *in_state("files-listed",
                  ("7.3/27", "file-listed", "signed", since_72("EKEYREJECTED", "ok"),
                   "bin: hash of the whole file listed"),
                  ("obs/1", "file-listed-unknown-key", "signed-by-other", every("ENOKEY"),
                   "listed file signed by an unknown key: the list is not asked"),
                  ("obs/1", "file-listed-payload-flipped", "payload-flipped", every("EKEYREJECTED"),
                   "listed file with a bad signature"),
                  ("obs/1", "file-listed-evaded", "garbage-after-message", every("ok"),
                   "listed file with 4 bytes more after the DER")),
        *in_state("files-listed-mainline",
                  ("7.3/27", "file-listed-mainline", "signed", every("ok"),
                   "bin: hash of the whole file listed, mainline")),
        *in_state("files-listed-ignore-modversions",
                  ("obs/1", "file-listed-ignore-modversions", "signed", every("ENODATA"),
                   "listed file, MODULE_INIT_IGNORE_MODVERSIONS")),
        *in_state("payload-listed",
                  ("7.3/28", "payload-listed", "signed", every("ok"), "bin: hash of the payload listed")),
        *in_state("no-ecdsa",
                  ("7.3/30", "no-ecdsa", "p384", every("ENOKEY"),
                   "kernel without ECDSA: the key cannot be loaded"),
                  ("7.3/30", "no-ecdsa-certificate-embedded", "p384-with-certificate", every("ENOENT"),
                   "kernel without ECDSA, certificate embedded")),
        *in_state("no-sha512",
                  ("7.3/31", "no-sha512", "digest-sha512", every("ENOPKG"), "kernel without SHA-512")),
    ]


def keys_and_rings() -> list[Case]:
    """Where the key is and in which state; an expired or revoked key in a ring spoils searches that miss."""
    return [
        *in_state("other-key-expired",
                  ("7.3/29", "other-key-expired", "signed", every("EKEYEXPIRED"),
                   "key nowhere, another key expired"),
                  ("source", "other-key-expired-certificate-embedded", "good-with-certificate",
                   every("ENOKEY"), "the same, self-signed certificate embedded: its own miss decides")),
        *in_state("other-key-expired-good-in-platform",
                  ("7.3/29", "other-key-expired-key-in-platform", "signed", every("EKEYEXPIRED"),
                   "key only in .platform, another builtin key expired: no second search")),
        *in_state("other-key-expired-good-present",
                  ("7.3/29", "other-key-expired-key-present", "signed", every("ok"),
                   "key builtin, another key expired")),
        *in_state("other-key-revoked",
                  ("2.7", "other-key-revoked", "signed", every("EKEYREVOKED"),
                   "key nowhere, another key revoked")),
        *in_state("other-key-revoked-good-in-platform",
                  ("2.7", "other-key-revoked-key-in-platform", "signed", every("EKEYREVOKED"),
                   "key only in .platform, another builtin key revoked")),
        *in_state("other-key-revoked-good-present",
                  ("2.7", "other-key-revoked-key-present", "signed", every("ok"),
                   "key builtin, another key revoked")),
        *in_state("good-key-expired",
                  ("2.7", "key-expired", "signed", every("EKEYEXPIRED"), "the key itself expired")),
        *in_state("good-key-revoked",
                  ("2.7", "key-revoked", "signed", every("EKEYREVOKED"), "the key itself revoked")),
        *in_state("good-in-secondary",
                  ("2.7", "key-in-secondary", "signed", every("ok"), "key in .secondary_trusted_keys")),
        *in_state("noskid-trusted",
                  ("2.7", "noskid-trusted", "signed-by-noskid", every("ok"),
                   "certificate without key identifiers"),
                  ("2.7", "noskid-trusted-embedded", "noskid-with-certificate", every("ok"),
                   "certificate without key identifiers embedded")),
        *in_state("md5c-trusted",
                  ("obs/3", "md5c-trusted", "signed-by-md5c", since_612("ok", "ENOKEY"),
                   "certificate of the signer signed with MD5 and compiled in",
                   "7.2/100 says that the certificate cannot be loaded; 6.1 takes its signature OID for "
                   "md4WithRSAEncryption, marks the signature as unsupported and loads the key")),
        *in_state("no-md5",
                  ("2.8", "no-md5", "digest-md5", every("ENOPKG"), "kernel without MD5")),
        *in_state("no-sha3",
                  ("2.8", "no-sha3", "digest-sha3-256", every("ENOPKG"), "kernel without SHA-3")),
    ]


def chains() -> list[Case]:
    """Certificates of the signer and of its issuer in the message."""
    return [
        *in_state(
            "ca-trusted",
            ("obs/2", "leaf-md5-embedded", "leaf-md5-embedded", since_612("EKEYREJECTED", "ENOPKG"),
             "signer's own certificate embedded, signed with MD5 by the trusted CA"),
            ("2.7", "leaf-sha1-embedded", "leaf-sha1-embedded", every("ok"), "the same signed with SHA-1"),
            ("2.7", "leaf-signature-flipped-embedded", "leaf-signature-flipped-embedded",
             every("EKEYREJECTED"), "signature of the embedded certificate damaged, issuer in the ring"),
            ("2.6", "leaf-signature-flipped-and-ca-embedded", "leaf-signature-flipped-and-ca-embedded",
             every("EINVAL"), "signature of the embedded certificate damaged, issuer embedded"),
            ("2.7", "leaf-akid-serial-embedded", "leaf-akid-serial-embedded", every("ok"),
             "issuer named by issuer and serial number"),
            ("2.6", "leaf-akid-serial-and-ca-embedded", "leaf-akid-serial-and-ca-embedded", every("ok"),
             "issuer named by issuer and serial number, and embedded"),
            ("2.6", "leaf-akid-both-and-ca-embedded", "leaf-akid-both-and-ca-embedded", every("ok"),
             "issuer named in both ways, and embedded"),
            ("2.7", "leaf-akid-contradicting-embedded", "leaf-akid-contradicting-embedded",
             every("EKEYREJECTED"), "issuer and serial of the CA, key identifier of another"),
            ("2.6", "leaf-akid-contradicting-and-ca-embedded", "leaf-akid-contradicting-and-ca-embedded",
             every("EKEYREJECTED"), "issuer and serial of the embedded CA, key identifier of another"),
            ("obs-kernels/2", "leaf-skid-with-certificate", "leaf-skid-with-certificate", every("ENOKEY"),
             "signer named by key identifier: the embedded leaf is not used"),
        ),
        *in_state("authorities",
                  ("obs/2", "leaf-of-p521-embedded", "leaf-of-p521-embedded", since_612("ENOKEY", "ok"),
                   "leaf issued by a P-521 key, embedded"),
                  ("2.7", "signed-by-leaf-of-p521", "signed-by-leaf-of-p521", every("ENOKEY"),
                   "leaf issued by a P-521 key, not embedded")),
        *in_state("ca-revoked",
                  ("obs/2", "ca-revoked-leaf-embedded", "leaf-with-certificate",
                   since_612("ok", "EKEYREJECTED"), "leaf issued by a revoked key, embedded")),
        *in_state("ca-revoked-leaf-in-secondary",
                  ("obs/2", "ca-revoked-leaf-in-secondary", "signed-by-leaf", every("ok"),
                   "leaf issued by a revoked key, itself in .secondary_trusted_keys, not embedded")),
        *in_state("good-revoked",
                  ("obs/2", "two-signers-one-revoked", "two-trusted-signers", since_612("ok", "EKEYREJECTED"),
                   "two trusted signers, one of them revoked")),
        *in_state("ca-tbs-listed",
                  ("2.6", "issuer-tbs-listed", "leaf-with-certificate-and-ca", every("EKEYREJECTED"),
                   "embedded issuer on the tbs: list, leaf trusted")),
        *in_state("leaf-tbs-listed",
                  ("obs/2", "bag-tbs-listed", "bag-leaf", every("ok"),
                   "unrelated certificate on the tbs: list embedded")),
        *in_state("leaf-rsa8192-in-secondary",
                  ("obs/3", "rsa8192-leaf", "signed-by-leaf-rsa8192", every("EKEYREJECTED"),
                   "RSA-8192 leaf in .secondary_trusted_keys: it loads, its signatures fail"),
                  ("obs/3", "rsa8192-leaf-embedded", "leaf-rsa8192-with-certificate", every("EINVAL"),
                   "RSA-8192 leaf embedded")),
    ]


def observed() -> list[Case]:
    """What booted kernels said about messages that the tables leave out."""
    return trusted(
        ("obs/2", "digest-sha3-384", since_612("ENOPKG", "ok"), "digest SHA3-384"),
        ("obs/2", "attributes-sha3-256", since_612("ENOPKG", "EKEYREJECTED"),
         "SHA3-256 with signed attributes"),
        ("obs/2", "second-signer-with-md5", since_612("ok", "ENOPKG"),
         "the same key signs with SHA-256 and with MD5"),
        ("obs/2", "second-signer-p521", every("ok"), "RSA and P-521 signer"),
        ("obs/2", "signer-twice", every("ok"), "the same SignerInfo twice"),
        ("obs/2", "signer-twice-first-bad", every("EKEYREJECTED"),
         "two SignerInfos, the first with a bad signature"),
        ("obs/2", "trusted-and-unknown-bad-signer", every("ok"),
         "the signature of the unknown signer is bad too"),
        ("obs/2", "two-trusted-signers", every("ok"), "two trusted signers"),
        ("obs/2", "listed-digest-unknown", every("ok"), "digestAlgorithms lists an unknown OID"),
        ("obs/2", "digest-oid-sm3", every("EKEYREJECTED"), "digest OID SM3, signed with SHA-256"),
        ("obs/2", "signature-oid-pss", every("ENOPKG"), "signature OID RSASSA-PSS"),
        ("obs/2", "signature-oid-ecdsa-on-rsa-key", every("EKEYREJECTED"), "signature OID ECDSA, key RSA"),
        ("obs/2", "signature-oid-rsa-on-ec-key", every("EKEYREJECTED"), "signature OID RSA, key P-256"),
        ("obs/2", "signature-oid-unknown", every("ENOPKG"), "unknown signature OID"),
        ("obs/2", "skid-with-version-1", every("EINVAL"),
         "key identifier in a message of version 1: empty id"),
        ("obs/2", "version-0", every("EINVAL"), "SignedData version 0"),
        ("obs/2", "outer-type-data", every("EINVAL"), "contentType data"),
        ("obs/2", "indefinite-length-without-end", every("EBADMSG"),
         "indefinite length without end-of-contents"),
        ("obs/2", "crl-certificate", every("EBADMSG"), "a certificate itself in [1]"),
        ("obs/2", "crl-empty", every("EBADMSG"), "empty [1]"),
        ("obs/2", "attached-empty", every("EBADMSG"), "attached content of no bytes"),
        ("obs/2", "attributes-content-type-two-values", every("EKEYREJECTED"),
         "contentType attribute with two values"),
        ("obs/2", "attributes-content-type-signed-data", every("EBADMSG"),
         "contentType attribute of another type"),
        ("obs/2", "attributes-empty", every("EBADMSG"), "empty attributes"),
        ("obs/2", "attributes-signing-time-bad", every("EBADMSG"), "signing time in month 13"),
        ("obs/2", "attributes-message-digest-short", every("EKEYREJECTED"),
         "messageDigest too short: usage decides first"),
        ("obs/2", "attributes-by-other", every("EKEYREJECTED"), "signed attributes by an unknown key"),
        ("obs/2", "attributes-reordered-and-signed", every("EKEYREJECTED"), "attributes in another order"),
        ("obs/2", "attributes-signature-flipped", every("EKEYREJECTED"),
         "signed attributes, signature damaged"),
        ("obs-kernels/2", "message-twice", every("ok"), "the whole DER twice inside sig_len"),
        ("obs-kernels/2", "block-repeated", every("EKEYREJECTED"), "the same signature appended twice"),
        ("obs-kernels/2", "id-type-pgp-and-sig-len-max", every("EBADMSG"),
         "sig_len is tested before id_type"),
        ("obs-kernels/2", "signed-by-other-payload-flipped", every("ENOKEY"), "payload changed, key unknown"),
        ("obs-kernels/2", "good-with-certificate-payload-flipped", every("EKEYREJECTED"),
         "payload changed, certificate embedded"),
        ("obs-kernels/2", "other-with-certificate-payload-flipped", every("EKEYREJECTED"),
         "payload changed, unknown key, certificate embedded: the signature is checked before trust"),
    )


def observed_ml_dsa() -> list[Case]:
    """Made-up ML-DSA signers. A real signature needs OpenSSL 3.5 or newer and is not here."""
    mismatch = since_72("ENOPKG", "EKEYREJECTED")
    return [
        *trusted(
            ("obs/2", "ml-dsa-65-on-rsa-key", mismatch, "ML-DSA-65 OID, the key named is RSA"),
            ("obs/2", "ml-dsa-87-on-rsa-key", mismatch, "ML-DSA-87 OID, the key named is RSA"),
            ("obs/2", "ml-dsa-44-with-certificate", mismatch, "ML-DSA-44 OID, RSA certificate embedded"),
            ("obs/2", "ml-dsa-44-then-good", mismatch, "ML-DSA-44 OID on an RSA key, then a good RSA signer"),
            ("obs/2", "ml-dsa-65-then-good", mismatch, "ML-DSA-65 OID on an RSA key, then a good RSA signer"),
            ("obs/2", "good-then-ml-dsa-44", mismatch, "a good RSA signer, then ML-DSA-44 OID on its key"),
            ("obs/2", "ml-dsa-44-unknown-key", since_72("ENOPKG", "ENOKEY"), "ML-DSA-44 OID, unknown key"),
            ("obs/2", "ml-dsa-44-on-rsa-key-with-attributes", mismatch,
             "ML-DSA-44 OID on an RSA key, with attributes"),
            ("obs/2", "ml-dsa-44-without-then-rsa-with-attributes", since_72("ENOPKG", "EINVAL"),
             "ML-DSA signer without attributes, then RSA with attributes"),
        ),
        *in_state(
            "ml-dsa-waiver",
            ("7.2/102", "ml-dsa-waiver", "ml-dsa-44-then-rsa-with-attributes", since_72("ENOPKG", "ok"),
             "waiver configured: an unknown ML-DSA signer first lets RSA attributes pass"),
            ("7.2/103", "ml-dsa-waiver-other-order", "rsa-then-ml-dsa-44-with-attributes", mismatch,
             "waiver configured, RSA first"),
            ("source", "ml-dsa-waiver-rsa-key", "ml-dsa-44-on-rsa-key-with-attributes", mismatch,
             "waiver configured, the key named is RSA"),
            ("source", "ml-dsa-waiver-rsa-only", "attributes", every("EKEYREJECTED"),
             "waiver configured, RSA only"),
        ),
    ]


def observed_signatures() -> list[Case]:
    """The error of the primitive shows with the certificate embedded; without it all are EKEYREJECTED."""
    overflow, invalid, malformed = since_612("EBADMSG", "EINVAL"), every("EINVAL"), every("EBADMSG")
    rejected, ok = every("EKEYREJECTED"), every("ok")
    rsa = [("obs/2", "0", overflow), ("obs/2", "1", overflow), ("obs/5", "modulus-less-1", invalid),
           ("obs/2", "ff", invalid), ("obs/2", "255-bytes", invalid), ("obs/2", "257-bytes", invalid),
           ("obs/2", "300-bytes", invalid), ("obs-kernels/2", "unpadded", malformed)]
    ecdsa = [("obs/2", "flipped", rejected, rejected), ("obs/2", "trailing-byte", ok, ok),
             ("obs/2", "raw", malformed, rejected), ("obs/2", "0", malformed, rejected),
             ("2.9", "r-of-order", malformed, rejected), ("2.9", "r-of-34-bytes", invalid, rejected)]
    rows = [(row, f"with-certificate-signature-{name}", raw, f"RSA signature {name}, certificate embedded")
            for row, name, raw in rsa]
    rows += [(row, f"signature-{name}", rejected, f"RSA signature {name}, no certificates")
             for row, name, _ in rsa if name != "255-bytes"]
    for row, name, raw, without in ecdsa:
        rows.append((row, f"p256-with-certificate-signature-{name}", raw,
                     f"ECDSA signature {name}, certificate embedded"))
        rows.append((row, f"p256-signature-{name}", without, f"ECDSA signature {name}, no certificates"))
    return trusted(
        *rows,
        ("2.8", "signed-big", every("ok"), "payload of over 65535 bytes"),
        ("2.8", "p256", every("ok"), "ECDSA P-256"),
        ("2.8", "p256-with-certificate", every("ok"), "ECDSA P-256, certificate embedded"),
        ("2.8", "p256-certificate-removed", every("ok"), "ECDSA P-256, its certificate removed again"),
        ("2.8", "p384-with-certificate", every("ok"), "ECDSA P-384, certificate embedded"),
        ("2.8", "digest-sha384", every("ok"), "digest SHA-384"),
    )


def observed_bags() -> list[Case]:
    return trusted(
        ("obs/2", "bag-bc-false", since_612("ok", "EBADMSG"),
         "unrelated certificate with basicConstraints SEQUENCE { FALSE } embedded"),
        ("obs/2", "bag-ku-empty-bits", since_612("ok", "EBADMSG"),
         "unrelated certificate with empty keyUsage embedded"),
        ("obs/2", "bag-p521", since_612("ENOPKG", "ok"), "unrelated P-521 certificate embedded"),
        ("obs/2", "bag-leaf-sha3-256", since_612("ENOPKG", "ok"),
         "unrelated certificate signed with SHA3-256 embedded"),
        ("obs/2", "bag-md5c", since_612("ok", "ENOPKG"), "unrelated certificate signed with MD5 embedded"),
        ("obs/2", "bag-leaf-signature-flipped", every("ok"),
         "unrelated leaf with a damaged signature embedded"),
        ("obs/2", "bag-null", every("EBADMSG"), "a NULL among the certificates"),
        ("2.3", "bag-leaf", every("ok"), "unrelated leaf embedded"),
        ("2.5", "bag-leaf-algorithms-differ", every("EINVAL"),
         "unrelated certificate with two different signature algorithms embedded"),
    )


def by_rule() -> list[Case]:
    """Rules of the specification, or of the source, that no row of the tables shows."""
    return trusted(
        ("2.2", "digest-algorithms-as-sequence", every("ok"), "digestAlgorithms as SEQUENCE"),
        ("2.3", "signer-version-2", every("EINVAL"), "SignerInfo version 2"),
        ("2.3", "issuer-and-serial-with-version-3", every("EINVAL"),
         "issuer and serial number in a message of version 3: empty id"),
        ("2.3", "attributes-in-second-signer-only", every("EINVAL"),
         "first SignerInfo without attributes, second with"),
        ("2.6", "attributes-by-two-signers", every("EKEYREJECTED"), "two signers with attributes"),
        ("2.4", "attributes-under-2", every("EKEYREJECTED"), "attributes under [2], signed as usual"),
        ("obs/6", "attributes-under-2-implicit", every("EBADMSG"),
         "attributes tagged [2] without the SEQUENCE"),
        ("source", "attributes-under-2-content-signed", every("ok"),
         "attributes under [2] are not recorded: a signature over the payload itself passes"),
    )


def unspecified() -> list[Case]:
    """The check function with usage VERIFYING_UNSPECIFIED_SIGNATURE and the secondary ring."""
    rows = [
        ("7.3/32", "signed", every("ok"), "no attributes"),
        ("7.3/32", "attributes", every("ok"), "signed attributes"),
        ("7.3/32", "attributes-smime-capabilities", every("EKEYREJECTED"), "S/MIME capabilities"),
        ("7.3/32", "attributes-expired-with-certificate", every("EKEYREJECTED"),
         "signing time outside the validity of the embedded certificate"),
        ("obs/6", "attributes-expired", every("ok"),
         "signing time outside the validity, certificate not embedded"),
        ("7.3/32", "signed-by-expired", every("ok"), "certificate expired, no attributes"),
        ("7.3/32", "expired-with-certificate", every("ok"), "expired certificate embedded, no attributes"),
        ("7.3/23", "attributes-content-type-repeated", every("EKEYREJECTED"),
         "contentType attribute repeated"),
        ("7.3/24", "attributes-without-message-digest", every("EBADMSG"), "attributes without messageDigest"),
        ("7.3/24", "attributes-without-content-type", every("EBADMSG"), "attributes without contentType"),
        ("7.3/25", "attributes-reordered", every("EKEYREJECTED"), "attributes in another order than signed"),
        ("7.3/25", "attributes-under-2", every("EKEYREJECTED"), "attributes under [2]"),
        ("obs/6", "attributes-under-2-implicit", every("EBADMSG"),
         "attributes tagged [2] without the SEQUENCE"),
        ("2.4", "attributes-reordered-and-signed", every("ok"), "attributes in another order, signed so"),
        ("2.4", "attributes-without-signing-time", every("ok"), "attributes without signingTime"),
        ("2.4", "attributes-content-type-two-values", every("EKEYREJECTED"),
         "contentType attribute with two values"),
        ("2.4", "attributes-content-type-signed-data", every("EBADMSG"),
         "contentType attribute of another type"),
        ("2.4", "attributes-message-digest-wrong", every("EKEYREJECTED"), "messageDigest of other content"),
        ("2.4", "attributes-message-digest-short", every("EBADMSG"), "messageDigest too short"),
        ("2.4", "attributes-signing-time-bad", every("EBADMSG"), "signing time in month 13"),
        ("2.4", "attributes-empty", every("EBADMSG"), "empty attributes"),
        ("2.4", "attributes-signature-flipped", every("EKEYREJECTED"),
         "signed attributes, signature damaged"),
        ("2.8", "attributes-sha3-256", since_612("ENOPKG", "ok"), "SHA3-256 with signed attributes"),
        ("2.7", "attributes-by-other", every("ENOKEY"), "signed attributes by an unknown key"),
        ("2.7", "attributes-by-two-signers", every("ok"), "unknown and trusted signer, both with attributes"),
        ("2.8", "ml-dsa-44-on-rsa-key-with-attributes", since_72("ENOPKG", "EKEYREJECTED"),
         "ML-DSA-44 OID on an RSA key, with attributes"),
    ]
    return [Case(row, f"unspecified-{name}", name, results, description, usage="unspecified")
            for row, name, results, description in rows]


def firmware() -> list[Case]:
    rows = [("signed", every("EKEYREJECTED"), "no attributes"),
            ("attributes", every("ok"), "signed attributes"),
            ("attributes-smime-capabilities", every("EKEYREJECTED"), "S/MIME capabilities")]
    return [Case("7.3/33", f"firmware-{name}", name, results, description, usage="firmware")
            for name, results, description in rows]


def ima_modsig() -> list[Case]:
    """What ima_modsig_verify says of the file with the .ima ring."""
    rows = [("signed", every("ok"), "key in .ima"),
            ("attached-other-text", every("ok"), "attached content: the signature does not bind the payload")]
    return [Case("7.3/34", f"ima-modsig-{name}", name, results, description, kind="ima-modsig",
                 state="good-in-ima")
            for name, results, description in rows]


def s390() -> list[Case]:
    """s390_verify_sig; `crash` is a read before the buffer in files of 28 to 39 bytes."""
    rows = [
        ("7.3/35", "unsigned", every("EKEYREJECTED"), "no marker"),
        ("7.3/35", "id-type-pgp", every("EKEYREJECTED"), "id_type 0"),
        ("7.3/35", "sig-len-max", every("EKEYREJECTED"), "sig_len 0xffffffff"),
        ("7.3/35", "algo-1", every("EBADMSG"), "algo 1"),
        ("7.3/35", "signed-by-other", every("ENOKEY"), "unknown key"),
        ("5.1", "signed", every("ok"), "trusted key"),
        ("5.1", "zero-block-only", every("EKEYREJECTED"), "no payload"),
        ("5.1", "id-type-pgp-and-sig-len-max", every("EKEYREJECTED"), "id_type 0 and sig_len 0xffffffff"),
        ("5.1", "id-type-x509-and-algo-1", every("EKEYREJECTED"),
         "id_type is tested before the other fields"),
        ("obs-kernels/4", "payload-flipped", every("EKEYREJECTED"), "payload changed"),
        ("obs-kernels/4", "sig-len-0", every("EBADMSG"), "sig_len 0"),
        ("obs-kernels/4", "digest-md5", since_612("ok", "ENOPKG"), "digest MD5"),
    ]
    crashes = [("marker-only", "the file is the marker"), ("one-byte-and-marker", "one byte and the marker")]
    ordinary = [("unsigned", "no marker"), ("payload-flipped", "payload changed"),
                ("marker-only", "the file is the marker")]
    return [
        *(Case(row, f"s390-{name}", name, results, f"secure IPL: {description}", "kexec-s390",
               state="s390-secure-ipl")
          for row, name, results, description in rows),
        *(Case("obs-kernels/4", f"s390-{name}", name, every("crash"), f"secure IPL: {description}",
               "kexec-s390", state="s390-secure-ipl",
               disagrees="5.1 reports EKEYREJECTED for want of an answer; booted kernels oops")
          for name, description in crashes),
        *(Case("7.3/36", f"s390-ordinary-ipl-{name}", name, every("ok"), f"ordinary IPL: {description}",
               "kexec-s390", state="s390-ordinary-ipl") for name, description in ordinary),
    ]


def add_key(row: str, certificate: str, secondary: dict, ima: dict, unrestricted: dict, description: str,
            state: str = "authorities", name: str = "") -> list[Case]:
    rings = {"secondary": (SECONDARY, secondary), "ima": (IMA, ima),
             "unrestricted": (UNRESTRICTED, unrestricted)}
    return [Case(row, f"add-{name or certificate}-to-{word}", certificate, results, description, "add-key",
                 "", state, ring)
            for word, (ring, results) in rings.items()]


def adding_keys() -> list[Case]:
    """Certificates offered to the three kinds of ring; good, ca and p521 are builtin."""
    ok, no_signer = every("ok"), since_612("ok", "ENOKEY")
    rows: list[tuple] = []

    def same(row: str, results: dict, *certificates: tuple[str, str]) -> None:
        rows.extend((row, name, results, results, results, description) for name, description in certificates)

    def not_for_ima(*certificates: tuple[str, str]) -> None:
        rows.extend(("obs/3", name, ok, no_signer, ok, description) for name, description in certificates)

    same("7.3/16", ok, ("leaf", "basicConstraints with an empty SEQUENCE, issued by a builtin CA"))
    same("7.3/15", since_612("ok", "EBADMSG"),
         ("bc-false", "basicConstraints SEQUENCE { FALSE }"),
         ("bc-pathlen-0", "basicConstraints SEQUENCE { INTEGER 0 }"))
    same("obs/3", since_612("ok", "EBADMSG"),
         ("bc-false-pathlen-0", "basicConstraints SEQUENCE { FALSE, 0 }"),
         ("bc-true-as-01", "basicConstraints with TRUE as 01"),
         ("bc-boolean-two-bytes", "basicConstraints with a BOOLEAN of two bytes"),
         ("bc-trailing-byte", "basicConstraints with a byte behind the SEQUENCE"),
         ("bc-long-form-length", "basicConstraints with a long-form length"),
         ("bc-length-too-large", "basicConstraints with a length too large"),
         ("bc-cut", "basicConstraints with its last byte missing"),
         ("bc-octet-string", "basicConstraints as OCTET STRING"),
         ("bc-empty-value", "basicConstraints of no bytes"),
         ("bc-one-byte", "basicConstraints of one byte"),
         ("ku-empty-bits", "keyUsage with an empty BIT STRING"),
         ("ku-no-content", "keyUsage 03 00"),
         ("ku-octet-string", "keyUsage as OCTET STRING"),
         ("ku-empty-value", "keyUsage of no bytes"),
         ("ku-one-byte", "keyUsage of one byte"),
         ("ku-cut", "keyUsage with its last byte missing"))
    same("source", since_612("ok", "EBADMSG"), ("ku-unused-bits-8", "keyUsage with 8 unused bits"))
    same("obs/3", ok,
         ("ku-unused-bits-0", "keyUsage with a wrong number of unused bits"),
         ("ku-three-bytes", "keyUsage of three bytes of bits"),
         ("ku-trailing-byte", "keyUsage with a byte behind the BIT STRING"))
    same("source", ok,
         ("ku-cert-sign-hidden-by-unused-bits",
          "digitalSignature and keyCertSign, 3 unused bits: keyCertSign is not seen"),
         ("ku-digital-signature-and-crl-sign", "keyUsage digitalSignature and cRLSign"))
    not_for_ima(("ca", "CA certificate"),
                ("bc-ca-true", "basicConstraints CA:TRUE"),
                ("bc-ca-true-pathlen-0", "basicConstraints CA:TRUE with path length"),
                ("bc-repeated", "basicConstraints repeated: the second says CA:TRUE"),
                ("ku-absent", "no keyUsage"),
                ("ku-zero-bits", "keyUsage without any bit"),
                ("ku-key-encipherment", "keyUsage without digitalSignature"),
                ("ku-digital-signature-and-cert-sign", "keyUsage digitalSignature and keyCertSign"),
                ("ku-repeated", "keyUsage repeated: the bits add up"),
                ("ku-crl-sign", "keyUsage cRLSign only"),
                ("ku-decipher-only", "keyUsage decipherOnly only"),
                ("version-1", "certificate of version 1, without extensions"))
    same("2.5", every("EBADMSG"),
         ("skid-empty", "empty subjectKeyIdentifier"),
         ("skid-length-too-large", "subjectKeyIdentifier with a length too large"),
         ("skid-repeated", "subjectKeyIdentifier repeated"))
    same("obs/3", ok,
         ("unknown-critical-extension", "unknown critical extension"),
         ("leaf-trailing-byte", "a byte after the certificate"),
         ("leaf-negative-serial", "negative serial number"),
         ("leaf-zero-serial", "serial number 0"),
         ("leaf-wrong-issuer-name", "wrong issuer name with the right key identifier"),
         ("leaf-expired", "expired"),
         ("leaf-not-yet-valid", "not yet valid"),
         ("leaf-p192-key", "P-192 key"),
         ("leaf-rsa8192-key", "RSA-8192 key, issued by a CA"),
         ("leaf-sha1", "signed with SHA-1"),
         ("leaf-sha384", "signed with SHA-384"),
         ("leaf-sha512", "signed with SHA-512"))
    same("2.5", ok, ("leaf-hour-24", "validity from hour 24"))
    same("obs/3", every("EBADMSG"),
         ("leaf-month-13", "validity from month 13"),
         ("leaf-29-february-2041", "validity until 29 February 2041"))
    same("2.5", every("EBADMSG"),
         ("leaf-generalized-time-2040", "GeneralizedTime before 2050"),
         ("leaf-time-without-seconds", "UTCTime without seconds"),
         ("leaf-signature-unused-bits", "signature BIT STRING with unused bits"))
    same("2.5", every("EINVAL"), ("leaf-algorithms-differ", "two different signature algorithms"))
    same("7.3/17", every("EINVAL"), ("rsa8192", "self-signed RSA-8192 certificate"))
    same("2.5", every("EINVAL"),
         ("self-signature-flipped", "self-signed certificate with a damaged signature"))
    same("2.5", every("EKEYREJECTED"),
         ("self-signed-akid-contradicting", "self-signed, authorityKeyIdentifier contradicts itself"))
    same("obs/3", every("ENOPKG"),
         ("leaf-p224-key", "P-224 key"),
         ("leaf-secp256k1-key", "secp256k1 key"),
         ("leaf-brainpool-key", "brainpoolP256r1 key"),
         ("leaf-ed-key", "Ed25519 key"))
    same("2.8", every("ENOPKG"), ("psssig", "signed with RSASSA-PSS"))
    same("obs/3", since_612("ENOPKG", "ok"),
         ("leaf-p521-key", "P-521 key"),
         ("leaf-sha3-256", "signed with SHA3-256"))
    same("2.5", ok,
         ("leaf-akid-serial", "issuer named by issuer and serial number"),
         ("leaf-akid-both", "issuer named in both ways"))
    same("obs-kernels/7", ok, ("good", "self-signed certificate that is builtin itself"))
    unknown = every("ENOKEY")
    rows += [
        ("obs/3", "leaf-md5", every("ENOPKG"), every("ENOPKG"), since_612("ok", "ENOPKG"), "signed with MD5"),
        ("obs/3", "leaf-signature-flipped", every("EINVAL"), every("EINVAL"), ok,
         "leaf with a damaged signature"),
        ("obs/2", "leaf-of-p521", since_612("ENOKEY", "ok"), since_612("ENOKEY", "ok"), ok,
         "issued by a P-521 key"),
        ("4.3", "other", unknown, unknown, ok, "self-signed certificate that nobody vouches for"),
        ("4.3", "noskid", unknown, unknown, ok, "the same without key identifiers"),
        ("2.7", "leaf-akid-contradicting", unknown, unknown, ok,
         "issuer named in two ways that contradict each other"),
    ]
    return [case for row in rows for case in add_key(*row)]


def adding_listed() -> list[Case]:
    """Certificates whose tbs: hash is listed; the digest that counts changed after 6.12."""
    rows = [("7.3/12", "good", "good-tbs-listed", every("EKEYREJECTED"),
             "tbs: SHA-256 listed, signed with sha256"),
            ("obs/3", "leaf", "leaf-tbs-listed", every("EKEYREJECTED"),
             "tbs: SHA-256 listed, signed with sha256")]
    for digest in ("sha1", "sha384", "sha512"):
        own, other = ("7.3/13", "7.3/14") if digest == "sha384" else ("obs/3", "obs/3")
        rows += [
            (own, f"leaf-{digest}", f"leaf-{digest}-tbs-{digest}-listed", since_72("EKEYREJECTED", "ok"),
             f"tbs: {digest} listed, signed with {digest}"),
            (other, f"leaf-{digest}", f"leaf-{digest}-tbs-sha256-listed", since_72("ok", "EKEYREJECTED"),
             f"tbs: SHA-256 listed, signed with {digest}"),
        ]
    return [case for row, certificate, state, results, description in rows
            for case in add_key(row, certificate, results, results, results, description, state, state)]
