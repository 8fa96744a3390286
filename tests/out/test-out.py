#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What leaves the machine: each action through plan-once, against a scripted SMTP peer."""

import email
import email.policy
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from smtp_peer import Peer, write_program

PROGRAM = os.path.abspath("tests/out/plan-once")
MESSAGE = (b"Received: from client.test by mail.example.net; Wed, 2 Aug 2017 23:49:00 +0900\n"
           b"From: Sender <sender@client.test>\nTo: owner@example.net\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
           b"Message-ID: <1@client.test>\nReferences: <0@client.test>\nDate: Wed, 2 Aug 2017 23:49:00 +0900\n\n"
           b"body\n.dot\n..two\nlast \xe4\n")
KEY = "k1 " + "11" * 32 + "\n"


class Result:
    def __init__(self, run):
        self.code = run.returncode
        lines = run.stdout.decode().splitlines()
        self.answer = lines[0] if lines else ""
        self.done = [line[2:] for line in lines if line.startswith("+ ")]
        self.told = [line[2:] for line in lines if line.startswith("@ ")]
        self.notes = [line[2:] for line in lines if line.startswith("# ")]
        self.detail = run.stderr.decode()

    def note(self, part):
        if not any(part in note for note in self.notes):
            raise AssertionError("no note with %r in %r; %s" % (part, self.notes, self.detail))


def run(folder, peer, *words, message=MESSAGE, code=0, env=None, patience=50, preexec=None):
    """Patience is submit_timeout in seconds: only who waits for a peer that hangs makes it short, or a busy machine decides."""
    submit = peer if isinstance(peer, str) else peer.submit
    argv = [PROGRAM, folder, "-o", "submit=" + submit, "-o", "submit_timeout=%ds" % patience, *words]
    result = Result(subprocess.run(argv, input=message, capture_output=True, timeout=tap.PATIENCE, check=False, env=dict(os.environ, **(env or {})),
                                   preexec_fn=preexec))
    tap.same(result.code, code, "exit code of %s in %s (%s; %s)" % (words, folder, result.answer, result.detail))
    return result


def stored(folder, box=""):
    root = os.path.join(folder, "Maildir", box)
    files = [name for name in tap.files_below(root) if re.match("(new|cur)/", name)]
    return [open(os.path.join(root, name), "rb").read() for name in files]


def no_litter(folder):
    tap.same(tap.litter(folder), [], "tmp")


def parse(message):
    return email.message_from_bytes(message.replace(b"\r\n", b"\n"), policy=email.policy.default)


def field(message, name):
    return re.findall(b"(?im)^%s: *(.*?)\r?$" % name.encode(), message.split(b"\r\n\r\n")[0])


def keyed(folder):
    with open(os.path.join(folder, "key"), "w") as file:
        file.write(KEY)


# redirect

def test_redirect_keeps_every_byte(folder):
    keyed(folder)
    with Peer() as peer:
        result = run(folder, peer, "redirect|b@example.org")
        tap.same(result.done, ["redirect b@example.org"])
        mail, rcpt, message = peer.mails[0]
        tap.same((mail, rcpt), ("MAIL FROM:<sender@client.test> BODY=8BITMIME", "RCPT TO:<b@example.org>"))
        mark, rest = message.split(b"\r\n\t", 1)[0], message.split(b"\r\n", 2)[2]
        tap.contains(mark, b"X-Todoke-Mark: v=2; k=k1; a=passed; t=1700000000;")
        tap.same(rest, MESSAGE.replace(b"\n", b"\r\n"))
    tap.same(stored(folder), [])
    no_litter(folder)


def test_body_is_8bit_where_an_octet_is(folder):
    """RFC 6152: one octet beyond ASCII is enough, in the header, or wherever in the body; without one nothing is said."""
    head, pad = b"From: a@b.test\nSubject: %s\n\n", b"0123456789abcde\n" * 5000
    with Peer() as peer:
        for number, (message, is_8bit) in enumerate(((head % b"x" + b"body\n", False), (head % b"\xe4" + b"body\n", True), (head % b"x" + b"\x80\n", True),
                                                     (head % b"x" + b"\x7f\n", False), (head % b"x" + pad, False), (head % b"x" + pad + b"\xff\n", True),
                                                     (head % b"x", False))):
            run(folder, peer, "-e", "queue_id=%d" % number, "redirect|b@example.org", message=message)
            tap.same("BODY=8BITMIME" in peer.mails[-1][0], is_8bit, "message %d" % number)


def test_redirect_without_key_or_return_path(folder):
    with Peer() as peer:
        run(folder, peer, "redirect|b@example.org", message=b"Return-Path: <sender@client.test>\n" + MESSAGE)
        tap.same(peer.mails[0][2], MESSAGE.replace(b"\n", b"\r\n"))


def test_redirect_with_stamps_of_earlier_hops(folder):
    """Only a copy with our mark may lose them: else nothing is left by which a loop is known."""
    stamped = b"X-Original-To: alias@example.net\nDelivered-To: inner@host.example.net\n" + MESSAGE.replace(b"To: owner", b"DELIVERED-TO: old@client.test\nTo: owner")
    names = (b"X-Original-To", b"Delivered-To", b"DELIVERED-TO")
    for key, how, wanted in (("", "strip", names), ("key", "keep", names), ("key", "strip", ()),
                             ("key", "rename", (b"Old-X-Original-To", b"Old-Delivered-To", b"Old-Delivered-To"))):
        box = os.path.join(folder, key + how)
        os.mkdir(box)
        if key:
            keyed(box)
        with Peer() as peer:
            run(box, peer, "-o", "redirect_stamps=" + how, "redirect|b@example.org", message=stamped)
            found = re.findall(rb"(?im)^((?:old-)?(?:delivered-to|x-original-to)): (.*?)\r$", peer.mails[0][2])
        addresses = (b"alias@example.net", b"inner@host.example.net", b"old@client.test")
        tap.same(found, list(zip(wanted, addresses)), key + how)


def test_redirect_of_a_message_without_header_and_with_crlf(folder):
    with Peer() as peer:
        for number, (message, want) in enumerate(((b"\nonly body\n", b"\r\nonly body\r\n"), (b"A: b\r\n\r\nx\r\n", b"A: b\r\n\r\nx\r\n"),
                                                  (b"A: b\n", b"A: b\r\n"), (b"A: b\n\nno end", b"A: b\r\n\r\nno end\r\n"))):
            run(folder, peer, "-e", "queue_id=%d" % number, "redirect|b@example.org", message=message)
            tap.same(peer.mails[-1][2], want)


def test_redirect_of_a_long_message(folder):
    message = MESSAGE + b".0123456789abcde\n" * 200000
    with Peer() as peer:
        run(folder, peer, "redirect|b@example.org", message=message)
        tap.same(peer.mails[0][2] == message.replace(b"\n", b"\r\n"), True)


