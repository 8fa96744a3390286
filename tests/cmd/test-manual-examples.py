#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples of the manual pages: what stands behind "$" is typed, and prints what the page shows.

Lines behind "#" are root's: tests/docs/pages holds their options against the tables. In what a page shows, a line of three dots is any
number of lines, three dots within a line are any text. A command without output below it only has to succeed.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import manual_site
import tap

# Commands that are meant to find something.
FINDS = {
    "todoke check bad.sieve": 1,
    "todoke check -o state=redis:/run/redis-mail/redis.sock": 1,
    "todoke check -d taro@example.jp": (0, 1),  # todoke-trust(7) has let others write to the script
    "todoke deliver -o no_such=1 -f anna@client.example -d taro@example.jp < mail.eml": 75,
    "todoke try -d taro@example.jp looped.eml": 1,
    "todoke try -d taro@example.jp -o quota=site -o quota_bytes=100 mail.eml": 1,
}
# What begins a line of root's; other lines that begin with # are a comment that was printed.
ROOT_TYPES = ("todoke", "postconf", "postfix", "doveconf", "chown", "systemctl", "apt", "chmod")
# What not every machine and build has: how a command names it, and whether it is here.
NEEDS = {
    "jq": (r"\bjq\b", lambda: shutil.which("jq") is not None),
    "libhiredis": (r"\bstate=redis:", lambda: os.path.exists(os.path.join(os.environ.get("TODOKE_MODULE_DIR", ""), "todoke-state-redis.so"))),
}


def examples(path):
    """(command, lines that it prints) of a page's EXAMPLES."""
    with open(path, encoding="utf-8") as file:
        found = re.search(r"^\.SH (?:EXAMPLES|例)\n(.*?)(?=^\.SH |\Z)", file.read(), flags=re.M | re.S)
    commands = []
    for block in manual_site.blocks(found[1] if found else ""):
        for line in block.splitlines():
            if line.startswith("$ ") or line.startswith("# ") and line.split()[1] in ROOT_TYPES:
                commands.append((line, []))
            elif commands:
                commands[-1][1].append(line)
    return [(line[2:], shown) for line, shown in commands if line.startswith("$ ")]


def matches(shown, printed):
    """Do the lines fit, three dots for anything?"""
    pattern = ""
    for line in shown:
        pattern += r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in printed.splitlines())) is not None


def missing_for(command):
    return [name for name, (pattern, is_here) in NEEDS.items() if re.search(pattern, command) and not is_here()]


def run_page(path, folder):
    """All that this machine can run; what it cannot is a skip that names it."""
    env = manual_site.lay_out(folder)
    left_out = []
    for command, shown in examples(path):
        missing = missing_for(command)
        if missing:
            left_out.append("%s, as there is no %s" % (command, " and no ".join(missing)))
            continue
        result = subprocess.run(["sh", "-c", command], cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, timeout=tap.PATIENCE)
        told = "%s\nstdout: %s\nstderr: %s" % (command, result.stdout.decode(), result.stderr.decode())
        wanted = FINDS.get(command, 0)
        tap.same(result.returncode in wanted if isinstance(wanted, tuple) else result.returncode == wanted, True, told)
        if shown and not matches(shown, result.stdout.decode()):
            raise AssertionError("%s\nthe page shows:\n%s" % (told, "\n".join(shown)))
    if left_out:
        raise tap.Skip("all but: " + "; ".join(left_out))


def make_test(path):
    def test(folder):
        run_page(path, folder)
    name = os.path.relpath(path, os.path.join(tap.TOP, "agent", "man"))
    test.__name__ = "test_" + re.sub(r"\W", "_", name)
    return test


def test_a_page_that_shows_something_else_fails(_):
    """What all tests here rest on."""
    tap.same(matches(["a", "...", "d"], "a\nb\nc\nd\n"), True)
    tap.same(matches(["a ... c"], "a b c\n"), True)
    for shown in (["a"], ["a", "..."], ["...", "c"], ["a", "b"], []):
        tap.same(matches(shown, "x\n"), False, shown)
    tap.same(matches(["a", "b"], "a\nb\nc\n"), False)


pages = [path for path in sorted(glob.glob(os.path.join(tap.TOP, "agent", "man", "**", "*.[1-9]"), recursive=True)) if examples(path)]
tap.run([make_test(path) for path in pages] + [test_a_page_that_shows_something_else_fails])
