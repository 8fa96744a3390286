#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mail that comes back: whoever has it is not failed again, and a mark alone makes no mail vanish (todoke-loop(7))."""

import glob
import os
import re
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from mark_waits import age_waits
from smtp_peer import Peer

ANN, BOB = "ann@example.test", "bob@example.test"
FIELDS = b"From: Sender <s@client.test>\nTo: ann@example.test\nDate: Thu, 3 Aug 2017 00:00:00 +0900\n"
MESSAGE = FIELDS + b"Message-ID: <1@client.test>\nSubject: x\n\n" + b"a line of the body\n" * 20


class Services:
    """A mail host: each delivery is a hop of its own, with the Received line that Postfix writes and a queue id."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.hops = 0
        os.makedirs(folder, exist_ok=True)
        self.give(folder)
        self.options = [word for option in options for word in ("-o", option)]

    def args(self, rcpt, queue_id):
        settings = {"maildir": self.folder + "/%n", "log_file": self.folder + "/log", "key_file": "",
                    "recipes": "all", "sieve_scripts": self.folder + "/%n.sieve", "recipe_files": self.folder + "/%n.rc", "program_folder": self.folder + "/bin"}
        more = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return ["deliver", "-f", "s@client.test", "-d", rcpt, "--queue-id", queue_id, *more, *self.options]

    def receive(self, raw, rcpt=ANN, code=0, more=(), fetched=False):
        """A message that comes by SMTP, fetched by fetchmail before that or not. Returns what Postfix reads."""
        result = self.run(rcpt, *self.arrive(raw, rcpt, fetched), more)
        tap.same(result.returncode, code, f"exit; {result.stdout!r}; {self.log()}")
        return result.stdout.decode()

    def receive_from_here(self, raw, rcpt=ANN, more=(), fetched=False, user="ann"):
        """A stored copy that was taken out of its mailbox: it waits, and after two hours Postfix's next try says what becomes of it."""
        arrival = self.arrive(raw, rcpt, fetched)
        for _ in range(2):
            result = self.run(rcpt, *arrival, more)
            tap.same(result.returncode, 75, f"exit; {result.stdout!r}; {self.log()}")
            tap.contains(self.log(), "loop=taken-out")
        self.age_waits(tap.limit("FETCH_WAIT_SECONDS"), user)
        result = self.run(rcpt, *arrival, more)
        tap.same(result.returncode, 0, f"exit; {result.stdout!r}; {self.log()}")
        tap.contains(self.log(), "loop=kept")
        return result.stdout.decode()

    def age_waits(self, seconds, user="ann"):
        return age_waits(os.path.join(self.folder, user, "todoke-state"), seconds)

    def arrive(self, raw, rcpt, fetched):
        """Its queue id, and the message as Postfix hands it over."""
        self.hops += 1
        queue_id = f"4AB{self.hops:06X}"
        if fetched:
            raw = (f"Received: from pop3.test by mx.example.test with POP3 (fetchmail-6.4.37)\n\tfor <{rcpt}> (single-drop);"
                   f" Thu, 3 Aug 2017 00:00:{self.hops % 60:02} +0900\n").encode() + raw
        received = (f"Received: from client.test (client.test [192.0.2.1])\n\tby mx.example.test (Postfix) with ESMTP id {queue_id}\n"
                    f"\tfor <{rcpt}>; Thu, 3 Aug 2017 00:00:{self.hops % 60:02} +0900\n").encode()
        return queue_id, received + raw

    def run(self, rcpt, queue_id, raw, more=()):
        """Recipes never run as root."""
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        return tap.todoke(*self.args(rcpt, queue_id), *more, stdin=raw, **who)

    def script(self, text, user="ann"):
        self.write(f"{user}.sieve", text)

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        self.give(path)
        self.give(os.path.dirname(path))
        return path

    def give(self, path):
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", "nogroup")

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as log:
            return log.read().splitlines()[-1]

    def files(self, box="", user="ann"):
        return sorted(path for place in ("new", "cur") for path in glob.glob(glob.escape(os.path.join(self.folder, user, box, place)) + "/*"))

    def stored(self, box="", user="ann"):
        return [open(path, "rb").read() for path in self.files(box, user)]

    def counts(self, *boxes):
        return tuple(len(self.stored(box)) for box in boxes)


def out(peer, number=-1):
    """What the world outside got, as it sends it on: with LF."""
    return peer.mails[number][2].replace(b"\r\n", b"\n")


def marks(raw):
    return re.findall(rb"^X-Todoke-Mark: v=2; k=(\w+); a=(\w+); t=\d+;\n\th=(\w{64})\n", raw, re.M)


