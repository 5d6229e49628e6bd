#!/usr/bin/env python3
"""The house keeps its rules: docs/style.md and the drawing of rooms in CMakeLists.txt, mechanically.

    house_test.py [--binary build/assay]

With --binary it looks at the built command instead of the sources.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
SUFFIXES = (".h", ".cc", ".def")

# Rooms that may do what others may not, and why.
MAY_CAST = {"bytes", "codec", "crypto"}  # bytes as characters, which libbz2 and liblz4 want; libcrypto's types
MAY_ERRNO = {"base", "sandbox", "bytes", "sources", "codec", "crypto", "guard", "testing"}  # system calls and libraries
MAY_OPENSSL = {"crypto"}

HEADER_LINES = 160
SOURCE_LINES = 520

FORBIDDEN_SYMBOLS = re.compile(r"^(CMS_|PKCS7_|X509_|d2i_)")
# EVP_PKEY_verify wants an ECDSA signature as DER; the numbers come from the kernel's own decoder.
ALLOWED_SYMBOLS = {"d2i_ECDSA_SIG", "i2d_ECDSA_SIG"}
LIBRARIES = re.compile(
    r"^(libcrypto|libz|liblzma|libzstd|libbz2|liblz4|libarchive|libext2fs|libcom_err|libsquashfs|libfmt|libtomlplusplus|libbpf|libp11-kit|libtss2-(?:esys|mu|rc|tctildr)|libstdc\+\+|libm|libgcc_s|libc|ld-linux.*)\.so")

RULE_TABLES = {
    "asn1": "signatures/asn1.def",
    "x509": "signatures/x509.def",
    "public_key": "signatures/public_key.def",
    "pkcs7": "signatures/pkcs7.def",
    "keyring": "trust/keyring.def",
    "add_key": "judge/add_key.def",
    "guard": "judge/guard.def",
    "ipe": "judge/ipe.def",
    "kernel_read": "judge/kernel_read.def",
    "kexec": "judge/kexec.def",
    "appended_kexec_sig": "judge/appended_kexec_sig.def",
    "module_hashes_v3": "judge/module_hashes_v3.def",
    "module_hashes_v4": "judge/module_hashes_v4.def",
    "module_hashes_v5": "judge/module_hashes_v5.def",
    "module_load": "judge/module_load.def",
    "ima_policy": "ima/policy.def",
    "ima_load": "ima/load.def",
    "ima_sig": "ima/signature.def",
    "ima": "ima/ima.def",
    "module_sig": "judge/module_sig.def",
    "pe_sig": "judge/pe_sig.def",
    "s390_sig": "judge/s390_sig.def",
}
# Rules that no input can come to, and the test that shows it.
UNREACHABLE_RULES = {"asn1/depth": "TEST(Ber, GrammarsOpenAtMostNineContainers)"}

failures = []


def check(holds, message):
    if not holds:
        failures.append(message)


def is_for_tests(path):
    return path.name.endswith(("_test.cc", "_fuzz.cc")) or path.name.startswith("test_") or path.parent.name == "testing"


def sources():
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in SUFFIXES)


def without_comments_and_strings(text):
    return re.sub(r'//[^\n]*|/\*.*?\*/|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', "", text,
                  flags=re.DOTALL)


def includes(path):
    return re.findall(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', path.read_text(), flags=re.MULTILINE)


def drawing():
    """Each room with all that it may use, from the assay_room calls in CMakeLists.txt."""
    uses = {}
    for name, arguments in re.findall(r"assay_room\((\w+)\s*([^)]*)\)", (ROOT / "CMakeLists.txt").read_text()):
        words = arguments.replace("\n", " ").split()
        direct = []
        for word in words[words.index("USES") + 1:] if "USES" in words else []:
            if word in ("PRIVATE", "EXCEPT"):
                break
            if "::" not in word:
                direct.append(word)
        uses[name] = set(direct)
    closed = {}

    def close(name):
        if name not in closed:
            closed[name] = {name}
            for other in uses[name]:
                closed[name] |= close(other)
        return closed[name]

    for name in uses:
        close(name)
    return closed


def rooms_keep_to_the_drawing():
    may_use = drawing()
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    check(folders == set(may_use), f"rooms in src {sorted(folders)}, in CMakeLists.txt {sorted(may_use)}")
    for path in sources():
        room = path.relative_to(SOURCE).parts[0]
        allowed = may_use.get(room, set()) | ({"testing"} if is_for_tests(path) else set())
        for quoted, _ in includes(path):
            if not quoted:
                continue
            check((SOURCE / quoted).is_file(), f"{path}: includes {quoted}, which is not there")
            other = quoted.split("/")[0]
            check(other in allowed, f"{path}: {room} includes {quoted}, and may use {sorted(allowed)}")
            if not is_for_tests(path):
                check(not is_for_tests(SOURCE / quoted), f"{path}: includes {quoted}, which is for tests")


def what_only_some_rooms_may():
    names = {text for text in re.findall(r'ERRNO\(\w+, \d+, "(E\w+)"\)', (SOURCE / "base/errno.def").read_text())}
    for path in sources():
        room = path.relative_to(SOURCE).parts[0]
        code = without_comments_and_strings(path.read_text())
        angled = [name for _, name in includes(path)]
        if room not in MAY_CAST and not is_for_tests(path):
            check("reinterpret_cast" not in code, f"{path}: reinterpret_cast")
        if room not in MAY_OPENSSL:
            check(not any(name.startswith("openssl/") for name in angled), f"{path}: includes openssl/...")
        if room not in MAY_ERRNO:
            check(not {"cerrno", "errno.h"} & set(angled), f"{path}: includes <cerrno>")
            check(not re.search(r"\berrno\b", code), f"{path}: errno")
            used = names & set(re.findall(r"\bE[A-Z0-9]+\b", code))
            check(not used, f"{path}: {sorted(used)} of the machine it runs on")
        if room != "base":
            check(not re.search(r"static_cast<Errno>|\bErrno\s*[({]\s*[0-9]", code), f"{path}: an error number as a literal")


def files_are_short_and_say_what_they_are():
    for path in sources():
        name = path.relative_to(SOURCE).as_posix()
        lines = path.read_text().splitlines()
        if path.suffix == ".h" and path.name not in ("vectors.h", "reference_grammars.h"):  # tables
            check(len(lines) <= HEADER_LINES, f"{path}: {len(lines)} lines, at most {HEADER_LINES}")
        if path.suffix == ".cc":
            check(len(lines) <= SOURCE_LINES, f"{path}: {len(lines)} lines, at most {SOURCE_LINES}")
        if path.suffix in (".h", ".def"):
            check(re.match(rf"// {re.escape(name)} - \S.*", lines[0]), f"{path}: first line is not `// {name} - sentence`")
        check(not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text()), f"{path}: TODO")


def laws_are_asserted():
    """rc::check says whether the law holds, and fails no test by itself."""
    for folder in (SOURCE, ROOT / "tests"):
        for path in sorted(folder.rglob("*_test.cc")):
            text = path.read_text()
            for match in re.finditer(r"rc::check\(", text):
                before = text[: match.start()].rstrip()
                check(before.endswith(("EXPECT_TRUE(", "ASSERT_TRUE(")),
                      f"{path.relative_to(ROOT)}: a law that nobody asserts: {text[match.start():][:60]!r}")


def rule_rows(table):
    """(name, id, site, holds, fails) of each row."""
    text = (SOURCE / RULE_TABLES[table]).read_text()
    sentence = r'((?:"[^"]*"\s*)+),\s*'
    rows = re.findall(r'^RULE\((\w+),\s*"([^"]*)",\s*"([^"]*)",\s*' + sentence + sentence + "Errno::", text,
                      flags=re.MULTILINE)
    check(len(rows) == len(re.findall(r"^RULE\(", text, flags=re.MULTILINE)), f"{RULE_TABLES[table]}: a row that is not understood")
    return [(name, rule_id, site, *("".join(re.findall(r'"([^"]*)"', text)) for text in sentences))
            for name, rule_id, site, *sentences in rows]


def rules_are_well_formed():
    tables = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.def")
              if re.search(r"^RULE\(", path.read_text(), flags=re.MULTILINE)}
    check(tables == set(RULE_TABLES.values()), f"rule tables {sorted(tables)}, known here {sorted(RULE_TABLES.values())}")
    seen = set()
    for table in RULE_TABLES:
        for name, rule_id, site, holds, fails in rule_rows(table):
            check(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*", rule_id), f"{rule_id}: not mechanism/name")
            check(rule_id not in seen, f"{rule_id}: twice")
            seen.add(rule_id)
            check(site and holds, f"{rule_id}: site or sentence is empty")
            check(not holds.endswith("."), f"{rule_id}: the sentence has a full stop")
            check(len(fails) > 10 and not fails.endswith(".") and fails != holds,
                  f"{rule_id}: does not say what is wrong when it does not hold")
        text = (SOURCE / RULE_TABLES[table]).read_text()
        check("{}\"" not in text, f"{RULE_TABLES[table]}: a log line with {{}}, which no kernel prints")


def rules_that_tests_expect():
    """Rules that some unit test expects to decide: refused_by(NAME) or &NAME in a table of cases."""
    expected = set()
    for path in SOURCE.rglob("*_test.cc"):
        text = path.read_text()
        aliases = dict(re.findall(r"namespace (\w+) = rules::(\w+);", text))
        for table, name in re.findall(r"(?:refused_by\(|&)\s*(?:rules::)?(\w+)::(\w+)\s*[,)}:?]", text):
            expected.add((aliases.get(table, table), name))
        # refused_by(condition ? rule::a : rule::b)
        for expression in re.findall(r"refused_by\(([^;]*?)\)[,;)\n]", text):
            for table, name in re.findall(r"(?:rules::)?(\w+)::(\w+)", expression):
                expected.add((aliases.get(table, table), name))
    return expected


def every_rule_decides_somewhere():
    by_corpus = set()

    def collect(value):
        if isinstance(value, str):
            by_corpus.add(value)
        elif isinstance(value, dict):
            for inner in value.values():
                collect(inner)

    for corpus in ("appended", "pe"):
        collect(json.loads((ROOT / "tests/cases" / corpus / "deciding_rules.json").read_text()))
    for line in (ROOT / "tests/cases/ima/policy_rules.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            by_corpus |= {outcome.split()[-1] for outcome in line.split("\t")[:3] if outcome not in ("ok", "=")}
    by_unit_tests = rules_that_tests_expect()
    all_tests = "\n".join(path.read_text() for path in SOURCE.rglob("*_test.cc"))
    for table in RULE_TABLES:
        for name, rule_id, *_ in rule_rows(table):
            if rule_id in UNREACHABLE_RULES:
                check(UNREACHABLE_RULES[rule_id] in all_tests, f"{rule_id}: {UNREACHABLE_RULES[rule_id]} is gone")
                continue
            check(rule_id in by_corpus or (table, name) in by_unit_tests, f"{rule_id}: decides in no test")


def every_boot_rule_decides_somewhere():
    for table in ("pe_boot", "grub_appended"):
        rows = re.findall(r'^BOOT_RULE\((\w+),', (SOURCE / f"judge/{table}.def").read_text(), flags=re.MULTILINE)
        check(rows, f"judge/{table}.def: no rows")
        tests = (SOURCE / f"judge/{table}_test.cc").read_text()
        for name in rows:
            check(f"&rule::{name}" in tests, f"{table}.def {name}: decides in no test")


def the_command_asks_libcrypto_for_mathematics_only(binary):
    symbols = subprocess.run(["nm", "-D", "--undefined-only", binary], check=True, capture_output=True, text=True).stdout
    imported = {line.split()[-1].split("@")[0] for line in symbols.splitlines() if line.strip()}
    check("EVP_DigestUpdate" in imported, f"{binary}: imports nothing of libcrypto; is it the command?")
    for symbol in sorted(imported - ALLOWED_SYMBOLS):
        check(not FORBIDDEN_SYMBOLS.match(symbol), f"{binary}: imports {symbol}")


def the_command_needs_few_libraries(binary):
    dynamic = subprocess.run(["readelf", "-d", "-W", binary], check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    check(needed, f"{binary}: needs no library")
    for library in needed:
        check(LIBRARIES.match(library), f"{binary}: needs {library}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary")
    binary = parser.parse_args().binary
    if binary:
        the_command_asks_libcrypto_for_mathematics_only(binary)
        the_command_needs_few_libraries(binary)
    else:
        rooms_keep_to_the_drawing()
        what_only_some_rooms_may()
        files_are_short_and_say_what_they_are()
        laws_are_asserted()
        rules_are_well_formed()
        every_rule_decides_somewhere()
        every_boot_rule_decides_somewhere()
    for failure in failures:
        print(failure.replace(str(ROOT) + "/", ""))
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
