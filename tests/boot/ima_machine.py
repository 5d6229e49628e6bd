#!/usr/bin/env python3
"""Boots Debian's kernel under QEMU with a folder as its disk, an IMA policy and a key, and runs commands in it.

    ima_machine.py --package linux-image.deb --disk FOLDER [--certificate DER] [--policy FILE] [--cmdline TEXT]
                   [--features LIST] [--program NAME]... [--module NAME]... COMMAND...

The folder becomes an ext4 file system on /dev/vda, with its extended attributes, mounted on /disk; a file FILE.sig beside
FILE is first written into FILE's security.ima. The certificate goes into the keyring _ima, which is the one that Debian's
kernels ask (CONFIG_INTEGRITY_TRUSTED_KEYRING is off); the policy is written before the commands run. Prints what the
commands print, and "exit N" where one fails; what the kernel's audit says of IMA follows. The file system gets the features of the list
(mke2fs -O), the machine the programs and modules that are named. Needs neither root, but for
attributes of the folder itself, nor acceleration.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SECONDS = 600
BEGIN, END = "--- begin ---", "--- end ---"
MODULES = ["virtio_pci", "virtio_blk", "ext4"]

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t securityfs securityfs /sys/kernel/security
for module in $(cat /modules.list); do insmod /modules/$module; done
echo 0 > /proc/sys/kernel/printk_ratelimit
mount -t ext4 -o rw /dev/vda /disk
cd /disk
for signature in $(find . -name '*.sig'); do
  setfattr -n security.ima -v "0x$(xxd -p $signature | tr -d '\\n')" "${signature%%.sig}"
done
if [ -f /certificate ]; then
  ring=$(keyctl newring _ima @u)
  keyctl padd asymmetric '' "$ring" < /certificate > /dev/null
fi
sync
cd / && umount /disk && mount -t ext4 -o rw /dev/vda /disk && cd /disk
echo '%s'
if [ -f /policy ]; then
  cat /policy > /sys/kernel/security/ima/policy || echo "the policy was refused"
fi
. /commands
sleep 1
echo '%s'
dmesg | grep 'audit: type=180'
poweroff -f
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def unpack(package, root):
    """The kernel, and the folders that the modules of the disk are in."""
    root.mkdir()
    wanted = ["./boot/vmlinuz-*", "*/modules.builtin", "*/modules.order", "*/modules.builtin.modinfo", "*/fs/ext4/*", "*/fs/jbd2/*",
              "*/fs/mbcache.ko", "*/drivers/virtio/*", "*/drivers/block/virtio_blk.ko", "*/lib/crc*", "*/crypto/crc32c*",
              "*/crypto/sha512*"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
        run("tar", "-x", "-C", root, "--wildcards", *wanted, stdin=archive.stdout)


def libraries(program):
    found = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return re.findall(r"(/\S+)", found)


def add_program(stage, name):
    program = pathlib.Path(shutil.which(name) or sys.exit(f"{name} is missing"))
    shutil.copy(program, stage / "bin" / name)
    for library in libraries(program):
        (stage / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, stage / library[1:])


def add_modules(stage, root, more):
    """Those that the disk needs, in the order in which they are loaded."""
    release = next((root / "lib/modules").iterdir()).name
    run("depmod", "-b", root, release)
    paths = []
    for module in MODULES + more:
        shown = run("modprobe", "-d", root, "-S", release, "--show-depends", module, capture_output=True, text=True)
        paths += [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("insmod")]
    names = []
    for path in dict.fromkeys(paths):
        shutil.copy(path, stage / "modules")
        names.append(pathlib.Path(path).name)
    (stage / "modules.list").write_text("\n".join(names) + "\n")
    return root / "boot" / f"vmlinuz-{release}"


def script_of(commands):
    """Each command with what it is, and its exit status where that is not 0."""
    lines = []
    for command in commands:
        lines.append(f"echo {shlex.quote('# ' + command)}")
        lines.append(f"sh -c {shlex.quote(command)} 2>&1 || echo exit $?")
    return "\n".join(lines) + "\n"


def make_initramfs(folder, arguments, root):
    stage = folder / "stage"
    for directory in ("bin", "proc", "sys", "dev", "disk", "modules"):
        (stage / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", stage / "bin/busybox")
    add_program(stage, "keyctl")
    add_program(stage, "setfattr")
    for program in arguments.program:
        add_program(stage, program)
    image = add_modules(stage, root, arguments.module)
    (stage / "init").write_text(INIT % (BEGIN, END))
    (stage / "init").chmod(0o755)
    (stage / "commands").write_text(script_of(arguments.commands))
    if arguments.certificate:
        shutil.copy(arguments.certificate, stage / "certificate")
    if arguments.policy:
        shutil.copy(arguments.policy, stage / "policy")
    names = sorted(str(path.relative_to(stage)) for path in stage.rglob("*"))
    with open(folder / "initramfs", "wb") as archive:
        run("cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0", cwd=stage, input="\n".join(names).encode(), stdout=archive)
    return image


def boot(folder, image, cmdline):
    run("qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-smp", "1", "-display", "none", "-monitor", "none", "-no-reboot",
        "-nic", "none", "-serial", f"file:{folder}/console", "-kernel", image, "-initrd", folder / "initramfs", "-drive",
        f"file={folder}/disk,format=raw,if=virtio", "-append", f"console=ttyS0 panic=-1 quiet no_timer_check audit=1 {cmdline}",
        stdin=subprocess.DEVNULL, timeout=SECONDS)
    return (folder / "console").read_text(errors="replace").replace("\r", "")


def without_kernel_lines(text):
    return [line for line in text.splitlines() if not re.match(r"^\[ *[0-9]+\.[0-9]+\] ", line)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=pathlib.Path, required=True, help="Debian's kernel package")
    parser.add_argument("--disk", type=pathlib.Path, required=True, help="the folder that becomes /disk")
    parser.add_argument("--certificate", type=pathlib.Path, help="DER, for the keyring _ima")
    parser.add_argument("--policy", type=pathlib.Path)
    parser.add_argument("--cmdline", default="")
    parser.add_argument("--features", help="of the file system, whose blocks are then those of memory")
    parser.add_argument("--program", action="append", default=[])
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("commands", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        root = folder / "root"
        unpack(arguments.package, root)
        image = make_initramfs(folder, arguments, root)
        features = ["-O", arguments.features, "-b", "4096"] if arguments.features else []
        run("mke2fs", "-q", "-t", "ext4", *features, "-d", arguments.disk, folder / "disk", "32m", stdout=subprocess.DEVNULL)
        console = boot(folder, image, arguments.cmdline)
    begin, end = console.find(BEGIN + "\n"), console.find(END + "\n")
    if begin < 0 or end < 0:
        sys.exit(f"the machine did not get to the end:\n{console[-3000:]}")
    print("\n".join(without_kernel_lines(console[begin + len(BEGIN) + 1 : end])))
    for line in console[end:].splitlines():
        if found := re.search(r'op=(\S+) cause=(.*?) comm="[^"]*"(?: name="([^"]*)")?', line):
            print(f"audit: {found[1]}: {found[2]}" + (f", {found[3]}" if found[3] else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