def test_marks_of_each_copy(folder):
    """What is stored says stored, what goes out says whether a copy was kept; a program reads passed."""
    world = Services(folder)
    world.write("bin/take", f"#!/bin/sh\ncat >{folder}/taken\n", 0o755)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.receive(MESSAGE)
        world.script('require "copy"; redirect :copy "x@outside.test";')
        world.receive(MESSAGE.replace(b"<1@", b"<2@"))
        world.script('redirect "x@outside.test";')
        world.receive(MESSAGE.replace(b"<1@", b"<3@"))
        world.script('require "vnd.dovecot.pipe"; pipe "take";')
        world.receive(MESSAGE.replace(b"<1@", b"<4@"))
        stored = [marks(raw) for raw in world.stored()]
        tap.same([[kind for _, kind, _ in one] for one in stored], [[b"stored"], [b"stored"]])
        tap.same([kind for number in (0, 1) for _, kind, _ in marks(out(peer, number))], [b"copied", b"passed"])
        taken = open(folder + "/taken", "rb").read()
        tap.same([kind for _, kind, _ in marks(taken)], [b"passed"])
        tap.same({key for one in stored for key, _, _ in one}, {marks(taken)[0][0]}, "one key")
        tap.same(b"\th=" + b"0" * 64 in taken, False, "the mark is true")


def test_a_filtered_copy_has_a_true_mark(folder):
    """A filter of recipes changes the body: the stored copy's mark covers what is stored, so its refetch is known."""
    world = Services(folder)
    world.write("ann.rc", ":0fw\n| sed 's/a line/another line/'\n")
    world.receive(MESSAGE)
    copy, = world.stored()
    tap.contains(copy, b"another line", world.log())
    tap.same([kind for _, kind, _ in marks(copy)], [b"stored"])
    world.receive_from_here(copy, fetched=True)
    tap.same(world.counts(""), (1,))


def test_ten_polls_with_keep(folder):
    """fetchmail with keep on a mailbox of this host: one copy, no bounce, no setting, no Sieve."""
    world = Services(folder)
    world.receive(MESSAGE)
    for _ in range(10):
        for copy in world.stored():
            tap.contains(world.receive_from_here(copy, fetched=True), "not stored again, it is in INBOX")
    tap.same(world.counts("", ".Loops"), (1, 0))
    tap.contains(world.log(), "code=T004")


def test_emptied_by_a_fetcher(folder):
    """fetchmail without keep on a mailbox of this host: the mail waits, is stored when its copy has been deleted, and ends in the loop folder."""
    world = Services(folder)
    world.receive(MESSAGE)
    for wanted in ((1, 0), (0, 1)):
        arrival = world.arrive(world.stored()[0], ANN, True)
        tap.same(world.run(ANN, *arrival).returncode, 75, world.log())
        for text in ("code=T135", "fault=own-mailbox", "dsn=4.4.6", "status=deferred", "loop=taken-out", "in INBOX"):
            tap.contains(world.log(), text)
        os.remove(world.files()[0])
        tap.same(world.run(ANN, *arrival).returncode, 0, world.log())
        tap.same(world.counts("", ".Loops"), wanted)
    path, = world.files(".Loops")
    world.receive_from_here(open(path, "rb").read())
    tap.same(world.counts("", ".Loops"), (0, 1))


def test_how_long_such_mail_waits(folder):
    """LIMIT_FETCH_WAIT_SECONDS in a queue, each arrival for itself; a wait from the future is none."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    first, second = world.arrive(raw, ANN, True), world.arrive(raw, ANN, True)
    tap.same(world.run(ANN, *first).returncode, 75)
    world.age_waits(1750)
    tap.same(world.run(ANN, *first).returncode, 75, world.log())
    world.age_waits(-3600)
    tap.same(world.run(ANN, *first).returncode, 75, world.log())
    world.age_waits(tap.limit("FETCH_WAIT_SECONDS"))
    tap.same(world.run(ANN, *second).returncode, 75, "the other arrival has not waited")
    tap.same(world.run(ANN, *first).returncode, 0, world.log())
    tap.contains(world.log(), "loop=kept")
    tap.same(world.counts(""), (1,))
    with open(folder + "/ann/todoke-state/marks", encoding="ascii") as file:
        tap.same([line.split()[3] for line in file], ["kept", "waits", "waits", "waits", "taken"])


def test_what_no_queue_holds(folder):
    """todoke as mda of fetchmail, getmail: put off at each poll, and after a day delivered, so that nobody comes for ever; two folders are enough."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]

    def poll():
        code = world.run(ANN, "", raw).returncode
        tap.contains(world.log(), "loop=" + ("taken-out" if code == 75 else "kept" if "code=T004" in world.log() else "returned"))
        return code

    world.hops += 1
    tap.same([poll() for _ in range(3)], [75] * 3)
    world.age_waits(86300)
    tap.same(poll(), 75)
    world.age_waits(tap.limit("FETCH_PUT_OFF_SECONDS"))
    tap.same((poll(), world.counts("", ".Loops")), (0, (2, 0)))
    tap.same([poll() for _ in range(2)], [75] * 2, "it begins anew")
    world.age_waits(tap.limit("FETCH_PUT_OFF_SECONDS"))
    tap.same((poll(), world.counts("", ".Loops")), (0, (2, 1)))
    tap.same([poll() for _ in range(3)], [0] * 3, "INBOX and the loop folder")
    tap.same(world.counts("", ".Loops"), (2, 1))


