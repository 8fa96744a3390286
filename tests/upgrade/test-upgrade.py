#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What version 0.1 left goes on: configuration, tree, keys, state, and the tries that it died at. make-left-behind made the archive."""

import importlib.machinery
import importlib.util
import json
import os
import pwd
import sqlite3
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tap

loader = importlib.machinery.SourceFileLoader("left_behind", os.path.join(HERE, "make-left-behind"))
left_behind = importlib.util.module_from_spec(importlib.util.spec_from_loader("left_behind", loader))
sys.dont_write_bytecode = True
loader.exec_module(left_behind)

BOX = "mail/d.test/ann"
NAME = "0.1.tgz"


class Upgraded:
    """The archive in a folder of its own, as if it had been left a moment ago."""

    def __init__(self, folder):
        self.folder = folder
        with tarfile.open(os.path.join(HERE, NAME)) as tar:
            tar.extractall(folder)
        with open(self.path("todoke.conf.in"), encoding="utf-8") as conf, open(self.path("todoke.conf"), "w", encoding="utf-8") as done:
            done.write(conf.read().replace("@FOLDER@", folder))
        self.make_fresh()
        self.before = self.stored()
        self.sink = left_behind.Sink()
        self.user = {}
        if os.geteuid() == 0:  # the mail is nobody's, and nobody takes it
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chmod(folder, 0o755)
            for at, folders, files in os.walk(folder):
                for name in [".", *folders, *files]:
                    os.chown(os.path.join(at, name), nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            os.chown(self.path("todoke.conf"), 0, 0)
            os.chown(folder, 0, 0)
            with open(self.path("log"), "wb"):
                os.chown(self.path("log"), nobody.pw_uid, nobody.pw_gid)

    def make_fresh(self):
        now = time.time()
        for at, folders, files in os.walk(self.folder):
            for name in folders + files:
                os.utime(os.path.join(at, name), (now, now), follow_symlinks=False)
        with sqlite3.connect(self.path("state/state.db")) as state:
            state.execute("UPDATE item SET until = ? WHERE kind < 3", (int(now) + 7 * 86400,))

    def path(self, below):
        return os.path.join(self.folder, below)

    def stored(self, below=""):
        root = os.path.join(self.folder, BOX, below)
        return [path for path in tap.files_below(root) if path.split(os.sep)[-2:-1] in (["new"], ["cur"])]

    def deliver(self, subject, number, *more):
        env = dict(os.environ, LC_ALL="C.UTF-8")
        env.pop("TODOKE_CONF", None)
        command = [tap.TODOKE, "deliver", "-c", "todoke.conf", "-o", "submit=smtp:127.0.0.1:%d" % self.sink.server_address[1], "-f", "a@example.org",
                   "-d", "ann@d.test", "--queue-id", "4ABC%d" % number, *more]
        done = subprocess.run(command, cwd=self.folder, input=left_behind.message(subject, number), env=env, capture_output=True, check=False,
                              timeout=tap.PATIENCE, **self.user)
        with open(self.path("log"), encoding="utf-8") as log:
            tap.same(done.returncode, 0, done.stdout.decode() + log.read())
        return done.stdout.decode()


def test_configuration_is_read(folder):
    box = Upgraded(folder)
    done = tap.todoke("config", "--json", "-c", box.path("todoke.conf"))
    tap.same(done.returncode, 0, done.stderr)
    for text in ('"@FOLDER@/mail/%d/%n"'.replace("@FOLDER@", folder), "./main.sieve", '"+-"'):
        tap.contains(done.stdout.decode(), text, "config")


def test_keys_are_read(folder):
    box = Upgraded(folder)
    done = tap.todoke("key", "-c", box.path("todoke.conf"))
    tap.same(done.returncode, 0, done.stdout + done.stderr)
    with open(box.path("key"), encoding="ascii") as key:
        known = key.read().splitlines()[-1].split()[0]
    tap.contains(done.stdout.decode() + done.stderr.decode(), "1 key", known)


def test_marks_of_stored_mail_verify(folder):
    """Mail that 0.1 stored comes back by a fetcher: its mark (v=1) is proof until it is too old, and the mail is delivered, for v=1 says nothing of the body."""
    box = Upgraded(folder)
    (left,) = [path for path in box.before if path.startswith("new/") and b"Subject: plain" in open(box.path(os.path.join(BOX, path)), "rb").read()]
    with open(box.path(os.path.join(BOX, left)), "rb") as file:
        stored = file.read()
    tap.contains(stored, b"X-Todoke-Mark: v=1; k=")
    again = b"Received: from localhost by mx.test (Postfix) with ESMTP id 4ABC41; Sun, 29 Nov 2026 02:13:00 +0000\n" + stored
    for now, key, wanted in (("2026-12-01T00:00:00Z", True, "our mark, with a valid key, for this recipient, but of version 1"), ("2027-01-01T00:00:00Z", True, "our mark, but older than mark_lifetime"),
                             ("2026-12-01T00:00:00Z", False, "a mark made with a key that is not this owner's")):
        if not key:
            os.unlink(box.path("key"))
        tried = tap.todoke("try", "-c", box.path("todoke.conf"), "-d", "ann@d.test", "--now", now, "--json", "-", stdin=again)
        loop = json.loads(tried.stdout)["loop"]
        tap.same(loop["answer"], "deliver", now)
        tap.contains(" ".join(line["how"] for line in loop["evidence"] if "X-Todoke-Mark" in line["text"]), wanted, now)


def test_tree_goes_on(folder):
    """New mail lies beside the old, flags keep their letters, the quota file is appended to."""
    box = Upgraded(folder)
    with open(box.path(BOX + "/maildirsize"), encoding="ascii") as size:
        lines = size.read().splitlines()
    box.deliver(b"flags", 31)
    box.deliver(b"folder", 32)
    tap.same([path for path in box.before if path not in box.stored()], [], "old mail")
    tap.same(len(box.stored()), len(box.before) + 2)
    tap.same(sorted(path.rsplit(":2,", 1)[1] for path in box.stored() if ":2," in path), ["Sa", "Sa"], "flags")
    tap.same(len(box.stored(".Work")), 2)
    with open(box.path(BOX + "/maildirsize"), encoding="ascii") as size:
        tap.same(size.read().splitlines()[:len(lines)], lines, "maildirsize")


def test_tries_that_died_are_known(folder):
    """One was killed in front of the move and one behind it: each mail is there once in the end."""
    box = Upgraded(folder)
    tap.contains(box.deliver(b"behind", 12), "earlier try", "answer")
    tap.same(len(box.stored()), len(box.before))
    tap.same(box.deliver(b"before", 11), "stored in INBOX\n")
    tap.same(len(box.stored()), len(box.before) + 1)
    tap.same(tap.litter(folder), [], "tmp")
    for number, subject in enumerate((b"plain", b"flags", b"folder"), 1):
        tap.contains(box.deliver(subject, number), "earlier try", "answer")
    tap.same(len(box.stored()), len(box.before) + 1)


def test_what_left_is_known(folder):
    """The redirect and the reply that version 0.1 sent are not sent again; a sender who got the reply gets no other."""
    box = Upgraded(folder)
    box.deliver(b"redirect", 4)
    box.deliver(b"away", 5)
    box.deliver(b"away", 35)
    tap.same(len(box.sink.taken), 0, "sent")
    box.deliver(b"redirect", 34)
    tap.same(len(box.sink.taken), 1, "sent")
    tap.same(len(box.stored()), len(box.before) + 2)


def test_duplicates_are_known(folder):
    box = Upgraded(folder)
    number, left_behind_message = 36, left_behind.message
    try:
        left_behind.message = lambda subject, number: left_behind_message(subject, number).replace(b"twice-36@", b"twice-6@")
        tap.same(box.deliver(b"twice", number), "stored in Seen-before\n")
    finally:
        left_behind.message = left_behind_message


def test_last_good_script_serves(folder):
    """The script broke on the day of the upgrade: the version that 0.1 kept is run."""
    box = Upgraded(folder)
    with open(box.path("main.sieve"), "ab") as script:
        script.write(b"broken {\n")
    tap.same(box.deliver(b"folder", 37), "stored in Work\n")


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
