#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test --capture: a rule test made of a delivered message; it passes when it is made, and fails when the rule is changed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

RECEIVED = "Received: from a.example (a.example [192.0.2.1])\n\tby mx.example1.jp with ESMTP id 1; Mon, 30 Nov 2026 10:00:00 +0000\n"
SCRIPT = """require ["fileinto", "imap4flags", "copy", "subaddress", "envelope", "body", "reject"];
if header :contains "List-Id" "todoke" { fileinto :flags "\\\\Seen" "Lists"; }
elsif address :is "from" "boss@customer.example" { fileinto "Work"; }
elsif header :contains "Subject" "on" { redirect :copy "second@example.net"; }
elsif envelope :detail "to" "shop" { fileinto "Shop"; }
elsif body :contains "secret" { fileinto "Secret"; }
elsif header :contains "Subject" "junk" { discard; }
"""


class Box:
    def __init__(self, folder, script=SCRIPT):
        self.folder, self.maildir = folder, folder + "/mail/me"
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.maildir, name))
        self.settings = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "users=virtual", "-o", "log_file=%s/log" % folder]
        self.write("x.sieve", script)
        self.write("site.conf", "")
        sender = self.write("sendmail", "#!/bin/sh\ncat >/dev/null\n")
        os.chmod(sender, 0o755)
        self.settings += ["-o", "submit=sendmail:" + sender]
        self.number = 0

    def write(self, name, text, mode="w"):
        with open(os.path.join(self.folder, name), mode, **({} if "b" in mode else {"encoding": "utf-8"})) as file:
            file.write(text)
        return os.path.join(self.folder, name)

    def deliver(self, subject, body="Text.\n", head="", sender="friend@example.org", to="me@example1.jp"):
        """Its file and its queue id."""
        self.number += 1
        before = set(tap.files_below(self.maildir))
        mail = (RECEIVED + "From: Some Friend <%s>\nTo: %s\nSubject: %s\nMessage-ID: <%d@example.org>\n%s\n" % (sender, to, subject, self.number, head)).encode() \
            + (body if isinstance(body, bytes) else body.encode())
        queue_id = "4B%04dX" % self.number
        answer = tap.todoke("deliver", *self.settings, "-d", to, "-f", sender, "--queue-id", queue_id, stdin=mail)
        tap.same(answer.returncode, 0, answer.stdout)
        new = [path for path in tap.files_below(self.maildir) if path not in before and os.path.basename(os.path.dirname(path)) in ("new", "cur")]
        return os.path.join(self.maildir, new[0]) if new else None, queue_id

    def capture(self, mail, *more, recipient=("-d", "me@example1.jp")):
        return tap.todoke("test", "-c", self.folder + "/site.conf", *self.settings, *recipient, "--capture", mail, *more)

    def run(self, suite):
        """Does it pass?"""
        path = self.write("made.svtest", suite)
        result = tap.todoke("test", "-c", self.folder + "/site.conf", *self.settings, path)
        return result.returncode == 0, result.stdout.decode()

    def passes_and_fails(self, suite, old, new):
        passes, said = self.run(suite)
        tap.same(passes, True, said)
        script = open(self.folder + "/x.sieve", encoding="utf-8").read()
        assert old in script
        self.write("x.sieve", script.replace(old, new))
        tap.same(self.run(suite)[0], False, "after the change of %r" % old)
        self.write("x.sieve", script)


def test_each_kind(folder):
    box = Box(folder)
    for subject, more, changes in (
            ("hello", {"head": "List-Id: <todoke.example.org>\n"}, [('"Lists"', '"Other"'), (':flags "\\\\Seen" ', ""), ("todoke", "nothing")]),
            ("a \"quoted\" \\ one", {"sender": "boss@customer.example"}, [('"Work"', '"INBOX"'), ("boss@customer.example", "else@customer.example")]),
            ("on", {}, [("second@example.net", "third@example.net"), ("redirect :copy", "redirect")]),
            ("detail", {"to": "me+shop@example1.jp"}, [('"Shop"', '"Stop"')]),
            ("inside", {"body": "it is a secret\n.\n..dots\n.x\n"}, [("secret", "open")]),
            ("plain", {}, [("body", "not body"), ('"junk"', '"plain"')])):
        path, queue_id = box.deliver(subject, **more)
        for mail in (path, queue_id):
            made = box.capture(mail)
            tap.same((made.returncode, made.stderr), (0, b""), subject)
            for old, new in changes:
                if old == "body":
                    old, new = "elsif body :contains", "elsif not body :contains"
                box.passes_and_fails(made.stdout.decode(), old, new)


def test_what_was_discarded_has_no_file(folder):
    box = Box(folder)
    _, queue_id = box.deliver("junk")
    made = box.capture(queue_id)
    tap.same((made.returncode, made.stdout), (1, b""))
    tap.contains(made.stderr, b"knows no mail '%s'" % queue_id.encode())