def test_redirect_beside_a_copy(folder):
    with Peer() as peer:
        result = run(folder, peer, "redirect|b@example.org", "keep")
        tap.same(result.done, ["keep INBOX", "redirect b@example.org"])
    tap.same(stored(folder), [MESSAGE])


def test_redirect_through_unix_socket(folder):
    with Peer(path=os.path.join(folder, "socket")) as peer:
        run(folder, peer, "redirect|b@example.org")
        tap.same(peer.recipients(), ["b@example.org"])


def test_redirect_passes_dsn_wishes(folder):
    wishes = ["-e", "notify=SUCCESS,FAILURE", "-e", "ret=HDRS", "-e", "envid=QQ+2B1", "-e", "orcpt=rfc822;info@example.net"]
    with Peer() as peer:
        run(folder, peer, *wishes, "redirect|b@example.org")
        tap.same(peer.mails[0][0], "MAIL FROM:<sender@client.test> BODY=8BITMIME RET=HDRS ENVID=QQ+2B1")
        tap.same(peer.mails[0][1], "RCPT TO:<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;info@example.net")
    with Peer({"EHLO": "250 plain"}) as peer:
        run(folder, peer, "-e", "queue_id=2", *wishes, "redirect|b@example.org")
        tap.same(peer.mails[0][:2], ("MAIL FROM:<sender@client.test>", "RCPT TO:<b@example.org>"))
    with Peer() as peer:
        run(folder, peer, "-e", "queue_id=3", "-e", "envid=a b\r\nRCPT TO:<evil@x>", "redirect|b@example.org")
        tap.same(peer.mails[0][0], "MAIL FROM:<sender@client.test> BODY=8BITMIME")


def test_redirect_sender(folder):
    keyed(folder)
    with Peer() as peer:
        for number, (setting, sender, want) in enumerate((
                ("original", "a b@client.test", '"a b"@client.test'), ("owner", "s@client.test", "owner@example.net"), ("owner", "", ""),
                ("postmaster", "s@client.test", "postmaster@example.net"), ("recipient", "s@client.test", "owner@example.net"),
                ("original_recipient", "s@client.test", "sales@example.net"), ("postmaster", "", ""),
                ("srs", "", ""), ("srs", "MAILER-DAEMON", ""), ("original", "ü@client.test", "ü@client.test"))):
            run(folder, peer, "-o", "redirect_sender=" + setting, "-e", "original=sales@example.net", "-e", "sender=" + sender, "-e", "queue_id=%d" % number, "redirect|b@example.org")
            tap.contains(peer.mails[-1][0], "MAIL FROM:<%s>" % want)
        tap.contains(peer.mails[-1][0], " SMTPUTF8")
        run(folder, peer, "-o", "redirect_sender=srs", "-e", "queue_id=9", "redirect|b@example.org")
        tap.same(bool(re.match(r"MAIL FROM:<SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=client\.test=sender@example\.net>", peer.mails[-1][0])), True, peer.mails[-1][0])


def test_redirect_srs_without_key_is_noted(folder):
    with Peer() as peer:
        run(folder, peer, "-o", "redirect_sender=srs", "redirect|b@example.org").note("not rewritten")
        tap.contains(peer.mails[0][0], "<sender@client.test>")


def test_redirect_held_back_is_stored(folder):
    hops = b"Received: by x\n" * 31
    with Peer() as peer:
        for number, (address, message, why) in enumerate((
                ("owner@example.net", MESSAGE, "that is the owner"), ("OWNER+x@EXAMPLE.net", MESSAGE, "that is the owner"),
                ("b@example.org", hops + MESSAGE, "hosts"), ("b\r\nRCPT TO:<c@d>", MESSAGE, "not an address"), ("", MESSAGE, "not an address"))):
            result = run(folder, peer, "-e", "queue_id=%d" % number, "redirect|" + address, message=message)
            result.note(why)
            tap.same(result.done, ["keep INBOX"])
            tap.same(len(stored(folder)), number + 1)
        tap.same(peer.mails, [])


def test_redirect_limit_of_the_day(folder):
    with Peer() as peer:
        for number in range(4):
            result = run(folder, peer, "-o", "redirect_limit=3", "-e", "queue_id=%d" % number, "redirect|b@example.org", "redirect|c@example.org")
        result.note("the limit of 3 redirects a day is reached")
        tap.same(len(peer.mails), 3)
        tap.same(len(stored(folder)), 3)
        run(folder, peer, "-o", "redirect_limit=3", "-e", "queue_id=5", "-e", "now=1700090000", "redirect|b@example.org")
        tap.same(len(peer.mails), 4)


def test_what_does_not_leave_is_not_counted(folder):
    """A server that is down for long uses up no limit: each mail is tried often, and goes out when the server is back."""
    with Peer({"RCPT": "450 4.1.1 later"}) as peer:
        for number in range(6):
            for _ in range(2):
                run(folder, peer, "-o", "redirect_limit=3", "-e", "queue_id=%d" % number, "redirect|b@example.org", code=75)
    with Peer() as peer:
        for number in range(4):
            run(folder, peer, "-o", "redirect_limit=3", "-e", "queue_id=%d" % number, "redirect|b@example.org")
        tap.same(len(peer.mails), 3)
        tap.same(len(stored(folder)), 1)


# what the other side may do

TROUBLE = [("greeting", "421 4.3.2 busy", 75), ("greeting", "554 no", 75), ("EHLO", "421 4.3.2 closing", 75), ("MAIL", "451 4.3.0 later", 75),
           ("greeting", "554 5.7.1 Client host rejected: Access denied", 75), ("EHLO", "554 5.7.1 go away", 75), ("EHLO", "421 4.3.2 bye", 75),
           ("MAIL", "550 5.1.8 bad sender", 0), ("MAIL", "554 5.7.1 <x>: Client host rejected: Access denied", 0), ("MAIL", "421 4.7.0 bye", 75), ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", 75), ("RCPT", "450 4.1.1 later", 75),
           ("RCPT", "550 5.1.1 no such user b@example.org", 69), ("RCPT", "550 no code", 69), ("RCPT", "554 5.7.1 spam", 69), ("RCPT", "552 5.2.2 full", 69),
           ("RCPT", "421 4.3.2 bye", 75), ("RCPT", "554 5.7.1 <b@example.org>: Relay access denied", 75),
           ("RCPT", "554 5.7.1 <x[1.2.3.4]>: Client host rejected: Access denied", 75), ("RCPT", "504 5.5.2 <x>: Helo command rejected: need fqdn", 75),
           ("RCPT", "550 5.1.8 <s>: Sender address rejected: Domain not found", 0),
           ("DATA", "451 4.3.0 later", 75), ("DATA", "554 5.5.1 no", 0), ("DATA", "550 5.7.1 no", 0),
           ("DOT", "452 4.3.1 full", 75), ("DOT", "552 5.3.4 too big", 0), ("DOT", "550 5.7.1 content rejected", 0), ("DOT", "421 4.3.0 bye", 75), ("greeting", "die", 75), ("EHLO", "die", 75),
           ("MAIL", "die", 75), ("RCPT", "die", 75), ("DATA", "die", 75), ("DATA", "die in data", 75), ("DOT", "die", 75),
           ("greeting", "hang", 75), ("MAIL", "hang", 75), ("DOT", "hang", 75), ("MAIL", "nonsense", 75), ("MAIL", "9" * 5000, 75),
           ("RCPT", "250-" + "x" * 100 + "\r\n" + "250-y\r\n" * 200 + "250 z", 75)]


