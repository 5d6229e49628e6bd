"""What the tools sign, and damages at the end of the file and in the encoding of the message."""

from __future__ import annotations

from dataclasses import replace

import der
import signers
from appended import BIG_PAYLOAD, MARKER, PAYLOAD, TEXT, pack_block
from collection import Change, Collection, append, empty, put, remove, set_lengths, set_tag
from der import Node
from message import (DATA, DIGEST_OIDS, ECDSA_WITH_SHA256, ENVELOPED_DATA, INDIRECT_DATA, RSA_ENCRYPTION,
                     RSASSA_PSS, SHA256_WITH_RSA, TST_INFO, UNSTRUCTURED_NAME, Message)
from openssl import Workshop


def make_artifacts(workshop: Workshop) -> Collection:
    collection = Collection(workshop)
    for family in (signed_by_sign_file, signed_by_cms, without_marker, damaged_blocks, damaged_payloads,
                   signed_twice, around_the_message, lengths_and_tags, missing_and_empty, versions,
                   content_types, algorithms, *signers.FAMILIES):
        family(collection)
    return collection


# What the tools make


def signed_by_sign_file(files: Collection) -> None:
    files.sign_file("signed", "good")
    files.sign_file("signed-big", "good", payload=BIG_PAYLOAD)
    files.sign_file("signed-by-skid", "good", "sha256", "-k")
    for signer in ("other", "ku", "expired", "sha1c", "md5c", "psssig", "noskid", "leaf", "leaf-of-p521"):
        files.sign_file(f"signed-by-{signer}", signer)
    for digest in ("md5", "sha1", "sha224", "sha384", "sha512", "ripemd160", "sha512-256", "sha3-256",
                   "sha3-384", "sha3-512"):
        files.sign_file(f"digest-{digest}", "good", digest)
    files.sign_file("p256", "p256")
    files.sign_file("p256-sha384", "p256", "sha384")
    files.sign_file("p384", "p384", "sha384")
    files.sign_file("p521", "p521", "sha512")
    files.sign_file("secp256k1", "secp256k1")
    files.sign_file("signed-by-leaf-rsa8192", "leaf-rsa8192-key")


def signed_by_cms(files: Collection) -> None:
    for signer in ("good", "other", "expired", "noskid", "leaf"):
        files.cms(f"{signer}-with-certificate", signer, "sha256", "-noattr")
    files.cms("leaf-with-certificate-and-ca", "leaf", "sha256", "-noattr -certfile ca.pem")
    files.cms("skid-with-certificate", "good", "sha256", "-noattr -keyid")
    files.cms("leaf-skid-with-certificate", "leaf", "sha256", "-noattr -keyid")
    files.cms("p256-with-certificate", "p256", "sha256", "-noattr")
    files.cms("p256-sha384-with-certificate", "p256", "sha384", "-noattr")
    files.cms("p384-with-certificate", "p384", "sha384", "-noattr")
    files.cms("p521-with-certificate", "p521", "sha512", "-noattr")
    files.cms("secp256k1-with-certificate", "secp256k1", "sha256", "-noattr")
    files.cms("leaf-rsa8192-with-certificate", "leaf-rsa8192-key", "sha256", "-noattr")
    files.cms("pss", "good", "sha256", "-noattr -nocerts -keyopt rsa_padding_mode:pss")
    files.cms("attributes", "good", "sha256", "-nocerts -nosmimecap")
    files.cms("attributes-by-other", "other", "sha256", "-nocerts -nosmimecap")
    files.cms("attributes-sha3-256", "good", "sha3-256", "-nocerts -nosmimecap")
    files.cms("attributes-smime-capabilities", "good", "sha256", "-nocerts")
    files.cms("attributes-expired", "expired", "sha256", "-nocerts -nosmimecap")
    files.cms("attributes-expired-with-certificate", "expired", "sha256", "-nosmimecap")
    files.cms("attached", "good", "sha256", "-noattr -nocerts -nodetach")
    files.cms("attached-big", "good", "sha256", "-noattr -nocerts -nodetach", BIG_PAYLOAD)
    files.cms("attached-other-text", "good", "sha256", "-noattr -nocerts -nodetach", PAYLOAD, TEXT)