def test_a_wait_of_many_polls_is_one_line(folder):
    """A program that fetches and calls todoke by LMTP or as mda writes a Received line of its own each time: the history does not grow by its polls."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    for minute in range(5):
        fetched = f"Received: from pop3.test by mx.example.test with POP3 (fetchmail-6.4.37)\n\tfor <{ANN}> (single-drop); Thu, 3 Aug 2017 00:0{minute}:00 +0900\n"
        tap.same(world.run(ANN, "4AB" if minute % 2 else "", fetched.encode() + raw).returncode, 75, world.log())
        tap.contains(world.log(), "loop=taken-out")
    with open(folder + "/ann/todoke-state/marks", encoding="ascii") as file:
        tap.same([line.split()[3] for line in file], ["kept", "waits"])


def test_the_end_of_a_wait_that_cannot_be_remembered(folder):
    """The mail is here: that a line more cannot be written is no reason to put it off until it bounces."""
    world = Services(folder)
    world.receive(MESSAGE)
    arrival = world.arrive(world.stored()[0], ANN, True)
    tap.same(world.run(ANN, *arrival).returncode, 75, world.log())
    world.age_waits(tap.limit("FETCH_WAIT_SECONDS"))
    os.chmod(folder + "/ann/todoke-state/marks", 0o400)
    tap.same(world.run(ANN, *arrival).returncode, 0, world.log())
    tap.contains(world.log(), "loop=kept")
    tap.contains(world.log(), "is not remembered")
    tap.same(world.counts(""), (1,))


def test_a_wait_that_cannot_be_remembered(folder):
    """It would never end: the fault is told instead."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    path = folder + "/ann/todoke-state/marks"
    os.chmod(path, 0o400)
    world.receive(raw, code=75)
    tap.contains(world.log(), "code=T107")
    tap.contains(world.log(), "todoke-state/marks")
    os.chmod(path, 0o600)
    world.receive_from_here(raw)


def test_a_forged_line_of_a_fetcher_changes_nothing(folder):
    """What counts is our mark of the copy, not who says to have fetched it: a redirected copy is taken at once."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('require "copy"; redirect :copy "x@outside.test";')
        world.receive(MESSAGE)
        stored = world.stored()[0]
        world.receive(out(peer), fetched=True)
        tap.contains(world.log(), "loop=kept")
        # A stored mark that is set above it, with a key that nobody has, or of another mail, is not the topmost right one.
        mark = re.search(rb"^X-Todoke-Mark: .*\n\t.*\n", stored, re.M).group()
        digit = b"0" if mark[-2:-1] != b"0" else b"1"
        world.receive(mark[:-2] + digit + b"\n" + out(peer), fetched=True)
        tap.contains(world.log(), "loop=kept")
        tap.same((world.counts(""), len(peer.mails)), ((1,), 1))


def test_a_moved_or_read_copy_is_still_here(folder):
    """Read, and moved to another folder under another name, as IMAP servers do it."""
    world = Services(folder)
    world.receive(MESSAGE)
    path, = world.files()
    raw = world.stored()[0]
    for place in ("cur", "new", "tmp"):
        os.makedirs(f"{folder}/ann/.Work/{place}")
    world.give(folder + "/ann/.Work")
    os.rename(path, folder + "/ann/.Work/cur/1.another-name:2,S")
    tap.contains(world.receive_from_here(raw), "it is in .Work")
    tap.same(world.counts("", ".Work"), (0, 1))


def test_a_deleted_copy_is_delivered(folder):
    """Gone, flagged as deleted, or in a folder that was deleted since."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    os.remove(world.files()[0])
    tap.contains(world.receive(raw), "stored in INBOX")
    tap.contains(world.log(), "loop=returned")
    tap.contains(world.log(), "the copy that was kept is gone")

    world.script('require ["fileinto", "mailbox"]; fileinto :create "Work";')
    other = MESSAGE.replace(b"<1@", b"<2@")
    world.receive(other)
    raw, = world.stored(".Work")
    world.receive_from_here(raw)
    path, = world.files(".Work")
    flagged = path.replace("/new/", "/cur/") + ":2,ST"
    os.rename(path, flagged)
    world.receive(raw)
    tap.contains(world.log(), "loop=returned")
    tap.same(world.counts(".Work"), (2,))
    shutil.rmtree(folder + "/ann/.Work")
    world.receive(raw, more=("-o", "return_limit=2"))
    tap.contains(world.log(), "loop=returned")
    tap.same(world.counts(".Work"), (1,))


