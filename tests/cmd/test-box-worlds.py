#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The box (setting sandbox) in worlds that differ from the usual one: what works without the box works in it, or the log says what to set."""

import contextlib
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

OWNER = 64101
FILES = 'require ["fileinto", "mailbox"]; fileinto :create "%s";\n'


def need(*parts):
    """What this kernel lacks is a named skip; builds with sanitizers have no box."""
    found = subprocess.run([tap.TODOKE, "--version"], capture_output=True, text=True, check=True).stdout
    can = next(line for line in found.splitlines() if line.startswith("sandbox: "))
    for part in parts:
        if part not in can:
            raise tap.Skip("no box here: %s" % can)


def need_mounts():
    """A namespace of mounts of our own, as root."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        raise tap.Skip("no namespaces of mounts here")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def settings(folder, **more):
    rows = {"maildir": folder + "/mail/%d/%n", "tree_memory": "", "early_record_folder": "", "outage_folder": "", "log_file": folder + "/log",
            "key_file": "", "sandbox": "on", "submit": "smtp:127.0.0.1:25", **more}
    return [word for key, value in rows.items() for word in ("-o", "%s=%s" % (key, value))]


def deliver(folder, number=1, around=(), env=None, **more):
    whole = {key: value for key, value in {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}.items() if key != "TODOKE_CONF"}
    os.makedirs(folder + "/mail", exist_ok=True)
    message = b"From: a@b.test\nMessage-ID: <%d@b.test>\nSubject: x\n\nx\n" % number
    return subprocess.run([*around, tap.TODOKE, "deliver", *settings(folder, **more), "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "4AB%d" % number],
                          input=message, capture_output=True, env=whole, timeout=tap.PATIENCE, check=False)


def serve(folder, env=None, **more):
    """Its process is that of the tests' account: one worker for all mail."""
    return Server(folder, *settings(folder, lmtp_workers="1", **more), env=env)


def send(server, number=1, rcpt="ann@x.test"):
    client = server.client().greet()
    with contextlib.closing(client):
        return client.deliver(rcpt, body="Message-ID: <%d@b.test>\r\nSubject: x\r\n\r\nx\r\n" % number)[0]


def read_log(folder):
    with open(folder + "/log", encoding="utf-8") as log:
        return log.read()


def stored(folder, place="", box="x.test/ann"):
    new = os.path.join(folder, "mail", box, place, "new")
    return len(os.listdir(new)) if os.path.isdir(new) else 0


def test_scripts_in_a_folder_that_appears_later(folder):
    """A site that begins without rules: the mail that finds them waits, as their process does not reach them, and the next process reads them."""
    need("paths")
    for name, pattern in (("All", "%s/rules/main.sieve"), ("Each", "%s/each/%%n/main.sieve"), ("Two", "%s/away/rules/%%d/main.sieve")):
        with serve(folder, sieve_scripts=pattern % folder) as server:
            tap.contains(send(server, 1), "250 ", name)
            write((pattern % folder).replace("%n", "ann").replace("%d", "x.test"), FILES % name)
            answer = send(server, 2)
            if not answer.startswith("250 "):  # else a process took it that was started meanwhile
                tap.contains(answer, "451 4.3.0", name)
                tap.contains(server.read_log(), "main.sieve': Permission denied")
                tap.wait_for("a new process", lambda: send(server, 2).startswith("250 "))
            tap.same(stored(folder, "." + name), 1, "%s: %s" % (name, server.read_log()))


def test_the_folder_above_scripts_of_each_stays_closed(folder):
    """A pattern allows what lies below the part that is the same for all, and nothing beside it."""
    need("paths", "calls")
    shim = os.path.join(os.path.dirname(tap.TODOKE), "tests/faults/.libs/libhostile.so")
    if not os.path.exists(shim):
        raise tap.Skip("not built: %s" % shim)
    write(folder + "/site/each/ann/main.sieve", FILES % "Work")
    write(folder + "/site/secret", "x\n")
    wanted = {"read:%s/site/secret" % folder: errno.EACCES, "read:%s/site/each/ann/main.sieve" % folder: 0}
    env = {"LD_PRELOAD": shim, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", "TODOKE_HOSTILE": " ".join(wanted), "TODOKE_HOSTILE_AT": "fsync",
           "TODOKE_HOSTILE_REPORT": folder + "/report"}
    with serve(folder, env, sieve_scripts=folder + "/site/each/%n/main.sieve") as server:
        tap.contains(send(server), "250 ", server.read_log())
    with open(folder + "/report", encoding="utf-8") as report:
        tap.same({line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in report}, wanted)
    tap.same(stored(folder, ".Work"), 1)


