#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recipes that deliver: `todoke procmail`, `todoke deliver` with recipes, and what becomes of the mail when something is in the way."""

import concurrent.futures
import errno
import fcntl
import json
import os
import pwd
import re
import resource
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From a@b.test Sat Jan  1 00:00:00 2022\nFrom: a@b.test\nTo: me@example.test\nSubject: x\n\nbody\n"
PLAIN = MESSAGE.split(b"\n", 1)[1]
# Recipes never run as root.
USER = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


class Home:
    """The home of a user with recipes, and a configuration beside it."""

    def __init__(self, folder, rc="", **settings):
        self.path = os.path.join(folder, "home")
        os.mkdir(self.path)
        os.chmod(folder, 0o777)
        self.conf = os.path.join(folder, "todoke.conf")
        self.log = os.path.join(folder, "log")
        plain = {"log_file": self.log, "add_mark": "no", "add_return_path": "no", "add_delivered_to": "no",
                 "submit": "sendmail:%s/sendmail" % folder, "state_folder": "%s/state" % self.path}
        with open(self.conf, "w", encoding="utf-8") as conf:
            conf.writelines('%s = "%s"\n' % item for item in {**plain, **settings}.items())
        self.program("../sendmail", 'echo "$@" >>%s/sent\ncat >>%s/sent' % (self.path, self.path))
        if rc is not None:
            self.write(".procmailrc", rc)
        self.own()

    def own(self):
        for where in [self.path] + [os.path.join(d, n) for d, dirs, names in os.walk(self.path) for n in dirs + names]:
            os.chown(where, USER.pw_uid, USER.pw_gid, follow_symlinks=False)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.path, name)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.chmod(path, mode)
        self.own()
        return path

    def program(self, name, script):
        return self.write(name, "#!/bin/sh\n%s\n" % script, 0o755)

    def read(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def maildir(self, name="Maildir"):
        new = os.path.join(self.path, name, "new")
        return [self.read(os.path.join(name, "new", file)) for file in sorted(os.listdir(new))] if os.path.isdir(new) else []

    def run(self, *args, message=MESSAGE, env=None, program=None, **more):
        ids = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        environment = {**os.environ, "TODOKE_CONF": self.conf, "HOME": self.path, "LOGNAME": USER.pw_name, **(env or {})}
        return subprocess.run([program or tap.TODOKE, *args], input=message, env=environment, cwd=self.path, timeout=tap.PATIENCE, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **ids, **more)

    def procmail(self, *args, **more):
        return self.run("procmail", *args, **more)

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()


def answer(result):
    return result.returncode, result.stdout


def test_files_of_every_kind(folder):
    home = Home(folder, ":0c\nbox\n:0c\nmd/\n:0c\nmh/.\n:0c\nmh/.\n:0c\nsome\n:0c\n/dev/null\n:0\na/ b/\n")
    os.mkdir(home.path + "/some")
    home.own()
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("box"), MESSAGE + b"\n")
    tap.same(home.maildir("md"), [PLAIN])
    tap.same(sorted(os.listdir(home.path + "/mh")), ["1", "2"])
    tap.same(home.read("mh/2"), MESSAGE + b"\n")
    names = os.listdir(home.path + "/some")
    tap.same(len(names), 1)
    tap.same(bool(re.fullmatch(r"msg\.\w{8}", names[0])), True, names[0])
    files = [home.path + "/%s/new/%s" % (d, os.listdir(home.path + "/%s/new" % d)[0]) for d in "ab"]
    tap.same(os.stat(files[0]).st_ino, os.stat(files[1]).st_ino, "one file by two links")
    tap.same(home.maildir(), [], "the INBOX")
    tap.same([f for f in tap.files_below(home.path) if "tmp/" in f or f.endswith(".lock")], [], "left behind")


def test_why_says_that_no_rule_decided(folder):
    """Mail that no recipe files: the setting that stored it, or that it was kept; no file that nobody wrote."""
    for n, (rc, default, told) in enumerate((
            (None, None, "none decided: it is kept"), (None, "~/spool", "none decided: recipe_default is %s/spool"),
            (None, "~/no/x", "none decided: it is kept"),
            (":0\n* ^Subject: never\nx\n", "~/spool", "no recipe of %s/.procmailrc decided: DEFAULT is %s/spool"),
            (":0\n* ^Subject: never\nx\n", "~/no/x", "no recipe of %s/.procmailrc decided: it is kept"),
            (":0\nx\n", "~/spool", "%s/.procmailrc:1 asks for store %s/x"))):
        home = Home(tap_folder(folder, n), rc, recipes="yes", **({"recipe_default": default} if default else {}))
        os.mkdir(home.path + "/no")
        os.chmod(home.path + "/no", 0)
        tap.same(home.procmail().returncode, 0, told)
        text = home.run("why", "--last").stdout.decode()
        tap.contains(text, "  rule      %s\n" % told.replace("%s", home.path))
        tap.same("/dev/null" in text + home.said(), False, text + home.said())


def test_mbox_quotes_from(folder):
    home = Home(folder, ":0\n* ^Subject: raw\n{\n:0 r\nraw\n}\n:0\nbox\n")
    body = b"From me\n>From me\n\nFrom: x\nFrom you"
    home.procmail(message=PLAIN + body)
    home.procmail(message=PLAIN.replace(b": x", b": raw") + body)
    text = home.read("box").split(b"\n", 1)
    tap.same(text[1], PLAIN + b">From me\n>From me\n\nFrom: x\n>From you\n")
    tap.same(home.read("raw").split(b"\n", 1)[1], PLAIN.replace(b": x", b": raw") + body)
    home.procmail(message=PLAIN.replace(b": x", b": raw"))
    tap.contains(home.read("raw"), b"\nFrom you\nFrom ", "the next message begins a line")


def test_mbox_by_many_at_once(folder):
    home = Home(folder, ":0:\nbox\n", recipe_lock_wait="100s")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: home.procmail(message=PLAIN + b"%d\n" % n * 5000).returncode, range(16)))
    tap.same(codes, [0] * 16)
    found = re.findall(rb"^From .*\n" + re.escape(PLAIN) + rb"((\d+\n)\2{4999})\n", home.read("box"), re.M)
    tap.same(sorted(int(line) for _, line in found), list(range(16)), "whole messages")


def test_mbox_of_another_message(folder):
    """Without a queue id only the octets tell two messages with one header and length apart: the second is no retry of the first."""
    tap.need_strace()
    first, second = PLAIN + b"1\n", PLAIN + b"2\n"
    for then, want in ((second, (1, 1)), (first, (1, 0))):
        os.mkdir(folder + "/%d" % want[1])
        home = Home(folder + "/%d" % want[1], ":0:\nbox\n")
        home.procmail()
        killer = home.program("killer", 'exec strace -qq -o /dev/null -e inject=fsync,fdatasync:signal=KILL:when=1 "%s" "$@"' % tap.TODOKE)
        tap.same(home.run("procmail", message=first, program=killer).returncode != 0, True, "killed at the flush")
        tap.same(home.read("box").count(b"\n1\n"), 1, "appended by the first")
        os.unlink(home.path + "/box.lock")  # as its age would have it one day
        tap.same(home.procmail(message=then).returncode, 0)
        tap.same((home.read("box").count(b"\n1\n"), home.read("box").count(b"\n2\n")), want)


