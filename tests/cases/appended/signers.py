"""Damages to SignerInfos, to their signatures and attributes, and to the certificates beside them."""

from __future__ import annotations

import random
from collections.abc import Callable

import der
from appended import PAYLOAD
from certificate import Certificate
from collection import (Change, Collection, append, empty, flip_signature, put, remove, reverse,
                        set_signature, set_tag)
from der import Node
from message import (CONTENT_TYPE, ED25519, MESSAGE_DIGEST, ML_DSA, ML_DSA_SIGNATURE_SIZE, SIGNED_DATA,
                     SIGNING_TIME, Message, SignerInfo)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

SIGNATURE = "signerInfos.0.signature"
ATTRIBUTES = "signerInfos.0.signedAttrs"
ORDER = "order of signerInfos"


# Who signs


def signer_identifiers(files: Collection) -> None:
    def printable(message: Message) -> None:
        issuer = message.signer_infos[0][1][0]
        organization = issuer[0][0]
        organization[1].tag = der.PRINTABLE_STRING

    def set_versions(version: int) -> Change:
        def change(message: Message) -> None:
            message.signed_data.content[0] = message.signer_infos[0].content[0] = der.integer(version)
        return change

    both = ("version", "signerInfos.0.version")
    files.edit(
        "signed",
        ("issuer-printable-string", "O of the issuer as PrintableString", printable, "signerInfos.0.sid"),
        ("issuer-and-serial-with-version-3", "both versions 3", set_versions(3), *both))
    files.edit("signed-by-skid", ("skid-with-version-1", "both versions 1", set_versions(1), *both))


def add_signer(files: Collection, name: str, base: str, second: str, *touches: str) -> None:
    """The base and the first SignerInfo of another message."""
    def change(message: Message) -> None:
        other = files.message(second)
        message.signer_infos.content.append(other.signer_infos[0])
        listed = message.digest_algorithms.content
        listed += [digest for digest in other.digest_algorithms.content if digest not in listed]

    files.edit(base, (name, f"the SignerInfo of {second} added", change, "signerInfos.1", *touches))


def several_signers(files: Collection) -> None:
    def make_ed25519(message: Message) -> None:
        message.signer(1).set_signature_algorithm(der.algorithm(ED25519))
        message.signer(1).signature = bytes(range(64))

    add_signer(files, "trusted-and-unknown-signer", "signed", "signed-by-other")
    add_signer(files, "signer-twice", "signed", "signed")
    add_signer(files, "second-signer-with-md5", "signed", "digest-md5", "digestAlgorithms")
    add_signer(files, "second-signer-p521", "signed", "p521", "digestAlgorithms")
    add_signer(files, "two-trusted-signers", "signed", "signed-by-ku")
    add_signer(files, "attributes-in-first-signer-only", "attributes", "signed")
    add_signer(files, "attributes-in-second-signer-only", "signed", "attributes")
    add_signer(files, "attributes-by-two-signers", "attributes-by-other", "attributes")
    second = ("signerInfos.1.signatureAlgorithm", "signerInfos.1.signature")
    files.edit(
        "trusted-and-unknown-signer",
        ("unknown-and-trusted-signer", "signers exchanged", reverse(lambda m: m.signer_infos), ORDER),
        ("trusted-and-unknown-bad-signer", "last bit of the second signature flipped", flip_signature(1),
         "signerInfos.1.signature"))
    files.edit(
        "signer-twice",
        ("signer-twice-first-bad", "last bit of the first signature flipped", flip_signature(0), SIGNATURE),
        ("signer-twice-second-bad", "last bit of the second signature flipped", flip_signature(1),
         "signerInfos.1.signature"),
        ("second-signer-ed25519", "second signer with Ed25519 OID and 64 bytes", make_ed25519, *second))


# Certificates beside the signer


def add_certificates(files: Collection, name: str, base: str, *certificates: str) -> None:
    def change(message: Message) -> None:
        message.certificates.content += [files.certificate(certificate).root for certificate in certificates]

    files.edit(base, (name, f"certificate {' and '.join(certificates)} embedded", change, "certificates"))


def certificate_bags(files: Collection) -> None:
    """A good signer, and certificates that have nothing to do with it."""
    for certificate in ("ed", "psssig", "self-signature-flipped", "leaf-signature-flipped", "leaf",
                        "bc-false", "ku-empty-bits", "p521", "leaf-sha3-256", "md5c",
                        "leaf-algorithms-differ"):
        add_certificates(files, f"bag-{certificate}", "signed", certificate)
    files.edit(
        "signed",
        ("bag-not-a-certificate", "a SEQUENCE with an INTEGER among the certificates",
         append(lambda m: m.certificates, der.sequence(der.integer(1))), "certificates"),
        ("bag-null", "a NULL among the certificates", append(lambda m: m.certificates, der.null()),
         "certificates"))


