#!/usr/bin/env python3
"""Boots Debian's kernels under QEMU, which enforce signatures of modules, and has them load modules that `assay sign` signed:
by a key of the firmware's database, and by one that nobody knows. A kernel that decompresses modules itself (6.12) is given
the compressed ones that come out.

    sign_rig.py --assay BINARY --kernels FOLDER [--keep FOLDER]

No acceleration is needed. Exit status 1: a kernel answers otherwise than it should.
"""

import argparse
import concurrent.futures
import contextlib
import pathlib
import subprocess
import sys
import tempfile

from firmware import make_firmware
from guest import Boot, errno_name, make_initramfs, run

COMPRESSED_FILE = 4  # MODULE_INIT_COMPRESSED_FILE
LOADS = ("0", None)
# module_sig_check: where signatures are enforced, what it says tells these three apart.
UNSIGNED = ("EKEYREJECTED", "Loading of unsigned module is rejected")
UNKNOWN_KEY = ("EKEYREJECTED", "Loading of module with unavailable key is rejected")
UNKNOWN_DIGEST = ("EKEYREJECTED", "Loading of module with unsupported crypto is rejected")
BAD = ("EKEYREJECTED", None)
# lib/xz, XZ_OPTIONS_ERROR.
UNREADABLE = ("EINVAL", None)
MODULE = "lib/crc7.ko"


def make_key(folder, name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "3650", "-keyout",
        folder / f"{name}.key", "-out", folder / f"{name}.pem", stderr=subprocess.DEVNULL)


class Modules:
    """One module of a kernel, in forms that the kernel should load or refuse."""

    def __init__(self, assay, folder, module):
        self.assay, self.folder, self.module = assay, folder, module
        self.suffix = "".join(module.suffixes)
        self.expected = {}  # name: error, and what is logged
        folder.mkdir()

    def path(self, name):
        return self.folder / f"{self.module.name.removesuffix(self.suffix)}~{name}{self.suffix}"

    def expect(self, name, answer):
        self.expected[self.path(name).name] = answer

    def edit(self, command, name, source, *options):
        run(self.assay, command, "-q", "-o", self.path(name), *options, source)
        return self.path(name)

    def sign(self, name, key, source, *options):
        return self.edit("sign", name, source, "--key", self.folder.parent / f"{key}.key", "--cert",
                         self.folder.parent / f"{key}.pem", *options)

    def make(self):
        records = self.folder.parent / f"{self.folder.name}.records"
        bare = self.edit("excise", "unsigned", self.module, "--records", records)
        self.expect("unsigned", UNSIGNED)
        self.edit("attach", "attached", bare, "--records", records)
        self.expect("attached", LOADS)
        self.sign("owner", "owner", bare)
        self.expect("owner", LOADS)
        self.sign("owner-k", "owner", bare, "-k", "--with-certificate")
        self.expect("owner-k", LOADS)
        # Debian's 6.1 has SHA-512 in a module, which is not there.
        self.sign("owner-sha512", "owner", bare, "--hash", "sha512")
        self.expect("owner-sha512", UNKNOWN_DIGEST if self.suffix == ".ko" else LOADS)
        self.sign("replaced", "owner", self.module, "--replace")
        self.expect("replaced", LOADS)
        self.sign("added", "owner", self.module, "--add")
        self.expect("added", LOADS)
        self.sign("stranger", "stranger", bare)
        self.expect("stranger", UNKNOWN_KEY)
        # Debian's signature is not the one that counts any more.
        self.sign("stranger-added", "stranger", self.module, "--add")
        self.expect("stranger-added", UNKNOWN_KEY)
        if self.suffix == ".ko":
            changed = bytearray(self.path("owner").read_bytes())
            changed[len(changed) // 3] ^= 1
            self.path("changed").write_bytes(changed)
            self.expect("changed", BAD)
            return
        # What xz(1) writes by itself, CRC64, the kernel's decompressor does not read.
        plain = run("xz", "-dc", bare, capture_output=True).stdout
        for name, options in (("by-xz", []), ("by-xz-fast", ["-0", "--check=crc32"])):
            self.path(name).write_bytes(run("xz", *options, "-c", input=plain, capture_output=True).stdout)
            self.sign(f"{name}-owner", "owner", self.path(name))
            self.expect(f"{name}-owner", LOADS)
        self.expect("by-xz", UNREADABLE)
        self.expect("by-xz-fast", UNSIGNED)


def find_package(folder, version):
    found = list(folder.glob(f"linux-image-{version}*-amd64_*_amd64.deb"))
    found = [path for path in found if "-cloud-" not in path.name and "-rt-" not in path.name]
    if not found:
        sys.exit(f"{folder}: there is no linux-image-{version}*_amd64.deb")
    return max(found, key=lambda file: file.stat().st_mtime)


def try_kernel(assay, folder, package, number):
    """Answers that are not those expected, and how many there are at all."""
    root = folder / f"root{number}"
    run("dpkg-deb", "-x", package, root)
    release = next((root / "lib/modules").iterdir()).name
    module = next((root / "lib/modules" / release / "kernel").glob(MODULE + "*"))
    modules = Modules(assay, folder / f"modules{number}", module)
    modules.make()
    boot = Boot("module.sig_enforce=1", [])
    boot.state("enforcing")
    for name in modules.expected:
        boot.ask("finit", f"/rig/{name}", COMPRESSED_FILE if modules.suffix == ".ko.xz" else 0)
    files = {name: (modules.folder / name).read_bytes() for name in modules.expected}
    make_initramfs(folder, f"initramfs{number}", boot.lines, files, {})
    boot.run(folder, root / "boot" / f"vmlinuz-{release}", number, make_firmware(folder, [folder / "owner.pem"]))
    wrong = 0
    for row in boot.states[0].rows:
        answer, (expected, said) = boot.answers[row.number], modules.expected[row.name]
        if errno_name(answer.errno) != expected or (said and said not in answer.log):
            wrong += 1
            print(f"{release}: {row.name}: the kernel {errno_name(answer.errno)} {answer.log}, expected {expected} {said}")
    print(f"{release}: {len(modules.expected)} modules, {len(modules.expected) - wrong} answered as expected")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True, help="a folder with Debian's packages")
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything for a look")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.keep:
            arguments.keep.mkdir(parents=True)
        folder = (arguments.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        for name in ("owner", "stranger"):
            make_key(folder, name)
        run("gcc", "-static", "-O1", "-o", folder / "init", pathlib.Path(__file__).parent / "init.c")
        packages = [find_package(arguments.kernels, version) for version in ("6.1.", "6.12.")]
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            wrong = list(pool.map(lambda numbered: try_kernel(arguments.assay.resolve(), folder, numbered[1], numbered[0]),
                                  enumerate(packages)))
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