def test_mbox_locks_of_others(folder):
    home = Home(folder, ":0\nbox\n", recipe_lock_wait="1s")
    home.write("box", "old\n")
    home.write("box.lock", "0")
    result = home.procmail()
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.2.0 "))
    tap.same((home.read("box"), home.has("box.lock")), (b"old\n", True), "another's lock stays")
    os.utime(home.path + "/box.lock", (1, 1))
    tap.same(home.procmail().returncode, 0, "a stale lock")
    tap.same((home.read("box"), home.has("box.lock")), (b"old\n" + MESSAGE + b"\n", False))
    with open(home.path + "/box", "r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        tap.same(home.procmail().returncode, 75, "fcntl")
    tap.same((home.read("box"), home.has("box.lock")), (b"old\n" + MESSAGE + b"\n", False))


def test_locks_of_our_own_do_not_stop_us(folder):
    """One delivery asks more than once for what it holds: by name, by another spelling, through a link."""
    rcs = {"named twice": ":0c:my.lock\nbox\n:0:my.lock\nother\n", "two spellings": ":0c:\nbox\n:0:\n$HOME//box\n",
           "an mbox's own": ":0c:box.lock\nother\n:0:\nbox\n", "a link": ":0c:\nbox\n:0:\nlink\n"}
    for n, (name, rc) in enumerate(rcs.items()):
        home = Home(tap_folder(folder, n), rc, recipe_lock_wait="1s")
        os.symlink("box", home.path + "/link")
        home.own()
        tap.same(home.procmail().returncode, 0, name)
        tap.same((home.read("box") + (home.read("other") if home.has("other") else b"")), (MESSAGE + b"\n") * 2, name)
        tap.same([f for f in tap.files_below(home.path) if f.endswith(".lock")], [], "left behind")


def test_lock_wait_ends_when_the_lock_goes(folder):
    home = Home(folder, ":0: my.lock\nbox\n", recipe_lock_wait="100s")
    home.write("my.lock", "0")
    # Its input is a file: there is nothing but the lock that it could wait for.
    with concurrent.futures.ThreadPoolExecutor(1) as pool, open(home.write("mail", MESSAGE), "rb") as mail:
        waiting = pool.submit(home.procmail, message=None, stdin=mail)
        tap.wait_for("procmail to wait for the lock", lambda: waiting.done() or tap.sleepers(os.getpid()))
        tap.same((waiting.done(), home.has("box.lock")), (False, False))
        os.unlink(home.path + "/my.lock")
        tap.same(waiting.result().returncode, 0)
    tap.same((home.read("box"), home.has("my.lock")), (MESSAGE + b"\n", False))


def test_no_room_is_put_off(folder):
    """RLIMIT_FSIZE, which local(8) sets to mailbox_size_limit: the mbox stays as it was, whatever else the plan stores."""
    home = Home(folder, ":0c\nmd/\n:0\nbox\n")
    home.write("box", b"old\n" * 5000)
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20100, 20100))}
    result = home.procmail(message=MESSAGE + b"x" * 200, **limit)
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.0 "))
    tap.same((home.read("box"), home.maildir("md")), (b"old\n" * 5000, []))
    tap.contains(home.said(), "fault=file-limit")


NUMBERED = MESSAGE.replace(b"Subject", b"Message-ID: <1@a.test>\nSubject")


def test_formail_d_takes_no_retry_for_a_duplicate(folder):
    """procmail loses this mail: formail has noted it, the mbox is locked, and the retry is a duplicate."""
    home = Home(folder, ":0 Wh: ids.lock\n| formail -D 8192 ids\n:0:\nbox\n", recipe_lock_wait="1s")
    home.write("box.lock", "0")
    tap.same((home.procmail(message=NUMBERED).returncode, home.has("ids")), (75, False))
    os.unlink(home.path + "/box.lock")
    for copy in ("the retry", "a second copy"):
        tap.same(home.procmail(message=NUMBERED).returncode, 0, copy)
        tap.same((home.read("ids"), home.read("box")), (b"<1@a.test>\0\0", NUMBERED + b"\n"), copy)
    formail = subprocess.run(["formail", "-D", "8192", home.path + "/ids"], input=NUMBERED, timeout=tap.PATIENCE, check=False)
    tap.same(formail.returncode, 0, "formail knows it too")
    tap.same([name for name in os.listdir(home.path) if name.endswith(".lock")], [])


def test_formail_d_as_a_condition(folder):
    """Twice in one delivery, and in `try`, which notes nothing."""
    home = Home(folder, "MAILDIR=%s/home\n" % folder + ":0\n* ? formail -D 100 ids\nagain/\n:0c\n* ? formail -D 100 ids\nsecond/\n:0\n* ! ? formail -D 100 other\nfirst/\n")
    tried = home.run("try", "--recipes", ".procmailrc", home.write("mail", NUMBERED)).stdout
    tap.contains(tried, b"first/")
    tap.same(home.has("ids"), False)
    for where in ("first", "again"):
        tap.same(home.procmail(message=NUMBERED).returncode, 0)
        tap.same((home.maildir("first"), home.maildir("again")), ([NUMBERED.split(b"\n", 1)[1]], [NUMBERED.split(b"\n", 1)[1]] * (where == "again")), where)
    tap.same((len(home.maildir("second")), home.read("ids"), home.read("other")), (1, b"<1@a.test>\0\0", b"<1@a.test>\0\0"))


def test_formail_d_over_a_link_is_formails(folder):
    home = Home(folder, ":0 Wh\n| formail -D 8192 ids\n:0\nmd/\n")
    home.write("real", "")
    os.symlink("real", home.path + "/ids")
    home.own()
    tap.same([home.procmail(message=NUMBERED).returncode for _ in range(2)], [0, 0])
    tap.same((home.read("real"), len(home.maildir("md"))), (b"<1@a.test>\0\0", 1))


SHIM = os.path.join(os.path.dirname(tap.TODOKE), "tests", "faults", ".libs", "libshim.so")
FAULTS = (str(errno.ENOSPC), "short", "kill")
MANY_CALLS = 400


