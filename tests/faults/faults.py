#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""faults: lets every file call of a delivery go wrong, one after the other, and looks what became of the mail.

usage: faults.py SHIM [COMMAND...]

COMMAND is started once a delivery with the message as input; "{maildir}" in it stands for the INBOX, "{state}" for a folder
beside it, "{queue_id}" for Postfix's, and "{actions}" for the actions of a scenario (a command without it sees the scenarios that only keep). The call counted n = 1, 2, ... of a clean
run fails with each errno of ERRNOS, is a short write, or is the moment at which the process is killed. Then must hold:

- exit 0: each folder shows the message exactly once, whole, and nothing is left in tmp but the claims that a retry knows it by,
  and what an unlinkat that was made to fail left there. Where the message is only kept, no flush and no move may have failed (but for EINTR). Where a
  folder cannot be used for a reason that lasts (EACCES, ENOENT), the INBOX shows its copy;
- exit 75: the answer begins with the errno's code, no folder shows anything, nothing is left in tmp, and a retry shows
  the message exactly once in each folder;
- killed: each folder shows the message at most once, whole, and after the retry exactly once; and so it is if that try is
  killed as well and a third one comes. What the owner moved or deleted in between does not come again.

In the check, errnos that the code tells apart only by their text take turns over the calls (ALIKE), and of what a killed retry may
meet a sample is tried; with TODOKE_TEST_ALL=1 in the environment each errno meets each call.
"""
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap as lib

# Longer than what the agent reads at once; from a file, so that every run reads the same pieces.
MESSAGE = (b"Received: from client.test (client.test [192.0.2.1]) by mx.test (Postfix) with ESMTP id 4ABC\n\tfor <b@example.net>;"
           b" Sun, 22 Nov 2026 01:13:00 +0000\nFrom: a@example.org\nSubject: faults\n\n" + b"0123456789abcdef\n" * 20000)

# What each errno must be called; a call may also cope with it.
ERRNOS = {
    "EIO": "4.3.0", "ENOSPC": "4.3.1", "EDQUOT": "4.2.2", "EROFS": "4.3.0", "ESTALE": "4.3.0", "EMFILE": "4.3.0",
    "ENFILE": "4.3.0", "ENOMEM": "4.3.0", "EFBIG": "4.3.0", "EACCES": "4.3.0", "ENOENT": "4.3.0", "EINTR": "4.3.0",
}

# Faults that code meets alike: only a table of texts tells them apart. EIO, which stands for them, is tried at each call.
ALIKE = ("EROFS", "ESTALE", "EMFILE", "ENFILE", "ENOMEM", "EFBIG")

NO_RENAME = {"TODOKE_FAULT_ALWAYS": "renameat2:%d" % errno.EINVAL}
NO_LINK = {"TODOKE_FAULT_ALWAYS": "linkat:%d" % errno.EXDEV}

# Faults that last: a folder that meets one gives its mail to the INBOX.
LASTING = ("EACCES", "ENOENT")

# Name, actions, how often the message must be shown by folder, does the INBOX exist before, further environment.
SCENARIOS = [
    ("keep", ["keep"], {"": 1}, True, {}),
    ("keep, new INBOX", ["keep"], {"": 1}, False, {}),
    ("keep, no key yet", ["keep"], {"": 1}, True, {}),
    ("keep, no renameat2", ["keep"], {"": 1}, True, NO_RENAME),
    ("keep with flags", ["keep+\\Seen+Later"], {"": 1}, True, {}),
    ("new folder", ["fileinto:Work/New"], {"": 0, ".Work.New": 1}, True, {}),
    ("two folders", ["keep", "fileinto:Work/New"], {"": 1, ".Work.New": 1}, True, {}),
    ("two folders, nothing shared", ["fileinto:Work/New", "keep"], {"": 1, ".Work.New": 1}, True, NO_LINK),
]

# Without these nothing is safe on the disk. Flags and folders have files of their own, which may fail; so has the owner's key.
VITAL = ("fsync", "renameat2", "renameat", "symlinkat")
WITHOUT_KEY = "keep, no key yet"

# Where a policy forbids symbolic links, mail arrives without claims.
NO_LINKS = ("symlinkat", "EACCES")

# Of the calls of a retry that is killed, too, one in so many is tried.
ALL = bool(os.environ.get("TODOKE_TEST_ALL"))
STEP = 1 if ALL else 12 if lib.SANITIZED else 4

# More calls than that are a loop.
LIMIT_CALLS = 200


class Trial:
    """One delivery into a folder of its own, and what it left there."""

    def __init__(self, options, scenario):
        self.options = options
        self.name, self.actions, self.want, exists, self.env = scenario
        self.root = tempfile.mkdtemp(dir=options.where)
        self.maildir = os.path.join(self.root, "Maildir")
        self.log = os.path.join(self.root, "calls")
        self.state = os.path.join(self.root, "state")
        os.mkdir(self.state)
        if self.name != WITHOUT_KEY:
            with open(os.path.join(self.state, "mark.keys"), "w", encoding="ascii") as file:
                file.write("faults " + "5a" * 32 + "\n")
        if exists:
            for inside in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(self.maildir, inside))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def deliver(self, fault=None, log=False, queue_id="4ABC"):
        env = dict(os.environ, LD_PRELOAD=self.options.shim, STORE_QUEUE_ID=queue_id, **self.env)
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
        if fault is not None:
            env["TODOKE_FAULT"] = fault
        if log:
            env["TODOKE_FAULT_LOG"] = self.log
        argv = []
        for word in self.options.command:
            argv += self.actions if word == "{actions}" else [word.replace("{maildir}", self.maildir).replace("{state}", self.state).replace("{queue_id}", queue_id)]
        with open(self.options.message, "rb") as message:
            run = subprocess.run(argv, stdin=message, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                                 check=False)
        return run.returncode, run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")

    def calls(self):
        with open(self.log) as log:
            return [line.split()[1] for line in log]

    def shown(self):
        """Files that each folder shows; a torn one is a fault of its own."""
        counts = {}
        for folder in self.want:
            counts[folder] = 0
            for place in ("new", "cur"):
                path = os.path.join(self.maildir, folder, place)
                for name in os.listdir(path) if os.path.isdir(path) else []:
                    counts[folder] += 1
                    with open(os.path.join(path, name), "rb") as file:
                        if not file.read().endswith(MESSAGE):
                            raise AssertionError("%s/%s is not whole" % (folder, name))
        return counts

    def left(self):
        """What stands in tmp, and locks."""
        found = []
        for path, _, names in os.walk(self.maildir):
            found += [os.path.join(path, name) for name in names if os.path.basename(path) == "tmp" or name.endswith(".lock")]
        return found

    def litter(self):
        return [path for path in self.left() if not is_claim(path)]

    def claims(self):
        return [path for path in self.left() if is_claim(path)]

    def copies(self):
        """The path of each copy that is shown."""
        found = []
        for folder in self.want:
            for place in ("new", "cur"):
                path = os.path.join(self.maildir, folder, place)
                found += [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else []
        return found


def is_claim(path):
    return os.path.islink(path) and os.path.basename(path).startswith("todoke-")


def expect(holds, text):
    if not holds:
        raise AssertionError(text)


def check_retry(trial, want):
    code, out, err = trial.deliver()
    expect(code == 0, "retry ends with %d: %s%s" % (code, out, err))
    expect(trial.shown() == want, "after the retry folders show %s, not %s" % (trial.shown(), want))


def check_done(trial, call, what):
    lasting = what in LASTING
    shown, litter = trial.shown(), trial.litter()
    in_inbox = {folder: int(folder == "") for folder in trial.want}
    expect(shown == trial.want or (lasting and shown == in_inbox), "exit 0, folders show %s" % shown)
    expect(not litter or call == "unlinkat", "exit 0, left behind: %s" % litter)
    flushes_key = trial.name == WITHOUT_KEY and call == "fsync"
    vital = trial.actions == ["keep"] and call in VITAL and not flushes_key and what in ERRNOS and what != "EINTR" and (call, what) != NO_LINKS
    expect(not vital, "exit 0 in spite of %s" % what)


def check_refused(trial, out, dsn):
    expect(out.startswith(dsn + " "), "answer is '%s', not %s" % (out.strip(), dsn))
    expect(not any(trial.shown().values()), "exit 75, folders show %s" % trial.shown())
    expect(not trial.left(), "exit 75, left behind: %s" % trial.left())
    check_retry(trial, trial.want)


def check_killed(trial):
    shown = trial.shown()
    expect(all(shown[folder] <= trial.want[folder] for folder in shown), "killed, folders show %s" % shown)
    check_retry(trial, trial.want)
    check_claims(trial)


def check_claims(trial):
    """One for each copy (a process that dies while it changes one leaves another link); no draft is left that belongs to one."""
    claims = [path for path in trial.claims() if re.fullmatch("todoke-[0-9a-f]{34}", os.path.basename(path))]
    expect(len(claims) == sum(trial.want.values()), "claims: %s" % trial.claims())
    drafts = [path for path in claims if os.path.exists(os.path.join(os.path.dirname(path), os.readlink(path)))]
    expect(not drafts, "drafts of claims: %s" % drafts)


def check_fault(trial, call, fault, what):
    code, out, err = trial.deliver(fault)
    if code == 0:
        check_done(trial, call, what)
    elif code == 75 and what in ERRNOS:
        check_refused(trial, out, ERRNOS[what])
    elif code == -9 and what == "kill":
        check_killed(trial)
    else:
        raise AssertionError("exit %d: %s%s" % (code, out, err))


def clean_calls(options, scenario):
    with Trial(options, scenario) as trial:
        code, out, err = trial.deliver(log=True)
        expect(code == 0, "clean run ends with %d: %s%s" % (code, out, err))
        expect(trial.shown() == trial.want, "clean run shows %s" % trial.shown())
        expect(not trial.litter(), "clean run leaves %s" % trial.litter())
        check_claims(trial)
        calls = trial.calls()
        expect(0 < len(calls) < LIMIT_CALLS, "%d calls" % len(calls))
        return calls


def run_fault(options, scenario, n, call, what):
    """One kind of fault at one call; what is wrong with its outcome, or None."""
    with Trial(options, scenario) as trial:
        try:
            check_fault(trial, call, "%d:%s" % (n, getattr(errno, what, what)), what)
        except AssertionError as fault:
            return "call %d (%s): %s" % (n, call, fault)
    return None


def is_tried(n, call, what):
    """Is this kind of fault tried at the call n?"""
    if what == "short":
        return call in ("write", "writev")
    return ALL or what not in ALIKE or n % len(ALIKE) == ALIKE.index(what)


def run_kind(options, scenario, calls, what):
    """One kind of fault at the calls where it is tried; what was found."""
    tries = [options.pool.submit(run_fault, options, scenario, n, call, what) for n, call in enumerate(calls, 1) if is_tried(n, call, what)]
    return [found for found in (one.result() for one in tries) if found is not None]


def check_killed_twice(options, scenario, n, m):
    """Killed at call n, and the retry at its call m; what is wrong then, or None."""
    with Trial(options, scenario) as trial:
        try:
            trial.deliver("%d:kill" % n)
            trial.deliver("%d:kill" % m)
            check_killed(trial)
        except AssertionError as fault:
            return "calls %d, %d: %s" % (n, m, fault)
    return None


def run_killed_twice(options, scenario, calls):
    """Behind each call that changes what a retry finds, and then at each call of the retry."""
    firsts = [n + 1 for n, call in enumerate(calls, 1) if call in ("openat", "symlinkat", "renameat2", "renameat")]
    tries = [options.pool.submit(check_killed_twice, options, scenario, n, m)
             for n in firsts[-4:] for m in range(1 + n % STEP, len(calls) + 3, STEP)]
    return [found for found in (one.result() for one in tries) if found is not None]


def run_touched_by_owner(options, scenario, calls):
    """Killed behind the last move; then the owner's programs move or delete each copy, and a retry adds none."""
    found = []
    last = max(n for n, call in enumerate(calls, 1) if call in ("renameat2", "renameat")) + 1
    for deed in ("read", "moved", "deleted"):
        with Trial(options, scenario) as trial:
            trial.deliver("%d:kill" % last)
            copies = trial.copies()
            for path in copies:
                touch(trial, path, deed)
            left = len(trial.copies())
            code, out, err = trial.deliver()
            if code != 0 or len(trial.copies()) != left or not copies:
                found.append("%s: %d copies, then %d, then %d; exit %d: %s%s" %
                             (deed, len(copies), left, len(trial.copies()), code, out, err))
    return found