def certificate_chains(files: Collection) -> None:
    """A certificate of the signer, with or without that of its issuer."""
    for name in ("md5", "sha1", "signature-flipped", "akid-serial", "akid-contradicting"):
        add_certificates(files, f"leaf-{name}-embedded", "signed-by-leaf", f"leaf-{name}")
    for name in ("signature-flipped", "akid-serial", "akid-both", "akid-contradicting"):
        add_certificates(files, f"leaf-{name}-and-ca-embedded", "signed-by-leaf", f"leaf-{name}", "ca")
    add_certificates(files, "leaf-of-p521-embedded", "signed-by-leaf-of-p521", "leaf-of-p521")


def revocation_lists(files: Collection) -> None:
    def insert(*nodes: Node) -> Change:
        return lambda message: message.signed_data.content.insert(-1, der.context(1, *nodes))

    revocation_list = der.parse(files.workshop.revocation_list("ca"))
    certificate = files.certificate("ca").root
    files.edit(
        "signed",
        ("crl-real", "a revocation list by openssl ca -gencrl in [1]", insert(revocation_list), "crls"),
        ("crl-list-of-certificates", "a SEQUENCE with the certificate ca in [1]",
         insert(der.sequence(certificate)), "crls"),
        ("crl-certificate", "the certificate ca itself in [1]", insert(certificate), "crls"),
        ("crl-empty", "an empty [1]", insert(), "crls"))


# Signature values


def rsa_signature_values(files: Collection) -> None:
    good = files.certificate("good")
    modulus, _ = good.rsa_numbers()
    signature = files.message("signed").signer().signature
    flipped = der.flip_last_bit(signature)
    assert good.recovers(flipped)[0] != 0, "make the keys again: this damage would give another error"
    values = {
        "flipped": ("its last bit flipped", flipped),
        "0": ("256 zero bytes", bytes(256)),
        "1": ("the number 1 in 256 bytes", (1).to_bytes(256, "big")),
        "modulus-less-1": ("the modulus less 1", (modulus - 1).to_bytes(256, "big")),
        "ff": ("256 bytes ff", b"\xff" * 256),
        "255-bytes": ("its last byte cut off", signature[:-1]),
        "257-bytes": ("a zero byte put before it", b"\0" + signature),
        "300-bytes": ("300 bytes ff", b"\xff" * 300),
        "unpadded": ("a number that recovers to 00 and no padding", find_unpadded(good)),
    }
    set_signatures(files, {"": "signed", "with-certificate-": "good-with-certificate"}, values)


def set_signatures(files: Collection, bases: dict[str, str], values: dict[str, tuple[str, bytes]]) -> None:
    """Each base, by the prefix of the new name, with each signature value."""
    for prefix, base in bases.items():
        files.edit(base, *((f"{prefix}signature-{name}", f"signature {how}", set_signature(value), SIGNATURE)
                           for name, (how, value) in values.items()))


def find_unpadded(certificate: Certificate) -> bytes:
    """A signature whose recovered block begins with 00 and goes on with something else than 01."""
    numbers = random.Random(1)
    while True:
        value = bytes([1]) + numbers.randbytes(255)
        block = certificate.recovers(value)
        if block[0] == 0 and block[1] > 1:
            return value


def ecdsa_signature_values(files: Collection) -> None:
    signature = files.message("p256-with-certificate").signer().signature
    r, s = der.parse(signature).content
    numbers = [int.from_bytes(number.content, "big") for number in (r, s)]
    too_long = Node(der.INTEGER, r.content.rjust(34, b"\0"))
    values = {
        "flipped": ("its last bit flipped", der.flip_last_bit(signature)),
        "trailing-byte": ("a zero byte put behind it", signature + b"\0"),
        "raw": ("r and s as 64 bytes", b"".join(number.to_bytes(32, "big") for number in numbers)),
        "0": ("r = s = 0", der.sequence(der.integer(0), der.integer(0)).encode()),
        "r-of-order": ("r the order of the group", der.sequence(der.integer(P256_ORDER), s).encode()),
        "r-of-34-bytes": ("r with zero bytes before it", der.sequence(too_long, s).encode()),
    }
    files.edit("p256-with-certificate",
               ("p256-certificate-removed", "without its certificate", remove(lambda m: m.signed_data, 3),
                "certificates"))
    bases = {"p256-": "p256-certificate-removed", "p256-with-certificate-": "p256-with-certificate"}
    set_signatures(files, bases, values)
    files.edit("p384",
               ("p384-signature-flipped", "last bit of the signature flipped", flip_signature(), SIGNATURE))


# Signed attributes


