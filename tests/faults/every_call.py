# SPDX-License-Identifier: MIT
"""every_call: lets every system call of a delivery fail, and kills the delivery in front of every one, by every door.

strace counts and injects: a clean run says which calls there are, then each is made to fail, or is where the process is killed. What was
not answered for good is tried again as Postfix does it, until it ends. At the end each place must hold the mail once. What the calls of
the dynamic loader do before main is not ours and left out, and so are the programs that rules run.
"""

import collections
import errno
import os
import pwd
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp_client
import tap

# What a call fails with. The second is tried where it can come from.
ERRNOS = ("EIO", "ENOSPC")
SPACE = ("write", "writev", "pwrite64", "fsync", "fdatasync", "openat", "mkdirat", "mkdir", "symlinkat", "linkat", "renameat2", "renameat", "rename", "fallocate", "ftruncate", "sendfile", "copy_file_range")

# Not injected: they do not return, or failing them is a kernel that does not work.
LEFT_OUT = ("exit_group", "exit", "execve", "rt_sigreturn", "restart_syscall", "arch_prctl", "wait4")

# What is called in place of a call that fails. strace by itself lets the kernel see a call of no number, which the box kills for (SIGSYS).
INSTEAD = "syscall=getpid"

# Postfix bounces on these (agent/POSTFIX, RESULT): all but success, EX_TEMPFAIL and EX_OSERR, and where the text has a code that decides.
TRIES = 4

# What is read and waited for comes in more pieces or fewer: so many clean runs are looked at, and a fault that meets no call is tried so often.
RUNS = 3

TODAY = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()).encode()

COLUMNS = ("lost", "doubled", "false success", "permanent", "wrong place in silence", "killed by the box")
SMALL = ("handed over again", "notes", "did not fire")


def nobody():
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def give_away(path):
    """The tree belongs to whoever delivers."""
    user = nobody()
    if user is not None:
        for at, folders, files in os.walk(path):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(at, name), user.pw_uid, user.pw_gid, follow_symlinks=False)


def as_user():
    user = nobody()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}


class Sink(socketserver.ThreadingTCPServer):
    """An SMTP server that takes all, and remembers each message by its token and recipient."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.taken = collections.Counter()
        super().__init__(("127.0.0.1", 0), SinkSession)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def read_mail(lines):
    """What comes up to the dot; None: the connection ended before."""
    mail = []
    for line in lines:
        if line == b".\r\n":
            return b"".join(mail)
        mail.append(line)
    return None


class SinkSession(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.talk()
        except OSError:
            pass  # it was killed

    def talk(self):
        self.wfile.write(b"220 sink\r\n")
        recipient = b""
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"RCPT":
                recipient = line
            if word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                body = read_mail(self.rfile)
                if body is None:
                    return
                found = re.search(rb"token-(\d+)-", body)
                kind = "redirect" if b"elsewhere" in recipient else "vacation"
                self.server.taken[found[1].decode() if found else "?", kind] += 1
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250-sink\r\n250 SIZE\r\n" if word == b"EHLO" else b"250 2.0.0 ok\r\n")


Result = collections.namedtuple("Result", "answer text")  # answer: "ok", "again" or "permanent"


def judge_exit(code, text):
    """As pipe(8) does it."""
    if code < 0:
        return Result("again", "signal %d" % -code)
    if code == 0:
        return Result("ok", text)
    first = text[:1] if re.match(r"[45]\.\d{1,3}\.\d{1,3} ", text) else ""
    again = first == "4" or (first == "" and code in (71, 75))
    return Result("again" if again else "permanent", "exit %d: %s" % (code, text))


def parse_trace(path):
    """The calls of each process in their order."""
    calls = collections.defaultdict(list)
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            found = re.match(r"(?:(\d+) +)?(\w+)\(", line)
            if found is None or "resumed>" in line[:40]:
                continue
            calls[found[1] or "0"].append(found[2])
    return calls


def calls_of_main(lines, marker):
    """(name, which) of each call of a trace of one process that is ours: the loader's come before the one that has the marker."""
    found, count, loads = set(), collections.Counter(), True
    for line in lines:
        call = re.match(r"(\w+)\(", line)
        if call is None:
            continue
        count[call[1]] += 1
        if loads:
            loads = marker not in line
        elif call[1] == "execve":
            loads = True  # another program takes over
        else:
            found.add((call[1], count[call[1]]))
    assert found, "no %r in the trace" % marker
    return found


