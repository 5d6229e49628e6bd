"""Every certificate of the corpus: ordinary ones made by openssl, odd ones re-encoded and signed again."""

from __future__ import annotations

from collections.abc import Callable

import der
from certificate import (AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, EXTENSION_NAMES, ISSUER, KEY_USAGE,
                         PUBLIC_KEY, SERIAL, SUBJECT_KEY_IDENTIFIER, VALIDITY, Certificate)
from collection import Artifact
from openssl import AUTHORITY, NO_IDENTIFIERS, SERVER, Workshop

Change = Callable[[Certificate], None]
SHA384_WITH_RSA = "1.2.840.113549.1.1.12"


class Certificates(dict):
    """Certificates by name, each with the one that it was made of."""

    def __init__(self, workshop: Workshop):
        super().__init__()
        self.workshop = workshop

    def read(self, name: str) -> Certificate:
        return Certificate(self.workshop.certificate(name))

    def add(self, name: str, data: bytes, made_by: str, base: str | None = None, *touches: str) -> None:
        self[name] = Artifact(data, made_by, base, touches)
        self.workshop.store(name, data)

    def bend(self, name: str, how: str, change: Change, *touches: str, digest: str = "sha256") -> None:
        """leaf with a change inside the signed part, signed again by ca."""
        certificate = self.read("leaf")
        change(certificate)
        certificate.sign_again(self.workshop, "ca", digest)
        self.add(name, certificate.encode(), f"leaf re-encoded and signed again by ca: {how}", "leaf",
                 *touches, "signatureValue")

    def damage(self, name: str, base: str, how: str, change: Change, *touches: str) -> None:
        """A change outside the signed part, not signed again."""
        certificate = self.read(base)
        change(certificate)
        self.add(name, certificate.encode(), f"{base} re-encoded: {how}", base, *touches)


def make_certificates(workshop: Workshop) -> Certificates:
    certificates = Certificates(workshop)
    for family in (ordinary, self_signed_again, extension_values, extension_sets, validities, algorithms,
                   damaged_signatures, key_kinds, names_and_numbers, authority_identifiers):
        family(certificates)
    return certificates


# Made by openssl


def ordinary(certificates: Certificates) -> None:
    workshop = certificates.workshop
    pss = ["-sigopt", "rsa_padding_mode:pss"]
    made_by = {
        "good": workshop.make_self_signed("good", "rsa:2048", "sha256"),
        "other": workshop.make_self_signed("other", "rsa:2048", "sha256"),
        "ku": workshop.make_self_signed("ku", "rsa:2048", "sha256", SERVER),
        "sha1c": workshop.make_self_signed("sha1c", "rsa:2048", "sha1"),
        "md5c": workshop.make_self_signed("md5c", "rsa:2048", "md5"),
        "psssig": workshop.make_self_signed("psssig", "rsa:2048", "sha256", options=pss),
        "noskid": workshop.make_self_signed("noskid", "rsa:2048", "sha256", NO_IDENTIFIERS),
        "p256": workshop.make_self_signed("p256", "P-256", "sha256"),
        "p384": workshop.make_self_signed("p384", "P-384", "sha384"),
        "p521": workshop.make_self_signed("p521", "P-521", "sha512"),
        "secp256k1": workshop.make_self_signed("secp256k1", "secp256k1", "sha256"),
        "ed": workshop.make_self_signed("ed", "ed25519", None),
        "rsa8192": workshop.make_self_signed("rsa8192", "rsa:8192", "sha256"),
        "ca": workshop.make_self_signed("ca", "rsa:2048", "sha256", AUTHORITY),
        "leaf": workshop.make_issued("leaf", "rsa:2048", "ca", "sha256"),
        "leaf-of-p521": workshop.make_issued("leaf-of-p521", "rsa:2048", "p521", "sha512"),
    }
    for name, command in made_by.items():
        certificates.add(name, workshop.certificate(name), command)


