"""Checks of the corpus as it lies in its folder; none of them needs a private key.

Every digest is right; every damaged file differs from its base in the stated places and nowhere else; and
OpenSSL and kmod, which know nothing of the kernel's rules, read and verify what was signed and refuse what
was damaged.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path

import der
from appended import PAYLOAD, SignedFile, split
from compare import touched_in_certificate, touched_in_file
from der import Node
from message import Message
from openssl import run

SIGNERS = ("good", "other", "ku", "expired", "sha1c", "md5c", "psssig", "noskid", "leaf", "leaf-of-p521",
           "p256", "p384", "p521", "secp256k1")

# Signed by a tool or accepted by some kernel, yet refused by OpenSSL 3.0.
OPENSSL_REFUSES = {
    "certificates-under-2": "knows certificates under [0] only",
    "signer-infos-as-sequence": "wants a SET",
    "digest-algorithms-as-sequence": "wants a SET",
    "content-info-tag-10": "wants the constructed bit",
    "signer-info-tag-10": "wants the constructed bit",
    "crl-list-of-certificates": "wants a revocation list",
    "listed-digest-sha3-512": "computes the listed digests only",
    "listed-digest-unknown": "computes the listed digests only",
    "trusted-and-unknown-bad-signer": "wants every signature to be good",
    "ml-dsa-44-then-rsa-with-attributes": "does not know ML-DSA",
    "p256-signature-trailing-byte": "wants the signature to be DER",
    "p256-with-certificate-signature-trailing-byte": "wants the signature to be DER",
    "attributes-under-2-content-signed": "knows signed attributes under [0] only",
}

# asn1parse and der.py do not agree where to look inside.
TAGS_READ_DIFFERENTLY = {"content-info-tag-10", "signer-info-tag-10", "version-tag-22",
                         "signature-constructed"}


def check(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text())
    states = json.loads((folder / "states.json").read_text())
    check_tables(folder, cases, states)
    check_touches(folder, cases)
    accepted, made_by_tool = set(), set()
    for case in cases:
        if "file" in case:
            name = Path(case["file"]).stem
            accepted |= {name} if any(said["verify"] == "ok" for said in case["expect"].values()) else set()
            made_by_tool |= {name} if case["made_by"].startswith(("sign-file", "openssl")) else set()
    count = check_with_openssl(folder, cases, accepted, made_by_tool)
    check_with_asn1parse(folder)
    check_with_modinfo(folder)
    print(f"{len(cases)} cases, {len(states)} states, {len(list(folder.glob('artifacts/*')))} signed files, "
          f"{len(list(folder.glob('keys/*')))} certificates; OpenSSL verifies {count} of the files")


def path_of(case: dict) -> str:
    return case["certificate"] if case["kind"] == "add-key" else case["file"]


def check_tables(folder: Path, cases: list[dict], states: dict[str, dict]) -> None:
    """Digests, names and references; every file and every state is used."""
    assert len({case["name"] for case in cases}) == len(cases)
    for case in cases:
        digest = hashlib.sha256((folder / path_of(case)).read_bytes()).hexdigest()
        assert digest == case["sha256"], case["name"]
    for name, state in states.items():
        named = [*state["rings"].values(), state["revoked_certificates"], state["key_states"]]
        assert all((folder / path).exists() for paths in named for path in paths), name
    assert {case["state"] for case in cases} == set(states)
    used = {path_of(case) for case in cases}
    unused = {f"artifacts/{path.name}" for path in folder.glob("artifacts/*")} - used
    assert not unused, unused


def check_touches(folder: Path, cases: list[dict]) -> None:
    for case in cases:
        if "base" in case:
            touched = touched_in_certificate if case["kind"] == "add-key" else touched_in_file
            found = touched((folder / case["base"]).read_bytes(), (folder / path_of(case)).read_bytes())
            assert sorted(found) == sorted(case["touches"]), f"{path_of(case)}: {found}"


def messages(folder: Path) -> dict[str, SignedFile]:
    """The files that can be taken apart into payload and a message that begins like one."""
    parts = {}
    for path in sorted(folder.glob("artifacts/*.bin")):
        try:
            parts[path.stem] = split(path.read_bytes())
        except ValueError:
            continue
    return {name: part for name, part in parts.items() if part.message[:1] in (b"\x30", b"\x10")}


def check_with_openssl(folder: Path, cases: list[dict], accepted: set[str], made_by_tool: set[str]) -> int:
    """OpenSSL verifies what a tool signed or a kernel accepts, and refuses a changed payload or signature."""
    touches = {Path(path_of(case)).stem: set(case.get("touches", ())) for case in cases if "file" in case}
    verified = 0
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        write_certificates(folder, work / "signers.pem", SIGNERS)
        write_certificates(folder, work / "rsa8192.pem", ["leaf-rsa8192-key"])
        for name, parts in messages(folder).items():
            is_good = openssl_verifies(work, parts, "rsa8192.pem" if "rsa8192" in name else "signers.pem")
            verified += is_good
            if name in OPENSSL_REFUSES or is_damaged(name, touches[name]):
                assert not is_good, f"{name}: OpenSSL verifies it"
            elif name in accepted | made_by_tool:
                assert is_good, f"{name}: OpenSSL refuses it"
    return verified


def write_certificates(folder: Path, path: Path, names) -> None:
    """A PEM file; leaf and its variants have the same issuer and serial number, so only one may be in it."""
    path.write_bytes(b"".join(
        run("openssl", "x509", "-inform", "DER", "-in", folder / f"keys/{name}.der") for name in names))


def is_damaged(name: str, touches: set[str]) -> bool:
    """A payload or signature was changed, and nothing signed again."""
    changed = {place for place in touches if place == "payload" or place.endswith(".signature")}
    return bool(changed) and "signerInfos.0.signedAttrs" not in touches and name not in TAGS_READ_DIFFERENTLY


def openssl_verifies(work: Path, parts: SignedFile, certificates: str) -> bool:
    """Whether OpenSSL finds all signatures right, whoever made them."""
    (work / "payload").write_bytes(parts.payload)
    content = [] if is_attached(parts.message) else ["-content", "payload"]
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-noverify", *content,
               "-certfile", certificates, "-out", "content"]
    try:
        run(*command, folder=work, stdin=parts.message)
    except RuntimeError:
        return False
    return True


def is_attached(message: bytes) -> bool:
    try:
        root, _ = der.parse_prefix(message)
        return len(Message(root.encode()).content_info) > 1
    except (IndexError, ValueError):
        return False


def check_with_asn1parse(folder: Path) -> None:
    """openssl asn1parse finds the same elements at the same places as der.py."""
    encoded = {path.stem: path.read_bytes() for path in folder.glob("keys/*.der")}
    encoded |= {name: parts.message for name, parts in messages(folder).items()
                if name not in TAGS_READ_DIFFERENTLY}
    for name, data in encoded.items():
        try:
            root, end = der.parse_prefix(data)
        except (IndexError, ValueError):
            continue
        output = run("openssl", "asn1parse", "-inform", "DER", stdin=data[:end]).decode()
        found = [tuple(map(int, match)) for match in re.findall(r"^ *(\d+):d=(\d+) +hl=(\d+)", output, re.M)]
        assert found == list(outline(root)), name


def outline(node: Node, offset: int = 0, depth: int = 0):
    """Offset, depth and header size of each element, end-of-contents included, as asn1parse prints them."""
    header = len(node.encode()) - len(node.body()) - 2 * (node.length_form == der.INDEFINITE)
    yield offset, depth, header
    if node.is_tree:
        inside = offset + header
        for child in node.content:
            yield from outline(child, inside, depth + 1)
            inside += len(child.encode())
        if node.length_form == der.INDEFINITE:
            yield inside, depth + 1, 2


def check_with_modinfo(folder: Path) -> None:
    """kmod reads the payload as a module, and the signature where it knows how."""
    expected = {
        "signed": ("PKCS#7", "Assay test certificate: good", "sha256"),
        "signed-by-other": ("PKCS#7", "Assay test certificate: other", "sha256"),
        "digest-sha512": ("PKCS#7", "Assay test certificate: good", "sha512"),
        "trusted-then-unknown": ("PKCS#7", "Assay test certificate: other", "sha256"),
        "marker-cut": ("", "", ""),
        "unsigned": ("", "", ""),
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name, values in expected.items():
            module = Path(scratch) / f"{name}.ko"
            module.write_bytes((folder / f"artifacts/{name}.bin").read_bytes())
            found = [run("/sbin/modinfo", "-F", field, module).decode().strip()
                     for field in ("vermagic", "sig_id", "signer", "sig_hashalgo")]
            assert found == ["6.1.0-test SMP mod_unload", *values], f"{name}: {found}"
    assert (folder / "artifacts/unsigned.bin").read_bytes() == PAYLOAD
