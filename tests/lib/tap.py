"""tap: what our test scripts share: numbered results, private folders, running todoke."""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TODOKE = os.environ.get("TODOKE", "todoke")
TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


class Skip(Exception):
    """This test cannot run here; the text says why."""


# Built with sanitizers all takes several times as long: then the longest tests try fewer inputs.
SANITIZED = os.environ.get("SANITIZERS", "") != ""

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


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
            return stat.read().rsplit(") ", 1)[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def unused_port():
    """A port of loopback on which nobody listens; not one of those that the kernel gives to whoever asks for any."""
    for port in random.sample(range(10240, 32768), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")


def need_strace():
    """Some containers forbid it though it is there."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("strace does not run here")


def todoke(*args, stdin=b"", env=None, timeout=PATIENCE, **more):
    """Run todoke; standard output and error are captured apart, as bytes."""
    whole = dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8")
    whole.update(env or {})
    whole = {key: value for key, value in whole.items() if value != ""}
    return subprocess.run([TODOKE, *args], input=stdin, capture_output=True, env=whole, timeout=timeout, check=False, **more)


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
    """Files in any tmp below the folder. The links that a retry is known by (todoke(8), RETRIES) stay there for their time."""
    claim = re.compile("todoke-[0-9a-f]{34}")
    return [path for path in files_below(folder) if path.split(os.sep)[-2:-1] == ["tmp"] and not claim.fullmatch(os.path.basename(path))]


def claims(folder):
    """Those links."""
    return [path for path in files_below(folder) if os.path.islink(os.path.join(folder, path)) and "/todoke-" in path]


def run(tests):
    """Run functions as TAP tests, each with a private folder; exits 1 if one failed."""
    only = sys.argv[1:]
    tests = [test for test in tests if not only or test.__name__ in only]
    print("1..%d" % len(tests))
    failed = False
    for number, test in enumerate(tests, 1):
        folder = tempfile.mkdtemp(prefix="todoke-")
        name = test.__name__.removeprefix("test_").replace("_", " ")
        try:
            test(folder)
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
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