def faulty_delivery(where, number, fault):
    """One delivery to Maildir, MH and mbox whose file call `number` goes wrong. -> what is wrong afterwards, or None; "" without a fault."""
    os.mkdir(where)
    home = Home(where, ":0c\nmd/\n:0c\nmh/.\n:0:\nbox\n")
    home.write("box", "old\n\n")
    env = {"LD_PRELOAD": SHIM, "TODOKE_FAULT": "%d:%s" % (number, fault), "TODOKE_FAULT_LOG": home.path + "/calls"}
    env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    code = home.run("procmail", env=env).returncode
    calls = home.read("calls").splitlines()
    mh = os.listdir(home.path + "/mh") if home.has("mh") else []
    mh = [home.read("mh/" + name) for name in mh if not name.startswith(".")]
    found = (home.read("box"), home.maildir("md"), mh, home.maildir())
    old, new = b"old\n\n", b"old\n\n" + MESSAGE + b"\n"
    everything, nothing, kept = (new, [PLAIN], [MESSAGE + b"\n"], []), (old, [], [], []), (old, [], [], [PLAIN])
    locks = [name for name in os.listdir(home.path) if name.endswith(".lock")]
    shutil.rmtree(where)
    if fault == "kill" and code == -9:
        whole = all(got in (one, other) for got, one, other in zip(found, everything, nothing))
        return None if whole else "killed: %r" % (found,)
    if len(calls) < number:
        return "" if (code, found) == (0, everything) else "without a fault: %r" % (found,)
    what = calls[number - 1].decode()
    if locks and "unlink" not in what:
        return "%s: left behind: %r" % (what, locks)
    good = found in (everything, kept) if code == 0 else code == 75 and found == nothing
    return None if good else "%s, exit %r: %r" % (what, code, found)


def test_each_file_call_that_fails_leaves_whole_mail_or_none(folder):
    if not os.path.exists(SHIM):
        raise tap.Skip("%s is not built" % SHIM)
    os.chmod(folder, 0o755)
    wrong = []
    for fault in FAULTS:
        for first in range(1, MANY_CALLS, 8):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                numbers = range(first, first + 8)
                ends = list(pool.map(lambda n: faulty_delivery("%s/%s-%d" % (folder, fault, n), n, fault), numbers))
            wrong += ["%s at %d: %s" % (fault, n, end) for n, end in zip(numbers, ends) if end]
            if "" in ends:
                break
        else:
            wrong.append("more than %d calls" % MANY_CALLS)
    tap.same(wrong, [])


def test_mbox_through_links(folder):
    """In a folder that others write to a link may be anybody's; one's own is one's own way to say where mail lies."""
    home = Home(folder, ":0\n* ^Subject: theirs\nlink\n:0\nown\n")
    os.symlink("box", home.path + "/own")
    home.own()
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("box"), MESSAGE + b"\n")
    if os.getuid() != 0:
        return
    os.symlink("target", home.path + "/link")
    os.lchown(home.path + "/link", USER.pw_uid + 1 if USER.pw_uid < 65534 else 12345, USER.pw_gid)
    result = home.procmail(message=MESSAGE.replace(b": x", b": theirs"))
    tap.same((result.returncode, home.has("target")), (0, False))  # in the INBOX, with a note


@tap.as_root
def test_mbox_that_somebody_laid_out(folder):
    """In a folder such as /tmp a file of another user is no mailbox: its maker would read the mail."""
    home = Home(folder, ":0\n%s/open/box\n" % folder)
    os.mkdir(folder + "/open")
    os.chmod(folder + "/open", 0o1777)
    with open(folder + "/open/box", "wb"):
        os.chmod(folder + "/open/box", 0o666)
    os.chown(folder + "/open/box", 12345, 12345)
    tap.same((home.procmail().returncode, os.path.getsize(folder + "/open/box")), (0, 0), "in the INBOX, with a note")
    os.chmod(folder + "/open", 0o777)
    tap.same((home.procmail().returncode, os.path.getsize(folder + "/open/box")), (0, len(MESSAGE) + 1), "a folder that is shared on purpose")


def test_what_is_no_mailbox_is_passed_by(folder):
    home = Home(folder, ":0\nfifo\n:0\nnowhere/box\n:0\nmd\n:0\nbox\n")
    os.mkfifo(home.path + "/fifo")
    home.write("md", "x", 0o400)
    if os.getuid() == 0:
        os.chown(home.path + "/md", 0, 0)
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("box"), MESSAGE + b"\n")
    tap.contains(home.said(), "cannot store to")


def test_second_folder_that_is_none(folder):
    home = Home(folder, ":0\na/ b\n")
    home.write("b", "a file")
    tap.same(home.procmail().returncode, 0)
    tap.same((home.maildir("a"), home.read("b")), ([PLAIN], b"a file"))


def test_command_line(folder):
    home = Home(folder, None)
    home.write("rc", 'LOG="$1-$2-$#-$V-$E."\n:0\nbox\n')
    tap.same(home.procmail("-a", "one", "-a", "two three", "LOGFILE=said", "LOGABSTRACT=no", "V=$LOGNAME-x \"a  b\" `c`#d #e", "rc").returncode, 0)
    tap.same(home.read("said"), b"one-two three-2-%s-x a  b `c`#d -." % USER.pw_name.encode(), "words of an assignment")
    home.procmail("-ptoY", "-f", "-", "LOGFILE=said", "LOGABSTRACT=no", "missing", "./rc", "rc", env={"E": "k$V 'ept", "HOST": "x", "EXITCODE": "9"})
    tap.same(home.read("said").split(b".")[1], b"--0--k$V 'ept")
    home.procmail("-m", "LOGFILE=said", "LOGABSTRACT=no", "rc", "A=b", "c")
    tap.same(home.read("said").split(b".")[2], b"A=b-c-2--")
    home.procmail("-fs@x.test", "rc", message=PLAIN)
    tap.contains(home.read("box"), b"From s@x.test  ")
    tap.same(home.maildir(), [])


def test_sender_over_a_from_line(folder):
    """-f is right where a From_ line names somebody else; the date is new, as with procmail."""
    home = Home(folder, ":0\nbox\n")
    tap.same(home.procmail("-f", "new@x.test").returncode, 0)
    tap.same(bool(re.match(rb"From new@x\.test  \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\nFrom: a@b", home.read("box"))), True, home.read("box"))
    for sender in ("a@b.test", "-", ""):
        os.unlink(home.path + "/box")
        home.procmail("-f", sender)
        tap.same(home.read("box"), MESSAGE + b"\n", sender)


def test_host_that_is_another_goes_on_to_the_next_file(folder):
    home = Home(folder, None)
    for name in "abc":
        home.write(name, "V=${V}%s\n:0\n* ! ^Subject: go\n%s-$V\nHOST=other\n" % (name, name))
    home.write("z", ":0c\nnot-$V\nHOST\n")
    tap.same(home.procmail("z", "missing", "b", "c").returncode, 0)
    tap.same((home.has("b-b"), home.has("not-"), home.has("c-bc")), (True, True, False))
    tap.same(home.procmail("a", "b", message=MESSAGE.replace(b": x", b": go")).returncode, 0)
    tap.same(len(home.maildir()), 1, "behind the last one the mail is kept, where procmail loses it")


def test_command_line_that_is_wrong(folder):
    home = Home(folder, ":0\nbox\n")
    for args in (["-z"], ["-m"], ["-d", "nobody", "root"]):
        result = home.procmail(*args)
        tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "), str(args))
    tap.same(home.has("box"), False)
    tap.same(home.procmail("-d", "no-such-user").returncode, 67)
    if USER.pw_uid != 0:
        tap.same(home.procmail("-d", "root").returncode, 75)


