#!/usr/bin/env python3
"""Boots Debian's kernels under QEMU, arms the guard in them, and has them load what is listed and what is not, as files and
from memory; attacks the guard as root; adds to it by overlays that a key of the firmware's database signed.

    guard_rig.py --assay BINARY --kernels FOLDER [--keep FOLDER] [--only NAME] [--speed]

The guest runs the command itself, and guard_guest.c for what no tool does. No acceleration is needed. Exit status 1:
something is answered otherwise than it should be.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from firmware import make_firmware
from guest import run

SECONDS = 900
REFUSED, EPERM, EACCES, ETXTBSY = 129, 1, 13, 26
EOPNOTSUPP = 95
MARKER = b"~Module signature appended~\n"
PINS = "/sys/fs/bpf/assay"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
exec > /dev/ttyS1 2>&1
dmesg -n 1
cd /rig
. /steps
echo DONE
sleep 1
poweroff -f
"""


class Machine:
    """One boot: commands in order, and what each is to print and end with."""

    def __init__(self, folder, name, cmdline=""):
        self.folder, self.name, self.cmdline = folder, name, cmdline
        self.steps, self.files = [], {}

    def file(self, name, content):
        self.files[name] = content
        return name

    def do(self, title, command, status=None, says=None):
        """`says`: a regular expression that the output has, or a function of it."""
        self.steps.append((title, command, status, says))

    def guest(self, title, words, expected):
        self.do(title, f"guest {words}", None, lambda text: text.split("\n")[0] == str(expected))

    def run(self, assay, guest, kernel, firmware=()):
        stage = self.folder / f"{self.name}.stage"
        for directory in ("bin", "proc", "sys", "dev", "rig", "tmp"):
            (stage / directory).mkdir(parents=True)
        for program, source in (("assay", assay), ("guest", guest), ("busybox", "/bin/busybox")):
            run("cp", source, stage / "bin" / program)
        for library in set(re.findall(r"(/\S+)", run("ldd", assay, capture_output=True, text=True).stdout)):
            (stage / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            run("cp", "-L", library, stage / library[1:])
        for name, content in self.files.items():
            (stage / "rig" / name).write_bytes(content)
        (stage / "init").write_text(INIT)
        (stage / "init").chmod(0o755)
        lines = [f"echo STEP {number}\n{command}\necho STATUS $?\n" for number, (_, command, _, _) in enumerate(self.steps)]
        (stage / "steps").write_text("".join(lines))
        names = sorted(str(path.relative_to(stage)) for path in stage.rglob("*"))
        with open(self.folder / f"{self.name}.initramfs", "wb") as archive:
            run("cpio", "-o", "-H", "newc", "--quiet", cwd=stage, input="\n".join(names).encode(), stdout=archive)
        report, console = self.folder / f"{self.name}.report", self.folder / f"{self.name}.console"
        run("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "768", "-smp", "2", "-display", "none", "-monitor", "none",
            "-no-reboot", "-nic", "none", "-serial", f"file:{console}", "-serial", f"file:{report}", "-kernel", kernel, "-initrd",
            self.folder / f"{self.name}.initramfs", "-append",
            f"console=ttyS0 panic=-1 no_timer_check random.trust_cpu=on {self.cmdline}", *firmware, stdin=subprocess.DEVNULL,
            timeout=SECONDS)
        return self.check(report.read_text(errors="replace").replace("\r", ""), console)

    def check(self, report, console):
        answers = {int(number): (text, int(status))
                   for number, text, status in re.findall(r"^STEP (\d+)\n(.*?)^STATUS (\d+)$", report, re.DOTALL | re.MULTILINE)}
        wrong = 0
        for number, (title, command, status, says) in enumerate(self.steps):
            if number not in answers:
                print(f"{self.name}: {title}: the kernel did not get there\n{console.read_text(errors='replace')[-2000:]}")
                return wrong + 1
            text, got = answers[number]
            holds = status is None or status == got
            if says is not None:
                holds = holds and bool(says(text) if callable(says) else re.search(says, text))
            if not holds:
                wrong += 1
                print(f"{self.name}: {title}: `{command}` ended with {got} and said\n{text[-2500:]}")
        print(f"{self.name}: {len(self.steps)} steps, {len(self.steps) - wrong} as expected")
        return wrong


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


def digests(*contents):
    return "".join(f"{digest_of(content)}  file\n" for content in contents).encode()


def cut(module):
    """The bytes before an appended signature, as kernel/module/signing.c cuts them."""
    if not module.endswith(MARKER) or len(module) < 40:
        return module
    size = int.from_bytes(module[-32:-28], "big")
    return module if size >= len(module) - 40 else module[:-40 - size]


def changed(content, at):
    copy = bytearray(content)
    copy[at] ^= 1
    return bytes(copy)


def trailer(signature_size):
    return bytes([0, 0, 2, 0, 0, 0, 0, 0]) + signature_size.to_bytes(4, "big") + MARKER


class Samples:
    def __init__(self, root, release):
        folder = root / "lib/modules" / release / "kernel/lib"
        self.release, self.image = release, root / "boot" / f"vmlinuz-{release}"
        self.packed = {}

        def read(name):
            path = next(folder.glob(f"{name}.ko*"))
            if path.suffix != ".xz":
                return path.read_bytes()
            self.packed[name] = path.read_bytes()
            return run("xz", "-dc", path, capture_output=True).stdout

        self.good, self.other = read("crc7"), read("crc-itu-t")
        self.large = read("../fs/xfs/xfs")
        # What modinfo shows, which nothing depends on: a module that was changed there still loads.
        self.harmless = self.good.index(b"description=") + len(b"description=")
        assert cut(self.good) != self.good and cut(self.other) != self.other


def events_are(*expected):
    """`expected`: (verdict, digest or None), in this order among the events."""
    def check(text):
        events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        got = [(event["verdict"], event.get("sha256")) for event in events]
        return [event for event in got if event in expected] == list(expected)
    return check


def class_counts(**expected):
    def check(text):
        row = next(row for row in json.loads(text.splitlines()[0])["classes"] if row["class"] == "module")
        return all(row[name] == value for name, value in expected.items())
    return check


DRAIN = "assay guard watch --json --timeout 0"


def whole_files(machine, samples, is_old):
    """Unsealed, digests of whole files: audit, then enforce, then the same without a guard."""
    good, other = samples.good, samples.other
    for name, content in (("crc7.ko", good), ("crc-itu-t.ko", other), ("crc7~flipped.ko", changed(good, samples.harmless)),
                          ("listed", digests(good)), ("more", digests(other)), ("crc7~unsigned.ko", cut(good)),
                          ("kernel", digests(samples.image.read_bytes())), ("vmlinuz", samples.image.read_bytes()),
                          ("initrd", b"initrd" * 1000), ("initrds", digests(b"initrd" * 1000)),
                          ("too-many", b"".join(b"%064x  file\n" % number for number in range(32769)))):
        machine.file(name, content)
    machine.do("probe", "assay guard probe --json", 0, r'"chosen":"buffer"')
    machine.do("none armed", "assay guard status", 2, "no guard is armed")
    machine.do("map full", "assay guard load --digests too-many --mode enforce", 2, "digest 32769 of 32769: E2BIG")
    machine.do("map full leaves nothing", f"ls {PINS}", 1)
    machine.do("load", "assay guard load --digests listed", 0, "armed as buffer")
    machine.do("again", "assay guard load --digests listed", 2, "armed already")
    machine.do("no misses yet", "assay guard status --json", 0, class_counts(mode="audit", allowed=0, missed=0, denied=0))
    machine.do("drain", DRAIN)
    machine.guest("audit, listed", "finit crc7.ko 0", "0")
    machine.guest("audit, other", "finit crc-itu-t.ko 0", "0")
    machine.guest("audit, flipped: the kernel's own answer", "finit crc7~flipped.ko 0", REFUSED)
    machine.do("events", DRAIN, 0, events_are(("allowed", digest_of(good)), ("missed", digest_of(other)),
                                             ("missed", digest_of(changed(good, samples.harmless)))))
    machine.do("counters", "assay guard status --json", 0, class_counts(allowed=1, missed=2, denied=0))
    machine.do("enforce", "assay guard mode enforce", 0)
    machine.do("dmesg", "dmesg -c > /dev/null")
    machine.guest("listed", "finit crc7.ko 0", "0")
    machine.guest("other", "finit crc-itu-t.ko 0", REFUSED)
    machine.guest("flipped", "finit crc7~flipped.ko 0", REFUSED)
    machine.guest("unsigned, whole digest not listed", "finit crc7~unsigned.ko 0", REFUSED)
    machine.guest("listed, from memory", "init crc7.ko", "0")
    machine.guest("other, from memory", "init crc-itu-t.ko", REFUSED)
    machine.do("the kernel's log is silent", "dmesg | grep -i -e signature -e verification", 1)
    machine.do("named in events", "assay guard watch --timeout 0", 0, r"denied +module crc-itu-t.ko [0-9a-f]{64} by guest")
    machine.guest("memory file, then changed", f"memfd crc7.ko {samples.harmless}", f"0 {REFUSED}")
    machine.do("race", f"guest race crc7.ko {samples.harmless} 300", 0, r"modified 0$")
    machine.guest("open for writing", "writer crc7.ko", ETXTBSY)
    if samples.packed:
        machine.file("crc7.ko.xz", samples.packed["crc7"])
        machine.file("packed", digests(samples.packed["crc7"]))
        machine.guest("compressed, not listed", "finit crc7.ko.xz 4", REFUSED)
        machine.do("add compressed", "assay guard add --digests packed", 0)
        machine.guest("compressed, listed", "finit crc7.ko.xz 4", "0")
    else:
        machine.guest("flag 4: the guard first", "finit crc-itu-t.ko 4", REFUSED)
        machine.guest("flag 4: then the kernel", "finit crc7.ko 4", EOPNOTSUPP)
    machine.do("add", "assay guard add --digests more", 0)
    machine.guest("added", "finit crc-itu-t.ko 0", "0")
    machine.do("kexec is off yet", "assay guard status --json", 0, lambda text: "kexec" not in text)
    machine.do("kexec", "assay guard mode kexec-image=enforce kexec-initramfs=enforce firmware=enforce", 0)
    machine.guest("kernel not listed", "kexecf vmlinuz", REFUSED)
    machine.do("kernel", "assay guard add --class kexec-image --digests kernel", 0)
    machine.guest("kernel listed", "kexecf vmlinuz", "0")
    machine.guest("initrd not listed", "kexecf vmlinuz initrd", REFUSED)
    machine.do("initrd", "assay guard add --class kexec-initramfs --digests initrds", 0)
    machine.guest("initrd listed", "kexecf vmlinuz initrd", "0")
    machine.guest("kexec_load", "kexecl", REFUSED)
    machine.guest("a listed kernel is no module", "finit vmlinuz 0", REFUSED)
    machine.do("drain", f"{DRAIN} > /dev/null")
    machine.guest("more events than there is room for", "flood 2000", REFUSED)
    machine.do("dropped", "assay guard status --json", 0, lambda text: json.loads(text.splitlines()[0])["events_dropped"] > 0)
    machine.do("metrics", "assay guard metrics", 0, r'reads_total{class="module",verdict="denied"} 2\d\d\d')
    machine.do("self-test", "assay guard self-test", 0, "ok +digest")
    # A program that answers in the place of every LSM, and of the guard.
    machine.do("modify-return", "touch hold; guest return-size hold > evil & sleep 3; cat evil", 0, "^0")
    machine.do("modify-return is noticed", "assay guard status", 1, "answers in the place of security_kernel_post_read_file")
    machine.do("modify-return fails the self-test", "assay guard self-test", 1, "FAILS")
    machine.do("modify-return is gone", "rm hold; sleep 1; assay guard status", 0)
    # A BPF LSM program that is asked before the guard, and on 6.1 may return what is no error.
    machine.do("another at the hook", "touch hold; guest lsm-return-size hold > evil & sleep 3; cat evil", 0, "^0" if is_old else "^(13|22)")
    if is_old:
        machine.guest("another at the hook answers for the guard", "finit crc7~unsigned.ko 0", "0 E")
        machine.do("another at the hook is noticed", "assay guard status", 1, "answers in the place of bpf_lsm_kernel_post_read_file")
    machine.do("another at the hook is gone", "rm hold; sleep 1; assay guard status", 0)
    machine.guest("write by a program", f"program-write {PINS}/map_conf", EACCES)
    machine.guest("write by an iterator", f"iterator-write {PINS}/map_conf", "0")
    machine.do("an iterator has turned it off", "assay guard self-test", 1, "FAILS")
    machine.do("on again", "assay guard mode module=enforce && assay guard self-test", 0)
    machine.do("ftrace", "echo 0 > /proc/sys/kernel/ftrace_enabled", 0)
    machine.do("ftrace takes the guard out", "assay guard self-test", 1, "FAILS +called")
    machine.do("ftrace back", "echo 1 > /proc/sys/kernel/ftrace_enabled; assay guard self-test", 0)
    machine.do("unload", "assay guard unload", 0)
    machine.do("unloaded", f"assay guard status; ls {PINS}", 1, "no guard is armed")
    machine.guest("unloaded: flipped is the kernel's affair", "finit crc7~unsigned.ko 0", "0 E")


def bodies(machine, samples, folder):
    good = samples.good
    forms = {
        "crc7.ko": good, "crc7~unsigned.ko": cut(good), "crc7~body.ko": changed(good, samples.harmless),
        "crc7~signature.ko": changed(good, len(good) - 100), "twice": good + trailer(0), "empty": b"x" * 60 + trailer(0),
        "long": b"y" * 60 + trailer(60), "longer": b"y" * 60 + trailer(0xFFFFFFFF), "forty": trailer(0), "short": trailer(0)[1:],
    }
    for name, content in forms.items():
        machine.file(name, content)
    machine.file("bodies.list", b"assay-guard-list 1 name=rig version=- serial=1 hash=sha256 mode=body classes=module\n"
                 + f"{digest_of(cut(good))} module - - crc7.ko\n".encode())
    machine.file("owner.pem", (folder / "owner.pem").read_bytes())
    machine.do("a list that nobody signed", "assay guard load --list bodies.list --trust owner.pem", 2, "signature is not verified")
    machine.do("load bodies", "assay guard load --list bodies.list --error EPERM --mode enforce", 0, "armed")
    machine.do("drain", f"{DRAIN} > /dev/null")
    machine.guest("signed", "finit crc7.ko 0", "0")
    machine.guest("unsigned", "finit crc7~unsigned.ko 0", "0 E")
    machine.guest("body changed", "finit crc7~body.ko 0", EPERM)
    machine.guest("signature changed: the kernel refuses", "finit crc7~signature.ko 0", REFUSED)
    for name in ("twice", "empty", "long", "longer", "forty", "short"):
        machine.guest(f"trailer {name}", f"finit {name} 0", EPERM)
    machine.do("digests of bodies", DRAIN, 0, events_are(
        *[("allowed", digest_of(cut(good)))] * 2, ("denied", digest_of(cut(forms["crc7~body.ko"]))),
        ("allowed", digest_of(cut(good))), *[("denied", digest_of(cut(forms[name])))
                                            for name in ("twice", "empty", "long", "longer", "forty", "short")]))
    machine.do("unload", "assay guard unload", 0)


def make_overlay(folder, key, serial, rows, list_name=b"rig"):
    """docs/guard.md, Overlays: header and rows, and a detached message behind them, as sign-file makes it."""
    data = b"ASSAYOVL" + (1).to_bytes(4, "little") + len(rows).to_bytes(4, "little") + serial.to_bytes(8, "little")
    data += list_name.ljust(64, b"\0")
    for content in sorted(rows, key=digest_of):
        data += bytes.fromhex(digest_of(content)) + (1 << 2).to_bytes(4, "little") + bytes(4)
    (folder / "overlay").write_bytes(data)
    message = run("openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256", "-outform", "DER", "-in",
                  folder / "overlay", "-signer", folder / f"{key}.pem", "-inkey", folder / f"{key}.key", capture_output=True).stdout
    return data + message + trailer(len(message))


def sealed(machine, samples, folder, is_old):
    machine.file("rebuilt", make_overlay(folder, "owner", 7, [samples.other]))
    machine.file("stranger", make_overlay(folder, "stranger", 8, [samples.other]))
    machine.file("tampered", changed(make_overlay(folder, "owner", 9, [samples.other]), 100))
    machine.file("other-list", make_overlay(folder, "owner", 10, [samples.other], b"another"))
    machine.file("older", make_overlay(folder, "owner", 6, [samples.other]))
    machine.do("load sealed", "assay guard load --digests listed --mode enforce --name rig --keyring secondary,platform --seal", 0,
               "sealed")
    machine.guest("listed", "finit crc7.ko 0", "0")
    machine.guest("other", "finit crc-itu-t.ko 0", REFUSED)
    machine.do("unload", "assay guard unload", 2, "sealed")
    machine.do("mode", "assay guard mode audit", 2, "EPERM")
    machine.do("add", "assay guard add --digests more", 2, "EPERM")
    link = f"{PINS}/link_buffer_post_read"
    machine.guest("detach", f"detach {link}", EOPNOTSUPP)
    for name in ("conf", "allow", "added", "overlay", "prot", "stats", "priv"):
        machine.guest(f"write {name}", f"map-write {PINS}/map_{name}", EPERM)
        machine.guest(f"write {name} by id", f"map-write-by-id {name}", EPERM)
    for name in ("conf", "allow", "added", "overlay", "prot", "priv"):
        machine.guest(f"iterator over {name}", f"iterator-write {PINS}/map_{name}", EPERM)
    machine.guest("write by a program", f"program-write {PINS}/map_stats", "0")
    machine.guest("write by a program", f"program-write {PINS}/map_conf", EPERM)
    machine.guest("programs", "closed-programs", 12)
    machine.do("unlink", f"rm {link}", 1, "Operation not permitted")
    machine.do("rename", f"mv {link} {PINS}/gone", 1, "Operation not permitted")
    machine.do("rename the folder", f"mv {PINS} {PINS}2", 1, "Operation not permitted")
    machine.do("rename onto", f"touch x; mv {PINS}/map_events {link}", 1, "Operation not permitted")
    machine.do("unmount", "umount /sys/fs/bpf", 1, "Operation not permitted")
    machine.do("unmount lazily", "umount -l /sys/fs/bpf", 1, "Operation not permitted")
    machine.do("unmount lazily from above", "umount -l /sys", 1, "Operation not permitted")
    machine.do("modify-return", "guest return-size /nothing", 0, f"^{EPERM}$")
    machine.do("unlink without capabilities", f"guest without-capabilities rm {link}", 1, "Operation not permitted")
    machine.guest("write without capabilities", f"without-capabilities guest map-write {PINS}/map_conf", EPERM)
    machine.do("another at the hook", "guest lsm-return-size /nothing", 0, f"^{EPERM}$")
    machine.do("ftrace", "echo 0 > /proc/sys/kernel/ftrace_enabled", 1, "not permitted")
    machine.do("other switches", "echo 1 > /proc/sys/kernel/panic_on_warn && echo 0 > /proc/sys/kernel/panic_on_warn", 0)
    machine.guest("after all that: listed", "finit crc7.ko 0", "0")
    machine.guest("after all that: other", "finit crc-itu-t.ko 0", REFUSED)
    machine.do("after all that: self-test", "assay guard self-test", 0, "is called, and answers")
    machine.do("attempts", "assay guard status --json", 0,
               lambda text: json.loads(text.splitlines()[0])["attempts"] > 10 and '"sealed":true' in text)
    # Overlays.
    machine.do("unknown key", "assay guard apply --keyring platform stranger", 1, "ENOKEY")
    machine.do("tampered", "assay guard apply --keyring platform tampered", 1, "EKEYREJECTED")
    machine.do("wrong keyring", "assay guard apply --keyring secondary rebuilt", 1, "ENOKEY")
    machine.do("a keyring that was not named", "assay guard apply --keyring builtin rebuilt", 1, "ENOKEY")
    machine.do("of another list", "assay guard apply --keyring platform other-list", 1, "EINVAL")
    machine.guest("not yet", "finit crc-itu-t.ko 0", REFUSED)
    machine.do("taken", "assay guard apply --keyring platform rebuilt", 0)
    machine.guest("rebuilt", "finit crc-itu-t.ko 0", "0")
    machine.do("replayed", "assay guard apply --keyring platform rebuilt", 1, "ESTALE")
    machine.do("older", "assay guard apply --keyring platform older", 1, "ESTALE")
    machine.do("overlay in status", "assay guard status --json", 0, r'"overlay_rows":1,"overlay_serial":7')


def without_bpf(machine, samples):
    machine.file("listed", digests(samples.good))
    machine.do("probe", "assay guard probe", 1, "programs attach and are not called")
    machine.do("load", "assay guard load --mode enforce --digests listed", 1, "does NOT enforce")
    machine.do("nothing stays", f"ls {PINS}", 1)


def confidential(machine, samples, is_old):
    for name, content in (("crc7.ko", samples.good), ("crc-itu-t.ko", samples.other), ("listed", digests(samples.good))):
        machine.file(name, content)
    variant = "ima" if is_old else "cast"
    machine.do("probe", "assay guard probe --json", 0, f'"chosen":"{variant}"')
    machine.do("load", "assay guard load --mode enforce --digests listed", 0, f"armed as {variant}")
    machine.do("drain", f"{DRAIN} > /dev/null")
    machine.guest("listed", "finit crc7.ko 0", "0")
    machine.guest("other", "finit crc-itu-t.ko 0", REFUSED)
    machine.guest("listed, from memory", "init crc7.ko", REFUSED if is_old else "0")
    machine.guest("memory file", f"memfd crc7.ko {samples.harmless}", f"{REFUSED if is_old else 0} {REFUSED}")
    machine.do("events", DRAIN, 0, events_are(("allowed", digest_of(samples.good)), ("denied", digest_of(samples.other))) if is_old
               else events_are(*[("allowed", digest_of(samples.good)), ("denied", digest_of(samples.other))],
                               ("allowed", digest_of(samples.good)), ("allowed", digest_of(samples.good))))
    machine.do("seal", "assay guard seal", 0)
    machine.do("unmount", "umount -l /sys/fs/bpf", 1)
    machine.do("ftrace", "echo 0 > /proc/sys/kernel/ftrace_enabled", 1, "not permitted")
    if not is_old:
        machine.do("unmount from above", "umount -l /sys", 1, "not permitted")
    machine.do("unlink", f"rm {PINS}/map_conf", 1, "not permitted")
    machine.guest("still: other", "finit crc-itu-t.ko 0", REFUSED)


def locked_down(machine, samples):
    for name, content in (("crc7~unsigned.ko", cut(samples.good)), ("listed", digests(cut(samples.good)))):
        machine.file(name, content)
    machine.do("load", "assay guard load --mode enforce --digests listed", 0, "armed as buffer")
    machine.do("drain", f"{DRAIN} > /dev/null")
    machine.guest("the guard allows, lockdown refuses", "finit crc7~unsigned.ko 0", EPERM)
    machine.do("allowed", DRAIN, 0, events_are(("allowed", digest_of(cut(samples.good)))))


ARM = "cut -d' ' -f1 /proc/uptime; assay guard load --mode enforce --digests {} > /dev/null && cut -d' ' -f1 /proc/uptime"


def seconds(text):
    begin, end = map(float, text.split())
    return end - begin


def speed(machine, samples):
    """Arms with few digests and with many, in turns; then what a load costs beside the loader's own time. Prints both."""
    machine.file("50", digests(samples.good) + b"".join(b"%064x  file\n" % number for number in range(49)))
    machine.file("5000", digests(samples.good, samples.large) + b"".join(b"%064x  file\n" % number for number in range(4998)))
    machine.file("crc7.ko", samples.good)
    machine.file("xfs.ko", samples.large)
    times = {"50": [], "5000": []}
    for _ in range(3):
        for count, taken in times.items():
            machine.do(f"arm with {count}", ARM.format(count), 0, lambda text, taken=taken: taken.append(seconds(text)) or True)
            if len(machine.steps) != 11:
                machine.do("unload", "assay guard unload", 0)

    def compare(text):
        few, many = min(times["50"]), min(times["5000"])
        print(f"{machine.name}: armed with 50 digests in {few:.2f} s, with 5000 in {many:.2f} s: {many / few:.2f} times")
        return many <= 1.5 * few

    machine.do("arming", "true", 0, compare)
    machine.do("statistics", "echo 1 > /proc/sys/kernel/bpf_stats_enabled", 0)
    for name, size in (("crc7.ko", len(samples.good)), ("xfs.ko", len(samples.large))):
        def cost(text, name=name, size=size):
            row = next(row for row in json.loads(text.splitlines()[-1])["programs"] if row["name"] == "buffer_post_read")
            begin, end = map(float, text.split("\n")[:2])
            print(f"{machine.name}: {name}, {size} bytes: all runs so far {row['runs']}, {row['run_ns'] / 1e6:.1f} ms in the program; "
                  f"10 loads took {(end - begin) * 1000:.0f} ms")
            return row["runs"] >= 10
        loads = f"for i in 1 2 3 4 5 6 7 8 9 10; do guest finit {name} 0 > /dev/null; done"
        machine.do(name, f"cut -d' ' -f1 /proc/uptime; {loads}; cut -d' ' -f1 /proc/uptime; assay guard status --json", 0, cost)


def make_key(folder, name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "3650", "-keyout",
        folder / f"{name}.key", "-out", folder / f"{name}.pem", stderr=subprocess.DEVNULL)


def find_package(folder, version):
    found = [path for path in folder.glob(f"linux-image-{version}*-amd64_*_amd64.deb")
             if "-cloud-" not in path.name and "-rt-" not in path.name]
    if not found:
        sys.exit(f"{folder}: there is no linux-image-{version}*_amd64.deb")
    return max(found, key=lambda file: file.stat().st_mtime)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True, help="a folder with Debian's packages")
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything for a look")
    parser.add_argument("--speed", action="store_true", help="measure instead of testing")
    parser.add_argument("--only", default="", help="machines whose name has this in it")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.keep:
            arguments.keep.mkdir(parents=True)
        folder = (arguments.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        for name in ("owner", "stranger"):
            make_key(folder, name)
        guest = folder / "guest"
        run("gcc", "-static", "-O1", "-o", guest, pathlib.Path(__file__).parent / "guard_guest.c", "-lbpf", "-lelf", "-lz",
            "-lpthread", stderr=subprocess.DEVNULL)
        boots = []
        for version in ("6.1.", "6.12."):
            root = folder / f"root{version}"
            run("dpkg-deb", "-x", find_package(arguments.kernels, version), root)
            samples = Samples(root, next((root / "lib/modules").iterdir()).name)
            is_old = version == "6.1."
            if arguments.speed:
                boots.append((Machine(folder, f"{version}speed"), samples))
                speed(*boots[-1])
                continue
            main_boot = Machine(folder, f"{version}main")
            whole_files(main_boot, samples, is_old)
            bodies(main_boot, samples, folder)
            sealed(main_boot, samples, folder, is_old)
            secret = Machine(folder, f"{version}confidentiality", "lockdown=confidentiality root=/dev/ram0")
            confidential(secret, samples, is_old)
            boots += [(main_boot, samples), (secret, samples)]
            if is_old:
                absent = Machine(folder, f"{version}no-bpf", "lsm=lockdown,yama,apparmor")
                without_bpf(absent, samples)
                locked = Machine(folder, f"{version}lockdown", "lockdown=integrity")
                locked_down(locked, samples)
                boots += [(absent, samples), (locked, samples)]
        boots = [boot for boot in boots if arguments.only in boot[0].name]

        def boot(pair):
            machine, samples = pair
            own = folder / f"{machine.name}.firmware"
            own.mkdir()
            firmware = make_firmware(own, [folder / "owner.pem"]) if "main" in machine.name else []
            return machine.run(arguments.assay.resolve(), guest, samples.image, firmware)

        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            wrong = list(pool.map(boot, boots))
    return 1 if any(wrong) or not wrong else 0


if __name__ == "__main__":
    sys.exit(main())