def attributes(files: Collection) -> None:
    def attribute(identifier: str) -> Callable[[Message], Node]:
        return lambda message: message.signer().attribute(identifier)[1]

    def all_attributes(message: Message) -> Node:
        return message.signer().attributes

    def repeat(message: Message) -> None:
        all_attributes(message).content.append(message.signer().attribute(CONTENT_TYPE).copy())

    def add_value(message: Message) -> None:
        values = attribute(CONTENT_TYPE)(message)
        values.content.append(values[0].copy())

    def without(identifier: str) -> Change:
        return lambda message: message.signer().remove_attribute(identifier)

    def set_value(identifier: str, node: Node) -> Change:
        return put(attribute(identifier), 0, node)

    def sign_after(change: Change) -> Change:
        def both(message: Message) -> None:
            change(message)
            message.signer().sign_attributes(files.workshop, "good")
        return both

    signed_again = [
        ("content-type-repeated", "contentType attribute repeated", repeat),
        ("content-type-two-values", "contentType attribute with two values", add_value),
        ("content-type-signed-data", "contentType attribute says signedData",
         set_value(CONTENT_TYPE, der.oid(SIGNED_DATA))),
        ("without-content-type", "contentType attribute removed", without(CONTENT_TYPE)),
        ("without-message-digest", "messageDigest attribute removed", without(MESSAGE_DIGEST)),
        ("without-signing-time", "signingTime attribute removed", without(SIGNING_TIME)),
        ("message-digest-wrong", "messageDigest of 32 zero bytes",
         set_value(MESSAGE_DIGEST, der.octet_string(bytes(32)))),
        ("message-digest-short", "messageDigest of 31 zero bytes",
         set_value(MESSAGE_DIGEST, der.octet_string(bytes(31)))),
        ("signing-time-bad", "signingTime in month 13",
         set_value(SIGNING_TIME, Node(der.UTC_TIME, b"241301000000Z"))),
        ("empty", "no attribute in the [0]", empty(all_attributes)),
        ("reordered-and-signed", "attributes reversed", reverse(all_attributes)),
    ]
    for name, how, change in signed_again:
        files.edit("attributes", (f"attributes-{name}", f"{how}, signed again", sign_after(change),
                                  ATTRIBUTES, SIGNATURE))
    files.edit(
        "attributes",
        ("attributes-reordered", "attributes reversed, not signed again", reverse(all_attributes),
         ATTRIBUTES),
        ("attributes-signature-flipped", "last bit of the signature flipped", flip_signature(), SIGNATURE))


def attributes_elsewhere(files: Collection) -> None:
    """Attributes under [2], where the grammar wants a SEQUENCE and the parser records nothing."""
    def explicit(message: Message) -> None:
        attributes_of_signer = message.signer().attributes.content
        message.signer_infos[0].content[3] = der.context(2, der.sequence(*attributes_of_signer))

    def explicit_over_content(message: Message) -> None:
        explicit(message)
        message.signer().signature = files.workshop.sign("good", "sha256", PAYLOAD)

    files.edit(
        "attributes",
        ("attributes-under-2", "attributes as a SEQUENCE in [2]", explicit, ATTRIBUTES),
        ("attributes-under-2-implicit", "attributes tagged [2] themselves",
         set_tag(0xA2, lambda m: m.signer().attributes), ATTRIBUTES),
        ("attributes-under-2-content-signed",
         "attributes as a SEQUENCE in [2], the signature over the payload", explicit_over_content,
         ATTRIBUTES, SIGNATURE))


# ML-DSA: made up, since OpenSSL 3.0 cannot make a real one


def ml_dsa(files: Collection) -> None:
    def make_up(level: int, index: int = 0) -> tuple:
        """How, change and places of a SignerInfo that claims to be ML-DSA."""
        def change(message: Message) -> None:
            signer: SignerInfo = message.signer(index)
            signer.set_signature_algorithm(der.algorithm(ML_DSA[level]))
            signer.signature = random.Random(level).randbytes(ML_DSA_SIGNATURE_SIZE[level])

        return (f"SignerInfo {index} with the OID of ML-DSA-{level} and random bytes of its size", change,
                f"signerInfos.{index}.signatureAlgorithm", f"signerInfos.{index}.signature")

    files.edit("signed", *((f"ml-dsa-{level}-on-rsa-key", *make_up(level)) for level in ML_DSA))
    files.edit("signed-by-other", ("ml-dsa-44-unknown-key", *make_up(44)))
    files.edit("good-with-certificate", ("ml-dsa-44-with-certificate", *make_up(44)))
    files.edit("signer-twice", ("ml-dsa-44-then-good", *make_up(44)), ("ml-dsa-65-then-good", *make_up(65)),
               ("good-then-ml-dsa-44", *make_up(44, 1)))
    files.edit("attributes", ("ml-dsa-44-on-rsa-key-with-attributes", *make_up(44)))
    files.edit("attributes-by-two-signers", ("ml-dsa-44-then-rsa-with-attributes", *make_up(44)))
    files.edit(
        "ml-dsa-44-then-rsa-with-attributes",
        ("rsa-then-ml-dsa-44-with-attributes", "signers exchanged", reverse(lambda m: m.signer_infos), ORDER),
        ("ml-dsa-44-without-then-rsa-with-attributes", "attributes of the first signer removed",
         remove(lambda m: m.signer_infos[0], 3), ATTRIBUTES))


FAMILIES = (signer_identifiers, several_signers, certificate_bags, certificate_chains, revocation_lists,
            rsa_signature_values, ecdsa_signature_values, attributes, attributes_elsewhere, ml_dsa)