def test_scripts_that_stay_closed(folder):
    """A missing permission is no matter of the box: mail goes to the INBOX, and the owner is told."""
    need("paths")
    write(folder + "/rules/main.sieve", FILES % "Work")
    os.chmod(folder + "/rules", 0)
    with serve(folder, sieve_scripts=folder + "/rules/main.sieve") as server:
        for number in range(3):
            tap.contains(send(server, number), "250 ", server.read_log())
    os.chmod(folder + "/rules", 0o755)


@tap.as_root
def test_scripts_by_a_link_of_etc(folder):
    """/etc/todoke is a link to the folder in which the site keeps its settings under version control."""
    need("paths")
    need_mounts()
    os.chmod(folder, 0o755)
    write(folder + "/site/main.sieve", FILES % "Work")
    shell = 'mkdir "$1/etc" && cp -a /etc/passwd /etc/group /etc/nsswitch.conf "$1/etc" && ln -s "$1/site" "$1/etc/todoke" && mount --bind "$1/etc" /etc && shift && exec "$@"'
    os.makedirs(folder + "/mail/x.test/ann")
    for path in (folder + "/mail/x.test", folder + "/mail/x.test/ann"):
        os.chown(path, OWNER, OWNER)
    around = ["unshare", "-m", "sh", "-c", shell, "sh", folder]
    done = deliver(folder, 1, around, users="virtual", log_file="", sieve_scripts="/etc/todoke/main.sieve")
    tap.same((done.returncode, stored(folder, ".Work")), (0, 1), "%s %s" % (done.stdout, done.stderr))


def test_settings_that_include_others(folder):
    """todoke-deliver hands over to todoke, which reads the settings in the box."""
    need("paths", "calls")
    small = os.path.join(os.path.dirname(tap.TODOKE), "todoke-deliver")
    if not os.path.exists(small):
        raise tap.Skip("built without todoke-deliver")
    write(folder + "/rules/main.sieve", 'require ["fileinto", "mailbox"]; if header :contains "subject" "\u65e5" { fileinto :create "Work"; }\n')
    write(folder + "/site/hosts.conf", "hop_limit = 20\n")
    write(folder + "/conf/todoke.conf", 'include "%s/site/hosts.conf"\n' % folder)
    os.makedirs(folder + "/mail")
    message = b"Message-ID: <1@b.test>\nSubject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\n\nx\n"
    rows = settings(folder, sieve_scripts=folder + "/rules/main.sieve")
    done = subprocess.run([small, "deliver", "-c", folder + "/conf/todoke.conf", *rows, "-f", "a@b.test", "-d", "ann@x.test"], input=message, capture_output=True, check=False)
    tap.same((done.returncode, done.stdout), (0, b"stored in Work\n"), read_log(folder))


def test_odd_ways_to_write_the_maildir(folder):
    need("paths")
    os.makedirs(folder + "/mail")
    os.makedirs(folder + "/other")
    os.symlink(folder + "/mail", folder + "/link")
    for number, maildir in enumerate(("%s//mail//%%d/%%n", "%s/other/../mail/%%d/%%n", "%s/mail/%%d/%%n/", "%s/link/%%d/%%n", "%s/mail/./%%d/./%%n/.")):
        done = deliver(folder, number, maildir=maildir % folder)
        tap.same((done.returncode, stored(folder)), (0, number + 1), "%s: %s" % (maildir, read_log(folder)))
    for number, maildir in enumerate(("%s//mail//%%d/%%n", "%s/other/../mail/%%d/%%n", "%s/mail/%%d/%%n/", "%s/link/%%d/%%n")):
        with serve(folder, maildir=maildir % folder) as server:
            before = stored(folder)
            tap.contains(send(server, 10 + number), "250 ", maildir)
            tap.same(stored(folder), before + 1, "%s: %s" % (maildir, server.read_log()))


