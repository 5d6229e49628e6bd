#!/usr/bin/env python3
"""Boots Debian's kernel with an enforcing IMA policy, runs programs with every kind of security.ima in it, and compares
what becomes of each with `assay judge exec` on a description of that machine.

    ima_rig.py --assay BINARY --kernels FOLDER

Exit status 1: something disagrees.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

from boot_rig import find_package
from guest import run

HERE = pathlib.Path(__file__).resolve().parent
POLICIES = {
    "signatures": "dont_appraise fsmagic=0x01021994\nappraise func=BPRM_CHECK appraise_type=imasig\n",
    "digests": "dont_appraise fsmagic=0x01021994\nappraise func=BPRM_CHECK fowner=0\n",
}


def make_key(folder, name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out",
        folder / f"{name}.pem", "-subj", f"/CN={name}", "-days", "3650", stderr=subprocess.DEVNULL)
    run("openssl", "x509", "-in", folder / f"{name}.pem", "-outform", "DER", "-out", folder / f"{name}.der")


def sign(folder, program, key, algorithm="sha256"):
    """What evmctl would write into security.ima."""
    run("evmctl", "ima_sign", "-f", "-n", "-a", algorithm, "-k", folder / f"{key}.key", program, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    signature = program.with_name(program.name + ".sig")
    return signature.read_bytes()


def version_3(folder, program, v2):
    (folder / "id").write_bytes(b"\x03\x04" + hashlib.sha256(program.read_bytes()).digest())
    value = run("openssl", "dgst", "-sha256", "-sign", folder / "owner.key", folder / "id", capture_output=True).stdout
    return b"\x03\x03" + v2[2:9] + value


def make_disk(folder):
    """Programs that exit with 0, each with another security.ima beside it."""
    disk = folder / "disk"
    disk.mkdir()
    (folder / "program.c").write_text("int main(void) { return 0; }\n")
    run("gcc", "-static", "-O1", "-o", folder / "program", folder / "program.c")
    content = (folder / "program").read_bytes()
    signed = sign(folder, folder / "program", "owner")
    digest = hashlib.sha256(content).digest()
    attributes = {
        "signed": signed,
        "sha512": sign(folder, folder / "program", "owner", "sha512"),
        "stranger": sign(folder, folder / "program", "stranger"),
        "padded": signed + b"\0",
        "short": signed[:-1],
        "version3": version_3(folder, folder / "program", signed),
        "nothing": None,
        "digest": b"\x04\x04" + digest,
        "wrong-digest": b"\x04\x04" + digest[::-1],
        "long-digest": b"\x04\x04" + digest + b"more",
        "sha1": b"\x01" + hashlib.sha1(content).digest(),
        "md5": b"\x01" + hashlib.md5(content).digest(),
        "unknown": b"\x00" + digest,
    }
    for name, attribute in attributes.items():
        (disk / name).write_bytes(content)
        if attribute is not None:
            (disk / f"{name}.sig").write_bytes(attribute)
    (disk / "changed").write_bytes(content + b"\0")
    (disk / "changed.sig").write_bytes(signed)
    for program in disk.iterdir():
        program.chmod(0o755)
    return disk, [*attributes, "changed"]


def outcomes(folder, package, disk, names, policy):
    commands = [f"./{name} && echo ran {name}" for name in names]
    said = run(sys.executable, HERE / "ima_machine.py", "--package", package, "--disk", disk, "--certificate", folder / "owner.der",
               "--policy", policy, *commands, capture_output=True, text=True).stdout.splitlines()
    return {name: f"ran {name}" in said for name in names}


def platform_of(folder, package, policy):
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    config = run("tar", "-xO", "--wildcards", "./boot/config-*", input=archive, capture_output=True).stdout
    (folder / "config").write_bytes(config)
    (folder / "machine.toml").write_text(f"""schema = 1
[kernel]
version = "6.1"
variant = "debian"
arch = "x86_64"
config = "config"
cmdline = ""
[state]
secure_boot = false
module_autoload = false
[keyrings]
ima = ["owner.pem"]
evm = []
[ima]
policy = ["{policy.name}"]
[[filesystem]]
mount = "/"
type = "ext4"
magic = 0xef53
[subject]
uid = 0
""")
    return folder / "machine.toml"


def judged(arguments, platform, program, attribute, folder):
    command = [arguments.assay, "judge", "exec", "--json", "--platform", platform, "--fowner", "0"]
    if attribute.exists():
        (folder / "hex").write_text(attribute.read_bytes().hex())
        command += ["--xattr", f"security.ima={folder / 'hex'}"]
    done = subprocess.run([str(word) for word in [*command, program]], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    total = agreed = 0
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        package = find_package(arguments.kernels)
        make_key(folder, "owner")
        make_key(folder, "stranger")
        disk, names = make_disk(folder)
        for title, text in POLICIES.items():
            (folder / title).write_text(text)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(max_workers=2))
        boots = {title: pool.submit(outcomes, folder, package, disk, names, folder / title) for title in POLICIES}
        for title in POLICIES:
            policy = folder / title
            platform = platform_of(folder, package, policy)
            ran = boots[title].result()
            for program in names:
                verdict = judged(arguments, platform, disk / program, disk / f"{program}.sig", folder)
                expected = "allowed" if ran[program] else "refused"
                total += 1
                agreed += verdict["decision"] == expected
                if verdict["decision"] != expected:
                    print(f"{title}: {program}: the kernel {expected}, judge {verdict['decision']} ({verdict['reason']})")
            print(f"{title}: {sum(ran.values())} of {len(ran)} programs ran")
    print(f"{total} programs, {agreed} agree, {total - agreed} disagree")
    return 1 if agreed != total else 0


if __name__ == "__main__":
    sys.exit(main())
