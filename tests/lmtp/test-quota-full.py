#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A mailbox at its limit by every door: grace, folders with rules of their own, the time until mail is refused, warnings; and what
`todoke try`, `todoke account` and `todoke doctor` say of it."""

import email
import email.policy
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MESSAGE = b"Subject: x\n\nbody\n"  # 17 octets
ADDRESS = "ann@d.test"
DAY = 86400
ROOT = os.geteuid() == 0


class Box:
    """A virtual user's mailbox in a site with these settings, and the doors to it."""

    def __init__(self, folder, *settings, script=None):
        self.folder, self.settings = folder, list(settings)
        self.path = os.path.join(folder, "mail", "d.test", "ann")
        os.chmod(folder, 0o755)
        for part in ("tmp", "new", "cur", "todoke-state"):
            os.makedirs(os.path.join(self.path, part), exist_ok=True)
        if script is not None:
            self.write("../../../ann.sieve", script)
            self.settings.append("sieve_default=%s/ann.sieve" % folder)
        os.makedirs(folder + "/trees", exist_ok=True)
        self.own()

    def own(self):
        for at, _, files in os.walk(self.folder + "/mail"):
            for path in (at, *(os.path.join(at, name) for name in files)):
                if ROOT and path != self.folder + "/mail":
                    os.chown(path, tap.NOBODY, tap.NOBODY, follow_symlinks=False)
        os.chmod(self.folder + "/mail", 0o755)

    def write(self, name, text):
        path = os.path.normpath(os.path.join(self.path, name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o644)
        self.own()

    def read(self, name):
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def options(self):
        stamps = ["add_return_path=no", "add_delivered_to=no", "add_mark=no", "users=virtual", "maildir=%s/mail/%%d/%%n" % self.folder,
                  "tree_memory=%s/trees" % self.folder, "log_file=%s/log" % self.folder]
        return [word for setting in stamps + self.settings for word in ("-o", setting)]

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()

    def mails(self, folder=""):
        """[(subject, octets)] of a folder."""
        found = []
        for part in ("new", "cur"):
            at = os.path.join(self.path, folder, part)
            for name in sorted(os.listdir(at)) if os.path.isdir(at) else []:
                with open(os.path.join(at, name), "rb") as file:
                    message = email.message_from_binary_file(file, policy=email.policy.default)
                found.append((message["Subject"], os.path.getsize(os.path.join(at, name))))
        return found

    def command(self, name, *args):
        result = tap.todoke(name, *args, *self.options())
        return result.returncode, result.stdout.decode()

    def pipe(self, size=None):
        """"" for success, else the words."""
        result = tap.todoke("deliver", "-f", "s@x.test", "-d", ADDRESS, *self.options(), stdin=MESSAGE)
        words = result.stdout.decode().strip()
        tap.same(result.returncode == 0, words.startswith("stored"), words)
        return "" if result.returncode == 0 else words

    def lmtp(self, size=None, more=()):
        with Server(self.folder, *self.options(), *more) as server:
            client = server.client().greet()
            client.say("MAIL FROM:<s@x.test>" + (" SIZE=%d" % size if size else ""))
            reply = client.say("RCPT TO:<%s>" % ADDRESS)
            if reply.startswith("250"):
                client.say("DATA")
                client.send(b"Subject: x\r\n\r\nbody\r\n.\r\n")
                reply = client.read()
        tap.same(reply[0] in "245" and (reply[0] == reply[4]), True, reply)
        return "" if reply.startswith("250") else reply[4:].replace("<%s> " % ADDRESS, "")

    def lmtp_as_one(self, size=None):
        """All mail is one account's."""
        return self.lmtp(size, ("-o", "lmtp_user=nobody") if ROOT else ())

    def try_(self, size=None):
        """As the doors; and nothing changes."""
        self.write("../../../m.eml", MESSAGE.decode())
        before = subprocess.run(["find", self.path, "-printf", "%p %i %s %T@\n"], capture_output=True, check=True).stdout
        result = tap.todoke("try", "--json", "-f", "s@x.test", "-d", ADDRESS, *self.options(), self.folder + "/m.eml")
        answer = json.loads(result.stdout)
        tap.same(subprocess.run(["find", self.path, "-printf", "%p %i %s %T@\n"], capture_output=True, check=True).stdout, before, "try changed it")
        return "" if answer["status"] == "2.0.0" else "%s %s" % (answer["status"], answer["answer"])

    def doors(self):
        return [("try", self.try_), ("pipe", self.pipe), ("lmtp as one", self.lmtp_as_one)] + ([("lmtp as root", self.lmtp)] if ROOT else [])


def put(box, size_file, state=None):
    """The mailbox as each row begins."""
    subprocess.run(["find", box.path, "-name", "*,S=*", "-delete"], check=True)
    box.write("maildirsize", size_file)
    if state is not None:
        box.write("todoke-state/quota", state)
    elif os.path.exists(box.path + "/todoke-state/quota"):
        os.unlink(box.path + "/todoke-state/quota")


def full(there, limit):
    return "mailbox is full: %d of %d bytes are there" % (there, limit)


def test_grace(folder):
    for number, (used, grace, want) in enumerate(((983, 0, ""), (984, 0, "4.2.2 " + full(984, 1000)), (990, 7, ""), (990, 6, "4.2.2 " + full(990, 1000)),
                              (999, 16, ""), (999, 15, "4.2.2 " + full(999, 1000)), (1000, 500, "4.2.2 " + full(1000, 1000)), (1001, 500, "4.2.2 " + full(1001, 1000)))):
        box = Box(folder, "quota=site", "quota_bytes=1000", "quota_grace=%d" % grace)
        for door, deliver in box.doors()[:4 if number in (2, 3, 6) else 2]:
            put(box, "1000S\n%d 1\n" % used)
            tap.same(deliver(), want, "%s, %d + 17 of 1000 + %d" % (door, used, grace))


def test_too_big(folder):
    for limit, grace, want in ((17, 0, ""), (16, 1, ""), (15, 1, "5.2.3 message of 17 bytes is too big for this mailbox of 15 bytes")):
        box = Box(folder, "quota=site", "quota_bytes=%d" % limit, "quota_grace=%d" % grace)
        for door, deliver in box.doors():
            put(box, "%dS\n0 0\n" % limit)
            tap.same(deliver(), want, "%s, limit %d, grace %d" % (door, limit, grace))


def test_both_copies_begin_together(folder):
    """One mail in two folders has the grace of one mail: it began below the limit."""
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_grace=32", script='require "fileinto"; fileinto "Work"; keep;\n')
    put(box, "1000S\n999 1\n")
    tap.same(box.pipe(), "4.2.2 " + full(999, 1000), "one octet too much")
    box.settings[box.settings.index("quota_grace=32")] = "quota_grace=33"  # what both are above the limit
    tap.same(box.pipe(), "")
    tap.same((len(box.mails()), len(box.mails(".Work"))), (1, 1))


def test_refused_when_full_for_long(folder):
    """4.2.2 until the time is over, by every door; try says the same."""
    now = int(time.time())
    words = full(1000, 1000)
    for number, (settings, state, want) in enumerate((
            ([], None, "4.2.2 " + words), ([], "%d %d 0\n" % (now - 6 * DAY, now - 60), "4.2.2 " + words), ([], "%d %d 0\n" % (now - 7 * DAY, now - 60), "5.2.2 " + words),
            (["quota_defer_for=2d"], "%d %d 0\n" % (now - 2 * DAY, now), "5.2.2 " + words), (["quota_defer_for=2d"], "%d %d 0\n" % (now - 2 * DAY + 600, now), "4.2.2 " + words),
            (["quota_defer_for=0"], "%d %d 0\n" % (now - 300 * DAY, now), "4.2.2 " + words),
            ([], "%d %d 0\n" % (now - 30 * DAY, now - 9 * DAY), "4.2.2 " + words),  # no mail was refused for long: it begins anew
            ([], "%d %d 0\n" % (now + DAY, now + DAY), "4.2.2 " + words), ([], "nonsense\n", "4.2.2 " + words), ([], "%d" % (now - 9 * DAY), "4.2.2 " + words))):
        box = Box(folder, "quota=site", "quota_bytes=1000", *settings)
        for door, deliver in box.doors()[:4 if number in (1, 2) else 2]:
            put(box, "1000S\n1000 1\n", state)
            tap.same(deliver(), want, "%s, %s, %s" % (door, settings, state))


def test_time_begins_and_ends(folder):
    now = int(time.time())
    for name, deliver in Box(folder).doors()[1:]:
        box = Box(folder, "quota=site", "quota_bytes=1000")
        deliver = dict(box.doors())[name]
        put(box, "1000S\n1000 1\n")
        tap.same(deliver()[:5], "4.2.2", name)
        since, last, warned = box.read("todoke-state/quota").split()
        tap.same((now <= int(since) <= time.time(), since, warned), (True, last, "0"), name)
        box.write("todoke-state/quota", "%d %d 95\n" % (now - 8 * DAY, now - DAY))
        tap.same(deliver()[:5], "5.2.2", name)
        tap.same(box.read("todoke-state/quota").split()[0::2], [str(now - 8 * DAY), "95"], name + " keeps the beginning")
        box.write("maildirsize", "1000S\n500 1\n")
        tap.same(deliver(), "", name)
        tap.same(box.read("todoke-state/quota"), "0 0 95\n", name + " ends it")


def test_time_cannot_be_remembered(folder):
    """Where the state cannot be written mail waits, as before."""
    box = Box(folder, "quota=site", "quota_bytes=1000", "state_folder=/proc/none")
    put(box, "1000S\n1000 1\n")
    tap.same(box.pipe()[:5], "4.2.2")
    box = Box(folder, "quota=site", "quota_bytes=1000")
    put(box, "1000S\n1000 1\n")
    os.mkfifo(box.path + "/todoke-state/quota")
    box.own()
    tap.same(box.pipe()[:5], "4.2.2", "a pipe in its place")


def test_rules_of_folders(folder):
    script = 'require "fileinto"; if header :is "Subject" "x" { fileinto "%s"; }\n'
    rules = "quota_rules=Trash:ignore, Trash/*:ignore, Archive:+10%, Lists:+50"
    for name, used, counted, want in (
            ("INBOX", 990, 0, "4.2.2 " + full(990, 1000)), ("Trash", 1000, 0, ""), ("Trash/Old", 1000, 0, ""), ("Trashcan", 990, 0, "4.2.2 " + full(990, 1000)),
            ("Archive", 1083, 17, ""), ("Archive", 1084, 0, "4.2.2 " + full(1084, 1100)), ("Archive/2020", 990, 0, "4.2.2 " + full(990, 1000)),
            ("Lists", 1033, 17, ""), ("Lists", 1034, 0, "4.2.2 " + full(1034, 1050))):
        box = Box(folder, "quota=site", "quota_bytes=1000", "quota_trash=yes", rules, script=script % name)
        for door, deliver in box.doors()[:2]:
            put(box, "1000S\n%d 1\n" % used)
            tap.same(deliver(), want, "%s, %s at %d" % (door, name, used))
        lines = box.read("maildirsize").splitlines()
        tap.same(lines[2:], ["%d 1" % counted] if counted else [], "%s counts" % name)


def test_roomiest_folder_at_rcpt(folder):
    """RCPT does not know the folder; where none has room mail is refused there."""
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_rules=Archive:+10%", script='require "fileinto"; fileinto "Archive";\n')
    for door, deliver in box.doors()[2:]:
        for used, size, want in ((1083, 17, ""), (1083, 18, "4.2.2 " + full(1083, 1100)), (1100, None, "4.2.2 " + full(1100, 1100)), (1084, None, "4.2.2 " + full(1084, 1100))):
            put(box, "1000S\n%d 1\n" % used)
            tap.same(deliver(size), want, "%s, %d, SIZE=%s" % (door, used, size))


def test_ignored_folders_are_not_counted(folder):
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_trash=yes", "quota_rules=Trash:ignore")
    for path in (".Trash/cur/1.a,S=400:2,", ".Trash.Old/cur/2.b,S=30:2,", "cur/3.c,S=5:2,T"):
        for part in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(box.path, os.path.dirname(os.path.dirname(path)), part), exist_ok=True)
        box.write(path, "")
    tap.same(box.pipe(), "")
    tap.same(box.read("maildirsize"), "1000S\n35 2\n17 1\n")


