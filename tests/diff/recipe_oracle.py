# SPDX-License-Identifier: MIT
"""recipe_oracle: run an rc file over a message in a private folder, by procmail or by our test program, and say what came of it.

Both leave files below one folder; `outcome` writes them down in one text, so that the two can be compared byte for byte.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import private_host  # noqa: E402,F401 by its import alone

NOBODY = 65534
UNIQUE_NAME = re.compile(r"(^|/)(msg|mine)\.[A-Za-z0-9_-]{4,}$")
LOGGED = re.compile(rb"## |From |  Folder: | Subject:|procmail: (Assigning|Match|No match|Matched|Score|Invalid|Executing|"
                    rb"Error while writing to|Program failure|Non-zero exitcode|Rescue of unfiltered|Skipped|Couldn't read)")
# Names of files in directories are made up, and tabs depend on their length.
FOLDER_FILE = re.compile(rb"((?:  Folder: |LASTFOLDER=).*?)/(?:(?:new/|msg\.)[^\t\"]*)?(?:\t+ *|(?=\"))")
# What we say to Postfix of a mail that is not delivered.
ANSWER = re.compile(rb"[45]\.\d+\.\d+ [^\n]*\n")
MORE = b"0123456789 abcdefghijklmnopqrst\n"
# The case's arguments, $1 and on: a line each. They are among its files, but no file.
ARGS = "(arguments)"
# Far below any test's time: an rc file that waits or loops is a finding of its own.
TIMEOUT_S = 60
# A child that another thread starts has our open files until its exec, and a program that is open for writing cannot be run.
STARTING = threading.Lock()
# The process groups that run now.
RUNNING = set()
# procmail loops for ever on some expressions. Should nobody be left to end it, the kernel does after so many seconds of processor time.
LIMITED = ("/bin/sh", "-c", f'ulimit -t {TIMEOUT_S}; exec "$@"', "sh")


def load(folder):
    """-> (rc, message, files) of a case. Its message is message.eml, or that of all cases; the file `grow` says by how many lines it is longer."""
    message = folder / "message.eml"
    if not message.exists():
        message = folder.parent / "message.eml"
    grow = folder / "grow"
    more = MORE * int(grow.read_text(encoding="ascii")) if grow.exists() else b""
    files = {str(p.relative_to(folder / "files")): p.read_bytes() for p in (folder / "files").rglob("*") if p.is_file()}
    if (folder / "args").exists():
        files[ARGS] = (folder / "args").read_bytes()
    return (folder / "rc").read_bytes(), message.read_bytes() + more, files


def write_file(path, data):
    """A file, or a program where it begins with #!."""
    with STARTING:
        path.write_bytes(data)
    if data.startswith(b"#!"):
        path.chmod(0o755)


def kill_group(pid):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_for_group(pid):
    """procmail does not wait for programs without w: until none is left, or for two seconds; then they are ended."""
    for _ in range(100):
        try:
            os.killpg(pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.02)
    kill_group(pid)


def end_all(number, _frame):
    """Who ends this program ends what it has started."""
    for pid in list(RUNNING):
        kill_group(pid)
    os._exit(128 + number)


def end_all_on_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end_all)


def options(files):
    """procmail's options -a for the lines of the file of arguments."""
    return [word for line in (files or {}).get(ARGS, b"").decode().splitlines() for word in ("-a", line)]


class Sandbox:
    """A folder with rc, mail/ (where the rc runs) and log; outcome() describes what a run left there."""

    def __init__(self, rc, files=None):
        # A log abstract cuts long paths: those of the cases must be short.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="recipe-", dir="/tmp" if len(tempfile.gettempdir()) > 24 else None))
        self.mail = self.root / "mail"
        self.mail.mkdir()
        (self.root / "rc").write_bytes(rc)
        for name, data in (files or {}).items():
            if name == ARGS:
                continue
            path = self.mail / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, data)
        self.given = set(files or {})
        for path in [self.root, *self.root.rglob("*")]:
            if os.getuid() == 0:
                os.chown(path, NOBODY, NOBODY)

    def run(self, argv, message, timeout_s=TIMEOUT_S, env=()):
        """Run `argv` with the message as input, never as root. -> exit code, or "timeout"."""
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.mail), "LOGNAME": "nobody",
               "SHELL": "/bin/sh", "USER": "nobody", **dict(env)}
        passed = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "RECIPE_TRACE", "TODOKE_MODULE_DIR")
        env.update({k: v for k, v in os.environ.items() if k in passed})
        with STARTING:
            process = subprocess.Popen([*LIMITED, *argv], cwd=self.mail, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True, **user)
            RUNNING.add(process.pid)
        try:
            self.stdout, self.stderr = process.communicate(message, timeout=timeout_s)
            wait_for_group(process.pid)
            return process.returncode
        except subprocess.TimeoutExpired:
            self.stdout = self.stderr = b""
            kill_group(process.pid)
            process.communicate()
            return "timeout"
        finally:
            RUNNING.discard(process.pid)

    def logged(self):
        """What LOG= wrote, in lines that begin with "## ", the abstracts, and of VERBOSE what tells of decisions."""
        log = self.root / "log"
        text = log.read_bytes() if log.exists() else b""
        return b"\n".join(FOLDER_FILE.sub(rb"\1/", line) for line in text.split(b"\n") if LOGGED.match(line))

    def outcome(self, code):
        """One text: exit code, log, every file that was not given."""
        entries = []
        for path in sorted(self.mail.rglob("*")):
            name = str(path.relative_to(self.mail))
            if not path.is_file() or name in self.given:
                continue
            entries.append((stable_name(name), path.read_bytes()))
        out = [b"exit %s" % str(code).encode(), self.logged()]
        if self.stdout and not ANSWER.fullmatch(self.stdout):
            entries.append(("(standard output)", self.stdout))
        for name, data in sorted(entries):
            out.append(b"== %s" % name.encode("utf-8", "surrogateescape"))
            out.append(b"\n".join(b"|" + line for line in data.split(b"\n")))
        return b"\n".join(out).replace(str(self.root).encode(), b"ROOT") + b"\n"

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def stable_name(name):
    """File names that are made up at delivery become the same for both."""
    folder, _, last = name.rpartition("/")
    if folder.endswith("/new") or folder == "new":
        return folder + "/*"
    return UNIQUE_NAME.sub(r"\1\2.*", name)


