#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names of folders as people of different servers write them: what a delivery does, what try says, what check warns of."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: x\n\nbody\n"
IN_INBOX = "stored in the INBOX"

# what it is about, settings, folders that are there, the name in the script, where the mail lies ("": the INBOX), a word of check's warning
ROWS = [
    ("levels by slashes", [], [], "Work/Customers", ".Work.Customers", None),
    ("levels by dots, nothing there", [], [], "Work.Customers", ".Work.Customers", None),
    ("levels by dots, the folder is there", [], [".Work.Customers"], "Work.Customers", ".Work.Customers", None),
    ("the escaped folder is there", [], [".Work\\2eCustomers"], "Work.Customers", ".Work\\2eCustomers", None),
    ("below INBOX, the folder is there", [], [".INBOX.Work"], "INBOX.Work", ".INBOX.Work", None),
    ("below INBOX, it is not", [], [".Work"], "INBOX.Work", ".Work", None),
    ("a dot beside a slash", [], [], "Lists/a.example", ".Lists.a\\2eexample", "on the disk"),
    ("the separator is a slash", ["folder_separator=/"], [], "Work.Customers", ".Work\\2eCustomers", "on the disk"),
    ("the separator is a dot", ["folder_separator=."], [], "Work/Customers", ".Work\\2fCustomers", "on the disk"),
    ("no escapes", ["folder_separator=/", "folder_escape="], [], "Work.Customers", "", "goes to the INBOX"),
    ("an empty level", [], [], "Work//Customers", "", "goes to the INBOX"),
    ("folders are not made", ["create_folders=no"], [], "Work.Customers", "", None),
    ("folders are not made, one is there", ["create_folders=no"], [".Work.Customers"], "Work.Customers", ".Work.Customers", None),
]


class Home:
    def __init__(self, folder, settings, there, name):
        self.mail = folder + "/mail/ann"
        self.script = folder + "/main.sieve"
        for box in ["", *there]:
            for part in ("new", "cur", "tmp"):
                os.makedirs(os.path.join(self.mail, box, part), exist_ok=True)
        with open(self.script, "w", encoding="utf-8") as file:
            file.write('require "fileinto";\nfileinto "%s";\n' % name.replace("\\", "\\\\"))
        self.options = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=" + self.script]
        for setting in settings:
            self.options += ["-o", setting]

    def attempt(self, folder):
        path = folder + "/message.eml"
        with open(path, "wb") as file:
            file.write(MESSAGE)
        return json.loads(tap.todoke("try", "--json", *self.options, "--rcpt", "ann@x.test", path).stdout)

    def deliver(self):
        result = tap.todoke("deliver", *self.options, "-f", "a@b.test", "-d", "ann@x.test", stdin=MESSAGE)
        tap.same(result.returncode, 0, "exit code (%r)" % result.stderr)
        found = [box for box in ["", *os.listdir(self.mail)] if os.path.isdir(os.path.join(self.mail, box, "new"))]
        return [box for box in found if os.listdir(os.path.join(self.mail, box, "new"))]


def make(row):
    about, settings, there, name, want, warning = row

    def test(folder):
        home = Home(folder, settings, there, name)
        answer = home.attempt(folder)
        checked = tap.todoke("check", "--json", *home.options, home.script)
        boxes = home.deliver()
        tap.same(boxes, [want], "where the delivery put it")
        tap.same(answer["actions"][0]["folder"], want, "what try said")
        tap.same(any(IN_INBOX in note for note in answer.get("notes", [])), want == "", "try's note")
        with open(folder + "/log", encoding="utf-8") as log:
            tap.same(IN_INBOX in log.read(), want == "", "the log")
        problems = json.loads(checked.stdout)["findings"]
        tap.same([(problem["line"], problem["code"]) for problem in problems], [(2, "folder-name")] if warning else [])
        if warning:
            tap.contains(problems[0]["text"], warning)

    test.__name__ = "test_" + about.replace(" ", "_")
    return test


def test_for_people(folder):
    home = Home(folder, [], [".INBOX.Work"], "INBOX.Work")
    with open(folder + "/m.eml", "wb") as file:
        file.write(MESSAGE)
    result = tap.todoke("try", *home.options, "--rcpt", "ann@x.test", folder + "/m.eml")
    tap.contains(result.stdout.decode(), 'm.eml -> INBOX.Work (.INBOX.Work)  ')


tap.run([make(row) for row in ROWS] + [test_for_people])