def test_options_that_are_none_are_warned_of(folder):
    for n, (args, words) in enumerate(((["-q"], b'Unrecognised options: "q"'), (["--from=x"], b'Unrecognised options: "from=x"'),
                                      (["-t", "--foo"], b'Unrecognised options: "foo"'), (["-a"], b"Missing argument"), (["-f"], b"Missing name"), (["1=2"], b"Skipped"))):
        home = Home(tap_folder(folder, n), ":0\nbox\n")
        result = home.procmail(*args)
        tap.same((result.returncode, result.stdout, home.read("box")), (0, b"", MESSAGE + b"\n"), str(args))
        tap.contains(result.stderr, words)
        # Postfix gives one pipe for both: it would take the warning for the answer.
        ids = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        env = {**os.environ, "TODOKE_CONF": home.conf, "HOME": home.path, "LOGNAME": USER.pw_name}
        result = subprocess.run([tap.TODOKE, "procmail", *args], input=MESSAGE, env=env, cwd=home.path, timeout=tap.PATIENCE, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **ids)
        tap.same(answer(result), (0, b""), str(args))


def test_command_lines_side_by_side(folder):
    """The very procmail and ours, one after the other: exit code, output, files."""
    if shutil.which("procmail") is None:
        raise tap.Skip("there is no procmail")
    rcs = {"nomatch": ":0\n* ^Subject: yes\nbox\n", "match": ":0\nbox\n", "code": "EXITCODE=75\nHOST=other\n",
           "show": 'LOG="$1,$2,$#,$FOO,$LOCKEXT,$MSGPREFIX,$SENDMAIL,$SHELLMETAS,$SHELLFLAGS\n"\n:0\n/dev/null\n',
           "host": "HOST=other\n:0\nbox\n", "print": ":0\n|\n", "from": ":0\n* ^From[ ]new@c\nbox\n:0\nother\n", "size": ":0\n* < 60\nbox\n:0\nother\n"}
    lines = ("./match", "-m ./nomatch", "-tm ./nomatch", "-m DEFAULT=dd ./nomatch", "-m ./match", "DEFAULT=dd ./nomatch", "DEFAULT=| ./nomatch", "-m ./print",
             "-t LOCKSLEEP=1 DEFAULT=/no/ ORGMAIL=/no/x/ ./nomatch", "DEFAULT=/no/x/ ORGMAIL=/no/y/ LOCKSLEEP=1 ./nomatch", "LOCKSLEEP=1 DEFAULT=/no/x/ ORGMAIL=org ./nomatch", "DEFAULT=dd ./missing",
             "-a x -a y LOGFILE=said LOGABSTRACT=no ./show", "FOO=bar LOGFILE=said LOGABSTRACT=no ./show", "-m LOGFILE=said LOGABSTRACT=no ./show q r s", "./host ./match",
             "INCLUDERC=./match DEFAULT=dd ./nomatch", "SWITCHRC=./match DEFAULT=dd ./nomatch", "./code", "-Y -o ./match", "-q ./match", "1A=b ./match", "A=b=c ./match",
             "-f new@c ./from", "-r new@c ./from", "-f - ./size", "-f new@c ./size")

    def both(number):
        found = []
        message = PLAIN if "./size" in lines[number] or "./from" in lines[number] else MESSAGE
        for name in ("theirs", "ours"):
            os.makedirs(folder + "/%d" % number, exist_ok=True)
            home = Home(tap_folder(folder, "%d/%s" % (number, name)), None, recipe_compat="strict")
            for rc, text in rcs.items():
                home.write(rc, text)
            given = set(tap.files_below(home.path))
            run = home.procmail if name == "ours" else lambda *args, **more: home.run(*args, program=shutil.which("procmail"), **more)
            result = run(*lines[number].split(), message=message)
            files = {f: home.read(f) for f in tap.files_below(home.path) if f not in given and not f.startswith(("state/", "Maildir/"))}
            out = result.stdout if result.returncode == 0 else b""
            found.append((result.returncode, out, sorted((f, re.sub(rb"(?m)^From (\S+) .*", rb"From \1", files[f])) for f in files)))
        return found
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for line, (theirs, ours) in zip(lines, pool.map(both, range(len(lines)))):
            tap.same(ours, theirs, line)


def test_path_begins_with_the_owners_programs(folder):
    home = Home(folder, "LOGFILE=said\nLOGABSTRACT=no\nLOG=`mine`\n:0\nbox\n", recipes="yes", recipe_site=folder + "/site")
    os.mkdir(home.path + "/bin")
    home.program("bin/mine", "cat >/dev/null; echo found $PATH")
    with open(folder + "/site", "w", encoding="utf-8") as site:
        site.write("LOGFILE=$HOME/said\nLOG=\"$PATH\n\"\nPATH=/usr/bin\n")
    home.run("deliver")
    tap.same(home.read("said"), ("/usr/local/bin:/usr/bin:/bin\nfound %s/bin:/usr/local/bin:/usr/bin:/bin" % home.path).encode())


def test_redirects_name_people_in_any_form(folder):
    """! -t takes the recipients from the header, as sendmail -t; nobody reads who got a blind copy."""
    mail = b"From: a@b.test\nTo: One <one@c.test>,\n two@c.test\nCc: Team: three@c.test;\nBcc: four@c.test\nSubject: x\n\nbody\n"
    for n, (action, want) in enumerate((('! "Bob <b@c.test>"', ["b@c.test"]), ("! -t", ["one@c.test", "two@c.test", "three@c.test", "four@c.test"]),
                                        ("! -oi -f x@y.test a@c.test,b@c.test", ["a@c.test", "b@c.test"]))):
        home = Home(tap_folder(folder, n), ":0\n%s\n" % action)
        tap.same(home.procmail(message=mail).returncode, 0, action)
        sent = home.read("sent")
        tap.same([address for address in want if address.encode() + b"\n" not in sent.replace(b" ", b"\n")], [], action)
        tap.same(b"Bcc:" in sent, "-t" not in action, action)
    home = Home(tap_folder(folder, 7), ":0\n! -t\n:0\nbox\n")
    tap.same((home.procmail(message=b"Subject: x\n\nbody\n").returncode, home.has("sent"), home.has("box")), (0, False, True), "nobody to send it to")
    home = Home(tap_folder(folder, 8), ":0\n! -t\n")
    home.procmail(message=mail.replace(b"Subject", b"Resent-To: re@c.test\nSubject"))
    tap.contains(home.read("sent"), b"re@c.test")
    tap.same(b"one@c.test\n" in home.read("sent").split(b"From:", 1)[0], False, "a resent mail goes to those of the Resent- fields")


