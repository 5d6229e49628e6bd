"""An X.509 certificate as a tree: read a part, change a part, sign the change."""

from __future__ import annotations

import hashlib

import der
from der import Node

RSA_SIGNATURE_OIDS = {
    "md5": "1.2.840.113549.1.1.4",
    "sha1": "1.2.840.113549.1.1.5",
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
    "sha3-256": "2.16.840.1.101.3.4.3.14",
}
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
BASIC_CONSTRAINTS = "2.5.29.19"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENSION_NAMES = {
    SUBJECT_KEY_IDENTIFIER: "subjectKeyIdentifier",
    KEY_USAGE: "keyUsage",
    BASIC_CONSTRAINTS: "basicConstraints",
    AUTHORITY_KEY_IDENTIFIER: "authorityKeyIdentifier",
}

SERIAL, SIGNATURE, ISSUER, VALIDITY, SUBJECT, PUBLIC_KEY = range(6)


class Certificate:
    def __init__(self, encoded: bytes):
        self.root = der.parse(encoded)
        assert self.root.encode() == encoded

    def encode(self) -> bytes:
        return self.root.encode()

    @property
    def tbs(self) -> Node:
        return self.root[0]

    def field(self, position: int) -> Node:
        return self.tbs[self.shift + position]

    def set_field(self, position: int, node: Node) -> None:
        self.tbs.content[self.shift + position] = node

    @property
    def shift(self) -> int:
        """The optional version stands before the other fields."""
        return int(self.tbs[0].tag == 0xA0)

    @property
    def extensions(self) -> Node:
        return self.tbs[-1][0]

    def extension(self, identifier: str) -> Node:
        """The OCTET STRING that holds the value of an extension."""
        wanted = der.oid(identifier)
        return next(extension[-1] for extension in self.extensions.content if extension[0] == wanted)

    def subject_key(self) -> bytes:
        return self.extension(SUBJECT_KEY_IDENTIFIER).content[2:]

    def tbs_hash(self, digest: str) -> str:
        return hashlib.new(digest, self.tbs.encode()).hexdigest()

    def rsa_numbers(self) -> tuple[int, int]:
        """Modulus and public exponent."""
        key = der.parse(self.field(PUBLIC_KEY)[1].content[1:])
        return int.from_bytes(key[0].content, "big"), int.from_bytes(key[1].content, "big")

    def recovers(self, signature: bytes) -> bytes:
        """The block that the RSA public operation makes of a signature."""
        modulus, exponent = self.rsa_numbers()
        return pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(len(signature), "big")

    def sign_again(self, workshop, key: str, digest: str = "sha256") -> Certificate:
        """After a change of the tbs part: a signature by an RSA key, its algorithm named in both places."""
        algorithm = der.algorithm(RSA_SIGNATURE_OIDS[digest], der.null())
        self.set_field(SIGNATURE, algorithm)
        self.root.content[1:] = [algorithm, der.bit_string(workshop.sign(key, digest, self.tbs.encode()))]
        return self