def script_of(step, what):
    """Who refuses EHLO would be asked again by HELO."""
    return {step: what, "HELO": what} if step == "EHLO" else {step: what}


def submit_of(peer):
    return peer.submit.split(":", 1)[1]


def patience(what):
    return 2 if what == "hang" else 50


def more_settings(what):
    """The answer to the end of a message has all the time of the delivery."""
    return ("-o", "deadline=5s") if what == "hang" else ()


def test_trouble_with_a_redirect(folder):
    for number, (step, what, code) in enumerate(TROUBLE):
        box = os.path.join(folder, str(number))
        os.mkdir(box)
        with Peer(script_of(step, what)) as peer:
            began = time.monotonic()
            result = run(box, peer, *more_settings(what), "redirect|b@example.org", code=code, patience=patience(what))
            tap.same(time.monotonic() - began < 40, True, "time at %s: %s" % (step, what))
            tap.same(peer.mails, [])
        tap.same(stored(box), [MESSAGE] if code == 0 else [], "%s: %s" % (step, what))
        no_litter(box)
        tap.same("example.org" in result.answer or submit_of(peer) in result.answer, False, "target in " + result.answer)
        words = what.split("\r")[0][:200]
        if code == 0: # the mail's: it stays here, and its owner is told why
            result.note("stored in the INBOX instead: reference ")
            result.note("<b@example.org> by %s: %s (in reply to" % (peer.submit, words))
            tap.contains(result.told[0], words)
            continue
        reference = re.search(" - reference ([0-9a-f]{10})$", result.answer).group(1)
        tap.contains(result.detail, "reference %s: <b@example.org> by %s: " % (reference, peer.submit))
        if what[0] in "45" and step != "greeting":
            tap.contains(result.detail, words)
        if code == 69:
            own = re.search(r"^\d+ (5\.\d\.\d)", what)
            tap.contains(result.answer, (own.group(1) if own else "5.4.0") + " the recipient's rules passed it on, and it was refused there")
            again = run(box, peer, "redirect|b@example.org", code=69)
            tap.same(again.answer, result.answer, "a retry")
            continue
        tap.contains(result.answer, "4.4.0 ")
        with Peer() as peer:
            run(box, peer, "redirect|b@example.org")
            tap.same(peer.recipients(), ["b@example.org"])
            run(box, peer, "redirect|b@example.org").note("done by an earlier try")
            tap.same(peer.recipients(), ["b@example.org"])


def test_trouble_leaves_one_copy(folder):
    plan = ("redirect|b@example.org", "keep", "fileinto|Work", "redirect|c@example.org")
    for number, (step, what, code) in enumerate(TROUBLE):
        box = os.path.join(folder, str(number))
        os.mkdir(box)
        with Peer(script_of(step, what)) as peer:
            for _ in range(2 if what != "hang" else 1):
                run(box, peer, *more_settings(what), *plan, code=75 if code == 75 else 0, patience=patience(what))
                tap.same((len(stored(box)), len(stored(box, ".Work"))), (1, 1), "copies after %s: %s" % (step, what))
        if code == 75:
            with Peer() as peer:
                run(box, peer, *plan)
                tap.same(peer.recipients(), ["b@example.org", "c@example.org"])
                tap.same((len(stored(box)), len(stored(box, ".Work"))), (1, 1), "copies at last")
        no_litter(box)


def test_a_slow_answer_to_the_end_is_waited_for(folder):
    """submit_timeout is over, the other side has the message: giving up would send it twice."""
    class Slow(Peer):
        def say(self, connection, step):
            if step == "DOT":
                self.over.wait(4)
            return super().say(connection, step)

    with Slow() as peer:
        run(folder, peer, "redirect|b@example.org", patience=2)
        tap.same(peer.recipients(), ["b@example.org"])


def test_a_retry_while_the_first_try_waits_sends_nothing(folder):
    """The first try waits for the answer to the end of the message; its client was lost, and the retry comes."""
    class Held(Peer):
        def __init__(self):
            self.asked, self.free = threading.Event(), threading.Event()
            super().__init__()

        def say(self, connection, step):
            if step == "DOT":
                self.asked.set()
                self.free.wait(tap.PATIENCE)
            return super().say(connection, step)

    with Held() as peer:
        argv = [PROGRAM, folder, "-o", "submit=" + peer.submit, "redirect|b@example.org"]
        first = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            first.stdin.write(MESSAGE)
            first.stdin.close()
            tap.same(peer.asked.wait(tap.PATIENCE), True)
            began = time.monotonic()
            result = run(folder, peer, "redirect|b@example.org", code=75)
            tap.same(time.monotonic() - began >= tap.limit("TRY_WAIT_SECONDS"), True, "time that the retry waits")
            tap.contains(result.answer, "4.3.2 an earlier try of this message is still at work")
            run(folder, peer, "-e", "queue_id=other", "keep") # another message waits for nobody
            peer.free.set()
            tap.same(first.wait(tap.PATIENCE), 0)
        finally:
            first.kill()
            first.wait()
        run(folder, peer, "redirect|b@example.org").note("done by an earlier try")
        tap.same(peer.recipients(), ["b@example.org"])
    tap.same([name for name in os.listdir(folder + "/state") if name.startswith("try.")], [])


def test_nobody_there(folder):
    submit = "smtp:127.0.0.1:%d" % tap.unused_port()
    tap.contains(run(folder, submit, "redirect|b@example.org", code=75).answer, "4.4.0 ")
    tap.contains(run(folder, "smtp:unix:%s/none" % folder, "redirect|b@example.org", code=75).answer, "4.4.0 ")
    tap.contains(run(folder, "sendmail:%s/none" % folder, "redirect|b@example.org", code=75).answer, "4.4.0 ")
    tap.contains(run(folder, "nonsense", "redirect|b@example.org", code=75).answer, "4.3.5 ")