def test_users_of_a_file(folder):
    """Another source of users, and settings of a block `user`."""
    box = Box(folder)
    uid, gid = (tap.NOBODY, tap.NOBODY) if ROOT else (os.geteuid(), os.getegid())
    box.write("../../../passwd", "%s:x:%d:%d::%s:\n" % (ADDRESS, uid, gid, os.path.dirname(box.path)))
    os.chmod(folder + "/passwd", 0o644)
    box.write("../../../todoke.conf", 'users = passwd_file\npasswd_file = "%s/passwd"\nmaildir = "%%h/ann"\ntree_memory = "%s/trees"\nadd_mark = no\nquota = site\n'
              'quota_bytes = 1G\nuser "%s" { quota_bytes = 1000\n quota_full = bounce }\nlog_file = "%s/log"\n' % (folder, folder, ADDRESS, folder))
    put(box, "1000S\n1000 1\n")
    with Server(folder, conf=folder + "/todoke.conf") as server:
        client = server.client().greet()
        client.say("MAIL FROM:<s@x.test>")
        tap.same(client.say("RCPT TO:<%s>" % ADDRESS), "552 5.2.2 <%s> %s" % (ADDRESS, full(1000, 1000)))
    result = tap.todoke("deliver", "-c", folder + "/todoke.conf", "-f", "s@x.test", "-d", ADDRESS, stdin=MESSAGE)
    tap.same(result.stdout.decode().strip(), "5.2.2 " + full(1000, 1000))


