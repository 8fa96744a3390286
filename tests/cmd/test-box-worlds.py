#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The box (setting sandbox) in worlds that differ from the usual one: what works without the box works in it, or the log says what to set."""

import base64
import contextlib
import ctypes
import errno
import os
import platform
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading

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
    """A namespace of mounts of our own, as root, in which we may mount."""
    if subprocess.run(["unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /tmp && mkdir /tmp/x && mount --bind /usr /tmp/x"],
                      capture_output=True, check=False).returncode != 0:
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


def deliver(folder, number=1, around=(), env=None, subject="x", preexec=None, **more):
    whole = {key: value for key, value in {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}.items() if key != "TODOKE_CONF"}
    os.makedirs(folder + "/mail", exist_ok=True)
    message = "From: a@b.test\nMessage-ID: <%d@b.test>\nSubject: %s\n\nx\n" % (number, subject)
    return subprocess.run([*around, tap.TODOKE, "deliver", *settings(folder, **more), "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "4AB%d" % number],
                          input=message.encode(), capture_output=True, env=whole, timeout=tap.PATIENCE, preexec_fn=preexec, check=False)


def serve(folder, env=None, preexec=None, **more):
    """Its process is that of the tests' account: one worker for all mail."""
    return Server(folder, *settings(folder, lmtp_workers="1", **more), env=env, preexec=preexec)


def send(server, number=1, rcpt="ann@x.test", subject="x", size=1):
    client = server.client().greet()
    with contextlib.closing(client):
        return client.deliver(rcpt, body="Message-ID: <%d@b.test>\r\nSubject: %s\r\n\r\n" % (number, subject) + ("x" * 70 + "\r\n") * -(-size // 72))[0]


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


# As FILTER, where the first argument of the call is the given one.
FILTER_ARGUMENT = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number, first, answer = [int(word) for word in sys.argv[1:4]]
rows = [(0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, first), (0x06, 0, 0, 0x00050000 | answer), (0x06, 0, 0, 0x7fff0000)]
octets = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(octets))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[4], sys.argv[4:])
"""
SECCOMP = {"x86_64": 317, "aarch64": 277, "riscv64": 277}
SET_MODE_FILTER = 1


def test_a_kernel_that_knows_filters_and_takes_none(folder):
    """It says which answers a filter may give, and then refuses the filter: a container forbids it."""
    need("paths", "calls")
    if platform.machine() not in SECCOMP or sys.byteorder != "little":
        raise tap.Skip("no number of seccomp(2) for %s" % platform.machine())
    for number, answer in enumerate((errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP), 1):
        around = [sys.executable, "-c", FILTER_ARGUMENT, str(SECCOMP[platform.machine()]), str(SET_MODE_FILTER), str(answer)]
        name = os.strerror(answer)
        done = deliver(folder, number, around, sandbox="auto")
        tap.same((done.returncode, done.stderr, stored(folder)), (0, b"", number), "auto, %s: %s" % (name, read_log(folder)))
        tap.same(deliver(folder, number, around, sandbox="on").returncode, 75, "on, " + name)
        tap.contains(read_log(folder).splitlines()[-1], "sandbox = on: the kernel refuses the box", name)


# Numbers of the calls by which file systems differ.
FILE_CALLS = {
    "x86_64": {"link": (86, 265), "rename without replacing": (316,), "lock": (73,), "flush": (74,), "symbolic link": (88, 266)},
    "aarch64": {"link": (37,), "rename without replacing": (276,), "lock": (32,), "flush": (82,), "symbolic link": (36,)},
}
ODD_FILES = (("link", errno.EOPNOTSUPP, 0), ("link", errno.EPERM, 0), ("link", errno.ESTALE, 75), ("rename without replacing", errno.EINVAL, 0),
             ("rename without replacing", errno.ESTALE, 75), ("lock", errno.ENOLCK, 0), ("flush", errno.EINVAL, 0), ("flush", errno.ESTALE, 75),
             ("symbolic link", errno.EOPNOTSUPP, 0), ("symbolic link", errno.EPERM, 0))


def test_file_systems_that_cannot_all(folder):
    """What those of networks and of other systems lack is done without, or the mail waits, in the box as outside of it."""
    need("paths", "calls")
    if platform.machine() not in FILE_CALLS:
        raise tap.Skip("no numbers of calls for %s" % platform.machine())
    write(folder + "/main.sieve", 'require ["fileinto", "mailbox", "imap4flags"]; fileinto :create :flags "\\\\Seen" "Work"; keep;\n')
    for number, (what, answer, wanted) in enumerate(ODD_FILES):
        numbers = FILE_CALLS[platform.machine()][what]
        around = [sys.executable, "-c", FILTER, ",".join(str(call) for call in numbers), str(answer)]
        for sandbox in ("off", "on"):
            place = "%s/%d-%s" % (folder, number, sandbox)
            done = deliver(place, 1, around, sandbox=sandbox, sieve_scripts=folder + "/main.sieve")
            name = "%s: %s, sandbox %s: %s" % (what, os.strerror(answer), sandbox, read_log(place))
            seen = place + "/mail/x.test/ann/.Work/cur"
            found = (stored(place), len(os.listdir(seen)) if os.path.isdir(seen) else 0)
            tap.same((done.returncode, found), (wanted, (1, 1) if wanted == 0 else (0, 0)), name)


# A root without /proc, /dev and /etc, but for accounts where they are needed: the programs of this host, the build, and the test's folder.
BARE = """
umask 022
mount --make-rprivate /
mkdir "$1/bare" && mount -t tmpfs -o mode=755 tmpfs "$1/bare"
for path in /usr "$1" "$2"; do
	mkdir -p "$1/bare$path" && mount --bind "$path" "$1/bare$path"
done
for name in bin sbin lib lib32 lib64; do
	if [ -L /$name ]; then
		cp -P /$name "$1/bare/$name"
	elif [ -d /$name ]; then
		mkdir "$1/bare/$name" && mount --bind /$name "$1/bare/$name"
	fi
done
[ ! -d "$1/etc" ] || cp -r "$1/etc" "$1/bare/etc"
"""
NEW_MOUNTS = 0x00020000


def own_mounts(script, *words):
    """Before a program begins: a namespace of mounts for it, in which the script mounts."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["sh", "-ec", script, "sh", *words], check=True)


def live_bare(folder):
    def enter():
        own_mounts(BARE, folder, os.path.dirname(os.path.realpath(tap.TODOKE)))
        os.chroot(folder + "/bare")
        os.chdir("/")
    return enter


PROGRAM = "#!/bin/sh\ncat >/dev/null 2>&1; id -u >>%s/said\n"
RUNS = 'require ["fileinto", "mailbox", "vnd.dovecot.pipe", "copy"];\npipe :copy "tell";\n'
READS = 'if header :contains "subject" "\u65e5\u672c" { fileinto :create "Work"; }\n'
ENCODED = "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="


def bare_site(folder):
    """The mailbox, and a program, for an account that has no name anywhere."""
    os.chmod(folder, 0o755)
    write(folder + "/rules/main.sieve", RUNS + READS)
    write(folder + "/programs/tell", PROGRAM % folder)
    os.chmod(folder + "/programs/tell", 0o755)
    os.makedirs(folder + "/mail/x.test/ann")
    write(folder + "/said", "")
    for path in ("/mail/x.test", "/mail/x.test/ann", "/said"):
        os.chown(folder + path, OWNER, OWNER)
    return {"users": "virtual", "sieve_scripts": folder + "/rules/main.sieve", "program_folder": folder + "/programs"}


def expect_in_bare(folder, name, number, log):
    with open(folder + "/said", encoding="ascii") as said:
        tap.same((stored(folder, ".Work"), said.read()), (number, "%d\n" % OWNER * number), "%s: %s" % (name, log))


@tap.as_root
def test_a_root_without_proc_dev_and_accounts(folder):
    """A chroot as small as it gets: rules, charsets and programs work as they do outside of it."""
    need("paths", "calls")
    need_mounts()
    rows = bare_site(folder)
    for number, sandbox in enumerate(("off", "on"), 1):
        done = deliver(folder, number, preexec=live_bare(folder), subject=ENCODED, sandbox=sandbox, **rows)
        shutil.rmtree(folder + "/bare")
        tap.same((done.returncode, done.stderr), (0, b""), read_log(folder))
        expect_in_bare(folder, sandbox, number, read_log(folder))


@tap.as_root
def test_lmtpd_in_a_root_without_proc_and_dev(folder):
    """Its owners' processes may only read a message, which takes another way without /proc: small, in memory, on disk."""
    need("paths", "calls")
    need_mounts()
    rows = bare_site(folder)
    write(folder + "/etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    write(folder + "/spool/.keep", "")
    os.chown(folder + "/spool", tap.NOBODY, tap.NOBODY)
    number = 0
    for sandbox in ("off", "on"):
        with serve(folder, preexec=live_bare(folder), sandbox=sandbox, lmtp_spool=folder + "/spool", **rows) as server:
            for size in (1, 2 * tap.limit("LMTP_SPOOL_FEW"), 2 * tap.limit("LMTP_SPOOL_MEMORY")):
                number += 1
                tap.contains(send(server, number, subject=ENCODED, size=size), "250 ", "%s, %d: %s" % (sandbox, size, server.read_log()))
                expect_in_bare(folder, "%s, %d" % (sandbox, size), number, server.read_log())
        shutil.rmtree(folder + "/bare")


@tap.as_root
def test_a_home_that_is_a_link(folder):
    """The system's list of accounts names a link that leads to where homes really are; also one that root made after lmtpd began."""
    need("paths", "calls")
    need_mounts()
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/homes")
    write(folder + "/etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nann:x:%d:%d::%s/homes/ann:/bin/sh\n" % (OWNER, OWNER, folder))
    rows = {"maildir": "~/Maildir", "users": "system"}

    def link(place):
        os.makedirs(folder + place)
        os.chown(folder + place, OWNER, OWNER)
        os.chmod(folder + place, 0o700)
        os.symlink(folder + place, folder + "/homes/new")
        os.rename(folder + "/homes/new", folder + "/homes/ann")

    link("/disk/ann")
    done = deliver(folder, 1, preexec=live_bare(folder), **rows)
    shutil.rmtree(folder + "/bare")
    tap.same((done.returncode, stored(folder, box="../disk/ann/Maildir")), (0, 1), read_log(folder))
    with serve(folder, preexec=live_bare(folder), **rows) as server:
        tap.contains(send(server, 2), "250 ", server.read_log())
        tap.same(stored(folder, box="../disk/ann/Maildir"), 2)
        link("/newdisk/ann")
        tap.wait_for("a process that knows the new place", lambda: send(server, 3).startswith("250 "))
        tap.same(stored(folder, box="../newdisk/ann/Maildir"), 1, server.read_log())


WORDS = {"iso-2022-jp": "\u65e5\u672c", "shift_jis": "\u65e5\u672c", "euc-jp": "\u65e5\u672c", "euc-kr": "\ud55c\uad6d", "gb18030": "\u4e2d\u56fd",
         "big5": "\u4e2d\u570b", "koi8-r": "\u041f\u0440\u0438", "windows-1251": "\u041f\u0440\u0438", "iso-8859-15": "\u0153uvre"}


def test_charsets_that_are_first_met_in_the_box(folder):
    """The C library loads what reads a charset when it is first needed, which is inside the box, and here behind mail that needed none."""
    need("paths", "calls")
    texts = ", ".join('"%s"' % word for word in sorted(set(WORDS.values())))
    write(folder + "/main.sieve", 'require ["fileinto", "mailbox"]; if header :contains "subject" [%s] { fileinto :create "Read"; }\n' % texts)
    subjects = {name: "=?%s?B?%s?=" % (name, base64.b64encode(word.encode(name)).decode()) for name, word in WORDS.items()}
    with serve(folder, sieve_scripts=folder + "/main.sieve") as server:
        tap.contains(send(server, 0), "250 ")
        for number, (name, subject) in enumerate(subjects.items(), 1):
            tap.contains(send(server, number, subject=subject), "250 ", name)
            tap.same((stored(folder), stored(folder, ".Read")), (1, number), "%s: %s" % (name, server.read_log()))
    for number, (name, subject) in enumerate(subjects.items(), 100):
        tap.same(deliver(folder, number, subject=subject, sieve_scripts=folder + "/main.sieve").stdout, b"stored in Read\n", name)


class Listener:
    """What a journal or a syslog hears at a socket, in the file log."""

    def __init__(self, path, kind, log):
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.path, self.kind, self.log = path, kind, log
        if kind == socket.SOCK_STREAM:
            self.socket.listen(64)
        self.begin(self.hear if kind == socket.SOCK_DGRAM else self.accept)

    @staticmethod
    def begin(what, *words):
        threading.Thread(target=what, args=words, daemon=True).start()

    def note(self, octets):
        with open(self.log, "ab") as log:
            log.write(octets)

    def hear(self):
        with contextlib.suppress(OSError):
            while octets := self.socket.recv(1 << 16):
                self.note(octets + b"\n")

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.begin(self.follow, self.socket.accept()[0])

    def follow(self, client):
        with client:
            while octets := client.recv(1 << 16):
                self.note(octets.replace(b"\0", b"\n"))

    def close(self):
        """Nobody listens any more; the thread ends."""
        os.unlink(self.path)
        if self.kind == socket.SOCK_DGRAM:
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def test_log_by_the_journal(folder):
    """Each line is sent from inside the box; also to a journal that has begun anew, and no mail waits for one that is gone."""
    need("paths", "calls")
    rows = {"log_file": "", "log_journal": folder + "/journal"}

    def expect(number):
        tap.wait_for("line %d" % number, lambda: "TODOKE_MESSAGE_ID=<%d@b.test>" % number in read_log(folder))

    write(folder + "/log", "")
    listener = Listener(folder + "/journal", socket.SOCK_DGRAM, folder + "/log")
    tap.same(deliver(folder, 1, **rows).returncode, 0)
    expect(1)
    os.unlink(folder + "/log")
    with serve(folder, **rows) as server:
        for number in (1, 2):
            tap.contains(send(server, number), "250 ")
            expect(number)
        listener.close()
        tap.contains(send(server, 3), "250 ")
        listener = Listener(folder + "/journal", socket.SOCK_DGRAM, folder + "/log")
        tap.contains(send(server, 4), "250 ")
        expect(4)
    listener.close()
    tap.same(stored(folder), 5)


HOSTILE = os.path.join(os.path.dirname(tap.TODOKE), "tests/faults/.libs/libhostile.so")


def crash(folder, number, **more):
    """A delivery that makes a call of no list: its process ends by SIGSYS."""
    if not os.path.exists(HOSTILE):
        raise tap.Skip("not built: %s" % HOSTILE)
    env = {"LD_PRELOAD": HOSTILE, "TODOKE_HOSTILE": "execve:/bin/true", "TODOKE_HOSTILE_AT": "fsync"}
    done = deliver(folder, number, env=env, **more)
    tap.same(done.returncode, -signal.SIGSYS, "%s %s" % (done.stdout, done.stderr))


@tap.as_root
def test_a_syslog_of_streams(_folder):
    """Some take streams at /dev/log, which nothing in a box can open: it is open before, and even the line of a crash comes through it."""
    need("paths", "calls")
    need_mounts()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # folders for tests may be below /dev, which is another one here
        check_syslog_of_streams(folder)


def check_syslog_of_streams(folder):
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/dev")
    os.makedirs(folder + "/mail/x.test/ann")
    for path in (folder + "/mail/x.test", folder + "/mail/x.test/ann"):
        os.chown(path, OWNER, OWNER)
    rows = {"log_file": "", "log_journal": "", "users": "virtual"}
    write(folder + "/log", "")
    listener = Listener(folder + "/dev/log", socket.SOCK_STREAM, folder + "/log")

    def with_dev():
        own_mounts('mount --make-rprivate / && mount --bind "$1/dev" /dev', folder)

    done = deliver(folder, 1, preexec=with_dev, **rows)
    tap.same(done.returncode, 0, "%s %s" % (done.stdout, done.stderr))
    tap.wait_for("the line", lambda: "4AB1: to=ann@x.test" in read_log(folder))
    crash(folder, 2, preexec=with_dev, **rows)
    tap.wait_for("the line of the crash", lambda: "4AB2: code=T316" in read_log(folder))
    os.unlink(folder + "/log")
    with serve(folder, preexec=with_dev, **rows) as server:
        tap.contains(send(server, 3), "250 ")
        tap.wait_for("the line", lambda: "status=sent" in read_log(folder))
    listener.close()


def test_core_dumps(folder):
    """Where the limit lets a process leave one: its line is in the log, and what it leaves, nobody else can read."""
    need("paths", "calls")
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if most == 0:
        raise tap.Skip("no process here leaves a core")
    tap.same(deliver(folder).returncode, 0)  # a new mailbox is made, and flushed, outside of the box
    for name in ("outside", "mail/x.test/ann"):
        cwd = os.path.join(folder, name)
        os.makedirs(cwd, exist_ok=True)
        os.chmod(cwd, 0o777)

        def begin(cwd=cwd):
            os.chdir(cwd)
            os.umask(0)
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))

        crash(folder, 2, preexec=begin)
        tap.contains(read_log(folder).splitlines()[-1], "4AB2: code=T316", name)
        left = [os.path.join(cwd, file) for file in os.listdir(cwd) if file.startswith("core")]
        tap.same([path for path in left if name == "outside" or stat.S_IMODE(os.stat(path).st_mode) & 0o077], [], name)


