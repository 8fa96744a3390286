#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the seed corpus of fuzz-lmtp from tests/cases/lmtp: seed-lmtp.py CASES CORPUS."""
import pathlib
import re
import sys


def octets(text):
    def one(match):
        code = match.group(1)
        return {"r": "\r", "n": "\n"}.get(code) or (chr(int(code[1:], 16)) if len(code) > 1 else code)
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text).encode("utf-8" if any(ord(c) > 255 for c in text) else "latin-1")


def main(cases, corpus):
    corpus.mkdir(parents=True, exist_ok=True)
    for case in sorted(cases.glob("*.txt")):
        said, trusted, limited = b"", 0, 0
        for line in case.read_text(encoding="utf-8").split("\n"):
            kind, _, text = line.partition(": ")
            trusted |= line == "O: trusted"
            limited |= line.startswith("O: size")
            if kind[:1] in ("C", "c") and kind[1:2] in ("", "*"):
                times = min(int(kind[2:] or 1), 30)
                said += (octets(text[:300]) + (b"\r\n" if kind[0] == "C" else b"")) * times
        (corpus / case.stem).write_bytes(bytes([6, trusted | limited << 1]) + said[:8000])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
