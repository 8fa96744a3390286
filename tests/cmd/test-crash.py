#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A message over which rules crash: a line in the log, the mail is tried again, and at last delivered without rules."""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MESSAGE = b"Received: from a by b; Mon, 30 Nov 2026 09:00:00 +0000\nFrom: a@b.test\nMessage-ID: <1@b.test>\nSubject: poison\n\nx\n"
OTHER = MESSAGE.replace(b"poison", b"good")
# The program runs while the rules do: what it does to the delivery is a crash of the rules. Between them is the starter.
CRASH = """#!/bin/sh
process=$PPID
[ "$(cat /proc/$process/comm)" != todoke-starter ] || process=$(cut -d " " -f 4 /proc/$process/stat)
kill -"$1" "$process"
sleep 1
"""
PIPE = 'require ["vnd.dovecot.pipe", "copy", "fileinto", "mailbox"];\npipe :copy "crash" "%s";\nfileinto :create "Work";\n'
SCRIPT = 'require ["vnd.dovecot.execute", "fileinto", "mailbox"];\nif header "subject" "poison" { execute "crash" "%s"; }\nfileinto :create "Work";\n'
EX_TEMPFAIL = 75


class Box:
    def __init__(self, folder, signal_name="SEGV", more=(), script=SCRIPT):
        self.folder = folder
        self.state = os.path.join(folder, "state")
        os.makedirs(folder + "/bin", exist_ok=True)
        with open(folder + "/bin/crash", "w", encoding="ascii") as file:
            file.write(CRASH)
        os.chmod(folder + "/bin/crash", 0o755)
        with open(folder + "/main.sieve", "w", encoding="ascii") as file:
            file.write(script % signal_name)
        os.chmod(folder + "/main.sieve", 0o644)
        rows = {"maildir": folder + "/Maildir", "sieve_scripts": "{%s/main.sieve}" % folder, "program_folder": folder + "/bin",
                "state_folder": self.state, "log_file": folder + "/log", "tree_memory": "", "early_record_folder": ""}
        self.options = [word for pair in rows.items() for word in ("-o", "=".join(pair))] + list(more)

    def deliver(self, message=MESSAGE):
        return tap.todoke("deliver", *self.options, "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "4AB1", stdin=message).returncode

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()

    def files(self, place):
        path = os.path.join(self.folder, "Maildir", place, "new")
        return len(os.listdir(path)) if os.path.isdir(path) else 0

    def marks(self):
        path = os.path.join(self.state, "crashes")
        return sorted(os.listdir(path)) if os.path.isdir(path) else []


def test_three_crashes_then_the_inbox(folder):
    box = Box(folder)
    for number in range(tap.limit("CRASHES")):
        tap.same(box.deliver(), -signal.SIGSEGV, "try %d" % number)
        tap.same((box.files("."), box.files(".Work"), len(box.marks())), (0, 0, 1))
    tap.same((box.deliver(), box.files("."), box.files(".Work")), (0, 1, 0))
    tap.contains(box.log().splitlines()[-1], 'note="no rules ran: they crashed or took too long 3 times over this message"')
    tap.same(box.marks(), [], "the mark is gone, and its folder")
    tap.same(os.path.exists(box.state + "/crashes"), False)
    tap.same((box.deliver(OTHER), box.files(".Work")), (0, 1), "other mail has its rules")


def test_past_the_deadline(folder):
    """Rules that the deadline ends are counted like crashes, also before the owner has a state folder; without the line of a crash."""
    box = Box(folder, "ALRM", ["-o", "add_mark=no"])
    box.state += "/not/there/yet"
    box.options += ["-o", "state_folder=" + box.state]
    for number in range(tap.limit("CRASHES")):
        tap.same((box.deliver(), box.files("."), len(box.marks())), (EX_TEMPFAIL, 0, 1), "try %d" % number)
    tap.same((box.deliver(), box.files("."), box.files(".Work"), box.marks()), (0, 1, 0, []))
    tap.same("T315" in box.log(), False, "a line of a crash")
    tap.contains(box.log().splitlines()[-1], "no rules ran: they crashed or took too long 3 times")


def test_a_mail_that_comes_anew(folder):
    """Fetched again, or by another queue, it has other lines on top; its author's fields are the same."""
    box = Box(folder)
    fetched = b"Received: from pop3.test by h.test with POP3 (fetchmail-6.4.37)\n\tfor <ann@x.test>; Mon, 30 Nov 2026 09:%02d:00 +0000\n"
    for number in range(tap.limit("CRASHES")):
        tap.same(box.deliver(fetched % number + MESSAGE), -signal.SIGSEGV, "try %d" % number)
        tap.same(len(box.marks()), 1)
    tap.same((box.deliver(b"received: from a\n" + fetched % 9 + MESSAGE), box.files("."), box.marks()), (0, 1, []))


def test_two_mails_of_which_one_crashes(folder):
    """Fields of the author tell them apart, the last one and one that only looks like a trace, too."""
    box = Box(folder)
    others = [MESSAGE.replace(b"Subject: poison", b"Subject: poison" + more) for more in (b"\nX: 1", b"\nX: 2", b"\nReceived-SPF: pass", b"\nReceived-SPF: fail")]
    for other in others:
        tap.same(box.deliver(other), -signal.SIGSEGV)
    tap.same(len(box.marks()), len(others))


def test_a_crash_while_the_plan_is_carried_out(folder):
    """What rules want is done behind them, and counts as well; the mail is in both places then, and does not bounce."""
    box = Box(folder, script=PIPE)
    for number in range(tap.limit("CRASHES")):
        tap.same(box.deliver(), -signal.SIGSEGV, "try %d" % number)
        tap.same((box.files("."), len(box.marks())), (0, 1))
    tap.same((box.deliver(), box.files("."), box.files(".Work"), box.marks()), (0, 1, 1, []))
    tap.contains(box.log().splitlines()[-1], "no rules ran")


def test_the_line_leads_to_the_source(folder):
    for name, number in (("SEGV", 11), ("ABRT", 6), ("TRAP", 5), ("BUS", 7), ("FPE", 8), ("ILL", 4)):
        inner = os.path.join(folder, name)
        os.mkdir(inner)
        box = Box(inner, name)
        tap.same((box.deliver(), len(box.marks())), (-number, 1), name)
        line = box.log().splitlines()[-1]
        found = re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ todoke\[\d+\]: 4AB1: code=T315, event=crash, signal=(\d+), at=(outside|0x[0-9a-f]+), '
                             r'stack="?([0-9a-fx ]*)"?, build_id=([0-9a-f]+)', line)
        tap.same(found is not None and found[1], str(number), line)
    code_in = os.path.join(os.path.dirname(tap.TODOKE), ".libs/todoke-main.so")
    notes = subprocess.run(["readelf", "-n", code_in], capture_output=True, text=True, check=False).stdout
    if "Build ID" in notes:
        tap.contains(notes, found[4])
    addresses = found[3].split()
    tap.same(len(addresses) > 0, True, "addresses of the stack")
    named = subprocess.run(["addr2line", "-f", "-e", code_in, *addresses], capture_output=True, text=True, check=False).stdout
    if "??" not in named.split():
        tap.same(any(word in named for word in ("sieve", "script_chain", "transact")), True, named)