def make_users(path, wal, folder):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=%s" % ("wal" if wal else "delete"))
        db.execute("CREATE TABLE users (name TEXT, mail TEXT)")
        for name in ("ann", "bob"):
            db.execute("INSERT INTO users VALUES (?, ?)", (name + "@x.test", folder + "/mail/x.test/" + name))
        db.commit()


def test_users_in_sqlite(folder):
    """In WAL mode a reader has to make the -shm beside the data base, if nobody else has it open."""
    need("paths")
    for mode in ("delete", "wal", "wal open", "wal written"):
        base = "%s/%s" % (folder, mode.replace(" ", "-"))
        os.makedirs(base + "/users")
        path = base + "/users/users.db"
        make_users(path, "wal" in mode, base)
        keeper = sqlite3.connect(path) if mode in ("wal open", "wal written") else None
        if mode == "wal open":
            keeper.execute("UPDATE users SET name = name")
            keeper.commit()
        if mode == "wal written":  # as after the crash of whoever wrote
            keeper.execute("UPDATE users SET name = name")
            keeper.commit()
            shutil.copytree(base + "/users", base + "/copy")
            path = base + "/copy/users.db"
        answers = {}
        for sandbox in ("off", "on"):
            with serve(base, users="sql", sql_database="sqlite:" + path, sql_user_query="SELECT mail FROM users WHERE name = %u", sandbox=sandbox,
                       sandbox_paths=base + "/mail") as server:
                answers[sandbox] = (send(server, 1), send(server, 2, "bob@x.test"))
                log = server.read_log()
        if keeper:
            keeper.close()
        tap.same(answers["on"], answers["off"], "%s: %s" % (mode, log))
        tap.contains(answers["on"][0], "250 ", mode)


def test_log_that_is_rotated(folder):
    """By a new file and SIGHUP, and by a copy after which the file is emptied."""
    need("paths")
    with serve(folder) as server:
        tap.contains(send(server, 1), "250 ")
        os.rename(folder + "/log", folder + "/log.1")
        server.process.send_signal(signal.SIGHUP)
        tap.wait_for("the new log", lambda: os.path.exists(folder + "/log"))
        tap.contains(send(server, 2), "250 ")
        tap.wait_for("its line", lambda: read_log(folder).count("status=sent") == 1)
        shutil.copy(folder + "/log", folder + "/log.2")
        os.truncate(folder + "/log", 0)
        tap.contains(send(server, 3), "250 ")
        tap.wait_for("its line", lambda: "status=sent" in read_log(folder))
        with open(folder + "/log", "rb") as log:
            octets = log.read()
        tap.same((b"\0" in octets, octets.count(b"status=sent")), (False, 1), octets)


# A parent whose filter of system calls says of Landlock what this kernel would say without it, or a container that forbids it.
FILTER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
numbers, answer = [int(word) for word in sys.argv[1].split(",")], int(sys.argv[2])
rows = [(0x20, 0, 0, 0)] + [(0x15, len(numbers) - at, 0, number) for at, number in enumerate(numbers)] + [(0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050000 | answer)]
octets = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(octets))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[3], sys.argv[3:])
"""
CREATE, ADD, RESTRICT = 444, 445, 446


def test_a_kernel_that_answers_otherwise(folder):
    """Landlock that is not there, that is switched off, that a container forbids, in part too; deliveries go on as without it, or wait where it must be had."""
    need("paths", "calls")
    number = 0
    for calls, answer in (((CREATE, ADD, RESTRICT), errno.ENOSYS), ((CREATE, ADD, RESTRICT), errno.EOPNOTSUPP), ((CREATE, ADD, RESTRICT), errno.EPERM),
                          ((RESTRICT,), errno.EPERM), ((RESTRICT,), errno.ENOSYS), ((ADD,), errno.EPERM), ((RESTRICT,), errno.E2BIG)):
        around = [sys.executable, "-c", FILTER, ",".join(str(call) for call in calls), str(answer)]
        name = "%s: %s" % (calls, os.strerror(answer))
        number += 1
        done = deliver(folder, number, around, sandbox="auto")
        tap.same((done.returncode, done.stderr, stored(folder)), (0, b"", number), "auto, %s: %s" % (name, read_log(folder)))
        done = deliver(folder, number, around, sandbox="on")
        tap.same(done.returncode, 75, "on, " + name)
        tap.contains(read_log(folder).splitlines()[-1], "sandbox = on", name)


if __name__ == "__main__":
    tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
