#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""refilter beside Dovecot: an IMAP session has the folders open while mail is moved, and sees one message go and one come."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import tap

IMAP = "/usr/lib/dovecot/imap"
SCRIPT = 'require "fileinto";\nif header :contains "Subject" "list" { fileinto "Lists"; }\n'


class Session:
    """A client that has logged in already. Dovecot 2.4 forgets who it is without -k."""

    def __init__(self, folder):
        if not os.access(IMAP, os.X_OK) or shutil.which("doveadm") is None:
            raise tap.Skip("no Dovecot here")
        self.number = 0
        conf = folder + "/dovecot.conf"
        with open(conf, "w", encoding="utf-8") as file:
            file.write(dovecot_conf.head() + "base_dir = %s/run\nlog_path = %s/dovecot.log\nssl = no\nprotocols = imap\n" % (folder, folder)
                       + ("" if dovecot_conf.IS_NEW else "stats_writer_socket_path =\n") + dovecot_conf.maildir(folder + "/mail/me"))
        env = dict(os.environ, HOME=folder, USER=pwd.getpwuid(os.geteuid()).pw_name)
        self.process = subprocess.Popen([IMAP, "-k", "-c", conf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        hello = self.process.stdout.readline()
        if b"PREAUTH" not in hello:
            raise tap.Skip("imap does not start here: %r" % hello)

    def ask(self, command):
        """The lines of the answer."""
        self.number += 1
        tag = b"t%d" % self.number
        self.process.stdin.write(tag + b" " + command.encode() + b"\r\n")
        self.process.stdin.flush()
        lines = []
        while not lines or not lines[-1].startswith(tag + b" "):
            line = self.process.stdout.readline()
            if line == b"":
                raise AssertionError("the session ended after %r" % lines)
            lines.append(line)
        if b" OK" not in lines[-1]:
            raise AssertionError("%s: %r" % (command, lines))
        return [line.decode() for line in lines[:-1]]

    def fetch(self):
        """{Message-ID: [(flags, size)]} of the folder."""
        found = {}
        for line in "".join(self.ask("FETCH 1:* (FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")).split("* ")[1:]:
            if "FETCH" not in line:
                continue
            flags = frozenset(re.search(r"FLAGS \(([^)]*)\)", line).group(1).split()) - {"\\Recent"}
            found.setdefault(re.search("<(.*?)>", line).group(1), []).append((flags, int(re.search(r"SIZE (\d+)", line).group(1))))
        return found

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Mailbox:
    def __init__(self, folder, count):
        self.folder, self.maildir, self.expected = folder, folder + "/mail/me", {}
        for name in ("", ".Lists"):
            for place in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(self.maildir, name, place))
        with open(folder + "/x.sieve", "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        for number in range(count):
            self.add(number)
        self.options = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "users=virtual", "-o", "log_file=%s/log" % folder,
                        "-d", "me@example1.jp"]

    def add(self, number):
        subject = "list" if number % 2 == 0 else "other"
        text = "From: a@example.org\nSubject: %s %d\nMessage-ID: <%d@example.org>\n\nText %d.\n" % (subject, number, number, number)
        size = len(text) + text.count("\n")
        letters = ("", "S", "RS", "F")[number % 4]
        name = "%d.M1P1.host,S=%d,W=%d" % (1700000000 + number, len(text), size)
        path = "/new/" + name if number % 5 == 0 else "/cur/%s:2,%s" % (name, letters)
        flags = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged"}
        with open(self.maildir + path, "w", encoding="ascii") as file:
            file.write(text)
        self.expected["%d@example.org" % number] = (frozenset(flags[letter] for letter in (letters if "/cur/" in path else "")), size)

    def refilter(self, *args):
        return tap.todoke("refilter", *self.options, *args)


def split(mailbox):
    lists = {key: value for key, value in mailbox.expected.items() if int(key.split("@", maxsplit=1)[0]) % 2 == 0}
    return lists, {key: value for key, value in mailbox.expected.items() if key not in lists}


def as_found(expected):
    return {key: [value] for key, value in expected.items()}


def test_a_session_has_the_folders_open(folder):
    mailbox = Mailbox(folder, 40)
    inbox, lists = Session(folder), Session(folder)
    try:
        inbox.ask("SELECT INBOX")
        lists.ask("SELECT Lists")
        inbox.ask('STORE 1:6 +FLAGS ($Label1 Work)')
        before = inbox.fetch()
        tap.same(len(before), 40)
        mailbox.expected = {key: value[0] for key, value in before.items()}
        tap.same(sum("$Label1" in value[0] for value in mailbox.expected.values()), 6)
        tap.same(mailbox.refilter("--apply", "INBOX").returncode, 0)
        moved, kept = split(mailbox)
        gone = inbox.ask("NOOP")
        tap.same(sum("EXPUNGE" in line for line in gone), 20)
        tap.same(inbox.fetch(), as_found(kept))
        come = lists.ask("NOOP")
        tap.same([line for line in come if "EXISTS" in line], ["* 20 EXISTS\r\n"])
        tap.same(lists.fetch(), as_found(moved), "keywords and flags are those that the messages had")
        # A client that goes on with keywords must not give a letter twice.
        lists.ask("STORE 1 +FLAGS (Later)")
        tap.same(mailbox.refilter("--undo", "last").returncode, 0)
        lists.ask("NOOP")
        inbox.ask("NOOP")
        tap.same(lists.ask("STATUS INBOX (MESSAGES)")[0].split()[-1], "40)")
        now = inbox.fetch()
        tap.same(sum(len(value) for value in now.values()), 40)
        tap.same({key: [(value[0][0] - {"Later"}, value[0][1])] for key, value in now.items()}, as_found(mailbox.expected))
        tap.same(sum("Later" in value[0][0] for value in now.values()), 1)
    finally:
        inbox.end(), lists.end()
    if os.path.exists(folder + "/dovecot.log"):
        with open(folder + "/dovecot.log", encoding="utf-8") as file:
            tap.same([line for line in file if "Error" in line or "duplicate" in line.lower()], [])


def test_a_client_sets_flags_meanwhile(folder):
    """Each flag is a rename by Dovecot, under the name of which refilter has heard before."""
    count = 60 if tap.SANITIZED else 300
    mailbox = Mailbox(folder, count)
    inbox, lists = Session(folder), Session(folder)
    ended, faults = threading.Event(), []

    def flag():
        number = 0
        try:
            while not ended.is_set():
                number += 1
                inbox.ask("STORE 1:* %sFLAGS.SILENT (\\Flagged Busy)" % ("+" if number % 2 else "-"))
        except AssertionError as fault:
            faults.append(fault)

    try:
        inbox.ask("SELECT INBOX")
        lists.ask("SELECT Lists")
        thread = threading.Thread(target=flag)
        thread.start()
        try:
            for _ in range(20):
                mailbox.refilter("--apply", "INBOX")
                lists.ask("NOOP")
        finally:
            ended.set()
            thread.join()
        tap.same(faults, [])
        mailbox.refilter("--apply", "INBOX")
        inbox.ask("NOOP")
        lists.ask("NOOP")
        there, here = lists.fetch(), inbox.fetch()
        tap.same(sorted(there), sorted(split(mailbox)[0]), "all that belongs there")
        tap.same({len(value) for value in list(there.values()) + list(here.values())}, {1}, "and each once")
        tap.same(sorted(list(there) + list(here)), sorted(mailbox.expected))
    finally:
        inbox.end(), lists.end()


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
