#!/usr/bin/env python3
"""Boots Debian's kernel under QEMU, lets it load modules and kernels, and compares each answer with `assay judge`.

    boot_rig.py --assay BINARY --package linux-image-cloud.deb [--keep FOLDER]

No acceleration is needed; a boot takes about half a minute. Every row is one system call; those that are refused for
their signature come from modules and images changed here: cut, flipped, re-signed, compressed.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MARKER = b"~Module signature appended~\n"
MODULES = ["lib/crc7.ko", "lib/crc-itu-t.ko", "lib/lru_cache.ko", "lib/ts_bm.ko"]
# Kernel command line, and what it makes of the state.
BOOTS = [
    ("permissive", "", {"sig_enforce": False, "lockdown": "none"}),
    ("enforcing", "module.sig_enforce=1", {"sig_enforce": True, "lockdown": "none"}),
    ("locked-down", "lockdown=integrity", {"sig_enforce": False, "lockdown": "integrity"}),
]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def packed(payload, signature, id_type=2, length=None, algo=0):
    """The layout of include/linux/module_signature.h."""
    size = len(signature) if length is None else length
    return payload + signature + bytes([algo, 0, id_type, 0, 0, 0, 0, 0]) + size.to_bytes(4, "big") + MARKER


def variants(folder, module, key, certificate):
    """(suffix, bytes) of one signed module, changed in every way that decides."""
    raw = module.read_bytes()
    size = int.from_bytes(raw[-32:-28], "big")
    payload, signature = raw[: -40 - size], raw[-40 - size : -40]
    flipped = bytearray(raw)
    flipped[len(payload) // 2] ^= 1
    plain = folder / "payload"
    plain.write_bytes(payload)
    run("openssl", "cms", "-sign", "-binary", "-in", plain, "-signer", certificate, "-inkey", key, "-outform", "DER", "-nocerts",
        "-noattr", "-nosmimecap", "-md", "sha256", "-out", folder / "signature")
    foreign = (folder / "signature").read_bytes()
    yield "", raw
    yield "~unsigned", payload
    yield "~flipped", bytes(flipped)
    yield "~trailing", raw + b"\0"
    yield "~foreign", packed(payload, foreign)
    yield "~foreign-flipped", packed(bytes(flipped[: len(payload)]), foreign)
    yield "~id-type", packed(payload, signature, id_type=1)
    yield "~algo", packed(payload, signature, algo=1)
    yield "~long", packed(payload, signature, length=len(raw))
    yield "~empty-signature", packed(payload, b"")
    yield "~garbage", packed(payload, b"garbage")
    yield "~cut", raw[: len(raw) // 2]
    yield "~text", b"no module\n"
    yield "~nothing", b""


def image_variants(image):
    raw = image.read_bytes()
    offset = int.from_bytes(raw[60:64], "little") + 24
    directory = offset + 112 + 4 * 8
    flipped, unsigned = bytearray(raw), bytearray(raw)
    flipped[len(raw) // 2] ^= 1
    unsigned[directory : directory + 8] = bytes(8)
    yield "vmlinuz", raw
    yield "vmlinuz~flipped", bytes(flipped)
    yield "vmlinuz~unsigned", bytes(unsigned)
    yield "vmlinuz~cut", raw[: len(raw) // 2]
    yield "vmlinuz~text", b"x" * 2000
    yield "vmlinuz~nothing", b""


def make_key(folder):
    key, certificate = folder / "key.pem", folder / "cert.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=A key of nobody", "-days", "3650", "-keyout", key,
        "-out", certificate, stderr=subprocess.DEVNULL)
    return key, certificate


def make_rows(folder, root, release):
    """Writes the files below folder/rig; returns rows as (operation, name, flags)."""
    key, certificate = make_key(folder)
    (folder / "rig").mkdir()
    rows = []
    available = [root / "lib/modules" / release / "kernel" / name for name in MODULES]
    available = [module for module in available if module.exists()]
    if not available:
        sys.exit(f"none of {MODULES} in {release}")
    for position, module in enumerate(available):
        for suffix, content in variants(folder, module, key, certificate):
            if position > 0 and suffix not in ("", "~unsigned", "~flipped"):
                continue
            name = module.name.removesuffix(".ko") + suffix + ".ko"
            (folder / "rig" / name).write_bytes(content)
            rows.append(("finit", name, 0))
            if position == 0:
                rows.append(("init", name, 0))
                if suffix in ("", "~unsigned"):
                    rows += [("finit", name, flags) for flags in (1, 2, 3, 4, 8)]
    for name, content in image_variants(root / "boot" / f"vmlinuz-{release}"):
        (folder / "rig" / name).write_bytes(content)
        rows.append(("kexecf", name, 0))
    rows.append(("kexecl", "-", 0))
    return rows


def make_initramfs(folder, rows):
    run("gcc", "-static", "-O1", "-o", folder / "init", pathlib.Path(__file__).parent / "init.c")
    stage = folder / "stage"
    for name in ("proc", "sys", "dev", "rig"):
        (stage / name).mkdir(parents=True)
    os.mknod(stage / "dev/console", 0o600 | 0o020000, os.makedev(5, 1))
    run("cp", folder / "init", stage / "init")
    for file in (folder / "rig").iterdir():
        run("cp", file, stage / "rig")
    (stage / "rows").write_text("".join(f"{op} /rig/{name} {flags}\n" for op, name, flags in rows))
    names = sorted(path.relative_to(stage) for path in stage.rglob("*"))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=stage, check=True, capture_output=True,
                             input="\n".join(map(str, names)).encode())
    (folder / "initramfs").write_bytes(archive.stdout)


def boot(folder, image, cmdline):
    """What the kernel answered: {row: (errno, taint)}."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "1024", "-nographic", "-no-reboot", "-nic", "none", "-kernel", image, "-initrd",
               folder / "initramfs", "-append", f"console=ttyS0 quiet panic=-1 {cmdline}"]
    output = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=400, text=True,
                            errors="replace").stdout
    if "RIG done" not in output:
        sys.exit(f"the kernel did not get to the end:\n{output[-3000:]}")
    return {int(number): (int(errno), "" if taint == "-" else taint)
            for number, errno, taint in re.findall(r"RIG (\d+) (\d+) (\S+)", output)}