def self_signed_again(certificates: Certificates) -> None:
    """Self-signed ones that openssl req cannot make."""
    workshop, good, other = certificates.workshop, certificates.read("good"), certificates.read("other")
    contradiction = akid(good.subject_key(), other)
    good.extension(AUTHORITY_KEY_IDENTIFIER).content = contradiction
    certificates.add("self-signed-akid-contradicting", good.sign_again(workshop, "good").encode(),
                     "good re-encoded and signed again: authorityKeyIdentifier names other by serial number",
                     "good", "authorityKeyIdentifier", "signatureValue")
    command = workshop.make_self_signed("expired", "rsa:2048", "sha256")
    expired = certificates.read("expired")
    set_validity("200101000000Z", "210101000000Z")(expired)
    certificates.add("expired", expired.sign_again(workshop, "expired").encode(),
                     f"{command}; validity until 210101000000Z put in and signed again")


# leaf with something else inside

EXTENSION_VALUES = {
    "bc-ca-true": (BASIC_CONSTRAINTS, "30 03 01 01 ff"),
    "bc-ca-true-pathlen-0": (BASIC_CONSTRAINTS, "30 06 01 01 ff 02 01 00"),
    "bc-false": (BASIC_CONSTRAINTS, "30 03 01 01 00"),
    "bc-pathlen-0": (BASIC_CONSTRAINTS, "30 03 02 01 00"),
    "bc-false-pathlen-0": (BASIC_CONSTRAINTS, "30 06 01 01 00 02 01 00"),
    "bc-true-as-01": (BASIC_CONSTRAINTS, "30 03 01 01 01"),
    "bc-boolean-two-bytes": (BASIC_CONSTRAINTS, "30 04 01 02 ff ff"),
    "bc-trailing-byte": (BASIC_CONSTRAINTS, "30 03 01 01 ff 00"),
    "bc-long-form-length": (BASIC_CONSTRAINTS, "30 81 03 01 01 ff"),
    "bc-length-too-large": (BASIC_CONSTRAINTS, "30 04 01 01 ff"),
    "bc-cut": (BASIC_CONSTRAINTS, "30 03 01 01"),
    "bc-octet-string": (BASIC_CONSTRAINTS, "04 03 01 01 ff"),
    "bc-empty-value": (BASIC_CONSTRAINTS, ""),
    "bc-one-byte": (BASIC_CONSTRAINTS, "30"),
    "ku-empty-bits": (KEY_USAGE, "03 01 00"),
    "ku-no-content": (KEY_USAGE, "03 00"),
    "ku-octet-string": (KEY_USAGE, "04 02 07 80"),
    "ku-empty-value": (KEY_USAGE, ""),
    "ku-one-byte": (KEY_USAGE, "03"),
    "ku-cut": (KEY_USAGE, "03 02 07"),
    "ku-unused-bits-8": (KEY_USAGE, "03 02 08 80"),
    "ku-unused-bits-0": (KEY_USAGE, "03 02 00 80"),
    "ku-three-bytes": (KEY_USAGE, "03 04 00 80 00 00"),
    "ku-trailing-byte": (KEY_USAGE, "03 02 07 80 00"),
    "ku-zero-bits": (KEY_USAGE, "03 02 07 00"),
    "ku-key-encipherment": (KEY_USAGE, "03 02 05 20"),
    "ku-digital-signature-and-cert-sign": (KEY_USAGE, "03 02 02 84"),
    "ku-cert-sign-hidden-by-unused-bits": (KEY_USAGE, "03 02 03 84"),
    "ku-digital-signature-and-crl-sign": (KEY_USAGE, "03 02 01 82"),
    "ku-crl-sign": (KEY_USAGE, "03 02 01 02"),
    "ku-decipher-only": (KEY_USAGE, "03 03 07 00 80"),
    "skid-empty": (SUBJECT_KEY_IDENTIFIER, "04 00"),
    "skid-length-too-large": (SUBJECT_KEY_IDENTIFIER, "04 05 01 02 03 04"),
}


