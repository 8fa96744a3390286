#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The cases of Sieve by both engines: what libsieve takes must come to the same plan, what it does not take is refused with a
reason, and the few other differences stand in engine-differences, each with its reason."""
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
CASES = TOP / "tests/cases/sieve"
CASE = "./tests/lib/sieve-case"
PROGRAM = pathlib.Path(os.environ.get("TODOKE_PROGRAM_DIR", "."), "todoke-libsieve")
LIBSIEVE = ("set: sieve_engine=libsieve", "set: libsieve_refused=error")
# With sanitizers each fourth case: all take two minutes then.
EACH = 4 if os.environ.get("SANITIZERS") else 1
# Who makes the subset smaller must know it.
AT_LEAST = 190 // EACH - 10 * (EACH > 1)


def run(folder, *lines):
    call = [CASE, str(folder), *lines, "trace: -1"]
    return subprocess.run(call, capture_output=True, text=True, errors="replace", timeout=60, check=True).stdout


def read_differences():
    """name -> reason"""
    text = (TOP / "tests/cases/engine-differences").read_text(encoding="utf-8")
    return dict(line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def refusals(outcome):
    return [line.split("libsieve-refused: ", 1)[1] for line in outcome.splitlines() if "libsieve-refused: " in line]


def judge(name, differences):
    """(good, how)"""
    native, caged = run(CASES / name), run(CASES / name, *LIBSIEVE)
    refused = refusals(caged)
    if refused:
        return True, "refused: " + refused[0]
    if native == caged:
        return name not in differences, "" if name not in differences else "listed as a difference, and there is none"
    if name in differences:
        return True, "differs: " + differences[name]
    sys.stdout.writelines("# %s %s\n" % (who, line) for who, text in (("native  ", native), ("libsieve", caged)) for line in text.splitlines())
    return False, "the engines differ"


def main():
    if not PROGRAM.exists():
        print("1..0 # SKIP built without libsieve")
        return 0
    differences = read_differences()
    names = sorted(folder.name for folder in CASES.iterdir() if (folder / "script.sieve").exists())[::EACH]
    print("1..%d" % (len(names) + 1))
    same, all_good = 0, True
    for number, name in enumerate(names, 1):
        good, how = judge(name, differences)
        same += good and not how
        all_good = all_good and good
        print("%s %d - %s%s" % ("ok" if good else "not ok", number, name, " (%s)" % how.replace("#", "") if how else ""), flush=True)
    print("%s %d - %d cases ran through libsieve, %d must" % ("ok" if same >= AT_LEAST else "not ok", len(names) + 1, same, AT_LEAST))
    return 0 if all_good and same >= AT_LEAST else 1


sys.exit(main())
