#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke-sieve(7), EXTENSIONS: each capability has a script there, and that script does what the page says."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from manual_site import blocks, plain

PAGE = os.path.join(tap.TOP, "agent", "man", "todoke-sieve.7")
# what scripts may use without asking for it
BUILT_IN = ("comparator-i;octet", "comparator-i;ascii-casemap")


def read_page():
    """-> message, settings, and (names, script, outcome) of each entry."""
    with open(PAGE, encoding="utf-8") as file:
        section = re.search(r"^\.SH EXTENSIONS\n(.*?)^\.SH ", file.read(), flags=re.M | re.S)[1]
    head, *entries = section.split("\n.TP\n")
    message, settings = blocks(head)
    found = []
    for entry in entries:
        (script,) = blocks(entry)
        script, outcome = script.split("# -> ")
        found.append((re.findall(r"\\fB(.*?)\\fP", plain(entry.split("\n")[0]).replace("\\fP", "\\fP")), script, outcome.strip()))
    return message.replace("\n    ", "\n\t"), settings, found


def outcome(answer):
    words = []
    for action in answer["actions"]:
        place = action.get("mailbox") if action["action"] == "fileinto" else action.get("address") or " ".join(action.get("recipients", ())) or action.get("program")
        words.append(" ".join([action["action"], *([place] if place else []), *action.get("flags", ())]))
    return " + ".join(words)


def make_test(names, script, wanted):
    def test(folder):
        message, settings, _ = read_page()
        os.makedirs(os.path.join(folder, "scripts"))
        for name, text in (("mail.eml", message), ("todoke.conf", settings), ("main.sieve", script), ("customers.list", "anna@client.example\n"),
                           ("scripts/customers.sieve", 'require "fileinto";\nfileinto "Customers";\n')):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        required = " ".join(re.findall(r"^require (.*)$", script, flags=re.M))
        for name in names:
            tap.same(name in BUILT_IN or '"%s"' % name in required, True, "the script of %s requires it" % name)
        result = tap.todoke("try", "--json", "-c", "todoke.conf", "-s", "main.sieve", "--personal", "scripts", "-f", "anna@client.example",
                            "-d", "taro+shop@example.jp", "--now", "2026-11-30T10:00:00Z", "mail.eml", cwd=folder)
        tap.same(result.stderr, b"")
        tap.same(outcome(json.loads(result.stdout)), wanted, ", ".join(names))
    test.__name__ = "test_" + re.sub(r"\W", "_", names[0])
    return test


def test_each_extension_has_its_example(_):
    known = json.loads(tap.todoke("version", "--json").stdout)["sieve_extensions"]
    wanted = sorted(row["name"] for row in known if not row["for_tests"])
    # spamtestplus is a capability of its own, with the same test
    tap.same(sorted(name for names, _, _ in read_page()[2] for name in names), wanted)


tap.run([make_test(*entry) for entry in read_page()[2]] + [test_each_extension_has_its_example])