def set_extension(identifier: str, value: bytes) -> Change:
    def change(certificate: Certificate) -> None:
        certificate.extension(identifier).content = value
    return change


def extension_values(certificates: Certificates) -> None:
    for name, (identifier, value) in EXTENSION_VALUES.items():
        field = EXTENSION_NAMES[identifier]
        certificates.bend(name, f"{field} {value or 'of no bytes'}",
                          set_extension(identifier, bytes.fromhex(value)), field)


def extension_sets(certificates: Certificates) -> None:
    """Extensions taken away, repeated, unknown, or none at all."""
    def add(identifier: str, value: str, *critical: der.Node) -> Change:
        def change(certificate: Certificate) -> None:
            extension = der.sequence(der.oid(identifier), *critical, der.octet_string(bytes.fromhex(value)))
            certificate.extensions.content.append(extension)
        return change

    def drop_key_usage(certificate: Certificate) -> None:
        usage = der.oid(KEY_USAGE)
        extensions = certificate.extensions.content
        extensions[:] = [extension for extension in extensions if extension[0] != usage]

    def make_version_1(certificate: Certificate) -> None:
        del certificate.tbs.content[-1], certificate.tbs.content[0]

    critical = der.Node(der.BOOLEAN, b"\xff")
    certificates.bend("ku-absent", "keyUsage taken out", drop_key_usage, "keyUsage")
    certificates.bend("ku-repeated", "a second keyUsage: keyCertSign", add(KEY_USAGE, "03 02 02 04"),
                      "keyUsage again")
    certificates.bend("bc-repeated", "a second basicConstraints: CA:TRUE",
                      add(BASIC_CONSTRAINTS, "30 03 01 01 ff"), "basicConstraints again")
    certificates.bend("skid-repeated", "a second subjectKeyIdentifier",
                      add(SUBJECT_KEY_IDENTIFIER, "04 04 01 02 03 04"), "subjectKeyIdentifier again")
    certificates.bend("unknown-critical-extension", "an unknown critical extension",
                      add("1.3.6.1.4.1.99999.1", "05 00", critical), "unknown")
    certificates.bend("version-1", "no version, no extensions", make_version_1, "version",
                      *EXTENSION_NAMES.values())


VALIDITIES = {
    "leaf-expired": ("200101000000Z", "210101000000Z"),
    "leaf-not-yet-valid": ("400101000000Z", "490101000000Z"),
    "leaf-month-13": ("241301000000Z", "490101000000Z"),
    "leaf-29-february-2041": ("240101000000Z", "410229000000Z"),
    "leaf-hour-24": ("240101240000Z", "490101000000Z"),
    "leaf-generalized-time-2040": ("240101000000Z", "20400101000000Z"),
    "leaf-time-without-seconds": ("2401010000Z", "490101000000Z"),
}


def set_validity(*period: str) -> Change:
    """UTCTime, or GeneralizedTime where a time has its 15 characters."""
    tags = [der.GENERALIZED_TIME if len(time) == 15 else der.UTC_TIME for time in period]
    times = [der.Node(tag, time.encode()) for tag, time in zip(tags, period)]
    return lambda certificate: certificate.set_field(VALIDITY, der.sequence(*times))


def validities(certificates: Certificates) -> None:
    for name, (start, end) in VALIDITIES.items():
        certificates.bend(name, f"valid from {start} to {end}", set_validity(start, end), "validity")


def algorithms(certificates: Certificates) -> None:
    for digest in ("md5", "sha1", "sha384", "sha512", "sha3-256"):
        certificates.bend(f"leaf-{digest}", f"{digest} with RSA", lambda _: None, "tbs.signature",
                          "signatureAlgorithm", digest=digest)


EXTRA_KEYS = {"p192": "P-192", "p224": "P-224", "brainpool": "brainpoolP256r1"}


