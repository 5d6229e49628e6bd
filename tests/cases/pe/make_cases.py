#!/usr/bin/env python3
"""Makes the corpus of PE cases from nothing, or checks the one that is here.

    make_cases.py             make everything anew, with new keys
    make_cases.py --keys DIR  the same with the keys and certificates in DIR, made where missing
    make_cases.py --check     check digests of the files, and with sbverify what it can

Needs Python 3.9, openssl 3.0, sbsigntool, pesign, libnss3-tools, osslsigncode. See README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parent / "appended"))

import der  # noqa: E402
from certificate import VALIDITY, Certificate  # noqa: E402
from corpus import make_corpus  # noqa: E402
from image import Image, image_digest  # noqa: E402
from openssl import AUTHORITY, Workshop, run  # noqa: E402
from states import state  # noqa: E402

RING = ("good", "p256", "expired", "ca", "revoked")


class Tools:
    """The signing tools of Debian, by name."""

    def __init__(self, workshop: Workshop):
        self.workshop = workshop
        self.folder = workshop.folder
        self.database = self.folder / "nss"

    def sbsign(self, image: bytes, signer: str) -> bytes:
        return self.signed(image, lambda source, target: run(
            "sbsign", "--key", f"{signer}.key", "--cert", f"{signer}.pem", "--output", target, source, folder=self.folder))

    def osslsigncode(self, image: bytes, signer: str, *options: str) -> bytes:
        return self.signed(image, lambda source, target: run(
            "osslsigncode", "sign", *options, "-h", "sha256", "-certs", f"{signer}.pem", "-key", f"{signer}.key",
            "-time", "1893499200", "-in", source, "-out", target, folder=self.folder))

    def pesign(self, image: bytes, signer: str) -> bytes:
        if not self.database.exists():
            self.database.mkdir()
            run("certutil", "-N", "-d", self.database, "--empty-password")
            run("openssl", "pkcs12", "-export", "-inkey", f"{signer}.key", "-in", f"{signer}.pem", "-name", signer,
                "-passout", "pass:", "-out", "nss.p12", folder=self.folder)
            run("pk12util", "-d", self.database, "-i", self.folder / "nss.p12", "-W", "")
        return self.signed(image, lambda source, target: run(
            "pesign", "-n", self.database, "-c", signer, "-s", "-i", source, "-o", target, "--force"))

    def signed(self, image: bytes, command) -> bytes:
        source, target = self.folder / "in.efi", self.folder / "out.efi"
        source.write_bytes(image)
        target.unlink(missing_ok=True)
        command(source, target)
        return target.read_bytes()


def make_certificates(workshop: Workshop) -> None:
    for name in ("good", "other", "plat", "revoked", "tbs-listed"):
        workshop.make_self_signed(name, "rsa:2048", "sha256")
    workshop.make_self_signed("tbs384", "rsa:2048", "sha384")
    workshop.make_self_signed("p256", "P-256", "sha256")
    workshop.make_self_signed("ed", "ed25519", None)
    workshop.make_self_signed("ca", "rsa:2048", "sha256", AUTHORITY)
    workshop.make_issued("leaf", "rsa:2048", "ca", "sha256")
    workshop.make_self_signed("expired", "rsa:2048", "sha256")
    expired = Certificate(workshop.certificate("expired"))
    times = [der.Node(der.UTC_TIME, text) for text in (b"200101000000Z", b"210101000000Z")]
    expired.set_field(VALIDITY, der.sequence(*times))
    expired.sign_again(workshop, "expired")
    workshop.store("expired", expired.encode())


def make_states(workshop: Workshop) -> dict[str, dict]:
    def tbs(name: str, digest: str = "sha256") -> str:
        return "tbs:" + Certificate(workshop.certificate(name)).tbs_hash(digest)

    listed = [f"bin:{image_digest(Image().bytes()).hex()}"]
    return {
        "trusted": state(RING, platform=["plat"], revocation_list=["revoked"]),
        "no-keys": state(),
        "no-platform-keyring": state(RING, INTEGRITY_PLATFORM_KEYRING="n"),
        "revoked-in-platform": state(["good"], platform=["revoked"], revocation_list=["revoked"]),
        "revoked-without-list": state(["good"], platform=["revoked"], revocation_list=["revoked"],
                                      SYSTEM_REVOCATION_LIST="n"),
        "digests-listed": state(RING, hashes=listed),
        "tbs-listed": state(RING, hashes=[tbs("tbs-listed")]),
        "tbs384-listed": state(["tbs384"], hashes=[tbs("tbs384")]),
        "tbs-with-time-listed": state(["tbs-listed"], hashes=[tbs("tbs-listed") + "00" * 16]),
        "no-ecdsa": state(RING, CRYPTO_ECDSA="n"),
        "no-md5": state(RING, CRYPTO_MD5="n"),
        "no-sha512": state(RING, CRYPTO_SHA512="n"),
    }


def write_corpus(workshop: Workshop) -> None:
    make_certificates(workshop)
    cases = make_corpus(workshop, Tools(workshop))
    for folder in ("artifacts", "keys"):
        shutil.rmtree(FOLDER / folder, ignore_errors=True)
        (FOLDER / folder).mkdir()
    for certificate in sorted(workshop.folder.glob("*.der")):
        shutil.copyfile(certificate, FOLDER / "keys" / certificate.name)
    rows = []
    for case in cases:
        (FOLDER / "artifacts" / f"{case.name}.efi").write_bytes(case.data)
        rows.append({"name": case.name, "row": case.row, "file": f"artifacts/{case.name}.efi",
                     "sha256": hashlib.sha256(case.data).hexdigest(), "description": case.description,
                     "made_by": case.made_by, "state": case.state, "expect": case.expect})
    lines = ",\n".join(" " + json.dumps(row) for row in rows)
    (FOLDER / "cases.json").write_text(f"[\n{lines}\n]\n")
    states = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in make_states(workshop).items())
    (FOLDER / "states.json").write_text("{\n" + states + "\n}\n")


def check() -> None:
    """Files are those of cases.json; sbverify, which has another reader, agrees where it should."""
    cases = json.loads((FOLDER / "cases.json").read_text())
    files = {case["file"] for case in cases}
    assert files == {f"artifacts/{path.name}" for path in (FOLDER / "artifacts").iterdir()}
    for case in cases:
        data = (FOLDER / case["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == case["sha256"], case["name"]
    print(f"{len(cases)} cases, {len(files)} files")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=Path, metavar="DIR", help="folder of private keys, outside the repository")
    parser.add_argument("--check", action="store_true", help="check only")
    arguments = parser.parse_args()
    if not arguments.check:
        os.environ["TZ"] = "UTC"
        with tempfile.TemporaryDirectory() as scratch:
            write_corpus(Workshop(arguments.keys or Path(scratch)))
    check()


if __name__ == "__main__":
    main()
