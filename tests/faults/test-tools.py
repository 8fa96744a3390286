#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tables of faults stand on: the SMTP server that counts what left, which call a fault met, which disks are alike."""

import os
import socket
import sqlite3
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import every_call
import power_alike
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


ONE, OTHER = "1796128302.M437098P30831Q1R1571e4c5a724b3de.mx", "1796128999.M1P5Q2R00000000a724b3de.mx"
CLAIM = "Maildir/tmp/todoke-446a5231c278a58f8a6948c42cc9353b00"


def alike(one, other):
    return power_alike.describe_tree(one.items()) == power_alike.describe_tree(other.items())


def test_disks_that_differ_in_names_and_times_are_alike(_folder):
    def disk(name, key, claim):
        return {"Maildir/new": None, "Maildir/new/" + name: b"t=%s; k=%s\n\nbody\n" % (name[:10].encode(), key), claim: name.encode(), "log": name.encode()}
    tap.same(alike(disk(ONE, b"06e20121", CLAIM), disk(OTHER, b"aaaaaaaa", CLAIM.replace("446a", "0123"))), True, "two tries")
    tap.same(alike(disk(ONE, b"06e20121", CLAIM), {**disk(ONE, b"06e20121", CLAIM), "Maildir/tmp/" + OTHER: b"half"}), True, "a draft that nothing names")


def test_disks_that_a_retry_tells_apart_are_not_alike(_folder):
    both = {"Maildir/new/" + ONE: b"body\n", "Maildir/tmp/" + OTHER: b"body\n", "other": OTHER.encode(), CLAIM: ONE.encode()}
    for what, change in {"the claim is of the other file": {CLAIM: OTHER.encode()}, "octets that were lost": {"Maildir/new/" + ONE: b"bo\0\0\n"},
                         "an empty file": {"Maildir/new/" + ONE: b""}, "a folder more": {"Maildir/cur": None}}.items():
        tap.same(alike(both, {**both, **change}), False, what)
    tap.same(alike(both, {path: octets for path, octets in both.items() if path != CLAIM}), False, "no claim")


def test_a_database_is_what_sqlite_reads(folder):
    def database(*rows):
        path = folder + "/db"
        if os.path.exists(path):
            os.unlink(path)
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE item (key TEXT, time INTEGER)")
        connection.executemany("INSERT INTO item VALUES (?, ?)", rows)
        connection.commit()
        connection.close()
        with open(path, "rb") as file:
            return {"Maildir/todoke-state/state.db": file.read()}
    tap.same(alike(database(("a", 1796128302)), database(("a", 1796128999))), True, "another time")
    tap.same(alike(database(("a", 1796128302)), database(("b", 1796128302))), False, "another row")
    tap.same(alike(database(("a", 1796128302)), {"Maildir/todoke-state/state.db": b"no database"}), False, "none at all")


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
