#!/usr/bin/env python3
"""Boots Debian's kernel under QEMU, has it load modules and kernels, and compares each answer with `assay judge` and
with `assay doctor`, both on what `assay platform capture` makes of the booted kernel's own /proc and /sys.

    boot_rig.py --assay BINARY --kernels FOLDER [--sample 200] [--seed 4] [--keep FOLDER]

No acceleration is needed. There are two boots: one without options, in which signatures are enforced, then the kernel
is locked down, then kexec and modules are turned off; one with module.sig_enforce=1. In the second, a random sample of
all modules is loaded, some of them changed before, their dependencies first; what doctor says of each is compared with
what became of its signature. Exit status 1: something disagrees.
"""

import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from guest import Boot, errno_name, make_initramfs, run
from samples import Samples, image_variants, make_owner, module_variants

MODULES = ["lib/crc-itu-t.ko", "lib/crc7.ko", "drivers/block/loop.ko"]
# What `assay platform capture` reads of a host.
STATE = [
    "/proc/version", "/proc/cmdline", "/proc/keys", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/arch",
    "/proc/sys/kernel/modules_disabled", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/kexec_load_disabled",
    "/sys/kernel/security/lockdown", "/sys/kernel/security/ima/policy", "/sys/module/module/parameters/sig_enforce",
    "/sys/firmware", "/sys/firmware/efi", "/sys/class", "/sys/class/tpm/tpm0", "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
]
SIG_ENFORCE = "/sys/module/module/parameters/sig_enforce"
LOCKDOWN = "/sys/kernel/security/lockdown"
NO_INITRAMFS = 4  # KEXEC_FILE_NO_INITRAMFS

# What a load of these files ends in when the signature is refused: mod_verify_sig, module_sig_check, the lockdown LSM.
SIGNATURE_ERRNOS = {"EKEYREJECTED", "ENOKEY", "EBADMSG", "ENODATA", "EPERM"}


def find_package(path):
    if path.is_file():
        return path
    found = [file for file in path.glob("linux-image-6.1.*-amd64_*_amd64.deb") if not re.search("-(cloud|rt)-", file.name)]
    if not found:
        sys.exit(f"{path}: there is no linux-image-6.1.*_amd64.deb")
    return max(found, key=lambda file: file.stat().st_mtime)


def make_files(folder, root, release):
    """Modules and images to be asked about, as {name: bytes}."""
    key, certificate = make_owner(folder)
    files, modules = {}, []
    for number, name in enumerate(MODULES):
        module = root / "lib/modules" / release / "kernel" / name
        variants = module_variants(folder, module, key, certificate)
        for suffix, content in variants:
            if number == 0 or suffix in ("", "~unsigned", "~flipped"):
                file = module.name.removesuffix(".ko") + suffix + ".ko"
                files[file] = content
                modules.append(file)
    images = dict(image_variants(root / "boot" / f"vmlinuz-{release}"))
    return files | images, modules, list(images)


def ask_modules(boot, modules):
    first = modules[0].removesuffix(".ko")
    for name in modules:
        boot.ask("finit", "/rig/" + name, 0)
        if name.startswith(first):
            boot.ask("init", "/rig/" + name, 0)
    for name in (first + ".ko", first + "~unsigned.ko"):
        for flags in (1, 2, 3, 4, 8):
            boot.ask("finit", "/rig/" + name, flags)


def ask_images(boot, images):
    for name in images:
        boot.ask("kexecf", "/rig/" + name, NO_INITRAMFS)
    boot.ask("kexecl", "-", 0)


def plain_boot(modules, images):
    """Every state that a kernel comes into without a restart."""
    boot = Boot("", STATE)
    boot.state("permissive")
    ask_modules(boot, modules)
    ask_images(boot, images)
    boot.write(LOCKDOWN, "integrity")
    boot.state("locked-down")
    ask_modules(boot, modules[:6])
    boot.wait(6)  # printk_ratelimit: lockdown says ten things in five seconds
    ask_images(boot, images)
    boot.write(SIG_ENFORCE, "1")
    boot.state("locked-down-enforcing")
    ask_modules(boot, modules[:4])
    boot.write("/proc/sys/kernel/kexec_load_disabled", "1")
    boot.write("/proc/sys/kernel/modules_disabled", "1")
    boot.state("disabled")
    ask_modules(boot, modules[:2])
    ask_images(boot, images[:2])
    return boot


def enforcing_boot(modules, images, samples):
    boot = Boot("module.sig_enforce=1", STATE)
    boot.state("enforcing")
    ask_modules(boot, modules)
    ask_images(boot, images)
    samples.ask(boot)
    return boot