# The end of the file


def without_marker(files: Collection) -> None:
    signed = files["signed"].data
    files.add("unsigned", PAYLOAD, "the payload of signed", "signed", "end of the file")
    files.add("marker-cut", signed[:-1], "last byte of signed cut off", "signed", "end of the file")
    files.add("marker-and-newline", signed + b"\n", "newline put behind signed", "signed", "after the file")
    files.add("marker-only", MARKER, "the marker alone")
    files.add("one-byte-and-marker", b"\0" + MARKER, "a zero byte and the marker")
    files.add("zero-block-only", bytes(12) + MARKER, "12 zero bytes and the marker")
    files.add("one-byte-payload-sig-len-0", b"\0" + pack_block(0) + MARKER,
              "a zero byte, a block with sig_len 0, the marker")


def damaged_blocks(files: Collection) -> None:
    size, file_size = len(files.parts("signed").message), len(files["signed"].data)
    big_file_size = len(files["signed-big"].data)
    reversed_size = int.from_bytes(size.to_bytes(4, "little"), "big")
    files.block("id-type-pgp", "id_type 0", id_type=0)
    files.block("id-type-x509", "id_type 1", id_type=1)
    files.block("id-type-3", "id_type 3", id_type=3)
    files.block("algo-1", "algo 1", algo=1)
    files.block("hash-4", "hash 4", hash=4)
    files.block("signer-len-1", "signer_len 1", signer_len=1)
    files.block("key-id-len-1", "key_id_len 1", key_id_len=1)
    files.block("pad-1", "last byte of pad 1", pad=b"\0\0\1")
    files.block("id-type-x509-and-algo-1", "id_type 1, algo 1", id_type=1, algo=1)
    files.block("id-type-pgp-and-sig-len-max", "id_type 0, sig_len 0xffffffff", id_type=0, sig_len=0xFFFFFFFF)
    files.block("sig-len-max", "sig_len 0xffffffff", sig_len=0xFFFFFFFF)
    files.block("sig-len-without-payload", "sig_len is the file size less 40", sig_len=file_size - 40)
    files.block("sig-len-one-byte-payload", "sig_len is the file size less 41", "signed-big",
                sig_len=big_file_size - 41)
    files.block("sig-len-0", "sig_len 0", sig_len=0)
    files.block("sig-len-little-endian", "sig_len in little-endian order", sig_len=reversed_size)
    files.block("sig-len-too-small", "sig_len one too small", sig_len=size - 1)
    files.block("sig-len-too-large", "sig_len one too large", sig_len=size + 1)


def damaged_payloads(files: Collection) -> None:
    for base in ("signed", "good-with-certificate", "other-with-certificate", "signed-by-other"):
        parts = files.parts(base)
        payload = bytearray(parts.payload)
        payload[80] ^= 1
        name = "payload-flipped" if base == "signed" else f"{base}-payload-flipped"
        files.add(name, replace(parts, payload=bytes(payload)).encode(),
                  f"lowest bit of byte 80 of {base} flipped", base, "payload")


def signed_twice(files: Collection) -> None:
    for name, base, signer in (("trusted-then-unknown", "signed", "other"),
                               ("unknown-then-trusted", "signed-by-other", "good")):
        data = files.workshop.sign_file(files[base].data, signer)
        made_by = f"sign-file sha256 over {base} with the key of {signer}"
        files.add(name, data, made_by, base, "after the file")
    signed = files["signed"].data
    files.add("block-repeated", signed + signed[len(PAYLOAD):],
              "signature, block and marker of signed put behind it again", "signed", "after the file")


# The encoding of the message


