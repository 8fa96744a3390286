#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ledger: a delivery that stores twice, redirects twice and answers is killed at each of its calls, or the call fails; then
it is tried again. At the end each copy is there once, each redirect went out once, and one answer.

What cannot be known is allowed and nothing else: who dies, or cannot write the ledger, after the other side took a redirect and before the
ledger says so, sends it again, for no mail may be lost; and sends no answer again, for one too few harms nobody.

By default some of the calls are tried; TODOKE_TEST_ALL=1 in the environment tries them all.
"""

import concurrent.futures
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
from smtp_peer import Peer

PROGRAM = os.path.abspath("tests/out/plan-once")
SHIM = os.path.abspath("tests/faults/.libs/libshim.so")
STEP = 1 if os.environ.get("TODOKE_TEST_ALL") else 6
MESSAGE = b"Received: from client.test by mail.example.net with ESMTP id 4ABC; Wed, 2 Aug 2017 23:49:00 +0900\n" \
          b"From: s@client.test\nTo: owner@example.net\nMessage-ID: <1@client.test>\n\n" + b"0123456789abcdef\n" * 2000
PLAN = ["keep", "fileinto|Work", "redirect|b@example.org", "redirect|c@example.org", "vacation|h|7|weg"]
MOST_CALLS = 1000


def environment(fault=None, log=None):
    env = dict(os.environ, LD_PRELOAD=SHIM)
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    if fault is not None:
        env["TODOKE_FAULT"] = fault
    if log is not None:
        env["TODOKE_FAULT_LOG"] = log
    return env


def deliver(folder, peer, env, *more):
    return subprocess.run([PROGRAM, folder, "-o", "submit=" + peer.submit, "-o", "submit_timeout=50s", *more, *PLAN], input=MESSAGE,
                          capture_output=True, timeout=tap.PATIENCE, check=False, env=env)


def copies(folder, box):
    """How many the folder shows; each must be whole."""
    found = 0
    for place in ("new", "cur"):
        path = os.path.join(folder, "Maildir", box, place)
        for name in os.listdir(path) if os.path.isdir(path) else []:
            found += 1
            with open(os.path.join(path, name), "rb") as file:
                tap.same(file.read() == MESSAGE, True, "%s/%s is whole" % (box, name))
    return found


def count(peer):
    sent = [re.search("<(.*)>", rcpt.split(" NOTIFY")[0]).group(1) for _, rcpt, _ in peer.mails]
    return {who: sent.count(who) for who in ("b@example.org", "c@example.org", "sender@client.test")}


def clean_calls():
    folder = tempfile.mkdtemp(prefix="todoke-")
    try:
        with Peer() as peer:
            result = deliver(folder, peer, environment(log=folder + "/calls"))
            tap.same(result.returncode, 0, result.stdout.decode() + result.stderr.decode())
            tap.same(count(peer), {"b@example.org": 1, "c@example.org": 1, "sender@client.test": 1})
        with open(folder + "/calls") as log:
            calls = [line.split()[1] for line in log]
        tap.same(0 < len(calls) < MOST_CALLS, True, "%d calls" % len(calls))
        return calls
    finally:
        shutil.rmtree(folder)


def check(folder, peer, number, what):
    """One fault, then tries until one succeeds; the recipients that got more than one, and those that got none."""
    first = deliver(folder, peer, environment("%d:%s" % (number, what)))
    said = first.stdout.decode()
    tap.same(first.returncode in (0, 75, -9), True, "exit %d: %s" % (first.returncode, said))
    peer.settle()
    before = count(peer)
    again = ""
    if first.returncode != 0:
        second = deliver(folder, peer, environment())
        again = second.stdout.decode()
        tap.same(second.returncode, 0, again + second.stderr.decode())
    tap.same((copies(folder, ""), copies(folder, ".Work")), (1, 1), "copies; first exit %d: %s" % (first.returncode, said))
    after = count(peer)
    unsure = what == "kill" or "a retry may repeat" in said or "4.4.0" in said
    for who in ("b@example.org", "c@example.org"):
        tap.same(after[who] == 1 or (after[who] == 2 and before[who] == 1 and unsure), True, "%s got %d, then %d; %s; %s" % (who, before[who], after[who], said, again))
    tap.same(after["sender@client.test"] <= 1, True, "answers")
    doubles = [who for who in ("b@example.org", "c@example.org") if after[who] > 1]
    return doubles, after["sender@client.test"] == 0 and "vacation" not in said


def one_fault(number, call, what):
    folder = tempfile.mkdtemp(prefix="todoke-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        with Peer() as peer:
            return (number, call, *check(folder, peer, number, what), None)
    except (AssertionError, subprocess.TimeoutExpired) as fault:
        return (number, call, [], False, str(fault))
    finally:
        shutil.rmtree(folder)


def every_call(kinds):
    """A fault at each call that is tried, by turns of these kinds."""
    calls = clean_calls()
    tried = list(enumerate(calls, 1))[::STEP]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda item: one_fault(*item, kinds[item[0] // STEP % len(kinds)]), tried))
    doubled = [number for number, _, doubles, _, _ in results if doubles]
    silent = [number for number, _, _, none, _ in results if none]
    print("# %d of %d calls; a redirect twice: %s; no answer: %s" % (len(tried), len(calls), doubled, silent))
    tap.same(["call %d (%s): %s" % (number, call, fault) for number, call, _, _, fault in results if fault], [])
    return doubled, silent


def test_killed_at_every_call(_):
    doubled, silent = every_call(["kill"])
    # For each of two redirects: from the other side's answer to the ledger's flush; for the answer: while it is on its way.
    tap.same(len(doubled) <= 2 * 18, True, "calls at which a redirect is sent twice: %s" % doubled)
    tap.same(len(silent) <= 40, True, "calls at which nobody is answered: %s" % silent)


def test_the_owner_was_faster(folder):
    """Killed behind the last move to new; before the retry the owner reads one copy and deletes the other."""
    moves = clean_calls().count("renameat2")
    with Peer() as peer:
        tap.same(deliver(folder, peer, dict(environment(), TODOKE_FAULT_BEHIND="renameat2:%d" % moves)).returncode, -9)
        (read,) = os.listdir(folder + "/Maildir/new")
        (deleted,) = os.listdir(folder + "/Maildir/.Work/new")
        os.rename(folder + "/Maildir/new/" + read, folder + "/Maildir/.Work/cur/" + read + ":2,S")
        os.unlink(folder + "/Maildir/.Work/new/" + deleted)
        tap.same(deliver(folder, peer, environment()).returncode, 0)
        tap.same((copies(folder, ""), copies(folder, ".Work")), (0, 1))
        tap.same(count(peer), {"b@example.org": 1, "c@example.org": 1, "sender@client.test": 1})


def test_another_address_is_another_delivery(folder):
    """The message was sent to an alias of the owner, too: that is one queue id and one recipient, and no retry."""
    with Peer() as peer:
        for wanted, original in enumerate(("owner@example.net", "info@example.net"), 1):
            for _ in range(2):
                tap.same(deliver(folder, peer, environment(), "-e", "original=" + original).returncode, 0)
            tap.same((copies(folder, ""), copies(folder, ".Work")), (wanted, wanted), original)
            tap.same(count(peer), {"b@example.org": wanted, "c@example.org": wanted, "sender@client.test": 1})


def test_fault_at_every_call(_):
    every_call([str(errno.ENOSPC), str(errno.EIO)])


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
