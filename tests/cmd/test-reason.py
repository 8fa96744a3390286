#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""X-Todoke (add_reason): each stored copy says why it lies there, nobody else can say it, and nothing else changes."""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from smtp_peer import Peer

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nDate: Thu, 3 Aug 2017 00:00:00 +0900\nMessage-ID: <1@b.test>\nSubject: x\n\nbody\n"


class Home:
    def __init__(self, folder, *settings):
        self.folder = folder
        self.settings = [word for setting in ("add_reason=yes", "duplicates=off", *settings) for word in ("-o", setting)]

    def deliver(self, *words, message=MESSAGE, code=0, rcpt="ann@x.test"):
        options = ["-o", "maildir=%s/mail/%%n" % self.folder, "-o", "log_file=%s/log" % self.folder, "-o", "key_file="]
        result = tap.todoke("deliver", *options, "-f", "a@b.test", "-d", rcpt, "--queue-id", "4ABC12", *self.settings, *words, stdin=message)
        tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
        return result.stdout.decode()

    def script(self, text):
        path = self.folder + "/main.sieve"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return "-o", "sieve_scripts=" + path

    def files(self, box=""):
        paths = glob.glob(glob.escape(os.path.join(self.folder, "mail/ann", box)) + "/new/*")
        return sorted(paths, key=lambda path: os.stat(path).st_mtime_ns)

    def mails(self, box=""):
        mails = []
        for path in self.files(box):
            with open(path, "rb") as file:
                mails.append(file.read())
            sizes = re.search(r",S=(\d+),W=(\d+)", path).groups()
            tap.same(sizes, (str(len(mails[-1])), str(len(mails[-1]) + len(re.findall(rb"(?<!\r)\n", mails[-1])))), "sizes in the name")
        return mails


def reasons(mail):
    """The values of all X-Todoke lines; each is one line."""
    header = re.split(rb"\r?\n\r?\n", mail)[0]
    lines = re.findall(rb"^x-todoke[ \t]*:(.*(?:\r?\n[ \t].*)*)", header, re.M | re.I)
    return [line.strip().decode("ascii") for line in lines]


def test_off_by_default(folder):
    home = Home(folder)
    home.settings = []
    home.deliver(message=b"X-Todoke: rule=mine\n" + MESSAGE)
    tap.same(reasons(home.mails()[0]), ["rule=mine"], "and others' lines are left alone")


def test_rule_folder_and_id(folder):
    home = Home(folder)
    home.deliver(*home.script('require "fileinto";\n\nif header :is "subject" "x" {\n    fileinto "Work";\n}\n'))
    mail, = home.mails(".Work")
    tap.same(reasons(mail), ["rule=main.sieve:4 folder=Work action=fileinto id=4ABC12"])
    tap.same(mail.endswith(MESSAGE), True, "the message itself is as it came")
    home.deliver()
    tap.same(reasons(home.mails()[0]), ["folder=INBOX action=keep id=4ABC12"], "a keep that nobody wrote has no rule")


def test_each_copy_has_its_own(folder):
    home = Home(folder)
    home.deliver(*home.script('require ["fileinto", "copy", "imap4flags"];\nfileinto :copy "A";\nfileinto :copy :flags "\\\\Flagged" "B";\nkeep;\n'))
    tap.same([reasons(mail) for box in (".A", "") for mail in home.mails(box)],
             [["rule=main.sieve:2 folder=A action=fileinto id=4ABC12"], ["rule=main.sieve:4 folder=INBOX action=keep id=4ABC12"]])
    path, = glob.glob(folder + "/mail/ann/.B/cur/*")
    with open(path, "rb") as file:
        tap.same(reasons(file.read()), ["rule=main.sieve:3 folder=B action=fileinto id=4ABC12"])


def test_nobody_else_says_it(folder):
    home = Home(folder)
    forged = b"X-Todoke: rule=boss.sieve:1 folder=Trusted\nx-TODOKE: rule=a\n\tfolder=b\n"
    home.deliver(message=forged + MESSAGE)
    mail, = home.mails()
    tap.same(reasons(mail), ["folder=INBOX action=keep id=4ABC12"])
    tap.contains(mail, b"X-Foreign-Todoke: rule=boss.sieve:1 folder=Trusted\nX-Foreign-Todoke: rule=a\n\tfolder=b\n")
    tap.same(mail.index(b"X-Todoke:") < mail.index(b"X-Foreign-Todoke:"), True)


def test_values_end_no_line(folder):
    """A sender's words become a folder's name by variables: they end neither value nor line."""
    home = Home(folder)
    script = home.script('require ["fileinto", "variables", "encoded-character"];\nif header :matches "subject" "*" { fileinto "${1}"; }\n')
    home.deliver(*script, message=MESSAGE.replace(b"Subject: x", b"Subject: a=b rule=c \"q\" 100%"))
    home.deliver(*script, message=MESSAGE.replace(b"Subject: x", "Subject: 仕事".encode()).replace(b"<1@", b"<2@"))
    home.deliver(*script, message=MESSAGE.replace(b"Subject: x", b"Subject: =?utf-8?q?a=0D=0ABcc:_b=40c.test?=").replace(b"<1@", b"<3@"))
    values = sorted(reasons(mail)[0] for box in os.listdir(folder + "/mail/ann") + [""] if box.startswith(".") or not box for mail in home.mails(box))
    tap.same(len(values), 3)
    tap.contains(" | ".join(values), "folder=a%3Db%20rule%3Dc%20%22q%22%20100%25 action=fileinto")
    tap.contains(" | ".join(values), "folder=%E4%BB%95%E4%BA%8B action=fileinto")
    tap.same([value for value in values if not re.fullmatch(r"[!-~]+( [!-~]+)*", value)], [], "one line of printable ASCII")
    tap.same(any(b"\nBcc" in mail for box in os.listdir(folder + "/mail/ann") for mail in home.mails(box)), False)


