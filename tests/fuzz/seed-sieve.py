#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seed-sieve CASES FOLDER: each case of Sieve as a seed, its script in FOLDER/parse, and with its message behind a mark in FOLDER/run."""
import pathlib
import sys


def message_of(folder):
    """That of the case, or of the nearest folder above."""
    while not (folder / "message.eml").is_file():
        folder = folder.parent
    return (folder / "message.eml").read_bytes()


def main():
    cases, out = map(pathlib.Path, sys.argv[1:])
    for script in cases.rglob("script.sieve"):
        name = "-".join(script.parent.relative_to(cases).parts)
        text = script.read_bytes()
        (out / "parse" / name).write_bytes(text)
        (out / "run" / name).write_bytes(text + b"\n%%\n" + message_of(script.parent))


main()