def test_recipes_count(folder):
    """A recipe that files into the INBOX's own folders is not above the quota."""
    box = Box(folder, "quota=site", "quota_bytes=1000", "recipes=all", "recipe_files=%s/rc" % folder)
    box.write("../../../rc", ":0\n%s/.Rules/\n" % box.path)
    put(box, "1000S\n900 1\n")
    tap.same(box.pipe(), "")
    tap.same(box.read("maildirsize"), "1000S\n900 1\n17 1\n")
    put(box, "1000S\n984 1\n")
    tap.same((box.try_(), box.pipe()), ("4.2.2 " + full(984, 1000),) * 2)
    box.write("../../../rc", ":0\n%s/elsewhere/Rules/\n" % folder)
    os.makedirs(folder + "/elsewhere", exist_ok=True)
    os.chmod(folder + "/elsewhere", 0o777)
    tap.same(box.pipe(), "", "what lies elsewhere does not count")


def test_warnings(folder):
    for name, _ in Box(folder).doors()[1:]:
        box = Box(folder, "quota=site", "quota_bytes=100k", "quota_warnings=80%, 95%")
        deliver = dict(box.doors())[name]
        put(box, "102400S\n81902 1\n")  # with 17 more it is one below 80 %
        tap.same((deliver(), [subject for subject, _ in box.mails()]), ("", ["x"]), name + " just below")
        tap.same(deliver(), "", name)
        subjects = sorted(subject for subject, _ in box.mails())
        tap.same(subjects, ["Your mailbox fills up: 80%", "x", "x"], name + " at it")
        tap.same(deliver(), "", name)
        tap.same(len(box.mails()), 4, name + ": once")
        box.write("maildirsize", "102400S\n97300 1\n")
        tap.same(deliver(), "", name)
        tap.same("Your mailbox fills up: 95%" in [subject for subject, _ in box.mails()], True, name)
        box.write("maildirsize", "102400S\n100 1\n")
        tap.same(deliver(), "", name + " below")
        count = len(box.mails())
        box.write("maildirsize", "102400S\n90000 1\n")
        tap.same((deliver(), len(box.mails())), ("", count + 2), name + ": again")
        lines = [line for line in box.log().splitlines() if "T314" in line] if name == "pipe" else []
        if name == "pipe":
            tap.same([re.sub(r".* (code=.*)", r"\1", line) for line in lines][0].split()[:2], ["code=T314,", "event=quota-warned,"])
            tap.same(len(lines), 3)