def key_kinds(certificates: Certificates) -> None:
    """leaf with a public key of another kind; its key identifier stays as it is."""
    workshop = certificates.workshop
    for name, kind in EXTRA_KEYS.items():
        workshop.make_key(name, kind)
    for name in (*EXTRA_KEYS, "p521", "secp256k1", "ed", "rsa8192"):
        public_key = der.parse(workshop.public_key(name))

        def change(certificate: Certificate, public_key: der.Node = public_key) -> None:
            certificate.set_field(PUBLIC_KEY, public_key)

        workshop.copy_key(name, f"leaf-{name}-key")
        certificates.bend(f"leaf-{name}-key", f"public key of {EXTRA_KEYS.get(name, name)}", change,
                          "subjectPublicKeyInfo")


def names_and_numbers(certificates: Certificates) -> None:
    def serial(content: str) -> Change:
        number = der.Node(der.INTEGER, bytes.fromhex(content))
        return lambda certificate: certificate.set_field(SERIAL, number)

    issuer = certificates.read("other").field(ISSUER)
    certificates.bend("leaf-negative-serial", "serial number -128", serial("80"), "serialNumber")
    certificates.bend("leaf-zero-serial", "serial number 0", serial("00"), "serialNumber")
    certificates.bend("leaf-wrong-issuer-name", "issuer name of other, key identifier of ca",
                      lambda certificate: certificate.set_field(ISSUER, issuer), "issuer")


def akid(key: bytes = b"", named: Certificate | None = None) -> bytes:
    """An AuthorityKeyIdentifier by key identifier, by issuer and serial number, or by both."""
    parts = [der.Node(0x80, key)] if key else []
    if named:
        serial = der.Node(0x82, named.field(SERIAL).content)
        parts += [der.context(1, der.context(4, named.field(ISSUER))), serial]
    return der.sequence(*parts).encode()


def authority_identifiers(certificates: Certificates) -> None:
    """leaf naming its issuer in other ways."""
    ca, other = certificates.read("ca"), certificates.read("other")
    values = {
        "serial": ("issuer and serial number only", akid(named=ca)),
        "both": ("key identifier, issuer and serial number", akid(ca.subject_key(), ca)),
        "contradicting": ("key identifier of other, issuer and serial of ca", akid(other.subject_key(), ca)),
    }
    for name, (how, value) in values.items():
        certificates.bend(f"leaf-akid-{name}", f"authorityKeyIdentifier with {how}",
                          set_extension(AUTHORITY_KEY_IDENTIFIER, value), "authorityKeyIdentifier")


# Damages that the signature does not cover, or does not survive


def damaged_signatures(certificates: Certificates) -> None:
    def flip(certificate: Certificate) -> None:
        certificate.root[2].content = der.flip_last_bit(certificate.root[2].content)

    def differ(certificate: Certificate) -> None:
        certificate.root.content[1] = der.algorithm(SHA384_WITH_RSA, der.null())

    def unused_bit(certificate: Certificate) -> None:
        certificate.root[2].content = b"\1" + certificate.root[2].content[1:]

    for name, base, signer in (("leaf-signature-flipped", "leaf", "ca"),
                               ("self-signature-flipped", "good", "good")):
        certificates.damage(name, base, "last bit of the signature flipped", flip, "signatureValue")
        block = certificates.read(signer).recovers(certificates.read(name).root[2].content[1:])
        assert block[0] != 0, "make the keys again: this damage would give another error"
    certificates.damage("leaf-algorithms-differ", "leaf", "outer signatureAlgorithm sha384WithRSAEncryption",
                        differ, "signatureAlgorithm")
    certificates.damage("leaf-signature-unused-bits", "leaf", "signature BIT STRING with 1 unused bit",
                        unused_bit, "signatureValue")
    certificates.add("leaf-trailing-byte", certificates["leaf"].data + b"\0", "a zero byte put behind leaf",
                     "leaf", "after the certificate")
