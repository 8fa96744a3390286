#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cookbook: each task does by Sieve, and by procmail's recipes where they can, what its page says."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

COOKBOOK = os.path.join(tap.TOP, "tests", "cookbook")
NOW = "2026-11-30T14:00:00Z"


def read_task(name):
    """-> sections by name."""
    sections = {"": []}
    current = sections[""]
    with open(os.path.join(COOKBOOK, name), encoding="utf-8") as file:
        for line in file:
            if line.startswith("== "):
                current = sections.setdefault(line[3:].strip(), [])
            else:
                current.append(line)
    return {title: "".join(lines) for title, lines in sections.items()}


def name_of(action, maildir):
    """One action in the words of the cookbook."""
    kind, flags = action["action"], "".join(" " + flag for flag in action.get("flags", ()))
    if kind == "keep":
        return "INBOX" + flags
    if kind == "fileinto":
        return action["mailbox"] + flags
    if kind == "store":
        return "INBOX" if action["mailbox"].rstrip("/") == maildir else os.path.relpath(action["mailbox"], maildir) + "/"
    if kind == "redirect":
        return "redirect " + action["address"]
    if kind == "vacation":
        return "vacation " + " ".join(action["recipients"])
    return kind


def outcome(answer, maildir):
    if answer["status"].startswith("5"):
        return "refused"
    return " + ".join(name_of(action, maildir) for action in answer["actions"])


def try_rules(folder, option, rules, task):
    """-> what becomes of the mail, and what `try` prints first: all that stands before its answer."""
    maildir = os.path.join(folder, "Maildir")
    for place in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, place), exist_ok=True)
    # a procmail user's folders lie beside the INBOX, and DEFAULT is it
    rules = rules if option == "--script" else f"MAILDIR={maildir}\nDEFAULT={maildir}/\n{rules}"
    for name, text in (("main.sieve", rules), ("mail.eml", task["mail"])):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(os.path.join(folder, "main.sieve"), 0o644)

    def run(*more):
        result = tap.todoke("try", *more, "--now", NOW, "-f", "ann@example.org", "-d", task.get("to", "taro@example.jp").strip(), "-o", f"maildir={maildir}",
                            option, "main.sieve", "mail.eml", cwd=folder)
        tap.same(result.stderr, b"")
        return result.stdout.decode()

    return outcome(json.loads(run("--json")), maildir), run().split("answer: ", 1)[0]


def make_test(name):
    def test(folder):
        task = read_task(name)
        wanted = dict(line.split(": ", 1) for line in task["becomes"].splitlines())
        becomes, printed = try_rules(folder, "--script", task["sieve"], task)
        tap.same(becomes, wanted["sieve"], "sieve")
        tap.same(printed, task["prints"], "what `try` prints")
        if "recipes" in wanted:
            tap.same(try_rules(folder, "--recipes", task["recipes"], task)[0], wanted["recipes"], "recipes")
    test.__name__ = "test_" + name.replace("-", "_")
    return test


def test_the_manual_page(folder):
    """todoke-cookbook(7) says what the files here say."""
    result = subprocess.run([sys.executable, os.path.join(tap.TOP, "conf", "document-cookbook.py"), "--check"], capture_output=True)
    tap.same((result.returncode, result.stderr), (0, b""))


tap.run([make_test(name) for name in sorted(os.listdir(COOKBOOK))] + [test_the_manual_page])