def test_a_file_that_is_discarded_now(folder):
    box = Box(folder)
    path = box.write("mail/me/cur/1.M1P1.host:2,", RECEIVED + "From: a@example.org\nSubject: junk\n\nx\n")
    box.passes_and_fails(box.capture(path).stdout.decode(), "discard", "keep")


def test_anonymous(folder):
    box = Box(folder)
    path, _ = box.deliver("hello", body="Private words.\n", head="List-Id: <todoke.example.org>\nCc: Old Aunt <aunt@family.example>, me@example1.jp\nX-Note: see aunt@family.example\n")
    made = box.capture(path, "--anonymous")
    tap.same((made.returncode, made.stderr), (0, b""))
    suite = made.stdout.decode()
    for word in ("Private", "Aunt", "Some Friend", "friend@example.org", "aunt@", "me@example1.jp", "192.0.2.1"):
        tap.same(word in suite.split('test "', 1)[0], False, word)
    people = [line.split("<")[1].split(">")[0] for line in suite.splitlines() if line.startswith("Cc: ")]
    tap.contains(suite, "X-Note: see %s\n" % people[0])
    box.passes_and_fails(suite, '"Lists"', '"Other"')


def test_anonymous_keeps_what_rules_ask_for(folder):
    box = Box(folder)
    path, _ = box.deliver("hello", sender="boss@customer.example")
    suite = box.capture(path, "--anonymous").stdout.decode()
    tap.contains(suite, "From: <boss@customer.example>\n")
    box.passes_and_fails(suite, '"Work"', '"Other"')
    path, _ = box.deliver("detail", to="me+shop@example1.jp")
    box.passes_and_fails(box.capture(path, "--anonymous").stdout.decode(), '"Shop"', '"Other"')


def test_anonymous_where_the_text_decides(folder):
    box = Box(folder)
    path, _ = box.deliver("inside", body="it is a secret\n")
    made = box.capture(path, "--anonymous")
    tap.same((made.returncode, made.stdout), (1, b""))
    tap.contains(made.stderr, b"without its addresses and text the test does not pass")


def test_hostile_mail(folder):
    box = Box(folder)
    for subject, body in (("${oops} \x1b[31m", b"\xff\xfe\0 bin\r\n.\r\ntest \"x\" { test_fail \"no\"; }\n"), ("x" * 3000, b""), ("", b".")):
        path, _ = box.deliver(subject, body=body)
        made = box.capture(path)
        tap.same(made.returncode, 0, made.stderr)
        passes, said = box.run(made.stdout.decode())
        tap.same((passes, "1 tests, 0 failed" in said or "1 test, 0 failed" in said), (True, True), said)
    path, _ = box.deliver("\x1b[31mred")
    shown, code = tap.in_terminal("test", "-c", folder + "/site.conf", *box.settings, "-d", "me@example1.jp", "--capture", path)
    tap.same((code, "\x1b" in shown, "Subject: ?[31mred\n" in shown), (0, False, True), "on a terminal")
    empty = box.write("mail/me/cur/2.empty:2,", "")
    tap.same(box.capture(empty).returncode, 0)
    os.mkfifo(folder + "/mail/me/cur/3.fifo:2,")
    tap.same(box.capture(folder + "/mail/me/cur/3.fifo:2,").returncode, 1)
    long, _ = box.deliver("long", body=b"y" * 70 + b"\n" + (b"z" * 70 + b"\n") * (tap.limit("CAPTURED_BYTES") // 70))
    tap.contains(box.capture(long).stderr, b"--anonymous")
    tap.same(box.capture(long, "--anonymous").returncode, 0)


def test_what_cannot_be_captured(folder):
    box = Box(folder)
    path, _ = box.deliver("plain")
    rc = box.write("rc", ":0\n* ^Subject: x\n.X/\n")
    box.settings += ["-o", "recipes=all", "-o", "recipe_files=" + rc]
    tap.contains(box.capture(path).stderr, b"recipes decide too")
    box.settings = box.settings[:-4]
    tap.contains(box.capture("4NONE0X").stderr, b"knows no mail")
    tap.same(box.capture(folder + "/none.eml").returncode, 1)
    box.write("x.sieve", "nonsense;\n")
    tap.same(box.capture(path).returncode, 1)
    os.unlink(folder + "/x.sieve")
    tap.contains(box.capture(path).stderr, b"there is no script to test")
    tap.same(tap.todoke("test", "--capture", "x", "y").returncode, 2)


def test_scripts_of_the_site(folder):
    box = Box(folder)
    before = box.write("before.sieve", 'require ["fileinto"];\nif header :contains "Subject" "site" { fileinto "Site"; stop; }\n')
    box.settings += ["-o", "sieve_before=" + before]
    path, _ = box.deliver("site")
    suite = box.capture(path).stdout.decode()
    tap.contains(suite, "test_multiscript")
    passes, said = box.run(suite)
    tap.same(passes, True, said)
    box.write("before.sieve", "keep;\n")
    tap.same(box.run(suite)[0], False)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