def where_it_fired(text, marker):
    """What the fault met: "main", the "loader", as there were fewer calls before than in the clean run, or "" for no call. strace says in its
    trace what it makes fail, and what is killed. marker None: there is no loader."""
    place = "main" if marker is None else "loader"
    for line in text.splitlines():
        if marker is not None and line.startswith("execve("):
            place = "loader"
        if "(INJECTED)" in line or "+++ killed by SIGKILL +++" in line:
            return place
        if marker is not None and marker in line:
            place = "main"
    return ""


class Scenario:
    """What is delivered and where it belongs: place -> copies. `root` holds a folder for each trial."""

    name, places, marker = "", {}, None
    is_long = False  # not where the seconds are counted

    def __init__(self, root, sink):
        self.root, self.sink, self.number = root, sink, 0
        self.lock = threading.Lock()

    def start(self):
        pass

    def stop(self):
        pass

    def new_trial(self):
        with self.lock:
            self.number += 1
            number = self.number
        home = "%s/%d" % (self.root, number)
        for inside in ("tmp", "new", "cur"):
            os.makedirs("%s/Maildir/%s" % (home, inside))
        self.furnish(home)
        give_away(home)
        return str(number), home

    def furnish(self, home):
        pass

    def calls(self):
        """(name, which) of each call that a delivery makes; of several, as it reads and waits more often or less."""
        return sorted(set().union(*(self.calls_of_one_run() for _ in range(RUNS))))

    def message(self, number):
        return (b"Received: from client.test by mx.test (Postfix) with ESMTP id 4ABC%s; %s\nFrom: a@example.org\n"
                b"To: ann@example.test\nMessage-ID: <token-%s-@x.test>\nSubject: x\n\n" % (number.encode(), TODAY, number.encode()) + b"0123456789abcdef\n" * 5000 + b"The end of it.\n")

    def count(self, number, home):
        """place -> whole copies; a torn one is counted under its own name."""
        found = collections.Counter()
        for at, _, files in os.walk(home):
            if os.path.basename(at) in ("new", "cur"):
                for name in files:
                    with open(os.path.join(at, name), "rb") as file:
                        octets = file.read()
                    if b"token-%s-" % number.encode() in octets:
                        place = os.path.relpath(os.path.dirname(at), home)
                        found[place if octets.endswith(b"The end of it.\n") else place + " (torn)"] += 1
        for name in ("box", "program"):
            if os.path.exists(os.path.join(home, name)):
                with open(os.path.join(home, name), "rb") as file:
                    octets = file.read()
                heads, ends = octets.count(b"\nMessage-ID: <token-"), octets.count(b"\nThe end of it.\n")
                found[name] += min(heads, ends)
                found[name + " (torn)"] += max(heads, ends) - min(heads, ends)
        for kind in ("redirect", "vacation"):
            found[kind] += self.sink.taken[number, kind]
        return found


