# SPDX-License-Identifier: MIT
"""tap: what our test scripts share: numbered results, private folders, running todoke."""

import contextlib
import fcntl
import os
import pathlib
import pty
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

import private_host

TODOKE = os.environ.get("TODOKE", "todoke")
if os.path.isdir(os.path.join(os.path.dirname(TODOKE), "po", "locale")):
    os.environ.setdefault("TODOKE_LOCALE_DIR", os.path.join(os.path.abspath(os.path.dirname(TODOKE)), "po", "locale"))
TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


class Skip(Exception):
    """This test cannot run here; the text says why."""


class Failed(Exception):
    """A test failed in a process of its own; the text is its traceback."""


# The account that tests run as where root starts them, and what its process says by its exit code.
NOBODY = 65534
EXIT_SKIP = 77


# Built with sanitizers all takes several times as long: then the longest tests try fewer inputs.
SANITIZED = os.environ.get("SANITIZERS", "") != ""
if SANITIZED:  # else the search for leaks of gcc 12 dies of variables of threads, by chance
    os.environ.setdefault("ASAN_OPTIONS", "intercept_tls_get_addr=0")

# Seconds that a test waits for what must come. A busy machine may take long; only what never comes makes a test wait so long.
PATIENCE = 120


def wait_for(what, probe, seconds=PATIENCE):
    """Ask `probe` until it answers something true, and return that."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" % (seconds, what))
        time.sleep(0.02)


def is_served(path):
    """Does a server take connections there? Its socket is in the folder a moment earlier than that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        return client.connect_ex(str(path)) == 0


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
            return stat.read().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def sleepers(pid):
    """Programs that `pid` has started, its own kind not counted, and that wait for something, be it input, a lock or time."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as children:
                found += children.read().split()
    return [int(child) for child in found if is_asleep(int(child)) and not runs_the_same(pid, int(child))]


def is_asleep(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
            return stat.read().rsplit(") ", 1)[1][0] == "S"
    except (FileNotFoundError, ProcessLookupError):
        return False


def runs_the_same(pid, other):
    """Has it not become another program yet, after its fork?"""
    try:
        return os.readlink("/proc/%d/exe" % pid) == os.readlink("/proc/%d/exe" % other)
    except (FileNotFoundError, ProcessLookupError):
        return True


def unused_port():
    """A port of loopback on which nobody listens; not one of those that the kernel gives to whoever asks for any."""
    for port in random.sample(range(10240, 32768), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")


def need_public_build():
    """For what says whether other accounts may start the program: a home may be closed to them (HOME_MODE 0700 in Debian 13)."""
    if not all(parent.stat().st_mode & 0o001 for parent in pathlib.Path(TODOKE).resolve().parents):
        raise Skip("the build is in a folder that others may not pass")


def need_strace():
    """Some containers forbid it though it is there."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("strace does not run here")


def make_trees(args):
    """A site makes the tree of its mailboxes (todoke-trust(7)); so does each test, beside what it has."""
    for arg in args:
        tree = os.path.dirname(arg.removeprefix("maildir=").split("%")[0]) if str(arg).startswith("maildir=/") else ""
        if os.path.isdir(os.path.dirname(tree)) and os.access(os.path.dirname(tree), os.W_OK) and os.path.realpath(tree).startswith(tempfile.gettempdir()):
            os.makedirs(tree, exist_ok=True)


