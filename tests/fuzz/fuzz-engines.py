#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The runs of fuzz-engines.sh. Input number N is what Python's generator makes of the seed N, so a number names a finding."""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

PROGRAM = "tests/fuzz/fuzz-engines"
BATCH = 100
TEST_BATCHES = 1 if os.environ.get("SANITIZERS") else 6


def write_inputs(folder, first):
    names = []
    for number in range(first, first + BATCH):
        pick = random.Random(number)
        names.append(os.path.join(folder, str(number)))
        with open(names[-1], "wb") as file:
            file.write(pick.randbytes(pick.choice((60, 150, 400, 600))))
    return names


def run(names, **variables):
    return subprocess.run([PROGRAM, *names], capture_output=True, text=True, errors="replace", timeout=300, check=False,
                          env=dict(os.environ, **variables))


def findings(names):
    """(name, what the program said) of each input that differs."""
    if run(names).returncode == 0:
        return []
    found = [(name, run([name])) for name in names]
    return [(os.path.basename(name), result.stderr) for name, result in found if result.returncode != 0]


def fuzz(seconds, number):
    ends, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        with tempfile.TemporaryDirectory() as folder:
            for name, said in findings(write_inputs(folder, number)):
                count += 1
                print("input %s\n%s" % (name, said), flush=True)
                with open("engines-%s" % name, "w", encoding="utf-8") as file:
                    file.write(said)
        number += BATCH
    print("up to input %d: %d findings" % (number, count))
    return 1 if count else 0


def test():
    print("1..%d" % (TEST_BATCHES + 1))
    good, same = True, 0
    for batch in range(TEST_BATCHES):
        with tempfile.TemporaryDirectory() as folder:
            names = write_inputs(folder, batch * BATCH)
            found = findings(names)
            told = run(names, FUZZ_ENGINES_TELL="1").stdout.splitlines() if not found else []
        same += told.count("same")
        good = good and not found
        print("%s %d - inputs %d to %d" % ("not ok" if found else "ok", batch + 1, batch * BATCH, (batch + 1) * BATCH - 1))
        for name, said in found:
            print("# input " + name)
            print("".join("# %s\n" % line for line in said.splitlines()), end="")
    # Most of them must get to the library, or nothing is compared.
    enough = same >= TEST_BATCHES * BATCH / 2
    print("%s %d - %d inputs ran through libsieve" % ("ok" if enough else "not ok", TEST_BATCHES + 1, same))
    return 0 if good and enough else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fuzz", type=float)
    parser.add_argument("first", type=int, nargs="?", default=1000)
    options = parser.parse_args()
    return test() if options.fuzz is None else fuzz(options.fuzz, options.first)


sys.exit(main())