def test_return_limit_then_loop_folder(folder):
    """More often than return_limit: the loop folder, never a bounce."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    for wanted in ((1, 0), (0, 1), (0, 1)):
        for path in world.files() + world.files(".Loops"):
            os.remove(path)
        world.receive(raw)
        tap.same(world.counts("", ".Loops"), wanted)
    tap.contains(world.log(), "loop=returned-often")
    for path in world.files(".Loops"):
        os.remove(path)
    tap.contains(world.receive(raw, more=("-o", "return_action=bounce"), code=69), "5.4.6")


def test_a_marked_header_on_another_body(folder):
    """Whoever got a redirected copy puts its header on another body: that is delivered, however the state looks."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        for number, text in enumerate(('require "copy"; redirect :copy "x@outside.test";', 'redirect "x@outside.test";',
                                       'require "copy"; redirect :copy "x@outside.test"; discard;')):
            world.script(text)
            world.receive(MESSAGE.replace(b"<1@", b"<%d@" % (number + 10)))
            forged = out(peer).split(b"\n\n", 1)[0] + b"\n\nanother body\n"
            os.remove(folder + "/ann.sieve")
            world.receive(forged)
            tap.same([raw.endswith(b"\n\nanother body\n") for raw in world.stored()].count(True), number + 1, text)
            tap.contains(world.log(), "its body is another one than before")
        # The same length, and the same first octets: what differs behind the first 64 kB is seen where it is compared whole.
        body = b"z" * 70 + b"\n"
        long_mail = MESSAGE + body * 2000
        world.receive(long_mail)
        copy = next(raw for raw in world.stored() if len(raw) > 100000)
        world.receive_from_here(copy)
        world.receive(copy[:-100] + b"Z" * 99 + b"\n")
        tap.contains(world.log(), "loop=returned")
        tap.same([raw.endswith(b"Z\n") for raw in world.stored()].count(True), 1)
        # And where a rule disposed of the one.
        world.script('require "copy"; redirect :copy "x@outside.test"; discard;')
        world.receive(long_mail.replace(b"<1@", b"<20@"))
        os.remove(folder + "/ann.sieve")
        world.receive(out(peer)[:-100] + b"Y" * 99 + b"\n")
        tap.same([raw.endswith(b"Y\n") for raw in world.stored()].count(True), 1)
        world.receive(out(peer))
        tap.contains(world.log(), "loop=disposed")


def test_state_lost(folder):
    """Without its state a marked mail is delivered, even one that was only passed on."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('redirect "x@outside.test";')
        world.receive(MESSAGE)
        os.remove(folder + "/ann/todoke-state/marks")
        os.remove(folder + "/ann.sieve")
        world.receive(out(peer))
        tap.same(world.counts(""), (1,))
        tap.contains(world.log(), "what became of it is not remembered")
        copy = world.stored()[0]
        shutil.rmtree(folder + "/ann/todoke-state")
        world.receive(copy)
        tap.same(world.counts(""), (2,))


def test_mail_without_identity(folder):
    """No Message-ID, no Date, no From: delivered each time, at most return_limit times to the INBOX."""
    world = Services(folder)
    bare = b"Subject: disk is fine\n\nOK\n"
    world.receive(bare)
    world.receive(bare)
    tap.same(world.counts(""), (2,), "two mails that look alike")
    raw = world.stored()[0]
    world.receive(raw, fetched=True)
    tap.same(world.counts("", ".Loops"), (3, 0))
    tap.contains(world.log(), "it has no Message-ID")
    world.receive(raw, fetched=True)
    tap.same(world.counts("", ".Loops"), (3, 1))


def test_passed_on_only_is_a_loop(folder):
    """redirect without a copy that comes back: 5.4.6 at the first return, with and without retrieval."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('redirect "x@outside.test";')
        world.receive(MESSAGE)
        answer = world.receive(out(peer), code=69)
        tap.contains(answer, "5.4.6")
        tap.contains(answer, "passed it on before, kept nothing, and it came back")
        world.receive(out(peer), code=69, fetched=True)
        tap.same(len(peer.mails), 1, "sent on")
        tap.same(world.counts(""), (0,))


def test_loop_action_notice(folder):
    """The INBOX and one notice to the owner, instead of 5.4.6."""
    world = Services(folder, "loop_action=notice")
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('redirect "x@outside.test";')
        for number in (1, 2):
            world.receive(MESSAGE.replace(b"<1@", b"<%d@" % number))
            world.receive(out(peer))
        notices = [raw for raw in world.stored() if b"Subject: Mail that you forward comes back" in raw]
        tap.same((len(world.stored()), len(notices)), (3, 1))
        tap.same(len(peer.mails), 2, "sent on")
        for action, code, box in (("keep", 0, ""), ("file", 0, ".Loops"), ("defer", 75, None)):
            before = len(world.stored(box)) if box is not None else 0
            world.receive(MESSAGE.replace(b"<1@", b"<%s@" % action.encode()))
            world.receive(out(peer), code=code, more=("-o", "loop_action=" + action))
            tap.same(len(world.stored(box)) if box is not None else 0, before + (code == 0), action)


