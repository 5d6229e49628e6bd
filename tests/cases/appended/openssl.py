"""The tools that make keys, certificates and signatures: the openssl command and the kernel's sign-file."""

from __future__ import annotations

import subprocess
from pathlib import Path

SIGN_FILE = "/usr/lib/linux-kbuild-6.1/scripts/sign-file"
CENTURY = ["-days", "36500"]

CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
string_mask = utf8only
[name]
O = Assay tests
CN = Assay test certificate: {name}
[extensions]
{extensions}
[ca]
default_ca = authority
[authority]
database = index.txt
default_md = sha256
default_crl_days = 36500
"""

SIGNER = """basicConstraints = critical,CA:FALSE
keyUsage = digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always"""

SERVER = """basicConstraints = critical,CA:FALSE
keyUsage = keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always"""

AUTHORITY = """basicConstraints = critical,CA:TRUE
keyUsage = keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always"""

NO_IDENTIFIERS = """basicConstraints = critical,CA:FALSE
keyUsage = digitalSignature
subjectKeyIdentifier = none
authorityKeyIdentifier = none"""


def run(*command, folder: Path | None = None, stdin: bytes = b"", check: bool = True) -> bytes:
    done = subprocess.run([str(word) for word in command], cwd=folder, input=stdin, capture_output=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr.decode()}")
    return done.stdout


class Workshop:
    """A folder with NAME.key, NAME.pem and NAME.der. What is there already is not made again."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def openssl(self, *arguments, stdin: bytes = b"") -> bytes:
        return run("openssl", *arguments, folder=self.folder, stdin=stdin)

    def make_key(self, name: str, kind: str) -> None:
        """kind: rsa:BITS, an EC curve, or ed25519."""
        if (self.folder / f"{name}.key").exists():
            return
        if kind.startswith("rsa:"):
            options = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind.removeprefix('rsa:')}"]
        elif kind == "ed25519":
            options = ["-algorithm", "ED25519"]
        else:
            options = ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}"]
        self.openssl("genpkey", *options, "-out", f"{name}.key")

    def copy_key(self, name: str, copy: str) -> None:
        (self.folder / f"{copy}.key").write_bytes((self.folder / f"{name}.key").read_bytes())

    def make_self_signed(self, name: str, kind: str, digest: str | None, extensions: str = SIGNER,
                         options=()) -> str:
        """The command, for people; Ed25519 takes no digest."""
        words = ["req", "-x509", *([f"-{digest}"] if digest else []), *options]
        if not (self.folder / f"{name}.der").exists():
            self.make_key(name, kind)
            self.configure(name, extensions)
            self.store(name, self.openssl(
                *words, "-new", *CENTURY, "-config", f"{name}.cnf", "-extensions", "extensions",
                "-key", f"{name}.key", "-outform", "DER"))
        return " ".join(["openssl", *words, "with a key of", kind])

    def make_issued(self, name: str, kind: str, issuer: str, digest: str, extensions: str = SIGNER) -> str:
        words = ["x509", "-req", f"-{digest}", "-CA", f"{issuer}.pem"]
        if not (self.folder / f"{name}.der").exists():
            self.make_key(name, kind)
            self.configure(name, extensions)
            request = self.openssl("req", "-new", "-config", f"{name}.cnf", "-key", f"{name}.key")
            self.store(name, self.openssl(
                *words, *CENTURY, "-CAkey", f"{issuer}.key", "-extfile", f"{name}.cnf",
                "-extensions", "extensions", "-outform", "DER", stdin=request))
        return " ".join(["openssl", *words, "with a key of", kind])

    def configure(self, name: str, extensions: str) -> None:
        (self.folder / f"{name}.cnf").write_text(CONFIGURATION.format(name=name, extensions=extensions))

    def store(self, name: str, certificate: bytes) -> None:
        """Keeps a certificate as NAME.der and, where openssl can read it, as NAME.pem."""
        (self.folder / f"{name}.der").write_bytes(certificate)
        pem = run("openssl", "x509", "-inform", "DER", folder=self.folder, stdin=certificate, check=False)
        (self.folder / f"{name}.pem").write_bytes(pem)

    def certificate(self, name: str) -> bytes:
        return (self.folder / f"{name}.der").read_bytes()

    def public_key(self, name: str) -> bytes:
        return self.openssl("pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER")

    def sign(self, key: str, digest: str, data: bytes) -> bytes:
        """A bare signature: PKCS#1 v1.5 of an RSA key, DER of an EC key."""
        return self.openssl("dgst", f"-{digest}", "-sign", f"{key}.key", stdin=data)

    def sign_file(self, payload: bytes, signer: str, digest: str = "sha256", *options) -> bytes:
        """What sign-file leaves behind: the whole signed file."""
        module = self.folder / "module.ko"
        module.write_bytes(payload)
        run(SIGN_FILE, *options, digest, f"{signer}.key", f"{signer}.pem", module.name, folder=self.folder)
        return module.read_bytes()

    def cms(self, payload: bytes, signer: str, digest: str = "sha256", *options) -> bytes:
        """The DER of `openssl cms -sign`, detached unless the options say -nodetach."""
        return self.openssl("cms", "-sign", "-binary", "-outform", "DER", "-md", digest,
                            "-signer", f"{signer}.pem", "-inkey", f"{signer}.key", *options, stdin=payload)

    def revocation_list(self, issuer: str) -> bytes:
        (self.folder / "index.txt").write_text("")
        self.configure("crl", "")
        pem = self.openssl("ca", "-gencrl", "-config", "crl.cnf", "-cert", f"{issuer}.pem",
                           "-keyfile", f"{issuer}.key")
        return self.openssl("crl", "-outform", "DER", stdin=pem)
