# SPDX-License-Identifier: MIT
"""What tests/bench/bench and tests/bench/gate share: the agents side by side, and ways to measure one delivery.

Every agent delivers into a Maildir of its own, as one unprivileged user, the message coming through a pipe, as from
Postfix. Wall time is for comparing within one run only; instructions, system calls and syncs are exact.
"""
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
from tap import wait_for

SENDER, RECIPIENT = "sender@outside.test", "receiver@bench.test"
SYNC_CALLS = {"fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync"}
FORK_CALLS = {"fork", "vfork", "clone", "clone3"}
SIZES = {"2k": 2 * 1024, "15k": 15 * 1024, "25m": 25 * 1024 * 1024}

QUEUE_ID = "4AB12C0F3"
HEADER = (f"Return-Path: <{SENDER}>\nReceived: from mail.outside.test (mail.outside.test [192.0.2.10])\n"
          f"\tby mx.bench.test (Postfix) with ESMTP id 4AB12C0F3\n\tfor <{RECIPIENT}>; Thu, 3 Aug 2017 00:00:00 +0900 (JST)\n"
          f"From: Sender <{SENDER}>\nTo: Receiver <{RECIPIENT}>\nSubject: a message of some size\n"
          "Date: Thu, 3 Aug 2017 00:00:00 +0900\nMessage-ID: <bench@outside.test>\nMIME-Version: 1.0\n"
          "Content-Type: text/plain; charset=us-ascii\n\n")
LINE = "The quick brown fox jumps over the lazy dog and thinks about mail.\n"


# The same with encoded words, as programs write them outside of English: in names, in the subject, folded.
ENCODED_HEADER = (HEADER.replace("Sender <", "=?UTF-8?B?44GZ44KC44KC44KC44KC?= =?UTF-8?B?44KC44KC44KC?= <").replace("Receiver <", "=?iso-8859-1?Q?Ren=E9_M=FCller?= <")
                  .replace("a message of some size", "=?UTF-8?Q?Fwd:_caf=C3=A9_et_th=C3=A9?=\n =?UTF-8?Q?_=C3=A0_midi?= (=?us-ascii*en?Q?two_of_them?=)"))


