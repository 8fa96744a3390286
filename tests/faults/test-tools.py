#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tables of faults stand on: the SMTP server that counts what left, and which call a fault met."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import every_call
from every_call import tap


def talk(*octets):
    """Say that to a server and hang up: how many mails it counted when its session has ended."""
    sink = every_call.Sink()
    before = threading.active_count()
    with socket.create_connection(sink.server_address, timeout=tap.PATIENCE) as client, client.makefile("rb") as lines:
        lines.readline()
        for one in octets:
            client.sendall(one)
            if not one.startswith(b"Message-ID"):
                lines.readline()
    tap.wait_for("the session's end", lambda: threading.active_count() == before)
    return sink.taken["7", "redirect"]


def test_a_session_ends_with_its_client(_folder):
    """A delivery that is killed hangs up in the middle of its mail: what was sent so far is none."""
    tap.same(talk(b"RCPT TO:<me@elsewhere.test>\r\n", b"DATA\r\n", b"Message-ID: <token-7-@x.test>\r\n\r\nhalf of it\r\n"), 0, "half a mail")


def test_a_mail_is_counted_at_its_dot(_folder):
    tap.same(talk(b"RCPT TO:<me@elsewhere.test>\r\n", b"DATA\r\n", b"Message-ID: <token-7-@x.test>\r\n\r\nall of it\r\n.\r\n"), 1, "a whole mail")


TRACE = """execve("/a/todoke-deliver", ["todoke-deliver"], 0x7ffe) = 0
openat(AT_FDCWD, "/dev/null", O_RDWR) = 3
%s
execve("/a/todoke", ["todoke"], 0x7ffe) = 0
openat(AT_FDCWD, "/lib/libglib-2.0.so.0", O_RDONLY) = 3
%s
openat(AT_FDCWD, "/dev/null", O_RDWR) = 3
%s
"""
READ, FAULT = 'read(0, "x", 4096) = 1', 'read(0, 0x7ffe, 4096) = -1 EIO (Input/output error) (INJECTED)'


def test_the_calls_of_the_loader_are_left_out(_folder):
    tap.same(every_call.calls_of_main((TRACE % (READ, READ, READ)).splitlines(), "/dev/null"), {("read", 1), ("read", 3)}, "calls")


def test_what_a_fault_met(_folder):
    for at, want in enumerate(("main", "loader", "main")):
        lines = [READ] * 3
        lines[at] = FAULT
        tap.same(every_call.where_it_fired(TRACE % tuple(lines), "/dev/null"), want, "a fault at read %d" % (at + 1))
    tap.same(every_call.where_it_fired(TRACE % (READ, READ, "+++ killed by SIGKILL +++"), "/dev/null"), "main", "a kill behind the loader")
    tap.same(every_call.where_it_fired('execve("/a/todoke", ["todoke"], 0x7ffe) = 0\n+++ killed by SIGKILL +++\n', "/dev/null"), "loader", "a kill in it")
    tap.same(every_call.where_it_fired(FAULT, None), "main", "a fault in a process that runs")
    tap.same(every_call.where_it_fired(TRACE % (READ, READ, READ), "/dev/null"), "", "no fault")


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