def test_a_process_of_lmtpd_where_no_rules_run(folder):
    """The one that listens, and the one that talks with a client."""
    with Server(folder) as server:
        server.client().greet()
        worker = int(server.workers()[0])
        os.kill(worker, signal.SIGSEGV)
        server.wait_for(lambda: "todoke[%d]: NOQUEUE: code=T315, event=crash, signal=11" % worker in server.read_log())
        os.kill(server.process.pid, signal.SIGFPE)
        server.wait_for(lambda: "todoke[%d]: NOQUEUE: code=T315, event=crash, signal=8" % server.process.pid in server.read_log())


def test_the_line_as_json(folder):
    box = Box(folder, more=("-o", "log_form=json"))
    tap.same(box.deliver(), -signal.SIGSEGV)
    line = box.log().splitlines()[-1]
    told = json.loads(line[line.index("{"):])
    tap.same((told["queue_id"], told["code"], told["event"], told["signal"]), ("4AB1", "T315", "crash", "11"))


def test_marks_that_do_not_count(folder):
    """Old ones, links, folders and unreadable places: the rules run."""
    box = Box(folder)
    tap.same(box.deliver(), -signal.SIGSEGV)
    mark = os.path.join(box.state, "crashes", box.marks()[0])
    with open(mark, "w", encoding="ascii") as file:
        file.write("xxxxx")
    old = time.time() - tap.limit("CRASH_AGE") - 60
    os.utime(mark, (old, old))
    tap.same(box.deliver(), -signal.SIGSEGV, "an old mark does not count")
    os.unlink(mark)
    with open(folder + "/long", "w", encoding="ascii") as file:
        file.write("x" * 100)
    os.symlink(folder + "/long", mark)
    tap.same(box.deliver(), -signal.SIGSEGV, "a link is no mark")
    tap.same(os.path.getsize(folder + "/long"), 100, "and nothing is written through it")
    os.unlink(mark)
    os.mkdir(mark)
    tap.same(box.deliver(), -signal.SIGSEGV, "nor is a folder")
    os.rmdir(mark)
    os.mkfifo(mark)
    tap.same(box.deliver(), -signal.SIGSEGV, "and nobody is waited for at a fifo")


def test_age_of_a_mark(folder):
    """It counts for LIMIT_CRASH_AGE seconds; ten minutes are for the test itself."""
    box = Box(folder)
    tap.same(box.deliver(), -signal.SIGSEGV)
    mark = os.path.join(box.state, "crashes", box.marks()[0])
    for younger, code in ((-600, -signal.SIGSEGV), (600, 0)):
        with open(mark, "w", encoding="ascii") as file:
            file.write("x" * tap.limit("CRASHES"))
        changed = time.time() - tap.limit("CRASH_AGE") + younger
        os.utime(mark, (changed, changed))
        tap.same(box.deliver(), code, "younger by %d s" % younger)


def test_try_leaves_no_mark(folder):
    box = Box(folder)
    with open(folder + "/mail.eml", "wb") as file:
        file.write(MESSAGE)
    tap.todoke("try", *box.options, "-f", "a@b.test", "-d", "ann@x.test", folder + "/mail.eml")
    tap.same(box.marks(), [])


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
