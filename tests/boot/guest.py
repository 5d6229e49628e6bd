"""A kernel booted under QEMU with init.c as its only program: what it is asked, and what it answered."""

import dataclasses
import errno
import os
import pathlib
import subprocess
import sys

SECONDS = 900  # for one boot, on a machine that has other things to do


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def errno_name(number):
    return "0" if number == 0 else {524: "ENOTSUPP"}.get(number) or errno.errorcode.get(number, str(number))


@dataclasses.dataclass
class Row:
    number: int  # of the line in /rows
    op: str
    name: str
    flags: int


@dataclasses.dataclass
class State:
    """A time in the life of a booted kernel in which nothing that decides changes."""
    name: str
    first: int
    rows: list = dataclasses.field(default_factory=list)
    files: dict = dataclasses.field(default_factory=dict)  # path: bytes, or None for a folder


@dataclasses.dataclass
class Answer:
    errno: int
    taint: str
    log: list


class Boot:
    def __init__(self, cmdline, state_paths):
        self.cmdline = cmdline
        self.state_paths = state_paths
        self.lines = []
        self.states = []
        self.answers = {}
        self.writes = []

    def _add(self, op, path, argument):
        self.lines.append(f"{op} {path} {argument}\n")
        return len(self.lines) - 1

    def state(self, name):
        self.states.append(State(name, len(self.lines)))
        for path in self.state_paths:
            self._add("show", path, 0)

    def ask(self, op, path, flags):
        row = Row(self._add(op, path, flags), op, path.removeprefix("/rig/"), flags)
        self.states[-1].rows.append(row)

    def ask_apart(self, op, path):
        """A question that is no row of the current state."""
        return Row(self._add(op, path, 0), op, path, 0)

    def write(self, path, value):
        self.writes.append(self._add("write", path, value))

    def wait(self, seconds):
        self._add("wait", "-", seconds)

    def run(self, folder, image, number, firmware=()):
        """`firmware`: what else QEMU is told, of where the kernel starts from."""
        self.start(folder, number, "-kernel", image, "-initrd", folder / f"initramfs{number}", "-append", self.arguments(), *firmware)

    def arguments(self):
        return f"console=ttyS0 panic=-1 no_timer_check {self.cmdline}"

    def start(self, folder, number, *machine):
        """What there was on the console. `machine`: where the kernel comes from."""
        report = folder / f"report{number}"
        console = folder / f"console{number}"
        run("qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-smp", "1", "-display", "none", "-monitor", "none", "-no-reboot",
            "-nic", "none", "-serial", f"file:{console}", "-serial", f"file:{report}", *machine, stdin=subprocess.DEVNULL,
            timeout=SECONDS)
        self._read(report.read_text(errors="replace"), console)
        return console.read_text(errors="replace")

    def _read(self, report, console):
        logs, shown = {}, []
        lines = report.replace("\r", "").split("\n")
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "LOG":
                number, _, text = rest.partition(" ")
                logs.setdefault(int(number), []).append(text)
            elif kind == "ROW":
                number, result, taint = rest.split(" ")
                self.answers[int(number)] = Answer(int(result), "" if taint == "-" else taint, logs.get(int(number), []))
            elif kind in ("FILE", "DIR", "NONE"):
                shown.append((kind, *rest.split(" ")))
        if "DONE" not in lines:
            sys.exit(f"the kernel did not get to the end:\n{console.read_text(errors='replace')[-3000:]}\n{report[-500:]}")
        for state in self.states:
            for kind, path, *content in shown[: len(self.state_paths)]:
                if kind != "NONE":
                    state.files[path] = bytes.fromhex(content[0]) if kind == "FILE" else None
            shown = shown[len(self.state_paths) :]
        failed = [self.lines[number] for number in self.writes if self.answers[number].errno != 0]
        if failed:
            sys.exit(f"the kernel did not take {failed}")

    def write_host(self, state, folder, root):
        """The booted host as a folder: its /proc and /sys in that state, over what is installed."""
        folder.mkdir()
        for path, content in state.files.items():
            target = folder / path[1:]
            (target if content is None else target.parent).mkdir(parents=True, exist_ok=True)
            if content is not None:
                target.write_bytes(content)
        for entry in root.iterdir():
            (folder / entry.name).symlink_to(entry)
        return folder


def make_initramfs(folder, name, lines, files, more):
    """`files` lie in /rig, `more` anywhere: {path: file of this machine}."""
    init, stage = folder / "init", folder / f"{name}.stage"
    if not init.exists():
        run("gcc", "-static", "-O1", "-o", init, pathlib.Path(__file__).parent / "init.c")
    for directory in ("proc", "sys", "dev", "rig"):
        (stage / directory).mkdir(parents=True)
    run("cp", init, stage / "init")
    for file, content in files.items():
        (stage / "rig" / file).write_bytes(content)
    for path, source in more.items():
        (stage / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        os.link(source, stage / path[1:])
    (stage / "rows").write_text("".join(lines))
    names = sorted(str(path.relative_to(stage)) for path in stage.rglob("*"))
    with open(folder / name, "wb") as archive:
        run("cpio", "-o", "-H", "newc", "--quiet", cwd=stage, input="\n".join(names).encode(), stdout=archive)