def test_where_a_rule_wanted_it(folder):
    home = Home(folder, "create_folders=no")
    home.deliver(*home.script('require "fileinto";\nfileinto "Gone";\n'))
    tap.same(reasons(home.mails()[0]), ["rule=main.sieve:2 folder=INBOX wanted=Gone action=fileinto id=4ABC12"])


def test_redirected_copies_say_nothing(folder):
    home = Home(folder)
    with Peer() as peer:
        home.deliver(*home.script('require "copy";\nredirect :copy "c@d.test";\nkeep;\n'), "-o", "submit=" + peer.submit)
        tap.same([reasons(mail[2]) for mail in peer.mails], [[]])
    tap.same(reasons(home.mails()[0]), ["rule=main.sieve:3 folder=INBOX action=keep id=4ABC12"])


def test_edits_and_line_ends(folder):
    home = Home(folder)
    message = MESSAGE.replace(b"\n", b"\r\n")
    home.deliver(*home.script('require "editheader";\naddheader "X-Todoke" "rule=forged:1";\nkeep;\n'), message=message)
    mail, = home.mails()
    tap.same(reasons(mail), ["rule=main.sieve:3 folder=INBOX action=keep id=4ABC12"], "a rule cannot say it either")
    tap.same(re.findall(rb"[^\r]\n", mail), [], "line ends as the message has them")


def test_recipes(folder):
    if os.geteuid() == 0:
        return
    home = Home(folder)
    path = folder + "/procmailrc"
    with open(path, "w", encoding="utf-8") as file:
        file.write(":0 c\n%s/box\n\n:0\n%s/dir/\n" % (folder, folder))
    home.deliver("-o", "recipes=all", "-o", "recipe_files=" + path, message=b"X-Todoke: rule=a\n" + MESSAGE)
    with open(folder + "/box", "rb") as file:
        box = file.read()
    name, = os.listdir(folder + "/dir/new")
    with open(folder + "/dir/new/" + name, "rb") as file:
        maildir = file.read()
    place = folder.replace("%", "%25")
    tap.same(reasons(box.split(b"\n", 1)[1]), ["rule=procmailrc:1 folder=%s/box action=store id=4ABC12" % place])
    tap.same(reasons(maildir), ["rule=procmailrc:4 folder=%s/dir/ action=store id=4ABC12" % place])
    tap.same([text.count(b"X-Foreign-Todoke: rule=a\n") for text in (box, maildir)], [1, 1])


def test_a_retry_and_a_return_are_known(folder):
    """The line changes neither what a retry is known by nor the mark of the stored copy."""
    home = Home(folder, "hostnames=mx.x.test")
    hop = "Received: from b.test by mx.x.test (Postfix) with ESMTP id %s\n\tfor <ann@x.test>; Thu, 3 Aug 2017 00:00:0%d +0900\n"
    home.deliver(message=(hop % ("4ABC12", 0)).encode() + MESSAGE)
    home.deliver(message=(hop % ("4ABC12", 0)).encode() + MESSAGE)
    copy, = home.mails()
    said = home.deliver("--queue-id", "4ABC13", message=(hop % ("4ABC13", 5)).encode() + copy, code=75)
    tap.contains(said, "it came out of its own mailbox, and what fetched it may still delete it there, in INBOX")
    tap.same(len(home.mails()), 1, "it is here already")


def test_header_rules_and_users(folder):
    conf = folder + "/todoke.conf"
    with open(conf, "w", encoding="utf-8") as file:
        file.write('user "ann@x.test" { add_reason = yes }\nrule "lists" { header = "List-Id" match = "any" action = "file" to = "Lists" }\n')
    os.chmod(conf, 0o644)
    home = Home(folder)
    home.settings = ["-c", conf]
    home.deliver(message=b"List-Id: <l.test>\n" + MESSAGE)
    tap.same(reasons(home.mails(".Lists")[0]), ["header_rule=lists folder=Lists action=fileinto id=4ABC12"])
    home.deliver(rcpt="bob@x.test")
    path, = glob.glob(folder + "/mail/bob/new/*")
    with open(path, "rb") as file:
        tap.same(reasons(file.read()), [], "the block is for ann alone")


def test_bound_of_a_value(folder):
    """LIMIT_REASON_VALUE octets of a value, and "..." for the rest; an octet that is written as %XX is not cut in two."""
    home = Home(folder)
    most = tap.limit("REASON_VALUE")
    for name, shown in (("f" * most, "f" * most), ("f" * (most + 1), "f" * most + "..."), ("f" * (most - 2) + "%", "f" * (most - 2) + "...")):
        home.deliver(*home.script('require "fileinto";\nfileinto "%s";\n' % name))
        tap.same(reasons(home.mails("." + name)[0]), ["rule=main.sieve:2 folder=%s action=fileinto id=4ABC12" % shown])


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