@tap.as_root
def test_core_dumps_behind_root(folder):
    """A process that was root's and became an account's leaves none, wherever it is."""
    need("paths", "calls")
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with open("/proc/sys/fs/suid_dumpable", encoding="ascii") as setting:
        if most == 0 or setting.read().strip() != "0":
            raise tap.Skip("no process here leaves a core, or all do")
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/mail/x.test/ann")
    for path in (folder + "/mail/x.test", folder + "/mail/x.test/ann"):
        os.chown(path, OWNER, OWNER)

    def begin():
        os.chdir(folder + "/mail/x.test/ann")
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    crash(folder, 2, preexec=begin, users="virtual")
    tap.contains(read_log(folder).splitlines()[-1], "4AB2: code=T316")
    tap.same([name for name in os.listdir(folder + "/mail/x.test/ann") if name.startswith("core")], [])


@tap.as_root
def test_a_setgid_program(folder):
    """It gains its group, as it does without the box: the process that starts it is outside, and may gain rights."""
    need("paths", "calls")
    with open("/proc/self/status", encoding="ascii") as status:
        may_gain = "NoNewPrivs:\t0\n" in status.read()
    if not may_gain or os.statvfs(folder).f_flag & os.ST_NOSUID:
        raise tap.Skip("no program gains rights in %s" % folder)
    rows = bare_site(folder)
    group = OWNER + 1
    shutil.copy(os.path.realpath(shutil.which("id")), folder + "/programs/id")
    os.chown(folder + "/programs/id", 0, group)
    os.chmod(folder + "/programs/id", 0o2755)
    write(folder + "/rules/main.sieve", 'require ["fileinto", "mailbox", "vnd.dovecot.execute", "variables"];\n'
          'execute :output "group" "id" ["-g"];\nif string :matches "${group}" "*%d*" { fileinto :create "Work"; }\n' % group)
    for number, sandbox in enumerate(("off", "on"), 1):
        tap.same(deliver(folder, number, sandbox=sandbox, **rows).returncode, 0)
        tap.same(stored(folder, ".Work"), number, "%s: %s" % (sandbox, read_log(folder)))


def test_folders_are_opened_as_folders(folder):
    """A file system that is mounted when somebody looks into it (autofs) comes for an open with O_DIRECTORY, and not for O_PATH alone."""
    need("paths")
    tap.need_strace()
    os.makedirs(folder + "/mail/x.test/ann/cur")
    done = deliver(folder, 1, ["strace", "-f", "-e", "trace=openat,open", "-o", folder + "/trace"], sandbox_paths=folder + "/archive")
    tap.same(done.returncode, 0, done.stderr)
    with open(folder + "/trace", encoding="utf-8") as trace:
        opened = [line for line in trace if "O_PATH" in line]
    for path in (folder + "/mail/x.test/ann", folder + "/archive"):
        found = [line for line in opened if '"%s"' % path in line]
        tap.same((len(found) > 0, [line for line in found if "O_DIRECTORY" not in line]), (True, []), path)


if __name__ == "__main__":
    tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
