#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The quota beside Dovecot: its service quota-status is asked (a server of Python's plays it when it is slow, dead or talks nonsense), and
maildirsize is shared with its driver maildir while both store and remove mail."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import tap

MESSAGE = b"Subject: x\n\n" + b"body\n" * 10
ADDRESS = "ann@d.test"


class Service:
    """Answers each question with the same octets, after some seconds; keeps what was asked."""

    def __init__(self, folder, answer, delay=0.0, port=False):
        self.asked, self.answer, self.delay = [], answer, delay
        self.socket = socket.socket(socket.AF_INET if port else socket.AF_UNIX)
        self.socket.bind(("127.0.0.1", 0) if port else folder + "/policy")
        self.socket.listen(20)
        self.where = "127.0.0.1:%d" % self.socket.getsockname()[1] if port else "unix:%s/policy" % folder
        self.stops = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        with client, contextlib.suppress(OSError):
            text = b""
            while b"\n\n" not in text:
                part = client.recv(1000)
                if not part:
                    return
                text += part
            self.asked.append(dict(line.split("=", 1) for line in text.decode().splitlines() if line))
            for octets in self.answer if isinstance(self.answer, list) else [self.answer]:
                if self.stops.wait(self.delay):
                    return
                client.sendall(octets)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stops.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.where.removeprefix("unix:"))


class Box:
    def __init__(self, folder, *settings):
        self.folder, self.path = folder, folder + "/mail/d.test/ann"
        self.settings = ["add_mark=no", "users=virtual", "maildir=%s/mail/%%d/%%n" % folder, "tree_memory=%s/trees" % folder, "log_file=%s/log" % folder, *settings]
        for part in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.path, part), exist_ok=True)
        os.makedirs(folder + "/trees", exist_ok=True)
        with open(folder + "/m.eml", "wb") as file:
            file.write(MESSAGE)

    def options(self, *more):
        return [word for setting in (*self.settings, *more) for word in ("-o", setting)] + ["-f", "s@x.test", "-d", ADDRESS]

    def deliver(self, *more):
        done = tap.todoke("deliver", *self.options(*more), stdin=MESSAGE)
        words = done.stdout.decode().strip()
        return "" if done.returncode == 0 else words

    def both(self, *more):
        """try, and then deliver, which says the same."""
        answer = json.loads(tap.todoke("try", "--json", *self.options(*more), self.folder + "/m.eml").stdout)
        said = "" if answer["status"] == "2.0.0" else "%s %s" % (answer["status"], answer["answer"])
        done = self.deliver(*more)
        tap.same(said, done, "try")
        return done

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()


def dovecot(service, *more):
    return ("quota=dovecot", "quota_service=" + service.where, *more)


def test_answers(folder):
    box = Box(folder)
    full, big = "4.2.2 mailbox is full", "5.2.3 message of %d bytes is too big for this mailbox"
    for action, want in (
            (b"OK", ""), (b"DUNNO", ""), (b"dunno", ""), (b"OK this is fine", ""), (b"552 5.2.2 Mailbox is full", full), (b"554 5.2.2 Quota exceeded (mailbox for user is full)", full),
            (b"450 4.2.2 full for now", full), (b"REJECT 5.2.2 full", full), (b"552 Mailbox is full", full), (b"5.2.2 full", full),
            (b"552 5.2.3 too large", big), (b"554 5.3.4 too large", big),
            # no answer: the user is not known there, it is out of order, it says nothing that we know
            (b"REJECT Unknown user", ""), (b"550 5.1.1 Unknown user", ""), (b"451 4.3.0 Internal error", ""), (b"DEFER_IF_PERMIT Service unavailable", ""), (b"", ""), (b"FILTER smtp:x", ""),
            (b"5.2.22 x", ""), (b"552 5.7.1 no", "")):
        with Service(folder, b"action=" + action + b"\n\n") as service:
            got = box.both(*dovecot(service))
            tap.same(got.split(" ", 3)[0] + (" of " if " of " in got else ""), want.split(" ", 3)[0] + (" of " if " of " in want else ""), "%r: %r" % (action, got))
            tap.same([question["recipient"] for question in service.asked], [ADDRESS] * 2)
            tap.same(int(service.asked[0]["size"]) > len(MESSAGE), True, "the size")
            tap.same((service.asked[0]["request"], service.asked[0]["protocol_state"]), ("smtpd_access_policy", "RCPT"))