class Pipe(Scenario):
    """todoke deliver, started once a delivery."""

    name, places = "pipe", {"Maildir": 1}
    marker = "/dev/null"

    def options(self, home):
        return ["-o", "sieve_scripts="]

    def command(self, number, home):
        return [tap.TODOKE, "deliver", "-f", "a@example.org", "-d", "ann@example.test", "--queue-id", "4ABC" + number, *self.settings(home)]

    def settings(self, home):
        return ["-o", "maildir=%s/Maildir" % home, "-o", "home=" + home, "-o", "log_file=%s/log" % home, "-o", "key_file=" + home + "/key", "-o", "deadline=60", *self.options(home)]

    def environment(self, home):
        env = dict(os.environ, LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")  # strace and the search for leaks exclude each other
        env.pop("TODOKE_CONF", None)
        return env

    def run(self, number, home, before=()):
        for at, _, names in os.walk(home if not before else ""):  # the next try comes after minutes, when the lock of a dead process is stale
            for name in names:
                if name.endswith(".lock"):
                    os.utime(os.path.join(at, name), (time.time() - 3600,) * 2)
        with subprocess.Popen([*before, *self.command(number, home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=self.environment(home), cwd="/", start_new_session=True, **as_user()) as one:
            try:
                said, _ = one.communicate(self.message(number), timeout=tap.PATIENCE)
            except subprocess.TimeoutExpired:  # Postfix kills it in the end, and bounces
                os.killpg(one.pid, signal.SIGKILL)
                one.communicate()
                return Result("permanent", "it hangs")
        return self.judge(one.returncode, said.decode(errors="replace").strip())

    def judge(self, code, text):
        return judge_exit(code, text)

    def calls_of_one_run(self):
        number, home = self.new_trial()
        trace = home + "/trace"
        result = self.run(number, home, ["strace", "-o", trace])
        assert result.answer == "ok", result
        with open(trace, encoding="utf-8", errors="replace") as lines:
            return calls_of_main(lines, self.marker)

    def broken_run(self, number, home, name, which, what):
        inject = "signal=KILL" if what == "kill" else "error=%s:%s" % (what, INSTEAD)
        return self.run(number, home, ["strace", "-o", home + "/fault", "-e", "trace=execve,openat," + name, "-e", "inject=%s:%s:when=%d" % (name, inject, which)])


class Small(Pipe):
    """todoke-deliver, which needs nobody else for this."""

    name = "pipe, by todoke-deliver"
    program = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE)), "todoke-deliver")

    def command(self, number, home):
        return [self.program, *super().command(number, home)[1:]]


class Local(Pipe):
    """mailbox_command: everything comes from the environment."""

    name = "local"

    def command(self, number, home):
        return [tap.TODOKE, "deliver", *self.settings(home), "-o", "users=system"]

    def environment(self, home):
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        return dict(super().environment(home), LOGNAME=user.pw_name, USER=user.pw_name, HOME=home, RECIPIENT="ann@example.test", SENDER="a@example.org",
                    ORIGINAL_RECIPIENT="ann@example.test")


class Recipes(Pipe):
    """An mbox, a Maildir and a program, and what is left for the INBOX."""

    name, places = "recipes: mbox, Maildir, program", {"box": 1, "work": 1, "program": 1, "Maildir": 1}

    def furnish(self, home):
        with open(home + "/rc", "wb") as file:
            file.write(b":0 c:\nbox\n\n:0 c\nwork/\n\n:0 c\n| cat >>$HOME/program\n")

    def options(self, home):
        return ["-o", "recipes=all", "-o", "recipe_files=%s/rc" % home, "-o", "sieve_scripts=", "-o", "recipe_lock_wait=5", "-o", "recipe_lock_stale=10"]


class Sieve(Pipe):
    """Two folders, a redirect and a reply."""

    name, places = "Sieve: two folders, redirect, vacation", {"Maildir/.One": 1, "Maildir/.Two": 1, "redirect": 1, "vacation": 1}

    def furnish(self, home):
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "copy", "vacation"];\nfileinto "One";\nfileinto "Two";\nredirect :copy "me@elsewhere.test";\n'
                       b'vacation "away";\n')

    def options(self, home):
        return ["-o", "sieve_scripts=%s/main.sieve" % home, "-o", "submit=smtp:127.0.0.1:%d" % self.sink.server_address[1]]