def test_warning_counts_and_is_never_refused(folder):
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_warnings=90%")
    put(box, "1000S\n983 1\n")
    tap.same(box.pipe(), "")
    sizes = {subject: octets for subject, octets in box.mails()}
    tap.same(sorted(sizes), ["Your mailbox fills up: 90%", "x"])
    tap.same(box.read("maildirsize").splitlines()[2:], ["17 1", "%d 1" % sizes["Your mailbox fills up: 90%"]])


def test_the_record_tells_of_the_warning(folder):
    """By the mail that reached the threshold, and by no other; the small program loses none."""
    small = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE)), "todoke-deliver")
    warned = ["Your mailbox fills up: 90%"]
    for program in (tap.TODOKE, *([small] if os.path.exists(small) else [])):
        box = Box(folder, "quota=site", "quota_bytes=1000", "quota_warnings=90%")
        shutil.rmtree(box.path + "/todoke-state")
        for used in (100, 880, 890, 950, 100, 890):
            put(box, "1000S\n%d 1\n" % used, None if used == 100 else box.read("todoke-state/quota") or "0 0 0\n")
            done = subprocess.run([program, "deliver", "-f", "s@x.test", "-d", ADDRESS, *box.options()], input=MESSAGE, capture_output=True, check=False,
                                  env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"))
            tap.same(done.returncode, 0, done.stdout)
        told = [json.loads(line).get("told") for line in box.read("todoke-state/record").splitlines()]
        tap.same(told, [None, None, warned, None, None, warned], program)


def test_warning_of_a_full_mailbox(folder):
    for name, _ in Box(folder).doors()[1:]:
        box = Box(folder, "quota=site", "quota_messages=1", "quota_warnings=100%")
        deliver = dict(box.doors())[name]
        put(box, "1C\n5 1\n")
        for _ in range(2):
            tap.same(deliver()[:5], "4.2.2", name)
        tap.same([subject for subject, _ in box.mails()], ["Your mailbox is full"], name)
        with open(os.path.join(box.path, "new", os.listdir(box.path + "/new")[0]), encoding="utf-8") as file:
            tap.contains(file.read(), "it holds 1 of 1 messages", name)


def test_warning_in_japanese(folder):
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_warnings=90%", "language=ja")
    put(box, "1000S\n983 1\n")
    tap.same(box.pipe(), "")
    subjects = [subject for subject, _ in box.mails() if subject != "x"]
    tap.same(len(subjects), 1)
    tap.same("メールボックス" in subjects[0] and "90%" in subjects[0], True, subjects[0])


def test_try_tells_of_the_warning(folder):
    box = Box(folder, "quota=site", "quota_bytes=1000", "quota_warnings=90%")
    put(box, "1000S\n983 1\n")
    box.write("../../../m.eml", MESSAGE.decode())
    result = tap.todoke("try", "--json", "-f", "s@x.test", "-d", ADDRESS, *box.options(), folder + "/m.eml")
    tap.same(json.loads(result.stdout)["notices"], ["Your mailbox fills up: 90%"])
    tap.same((box.mails(), box.read("todoke-state/quota")), ([], None))


def test_many_at_once_warn_once(folder):
    """And when all is done maildirsize is what lies there."""
    count = 8 if tap.SANITIZED else 24
    box = Box(folder, "quota=site", "quota_bytes=1M", "quota_warnings=1%", "deadline=100")
    results = []

    def one():
        results.append(box.pipe())
    box.write("cur/1.a,S=20000:2,", "")
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.same(results, [""] * count)
    subjects = [subject for subject, _ in box.mails()]
    tap.same((subjects.count("x"), subjects.count("Your mailbox fills up: 1%")), (count, 1))
    lines = [list(map(int, line.split())) for line in (box.read("maildirsize") or "").splitlines()[1:]]
    truth = sum(octets for _, octets in box.mails()) + 20000, len(subjects)
    if lines:  # a site's file may be gone: then the next one counts
        tap.same((sum(line[0] for line in lines), sum(line[1] for line in lines)), truth)


def test_account_and_doctor(folder):
    now = int(time.time())
    box = Box(folder, "quota=site", "quota_messages=1", "quota_warnings=90%")
    put(box, "1C\n0 0\n", "%d %d 90\n" % (now - 3 * DAY, now - 60))
    box.write("cur/1.a,S=10:2,", "x" * 10)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - 3 * DAY))
    code, text = box.command("account", ADDRESS)
    tap.contains(text, "full since %s" % since)
    tap.contains(text, "90%")
    code, text = box.command("doctor", "--json", ADDRESS)
    found = {finding["code"]: finding["evidence"] for finding in json.loads(text)["findings"]}
    tap.same(found.get("quota-since"), "no room for a mail since %s" % since)
    box.write("todoke-state/quota", "0 0 90\n")
    code, text = box.command("doctor", "--json", ADDRESS)
    tap.same("quota-since" in [finding["code"] for finding in json.loads(text)["findings"]], False)


def test_check_names_what_is_wrong(folder):
    box = Box(folder)
    box.write("../../../todoke.conf", 'quota_rules = { "Trash", "Trash:ignore", ":ignore", "Archive:10%", "Archive:+x", "Archive:+2000%", "Work:+50M", "*:ignore" }\n'
              'quota_warnings = { "80%", "0%", "101%", "80", "x%" }\n')
    text = tap.todoke("check", "-c", folder + "/todoke.conf").stdout.decode()
    for part in ("'Trash' wants FOLDER:ignore", "':ignore' names no folder", "'Archive:10%' says neither", "'Archive:+x' says neither", "'Archive:+2000%' says neither",
                 "'*:ignore' names no folder", "'0%' is no threshold", "'101%' is no threshold", "'80' is no threshold", "'x%' is no threshold"):
        tap.contains(text, part)
    tap.same(("'80%' is" in text, "Work" in text, "'Trash:ignore'" in text), (False, False, False), text)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