def test_link_of_the_name_procmail(folder):
    home = Home(folder, "LOGABSTRACT=no\nLOGFILE=said\nLOG=$1\n:0\nbox\n")
    os.symlink(os.path.abspath(tap.TODOKE), home.path + "/procmail")
    result = home.run("-a", "deliver", program=home.path + "/procmail")
    tap.same(answer(result), (0, b""), "a success prints nothing")
    tap.same(home.read("said"), b"deliver")
    result = home.run("-v", program=home.path + "/procmail")
    tap.contains(result.stdout, b"todoke ")
    tap.contains(home.procmail("-h").stdout, b"usage: todoke procmail")


def test_exit_codes(folder):
    home = Home(folder, "EXITCODE=$1\n:0\n* ! ^Subject: kept\n/dev/null\n")
    tap.same(answer(home.procmail("-a", "67"))[0], 67)
    tap.same(home.procmail("-a", "67").stdout[:6], b"5.1.1 ")
    for code, text in (("65", b"5.6.0 "), ("69", b"5.3.0 ")):
        result = home.procmail("-a", code)
        tap.same((result.returncode, result.stdout[:6]), (int(code), text), code)
    for code in ("77", "1", "100"):
        result = home.procmail("-a", code)
        tap.same((result.returncode, result.stdout[:6]), (77, b"5.7.1 "), code)
    result = home.procmail("-a", "75")
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.7.1 "))
    tap.same(home.procmail("-a", "0").returncode, 0)
    tap.same(home.maildir(), [])
    kept = MESSAGE.replace(b": x", b": kept")
    tap.same(home.procmail("-a", "77", message=kept).returncode, 0, "what is kept is not refused")
    tap.same(len(home.maildir()), 1)


def test_exit_code_of_what_was_delivered(folder):
    """It would be put off for days, and returned in the end."""
    for n, end in enumerate((":0\nbox\n", ":0\n| cat >>box\n", ":0\n! one@example.org\n", "", "DEFAULT=box\n")):
        home = Home(tap_folder(folder, n), "EXITCODE=75\n" + end)
        tap.same(home.procmail().returncode, 0, end)
        tap.same(home.has("box") or home.has("sent") or home.maildir() == [PLAIN], True, end)
        tap.contains(home.said(), "EXITCODE=75 is not heeded")


def test_exit_code_of_a_clone(folder):
    """Procmail's clone ends with it, and nobody asks: the mail goes its way."""
    for n, (code, first) in enumerate((("75", ":0\nx\n"), ("67", ":0\n/dev/null\n"), ("67", "HOST\n"), ("75", "HOST\n"))):
        home = Home(tap_folder(folder, n), ":0c\n{\nEXITCODE=%s\n%s}\n:0\nbox\n" % (code, first))
        tap.same(home.procmail().returncode, 0, code + first)
        tap.same(home.read("box"), MESSAGE + b"\n", code + first)


def test_what_is_put_off_stores_its_copies_once(folder):
    home = Home(folder, "EXITCODE=75\n:0c\nbox\n:0c\nmd/\nHOST\n")
    for _ in range(2):
        tap.same(home.run("deliver", "--recipes", ".procmailrc", "--queue-id", "4ABC").returncode, 75)
    tap.same((home.read("box"), home.maildir("md")), (MESSAGE + b"\n", [PLAIN]))


def test_forward(folder):
    home = Home(folder, ":0c\n! -f x@y.test one@example.org two@example.org,three@example.org\n:0\n! %s@nowhere.test\n" % USER.pw_name)
    result = home.procmail(env={"RECIPIENT": "%s@nowhere.test" % USER.pw_name, "SENDER": "s@x.test"})
    tap.same(result.returncode, 0)
    sent = home.read("sent").decode()
    tap.same(re.findall(r"\S+@example\.org", sent), ["one@example.org", "two@example.org", "three@example.org"])
    tap.same(sent.count("-f s@x.test") + sent.count("-fs@x.test"), 3, "the envelope sender stays")
    tap.same(len(home.maildir()), 1, "what would come back is stored")
    tap.contains(home.said(), "that is the owner")


def test_forward_that_fails_is_put_off(folder):
    home = Home(folder, ":0c\nbox\n:0\n! one@example.org\n")
    home.program("../sendmail", "exit 75")
    for _ in range(2):
        tap.same(home.run("deliver", "--recipes", ".procmailrc", "--queue-id", "4ABC").returncode, 75)
    home.program("../sendmail", "cat >%s/sent" % home.path)
    tap.same(home.run("deliver", "--recipes", ".procmailrc", "--queue-id", "4ABC").returncode, 0)
    tap.same(home.read("box"), MESSAGE + b"\n", "the copy is stored once")
    tap.same(home.has("sent"), True)


def test_programs(folder):
    home = Home(folder, "PATH=$HOME/bin:/usr/bin:/bin\nMAILDIR=$HOME/sub\nLOGABSTRACT=no\nLOGFILE=said\nV=`ours`\n:0fw\n| sed -e s/body/changed/\n"
                        ":0 w\n| cat >waited; false\n:0 w\n| test $V = value && cat >piped\n:0\nbox\n")
    for name in ("bin", "sub"):
        os.mkdir(home.path + "/" + name)
    home.program("bin/ours", "echo value; echo words >&2")
    result = home.procmail()
    tap.same(result.returncode, 0)
    tap.same(home.read("sub/piped"), MESSAGE.replace(b"body", b"changed") + b"\n")
    tap.same((home.has("sub/waited"), home.has("sub/box")), (True, False))
    tap.same(home.read("sub/said"), b'words\nprocmail: Program failure (1) of " cat >waited; false"\n')


def test_one_program_twice_is_no_repetition(folder):
    """What differs is the environment or the part of the mail; the words of the call are the same."""
    home = Home(tap_folder(folder, 0), "TO=one\n:0c\n| cat >>$TO\nTO=two\n:0\n| cat >>$TO\n")
    tap.same(home.procmail().returncode, 0)
    tap.same((home.read("one"), home.has("two")), (MESSAGE + b"\n", True))
    home = Home(tap_folder(folder, 1), ":0ch\n| cat >>out\n:0b\n| cat >>out\n")
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("out"), MESSAGE + b"\n")


def test_one_address_twice(folder):
    """Another message to the same address is another mail; the same one is not."""
    home = Home(folder, ":0c\n! one@example.org\n:0c\n! one@example.org\n:0fw\n| sed -e s/body/changed/\n:0\n! one@example.org\n")
    tap.same(home.procmail().returncode, 0)
    sent = home.read("sent").decode()
    tap.same((sent.count("one@example.org"), sent.count("\nbody"), sent.count("\nchanged")), (2, 1, 1), sent)


def test_program_that_fails_keeps_the_mail(folder):
    """Procmail loses this mail."""
    for n, action in enumerate(("| cat >x; exit 1", "| exit 75", "| no-such-program", "| kill -9 $$; true")):
        home = Home(tap_folder(folder, n), ":0\n%s\n" % action)
        tap.same((home.procmail().returncode, home.maildir()), (0, [PLAIN]), action)
        tap.contains(home.said(), "stored in the INBOX instead")