def platform_file(folder, name, root, release, cmdline, state):
    path = folder / f"{name}.toml"
    lockdown, enforce = state["lockdown"], str(state["sig_enforce"]).lower()
    path.write_text(f"""schema = 1
[kernel]
release = "{release}"
arch = "x86_64"
variant = "debian"
config = "{root}/boot/config-{release}"
image = "{root}/boot/vmlinuz-{release}"
cmdline = "console=ttyS0 quiet panic=-1 {cmdline}"
[state]
secure_boot = false
lockdown = "{lockdown}"
sig_enforce = {enforce}
kexec_load_disabled = false
modules_disabled = false
module_autoload = false
[keyrings]
secondary_trusted_keys = []
machine = []
platform = []
secondary_links = ["builtin_trusted_keys", "machine"]
[blocklist]
hashes = []
""")
    return path


def judge(assay, platform, folder, row):
    op, name, flags = row
    command = [assay, "judge", "module" if "init" in op else "kexec", "--json", "--platform", platform]
    command += {"finit": ["--syscall", "finit_module", "--flags", flags], "init": ["--syscall", "init_module"],
                "kexecf": ["--syscall", "kexec_file_load", "--flags", 4], "kexecl": ["--syscall", "kexec_load"]}[op]
    command.append(folder / "rig" / (name if op != "kexecl" else "vmlinuz"))
    lines = subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout.splitlines()
    verdict = next(json.loads(line) for line in lines if '"assay.verdict/1"' in line)
    taint = verdict.get("taint", "") if op == "finit" and verdict["errno"] == "0" else None
    return verdict["errno_number"], taint, verdict["deciding_rule"], verdict["decision"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--package", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    disagree = total = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        root = folder / "root"
        run("dpkg-deb", "-x", arguments.package, root)
        release = next((root / "lib/modules").iterdir()).name
        rows = make_rows(folder, root, release)
        make_initramfs(folder, rows)
        image = root / "boot" / f"vmlinuz-{release}"
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            answers = list(pool.map(lambda one: boot(folder, image, one[1]), BOOTS))
        for (title, cmdline, state), answered in zip(BOOTS, answers):
            platform = platform_file(folder, title, root, release, cmdline, state)
            for number, row in enumerate(rows):
                errno, taint = answered[number]
                ours, our_taint, rule, decision = judge(arguments.assay, platform, folder, row)
                total += 1
                if ours != errno or (our_taint is not None and our_taint != taint):
                    disagree += 1
                    print(f"{title}: {row}: the kernel {errno} {taint!r}, judge {ours} {our_taint!r} ({decision}, {rule})")
    print(f"{release}: {total} rows, {total - disagree} agree, {disagree} disagree")
    return 1 if disagree else 0


if __name__ == "__main__":
    sys.exit(main())
