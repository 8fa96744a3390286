#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke-migrate(7): each idiom of another program and the Sieve rules beside it put the page's message into the same places.

procmail, maildrop and fdm themselves run their idioms where they are installed, and `todoke convert` writes Sieve rules of them that do
the same again; settings of Dovecot are converted.
"""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from manual_site import blocks, plain

PAGE = os.path.join(tap.TOP, "agent", "man", "todoke-migrate.7")
COMMANDS = {
    "procmail": lambda rules: ["procmail", "-m", rules],
    "maildrop": lambda rules: ["maildrop", rules],
    "fdm": lambda rules: ["fdm", "-f", rules, "-a", "stdin", "fetch"],
}


def read(title):
    """-> what stands above the idioms of a program, and (title, old, new) of each."""
    with open(PAGE, encoding="utf-8") as file:
        section = re.search(r"^\.SS %s\n(.*?)^\.SH " % title, file.read(), flags=re.M | re.S)[1]
    head, *entries = re.split(r"^\.TP\n", section, flags=re.M)
    return "".join(blocks(head)), [(re.sub(r"\\f[BP]", "", plain(entry.split("\n")[0])), *blocks(entry)) for entry in entries]


def message():
    with open(PAGE, encoding="utf-8") as file:
        return blocks(file.read())[0]


def lay_out(folder):
    maildir = os.path.join(folder, "Maildir")
    for name in ("", ".Customers", ".Copies", ".Invoices", ".Invoices.May", ".Work", ".Found", ".Personal", ".Lunch", ".Rest", ".Archive"):
        for place in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(maildir, name, place), 0o700)
    return maildir


def found(maildir):
    """The places that have the mail, in the words of the page."""
    places = set()
    for path in tap.files_below(maildir):
        folder = os.path.dirname(os.path.dirname(os.path.relpath(os.path.join(maildir, path), maildir)))
        places.add("keep" if folder == "" else "fileinto " + folder[1:].replace(".", "/"))
    return places


def by_sieve(folder, script):
    for name, text in (("main.sieve", script), ("mail.eml", message()), ("site.conf", "")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    result = tap.todoke("try", "--json", "-c", "site.conf", "--script", "main.sieve", "-f", "anna@client.example", "-d", "taro@example.jp", "mail.eml", cwd=folder)
    tap.same(result.stderr, b"")
    return {" ".join([action["action"], *(action[key] for key in ("mailbox", "address") if key in action and action["action"] != "keep")])
            for action in json.loads(result.stdout)["actions"]}


def by_program(program, folder, rules):
    """Where the program puts it. maildrop and fdm know the home of the account alone, so the folder is written out."""
    maildir = lay_out(folder)
    path = os.path.join(folder, "rules")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(rules.replace("$HOME", folder).replace("%h", folder))
    result = subprocess.run(COMMANDS[program](path), input=message().encode(), capture_output=True, env={**os.environ, "HOME": folder}, timeout=tap.PATIENCE, check=False)
    tap.same(result.returncode, 0, result.stderr + result.stdout)
    return found(maildir)


def by_conversion(program, folder, rules):
    """What the script does that `todoke convert` makes of the rules."""
    path = os.path.join(folder, "to-convert")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rules)
    made = tap.todoke("convert", program, path, env={"HOME": folder})
    tap.same((made.returncode, made.stderr), (0, b""), made.stdout)
    return {"keep" if place == "fileinto INBOX" else place for place in by_sieve(folder, made.stdout.decode())}


def make_test(program, head, title, old, new):
    def test(folder):
        script, outcome = new.split("# -> ")
        wanted = set(outcome.strip().split(" + "))
        tap.same(by_sieve(folder, script), wanted, "Sieve")
        tap.same(by_conversion(program, folder, head + old), wanted, "todoke convert " + program)
    test.__name__ = "test_" + re.sub(r"\W+", "_", program + "_" + title)
    return test


def make_program_test(program, head, title, old, new):
    wanted = set(new.split("# -> ")[1].strip().split(" + "))

    def test(folder):
        if any(place.startswith("redirect") for place in wanted):
            raise tap.Skip("nothing may leave this host in a test")
        if not shutil.which(program):
            raise tap.Skip(program + " is not installed")
        tap.same(by_program(program, folder, head + old), wanted - {"discard"}, program)
    test.__name__ = "test_" + re.sub(r"\W+", "_", "%s_itself_%s" % (program, title))
    return test


def make_dovecot_test(title, old, new):
    def test(folder):
        with open(os.path.join(folder, "dovecot.txt"), "w", encoding="utf-8") as file:
            file.write("# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\n" + old)
        printed = tap.todoke("convert", "dovecot", "dovecot.txt", cwd=folder).stdout.decode().splitlines()
        tap.same([line for line in new.splitlines() if line not in printed], [], "lines that it does not print:\n" + "\n".join(printed))
    test.__name__ = "test_" + re.sub(r"\W+", "_", "dovecot_" + title)
    return test


tests = []
for program in COMMANDS:
    head, idioms = read("Idioms of " + program)
    tests += [make(program, head, *idiom) for idiom in idioms for make in (make_test, make_program_test)]
tests += [make_dovecot_test(*idiom) for idiom in read("Settings of Dovecot")[1]]
tap.run(tests)
