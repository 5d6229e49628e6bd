"""Authenticode messages, made element by element; only the bare signature comes from openssl."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import der
from certificate import ISSUER, SERIAL, Certificate
from der import Node
from message import (CONTENT_TYPE, DIGEST_OIDS, ECDSA_WITH_SHA256, INDIRECT_DATA, MESSAGE_DIGEST, RSA_ENCRYPTION,
                     SIGNED_DATA, SIGNING_TIME)

PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15"
INDIVIDUAL_KEY_PURPOSE = "1.3.6.1.4.1.311.2.1.21"
MORE_DIGEST_OIDS = DIGEST_OIDS | {
    "md4": "1.2.840.113549.2.4",
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": "2.16.840.1.101.3.4.2.4",
    "sha3-384": "2.16.840.1.101.3.4.2.9",
}
NOON = "300101120000Z"  # inside the validity of every certificate but those that are about validity


def attribute(identifier: str, *values: Node) -> Node:
    return der.sequence(der.oid(identifier), der.set_of(*values))


def indirect_data(digest: bytes, digest_oid: str, type_oid: str = PE_IMAGE_DATA) -> Node:
    """SpcIndirectDataContent with an SpcPeImageData of an empty file name."""
    value = der.sequence(der.bit_string(b""), der.context(0, der.context(2, Node(0x80, b""))))
    return der.sequence(der.sequence(der.oid(type_oid), value),
                        der.sequence(der.algorithm(digest_oid, der.null()), der.octet_string(digest)))


@dataclass
class Signature:
    """One SignedData with one SignerInfo, and a place for every oddity."""

    signer: str = "good"
    hash_name: str = "sha256"
    signed_with: str | None = None  # the digest that openssl is asked for, where it is another
    certificates: list[str] | None = None  # None: the signer's
    signing_time: str | None = NOON
    content_type: str = INDIRECT_DATA
    attributes: bool = True
    message_digest: bytes | str | None = None  # "none": left out
    more_attributes: list[Node] = field(default_factory=list)
    algorithm: Node | None = None
    with_content: bool = True

    def encode(self, workshop, content: Node) -> bytes:
        return self.tree(workshop, content).encode()

    def tree(self, workshop, content: Node) -> Node:
        value = content.body() if self.with_content else b""
        digest = der.algorithm(MORE_DIGEST_OIDS[self.hash_name], der.null())
        attributes = self.make_attributes(hashlib.new(self.hash_name.replace('-', '_'), value).digest())
        to_sign = Node(der.SET, attributes).encode() if self.attributes else value
        certificate = Certificate(workshop.certificate(self.signer))
        is_ec = self.signer == "p256"
        algorithm = self.algorithm or (der.algorithm(ECDSA_WITH_SHA256) if is_ec else der.algorithm(RSA_ENCRYPTION, der.null()))
        signer = der.sequence(
            der.integer(1), der.sequence(certificate.field(ISSUER), certificate.field(SERIAL)), digest,
            *([der.context(0, *attributes)] if self.attributes else []), algorithm,
            der.octet_string(workshop.sign(self.signer, self.signed_with or self.hash_name, to_sign)))
        names = [self.signer] if self.certificates is None else self.certificates
        bag = [der.context(0, *[der.parse(workshop.certificate(name)) for name in names])] if names else []
        inner = [der.context(0, content)] if self.with_content else []
        signed_data = der.sequence(der.integer(1), der.set_of(digest),
                                   der.sequence(der.oid(self.content_type), *inner), *bag, der.set_of(signer))
        return der.sequence(der.oid(SIGNED_DATA), der.context(0, signed_data))

    def make_attributes(self, digest: bytes) -> list[Node]:
        made = [attribute(CONTENT_TYPE, der.oid(self.content_type))]
        if self.signing_time:
            made.append(attribute(SIGNING_TIME, Node(der.UTC_TIME, self.signing_time.encode())))
        if self.message_digest != "none":
            value = digest if self.message_digest is None else self.message_digest
            made.append(attribute(MESSAGE_DIGEST, der.octet_string(value)))
        return made + self.more_attributes