def test_refused_and_put_off(folder):
    """One address is refused, another comes later: put off first, then the refusal, and nothing twice."""
    plan = ("redirect|b@example.org", "redirect|c@example.org")

    class Half(Peer):
        def say(self, connection, step):
            if step == "RCPT" and "<b@" in self.commands[-1]:
                connection.sendall(b"550 5.1.1 gone\r\n")
                return False
            return super().say(connection, step)

    with Half({"DOT": "451 4.3.0 later"}) as peer:
        run(folder, peer, *plan, code=75)
    with Half() as peer:
        tap.contains(run(folder, peer, *plan, code=69).answer, "5.1.1 the recipient's rules passed it on")
        tap.same(peer.recipients(), ["c@example.org"])
        tap.same([line for line in peer.commands if "b@example.org" in line], [], "asked again")


def test_refused_quietly(folder):
    with Peer({"RCPT": "550 5.1.1 gone"}) as peer:
        result = run(folder, peer, "redirect|b@example.org", "keep")
        result.note("550 5.1.1 gone")
        tap.contains(result.told[0], "550 5.1.1 gone")
        tap.contains(result.told[0], "Message-ID: <1@client.test>")
        run(folder, peer, "-e", "queue_id=2", "redirect|b@example.org", code=69)
        again = run(folder, peer, "-e", "queue_id=3", "redirect|b@example.org", "keep")
        tap.same(again.told, [], "told once a day")
        run(folder, peer, "-o", "redirect_refused=bounce", "-e", "queue_id=4", "redirect|b@example.org", "keep", code=69)
        later = run(folder, peer, "-e", "queue_id=5", "-e", "now=1700090000", "redirect|b@example.org", "keep")
        tap.same(len(later.told), 1)
    tap.same(len(stored(folder)), 4)


def test_refused_bounce_stays_here(folder):
    with Peer({"RCPT": "550 5.1.1 gone"}) as peer:
        result = run(folder, peer, "-e", "sender=", "redirect|b@example.org")
        result.note("stored in the INBOX instead")
    tap.same(stored(folder), [MESSAGE])


def test_sendmail(folder):
    program = write_program(folder, "sendmail", 'printf "%s\\n" "$@" >>"$0.args"; cat >>"$0.mail"; exit $(cat "$0.code")\n')
    for code, want in ((0, 0), (75, 75), (69, 75), (71, 75), (67, 69), (65, 0)):
        with open(program + ".code", "w") as file:
            file.write(str(code))
        run(folder, "sendmail:" + program, "-e", "queue_id=%d" % code, "-e", "sender=", "-e", "notify=NEVER", "-o", "redirect_refused=bounce", "keep", "redirect|b@example.org", code=want)
    with open(program + ".args") as file:
        tap.same(file.read().split("\n")[:8], ["-i", "-f", "", "-N", "NEVER", "--", "b@example.org", "-i"])
    with open(program + ".mail", "rb") as file:
        tap.same(file.read().startswith(MESSAGE), True)


# reject

def test_reject(folder):
    with Peer() as peer:
        result = run(folder, peer, "reject|Bitte nicht,\nich möchte\tdas nicht\r\n", code=77)
        tap.same(result.answer, "5.7.1 Bitte nicht, ich möchte das nicht")
        result = run(folder, peer, "ereject|" + "ü" * 2000, code=77)
        tap.same(len(result.answer) < 700, True)
        tap.same(run(folder, peer, "reject|", code=77).answer, "5.7.1 refused by a rule")
        result = run(folder, peer, "notify|mailto:n@example.org", "reject|no", code=77)
        tap.same(peer.recipients(), ["n@example.org"])
        run(folder, peer, "-e", "sender=", "reject|no", code=77).note("null sender")
    tap.same(stored(folder), [])
    no_litter(folder)


# vacation

def test_vacation(folder):
    with Peer() as peer:
        result = run(folder, peer, "keep", "vacation|h|7|Bin weg – zurück am 1.|Sent")
        tap.same(result.done, ["keep INBOX", "vacation sender@client.test", "fileinto Sent"] if result.done[1][0] == "v"
                 else ["keep INBOX", "fileinto Sent", "vacation sender@client.test"])
        mail, rcpt, message = peer.mails[0]
        tap.same((mail.split(" BODY")[0], rcpt), ("MAIL FROM:<>", "RCPT TO:<sender@client.test> NOTIFY=NEVER"))
        reply = parse(message)
        tap.same(reply["From"], "owner@example.net")
        tap.same(reply["To"], "sender@client.test")
        tap.same(reply["Subject"], "Auto: Grüße")
        tap.same(reply["In-Reply-To"], "<1@client.test>")
        tap.same(reply["References"], "<0@client.test> <1@client.test>")
        tap.same(reply["Auto-Submitted"], "auto-replied (vacation)")
        tap.same(reply.get_content().strip(), "Bin weg – zurück am 1.")
        tap.same(reply["Date"], "Tue, 14 Nov 2023 22:13:20 +0000")
        tap.same(len(stored(folder)), 1)
        tap.same(stored(folder, ".Sent")[0].replace(b"\n", b"\r\n"), message)
        # the same sender again: not within the days
        run(folder, peer, "-e", "queue_id=2", "keep", "vacation|h|7|weg").note("was answered before")
        run(folder, peer, "-e", "queue_id=3", "-e", "now=%d" % (1700000000 + 7 * 86400 - 1), "keep", "vacation|h|7|weg").note("answered before")
        run(folder, peer, "-e", "queue_id=4", "-e", "now=%d" % (1700000000 + 7 * 86400), "keep", "vacation|h|7|weg")
        run(folder, peer, "-e", "queue_id=5", "-e", "sender=other@client.test", "keep", "vacation|h|7|weg")
        tap.same(peer.recipients(), ["sender@client.test"] * 2 + ["other@client.test"])
        run(folder, peer, "-e", "queue_id=6", "keep", "vacation|every|0|weg")
        run(folder, peer, "-e", "queue_id=7", "keep", "vacation|every|0|weg")
        tap.same(len(peer.mails), 5)


def test_vacation_repeats_nothing_raw_and_nothing_long(folder):
    """What a stranger put into Subject, Message-ID and References goes into a mail of ours."""
    with Peer() as peer:
        long = b"x" * 5000
        message = (b"From: s@client.test\nTo: owner@example.net\nSubject: \xe3\x81\x82" + "ä".encode() * 3000 +
                   b"\nMessage-ID: <\xe4" + long + b"@client.test>\nReferences: <a\xe4@b> <good@b> <" + long + b"@b> <no id\n\nbody\n")
        run(folder, peer, "keep", "vacation|h|7|weg", message=message)
        head = peer.mails[0][2].split(b"\r\n\r\n")[0]
        tap.same(head.isascii(), True, "8-bit in %r" % head)
        tap.same(max(len(line) for line in head.split(b"\r\n")) < 998, True)
        reply = parse(peer.mails[0][2])
        tap.same((reply["Subject"], len(reply["Subject"])), ("Auto: あ" + "ä" * 249, 256))
        tap.same((reply["In-Reply-To"], reply["References"]), (None, None))
        run(folder, peer, "-e", "queue_id=2", "-e", "sender=o@client.test", "-o", "sieve_vacation_subject_length=20", "keep",
            "vacation|h|7|weg", message=message.replace(b"<\xe4" + long, b"<1"))
        reply = parse(peer.mails[1][2])
        tap.same(reply["Subject"], "Auto: あ" + "ä" * 13)
        tap.same((reply["In-Reply-To"], reply["References"]), ("<1@client.test>", "<good@b> <1@client.test>"))
        for number, more in ((3, 0), (4, 1)):
            own_id = b"<" + b"i" * (tap.limit("MESSAGE_ID_BYTES") + more - 4) + b"@b>"
            run(folder, peer, "-e", "queue_id=%d" % number, "-e", "sender=n%d@client.test" % number, "keep", "vacation|h|7|weg",
                message=MESSAGE.replace(b"<1@client.test>", own_id))
            tap.same(parse(peer.mails[-1][2])["In-Reply-To"], None if more else own_id.decode(), "an id of %d" % len(own_id))