def tap_folder(folder, n):
    os.chmod(folder, 0o755)
    path = os.path.join(folder, str(n))
    os.mkdir(path)
    return path


def test_program_that_hangs(folder):
    home = Home(folder, ":0 w\n| sleep 1000 & echo $! >pid; wait\n:0\nbox\n", recipe_program_timeout="5s")
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("box"), MESSAGE + b"\n")
    tap.wait_for("the end of its children", lambda: not tap.is_alive(int(home.read("pid"))))
    home.write(".procmailrc", "TIMEOUT=1\n:0 w\n| sleep 1000\n:0\nbox2\n")
    with open(home.conf, "a", encoding="utf-8") as conf:
        conf.write('recipe_program_timeout = "1h"\n')
    tap.same(home.procmail("-a", "x").returncode, 0)
    tap.same(home.read("box2"), MESSAGE + b"\n", "its own TIMEOUT")


def test_lock_of_a_program(folder):
    home = Home(folder, ":0 Whc: cache.lock\n| test -f cache.lock && cat >>held\n:0c:\n| test -f out.lock && cat >>out\n:0\n/dev/null\n")
    tap.same(home.procmail().returncode, 0)
    tap.same((home.has("held"), home.has("out"), home.has("cache.lock"), home.has("out.lock")), (True, True, False, False))


def test_global_lockfile(folder):
    """Held from its assignment to the next one, or to the end; what it guards may be done at the end only."""
    held = "LOGABSTRACT=no\nLOGFILE=said\nLOG=`cd $HOME; ls -d *.lock 2>/dev/null | tr '\\n' ' '; echo .`\n"
    rc = "LOCKFILE=one.lock\n%sLOCKFILE=$HOME/two.lock\n%sLOCKFILE\n%sLOCKFILE=nowhere/x.lock\n:0:\nbox\n" % (held, held, held)
    home = Home(folder, rc)
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("said"), b"one.lock .two.lock ..")
    tap.same(home.read("box"), MESSAGE + b"\n")
    home.write(".procmailrc", "LOCKFILE=my.lock\n:0c\nbox2\nLOCKFILE\n:0 w\n| ls *.lock >seen; cat >/dev/null\n")
    tap.same(home.procmail().returncode, 0)
    tap.same((home.read("seen"), home.read("box2")), (b"my.lock\n", MESSAGE + b"\n"))
    tap.same([name for name in os.listdir(home.path) if name.endswith(".lock")], [], "left behind")


def test_lockfile_in_a_block_with_c(folder):
    """A copy of the run inherits no LOCKFILE, and what it takes it gives back."""
    home = Home(folder, "LOCKFILE=a.lock\n:0c\n{\nLOCKFILE=b.lock\n:0 w\n| cat >/dev/null; ls *.lock >in\n}\n"
                        ":0 w\n| cat >/dev/null; ls *.lock >out\n")
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("in"), b"a.lock\nb.lock\n")
    tap.same(b"a.lock" in home.read("out"), True)
    tap.same([name for name in os.listdir(home.path) if name.endswith(".lock")], [], "left behind")


def test_lockfile_of_others(folder):
    home = Home(folder, ":0c\nbox\nLOCKFILE=my.lock\nTRAP='touch trapped'\n:0\nbox\n", recipe_lock_wait="1s", recipe_lock_stale="1000s")
    lock = home.write("my.lock", "0")
    result = home.procmail()
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.2.0 "))
    tap.same((home.has("box"), home.maildir(), home.has("my.lock"), home.has("trapped")), (False, [], True, False), "nothing by half")
    tap.contains(home.said(), "LOCKFILE 'my.lock' is held")
    os.utime(lock, (time.time() - 500, time.time() - 500))
    tap.same(home.procmail().returncode, 75, "not stale for the site")
    tap.same(home.procmail("LOCKTIMEOUT=0", ".procmailrc").returncode, 75, "never stale")
    tap.same(home.procmail("LOCKTIMEOUT=400", "LOCKSLEEP=30", ".procmailrc").returncode, 0, "stale for the recipes, and no sleep")
    tap.same((home.read("box"), home.has("my.lock")), ((MESSAGE + b"\n") * 2, False))


def test_one_lock_for_two_recipes(folder):
    """No process waits for itself: procmail gives such a lock back in between, we hold it until both are stored."""
    home = Home(folder, "LOCKFILE=my.lock\n:0c: my.lock\na\n:0c w: my.lock\n| cat >b\n:0: ./my.lock\nc\n", recipe_lock_wait="2s")
    tap.same(home.procmail().returncode, 0)
    tap.same([home.read(name)[:4] for name in "abc"], [b"From"] * 3)
    tap.same(home.has("my.lock"), False)


def test_locks_of_recipes_are_waited_for(folder):
    """LOCKEXT and LOCKTIMEOUT count for locks of recipes too."""
    for n, recipe in enumerate((":0:\nbox\n", ":0: box.lck\nbox\n")):
        home = Home(tap_folder(folder, n), "LOCKEXT=.lck\n" + recipe, recipe_lock_wait="1s")
        lock = home.write("box.lck", "0")
        tap.same((home.procmail().returncode, home.has("box")), (75, False), recipe)
        os.utime(lock, (time.time() - 50, time.time() - 50))
        tap.same(home.procmail("LOCKTIMEOUT=40", ".procmailrc").returncode, 0)
        tap.same((home.read("box"), home.has("box.lck")), (MESSAGE + b"\n", False))


def test_umask_of_the_recipes(folder):
    home = Home(folder, ":0c\nclosed\nUMASK=022\n:0c\nbox\n:0c w\n| cat >piped\n:0c\nmd/\n:0c\nmh/.\nUMASK=07\n:0c\ngroup\n:0 w\n| cat >late\n")
    tap.same(home.procmail().returncode, 0)

    def mode(name):
        return "%o" % (os.stat(os.path.join(home.path, name)).st_mode & 0o777)

    names = ("closed", "box", "piped", "md", "md/new", "md/new/" + os.listdir(home.path + "/md/new")[0], "mh", "mh/1", "group", "late")
    tap.same([mode(name) for name in names], ["600", "644", "644", "755", "755", "644", "755", "644", "660", "660"])


def test_log_of_the_owner(folder):
    home = Home(folder, 'LOGFILE=$HOME/said\nLOG="a line\n"\nLOGFILE=missing/log\nLOG=lost\n:0\nbox\n')
    tap.same(home.procmail().returncode, 0)
    tap.same(home.read("said"), b"a line\n")
    tap.contains(home.said(), "LOGFILE of recipes")
    tap.same(os.stat(home.path + "/said").st_mode & 0o777, 0o600)
    home.write(".procmailrc", "LOG=spoken\n:0\nbox\n")
    home.procmail()
    tap.contains(home.said(), "recipes say: spoken")


def test_deliver_asks_the_setting(folder):
    for n, (setting, where) in enumerate((("no", "Maildir"), ("yes", "md"), ("all", "md"))):
        home = Home(tap_folder(folder, n), ":0\nmd/\n", recipes=setting)
        tap.same(home.run("deliver").returncode, 0)
        tap.same(len(home.maildir(where)), 1, setting)


