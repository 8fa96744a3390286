#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each LIMIT_RECIPE_* of limits.h, at the limit and one over. Those of expressions are in tests/unit/test-recipe-pattern.c too."""
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "diff"))
sys.path.insert(0, str(TOP / "tests" / "lib"))
import recipe_oracle as oracle  # noqa: E402
import tap  # noqa: E402

PROGRAM = pathlib.Path("tests/lib/recipe-case").resolve()
MAIL = b"From a@b  Mon Jan  1 00:00:00 2024\nFrom: a@b\nSubject: x\n\nbody\n"


def run(rc, message=MAIL, files=None):
    """-> (exit code, LOG lines that begin with "## ", what the program said)"""
    outcome, said = oracle.by_engine(PROGRAM, rc.encode(), message, files)
    lines = outcome.decode("latin1").split("\n")
    return lines[0].removeprefix("exit "), [line[3:] for line in lines if line.startswith("## ")], said.decode("latin1")


def refused(result, text):
    tap.same(result[0], "75", "exit code")
    tap.contains(result[2], text)


def check(folder, rc):
    path = os.path.join(folder, "rc")
    with open(path, "w", encoding="latin1") as file:
        file.write(rc)
    done = subprocess.run([PROGRAM, "--check", path], capture_output=True, timeout=60, check=False)
    return done.stdout.decode().split("\n")[:-1]


def nested(levels):
    return ":0\n{\n" * levels + "A=b\n" + "}\n" * levels


def test_blocks(folder):
    """LIMIT_RECIPE_NESTING"""
    tap.same(check(folder, nested(64)), [])
    tap.contains("\n".join(check(folder, nested(65))), "blocks are nested too deeply [nesting]")


def test_files_in_files(_folder):
    one_more = {"%d.rc" % n: b"INCLUDERC=%d.rc\n" % (n + 1) for n in range(200)}
    refused(run("INCLUDERC=0.rc\n", files=one_more), "files are included more than 128 deep")
    fits = {"%d.rc" % n: b"INCLUDERC=%d.rc\n" % (n + 1) for n in range(126)}
    fits["126.rc"] = b'LOG="## there\n"\n'
    tap.same(run("INCLUDERC=0.rc\n", files=fits)[:2], ("0", ["there"]))


def formail_code(folder, *args):
    return subprocess.run([PROGRAM, "--formail", *args], input=b"From a@b  x\nMessage-ID: <1@a>\n\n", cwd=folder, timeout=60, check=False).returncode


def test_ids_of_formail(folder):
    """LIMIT_SMALL_FILE, of the size that the call asks for and of the file that is there: 3 says that it is left to formail"""
    tap.same([formail_code(folder, "-D", size, "ids") for size in ("1048576", "1048576", "1048577", "0", "x")], [1, 0, 3, 3, 3])
    path = os.path.join(folder, "ids")
    for size, code in ((1048576, 0), (1048577, 3)):
        os.truncate(path, size)
        tap.same(formail_code(folder, "-D", "100", "ids"), code, "a file of %d octets" % size)


def clones(n):
    return ":0c\n{\n:0\n/dev/null\n}\n" * n + 'LOG="## end\n"\n'


def test_clones(_folder):
    """LIMIT_RECIPE_CLONES"""
    tap.same(run(clones(32))[:2], ("0", ["end"]))
    refused(run(clones(33)), "more than 32 blocks with 'c'")


def test_recipes_that_are_tried(_folder):
    """LIMIT_RECIPE_TRIED"""
    tap.same(run(":0\n* zork\na/\n" + ":0A\na/\n" * 99999 + 'LOG="## end\n"\n')[:2], ("0", ["end"]))
    refused(run(":0\n* zork\na/\n" + ":0A\na/\n" * 100000), "more than 100000 recipes were tried")


SIZES = ':0\n* A ?? > 1048575\n{ LOG="## full\n" }\n:0\n* A ?? > 1048576\n{ LOG="## too long\n" }\nLOG="## $PROCMAIL_OVERFLOW\n"\n'


def test_a_variable(_folder):
    """LIMIT_RECIPE_VALUE_BYTES"""
    doubled = "A=0123456789abcdef\n" + "A=$A$A\n" * 16
    tap.same(run(doubled + SIZES)[1], ["full", ""])
    tap.same(run(doubled + "A=x$A\n" + SIZES)[1], ["full", "yes"])


def test_what_a_program_prints_into_one(_folder):
    tap.same(run("A=`head -c 1048577 /dev/zero | tr '\\\\0' a`\n" + SIZES)[1], ["full", "yes"])


def test_matches_that_a_score_counts(_folder):
    """LIMIT_RECIPE_SCORE_MATCHES"""
    count = ":0B\n* 1^1 a\n{ }\nLOG=\"## $=\n\"\n"
    tap.same(run(count, b"From: b\n\n" + b"a" * 1000000 + b"\n")[1], ["1000000"])
    tap.same(run(count, b"From: b\n\n" + b"a" * 1000001 + b"\n")[1], ["1000000"])


def test_steps_of_an_expression(_folder):
    """LIMIT_RECIPE_PATTERN_STEPS"""
    expression = "(" + "a?" * 4000 + ")[b-y]"  # without a literal that rules the text out
    rc = ':0B\n* %s\n{ LOG="## matched\n" }\n:0E\n{ LOG="## not\n" }\n' % expression
    tap.same(run(rc, b"From: x\n\n" + b"a" * 1000 + b"\n")[1], ["not"])
    if tap.SANITIZED:
        return  # so many steps take minutes
    os.environ["RECIPE_TRACE"] = "yes"
    result = run(rc, b"From: x\n\n" + b"a" * 300000 + b"\n")
    tap.same(result[1], ["not"])
    tap.contains(result[2], "reached a limit: the recipe is not tried")


def test_problems_of_a_file(folder):
    """LIMIT_RECIPE_PROBLEMS"""
    tap.same(len(check(folder, ":0z\na/\n" * 99)), 99)
    tap.same(len(check(folder, ":0z\na/\n" * 101)), 100)


def test_a_message(_folder):
    """LIMIT_RECIPE_MESSAGE_BYTES"""
    with open("/proc/meminfo", encoding="ascii") as info:
        available = int(next(line for line in info if line.startswith("MemAvailable")).split()[1])
    if available < 3 * 1024 * 1024:
        raise tap.Skip("it takes 3 GB of memory")
    body = bytes(256 * 1024 * 1024)
    refused(run("A=b\n", b"From: x\n\n" + body + b"x"), "too big for recipes")
    tap.same(run("", b"From: x\n\n" + body + b"x")[0], "0", "a file without a rule has only DEFAULT to offer")


tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_") and callable(test)])
