#!/usr/bin/env python3
"""Makes the corpus of appended-signature cases from nothing, or checks the one that is here.

    make_cases.py               make everything anew, with new keys
    make_cases.py --keys DIR    the same with the keys and certificates in DIR, made where missing
    make_cases.py --check       check digests, damages and signatures of the files in this folder

Needs Python 3.9, the openssl command (3.0), kmod, and sign-file of Debian's linux-kbuild-6.1. See README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from artifacts import make_artifacts
from certificates import make_certificates
from checks import check
from openssl import Workshop
from states import make_states
from table import Case, make_cases

FOLDER = Path(__file__).resolve().parent
NOT_FATAL = ("ENODATA", "ENOPKG", "ENOKEY")


def load_columns(verify: str) -> dict[str, str]:
    """What module_sig_check makes of the result of the check, by enforcement; 0E loads with taint E."""
    if verify == "ok":
        return {"permissive": "0", "enforce": "0", "lockdown": "0"}
    if verify in NOT_FATAL:
        return {"permissive": "0E", "enforce": "EKEYREJECTED", "lockdown": "EPERM"}
    return dict.fromkeys(("permissive", "enforce", "lockdown"), verify)


def expectation(case: Case, result: str) -> dict:
    if case.kind == "add-key":
        return {"add_key": result}
    if case.kind == "module" and case.usage == "module":
        return {"verify": result, "load": load_columns(result)}
    return {"verify": result}


def describe(case: Case, files: dict, folder: str, suffix: str) -> dict:
    """The object of one case as it stands in cases.json."""
    file = files[case.subject]
    place = "certificate" if case.kind == "add-key" else "file"
    row = {
        "name": case.name,
        "row": case.row,
        "kind": case.kind,
        place: f"{folder}/{case.subject}{suffix}",
        "sha256": hashlib.sha256(file.data).hexdigest(),
        "description": case.description,
        "made_by": file.made_by,
    }
    if file.base:
        row |= {"base": f"{folder}/{file.base}{suffix}", "touches": list(file.touches)}
    row["state"] = case.state
    if case.kind == "module":
        row["usage"] = case.usage
    if case.ring:
        row["ring"] = case.ring
    row["expect"] = {version: expectation(case, result) for version, result in case.results.items()}
    if case.disagrees:
        row["disagrees_with_text"] = case.disagrees
    return row


def format_json(value, depth: int = 0) -> str:
    """JSON with a line for each member of the outer three levels; lists inside stay in one line."""
    indent, end = " " * (depth + 1), " " * depth
    if isinstance(value, list) and depth == 0:
        return "[\n" + ",\n".join(indent + format_json(item, depth + 1) for item in value) + "\n]"
    if isinstance(value, dict) and value and depth < 3:
        members = (f"{indent}{json.dumps(key)}: {format_json(item, depth + 1)}"
                   for key, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{end}}}"
    return json.dumps(value)


def write_corpus(workshop: Workshop) -> None:
    certificates = make_certificates(workshop)
    artifacts = make_artifacts(workshop)
    for folder, suffix, files in (("keys", ".der", certificates), ("artifacts", ".bin", artifacts)):
        shutil.rmtree(FOLDER / folder, ignore_errors=True)
        (FOLDER / folder).mkdir()
        for name, file in files.items():
            (FOLDER / folder / f"{name}{suffix}").write_bytes(file.data)
    cases = [describe(case, certificates, "keys", ".der") if case.kind == "add-key"
             else describe(case, artifacts, "artifacts", ".bin") for case in make_cases()]
    (FOLDER / "cases.json").write_text(format_json(cases) + "\n")
    (FOLDER / "states.json").write_text(format_json(make_states(artifacts)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=Path, metavar="DIR",
                        help="folder of private keys, outside the repository")
    parser.add_argument("--check", action="store_true", help="check only")
    arguments = parser.parse_args()
    if not arguments.check:
        with tempfile.TemporaryDirectory() as scratch:
            write_corpus(Workshop(arguments.keys or Path(scratch)))
    check(FOLDER)


if __name__ == "__main__":
    main()
