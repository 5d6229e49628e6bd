"""Modules and kernel images as Debian ships them, and changed in the ways that decide about signatures."""

import random
import re
import subprocess

from guest import run

MARKER = b"~Module signature appended~\n"


def split(module):
    """Payload and signature of a signed module."""
    assert module.endswith(MARKER)
    size = int.from_bytes(module[-32:-28], "big")
    return module[: -40 - size], module[-40 - size : -40]


def packed(payload, signature, id_type=2, length=None, algo=0):
    """The layout of include/linux/module_signature.h."""
    size = len(signature) if length is None else length
    return payload + signature + bytes([algo, 0, id_type, 0, 0, 0, 0, 0]) + size.to_bytes(4, "big") + MARKER


def make_owner(folder):
    """A key that no kernel knows."""
    key, certificate = folder / "owner.key", folder / "owner.pem"
    if not key.exists():
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=DKMS module signing key", "-days", "3650",
            "-keyout", key, "-out", certificate, stderr=subprocess.DEVNULL)
    return key, certificate


def signature_of(folder, payload, key, certificate):
    (folder / "payload").write_bytes(payload)
    run("openssl", "cms", "-sign", "-binary", "-in", folder / "payload", "-signer", certificate, "-inkey", key, "-outform", "DER",
        "-nocerts", "-noattr", "-nosmimecap", "-md", "sha256", "-out", folder / "signature")
    return (folder / "signature").read_bytes()


def flipped(content, at):
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def module_variants(folder, module, key, certificate):
    """(suffix, bytes) of one signed module; what decides most comes first."""
    raw = module.read_bytes()
    payload, signature = split(raw)
    middle = len(payload) // 2
    foreign = signature_of(folder, payload, key, certificate)
    return [
        ("", raw),
        ("~unsigned", payload),
        ("~flipped", flipped(raw, middle)),
        ("~foreign", packed(payload, foreign)),
        ("~trailing", raw + b"\0"),
        ("~foreign-flipped", packed(flipped(payload, middle), foreign)),
        ("~signature-flipped", packed(payload, flipped(signature, len(signature) - 1))),
        ("~id-type", packed(payload, signature, id_type=1)),
        ("~algo", packed(payload, signature, algo=1)),
        ("~long", packed(payload, signature, length=len(raw))),
        ("~empty-signature", packed(payload, b"")),
        ("~garbage", packed(payload, b"garbage")),
        ("~signature-cut", packed(payload, signature[:-1])),
        ("~cut", raw[: len(raw) // 2]),
        ("~text", b"no module\n"),
        ("~nothing", b""),
    ]


def image_variants(image):
    raw = image.read_bytes()
    optional_header = int.from_bytes(raw[60:64], "little") + 24
    directory = optional_header + 112 + 4 * 8  # IMAGE_DIRECTORY_ENTRY_SECURITY of PE32+
    unsigned = bytearray(raw)
    unsigned[directory : directory + 8] = bytes(8)
    return [
        ("vmlinuz", raw),
        ("vmlinuz~flipped", flipped(raw, len(raw) // 2)),
        ("vmlinuz~unsigned", bytes(unsigned)),
        ("vmlinuz~checksum", flipped(raw, optional_header + 64)),  # not part of the digest
        ("vmlinuz~cut", raw[: len(raw) // 2]),
        ("vmlinuz~text", b"x" * 2000),
        ("vmlinuz~nothing", b""),
    ]


class Samples:
    """A random choice of a host's modules, a quarter of them changed where they are installed."""

    def __init__(self, folder, root, release, count, seed):
        self.root, self.rows = root, []
        self.pristine = folder / "pristine"
        self.pristine.mkdir()
        modules = sorted((root / "lib/modules" / release).rglob("*.ko"))
        self.by_name = {path.stem.replace("-", "_"): path for path in modules}
        random.seed(seed)
        self.chosen = random.sample(modules, count)
        self.loads = []  # ("dependency" or "sample", path on the host)
        self._order()
        self._keep_dependencies()
        key, certificate = make_owner(folder)
        changes = [lambda payload, raw: payload,
                   lambda payload, raw: flipped(raw, random.randrange(len(payload))),
                   lambda payload, raw: packed(payload, signature_of(folder, payload, key, certificate))]
        for number, path in enumerate(self.chosen):
            if number % 8 < len(changes):
                raw = path.read_bytes()
                path.write_bytes(changes[number % 8](split(raw)[0], raw))

    def _depends(self, path):
        found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        names = found.group(1).decode().replace("-", "_").split(",") if found else []
        return [self.by_name[name] for name in names if name in self.by_name]

    def _order(self):
        loaded = set()

        def load_dependencies(path):
            for needed in self._depends(path):
                if needed not in loaded:
                    loaded.add(needed)
                    load_dependencies(needed)
                    self.loads.append(("dependency", needed))

        for path in self.chosen:
            load_dependencies(path)
            self.loads.append(("sample", path))

    def _keep_dependencies(self):
        for kind, path in self.loads:
            if kind == "dependency":
                (self.pristine / path.name).write_bytes(path.read_bytes())

    def inside(self, path):
        return "/" + str(path.relative_to(self.root))

    def files(self):
        """What the guest needs: {path there: file here}."""
        return {("/dep/" + path.name if kind == "dependency" else self.inside(path)):
                (self.pristine / path.name if kind == "dependency" else path) for kind, path in self.loads}

    def ask(self, boot):
        for kind, path in self.loads:
            if kind == "dependency":
                boot.ask_apart("insmod", "/dep/" + path.name)
            else:
                self.rows.append(boot.ask_apart("finit", self.inside(path)))