def make_message(size, header=HEADER):
    body = LINE * (size // len(LINE) + 1)
    return (header + body)[:size - 1].encode() + b"\n"


def make_rules(count):
    """A Sieve script of that many rules, of which none matches."""
    tests = ('header :contains ["subject", "list-id"] "no such word {0}"', 'address :is ["from", "to", "cc"] "nobody{0}@example.net"')
    return 'require "fileinto";\n' + "".join(
        f'if {tests[number % 2].format(number)} {{ fileinto "Folder{number}"; stop; }}\n' for number in range(count))


def converse(path, messages):
    """Say `messages` messages of 2 kB in one session."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(300)
        client.connect(path)
        file = client.makefile("rb")

        def say(octets, replies):
            client.sendall(octets)
            while replies > 0:
                replies -= file.readline()[3:4] != b"-"
        say(b"LHLO bench.test\r\n", 2)  # and the greeting
        for number in range(messages):  # each another one, or it is a retry
            say(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode(), 3)
            say(b"X-Number: %d\r\n" % number + make_message(2048).replace(b"\n", b"\r\n") + b".\r\n", 1)
        say(b"QUIT\r\n", 1)


class Bench:
    """A temporary folder on a real disk, the programs, and the agents that are there."""

    def __init__(self, build):
        self.deliveries = 0
        subprocess.run(["make", "-C", str(build), "todoke", "todoke-main.la", "todoke-state.la", "tests/bench/floor", "tests/bench/measure"], check=True,
                       stdout=subprocess.DEVNULL)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="todoke-bench-", dir="/var/tmp"))
        self.root.chmod(0o755)
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.home = self.folder("home")
        for name in ("todoke", "tests/bench/floor", "tests/bench/measure"):
            shutil.copy(build / name, self.root)
        self.modules = self.folder(".libs")
        for name in ("todoke-main.so", "todoke-state.so"):
            shutil.copy(build / ".libs" / name, self.modules)
        for name in ("todoke-libsieve", "todoke-deliver"):
            if (build / name).exists():
                shutil.copy(build / name, self.root)
        self.messages = {}
        for name, size in SIZES.items():
            self.messages[name] = self.root / f"{name}.eml"
            self.messages[name].write_bytes(make_message(size))
        self.messages["15k-encoded"] = self.root / "15k-encoded.eml"
        self.messages["15k-encoded"].write_bytes(make_message(SIZES["15k"], ENCODED_HEADER))
        self.agents = {name: command for name, command in self.all_agents().items() if command is not None}

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def folder(self, name):
        path = self.root / name
        path.mkdir()
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def maildir(self, name):
        path = self.folder(name)
        for part in ("tmp", "new", "cur"):
            self.folder(f"{name}/{part}")
        return path

    def file(self, name, text, mode=0o644):
        path = self.root / name
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return str(path)

    def program(self, name, *arguments):
        """A copy without the setuid bit, with which valgrind would not run it. None where it is not installed."""
        found = shutil.which(name)
        if found is None:
            return None
        copy = self.root / name
        shutil.copyfile(found, copy)
        copy.chmod(0o755)
        return [str(copy), *arguments]

    def all_agents(self):
        return {"floor": [str(self.root / "floor"), str(self.maildir("floor.d"))],
                "todoke": self.todoke("todoke"), "todoke-deliver": self.todoke("todoke-deliver"), "procmail": self.procmail(), "maildrop": self.maildrop(),
                "fdm": self.fdm(), "dovecot-lda": self.dovecot_lda()}

    def todoke(self, program):
        """By the whole program, or by the small one; None where that is not built."""
        if not (self.root / program).exists():
            return None
        key = self.file(f"{program}.key", "bench " + "5a" * 32 + "\n", 0o400)
        # valgrind does not know the box; gate counts its calls apart
        conf = self.file(f"{program}.conf", f'maildir = "{self.folder(program + ".d")}/%n"\nkey_file = "{key}"\nsandbox = off\n'
                                        f'log_file = "{self.file(program + ".log", "")}"\ntree_memory = "{self.folder(program + ".trees")}"\n')
        return [str(self.root / program), "deliver", "-c", conf, "-f", SENDER, "-a", RECIPIENT, "-d", RECIPIENT,
                "--queue-id", QUEUE_ID]

    def procmail(self):
        rc = self.file("procmailrc", f"DEFAULT={self.maildir('procmail.d')}/\nLOGFILE={self.file('procmail.log', '')}\n")
        return self.program("procmail", rc)

    def maildrop(self):
        rc = self.file("mailfilter", f'to "{self.maildir("maildrop.d")}"\n', 0o600)
        return self.program("maildrop", rc)

    def fdm(self):
        conf = self.file("fdm.conf", f'set lock-file "{self.home}/fdm.lock"\naccount "in" stdin\n'
                                     f'action "store" maildir "{self.maildir("fdm.d")}"\nmatch all action "store"\n', 0o600)
        return self.program("fdm", "-q", "-f", conf, "-a", "in", "fetch")

    def dovecot_lda(self):
        conf = self.file("dovecot.conf", dovecot_conf.head() + dovecot_conf.maildir(self.maildir("dovecot.d")) +
                         f"log_path = {self.root}/dovecot.log\nfirst_valid_uid = 1\nssl = no\n")
        self.file("dovecot.log", "")
        program = "/usr/lib/dovecot/dovecot-lda"
        return [program, "-c", conf, "-f", SENDER, "-a", RECIPIENT] if os.access(program, os.X_OK) else None

    def run(self, command, message, check=True, **options):
        """Run as the unprivileged user, the message on standard input. Each delivery has a queue id of its own, or it is a retry."""
        self.deliveries += 1
        command = [f"4AB1{self.deliveries:05X}" if word == QUEUE_ID else word for word in command]
        if os.geteuid() == 0:
            options.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[])
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "USER": self.user.pw_name, "LOGNAME": self.user.pw_name,
               "TODOKE_PROGRAM_DIR": str(self.root), "TODOKE_MODULE_DIR": str(self.modules)}
        with open(message, "rb") as data:
            done = subprocess.run(command, stdin=data, capture_output=True, timeout=300, env=env, cwd=self.home, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} exits {done.returncode}: {done.stdout!r} {done.stderr!r}")
        return done

    def fed_by_pipe(self, command, message):
        """The same through a pipe, by way of measure; returns its numbers."""
        results = self.file("results", "")
        self.run([str(self.root / "measure"), results, str(message), *command], "/dev/null")
        wall, cpu, rss, _ = map(int, pathlib.Path(results).read_text().split())
        return {"wall": wall, "cpu": cpu, "rss": rss}

    def version(self):
        return subprocess.run([str(self.root / "todoke"), "--version"], capture_output=True, text=True, check=True).stdout

    def instructions(self, agent, size):
        """Instructions in user space, of the program and all that it starts."""
        log = self.root / f"callgrind.{agent}.{size}"
        command = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null",
                   f"--log-file={self.home}/{log.name}.%p", *self.agents[agent]]
        self.fed_by_pipe(command, self.messages[size])
        total = 0
        for path in self.home.glob(log.name + ".*"):
            total += sum(map(int, re.findall(r"Collected : (\d+)", path.read_text())))
            path.unlink()
        return total

    def system_calls(self, agent, size):
        """All system calls by name, of the program and all that it starts."""
        trace = self.home / "trace"
        self.fed_by_pipe(["strace", "-f", "-qq", "-o", str(trace), *self.agents[agent]], self.messages[size])
        names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
        trace.unlink()
        return names

    def lmtpd_calls(self, messages=10):
        """System calls of lmtpd by name for one of several messages in a session: those between two replies, the fewest, for another
        process may wake up among them."""
        where, trace, log = self.home / "lmtp", self.home / "trace", pathlib.Path(self.file("lmtpd.log", ""))
        conf = self.file("lmtpd.conf", f'maildir = "{self.folder("lmtpd.d")}/%n"\nkey_file = ""\nlog_file = "{log}"\n'
                                         f'tree_memory = "{self.folder("lmtpd.trees")}"\n')
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        command = ["strace", "-f", "-qq", "-s", "100", "-o", str(trace), str(self.root / "todoke"), "lmtpd", "-c", conf,
                   "--listen", f"unix:{where}", "-o", "lmtp_workers=1"]
        server = subprocess.Popen(command, cwd=self.home, stdin=subprocess.DEVNULL, **as_user)
        try:
            wait_for("lmtpd", lambda: "is ready" in log.read_text() or server.poll() is not None)
            converse(str(where), messages)
        finally:
            os.kill(int(pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0]), signal.SIGTERM)
            server.wait(300)
        lines = trace.read_text(errors="replace").splitlines()
        trace.unlink()
        ends = [number for number, line in enumerate(lines) if "stored in INBOX" in line]
        return min((re.findall(r"^\d+ +(\w+)\(", "\n".join(lines[begin + 1:end + 1]), re.MULTILINE) for begin, end in zip(ends, ends[1:])), key=len)