class SmallSieve(Small, Sieve):
    """The same rules, when todoke-deliver has read the mail and hands it over."""

    name = "Sieve, handed over by todoke-deliver"


class Refilter(Pipe):
    """No mail comes: one that is there is moved into a new folder."""

    name, places = "refilter --apply", {"Maildir/.One": 1, "Maildir/.Old": 0}
    marker = "/todoke.conf"

    def furnish(self, home):
        message = self.message(os.path.basename(home))
        for inside in ("tmp", "new", "cur"):
            os.makedirs(home + "/Maildir/.Old/" + inside)
        with open(home + "/Maildir/.Old/dovecot-keywords", "wb") as file:
            file.write(b"0 Later\n")
        with open("%s/Maildir/.Old/cur/1700000000.M1P1.host,S=%d:2,Sa" % (home, len(message)), "wb") as file:
            file.write(message)
        with open(home + "/main.sieve", "wb") as file:
            file.write(b'require ["fileinto", "mailbox"];\nfileinto :create "One";\n')

    def options(self, home):
        return ["-o", "sieve_scripts=%s/main.sieve" % home]

    def command(self, number, home):
        return [tap.TODOKE, "refilter", "-d", "ann@example.test", *self.settings(home), "--apply", "Old"]

    def judge(self, code, text):
        """1: something stays, or a fault."""
        return Result("ok" if code == 0 else "permanent" if code == 2 else "again", "exit %d: %s" % (code, text))


class Claimed(Pipe):
    """A retry: the earlier try was killed in front of a call. Its draft is claimed, and not moved yet."""

    name, killed_at = "pipe, behind a try that was killed before the move", "renameat2"

    def new_trial(self):
        number, home = super().new_trial()
        died = self.run(number, home, ["strace", "-o", "/dev/null", "-e", "trace=" + self.killed_at, "-e", "inject=%s:signal=KILL:when=1" % self.killed_at])
        assert died.answer == "again", died
        return number, home


class ClaimedByRecipe(Claimed, Recipes):
    """The draft does not lie beside its claim."""

    name, places = "recipes, behind a try that was killed before the move", {"work": 1, "Maildir": 1}

    def furnish(self, home):
        with open(home + "/rc", "wb") as file:
            file.write(b":0 c\nwork/\n")


class Moved(Claimed):
    name, killed_at = "pipe, behind a try that was killed before its answer", "exit_group"


class MovedMbox(Moved, Recipes):
    name, places = "recipes: an mbox, behind a try that was killed before its answer", {"box": 1}

    def furnish(self, home):
        with open(home + "/rc", "wb") as file:
            file.write(b":0\nbox\n")


class MovedSieve(Claimed, Sieve):
    """Both copies are stored, and nothing has left."""

    name, killed_at, is_long = "Sieve, behind a try that was killed before it sent mail", "connect", True