def test_vacation_settings(folder):
    other = MESSAGE.replace(b"To: owner@", b"To: sales@").replace(b"Subject:", b"X-Subject:")
    with Peer() as peer:
        def answer(number, *settings, message=MESSAGE):
            words = [word for setting in settings for word in ("-o", setting)]
            run(folder, peer, *words, "-e", "original=sales@example.net", "-e", "queue_id=%d" % number, "-e", "sender=s%d@client.test" % number, "keep",
                "vacation|h|7|weg", message=message)
            return peer.mails[-1][0], parse(peer.mails[-1][2])

        tap.same(answer(1, "sieve_vacation_subject=Re: %{subject} (auto)")[1]["Subject"], "Re: Grüße (auto)")
        tap.same(answer(2, message=other)[1]["Subject"], "Automated reply")
        tap.same(answer(3, "sieve_vacation_no_subject=weg", message=other)[1]["Subject"], "weg")
        tap.same(answer(4, "sieve_vacation_from_recipient=yes")[0], "MAIL FROM:<owner@example.net>")
        tap.same(answer(5, "sieve_vacation_to_from_header=yes")[1]["To"], "sender@client.test")
        tap.same(peer.recipients()[-1], "s5@client.test")
        tap.same(answer(6)[1]["To"], "s6@client.test")
        refused = other.replace(b"sales@", b"nobody@")
        answer(7, "sieve_vacation_check_recipient=no", message=refused)
        tap.same(len(peer.mails), 7)
        for number, settings, message in ((8, (), refused), (9, ("-o", "sieve_vacation_original_recipient=no"), other)):
            run(folder, peer, *settings, "-e", "original=sales@example.net", "-e", "queue_id=%d" % number, "-e", "sender=s%d@x.test" % number, "keep",
                "vacation|h|7|weg", message=message).note("not addressed to the owner (by an alias of theirs? then :addresses must name it)")


def test_an_address_stays_one_address(folder):
    """A hostile sender, and the forms of Japanese carriers, by both routes: quoted once."""
    evil = "v1@a.test,v2@c.test,root@evil.test"
    program = write_program(folder, "sendmail", 'printf "%s\\n" "$@" >>"$0.args"; cat >>"$0.mail"\n')
    with Peer() as peer:
        for number, (plain, quoted) in enumerate(((evil, '"v1@a.test,v2@c.test,root"@evil.test'), ("john smith@b.test", '"john smith"@b.test'),
                                                  ("foo.@docomo.ne.jp", '"foo."@docomo.ne.jp'), (".a..b@docomo.ne.jp", '".a..b"@docomo.ne.jp'),
                                                  ('"a"@b.test', '"\\"a\\""@b.test'), ("a>b@c.test", '"a>b"@c.test'))):
            run(folder, peer, "-e", "queue_id=%d" % number, "-e", "sender=" + plain, "keep", "vacation|h|7|weg", "redirect|" + plain)
            tap.same([rcpt.split(" NOTIFY")[0] for _, rcpt, _ in peer.mails[-2:]], ["RCPT TO:<%s>" % quoted] * 2)
            tap.contains([mail for mail, _, _ in peer.mails[-2:]], "MAIL FROM:<%s> BODY=8BITMIME" % quoted)
            reply = parse([message for mail, _, message in peer.mails[-2:] if "<>" in mail][0])
            tap.same([(address.username, address.domain) for address in reply["To"].addresses], [tuple(plain.rsplit("@", 1))])
            run(folder, "sendmail:" + program, "-e", "queue_id=s%d" % number, "-e", "sender=" + plain, "keep", "redirect|" + plain)
            with open(program + ".args") as file:
                tap.same(file.read().split("\n"), ["-i", "-f", quoted, "--", quoted, ""])
            os.unlink(program + ".args")


def test_vacation_mime(folder):
    with Peer() as peer:
        run(folder, peer, "vacation|h|7|Content-Type: text/html; charset=utf-8\nBcc: evil@x.test\nX: y\nContent-Transfer-Encoding: 8bit\n\n<p>weg</p>\n")
        reply = parse(peer.mails[0][2])
        tap.same(reply.get_content_type(), "text/html")
        tap.same((reply["Bcc"], reply["X"]), (None, None))
        tap.same(reply.get_content(), "<p>weg</p>\n")
        tap.same(len(field(peer.mails[0][2], "Content-Type")), 1)
        tap.same(field(peer.mails[0][2], "MIME-Version"), [b"1.0"])


def test_vacation_seen_only_after_success(folder):
    with Peer({"MAIL": "451 4.3.0 later"}) as peer:
        run(folder, peer, "keep", "vacation|h|7|weg").note("vacation not sent")
    tap.same(len(stored(folder)), 1)
    with Peer() as peer:
        run(folder, peer, "-e", "queue_id=2", "keep", "vacation|h|7|weg")
        tap.same(len(peer.mails), 1)
        run(folder, peer, "-e", "queue_id=3", "keep", "vacation|h|7|weg").note("answered before")
    # sent, but the delivery is put off: the retry neither answers again nor forgets
    class Half(Peer):
        def say(self, connection, step):
            if step == "RCPT" and "<b@" in self.commands[-1]:
                connection.sendall(b"450 4.1.1 later\r\n")
                return False
            return super().say(connection, step)
    with Half() as peer:
        plan = ("-e", "queue_id=4", "-e", "sender=x@y.test", "redirect|b@example.org", "vacation|h|7|weg")
        run(folder, peer, *plan, code=75)
        run(folder, peer, *plan, code=75).note("vacation was done by an earlier try")
        tap.same(peer.recipients(), ["x@y.test"])
    with Peer() as peer:
        run(folder, peer, *plan)
        run(folder, peer, "-e", "queue_id=5", "-e", "sender=x@y.test", "keep", "vacation|h|7|weg").note("answered before")
        tap.same(peer.recipients(), ["b@example.org"])


