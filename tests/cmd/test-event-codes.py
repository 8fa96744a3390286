#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kinds of log lines (event-table.def): what happens makes the line with its code, as todoke-log(7) promises."""

import errno
import json
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from smtp_peer import Peer

MESSAGE = b"From: a@b.test\nMessage-ID: <one@b.test>\nSubject: x\n\nbody\n"
HOP = b"Received: from c.test by mx.x.test (Postfix) with ESMTP id 4A1\n"
LOOPED = HOP + b"Delivered-To: ann@x.test\nReceived: from c.test by mx.x.test (Postfix) with ESMTP id 4OLD\n"
HOPS = b"".join(b"Received: from a.test by b%d.test; Thu, 3 Aug 2017 00:00:00 +0900\n" % number for number in range(12))
SHIM = os.path.join(os.path.dirname(tap.TODOKE), "tests/faults/.libs/libshim.so")


def deliver(folder, script="keep;", message=MESSAGE, rcpt="ann@x.test", env=None, args=(), **more):
    """One delivery; the code that its line has in the log, or in the record where the log is not known yet."""
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(script)
    rows = {"maildir": folder + "/mail/%d/%n", "log_file": folder + "/log", "sieve_scripts": folder + "/main.sieve", "tree_memory": "", "hostnames": "mx.x.test",
            "early_record_folder": folder + "/early", "outage_folder": folder + "/outages", **more}
    os.makedirs(folder + "/mail", exist_ok=True)
    words = [word for name, value in rows.items() for word in ("-o", "%s=%s" % (name, value))]
    for name in ("log", "early/record"):
        if os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    tap.todoke("deliver", *words, "-f", "a@b.test", "-d", rcpt, "--queue-id", "4A1", *args, stdin=message, env=env, tree=False)
    if os.path.exists(folder + "/log"):
        with open(folder + "/log", encoding="utf-8") as file:
            codes = re.findall(r"\bcode=(T\d+)", file.read())
            return codes[-1] if codes else None
    if os.path.exists(folder + "/early/record"):
        with open(folder + "/early/record", encoding="utf-8") as file:
            return json.loads(file.read())["code"]
    return None