class Lmtp(Scenario):
    """A worker that is already there takes the message; strace comes to it, and to the master, while they wait."""

    name, users, places = "LMTP, one recipient", ("ann",), {"Maildir": 1}
    root_mode = False

    def start(self):
        self.server = self.open_server()

    def stop(self):
        self.server.stop()

    def options(self):
        return ["-o", "sieve_scripts="]

    def open_server(self):
        folder = tempfile.mkdtemp(dir=self.root)
        give_away(folder)
        options = [*self.options(), "-o", "maildir=%s/%%d/%%n/Maildir" % self.root, "-o", "lmtp_workers=1", "-o", "deadline=60", "-o", "key_file=%s/key" % folder,
                   "-o", "lmtp_idle_timeout=120"]
        if os.geteuid() == 0:
            options += ["-o", "lmtp_user=nobody"] if not self.root_mode else ["-o", "virtual_user=nobody"]
        return lmtp_client.Server(folder, *options)

    def new_trial(self):
        with self.lock:
            self.number += 1
            number = str(self.number)
        home = "%s/%s" % (self.root, number)
        for user in self.users:
            for inside in ("tmp", "new", "cur"):
                os.makedirs("%s/%s/Maildir/%s" % (home, user, inside))
        give_away(home)
        return number, home

    def __init__(self, root, sink):
        super().__init__(root, sink)
        self.places = {user + "/Maildir": 1 for user in self.users}
        self.done = collections.defaultdict(set)

    def talk(self, number, server, attach=None):
        """Deliver to who has no answer for good yet."""
        open_users = [user for user in self.users if user not in self.done[number]]
        texts = []
        tracer = None
        try:
            client = server.client().greet()
            tracer = attach(server) if attach is not None else None
            client.say("XFORWARD IDENT=4ABC" + number)
            client.say("MAIL FROM:<a@example.org>")
            waiting = []
            for user in open_users:
                reply = client.say("RCPT TO:<%s@%s>" % (user, number))
                texts.append(reply)
                if reply.startswith("250 "):
                    waiting.append(user)
            if waiting and client.say("DATA").startswith("354 "):
                client.send(self.message(number).replace(b"\n", b"\r\n") + b".\r\n")
                for user in waiting:
                    reply = client.read()
                    texts.append(reply)
                    if reply.startswith("250"):
                        self.done[number].add(user)
            client.close()
        except (OSError, AssertionError) as fault:
            texts.append("connection: %s" % fault)
        finally:
            if tracer is not None:
                tracer()
        if any(text.startswith("5") and not text.startswith("503") for text in texts):
            return Result("permanent", str(texts))
        return Result("ok" if len(self.done[number]) == len(self.users) else "again", str(texts))

    def run(self, number, home):
        return self.talk(number, self.server)

    def attach(self, server, *args):
        pids = [server.process.pid, *server.workers()]
        for pid in list(pids):  # a worker's other half
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
                pids += [int(child) for child in file.read().split() if int(child) not in pids]
        words = []
        for pid in pids:
            words += ["-p", str(pid)]
        tracer = subprocess.Popen(["strace", "-f", *args, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in pids:
            line = tracer.stderr.readline()
            assert "attached" in line, line
        drain = threading.Thread(target=tracer.stderr.read, daemon=True)
        drain.start()

        def end():
            tracer.send_signal(signal.SIGINT)
            try:
                tracer.wait(tap.PATIENCE)
            except subprocess.TimeoutExpired:
                tracer.kill()
                tracer.wait()
            drain.join(tap.PATIENCE)
        return end

    def calls_of_one_run(self):
        """Those of the process that makes most of a name."""
        number, _ = self.new_trial()
        trace = "%s/trace" % self.root
        server = self.open_server()
        result = self.talk(number, server, lambda server: self.attach(server, "-o", trace))
        server.stop()
        assert result.answer == "ok", result
        return {(name, which) for names in parse_trace(trace).values() for name, count in collections.Counter(names).items() for which in range(1, count + 1)}

    def broken_run(self, number, home, name, which, what):
        inject = "signal=KILL" if what == "kill" else "error=%s:%s" % (what, INSTEAD)
        server = self.open_server()
        try:
            return self.talk(number, server, lambda server: self.attach(server, "-o", home + "/fault", "-e", "trace=" + name, "-e", "inject=%s:%s:when=%d" % (name, inject, which)))
        finally:
            try:
                server.stop(signal.SIGKILL)
            except ValueError:
                pass
            shutil.rmtree(server.folder, ignore_errors=True)


class LmtpMany(Lmtp):
    name, users = "LMTP, three recipients", ("ann", "bob", "cid")


class LmtpRoot(LmtpMany):
    name, root_mode = "LMTP as root, three recipients", True


SCENARIOS = (Pipe, Small, Local, Recipes, Sieve, SmallSieve, Claimed, ClaimedByRecipe, Moved, MovedMbox, MovedSieve, Refilter, Lmtp, LmtpMany, LmtpRoot)


def why_not(kind):
    """Why this scenario cannot be tried here; None: it can."""
    if issubclass(kind, LmtpRoot) and os.geteuid() != 0:
        return "needs root"
    if issubclass(kind, Small) and not os.path.exists(kind.program):
        return "todoke-deliver is not built"
    return None


AGAIN = ("redirect", "program")  # handed to others: nobody can know whether they took what they did not answer


class Finding(collections.namedtuple("Finding", "column call text")):
    pass


def read_log(home, scenario):
    for path in (home + "/log", getattr(getattr(scenario, "server", None), "log", "")):
        if path and os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                yield file.read()


def fault_trace(home):
    with open(home + "/fault", encoding="utf-8", errors="replace") as trace:
        return trace.read()


def try_one(scenario, name, which, what):
    """One fault at one call, and retries until it ends: what is wrong then. It is tried again where it met no call."""
    for _ in range(RUNS):
        found = try_once(scenario, name, which, what)
        if [finding.column for finding in found] != ["did not fire"]:
            break
    return found


def try_once(scenario, name, which, what):
    number, home = scenario.new_trial()
    call = "%s %d %s" % (name, which, what)
    found = []
    result = scenario.broken_run(number, home, name, which, what)
    trace = fault_trace(home)
    place = where_it_fired(trace, scenario.marker)
    if place == "loader":
        shutil.rmtree(home, ignore_errors=True)
        return [Finding("did not fire", call, result.text)]
    if "--- SIGSYS" in trace:  # the box does not know a call that only a fault leads to, or the fault is none
        found.append(Finding("killed by the box", call, result.text))
    if not place:
        found.append(Finding("did not fire", call, result.text))
    counts = scenario.count(number, home)
    missing = [place for place, copies in scenario.places.items() if counts[place] < copies]
    noted = any("note=" in text for text in read_log(home, scenario))
    if result.answer == "permanent":
        found.append(Finding("permanent", call, result.text))
    if result.answer == "ok" and missing:
        others = sum(counts.values()) - sum(counts[place] for place in scenario.places)
        elsewhere = others > 0 or any(counts[place] for place in scenario.places)
        column = "false success" if not elsewhere else "notes" if noted else "wrong place in silence"
        found.append(Finding(column, call, "%s; not in %s" % (result.text, missing)))
    excused = result.answer == "ok" and bool(missing) and noted
    tries = 1
    while result.answer == "again" and tries < TRIES:
        result = scenario.run(number, home)
        tries += 1
    if result.answer != "ok":
        found.append(Finding("permanent", call, "after %d tries: %s" % (tries, result.text)))
    counts = scenario.count(number, home)
    for place in sorted(set(counts) | set(scenario.places)):
        want = scenario.places.get(place, 0)
        if counts[place] > max(want, 0) and place.removesuffix(" (torn)") in scenario.places:
            column = "handed over again" if place.removesuffix(" (torn)") in AGAIN else "doubled"
            found.append(Finding(column, call, "%s: %d" % (place, counts[place])))
        elif counts[place] < want and result.answer == "ok" and not excused:
            column = "lost" if not any(counts.values()) else "notes" if any("note=" in text for text in read_log(home, scenario)) else "wrong place in silence"
            found.append(Finding(column, call, "%s: %d of %d, elsewhere %s" % (place, counts[place], want, dict(counts))))
    shutil.rmtree(home, ignore_errors=True)
    return found


def kinds_for(name):
    if name == "close":
        return ["kill"]  # strace leaves the descriptor open where it makes close fail; Linux never does
    return ["kill", ERRNOS[0], *([ERRNOS[1]] if name in SPACE else [])]


def plan(scenario):
    return [(name, which, what) for name, which in scenario.calls() if name not in LEFT_OUT for what in kinds_for(name)]