def test_vacation_limit_of_the_day(folder):
    with Peer() as peer:
        for number in range(3):
            result = run(folder, peer, "-o", "reply_limit=2", "-e", "queue_id=%d" % number, "-e", "sender=s%d@x.test" % number, "keep", "vacation|h|7|weg")
        result.note("the limit of 2 replies a day is reached")
        tap.same(len(peer.mails), 2)


# notify

def test_notify(folder):
    uri = "mailto:a%40b.test,c@d.test?subject=Neue%20Post&to=e@f.test&Auto-Submitted=no&keywords=x&from=evil@x.test&body=Zeile%0Azwei"
    with Peer() as peer:
        result = run(folder, peer, "keep", "notify|" + uri)
        tap.same(peer.recipients(), ["a@b.test", "c@d.test", "e@f.test"])
        result.note("'Auto-Submitted'")
        result.note("'from'")
        notice = parse(peer.mails[0][2])
        tap.same(notice["Subject"], "Neue Post")
        tap.same(notice["From"], "owner@example.net")
        tap.same(notice["To"], "a@b.test, c@d.test, e@f.test")
        tap.same(notice["Cc"], None)
        tap.same(notice["Keywords"], "x")
        tap.same(notice["Auto-Submitted"], 'auto-notified; owner-email="owner@example.net"')
        tap.same(notice.get_content(), "Zeile\nzwei\n")
        tap.same(peer.mails[0][0], "MAIL FROM:<owner@example.net>")
        tap.contains(peer.mails[0][1], " NOTIFY=NEVER")
        run(folder, peer, "-e", "queue_id=2", "keep", "notify|mailto:a@b.test|Grüße\nBcc: evil@x.test|Sent")
        tap.same(parse(peer.mails[-1][2])["Subject"], "Grüße Bcc: evil@x.test")
        tap.same(len(stored(folder, ".Sent")), 1)
        run(folder, peer, "-e", "sender=", "-e", "queue_id=3", "keep", "notify|mailto:null@b.test")
        tap.same(peer.recipients()[-1:], ["null@b.test"])
        tap.same(peer.mails[-1][0], "MAIL FROM:<>")


def test_notify_to_and_cc_and_names(folder):
    with Peer() as peer:
        run(folder, peer, "keep", "notify|mailto:a@b.test?cc=%22Smith,%20C%22%20%3Cc@d.test%3E,foo.@docomo.ne.jp&to=Zo%C3%AB%20%3Ce@f.test%3E")
        tap.same(peer.recipients(), ["a@b.test", "e@f.test", "c@d.test", '"foo."@docomo.ne.jp'])
        notice = parse(peer.mails[0][2])
        tap.same(notice["To"], "a@b.test, Zoë <e@f.test>")
        tap.same([(address.display_name, address.username, address.domain) for address in notice["Cc"].addresses],
                 [("Smith, C", "c", "d.test"), ("", "foo.", "docomo.ne.jp")])


def test_notice_repeats_no_long_field(folder):
    most = tap.limit("NOTICE_FIELD")
    with Peer() as peer:
        for number, (length, kept) in enumerate(((most, most), (most + 1, most))):
            run(folder, peer, "-e", "queue_id=%d" % number, "keep", "notify|mailto:a@b.test",
                message=MESSAGE.replace(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"s" * length))
            tap.same(parse(peer.mails[-1][2]).get_content().splitlines()[1], "Subject: " + "s" * kept)
            tap.same(len(parse(peer.mails[-1][2])["Subject"]), 256)


def test_notify_sender(folder):
    with Peer() as peer:
        for number, (setting, want) in enumerate((("recipient", "owner@example.net"), ("original_recipient", "sales@example.net"), ("null", ""),
                                                  ("postmaster", "postmaster@example.net"), ("sender", "sender@client.test"))):
            run(folder, peer, "-o", "sieve_notify_sender=" + setting, "-e", "original=sales@example.net", "-e", "queue_id=%d" % number, "keep",
                "notify|mailto:a@b.test")
            tap.same(peer.mails[-1][0], "MAIL FROM:<%s>" % want)
        run(folder, peer, "-o", "sieve_notify_sender=postmaster", "-o", "postmaster_address=Post Master <pm@example.org>", "-e", "queue_id=8", "keep",
            "notify|mailto:a@b.test")
        tap.same(peer.mails[-1][0], "MAIL FROM:<pm@example.org>")
        run(folder, peer, "-o", "sieve_notify_sender=postmaster", "-e", "sender=", "-e", "queue_id=9", "keep", "notify|mailto:a@b.test")
        tap.same(peer.mails[-1][0], "MAIL FROM:<>")


def test_a_retry_keeps_the_copy_of_the_notice_that_is_late(folder):
    """The second of two notices goes out at the retry: its copy is not taken for that of the first."""
    plan = ("notify|mailto:a@b.test|one|Sent", "notify|mailto:c@b.test|two|Sent", "redirect|d@b.test")

    class Late(Peer):
        def say(self, connection, step):
            if step == "RCPT" and "<a@" not in self.commands[-1]:
                connection.sendall(b"451 4.3.0 later\r\n")
                return False
            return super().say(connection, step)

    with Late() as peer:
        run(folder, peer, *plan, code=75)
        tap.same((peer.recipients(), len(stored(folder, ".Sent"))), (["a@b.test"], 1))
    with Peer() as peer:
        run(folder, peer, *plan)
        tap.same(peer.recipients(), ["c@b.test", "d@b.test"])
    tap.same(sorted(parse(copy)["To"] for copy in stored(folder, ".Sent")), ["a@b.test", "c@b.test"])


def test_notify_guards(folder):
    with Peer() as peer:
        for method, message, sender, why in (
                ("mailto:owner@example.net", MESSAGE, "s@x.test", "is the owner"), ("mailto:", MESSAGE, "s@x.test", "names nobody"),
                ("xmpp:a@b", MESSAGE, "s@x.test", "not a mailto"), ("mailto:a@b.test", b"Auto-Submitted: auto-generated\n" + MESSAGE, "s@x.test", "a machine"),
                ("mailto:" + ",".join("a%d@b.test" % i for i in range(9)), MESSAGE, "s@x.test", "too many"),
                ("mailto:a%0d%0aRCPT@b.test", MESSAGE, "s@x.test", "address")):
            run(folder, peer, "-e", "sender=" + sender, "-e", "queue_id=" + method[:30] + why, "keep", "notify|" + method, message=message).note(why)
        tap.same(peer.mails, [])


# report