def at_some_call(folder, number, want):
    """One of the first file calls fails by this error."""
    env = {"LD_PRELOAD": SHIM, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    got = set()
    for call in range(8, 70):
        got.add(deliver(folder, env={**env, "TODOKE_FAULT": "%d:%d" % (call, number)}))
        if want in got:
            return
    raise AssertionError("%s makes %s, never %s" % (errno.errorcode[number], sorted(map(str, got)), want))


def test_errors_of_the_system(folder):
    for number, code in ((errno.ENOMEM, "T102"), (errno.EIO, "T103"), (errno.EROFS, "T104"), (errno.ESTALE, "T105"), (errno.EMFILE, "T106"),
                         (errno.EACCES, "T107"), (errno.ENOENT, "T108"), (errno.EFBIG, "T111"), (errno.ETIMEDOUT, "T112"), (errno.ENOSPC, "T117"),
                         (errno.EISDIR, "T122")):
        at_some_call(folder, number, code)


def test_what_is_not_there_or_no_folder(folder):
    tap.same(deliver(folder, maildir=folder + "/none/%d/%n"), "T109")
    os.makedirs(folder + "/mail/x.test")
    with open(folder + "/mail/x.test/ann", "w", encoding="ascii"):
        pass
    tap.same(deliver(folder), "T110")


def test_settings_and_arguments(folder):
    tap.same(deliver(folder, record_max_size="much"), "T120")
    tap.same(deliver(folder, args=("--no-such-option",)), "T121")


def test_loops_and_header_rules(folder):
    tap.same(deliver(folder, message=LOOPED + MESSAGE), "T205")
    tap.same(deliver(folder, message=LOOPED + MESSAGE, loop_action="defer"), "T126")
    tap.same(deliver(folder, message=HOPS + MESSAGE, hop_limit="10"), "T206")
    with open(folder + "/conf", "w", encoding="ascii") as file:
        file.write('rule "later" {\n  header = "X-Later"\n  match = any\n  action = defer\n}\n')
    os.chmod(folder + "/conf", 0o600)
    tap.same(deliver(folder, message=b"X-Later: yes\n" + MESSAGE, args=("-c", folder + "/conf")), "T127")


def test_rules(folder):
    tap.same(deliver(folder, "keep;"), "T001")
    tap.same(deliver(folder, "discard;"), "T003")
    tap.same(deliver(folder, 'require "reject"; reject "go away";'), "T207")


def test_users(folder):
    tap.same(deliver(folder, rcpt=".hidden@x.test"), "T202")
    with open(folder + "/users", "w", encoding="ascii") as file:
        file.write("bob:::::%s:\n" % folder)
    tap.same(deliver(folder, users="passwd_file", passwd_file=folder + "/users"), "T201")
    tap.same(deliver(folder, users="passwd_file", passwd_file=folder + "/none"), "T113")


def test_a_message_that_ends_too_early(folder):
    """Postfix says how many octets the queue file has (--size)."""
    tap.same(deliver(folder, args=("--size", "100000")), "T116")


def test_mailboxes(folder):
    full = {"quota": "site", "quota_messages": "1"}
    tap.same(deliver(folder, **full), "T001")
    tap.same(deliver(folder, message=MESSAGE.replace(b"one@", b"two@"), **full), "T124")
    tap.same(deliver(folder, message=MESSAGE.replace(b"one@", b"six@"), quota_full="bounce", **full), "T203")
    tap.same(deliver(folder, message=MESSAGE + b"x" * 4000, message_size_limit="2000"), "T204")


def test_a_state_that_is_not_there(folder):
    if not os.path.exists(os.path.join(os.environ.get("TODOKE_MODULE_DIR", ""), "todoke-state-redis.so")):
        raise tap.Skip("built without hiredis")
    tap.same(deliver(folder, 'redirect "b@c.test";', state="redis:%s/none" % folder), "T134")


def test_what_goes_out(folder):
    for step, answer, code in (("RCPT", "450 4.1.1 later", "T125"), ("RCPT", "550 5.1.1 unknown", "T211")):
        with Peer({step: answer}) as peer:
            tap.same(deliver(folder, 'redirect "b@c.test";', message=MESSAGE.replace(b"one", code.encode()), submit=peer.submit), code)


def test_recipes(folder):
    """What an rc file answers by EXITCODE, and a lock that somebody holds."""
    for number, code in ((65, "T208"), (69, "T209"), (77, "T207")):
        with open(folder + "/rc", "w", encoding="ascii") as file:
            file.write("EXITCODE=%d\nHOST=other\n" % number)
        tap.same(deliver(folder, message=MESSAGE.replace(b"one", code.encode()), recipes="all", recipe_files=folder + "/rc", sieve_scripts=""), code)
    with open(folder + "/rc", "w", encoding="ascii") as file:
        file.write("LOCKFILE=%s/held.lock\n:0\n/dev/null\n" % folder)
    with open(folder + "/held.lock", "w", encoding="ascii"):
        pass
    tap.same(deliver(folder, recipes="all", recipe_files=folder + "/rc", recipe_lock_wait="0", sieve_scripts=""), "T123")


def test_two_tries_at_once(folder):
    """The first one still waits for a program when the second one comes."""
    program = folder + "/sendmail"
    with open(program, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat >/dev/null\n: >%s/begun\nwhile [ ! -e %s/end ]; do sleep 0.05; done\n" % (folder, folder))
    os.chmod(program, 0o755)
    script = 'redirect "b@c.test";'
    first = threading.Thread(target=deliver, args=(folder, script), kwargs={"submit": "sendmail:" + program, "log_file": folder + "/first"})
    first.start()
    try:
        tap.wait_for("the first try", lambda: os.path.exists(folder + "/begun"))
        tap.same(deliver(folder, script, submit="sendmail:" + program, deadline="5"), "T118")
    finally:
        with open(folder + "/end", "w", encoding="ascii"):
            pass
        first.join()


def table():
    """The codes of event-table.def."""
    with open(os.path.join(tap.TOP, "agent/base/event-table.def"), encoding="utf-8") as file:
        return re.findall(r'^(?:EVENT|FAULT)\(.*?"(T\d{3})"', file.read(), re.M)


# Made to happen by other tests, which look for the code, or by the words of the line.
ELSEWHERE = {
    "T004": ("tests/cmd/test-returns.py", "T004"), "T135": ("tests/cmd/test-returns.py", "T135"),
    "T002": ("tests/out/test-log-lines.py", "T002"), "T114": ("tests/out/test-log-lines.py", "T114"), "T301": ("tests/out/test-log-lines.py", "T301"),
    "T302": ("tests/lmtp/test-lmtpd.py", "T302"), "T303": ("tests/lmtp/test-lmtpd.py", "T303"), "T304": ("tests/out/test-log-lines.py", "T304"),
    "T305": ("tests/out/test-log-lines.py", "T305"), "T306": ("tests/out/test-log-lines.py", "T306"), "T307": ("tests/out/test-log-lines.py", "T307"),
    "T132": ("tests/store/test-quota-dovecot.py", "T132"), "T314": ("tests/lmtp/test-quota-full.py", "T314"),
    "T136": ("tests/cmd/test-loader.py", "code=T136"), "T313": ("tests/out/test-log-lines.py", "T313"),
    "T315": ("tests/cmd/test-crash.py", "T315"), "T316": ("tests/cmd/test-box.py", "T316"),
    "T133": ("tests/cmd/test-users.py", "held=yes.*4\\.2\\.1"), "T213": ("tests/cmd/test-users.py", "disabled=y.*5\\.2\\.1"),
    "T401": ("tests/out/test-log-lines.py", "T401"), "T402": ("tests/unit/test-outage.c", "EVENT_PEER_STILL_DOWN|T402"), "T403": ("tests/out/test-log-lines.py", "T403"),
}

# This file does not make these: most need a defect of ours, of the C library or of the host, or a process that dies.
ONLY_IN_TABLE = {"T101", "T115", "T119", "T128", "T129", "T130", "T131", "T210", "T212", "T308", "T309", "T310", "T311", "T312"}


def test_every_code_has_a_scene(folder):
    """A new code needs one; a code that has got one leaves the list of those that have none."""
    with open(__file__, encoding="utf-8") as file:
        here = set(re.findall(r'"(T\d{3})"', file.read().split("def table()")[0]))
    for code, (path, pattern) in ELSEWHERE.items():
        with open(os.path.join(tap.TOP, path), encoding="utf-8") as file:
            tap.same(re.search(pattern, file.read()) is not None, True, "%s in %s" % (code, path))
    codes = set(table())
    tap.same(sorted(codes - here - set(ELSEWHERE) - ONLY_IN_TABLE), [], "codes without a scene")
    tap.same(sorted((here | set(ELSEWHERE) | ONLY_IN_TABLE) - codes), [], "codes that do not exist")
    tap.same(sorted(ONLY_IN_TABLE & (here | set(ELSEWHERE))), [], "codes that have a scene")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