def test_virtual_users_need_all(folder):
    """Their programs would run as the account that has everybody's mail."""
    for n, (setting, where) in enumerate((("yes", "ann"), ("all", "md"))):
        home = Home(tap_folder(folder, n), ":0\nmd/\n", recipes=setting)
        home.run("deliver", "-o", "maildir=%s/%%n" % home.path, "-d", "ann@example.test")
        tap.same(len(home.maildir(where)), 1, setting)


def test_never_as_root(folder):
    if os.getuid() != 0:
        return
    home = Home(folder, ":0\nmd/\n", recipes="all")
    os.chown(home.path, 0, 0)
    os.chown(home.path + "/.procmailrc", 0, 0)
    result = tap.todoke("deliver", "-o", "maildir=%s/%%n" % home.path, "-d", "ann@example.test", stdin=MESSAGE,
                        env={"TODOKE_CONF": home.conf})
    tap.same((result.returncode, len(home.maildir("ann")), home.has("md")), (0, 1, False))
    tap.contains(home.said(), "never run as root")


def test_both_languages(folder):
    rules = "require \"fileinto\";\nif header \"subject\" \"x\" { fileinto \"Sieve\"; }\n"
    for n, (order, subject, where) in enumerate((("sieve-first", "x", "Maildir/.Sieve"), ("sieve-first", "y", "md"),
                                                 ("recipes-first", "x", "md"), ("recipes-first", "z", "Maildir"))):
        home = Home(tap_folder(folder, n), ":0\n* ! ^Subject: z\nmd/\n", recipes="yes", recipe_order=order)
        home.write(".dovecot.sieve", rules)
        home.run("deliver", message=MESSAGE.replace(b": x", b": " + subject.encode()))
        tap.same(len(home.maildir(where)), 1, order + subject)
    home = Home(tap_folder(folder, 8), "\0", recipes="yes")
    home.write(".dovecot.sieve", "keep")
    home.run("deliver")
    tap.contains(home.said(), "has a NUL in it: it is not an rc file; the recipes were not run", "each has its own error")
    home = Home(tap_folder(folder, 9), ":0fw\n| sed -e s/Subject:.*/Subject:.x/\n", recipes="yes", recipe_order="recipes-first")
    home.write(".dovecot.sieve", rules.replace("\"x\"", "\".x\""))
    home.run("deliver")
    tap.same(home.maildir("Maildir/.Sieve"), [PLAIN.replace(b"Subject: x", b"Subject:.x") + b"\n"], "the second sees what the first made")


def test_site_recipes(folder):
    home = Home(folder, "LOG=own-$SITE\n:0\nbox\n", recipes="yes", recipe_site=folder + "/site")
    with open(folder + "/site", "w", encoding="utf-8") as site:
        site.write("LOGABSTRACT=no\nLOGFILE=$HOME/said\nSITE=yes\n:0\n* ^Subject: stop\nstopped\n")
    home.run("deliver")
    home.run("deliver", message=MESSAGE.replace(b": x", b": stop"))
    tap.same((home.read("said"), home.read("box")), (b"own-yes", MESSAGE + b"\n"))
    tap.same(home.has("stopped"), True)
    os.unlink(home.path + "/.procmailrc")
    home.run("deliver", message=MESSAGE.replace(b": x", b": stop again"))
    tap.same(home.read("stopped").count(b"\nFrom: "), 2, "for who has none")
    home.write("other", "LOG=-$SITE-\n")
    home.procmail("LOGFILE=quiet", "LOGABSTRACT=no", "other")
    tap.same(home.read("quiet"), b"--", "a file on the command line: no site")


def test_default(folder):
    home = Home(folder, "V=$DEFAULT\nLOGABSTRACT=no\nLOGFILE=said\nLOG=$V\n", recipe_default="~/var/%u")
    os.mkdir(home.path + "/var")
    home.own()
    home.procmail()
    tap.same(home.read("var/" + USER.pw_name), MESSAGE + b"\n")
    tap.same(home.read("said"), ("%s/var/%s" % (home.path, USER.pw_name)).encode())
    home.write(".procmailrc", "DEFAULT=$HOME/mine/\n")
    home.procmail()
    tap.same(len(home.maildir("mine")), 1)
    home.write(".procmailrc", "DEFAULT=$HOME/not/there/\n")
    home.procmail()
    tap.same(home.read("var/" + USER.pw_name), (MESSAGE + b"\n") * 2, "ORGMAIL is tried next")
    home.write(".procmailrc", "DEFAULT=$HOME/not/there/\nORGMAIL=$DEFAULT\n")
    home.procmail()
    tap.same(len(home.maildir()), 1, "the INBOX is always there")


def test_default_without_recipes(folder):
    """recipe_default is where mail goes that no recipe files, be it because there are none that run."""
    def closed(home):
        os.chmod(home.path + "/.procmailrc", 0)

    def writable(home):
        os.chmod(home.path + "/.procmailrc", 0o666)
    cases = {"no rc file": (None, None), "empty": ("", None), "unreadable": (":0\nbox\n", closed), "writable by others": (":0\nbox\n", writable),
             "a NUL": ("\0:0\nbox\n", None), "too big": ("A=b\n" * 300000, None)}
    for n, (name, (rc, change)) in enumerate(cases.items()):
        home = Home(tap_folder(folder, n), rc, recipes="yes", recipe_default="~/spool")
        if change:
            change(home)
        if name == "unreadable" and os.getuid() == 0:
            os.chown(home.path + "/.procmailrc", 0, 0)
        for command in ("deliver", "procmail"):
            tap.same(home.run(command).returncode, 0, name)
        tap.same((home.read("spool"), home.has("box")), ((MESSAGE + b"\n") * 2, False), name)
        tap.same([mail for mail in home.maildir() if mail == PLAIN], [], name)


def test_lastfolder_marks_as_read(folder):
    """The idiom moves the file to cur/: it is there once, and a mail that follows is another file."""
    mark = '"$LASTFOLDER" "`dirname "$LASTFOLDER"`/../cur/`basename "$LASTFOLDER"`:2,S"'
    ways = {"pipe": ":0c\nMaildir/.S/\n:0i\n| cat >/dev/null; mv %s\n" % mark, "trap": "TRAP='mv %s'\n:0\nMaildir/.S/\n" % mark,
            "waits": ":0c\nMaildir/.S/\n:0wia\n| cat >/dev/null; mv %s\n" % mark,
            "match": ":0c\nMaildir/.S/\n:0wi\n* LASTFOLDER ?? ()\\/[^/]+^^\n| cat >/dev/null; mv Maildir/.S/new/$MATCH Maildir/.S/cur/$MATCH:2,S\n"}
    for n, (name, rc) in enumerate(ways.items()):
        home = Home(tap_folder(folder, n), rc, recipes="yes")
        for _ in range(2):
            tap.same(home.run("procmail").returncode, 0, name)
        read = os.listdir(os.path.join(home.path, "Maildir/.S/cur"))
        tap.same((len(read), [file[-4:] for file in read]), (2, [":2,S"] * 2), name)
        tap.same((home.maildir(), home.maildir("Maildir/.S")), ([], []), name)


