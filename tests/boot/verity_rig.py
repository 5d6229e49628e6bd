#!/usr/bin/env python3
"""Boots Debian's kernel, lets it turn fs-verity on for files of many sizes on an ext4 file system, and compares the digests that
it measures (FS_IOC_MEASURE_VERITY) with ours: a version 3 signature over the kernel's digest has to be verified by
`assay verify` of the same file, and one over a digest that is off by a bit has to be bad.

    verity_rig.py --assay BINARY --kernels FOLDER

Exit status 1: something disagrees.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from boot_rig import find_package
from guest import run
from ima_rig import make_key, sign

HERE = pathlib.Path(__file__).resolve().parent
BLOCK = 4096
# Around the blocks, and around the levels of the tree: a block has 128 digests of SHA-256 and 64 of SHA-512.
SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 64 * BLOCK, 64 * BLOCK + 1, 128 * BLOCK, 128 * BLOCK + 1, 300 * BLOCK + 7]
NUMBERS = {"sha256": 4, "sha512": 6}  # enum hash_algo


def make_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    source = random.Random(1)
    names = []
    for algorithm in NUMBERS:
        for size in SIZES:
            names.append(f"{algorithm}-{size}")
            (disk / names[-1]).write_bytes(source.randbytes(size))
    return disk, names


def measured(package, disk, names):
    """What the booted kernel says: {name: (algorithm, digest)}."""
    enable = [f"fsverity enable --hash-alg={name.partition('-')[0]} {name}" for name in names]
    commands = ["; ".join(enable), "fsverity measure " + " ".join(names)]
    said = run(sys.executable, HERE / "ima_machine.py", "--package", package, "--disk", disk, "--features", "verity", "--program", "fsverity",
               "--module", "sha512_generic", *commands, capture_output=True, text=True).stdout
    found = re.findall(r"^(sha\d+):([0-9a-f]+) (\S+)$", said, re.MULTILINE)
    if len(found) != len(names):
        sys.exit(f"the kernel measured {len(found)} of {len(names)} files:\n{said}")
    return {name: (algorithm, bytes.fromhex(digest)) for algorithm, digest, name in found}


def signature(folder, file, algorithm, digest):
    """security.ima of the type 6, version 3, over struct ima_file_id (security/integrity/integrity.h)."""
    header = sign(folder, file, "owner", algorithm)[2:9]
    (folder / "id").write_bytes(bytes([6, NUMBERS[algorithm]]) + digest)
    value = run("openssl", "dgst", f"-{algorithm}", "-sign", folder / "owner.key", folder / "id", capture_output=True).stdout
    return b"\x06\x03" + header + value


def verified(arguments, folder, file, attribute):
    file.with_name(file.name + ".sig").write_bytes(attribute)
    done = subprocess.run([arguments.assay, "verify", "--json", "--trust", folder / "owner.pem", file], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[0])["status"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_key(folder, "owner")
        disk, names = make_disk(folder)
        digests = measured(find_package(arguments.kernels), disk, names)
        for name in names:
            algorithm, digest = digests[name]
            if algorithm != name.partition("-")[0]:
                sys.exit(f"{name}: measured with {algorithm}")
            other = bytes([digest[0] ^ 1]) + digest[1:]
            for what, expected in ((digest, "verified"), (other, "bad")):
                status = verified(arguments, folder, disk / name, signature(folder, disk / name, algorithm, what))
                if status != expected:
                    wrong += 1
                    print(f"{name}: {status}, expected {expected}; the kernel measured {digest.hex()}")
    print(f"{len(names)} files, {wrong} disagreements with the digests that the kernel measured")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