def test_redirect_copy_comes_back(folder):
    """redirect :copy to an address that forwards back, or to a list with the owner on it: taken, no bounce, no second copy."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('require "copy"; redirect :copy "x@outside.test";')
        world.receive(MESSAGE)
        for fetched in (False, True):
            world.receive(out(peer), fetched=fetched)
            tap.contains(world.log(), "loop=kept")
        by_list = out(peer).replace(b"Subject: x", b"Subject: [list] x") + b"\n-- \nunsubscribe\n"
        world.receive(by_list)
        tap.contains(world.log(), "loop=returned")
        tap.same(world.counts("", ".Loops"), (2, 0), "a list's footer makes it another mail")


def test_redirect_copy_then_discard(folder):
    """A rule disposed of it: what comes back is taken, and the log names the rule."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('require "copy";\nredirect :copy "x@outside.test";\ndiscard;\n')
        world.receive(MESSAGE)
        world.receive(out(peer))
        tap.contains(world.log(), "loop=disposed")
        tap.contains(world.log(), "ann.sieve:3")
        tap.same((world.counts(""), len(peer.mails)), ((0,), 1))


def test_resent_by_the_owner(folder):
    """bounce-to-self of a mail program: a second copy is what its owner asked for; a stranger's Resent fields mean nothing."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    world.receive_from_here(b"Resent-From: stranger@client.test\nResent-To: ann@example.test\n" + raw)
    world.receive(b"Resent-From: Ann <ann@example.test>\nResent-To: ann@example.test\n" + raw)
    tap.contains(world.log(), "its owner resent it")
    tap.same(world.counts(""), (2,))


def test_restore_by_injection(folder):
    """A backup is put back by sendmail: what is still here is taken, what is not is delivered."""
    world = Services(folder)
    mails = [MESSAGE.replace(b"<1@", b"<%d@" % number) for number in range(4)]
    for raw in mails:
        world.receive(raw)
    backup = world.stored()
    for path in world.files()[:2]:
        os.remove(path)
    for raw in backup:
        is_here = raw in world.stored()
        receive = world.receive_from_here if is_here else world.receive
        receive(raw)
    tap.same(world.counts("", ".Loops"), (4, 0))
    ids = sorted(re.search(rb"<(\d)@", raw).group(1) for raw in world.stored())
    tap.same(ids, [b"0", b"1", b"2", b"3"])
    shutil.rmtree(folder + "/ann")
    for raw in backup:
        world.receive(raw)
    tap.same(world.counts("", ".Loops"), (4, 0), "after all is lost, the key too")


def test_a_filter_that_injects_again(folder):
    """A recipe hands the mail to a filter that sends it back: it arrives; without a condition it is a loop, and stops."""
    world = Services(folder)
    world.write("ann.rc", f":0\n* !^X-Filtered:\n| (echo 'X-Filtered: yes'; cat) >{folder}/again\n")
    world.receive(MESSAGE)
    again = open(folder + "/again", "rb").read()
    world.receive(re.sub(rb"\AX-Filtered: yes\nFrom .*\n", b"X-Filtered: yes\n", again))
    tap.same(world.counts(""), (1,))
    for flags in ("", "w"):
        name = flags.encode() or b"no"
        world.write("ann.rc", f":0 {flags}\n| cat >{folder}/again\n")
        world.receive(MESSAGE.replace(b"<1@", b"<%s@" % name))
        bounces = 0
        for _ in range(4):
            again = open(folder + "/again", "rb").read()
            os.remove(folder + "/again")
            result = world.run(ANN, "4AB9" + name.decode() + str(_), again)
            bounces += result.returncode == 69
            if not os.path.exists(folder + "/again"):
                break
        tap.same((bounces, os.path.exists(folder + "/again")), (1, False), "flags " + flags)
    tap.same(world.counts(""), (1,))


def test_sieve_pipe_that_injects_again(folder):
    """The same by Sieve's pipe; with :copy the mail is here."""
    world = Services(folder)
    world.write("bin/again", f"#!/bin/sh\ncat >{folder}/again\n", 0o755)
    world.script('require "vnd.dovecot.pipe"; pipe "again";')
    world.receive(MESSAGE)
    tap.contains(world.receive(open(folder + "/again", "rb").read(), code=69), "5.4.6")
    world.script('require ["vnd.dovecot.pipe", "copy"]; pipe :copy "again";')
    world.receive(MESSAGE.replace(b"<1@", b"<2@"))
    world.receive(open(folder + "/again", "rb").read())
    tap.contains(world.log(), "loop=kept")
    tap.same(world.counts(""), (1,))


