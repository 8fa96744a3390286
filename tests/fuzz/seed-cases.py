#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seed-cases CASES SCRIPT FOLDER: each case below CASES as a seed: its file SCRIPT (script.sieve, rc) in FOLDER/parse, and with its message
behind a mark in FOLDER/run."""
import pathlib
import sys


def message_of(folder):
    """That of the case, or of the nearest folder above."""
    while not (folder / "message.eml").is_file():
        folder = folder.parent
    return (folder / "message.eml").read_bytes()


def main():
    cases, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])
    for script in cases.rglob(sys.argv[2]):
        name = "-".join(script.parent.relative_to(cases).parts)
        text = script.read_bytes()
        (out / "parse" / name).write_bytes(text)
        (out / "run" / name).write_bytes(text + b"\n%%\n" + message_of(script.parent))


main()