def around_the_message(files: Collection) -> None:
    message = files.parts("signed").message
    padded, too_large = message.ljust(65535, b"\0"), message.ljust(65536, b"\0")
    files.raw(
        "signed",
        ("garbage-after-message", "4 bytes put behind the DER", message + b"junk", "after the message"),
        ("message-twice", "the DER twice", message * 2, "after the message"),
        ("padded-to-65535", "zero bytes after the DER up to 65535", padded, "after the message"),
        ("padded-to-65536", "zero bytes after the DER up to 65536", too_large, "after the message"),
        ("message-of-ff", "300 bytes ff", b"\xff" * 300, "message"),
        ("message-of-text", "the text `hello world`", b"hello world", "message"))


def lengths_and_tags(files: Collection) -> None:
    def constructed_signature(message: Message) -> None:
        message.signer_infos[0].content[4] = Node(0x24, message.signer_infos[0][4].encode())

    def root(message: Message) -> Node:
        return message.root

    files.edit(
        "signed",
        ("indefinite-length", "outer SEQUENCE of indefinite length", set_lengths(der.INDEFINITE, root),
         "ContentInfo"),
        ("indefinite-lengths-nested", "ContentInfo, [0] and SignedData of indefinite length",
         set_lengths(der.INDEFINITE, root, lambda m: m.root[1], lambda m: m.signed_data),
         "ContentInfo", "content", "SignedData"),
        ("length-of-three-octets", "outer length as 83 00 xx xx", set_lengths("83", root), "ContentInfo"),
        ("oid-length-of-two-octets", "length of the contentType OID as 82 00 09",
         set_lengths("82", lambda m: m.root[0]), "contentType"),
        ("content-info-tag-10", "outer SEQUENCE tagged 10", set_tag(0x10, root), "ContentInfo"),
        ("signer-info-tag-10", "SignerInfo tagged 10", set_tag(0x10, lambda m: m.signer_infos[0]),
         "signerInfos.0"),
        ("signer-infos-as-sequence", "signerInfos tagged 30", set_tag(0x30, lambda m: m.signer_infos),
         "signerInfos"),
        ("digest-algorithms-as-sequence", "digestAlgorithms tagged 30",
         set_tag(0x30, lambda m: m.digest_algorithms), "digestAlgorithms"),
        ("version-tag-22", "version INTEGER tagged 22", set_tag(0x22, lambda m: m.signed_data[0]), "version"),
        ("signature-constructed", "signature as constructed OCTET STRING", constructed_signature,
         "signerInfos.0.signature"))
    files.edit("good-with-certificate",
               ("certificates-under-2", "certificates tagged [2]", set_tag(0xA2, lambda m: m.certificates),
                "certificates"))
    files.raw("indefinite-length",
              ("indefinite-length-without-end", "end-of-contents cut off",
               files.parts("indefinite-length").message[:-2], "end of the message"))


def missing_and_empty(files: Collection) -> None:
    text = der.set_of(Node(der.PRINTABLE_STRING, b"not signed"))
    unsigned = der.context(1, der.sequence(der.oid(UNSTRUCTURED_NAME), text))
    files.edit(
        "signed",
        ("digest-algorithms-empty", "no digestAlgorithms in the SET", empty(lambda m: m.digest_algorithms),
         "digestAlgorithms"),
        ("digest-algorithms-missing", "no digestAlgorithms element", remove(lambda m: m.signed_data, 1),
         "digestAlgorithms"),
        ("signer-infos-empty", "no SignerInfo in the SET", empty(lambda m: m.signer_infos), "signerInfos.0"),
        ("certificates-empty", "an empty [0] for certificates", lambda m: m.certificates, "certificates"),
        ("content-missing", "ContentInfo with its OID only", remove(lambda m: m.root, 1), "content"),
        ("signer-info-extra-null", "a NULL at the end of the SignerInfo",
         append(lambda m: m.signer_infos[0], der.null()), "signerInfos.0.extra"),
        ("unsigned-attribute", "an unsigned attribute unstructuredName",
         append(lambda m: m.signer_infos[0], unsigned), "signerInfos.0.unsignedAttrs"),
        ("attached-empty", "attached content of no bytes",
         append(lambda m: m.content_info, der.context(0, der.octet_string(b""))), "eContent"))