def test_a_program_that_stores_nothing(folder):
    """`:0` and `| cat`: what the program got does not say that it was stored."""
    world = Services(folder)
    world.write("ann.rc", f":0\n| cat >{folder}/got\n")
    world.receive(MESSAGE)
    got = open(folder + "/got", "rb").read()
    tap.same([kind for _, kind, _ in marks(got)], [b"passed"])
    os.remove(folder + "/ann.rc")
    world.receive(got)
    tap.same(world.counts(""), (1,), "its rules keep it now")


def test_a_to_b_to_a_where_b_keeps(folder):
    """Ann sends on to Bob, who keeps a copy and sends back: in Ann's INBOX, not bounced; once more it is known."""
    world = Services(folder)
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('redirect "bob@example.test";')
        world.script('require "copy"; redirect :copy "ann@example.test";', "bob")
        world.receive(MESSAGE)
        world.receive(out(peer), BOB)
        tap.same((len(peer.mails), len(world.stored(user="bob"))), (2, 1))
        world.receive(out(peer))
        tap.contains(world.log(), "another mark says that it was kept there")
        tap.same((world.counts(""), len(peer.mails)), ((1,), 2))
        world.receive(out(peer))
        tap.contains(world.log(), "loop=kept")

        world.script('redirect "ann@example.test";', "bob")
        world.receive(MESSAGE.replace(b"<1@", b"<2@"))
        world.receive(out(peer), BOB)
        tap.contains(world.receive(out(peer), code=69), "5.4.6")


def test_an_mbox_and_a_folder_elsewhere(folder):
    """Recipes keep mail where they like."""
    world = Services(folder)
    world.give(os.path.dirname(world.write("elsewhere/x", "")))
    os.remove(folder + "/elsewhere/x")
    for number, place in enumerate(("box", "md/", "mh/.", "elsewhere")):
        world.write("ann.rc", f":0\n{folder}/{place}\n")
        world.receive(MESSAGE.replace(b"<1@", b"<%d@" % number))
        paths = [path for path in tap.files_below(folder) if re.match("(box|md/new/|mh/|elsewhere/)", path)]
        path = max((os.path.join(folder, path) for path in paths), key=os.path.getmtime)
        raw = re.sub(rb"\AFrom .*\n", b"", open(path, "rb").read())
        tap.same([kind for _, kind, _ in marks(raw)], [b"stored"], place)
        world.receive_from_here(raw)
        os.remove(path)
        world.receive(raw)
        tap.contains(world.log(), "loop=returned")
        for made in ("box", "md", "mh"):
            shutil.rmtree(os.path.join(folder, made), ignore_errors=True)
            if os.path.isfile(os.path.join(folder, made)):
                os.remove(os.path.join(folder, made))
        for name in os.listdir(folder + "/elsewhere"):
            os.remove(f"{folder}/elsewhere/{name}")


def test_line_ends_of_the_way(folder):
    """CRLF, a last line end that is missing or one too many: the same body."""
    world = Services(folder)
    world.receive(MESSAGE + b"last")
    raw = world.stored()[0]
    for other in (raw + b"\n", raw + b"\n\n", raw.replace(b"\n", b"\r\n")):
        world.receive_from_here(other)
    tap.same(world.counts(""), (1,))


def test_no_key_can_be_made(folder):
    """A home that cannot be written to: mail arrives without a mark, and the log says so."""
    world = Services(folder, f"state_folder={folder}/state")
    world.write("state", "a file in its place")
    tap.contains(world.receive(MESSAGE), "stored in INBOX")
    tap.contains(world.log(), "no mark: ")
    tap.same([marks(raw) for raw in world.stored()], [[]])
    os.remove(folder + "/state")
    world.receive(MESSAGE)
    tap.same(sorted(len(marks(raw)) for raw in world.stored()), [0, 1])
    tap.same("no mark" in world.log(), False)


def test_an_empty_key_file_is_made_anew(folder):
    """What a power cut may leave; a file with something else in it is the owner's to mend."""
    world = Services(folder)
    world.receive(MESSAGE)
    path = folder + "/ann/todoke-state/mark.keys"
    tap.same(os.stat(path).st_mode & 0o777, 0o600)
    tap.same(sorted(os.listdir(os.path.dirname(path))), ["mark.keys", "marks", "record"], "nothing else is left there")
    open(path, "w").close()
    world.receive(MESSAGE.replace(b"<1@", b"<2@"))
    tap.same([len(marks(raw)) for raw in world.stored()], [1, 1])
    with open(path, "w", encoding="utf-8") as file:
        file.write("something\n")
    world.receive(MESSAGE.replace(b"<1@", b"<3@"))
    tap.contains(world.log(), "no mark: ")
    tap.same(sorted(len(marks(raw)) for raw in world.stored()), [0, 1, 1])


def test_one_owner_cannot_forge_for_another(folder):
    """Each has a key of their own; a mark with Bob's key on mail to Ann proves nothing."""
    world = Services(folder)
    world.receive(MESSAGE)
    world.receive(MESSAGE.replace(b"<1@", b"<2@"), BOB)
    tap.same(len({marks(raw)[0][0] for user in ("ann", "bob") for raw in world.stored(user=user)}), 2, "keys")
    raw = world.stored(user="bob")[0]
    world.receive(raw)
    tap.same("loop=" in world.log(), False, world.log())
    tap.same(world.counts(""), (2,))