def verdicts_of(command):
    """The objects that a run of assay prints of artifacts."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [line for line in lines if line["schema"] == "assay.verdict/1"]
    if not found:
        sys.exit(f"{' '.join(map(str, command))}: no verdict\n{done.stderr}")
    return found


def judge(assay, platform, folder, row):
    command = [assay, "judge", "kexec" if row.op.startswith("kexec") else "module", "--json", "--platform", platform]
    command += {"finit": ["--syscall", "finit_module", "--flags", row.flags], "init": ["--syscall", "init_module"],
                "kexecf": ["--syscall", "kexec_file_load", "--flags", row.flags],
                "kexecl": ["--syscall", "kexec_load"]}[row.op]
    return verdicts_of([*command, folder / "rig" / (row.name if row.op != "kexecl" else "vmlinuz")])[0]


def pattern_of(line):
    """A line as judge has it; <...> is what only the running kernel knows."""
    return re.sub("<[^>]*>", ".*", re.escape(line.split(": ", 1)[-1]))


def difference(row, answer, verdict, said):
    """What the kernel and the verdict do not agree in; nothing where they do. `said` is all that the kernel has logged so
    far: some lines it writes once, or not too often."""
    if verdict["decision"] == "undetermined":
        return f"undetermined: {verdict['reason']}"
    if verdict["errno_number"] != answer.errno:
        return f"the kernel {errno_name(answer.errno)}, judge {verdict['errno']}"
    taint = verdict.get("taint", "") if row.op in ("finit", "init") and answer.errno == 0 else answer.taint
    if taint != answer.taint:
        return f"taint: the kernel {answer.taint!r}, judge {taint!r}"
    missing = [line for line in verdict["log"] if not any(re.search(pattern_of(line), one) for one in said)]
    return f"not in the kernel's log: {missing}, which has {answer.log}" if missing else ""


def compare_rows(assay, folder, boot, root, pool):
    """Prints what disagrees; returns how many rows agree, of how many."""
    agreed = total = 0
    said = []
    for state in boot.states:
        host = boot.write_host(state, folder / state.name, root)
        platform = folder / f"{state.name}.toml"
        run(assay, "platform", "capture", "-q", "--root", host, "-o", platform)
        verdicts = list(pool.map(lambda row: judge(assay, platform, folder, row), state.rows))
        for row, verdict in zip(state.rows, verdicts):
            said += boot.answers[row.number].log
            different = difference(row, boot.answers[row.number], verdict, said)
            total += 1
            agreed += not different
            if different:
                print(f"{state.name}: {row.op} {row.name} {row.flags}: {different} "
                      f"({verdict['decision']}, {verdict['deciding_rule']})")
    return agreed, total


def compare_sample(assay, folder, boot, samples):
    """The same of doctor's lines on the whole host: the signature's outcome alone, as modules refuse to start without
    their hardware."""
    host = folder / boot.states[-1].name
    lines = {line["path"].removeprefix(str(host)): line for line in verdicts_of([assay, "doctor", "--json", "--root", host])}
    outcomes = {}
    for row in samples.rows:
        answer, line = boot.answers[row.number], lines[row.name]
        real = errno_name(answer.errno)
        if line["prognosis"] == "rejected":
            agrees = line["errno"] == real
        else:
            agrees = real not in SIGNATURE_ERRNOS and line["prognosis"] in ("loads", "taints")
            agrees = agrees and (real != "0" or line.get("taint", "") == answer.taint)
        key = (line["prognosis"], real, agrees)
        outcomes[key] = outcomes.get(key, 0) + 1
        if not agrees:
            print(f"doctor: {row.name}: {line['prognosis']} {line['errno']}, the kernel {real} {answer.taint!r} {answer.log}")
    for (prognosis, real, agrees), count in sorted(outcomes.items(), key=str):
        print(f"doctor: {count:4} {prognosis}, the kernel {real}{'' if agrees else ': DISAGREES'}")
    return sum(count for (_, _, agrees), count in outcomes.items() if agrees), len(samples.rows), len(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", type=pathlib.Path, required=True)
    parser.add_argument("--kernels", type=pathlib.Path, required=True, help="a folder with Debian's packages, or one of them")
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything for a look")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.keep:
            arguments.keep.mkdir(parents=True)
        folder = (arguments.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
        root = folder / "root"
        run("dpkg-deb", "-x", find_package(arguments.kernels), root)
        release = next((root / "lib/modules").iterdir()).name
        files, modules, images = make_files(folder, root, release)
        samples = Samples(folder, root, release, arguments.sample, arguments.seed)
        boots = [plain_boot(modules, images), enforcing_boot(modules, images, samples)]
        for number, boot in enumerate(boots):
            more = samples.files() if boot is boots[1] else {}
            make_initramfs(folder, f"initramfs{number}", boot.lines, files, more)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(max_workers=2))
        list(pool.map(lambda number: boots[number].run(folder, root / "boot" / f"vmlinuz-{release}", number), range(2)))
        (folder / "rig").mkdir()
        for name, content in files.items():
            (folder / "rig" / name).write_bytes(content)
        results = [compare_rows(arguments.assay, folder, boot, root, pool) for boot in boots]
        agreed, total = (sum(column) for column in zip(*results))
        agreed_sample, sample, lines = compare_sample(arguments.assay, folder, boots[1], samples)
    print(f"{release}: {total} rows, {agreed} agree, {total - agreed} disagree")
    print(f"{release}: {sample} of doctor's {lines} lines (seed {arguments.seed}), {agreed_sample} agree, "
          f"{sample - agreed_sample} disagree")
    return 1 if agreed != total or agreed_sample != sample else 0


if __name__ == "__main__":
    sys.exit(main())
