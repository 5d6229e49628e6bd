"""A PKCS#7 SignedData message as a tree, with names for its parts."""

from __future__ import annotations

import der
from der import Node

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
TST_INFO = "1.2.840.113549.1.9.16.1.4"

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
UNSTRUCTURED_NAME = "1.2.840.113549.1.9.2"
SIGNING_TIME = "1.2.840.113549.1.9.5"

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
RSASSA_PSS = "1.2.840.113549.1.1.10"
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
ED25519 = "1.3.101.112"
ML_DSA = {44: "2.16.840.1.101.3.4.3.17", 65: "2.16.840.1.101.3.4.3.18", 87: "2.16.840.1.101.3.4.3.19"}
ML_DSA_SIGNATURE_SIZE = {44: 2420, 65: 3309, 87: 4627}

DIGEST_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha512-224": "2.16.840.1.101.3.4.2.5",
    "sha3-256": "2.16.840.1.101.3.4.2.8",
    "sha3-512": "2.16.840.1.101.3.4.2.10",
    "sm3": "1.2.156.10197.1.401",
}


class Message:
    """ContentInfo { signedData, [0] SignedData }, taken apart far enough to replace any field."""

    def __init__(self, encoded: bytes):
        self.root = der.parse(encoded)
        assert self.root.encode() == encoded

    def encode(self) -> bytes:
        return self.root.encode()

    @property
    def signed_data(self) -> Node:
        return self.root[1][0]

    @property
    def digest_algorithms(self) -> Node:
        return self.signed_data[1]

    @property
    def content_info(self) -> Node:
        return self.signed_data[2]

    @property
    def certificates(self) -> Node:
        """The [0] of certificates; an empty one is put in where there is none."""
        if self.signed_data[3].tag != 0xA0:
            self.signed_data.content.insert(3, der.context(0))
        return self.signed_data[3]

    @property
    def signer_infos(self) -> Node:
        return self.signed_data[-1]

    def signer(self, index: int = 0) -> SignerInfo:
        return SignerInfo(self.signer_infos[index])


class SignerInfo:
    """Names for the fields of one SignerInfo; the optional signed attributes shift those behind them."""

    def __init__(self, node: Node):
        self.node = node

    @property
    def has_attributes(self) -> bool:
        return self.node[3].tag in (0xA0, 0xA2)

    @property
    def attributes(self) -> Node:
        assert self.has_attributes
        return self.node[3]

    def attribute(self, identifier: str) -> Node:
        wanted = der.oid(identifier)
        return next(attribute for attribute in self.attributes.content if attribute[0] == wanted)

    def remove_attribute(self, identifier: str) -> None:
        self.attributes.content.remove(self.attribute(identifier))

    def set_digest_algorithm(self, node: Node) -> None:
        self.node.content[2] = node

    def set_signature_algorithm(self, node: Node) -> None:
        self.node.content[3 + self.has_attributes] = node

    @property
    def signature(self) -> bytes:
        return self.node[4 + self.has_attributes].content

    @signature.setter
    def signature(self, value: bytes) -> None:
        self.node.content[4 + self.has_attributes] = der.octet_string(value)

    def sign_attributes(self, workshop, key: str, digest: str = "sha256") -> None:
        """The signature over the attributes as they stand, tagged as a SET."""
        self.signature = workshop.sign(key, digest, Node(der.SET, self.attributes.content).encode())