KEY = "k2017 " + "11" * 32 + "\n"


def test_marks_of_version_1(folder):
    """A mailbox of version 0.1 that is polled: one more copy, then it is known; a redirected one is delivered, no bounce."""
    import importlib.util
    spec = importlib.util.spec_from_file_location("make_mark", os.path.join(tap.TOP, "tests/loop/make-mark.py"))
    make_mark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_mark)
    import time
    world = Services(folder, f"key_file={folder}/key")
    world.write("key", KEY)
    now = int(time.time()) - 86400
    for kind in ("stored", "redirected"):
        raw = MESSAGE.replace(b"<1@", b"<%s@" % kind.encode())
        old = make_mark.mark_1("k2017", "11" * 32, kind, 0, now, ANN, raw.decode()).encode() + raw
        world.receive(old, fetched=True)
        tap.contains(world.log(), "loop=returned")
        for _ in range(3):
            if kind == "stored":
                world.receive_from_here(old, fetched=True)
            else:
                world.receive(old, fetched=True)
            tap.contains(world.log(), "loop=kept")
    tap.same(world.counts("", ".Loops"), (2, 0))


def test_a_key_of_the_site(folder):
    """mark_key = site: its key signs, and no owner gets one."""
    world = Services(folder, f"key_file={folder}/key", "mark_key=site")
    world.write("key", KEY)
    world.receive(MESSAGE)
    tap.same([key for key, _, _ in marks(world.stored()[0])], [b"k2017"])
    tap.same(sorted(os.listdir(folder + "/ann/todoke-state")), ["marks", "record"])
    world.receive_from_here(world.stored()[0])


def test_srs_without_a_key_it_can_read(folder):
    """SRS keeps the original sender, and the log says why."""
    world = Services(folder, "redirect_sender=srs", f"key_file={folder}/none/key")
    world.write("none", "no folder")
    with Peer() as peer:
        world.options += ["-o", "submit=" + peer.submit]
        world.script('redirect "x@outside.test";')
        world.receive(MESSAGE)
        tap.contains(peer.mails[0][0], "<s@client.test>")
        tap.contains(world.log(), "not rewritten")
        tap.contains(world.log(), "key=")


def test_a_plain_store_opens_no_data_base(folder):
    """One line is appended, and that is all."""
    world = Services(folder)
    world.receive(MESSAGE)
    state = folder + "/ann/todoke-state"
    tap.same(sorted(os.listdir(state)), ["mark.keys", "marks", "record"])
    with open(state + "/marks", encoding="utf-8") as marks_file:
        lines = marks_file.read().splitlines()
    tap.same(len(lines), 1)
    tap.same(bool(re.fullmatch(r"\d+/[0-9a-f]{16} [0-9a-f]{32} 380\.[0-9a-f]{32} kept f \d+ new/\S+", lines[0])), True, lines[0])


def test_the_history_begins_anew(folder):
    """When its first line is older than a mark lives it is put aside; both files are read, the one before is gone."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    path = folder + "/ann/todoke-state/marks"
    text = open(path, encoding="utf-8").read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"1 {'0' * 32} 0.{'0' * 32} returned\n" + text)
    for number in range(800):  # one in 32 looks, by chance
        world.receive(MESSAGE.replace(b"<1@", b"<%d@" % (number + 100)) + b"%d\n" % number)
        if os.path.exists(path + ".old"):
            break
    tap.same(os.path.exists(path + ".old"), True, "after so many deliveries")
    world.receive_from_here(raw)


def test_what_is_odd_in_the_history_says_nothing(folder):
    """A torn line, a link in its place."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    path = folder + "/ann/todoke-state/marks"
    text = open(path, encoding="utf-8").read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[:-30])
    world.receive(raw)
    tap.contains(world.log(), "loop=returned")
    os.remove(path)
    os.symlink(folder + "/elsewhere", path)
    world.receive(MESSAGE.replace(b"<1@", b"<2@"))
    tap.contains(world.log(), "is not remembered")
    tap.same(os.path.exists(folder + "/elsewhere"), False)