def test_report(folder):
    with Peer() as peer:
        run(folder, peer, "keep", "report|abuse|abuse@example.org|Das war Spam")
        message = peer.mails[0][2]
        report = parse(message)
        tap.same((report.get_content_type(), report.get_param("report-type")), ("multipart/report", "feedback-report"))
        parts = list(report.iter_parts())
        tap.same([part.get_content_type() for part in parts], ["text/plain", "message/feedback-report", "message/rfc822"])
        tap.same(parts[0].get_content().strip(), "Das war Spam")
        facts = message.split(b"message/feedback-report")[1]
        for line in (b"Feedback-Type: abuse", b"Version: 1", b"Original-Mail-From: <sender@client.test>", b"Original-Rcpt-To: <owner@example.net>"):
            tap.contains(facts, line)
        tap.contains(message, MESSAGE.replace(b"\n", b"\r\n"))
        tap.same(report["Auto-Submitted"], "auto-generated (report)")
        run(folder, peer, "-e", "queue_id=2", "report|abuse|abuse@example.org|x|headers", "report|abuse|abuse@example.org|y|headers")
        tap.same(len(peer.mails), 2)
        tap.same(b"last" in peer.mails[1][2], False)
        tap.contains(peer.mails[1][2], b"text/rfc822-headers")
        run(folder, peer, "-e", "queue_id=3", "keep", "report|abuse|owner@example.net|x").note("is the owner")
        run(folder, peer, "-e", "queue_id=4", "keep", "report|a b|abuse@example.org|x").note("not a token")
        tap.same(len(peer.mails), 2)


# pipe

def programs(folder):
    where = os.path.join(folder, "bin")
    os.mkdir(where)
    write_program(where, "good", 'cat >"$HOME/got"; printf "%s\\n" "$@" >"$HOME/args"; env >"$HOME/env"; ls -l /proc/self/fd >"$HOME/fds"\n')
    write_program(where, "fails", "echo no such luck >&2; exit 3\n")
    write_program(where, "later", "exit 75\n")
    write_program(where, "hangs", "sleep 1000 & sleep 1000\n")
    write_program(where, "floods", "yes\n")
    write_program(where, "dies", "kill -9 $$\n")
    write_program(where, "leaves", "sleep 1000 &\necho $! >$HOME/left\n")
    write_program(where, "deaf", "exec <&-; exit 0\n")
    return ["-o", "program_folder=" + where, "-o", "program_timeout=50s", "-o", "program_output=100K"]


def test_pipe(folder):
    options = programs(folder)
    result = run(folder, "smtp:127.0.0.1:1", *options, "pipe|good|a b|$(x);`y`|", env={"SECRET": "1"})
    tap.same(result.done, ["pipe good"])
    with open(os.path.join(folder, "got"), "rb") as file:
        tap.same(file.read(), MESSAGE)
    with open(os.path.join(folder, "args")) as file:
        tap.same(file.read(), "a b\n$(x);`y`\n\n")
    with open(os.path.join(folder, "env")) as file:
        names = {line.split("=")[0] for line in file}
    tap.same(names - {"PWD", "SHLVL", "_", "OLDPWD"}, {"PATH", "LANG", "HOME", "HOST", "USER", "LOGNAME", "SENDER", "RECIPIENT", "QUEUE_ID"})
    tap.same(stored(folder), [])
    no_litter(folder)


def test_pipe_that_goes_wrong(folder):
    options = programs(folder)
    big = MESSAGE + b"x" * 500000
    for number, (name, why) in enumerate((
            ("fails", "exit code 3: no such luck"), ("hangs", "took longer"), ("floods", "said more than"), ("dies", "signal 9"), ("missing", "cannot run"),
            ("../bin/good", "is not the name"), (".hidden", "is not the name"), ("", "is not the name"))):
        shorter = ["-o", "program_timeout=1s"] if name == "hangs" else []
        result = run(folder, "smtp:127.0.0.1:1", *options, *shorter, "-e", "queue_id=%d" % number, "pipe|" + name, message=big)
        result.note(why)
        tap.same(len(stored(folder)), number + 1, "copies after " + name)
    run(folder, "smtp:127.0.0.1:1", *options, "-e", "queue_id=deaf", "pipe|deaf", message=big)
    result = run(folder, "smtp:127.0.0.1:1", *options, "-e", "queue_id=with", "pipe|fails", "keep")
    tap.same(result.done, ["keep INBOX"])
    run(folder, "smtp:127.0.0.1:1", "-e", "queue_id=none", "pipe|good").note("program_folder is not set")
    tap.contains(run(folder, "smtp:127.0.0.1:1", *options, "-e", "queue_id=later", "pipe|later", code=75).answer, "4.3.0")


def test_pipe_leaves_no_process(folder):
    options = programs(folder)
    began = time.monotonic()
    run(folder, "smtp:127.0.0.1:1", *options, "pipe|leaves")
    tap.same(time.monotonic() - began < 40, True, "time")
    with open(os.path.join(folder, "left")) as file:
        pid = int(file.read())
    tap.wait_for("the end of %d" % pid, lambda: not tap.is_alive(pid))


# state

def spoil(folder, how):
    path = os.path.join(folder, "state")
    if os.path.isfile(path):
        os.unlink(path)
    shutil.rmtree(path, ignore_errors=True)
    if how == "no folder":
        with open(path, "w"):
            return
    os.mkdir(path)
    if how == "damaged":
        with open(os.path.join(path, "state.db"), "wb") as file:
            file.write(os.urandom(20000))
    if how == "old damage":
        db = sqlite3.connect(os.path.join(path, "state.db"))
        db.execute("CREATE TABLE item (x)")
        db.commit()


def test_spoiled_state_stops_no_mail(folder):
    for number, how in enumerate(("no folder", "damaged", "old damage")):
        spoil(folder, how)
        with Peer() as peer:
            result = run(folder, peer, "-e", "queue_id=%d" % number, "keep", "redirect|b@example.org")
            tap.same(peer.recipients(), ["b@example.org"], how)
            tap.same(len(result.notes) > 0, True, "note of " + how)
        tap.same(len(stored(folder)), number + 1)
    spoil(folder, "no folder")
    with Peer() as peer:
        run(folder, peer, "-e", "queue_id=9", "keep", "vacation|h|7|weg").note("no state that remembers")
        tap.same(peer.mails, [])


def test_damage_inside_the_state(folder):
    """A file that opens and is damaged further in: this delivery goes on without, the next one has a new file."""
    path = os.path.join(folder, "state", "state.db")
    with Peer() as peer:
        run(folder, peer, "keep", "vacation|h|7|weg")
        db = sqlite3.connect(path)
        db.executemany("INSERT INTO item VALUES (0, ?, x'00', 2000000000)", [("k%064d" % number,) for number in range(3000)])
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (os.path.getsize(path) - 4096))
        run(folder, peer, "-e", "queue_id=2", "-e", "sender=q@x.test", "keep", "vacation|h|7|weg", "redirect|b@example.org").note("malformed")
        tap.same(peer.recipients(), ["sender@client.test", "b@example.org"])
        tap.same(os.path.exists(path + ".damaged"), True, "put aside")
        run(folder, peer, "-e", "queue_id=3", "-e", "sender=q@x.test", "keep", "vacation|h|7|weg")
        tap.same(peer.recipients()[2:], ["q@x.test"])
    tap.same(len(stored(folder)), 3)


