#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The quota as a sender, and as other software that keeps maildirsize, sees it. What is counted when: tests/unit/test-quota."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

SITE = ["-o", "quota=site", "-o", "add_return_path=no", "-o", "add_delivered_to=no"]
MESSAGE = b"Subject: x\n\nbody\n"  # 17 octets


def make_box(folder, *parts):
    box = os.path.join(folder, *parts)
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part))
    if os.geteuid() == 0:  # the owner of the folder is who is become
        for path in (box, *(os.path.join(box, part) for part in ("tmp", "new", "cur"))):
            os.chown(path, 65534, 65534)
    path = box
    while path != folder:
        path = os.path.dirname(path)
        os.chmod(path, 0o755)
        if os.geteuid() == 0 and path != folder:
            os.chown(path, 65534, 65534)
    return box


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def deliver(folder, *args):
    result = tap.todoke("deliver", "-f", "s@x.test", "-d", "ann@d.test", "-o", "maildir=%s/%%n" % folder, "-o", "add_mark=no",
                        "-o", "log_file=%s/log" % folder, *SITE, *args, stdin=MESSAGE)
    return result.returncode, result.stdout.decode().strip()


def test_answers_at_rcpt(folder):
    box = make_box(folder, "mail", "d.test", "ann")
    write(box + "/maildirsize", "100S\n80 3\n")
    for full, want in (("defer", "452 4.2.2 <ann@d.test> mailbox is full: 80 of 100 bytes are there"),
                       ("bounce", "552 5.2.2 <ann@d.test> mailbox is full: 80 of 100 bytes are there")):
        with Server(folder, *SITE, "-o", "quota_bytes=100", "-o", "quota_full=" + full) as server:
            client = server.client().greet()
            client.say("MAIL FROM:<s@x.test> SIZE=21")
            tap.same(client.say("RCPT TO:<ann@d.test>"), want)
            tap.contains(client.say("RCPT TO:<bob@d.test>"), "250 ")
            client.say("RSET")
            client.say("MAIL FROM:<s@x.test> SIZE=101")
            tap.same(client.say("RCPT TO:<ann@d.test>"), "552 5.2.3 <ann@d.test> message of 101 bytes is too big for this mailbox of 100 bytes")
            client.say("RSET")
            client.say("MAIL FROM:<s@x.test> SIZE=20")
            tap.contains(client.say("RCPT TO:<ann@d.test>"), "250 ")
            client.say("RSET")
            client.say("MAIL FROM:<s@x.test>")
            tap.contains(client.say("RCPT TO:<ann@d.test>"), "250 ", "a size that is not said")
            client.say("DATA")
            client.send("x" * 30 + "\r\n.\r\n")
            tap.same(client.read(), want)
            tap.contains(server.read_log(), "80 bytes and 3 messages are there")
        tap.same(server.stored("d.test/ann"), [])
    tap.same(read(box + "/maildirsize"), "100S\n80 3\n")


def test_lmtp_and_pipe_count_alike(folder):
    box = make_box(folder, "mail", "d.test", "ann")
    with Server(folder, *SITE, "-o", "quota_messages=3") as server:
        client = server.client().greet()
        for _ in range(2):
            tap.contains(client.deliver("ann@d.test", body="Subject: x\r\n\r\nbody\r\n")[0], "250 ")
    tap.same(read(box + "/maildirsize"), "3C\n0 0\n17 1\n17 1\n")
    tap.same(deliver(folder + "/mail/d.test", "-o", "quota_messages=3"), (0, "stored in INBOX"))
    code, text = deliver(folder + "/mail/d.test", "-o", "quota_messages=3")
    tap.same((code, text.split()[0]), (75, "4.2.2"))
    code, text = deliver(folder + "/mail/d.test", "-o", "quota_messages=3", "-o", "quota_full=bounce")
    tap.same((code, text.split()[0]), (69, "5.2.2"))
    tap.same(read(box + "/maildirsize"), "3C\n51 3\n", "counted anew when it seemed full")
    tap.same(len(os.listdir(box + "/new")), 3)
    tap.same(os.listdir(box + "/tmp"), [])


def test_deleted_mail_makes_room(folder):
    box = make_box(folder, "ann")
    tap.same(deliver(folder, "-o", "quota_messages=1")[0], 0)
    os.unlink(os.path.join(box, "new", os.listdir(box + "/new")[0]))
    tap.same(deliver(folder, "-o", "quota_messages=1"), (0, "stored in INBOX"))
    tap.same(read(box + "/maildirsize"), "1C\n0 0\n17 1\n")


def test_what_is_refused_by_a_rule_is_not_full(folder):
    box = make_box(folder, "ann")
    write(box + "/maildirsize", "1C\n5 1\n")
    with open(folder + "/discard.sieve", "w", encoding="ascii") as script:
        script.write("discard;\n")
    tap.same(deliver(folder, "-o", "quota_messages=1", "-o", "sieve_default=%s/discard.sieve" % folder)[0], 0)


def test_maildrop_shares_the_file(folder):
    program = shutil.which("deliverquota") or "/usr/sbin/deliverquota"
    if not os.access(program, os.X_OK) or shutil.which("maildirmake") is None:
        raise tap.Skip("maildrop is not installed")
    os.chmod(folder, 0o755)
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    box = folder + "/ann"
    subprocess.run(["maildirmake", box], check=True, **as_nobody)
    subprocess.run(["maildirmake", "-q", "100S,4C", box], check=True, **as_nobody)

    def theirs():
        return subprocess.run([program, box], input=MESSAGE, capture_output=True, check=False, **as_nobody).returncode
    ours = ["-o", "quota=maildirsize"]
    tap.same(theirs(), 0, "the first is theirs")
    tap.same(deliver(folder, *ours)[0], 0, "the second is ours")
    tap.same(theirs(), 0, "the third is theirs")
    tap.same(deliver(folder, *ours)[0], 0, "the fourth is ours")
    tap.same(deliver(folder, *ours)[0], 75, "the fifth is one too many, for us")
    tap.same(theirs() != 0, True, "and for them")
    tap.same(len(os.listdir(box + "/new")), 4)
    lines = read(box + "/maildirsize").splitlines()
    tap.same((lines[0], sum(int(line.split()[1]) for line in lines[1:])), ("100S,4C", 4), "the file")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