def todoke(*args, stdin=b"", env=None, timeout=PATIENCE, tree=True, **more):
    """Run todoke; standard output and error are captured apart, as bytes. Not `tree`: mailboxes lie where there may be nothing."""
    if tree:
        make_trees(args)
    whole = dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8")
    whole.update(env or {})
    if "LD_PRELOAD" in whole and "ASAN_OPTIONS" not in (env or {}):  # it wants to be the first library, and its search for leaks ends with it
        whole["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    whole = {key: value for key, value in whole.items() if value != ""}
    return subprocess.run([TODOKE, *args], input=stdin, capture_output=True, env=whole, timeout=timeout, check=False, **more)


def in_terminal(*args, columns=80, env=None):
    """What todoke prints on a terminal of that width, and its exit code."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([TODOKE, *args], stdout=follower, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}) as process:
        os.close(follower)
        out = b""
        try:
            while chunk := os.read(leader, 65536):
                out += chunk
        except OSError:
            pass
        code = process.wait(PATIENCE)
    os.close(leader)
    return out.decode().replace("\r\n", "\n"), code


def limits():
    """The bounds of agent/base/limits.h by their names, "LIMIT_" left out."""
    with open(os.path.join(TOP, "agent/base/limits.h"), encoding="utf-8") as file:
        found = re.findall(r"^#define LIMIT_([A-Z0-9_]+) +([\d u()*]+)$", file.read(), re.M)
    return {name: eval(re.sub(r"(\d)u\b", r"\1", value)) for name, value in found}


def limit(name):
    return limits()[name]


def same(got, want, what="value"):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def contains(text, part, what="text"):
    if part not in text:
        raise AssertionError("%s: %r has no %r" % (what, text, part))


def files_below(folder):
    """Paths of all files below the folder, sorted."""
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def litter(folder):
    """Files in any tmp below the folder. The links that a retry is known by (todoke-retry(7)) stay there for their time."""
    claim = re.compile("todoke-[0-9a-f]{34}")
    return [path for path in files_below(folder) if path.split(os.sep)[-2:-1] == ["tmp"] and not claim.fullmatch(os.path.basename(path))]


def claims(folder):
    """Those links."""
    return [path for path in files_below(folder) if os.path.islink(os.path.join(folder, path)) and "/todoke-" in path]


def may_nobody_read(path):
    """Can everybody reach the folder and what is in it? A Python below root's home is closed to tests that are not root."""
    at = os.path.realpath(path)
    while at != "/":
        if os.stat(at).st_mode & 0o005 != 0o005:
            return False
        at = os.path.dirname(at)
    return True


def choose_python():
    """Start again with the system's Python where `nobody` could not load the modules of this one."""
    system = "/usr/bin/python3"
    if os.geteuid() == 0 and not may_nobody_read(sys.prefix) and os.path.exists(system) and "TAP_PYTHON" not in os.environ:
        os.environ["TAP_PYTHON"] = system  # once only
        os.execv(system, [system, *sys.argv])


def as_root(test):
    """Mark a test that only root can run. All others run as `nobody` where root started them: no mail is root's."""
    test.as_root = True
    return test


def plain_only(why):
    """Mark a test that needs no second run with sanitizers; whole files of such tests stand in tests/lib/plain-only."""
    def mark(test):
        test.plain_only = why
        return test
    return mark


def call(test, folder, keep_root):
    """Run one test in this process, or in a child that is `nobody`. Raises what the test raised, or says that it failed."""
    if SANITIZED and getattr(test, "plain_only", None):
        raise Skip(test.plain_only)
    needs_root = getattr(test, "as_root", False)
    if os.geteuid() != 0 or needs_root or keep_root:
        if needs_root and os.geteuid() != 0:
            raise Skip("needs root")
        test(folder)
        return

    os.chown(folder, NOBODY, NOBODY)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(run_as_nobody(test, folder))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    note = os.path.join(folder, ".tap-note")
    text = open(note, encoding="utf-8").read() if os.path.exists(note) else "the test's process ended with %d" % code
    if code == EXIT_SKIP:
        raise Skip(text)
    if code != 0:
        raise Failed(text)


def become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def run_as_nobody(test, folder):
    """In the child: the exit code; what there is to say stands in a file."""
    become_nobody()
    os.environ.update(HOME=folder, USER="nobody", LOGNAME="nobody")
    code, text = 0, None
    try:
        test(folder)
    except Skip as reason:
        code, text = EXIT_SKIP, str(reason)
    except BaseException:  # a test may fail in any way, and nothing of it may go on in the parent's place
        code, text = 1, traceback.format_exc()
    if text is not None:
        with open(os.path.join(folder, ".tap-note"), "w", encoding="utf-8") as note:
            note.write(text)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def run(tests, keep_root=False):
    """
    Run functions as TAP tests, each with a private folder; exits 1 if one failed. The command line names those that shall run;
    --list prints all names. `keep_root`: where root starts them, they stay root; for tests of daemons that become others.
    """
    choose_python()
    only = sys.argv[1:]
    if only == ["--list"]:
        print(*(test.__name__ for test in tests), sep="\n")
        sys.exit(0)
    tests = [test for test in tests if not only or test.__name__ in only]
    print("1..%d" % len(tests))
    failed = False
    for number, test in enumerate(tests, 1):
        folder = tempfile.mkdtemp(prefix="todoke-")
        name = test.__name__.removeprefix("test_").replace("_", " ")
        try:
            call(test, folder, keep_root)
            print("ok %d - %s" % (number, name))
        except Skip as reason:
            print("ok %d - %s # SKIP %s" % (number, name, reason))
        except Exception:  # a test may fail in any way
            failed = True
            print("not ok %d - %s" % (number, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("# again: %s %s" % (sys.argv[0], test.__name__))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            private_host.forget()
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