def test_spool_in_which_nobody_can_make_a_file(folder):
    """/var/mail is 2775 root:mail: todoke check says so, and mail of who has no file there is in the INBOX."""
    home = Home(folder, "", recipes="yes", recipe_default=folder + "/spool/%u")
    tap.contains(tap.todoke("check", env={"TODOKE_CONF": home.conf}).stdout, b"which is not a folder")
    os.mkdir(folder + "/spool")
    os.chmod(folder + "/spool", 0o2775)
    tap.contains(tap.todoke("check", env={"TODOKE_CONF": home.conf}).stdout, b"an owner without a file there cannot make one")
    if os.getuid() == 0:
        home.run("deliver")
        tap.same(len(home.maildir()), 1)
    os.chmod(folder + "/spool", 0o1777)
    tap.same(b"[spool]" in tap.todoke("check", env={"TODOKE_CONF": home.conf}).stdout, False)
    home.run("deliver")
    tap.same(os.listdir(folder + "/spool"), [USER.pw_name])


def test_default_leaves_sieve_its_turn(folder):
    """Who has no recipes has Sieve scripts perhaps, whichever language is to come first."""
    for n, order in enumerate(("sieve-first", "recipes-first")):
        home = Home(tap_folder(folder, n), None, recipes="yes", recipe_default="~/spool", recipe_order=order)
        home.write(".dovecot.sieve", 'require "fileinto";\nif header "subject" "x" { fileinto "S"; }\n')
        home.run("deliver")
        tap.same((len(home.maildir("Maildir/.S")), home.has("spool")), (1, False), order)
        home.run("deliver", message=MESSAGE.replace(b": x", b": y"))
        tap.same((len(home.maildir("Maildir/.S")), home.has("spool")), (1, True), order)


def test_recipes_of_others_do_not_run(folder):
    home = Home(folder, ":0\nbox\n", recipes="yes")
    os.chmod(home.path + "/.procmailrc", 0o666)
    tap.same(home.run("deliver").returncode, 0)
    tap.same((len(home.maildir()), home.has("box")), (2, False), "the mail, and a note to the owner")
    tap.contains(home.said(), "anybody may write to it")


def test_broken_recipes_lose_nothing(folder):
    """What procmail would go on with runs, and says so in the log; of a file that cannot be read the owner hears, once."""
    home = Home(folder, None, recipes="yes")
    for n, (rc, note, told) in enumerate(((b":0 Q\nx/\n", "is not a flag", None), (b":0\n* ^Subject: x\n", "", None),
                                          (b"\0\xff\xfe:0\n{ { {\n", "NUL", b".procmailrc:1:1: error: the file has a NUL in it"),
                                          (b"INCLUDERC=missing\n", "cannot read 'missing'", None), (b":0\n\n}\n", "", None),
                                          (b":0\n{\n" * 100, "nested", b"blocks are nested too deeply"),
                                          (b"A=b\n" * 300000, "has more than", b"has more than"), (b":0fw\n| true\n", "wrote nothing", None),
                                          (b"INCLUDERC=.procmailrc\n", "deep", b"files are included more than 128 deep"))):
        home.write(".procmailrc", rc)
        before = [mail for mail in home.maildir() if mail != PLAIN]
        for again in (1, 2):
            tap.same((home.run("deliver").returncode, home.maildir().count(PLAIN)), (0, 2 * n + again), repr(rc[:30]))
            tap.contains(home.said().splitlines()[-1], note, repr(rc[:30]))
        notices = [mail for mail in home.maildir() if mail not in (PLAIN, *before)]
        tap.same(len(notices), told is not None, repr(rc[:30]))
        for notice in notices:
            tap.contains(notice, b"Your mail rules have an error")
            tap.contains(b" ".join(notice.split()), told)
            tap.same(b"wrong again" in notice, False, "nobody would know")


def test_remarks_are_few_and_short(folder):
    """LIMIT_RECIPE_NOTES and LIMIT_RECIPE_NOTE_BYTES."""
    home = Home(folder, ":0 Q\nx/\n" * 100 + "INCLUDERC=" + "y" * 5000 + "\n", recipes="yes")
    os.rename(home.path + "/.procmailrc", home.path + "/r")
    home.run("deliver", "-o", "recipe_files=~/r")
    tap.same(home.said().count("is not a flag"), 4)
    home.write(".procmailrc", "INCLUDERC=" + "y" * 5000 + "\n")
    home.run("deliver")
    tap.same("y" * 320 in home.said(), False)


def test_includes_are_bounded(folder):
    """A file of one octet more than LIMIT_RECIPE_FILE_BYTES is not read."""
    home = Home(folder, "INCLUDERC=fits\nINCLUDERC=over\n", recipes="yes")
    text = b":0c\n%s/\n#"
    for name, size in ((b"fits", 1048576), (b"over", 1048577)):
        home.write(name.decode(), (text % (b"md-" + name)).ljust(size, b"x"))
    home.run("deliver")
    tap.same((len(home.maildir("md-fits")), len(home.maildir("md-over"))), (1, 0))


def test_try_shows_the_plan_and_changes_nothing(folder):
    home = Home(folder, "MAILDIR=%s/home\n" % folder + ":0c w\n| touch touched\n:0c: \nbox\n:0 h\n* ? touch touched\nx\n:0\n! a@example.org\n")
    path = home.write("m", MESSAGE)
    before = sorted(tap.files_below(home.path))
    result = home.run("try", "--recipes", ".procmailrc", path)
    tap.same(result.returncode, 0)
    for words in (b"touch touched", b"-> %s/box  " % home.path.encode(), b"redirect to <a@example.org>", b"programs are not run here"):
        tap.contains(result.stdout, words)
    shown = json.loads(home.run("try", "--json", "--recipes", ".procmailrc", path).stdout)
    tap.same([action["action"] for action in shown["actions"]], ["pipe", "store", "redirect"])
    tap.same(sum("did not run" in note for note in shown["notes"]), 1, "the condition's; the pipe is in the plan")
    tap.same(sorted(tap.files_below(home.path)), before)
    home.write(".dovecot.sieve", "discard;\n")
    own = ["-o", "users=system", "-o", "maildir=%s/Maildir" % home.path, "-o", "recipes=yes", "-o", "recipe_files=%s/.procmailrc" % home.path, "-o", "sieve_scripts=%s/.dovecot.sieve" % home.path]
    shown = json.loads(home.run("try", *own, "-o", "recipe_order=recipes-first", "--json", path).stdout)
    tap.same([action["action"] for action in shown["actions"]], ["pipe", "store", "redirect"])
    shown = json.loads(home.run("try", *own, "--json", path).stdout)
    tap.same([action["action"] for action in shown["actions"]], ["discard"])


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
