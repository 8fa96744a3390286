#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The suites of `todoke deliver` once more, by todoke-deliver; those that make file calls fail by the build of it that has the shim."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

BUILD = os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE))
PROGRAM, WITH_SHIM = os.path.join(BUILD, "todoke-deliver"), os.path.join(BUILD, "tests/faults/todoke-deliver")
SUITES = {
    PROGRAM: ["cmd/test-deliver.py", "cmd/test-returns.py", "cmd/test-chain.py", "cmd/test-broken-script.py", "cmd/test-record.py", "cmd/test-tree.py", "cmd/test-reason.py",
              "store/test-endings.py", "store/test-one-place.py"],
    WITH_SHIM: ["cmd/test-retries.py", "store/test-outcomes.py", "faults/test-deliver-faults.sh"],
}


def run_suite(program, suite):
    """What it prints, and whether it passed."""
    if not os.path.exists(program):
        return "", "%s is not built" % os.path.relpath(program, BUILD)
    env = dict(os.environ, TODOKE=program, TODOKE_PROGRAM_DIR=BUILD, top_srcdir=tap.TOP)
    done = subprocess.run([os.path.join(tap.TOP, "tests", suite)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=BUILD, check=False)
    return "" if done.returncode == 0 else done.stdout.decode(errors="replace"), None


def main():
    print("1..%d" % sum(map(len, SUITES.values())))
    number, failed = 0, False
    for program, suites in SUITES.items():
        for suite in suites:
            number += 1
            wrong, why_not = run_suite(program, suite)
            failed = failed or wrong != ""
            print("%sok %d - %s by todoke-deliver%s" % ("not " if wrong else "", number, suite, " # SKIP " + why_not if why_not else ""), flush=True)
            for line in wrong.splitlines():
                print("# " + line)
    return failed


if __name__ == "__main__":
    sys.exit(main())
