#!/usr/bin/env python3
"""Boots a kernel that was made again, from the unsigned build and the records of the signed one, under a firmware that has
Secure Boot on and knows the key of the records; before it, the same firmware is given the kernel without them, and refuses it.

    secure_boot_rig.py --assay BINARY --kernels FOLDER [--keep FOLDER]

No acceleration is needed. Exit status 1: the firmware or the kernel answers otherwise than it should.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile

from firmware import load_option, make_secure_firmware
from guest import Boot, errno_name, make_initramfs, run
from sign_rig import MODULE, make_key

REFUSED = "EKEYREJECTED"


def find_unsigned(folder):
    found = list(folder.glob("linux-image-6.1.*-cloud-amd64-unsigned_*_amd64.deb"))
    if not found:
        sys.exit(f"{folder}: there is no linux-image-6.1.*-cloud-amd64-unsigned_*.deb")
    return max(found, key=lambda file: file.stat().st_mtime)


def make_disk(folder, files):
    """A file system of FAT, as firmware reads them."""
    disk = folder / "disk"
    size = sum(path.stat().st_size for path in files.values()) // 1024 + 8192
    run("mformat", "-C", "-i", disk, "-F", "-v", "ESP", "-T", max(size * 2, 80_000), "-h", "64", "-s", "32", "::")
    for name, path in files.items():
        run("mcopy", "-i", disk, path, f"::{name}")
    return ["-drive", f"if=virtio,format=raw,snapshot=on,file={disk}"]


def try_boot(assay, folder, kernels):
    """What is not as it should be."""
    root = folder / "root"
    run("dpkg-deb", "-x", find_unsigned(kernels), root)
    unsigned = next((root / "boot").glob("vmlinuz-*"))
    module = next((root / "lib/modules").glob(f"*/kernel/{MODULE}"))
    make_key(folder, "owner")
    # As it was published, signed by another tool; its records; and the build again, with them.
    published, excised, again = (folder / name for name in ("published", "excised", "again"))
    run("sbsign", "--key", folder / "owner.key", "--cert", folder / "owner.pem", "--output", published, unsigned)
    run(assay, "excise", "-q", "--records", folder / "records", "-o", excised, published)
    run(assay, "attach", "-q", "--records", folder / "records", "-o", again, unsigned)
    wrong = []
    if excised.read_bytes() != unsigned.read_bytes():
        wrong.append("the kernel without its records is not the unsigned build")
    if again.read_bytes() != published.read_bytes():
        wrong.append("the kernel that was made again is not the published one")
    run(assay, "compare", "-q", published, unsigned)
    bare = folder / "unsigned.ko"
    run(assay, "excise", "-q", "--discard", "-o", bare, module)

    boot = Boot("", [])
    boot.state("booted")
    expected = {"signed.ko": "0", "unsigned.ko": REFUSED}
    # Debian enforces signatures of modules where Secure Boot is on, and only there.
    boot.ask("finit", "/rig/unsigned.ko", 0)
    boot.ask("finit", "/rig/signed.ko", 0)
    make_initramfs(folder, "initramfs", boot.lines, {"signed.ko": module.read_bytes(), "unsigned.ko": bare.read_bytes()}, {})
    disk = make_disk(folder, {"excised.efi": excised, "again.efi": again, "initramfs": folder / "initramfs"})
    options = [load_option(name, f"\\{name}.efi", f"{boot.arguments()} initrd=\\initramfs") for name in ("excised", "again")]
    console = boot.start(folder, "", *make_secure_firmware(folder, folder / "owner.pem", [folder / "owner.pem"], options), *disk)
    refused = [line for line in console.splitlines() if "failed to load Boot0000" in line]
    if not refused or not ("Access Denied" in refused[0] or "Security Violation" in refused[0]):
        wrong.append(f"the firmware does not refuse the excised kernel: {refused}")
    if "UEFI Secure Boot is enabled" not in console:
        wrong.append("the kernel does not say that Secure Boot is on")
    for row in boot.states[0].rows:
        answer = boot.answers[row.number]
        if errno_name(answer.errno) != expected[row.name]:
            wrong.append(f"{row.name}: the kernel {errno_name(answer.errno)} {answer.log}, expected {expected[row.name]}")
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
        wrong = try_boot(arguments.assay.resolve(), folder, arguments.kernels)
    print("\n".join(wrong) or "the firmware refuses the excised kernel, and boots the one that was made again")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