def test_no_answer_is_never_a_bounce(folder):
    box = Box(folder)
    flood = [b"x" * 1000] * 4
    for name, answer in (("garbage", b"\x00\xff\x01\n\n"), ("no action", b"nothing=1\n\n"), ("flood", flood), ("closes", b""), ("half", b"action=OK"), ("http", b"HTTP/1.1 400 Bad\r\n\r\n")):
        with Service(folder, answer) as service:
            tap.same(box.both(*dovecot(service, "quota_timeout=5s")), "", name)
            words = box.both(*dovecot(service, "quota_unanswered=defer", "quota_timeout=5s"))
            tap.same(words, "4.3.0 could not find out whether the mailbox has room", name)
    tap.contains(box.log(), "stored without a quota: Dovecot's quota-status")
    tap.contains(box.log(), "protocol=policy")
    tap.contains(box.log(), "code=T132")


def test_longest_answer(folder):
    """LIMIT_QUOTA_ANSWER octets are read, one more is no answer."""
    box = Box(folder)
    action = b"\naction=552 5.2.2 full\n\n"
    longest = b"x=" + b"y" * (tap.limit("QUOTA_ANSWER") - len(action) - 2) + action
    for answer, want in ((longest, "4.2.2"), (b"x" + longest, "4.3.0")):
        with Service(folder, answer) as service:
            tap.same(box.both(*dovecot(service, "quota_unanswered=defer"))[:5], want, "%d octets" % len(answer))


def test_dead_and_slow(folder):
    box = Box(folder)
    for service in ("unix:%s/nobody" % folder, "127.0.0.1:%d" % tap.unused_port(), "unix:" + "x" * 200, "no.such.host.test:1", "nonsense"):
        settings = ("quota=dovecot", "quota_service=" + service)
        tap.same(box.both(*settings), "", service)
        tap.same(box.both(*settings, "quota_unanswered=defer")[:5], "4.3.0", service)
    with Service(folder, [b"action=", b"O", b"K\n\n"], delay=60) as service:  # it would take three minutes
        begun = time.monotonic()
        tap.same(box.deliver(*dovecot(service, "quota_timeout=1s")), "")
        tap.same(box.deliver(*dovecot(service, "quota_timeout=1s", "quota_unanswered=defer"))[:5], "4.3.0")
        tap.same(time.monotonic() - begun < 50, True, "bounded")
    with Service(folder, [b"act", b"ion=552 5", b".2.2 full\n", b"\n"], delay=0.05) as service:
        tap.same(box.both(*dovecot(service)), "4.2.2 mailbox is full", "in pieces")


def test_by_port_and_time(folder):
    """By a port; and a mailbox that is full for long is refused, as with our own quota."""
    box = Box(folder)
    with Service(folder, b"action=552 5.2.2 full\n\n", port=True) as service:
        tap.same(box.both(*dovecot(service))[:5], "4.2.2")
        with open(box.path + "/todoke-state/quota", encoding="ascii") as file:
            since = int(file.read().split()[0])
        with open(box.path + "/todoke-state/quota", "w", encoding="ascii") as file:
            file.write("%d %d 0\n" % (since - 8 * 86400, since))
        tap.same(box.both(*dovecot(service)), "5.2.2 mailbox is full")
        service.answer = b"action=OK\n\n"
        tap.same(box.both(*dovecot(service)), "")
        service.answer = b"action=552 5.2.2 full\n\n"
        tap.same(box.both(*dovecot(service))[:5], "4.2.2", "it begins anew")
        tap.same(os.path.exists(box.path + "/maildirsize"), False, "maildirsize is not ours")


def test_account_and_doctor(folder):
    box = Box(folder)
    with open(folder + "/todoke.conf", "w", encoding="ascii") as file:
        file.writelines('%s = "%s"\n' % tuple(setting.split("=", 1)) for setting in box.settings)

    def ask(command, service):
        with open(folder + "/todoke.conf", encoding="ascii") as file:
            text = "".join(line for line in file if not line.startswith("quota"))
        with open(folder + "/todoke.conf", "w", encoding="ascii") as file:
            file.write(text + 'quota = dovecot\nquota_service = "%s"\n' % service)
        return tap.todoke(*command, "-c", folder + "/todoke.conf", ADDRESS).stdout.decode()
    with Service(folder, b"action=552 5.2.2 Mailbox is full\n\n") as service:
        tap.contains(ask(["account"], service.where), "full: Dovecot at %s says '552 5.2.2 Mailbox is full'" % service.where)
        tap.contains(ask(["doctor"], service.where), "Dovecot says that the mailbox has no room")
        service.answer = b"action=OK\n\n"
        tap.contains(ask(["account"], service.where), "there is room")
        tap.same("quota-status" in ask(["doctor"], service.where), False)
    tap.contains(ask(["account"], "unix:/nowhere"), "not known: Dovecot at unix:/nowhere says 'No such file or directory'")
    tap.contains(ask(["doctor"], "unix:/nowhere"), "does not say whether there is room: No such file or directory")


