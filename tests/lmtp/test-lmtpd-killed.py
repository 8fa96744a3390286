#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lmtpd is killed in front of each of its file calls, alone or with its master, and the client does what Postfix does: recipients whose
reply came are done, the others get the message again. At the end each has exactly one copy, and a redirect went out once.

By default every third call is tried; TODOKE_TEST_ALL=1 in the environment tries them all.
"""

import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "out"))
import tap
from lmtp_client import Server
from smtp_peer import Peer

SHIM = os.path.abspath("tests/faults/.libs/libshim.so")
STEP = 1 if os.environ.get("TODOKE_TEST_ALL") else 3
NOBODY = 65534
MOST_CALLS = 1000
MESSAGE = ("Received: from client.test (client.test [192.0.2.1])\r\n\tby mx.test (Postfix) with ESMTP id 4ABC;\r\n"
           "\tSun, 22 Nov 2026 01:13:00 +0000\r\nFrom: a@b.test\r\nMessage-ID: <1@b.test>\r\nSubject: x\r\n\r\nbody\r\n")
RECIPIENTS = ("ann@d.test", "bob@d.test")


def shim(folder, fault, log=""):
    """Only forked processes count their calls, each from 1."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    env = {"LD_PRELOAD": SHIM, "TODOKE_FAULT": fault, "TODOKE_FAULT_ONCE": folder + "/killed", "TODOKE_FAULT_FORKED": "1",
           "ASAN_OPTIONS": sanitizer}
    return {**env, "TODOKE_FAULT_LOG": log} if log else env


class Site:
    """lmtpd as a user who is not root, so that a worker delivers by itself; started again where its master was killed."""

    def __init__(self, folder, fault="", log="", args=()):
        self.folder = folder
        # the shim leaves its mark in the folder, from inside the box
        self.args = ("-o", "lmtp_workers=1", "-o", "sandbox_paths={%s}" % folder, *args)
        self.env = shim(folder, fault, log)
        os.chmod(folder, 0o777)
        self.server = None

    def start(self):
        def become_nobody():
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
        os.makedirs(self.folder + "/mail", exist_ok=True)
        os.chmod(self.folder + "/mail", 0o777)
        self.server = Server(self.folder, *self.args, env=self.env, preexec=become_nobody)

    def client(self):
        if self.server is None or self.server.process.poll() is not None:
            self.stop()
            self.start()
        return self.server.client()

    def try_once(self, recipients):
        """The recipients whose reply came."""
        client = self.client()
        if not client.read().startswith("220 ") or not client.say("LHLO test").startswith("250-"):
            return []
        client.say("XFORWARD IDENT=4ABC")
        for line in ("MAIL FROM:<a@b.test>", *("RCPT TO:<%s>" % recipient for recipient in recipients)):
            if not client.say(line).startswith("250 "):
                return []
        if not client.say("DATA").startswith("354 "):
            return []
        client.send(MESSAGE + ".\r\n")
        done = [recipient for recipient in recipients if client.read().startswith("250 ")]
        client.close()
        return done

    def deliver(self, recipients=RECIPIENTS):
        left = list(recipients)

        def nothing_is_left():
            with contextlib.suppress(ConnectionError):
                for recipient in self.try_once(left):
                    left.remove(recipient)
            return not left
        tap.wait_for("replies to all", nothing_is_left)

    def stop(self):
        if self.server is not None:
            self.server.stop()
            self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def count_calls(folder, args=()):
    """The calls that a worker makes for a delivery."""
    log = folder + "/calls"
    with Site(folder, log=log, args=args) as site:
        site.deliver()
    with open(log) as file:
        numbers = [int(line.split()[0]) for line in file]
    tap.same(0 < max(numbers) < MOST_CALLS, True, "%d calls" % max(numbers))
    return max(numbers)


def copies(box, name):
    new = "%s/mail/d.test/%s/new" % (box, name)
    return len(os.listdir(new)) if os.path.isdir(new) else 0


def kill_at(folder, number, what, args=(), recipients=RECIPIENTS):
    box = "%s/%s-%d" % (folder, what, number)
    os.mkdir(box)
    with Site(box, "%d:%s" % (number, what), args=args) as site:
        site.deliver(recipients)
        found = [copies(box, recipient.split("@")[0]) for recipient in recipients]
        tap.same(found, [1] * len(found), "copies; killed at call %d" % number)
    return os.path.exists(box + "/killed")


def prepare(folder):
    os.chmod(folder, 0o777)
    os.mkdir(folder + "/clean")
    return folder + "/clean"


def kill_everywhere(folder, what):
    last = count_calls(prepare(folder))
    killed = [kill_at(folder, number, what) for number in range(1, last + 1, STEP)]
    tap.same(killed.count(True) >= len(killed) * 2 // 3, True, "%d of %d killed" % (killed.count(True), len(killed)))


def test_worker_killed_at_every_call(folder):
    kill_everywhere(folder, "kill")


def test_worker_and_master_killed_at_every_call(folder):
    kill_everywhere(folder, "killall")


def test_lane_killed_at_every_call(folder):
    """Of many recipients, who are delivered to by several processes at once; with killall the worker dies too."""
    os.chmod(folder, 0o777)
    many = ["u%d@d.test" % number for number in range(9)]
    for what in ("kill", "killall"):
        killed = [kill_at(folder, number, what, recipients=many) for number in range(1, 60, STEP * 2)]
        tap.same(killed.count(True) >= 5, True, "%d of %d killed" % (killed.count(True), len(killed)))


def test_redirect_and_copy(folder):
    """A process that dies between the server's answer and its own note sends again, for no mail may be lost; nowhere else."""
    script = folder + "/script.sieve"
    with open(script, "w") as file:
        file.write('require ["copy", "envelope"];\nif envelope :is "to" "ann@d.test" { redirect :copy "far@x.test"; }\n')
    os.chmod(script, 0o644)
    clean = prepare(folder)
    with Peer() as peer:
        args = ("-o", "submit=" + peer.submit, "-o", "sieve_before=" + script)
        last = count_calls(clean, args)
        tap.same(peer.recipients(), ["far@x.test"])
    doubled = []
    for number in range(2, last + 1, STEP * 2):
        with Peer() as peer:
            kill_at(folder, number, "kill", ("-o", "submit=" + peer.submit, "-o", "sieve_before=" + script))
            tap.same(peer.recipients() in (["far@x.test"], ["far@x.test"] * 2), True, "call %d: %s" % (number, peer.recipients()))
            doubled += [number] if len(peer.recipients()) == 2 else []
    print("# %d calls; redirected twice when killed at %s" % (last, doubled))
    tap.same(len(doubled) * STEP * 2 <= 30, True, "redirected twice when killed at %s" % doubled)


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