def small_files():
    """No file may grow beyond this; what is stored is shorter, the state is not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))


def test_no_room_for_the_state(folder):
    """What must leave leaves; who cannot be remembered is not answered; and all is well when there is room again."""
    with Peer() as peer:
        result = run(folder, peer, "keep", "redirect|b@example.org", "vacation|h|7|weg", preexec=small_files)
        tap.same(len([note for note in result.notes if "state" in note or "remember" in note]) > 0, True, result.notes)
        tap.same((peer.recipients(), len(stored(folder))), (["b@example.org"], 1))
        run(folder, peer, "-e", "queue_id=2", "keep", "redirect|b@example.org", "vacation|h|7|weg")
        tap.same((sorted(peer.recipients()), len(stored(folder))), (["b@example.org"] * 2 + ["sender@client.test"], 2))


def test_locked_state_stops_no_mail(folder):
    with Peer() as peer:
        run(folder, peer, "redirect|b@example.org")
        db = sqlite3.connect(os.path.join(folder, "state", "state.db"), isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        result = run(folder, peer, "-e", "queue_id=2", "keep", "redirect|b@example.org", "vacation|h|7|weg")
        result.note("locked")
        tap.same(time.monotonic() - began < 40, True, "time")
        tap.same(peer.recipients(), ["b@example.org"] * 2)
        db.execute("ROLLBACK")
    tap.same(len(stored(folder)), 1)


def test_without_state_a_retry_finds_no_copies(folder):
    spoil(folder, "no folder")
    for _ in range(3):
        run(folder, "smtp:127.0.0.1:%d" % tap.unused_port(), "keep", "redirect|b@example.org", "fileinto|Work", code=75)
        tap.same((len(stored(folder)), len(stored(folder, ".Work"))), (0, 0))
    with Peer() as peer:
        run(folder, peer, "keep", "redirect|b@example.org", "fileinto|Work")
    tap.same((len(stored(folder)), len(stored(folder, ".Work"))), (1, 1))


def test_without_queue_id_the_same_mail_may_come_again(folder):
    with Peer() as peer:
        for _ in range(2):
            run(folder, peer, "-e", "queue_id=", "keep", "redirect|b@example.org")
        tap.same(len(stored(folder)), 2)
        tap.same(len(peer.mails), 2)
    with Peer({"DOT": "451 4.3.0 later"}) as peer:
        run(folder, peer, "-e", "queue_id=", "keep", "redirect|b@example.org", code=75)
        run(folder, peer, "-e", "queue_id=", "keep", "redirect|b@example.org", code=75)
    tap.same(len(stored(folder)), 3)


def test_a_plain_store_opens_no_state(folder):
    run(folder, "smtp:127.0.0.1:1", "keep", "fileinto|Work")
    tap.same(os.path.exists(os.path.join(folder, "state")), False)


# bounds, as agent/base/limits.h has them: just inside, and one over

def test_limits_of_arguments(folder):
    options = programs(folder)
    def pipe(number, *args):
        return run(folder, "smtp:127.0.0.1:1", *options, "-e", "queue_id=%d" % number, "pipe|good|" + "|".join(args))
    most, octets = tap.limit("PROGRAM_ARGUMENTS"), tap.limit("PROGRAM_ARGUMENT_BYTES")
    tap.same(pipe(1, *"a" * most).done, ["pipe good"])
    pipe(2, *"a" * (most + 1)).note("too many arguments")
    tap.same(pipe(3, "x" * (octets - 1)).done, ["pipe good"])
    pipe(4, "x" * octets).note("too long ones")


def test_limits_of_a_reply(folder):
    line, lines = tap.limit("SMTP_REPLY_LINE"), tap.limit("SMTP_REPLY_LINES")
    for number, (reply, code) in enumerate((("250 " + "x" * (line - 5), 0), ("250 " + "x" * (line - 3), 75),
                                            ("250-y\r\n" * (lines - 1) + "250 z", 0), ("250-y\r\n" * lines + "250 z", 75))):
        with Peer({"RCPT": reply}) as peer:
            run(folder, peer, "-e", "queue_id=%d" % number, "redirect|b@example.org", code=code)
            tap.same(len(peer.mails), 1 if code == 0 else 0)


def test_limit_of_references(folder):
    most = tap.limit("REFERENCES")
    for count in (most, most + 1):
        ids = ["<%d@x>" % number for number in range(count)]
        with Peer() as peer:
            run(folder, peer, "-e", "queue_id=%d" % count, "-e", "sender=s%d@x.test" % count, "vacation|h|7|weg",
                message=MESSAGE.replace(b"<0@client.test>", " ".join(ids).encode()))
            want = ids if count == most else ids[:1] + ids[2:]
            tap.same(parse(peer.mails[0][2])["References"].split(), want + ["<1@client.test>"])


def test_limit_of_a_notice(folder):
    most = tap.limit("NOTICE_BYTES")
    for count in (most, most + 1):
        with Peer() as peer:
            run(folder, peer, "-e", "queue_id=%d" % count, "keep", "notify|mailto:a@b.test?body=" + "x" * count)
            tap.same(parse(peer.mails[0][2]).get_content().count("x"), most)


def test_limit_of_a_report(folder):
    head = b"Subject: x\n\n"
    most = tap.limit("REPORT_BYTES")
    line = b"0123456789abcde" * 64 + b"0123456789abcdef" * 3 + b"0123456789abcd\n\n"
    tap.same(len(line), 1024)
    body = line * (most // len(line))
    with Peer() as peer:
        run(folder, peer, "keep", "report|abuse|abuse@example.org|x", message=head + body[:-1])
        tap.same(len(peer.mails), 1)
        run(folder, peer, "-e", "queue_id=2", "keep", "report|abuse|abuse@example.org|x", message=head + body).note("longer than")
        tap.same(len(peer.mails), 1)


def test_limit_of_a_refusal(folder):
    most = tap.limit("REJECT_TEXT")
    for count in (most, most + 1):
        tap.same(run(folder, "smtp:127.0.0.1:1", "reject|" + "q" * count, code=77).answer.count("q"), most)


def test_limit_of_waiting_for_the_state(folder):
    with Peer() as peer:
        run(folder, peer, "keep", "redirect|b@example.org")
        db = sqlite3.connect(os.path.join(folder, "state", "state.db"), isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        run(folder, peer, "-e", "queue_id=2", "keep", "redirect|b@example.org").note("locked")
        took = time.monotonic() - began
        wait = tap.limit("STATE_WAIT_MS") / 1000
        tap.same(wait <= took < 4 * wait + 30, True, "%.1f s" % took)
        db.execute("ROLLBACK")


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