class Dovecot:
    """A private Dovecot 2.3 that delivers to the same Maildir."""

    def __init__(self, folder, plugin, services=""):
        if shutil.which("dovecot") is None or shutil.which("doveadm") is None:
            raise tap.Skip("Dovecot is not installed")
        if dovecot_conf.IS_NEW:
            raise tap.Skip("this configuration is of Dovecot 2.3")
        self.base = folder + "/dovecot"
        os.makedirs(self.base + "/run", exist_ok=True)
        name = subprocess.run(["id", "-un"], capture_output=True, check=True).stdout.decode().strip()
        group = subprocess.run(["id", "-gn"], capture_output=True, check=True).stdout.decode().strip()
        self.conf = self.base + "/dovecot.conf"
        with open(self.conf, "w", encoding="ascii") as file:
            file.write("""
base_dir = %(base)s/run
log_path = %(base)s/log
default_internal_user = %(name)s
default_login_user = %(name)s
default_internal_group = %(group)s
ssl = no
protocols =
mail_uid = %(uid)d
mail_gid = %(gid)d
first_valid_uid = 1
mail_plugins = quota
postmaster_address = p@d.test
lda_mailbox_autocreate = yes
mail_location = maildir:%(mail)s
namespace inbox {
  inbox = yes
  separator = /
}
userdb {
  driver = static
  args = uid=%(uid)d gid=%(gid)d home=%(base)s/home allow_all_users=yes
}
passdb {
  driver = static
  args = nopassword=yes
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
plugin {
%(plugin)s
}
%(services)s
""" % {"base": self.base, "name": name, "group": group, "uid": os.geteuid(), "gid": os.getegid(), "mail": folder + "/mail/d.test/ann", "plugin": plugin, "services": services})
        self.process = None

    def start(self, until):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        tap.wait_for("Dovecot", lambda: until() or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise tap.Skip("Dovecot does not start here: %s" % self.process.stderr.read().decode().strip()[-200:])
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(tap.PATIENCE)
            self.process.stderr.close()

    def doveadm(self, *args, stdin=b""):
        return subprocess.run(["doveadm", "-c", self.conf, *args], input=stdin, capture_output=True, check=False)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_real_quota_status(folder):
    """Dovecot's driver count; its own service says when the mailbox is full."""
    box = Box(folder)
    port = tap.unused_port()
    service = "service quota-status {\n  executable = quota-status -p postfix\n  inet_listener {\n    address = 127.0.0.1\n    port = %d\n  }\n}\n" % port
    plugin = ("  quota = count:User quota\n  quota_vsizes = yes\n  quota_rule = *:bytes=3000\n  quota_grace = 0\n  quota_status_success = OK\n  quota_status_nouser = DUNNO\n"
              "  quota_status_overquota = 552 5.2.2 Mailbox is full\n")
    with Dovecot(folder, plugin, service).start(lambda: answers(port)) as server:
        settings = ("quota=dovecot", "quota_service=127.0.0.1:%d" % port, "quota_unanswered=defer")
        tap.same(box.both(*settings), "", "there is room")
        for number in range(40):
            words = box.both(*settings)
            if words:
                break
        tap.same(words, "4.2.2 mailbox is full", "after %d: %s" % (number, server.doveadm("quota", "get", "-u", ADDRESS)))
        tap.same(number > 3, True, "not before its time: %d" % number)
        result = server.doveadm("expunge", "-u", ADDRESS, "mailbox", "INBOX", "ALL")
        tap.same(result.returncode, 0, result.stderr)
        tap.same(box.both(*settings), "", "there is room again")


def truth(path):
    """(octets, messages) in all folders, by the files."""
    octets = messages = 0
    for at, _, files in os.walk(path):
        if os.path.basename(at) in ("new", "cur"):
            octets += sum(os.path.getsize(os.path.join(at, name)) for name in files)
            messages += len(files)
    return octets, messages


def sums(path):
    with open(path + "/maildirsize", encoding="ascii") as file:
        lines = [list(map(int, line.split())) for line in file.read().splitlines()[1:]]
    return sum(line[0] for line in lines), sum(line[1] for line in lines)


def together(*work):
    """Run all at once; what one of them says is an error."""
    faults = []

    def guarded(one):
        try:
            one()
        except Exception as error:  # told by the thread that waits
            faults.append(repr(error))
    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.same(faults, [])


def test_shared_with_dovecot(folder):
    """Both store, Dovecot expunges too: what maildirsize says is what is there."""
    rounds = 3 if tap.SANITIZED else 12
    box = Box(folder, "quota=maildirsize", "quota_trash=yes", "deadline=100")
    plugin = "  quota = maildir:User quota\n  quota_rule = *:storage=100M\n"
    with Dovecot(folder, plugin) as server:
        lda = ["/usr/lib/dovecot/dovecot-lda", "-c", server.conf, "-d", ADDRESS]
        if not os.access(lda[0], os.X_OK):
            raise tap.Skip("dovecot-lda is not installed")
        with open(box.path + "/maildirsize", "w", encoding="ascii") as file:
            file.write("104857600S\n0 0\n")
        server.start(lambda: os.path.exists(server.base + "/run/auth-userdb"))

        def theirs():
            for _ in range(rounds):
                done = subprocess.run(lda, input=MESSAGE, capture_output=True, check=False)
                tap.same(done.returncode, 0, done.stderr)

        def ours():
            for _ in range(rounds * 2):
                tap.same(box.deliver(), "")

        def expunges():
            for _ in range(rounds // 3):
                done = server.doveadm("expunge", "-u", ADDRESS, "mailbox", "INBOX", "1")
                tap.same(done.returncode, 0, done.stderr)
                done = server.doveadm("save", "-u", ADDRESS, "-m", "Work", stdin=MESSAGE)
                tap.same(done.returncode in (0, 68), True, done.stderr)
        tap.same(server.doveadm("mailbox", "create", "-u", ADDRESS, "Work").returncode, 0)
        together(theirs, ours, ours, expunges)
        with open(box.path + "/maildirsize", encoding="ascii") as file:
            tap.same(sums(box.path), truth(box.path), file.read())


def test_counted_anew_by_several_at_once(folder):
    """The file is too long all the time while many of us store: each count that another one spoils is done again."""
    rounds = 4 if tap.SANITIZED else 15
    box = Box(folder, "quota=maildirsize", "quota_trash=yes", "deadline=100")
    with open(box.path + "/maildirsize", "w", encoding="ascii") as file:
        file.write("104857600S\n" + "0 0\n" * 1275)
    stops = threading.Event()

    def spoil():
        """Make it too long again, by appending what changes no sum."""
        while not stops.wait(0.01):
            with open(box.path + "/maildirsize", "a", encoding="ascii") as file:
                file.write("0 0\n" * 200)

    def ours():
        for _ in range(rounds):
            tap.same(box.deliver(), "")
    other = threading.Thread(target=spoil)
    other.start()
    together(ours, ours, ours)
    stops.set()
    other.join()
    tap.same(truth(box.path)[1], rounds * 3)
    tap.same(sums(box.path), truth(box.path))


def test_exceeding_mail_counts(folder):
    """What exceeds the limit by grace is in the file, and the next mail is refused."""
    box = Box(folder, "quota=maildirsize", "quota_grace=1k")
    with open(box.path + "/maildirsize", "w", encoding="ascii") as file:
        file.write("100S\n0 0\n")
    tap.same(box.deliver(), "")
    tap.same(sums(box.path), truth(box.path))
    tap.same((sums(box.path)[0] > 100, box.deliver()[:5]), (True, "4.2.2"))
    tap.same(sums(box.path), truth(box.path), "a refused mail leaves nothing")


def test_long_file(folder):
    """A file of more than 5120 octets is counted anew and replaced; one octet shorter it is not."""
    box = Box(folder, "quota=maildirsize", "quota_trash=yes")
    for size, is_kept in ((5119, True), (5121, False)):
        head = b"104857600S\n"
        with open(box.path + "/maildirsize", "wb") as file:
            lines = b"0 0\n" * ((size - len(head)) // 4)
            file.write(head + b" " * (size - len(head) - len(lines)) + lines)
        tap.same(box.deliver(), "")
        with open(box.path + "/maildirsize", "rb") as file:
            tap.same(len(file.read()) > 5000, is_kept, "%d octets" % size)
    tap.same(sums(box.path), truth(box.path))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