def versions(files: Collection) -> None:
    def outer(content: bytes) -> Change:
        return put(lambda m: m.signed_data, 0, Node(der.INTEGER, content))

    signer_2 = put(lambda m: m.signer_infos[0], 0, der.integer(2))
    files.edit(
        "signed",
        ("version-0", "SignedData version 0", outer(b"\0"), "version"),
        ("version-2", "SignedData version 2", outer(b"\2"), "version"),
        ("version-4", "SignedData version 4", outer(b"\4"), "version"),
        ("version-of-two-octets", "SignedData version 00 01", outer(b"\0\1"), "version"),
        ("version-3-signer-1", "SignedData version 3", outer(b"\3"), "version"),
        ("signer-version-2", "SignerInfo version 2", signer_2, "signerInfos.0.version"))
    files.edit("signed-by-skid", ("version-1-signer-3", "SignedData version 1", outer(b"\1"), "version"))


def content_types(files: Collection) -> None:
    def outer(identifier: str) -> Change:
        return put(lambda m: m.root, 0, der.oid(identifier))

    def inner(identifier: str) -> Change:
        return put(lambda m: m.content_info, 0, der.oid(identifier))

    files.edit(
        "signed",
        ("outer-type-enveloped-data", "contentType envelopedData", outer(ENVELOPED_DATA), "contentType"),
        ("outer-type-data", "contentType data", outer(DATA), "contentType"),
        ("inner-type-indirect-data", "eContentType msIndirectData", inner(INDIRECT_DATA), "eContentType"),
        ("inner-type-tst-info", "eContentType TSTInfo", inner(TST_INFO), "eContentType"))


def algorithms(files: Collection) -> None:
    def digest(name: str) -> Change:
        return lambda m: m.signer().set_digest_algorithm(der.algorithm(DIGEST_OIDS[name]))

    def listed(identifier: str) -> Change:
        return put(lambda m: m.signed_data, 1, der.set_of(der.algorithm(identifier)))

    def signature(identifier: str, *parameters: Node) -> Change:
        return lambda m: m.signer().set_signature_algorithm(der.algorithm(identifier, *parameters))

    def garbage(message: Message) -> None:
        parameters = der.octet_string(b"garbage")
        message.signer().set_digest_algorithm(der.algorithm(DIGEST_OIDS["sha256"], parameters))
        message.signer().set_signature_algorithm(der.algorithm(RSA_ENCRYPTION, parameters))

    of_digest, of_signature = "signerInfos.0.digestAlgorithm", "signerInfos.0.signatureAlgorithm"
    unknown = "1.3.6.1.4.1.99999.2"
    files.edit(
        "signed",
        ("digest-oid-sha512-224", "digest of the SignerInfo sha512-224", digest("sha512-224"), of_digest),
        ("digest-oid-sha512", "digest of the SignerInfo sha512", digest("sha512"), of_digest),
        ("digest-oid-sm3", "digest of the SignerInfo sm3", digest("sm3"), of_digest),
        ("listed-digest-sha3-512", "digestAlgorithms lists sha3-512", listed(DIGEST_OIDS["sha3-512"]),
         "digestAlgorithms"),
        ("listed-digest-unknown", "digestAlgorithms lists an unknown OID", listed(unknown),
         "digestAlgorithms"),
        ("signature-oid-sha256-with-rsa", "signatureAlgorithm sha256WithRSAEncryption",
         signature(SHA256_WITH_RSA, der.null()), of_signature),
        ("signature-oid-pss", "signatureAlgorithm RSASSA-PSS", signature(RSASSA_PSS), of_signature),
        ("signature-oid-ecdsa-on-rsa-key", "signatureAlgorithm ecdsa-with-SHA256",
         signature(ECDSA_WITH_SHA256), of_signature),
        ("signature-oid-unknown", "signatureAlgorithm an unknown OID", signature(unknown), of_signature),
        ("garbage-parameters", "OCTET STRING as parameters of both algorithms of the SignerInfo", garbage,
         of_digest, of_signature))
    files.edit("p256",
               ("signature-oid-rsa-on-ec-key", "signatureAlgorithm rsaEncryption",
                signature(RSA_ENCRYPTION, der.null()), of_signature))
