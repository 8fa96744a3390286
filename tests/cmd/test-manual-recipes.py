#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke-recipes(7), THE LANGUAGE: each form has recipes there, and they do with the page's message what the page says."""

import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from manual_site import blocks, plain

PAGE = os.path.join(tap.TOP, "agent", "man", "todoke-recipes.7")
# `try` runs no program: recipes that depend on one are delivered
RUNS = re.compile(r"^\* \?|^\| formail", flags=re.M)


def read_page():
    """-> message, head of the rc file, customers.rc, and (form, recipes, outcome) of each entry."""
    with open(PAGE, encoding="utf-8") as file:
        section = re.search(r'^\.SH "THE LANGUAGE"\n(.*?)^\.SH ', file.read(), flags=re.M | re.S)[1]
    head, *entries = re.split(r"^\.TP\n", section, flags=re.M)
    found = []
    for entry in entries:
        (recipes,) = blocks(entry)
        recipes, outcome = recipes.split("# -> ")
        found.append((plain(entry.split("\n")[0]), recipes, outcome.strip()))
    return (*blocks(head), found)


def name_of(action, maildir):
    if action["action"] == "keep":
        return "INBOX"
    if action["action"] == "store":
        below = os.path.relpath(action["mailbox"], maildir)
        return "INBOX" if below == "." else below + ("/" if action["mailbox"].endswith("/") else "")
    if action["action"] == "redirect":
        return "redirect " + action["address"]
    return " ".join([action["action"], action["program"], *action["arguments"]])


def delivered(maildir):
    """The Maildirs that have a mail."""
    places = {os.path.relpath(os.path.join(maildir, path), maildir) for path in tap.files_below(maildir)}
    return " + ".join(sorted(place.split("/")[0] + "/" for place in places if re.search(r"/(new|cur)/", place)))


def make_test(form, recipes, wanted):
    def test(folder):
        if "formail" in recipes and not shutil.which("formail"):
            raise tap.Skip("formail is not installed")
        message, head, customers, _ = read_page()
        maildir = os.path.join(folder, "Maildir")
        for place in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(maildir, place))
        for name, text in (("mail.eml", message), ("site.conf", ""), ("Maildir/customers.rc", customers), ("rc", head.replace("$HOME", folder) + recipes)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        account = ("-f", "anna@client.example", "-d", "taro@example.jp", "-c", "site.conf", "-o", "users=virtual", "-o", "maildir=" + maildir, "-o", "tree_memory=",
                   "-o", f"early_record_folder={folder}/early", "-o", f"log_file={folder}/log")
        if RUNS.search(recipes):
            result = tap.todoke("deliver", "--recipes", "rc", *account, cwd=folder, stdin=message.encode())
            tap.same((result.returncode, delivered(maildir)), (0, wanted), result.stdout)
            return
        result = tap.todoke("try", "--json", "--recipes", "rc", *account, "mail.eml", cwd=folder)
        tap.same(result.stderr, b"")
        answer = json.loads(result.stdout)
        tap.same("refused" if answer["status"].startswith("5") else " + ".join(name_of(action, maildir) for action in answer["actions"]), wanted, form)
    test.__name__ = "test_" + re.sub(r"\W+", "_", re.sub(r"\\f[BP]", "", form)).strip("_")
    return test


def test_recipes_are_tried_as_the_page_shows(folder):
    """TRYING RECIPES: its rc file and the command below it, with the message of THE LANGUAGE."""
    with open(PAGE, encoding="utf-8") as file:
        (shown,) = blocks(re.search(r'^\.SH "TRYING RECIPES"\n(.*?)^\.SH ', file.read(), flags=re.M | re.S)[1])
    recipes, wanted = re.fullmatch(r"\$ cat rc\n(.*?)\$ todoke try --recipes rc mail.eml\n(.*)", shown, flags=re.S).groups()
    home = os.path.join(folder, "home")
    for place in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(home, "Maildir", place))
    for name, text in (("mail.eml", read_page()[0]), ("site.conf", ""), ("rc", recipes.replace("$HOME", home))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    result = tap.todoke("try", "--recipes", "rc", "-d", "taro@example.jp", "-c", "site.conf", "-o", "users=virtual", "-o", f"maildir={home}/Maildir", "-o", "tree_memory=",
                        "-o", f"early_record_folder={folder}/early", "mail.eml", cwd=folder)
    tap.same(result.stdout.decode().replace(home, "/home/taro").replace(folder + "/", ""), wanted)


def test_there_are_entries(_):
    tap.same(len(read_page()[3]) > 25, True)


# Two forms may have the same letters: number them.
tests = [make_test(*entry) for entry in read_page()[3]]
for number, test in enumerate(tests, 1):
    test.__name__ = "%s_%d" % (test.__name__, number)
tap.run(tests + [test_there_are_entries])