def test_a_retry_does_not_meet_itself(folder):
    """A mail that came back is stored and redirected; the redirect is put off. The copy that this try stored is no reason to take the next for a return."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    os.remove(os.path.join(folder, "ann", world.files()[0]))
    world.script('require "copy"; redirect :copy "far@away.test";')
    received = b"Received: from client.test by mx.example.test (Postfix) with ESMTP id 4ABF;\n\tThu, 3 Aug 2017 00:00:00 +0900\n"
    tap.same(world.run(ANN, "4ABF", received + raw, ("-o", "submit=smtp:127.0.0.1:%d" % tap.unused_port())).returncode, 75, world.log())
    tap.same(world.counts(""), (1,))
    for wanted in ("sent_to", "by an earlier try"):
        with Peer() as peer:
            tap.same(world.run(ANN, "4ABF", received + raw, ("-o", "submit=" + peer.submit)).returncode, 0, world.log())
        tap.contains(world.log(), "action2=redirect" if wanted == "sent_to" else wanted)
        tap.same((world.counts(""), "returned-often" in world.log()), ((1,), False), wanted)


def test_duplicates(folder):
    """The setting: off, discard, flag, file; of fetched mail or all; by Message-ID and content or Message-ID alone."""
    number = 0
    Services(folder)
    for how, of, fetched, second, wanted in (
            ("off", "all", True, MESSAGE, (2, 0)), ("discard", "fetched", True, MESSAGE, (1, 0)), ("discard", "fetched", False, MESSAGE, (2, 0)),
            ("discard", "all", False, MESSAGE, (1, 0)), ("file", "all", False, MESSAGE, (1, 1)), ("flag", "all", False, MESSAGE, (2, 0)),
            ("discard", "all", False, MESSAGE + b"more\n", (2, 0)), ("discard", "all", False, MESSAGE.replace(b"<1@", b"<2@"), (2, 0))):
        number += 1
        world = Services(f"{folder}/{number}", f"duplicates={how}", f"duplicates_of={of}", "duplicates_flag=\\Flagged")
        world.receive(MESSAGE, fetched=fetched)
        world.receive(second, fetched=fetched)
        tap.same(world.counts("", ".Duplicates"), wanted, (how, of, fetched))
        tap.same([path.endswith(":2,F") for path in world.files()].count(True), how == "flag", how)
        if wanted != (2, 0) or how == "flag":
            tap.contains(world.log(), "a second copy of a mail")
    world = Services(f"{folder}/by-id", "duplicates=discard", "duplicates_of=all", "duplicates_by=message-id")
    world.receive(MESSAGE)
    world.receive(MESSAGE + b"more\n")
    tap.same(world.counts(""), (1,))
    for _ in range(2):
        world.receive(FIELDS + b"\nno Message-ID\n")
    tap.same(world.counts(""), (3,), "without a Message-ID none is a second copy")


def test_duplicates_are_forgotten(folder):
    """For how long."""
    world = Services(folder, "duplicates=discard", "duplicates_of=all", "duplicates_lifetime=60s")
    world.receive(MESSAGE)
    db = sqlite3.connect(folder + "/ann/todoke-state/state.db")
    tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        column = next((name for name in columns if name in ("until", "ends", "expires")), None)
        if column is not None:
            db.execute(f"UPDATE {table} SET {column} = {column} - 61")
    db.commit()
    db.close()
    world.receive(MESSAGE)
    tap.same(world.counts(""), (2,))


def test_try_tells_what_a_delivery_would_do(folder):
    """The same verdict, and nothing is changed by looking."""
    world = Services(folder)
    world.receive(MESSAGE)
    raw = world.stored()[0]
    before = {path: os.lstat(os.path.join(folder, path)).st_mtime_ns for path in tap.files_below(folder)}
    received = b"Received: from client.test by mx.example.test (Postfix) with ESMTP id 4ABF;\n\tThu, 3 Aug 2017 00:00:00 +0900\n"
    args = [word for word in world.args(ANN, "4ABF")[1:] if word not in ("-f", "s@client.test")]
    result = tap.todoke("try", *args, "-", stdin=received + raw)
    tap.contains(result.stdout, b"loop check: taken-out, put off", str(result))
    tap.contains(result.stdout, b"answer: 4.4.6", str(result))
    tap.same({path: os.lstat(os.path.join(folder, path)).st_mtime_ns for path in tap.files_below(folder)}, before)


def test_two_lines_of_one_hop_are_one_return(folder):
    """A provider with this host's name wrote two Delivered-To lines."""
    world = Services(folder)
    stamps = b"Delivered-To: ann@example.test\nDelivered-To: ann@example.test\n"
    hop = b"Received: from x.test by mx.example.test (Postfix) with ESMTP id 4ABD;\n\tThu, 3 Aug 2017 00:00:00 +0900\n"
    tap.contains(world.receive(stamps + hop + MESSAGE, fetched=True), "stored in INBOX")
    tap.same(world.counts("", ".Loops"), (1, 0))
    fetch = b"Received: from pop3.test by mx.example.test with POP3 (fetchmail-6.4.37); Thu, 3 Aug 2017 00:00:00 +0900\n"
    twice = stamps + hop + fetch + stamps + hop.replace(b"4ABD", b"4ABC") + MESSAGE.replace(b"<1@", b"<2@")
    world.receive(twice, fetched=True)
    tap.contains(world.log(), "loop=returned-often")
    tap.same(world.counts("", ".Loops"), (1, 1))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