def by_procmail(rc, message, files=None, timeout_s=TIMEOUT_S):
    """-> (outcome, sandbox's raw log) of the real procmail."""
    box = Sandbox(rc, files)
    try:
        code = box.run(["procmail", "-p", *options(files), "LOGNAME=nobody", "COMSAT=no", "LOGABSTRACT=no", f"LOGFILE={box.root}/log", f"MAILDIR={box.mail}",
                        f"DEFAULT={box.mail}/default/", f"ORGMAIL={box.mail}/default/", "LOCKSLEEP=1", "SHELL=/bin/sh", "PATH=/usr/local/bin:/usr/bin:/bin",
                        str(box.root / "rc")], message, timeout_s)
        log = box.root / "log"
        return box.outcome(code), log.read_bytes() if log.exists() else b""
    finally:
        box.close()


def by_engine(program, rc, message, files=None, strict=False, timeout_s=TIMEOUT_S, env=()):
    """-> (outcome, what the program said) of our engine in its test program; `strict` is the setting recipe_compat."""
    box = Sandbox(rc, files)
    try:
        code = box.run([str(program), str(box.root / "rc"), str(box.root / "log"), str(box.mail)] + ["strict"] * strict, message, timeout_s,
                       {**dict(env), **({"RECIPE_ARGS": "\n".join(options(files)[1::2])} if options(files) else {})})
        return box.outcome(code), box.stderr
    finally:
        box.close()


# The header as procmail leaves it: no stamps of ours. The INBOX is what DEFAULT names.
CONF = """maildir = "{mail}/default"
add_return_path = no
add_delivered_to = no
add_mark = no
create_maildir = yes
state_folder = "{root}/state"
log_file = "{root}/todoke.log"
submit = "sendmail:{root}/sendmail"
recipe_compat = {compat}
"""
# Takes what is forwarded: one line a recipient, as recipe-case writes it.
SENDMAIL = """#!/bin/sh
for last; do :; done
echo "$last" >>"{mail}/forwards"
exec cat >/dev/null
"""


def by_todoke(program, rc, message, files=None, strict=False):
    """-> (outcome, what the program said and logged) of `todoke procmail` with the very command line of by_procmail."""
    box = Sandbox(rc, files)
    try:
        names = {"mail": box.mail, "root": box.root, "compat": "strict" if strict else "kind"}
        (box.root / "todoke.conf").write_text(CONF.format(**names))
        write_file(box.root / "sendmail", SENDMAIL.format(**names).encode())
        code = box.run([str(program), "procmail", "-p", *options(files), "COMSAT=no", "LOGABSTRACT=no", f"LOGFILE={box.root}/log", f"MAILDIR={box.mail}",
                        "LOCKSLEEP=1", "SHELL=/bin/sh", "PATH=/usr/local/bin:/usr/bin:/bin", str(box.root / "rc")], message,
                       env={"TODOKE_CONF": str(box.root / "todoke.conf")})
        log = box.root / "todoke.log"
        return box.outcome(code), box.stdout + box.stderr + (log.read_bytes() if log.exists() else b"")
    finally:
        box.close()


def run_cases(top, run, program):
    """All cases, one TAP line each: `run` is by_engine or by_todoke."""
    folders = sorted(p.parent for p in (top / "tests" / "cases" / "recipe").glob("*/rc"))
    print(f"1..{len(folders)}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda f: run(program, *load(f), (f / "strict").exists()), folders)
        for n, (folder, (got, said)) in enumerate(zip(folders, results), 1):
            good = got == (folder / "expect").read_bytes()
            print(f"{'ok' if good else 'not ok'} {n} - {folder.name}")
            for line in () if good else (got + said).decode("utf-8", "replace").split("\n"):
                print(f"# {line}")