def touch(trial, path, deed):
    if deed == "deleted":
        os.unlink(path)
        return
    there = path.replace("/new/", "/cur/") if deed == "read" else os.path.join(trial.root, os.path.basename(path))
    os.rename(path, there.split(":2,")[0] + ":2,S")


def run_other_mail(options, scenario):
    """What differs in anything is another delivery: each is stored."""
    with Trial(options, scenario) as trial:
        results = [trial.deliver(queue_id=queue_id)[0] for queue_id in ("4ABC", "4ABD")]
        with open(options.message, "wb") as file:
            file.write(MESSAGE.replace(b"01:13:00", b"01:13:01"))
        try:
            results.append(trial.deliver()[0])
        finally:
            with open(options.message, "wb") as file:
                file.write(MESSAGE)
        wanted = 3 * sum(trial.want.values())
        return [] if results == [0, 0, 0] and len(trial.copies()) == wanted else ["%s, copies: %s" % (results, trial.copies())]


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def say(self, name, found):
        self.count += 1
        self.failed += bool(found)
        print("%sok %d - %s" % ("not " if found else "", self.count, name))
        for line in found:
            print("# " + line)
        sys.stdout.flush()


def run_scenario(options, scenario, tap):
    try:
        calls = clean_calls(options, scenario)
    except AssertionError as fault:
        tap.say(scenario[0], [str(fault)])
        return
    print("# %s: %s" % (scenario[0], " ".join(calls)))
    for what in [*ERRNOS, "short", "kill"]:
        tap.say("%s: %s" % (scenario[0], what), run_kind(options, scenario, calls, what))
    tap.say("%s: killed, and the retry too" % scenario[0], run_killed_twice(options, scenario, calls))
    tap.say("%s: killed, and the owner was at it" % scenario[0], run_touched_by_owner(options, scenario, calls))
    tap.say("%s: another queue id, another time" % scenario[0], run_other_mail(options, scenario))


def no_root():
    """No mail is root's: the trials run as nobody where root starts them."""
    if os.geteuid() == 0:
        lib.choose_python()
        lib.become_nobody()


class Options:
    def __init__(self, argv):
        self.shim = os.path.abspath(argv[1])
        self.command = argv[2:]
        # In memory: what is tested is the order of calls, not the disk.
        self.where = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.pool = ThreadPoolExecutor(2)  # beside other tests; the trials mostly wait for processes
        self.message = os.path.join(self.where, "message")
        with open(self.message, "wb") as file:
            file.write(MESSAGE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()
        shutil.rmtree(self.where)


def run_scenarios(options, tap):
    for scenario in SCENARIOS:
        if "{actions}" in options.command or scenario[1] == ["keep"]:
            run_scenario(options, scenario, tap)


def main():
    no_root()
    tap = Tap()
    with Options(sys.argv) as options:
        run_scenarios(options, tap)
    print("1..%d" % tap.count)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
