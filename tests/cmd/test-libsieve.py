#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libsieve as the engine of whole deliveries: mail is stored whatever becomes of the library, and the log says what did."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

PROGRAM = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", "."), "todoke-libsieve")
HAVE_LIBSIEVE = os.path.exists(PROGRAM)
MESSAGE = b"From: boss@example.org\nTo: ann@example.test\nSubject: report\n\nbody\n"
RULES = 'require "fileinto";\nif header :contains "subject" "report" { fileinto "Work"; }\n'
WALL_SECONDS = 5


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def deliver(folder, rules, *args, env=None, message=MESSAGE):
    """(files, log): what was stored below the INBOX, and the line of the log."""
    script = write(folder, "main.sieve", rules)
    result = tap.todoke("deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=" + script,
                        "-o", "sieve_engine=libsieve", "-f", "boss@example.org", "-d", "ann@example.test", *args, stdin=message, env=env)
    tap.same((result.returncode, result.stderr), (0, b""), "exit and stderr")
    with open(os.path.join(folder, "log"), encoding="utf-8") as log:
        line = log.read().splitlines()[-1]
    names = [name for name in tap.files_below(os.path.join(folder, "example.test/ann")) if re.search(r"(^|/)new/", name)]
    return [name.rsplit("new/", 1)[0] for name in names], line


def need_libsieve():
    if not HAVE_LIBSIEVE:
        raise tap.Skip("built without libsieve")


def test_rules_decide(folder):
    need_libsieve()
    stored, log = deliver(folder, RULES)
    tap.same(stored, [".Work/"])
    tap.same("note=" in log, False, "a note without need")


def test_refused_script_is_served_by_our_own_engine(folder):
    need_libsieve()
    stored, log = deliver(folder, RULES.replace('"fileinto"', '["fileinto", "copy"]').replace("fileinto \"W", "fileinto :copy \"W"))
    tap.same(sorted(stored), ["", ".Work/"])
    tap.contains(log, 'main.sieve:1: \\"copy\\": libsieve does not have it; the native engine serves')


def test_refused_script_is_wrong_by_setting(folder):
    need_libsieve()
    rules = 'require ["fileinto", "copy"]; fileinto :copy "Work";'
    stored, log = deliver(folder, rules, "-o", "libsieve_refused=error")
    tap.same(stored, ["", ""], "the message, and what the owner is told")
    tap.contains(log, "libsieve does not have it; the script was not run")


def fake(folder, program):
    """A folder where todoke-libsieve is something else."""
    write(folder, "todoke-libsieve", program, 0o755)
    return {"TODOKE_PROGRAM_DIR": folder}


# What the program does, what the log says.
BROKEN = {
    "crashes": ("#!/bin/sh\nkill -SEGV $$\n", "libsieve crashed: signal 11"),
    "aborts": ("#!/bin/sh\ncat >/dev/null\nkill -ABRT $$\n", "libsieve crashed: signal 6"),
    "says nothing": ("#!/bin/sh\nexit 0\n", "record of 0 octets is broken"),
    "says too much": ("#!/bin/sh\nexec cat /dev/zero\n", "said more than"),
    "answers noise": ("#!/bin/sh\nhead -c 64 /dev/urandom\n", "record of 64 octets is broken"),
    "stops half-way": ("#!/bin/sh\nprintf 'TLSR\\001\\000\\000\\000\\000\\000\\000\\000\\001\\000\\000\\000'\n", "record of 16 octets is broken"),
    "has a good record and a bad end": ("#!/bin/sh\nprintf 'TLSR\\001\\000\\000\\000\\000\\000\\000\\000\\001\\000\\000\\000\\000\\000\\000\\000"
                                        "\\000\\000\\000\\000\\000!END'\nexit 9\n", "ended with exit code 9"),
    "hangs": ("#!/bin/sh\nexec sleep 1000\n", "took longer than %d seconds" % WALL_SECONDS),
    "leaves a child": ("#!/bin/sh\nsleep 1000 &\nexit 0\n", "is broken"),
}


def test_broken_program(folder):
    need_libsieve()
    for name, (program, reason) in BROKEN.items():
        box = os.path.join(folder, name.replace(" ", "-"))
        os.mkdir(box)
        stored, log = deliver(box, RULES, env=fake(box, program))
        tap.same(stored, [""], name)
        tap.contains(log, "main.sieve: engine fault: ", name)
        tap.contains(log, reason, name)
        tap.contains(log, "the script's actions were dropped", name)


def test_missing_program(folder):
    need_libsieve()
    stored, log = deliver(folder, RULES, env={"TODOKE_PROGRAM_DIR": folder})
    tap.same(stored, [""])
    tap.contains(log, "engine fault: libsieve: cannot run")


def test_user_has_an_engine_of_his_own(folder):
    need_libsieve()
    env = fake(folder, BROKEN["crashes"][0])
    stored, _ = deliver(folder, RULES, "-o", "sieve_engine_of=ann@example.test=native", env=env)
    tap.same(stored, [".Work/"])
    _, log = deliver(folder, RULES, "-o", "sieve_engine=native", "-o", "sieve_engine_of=ann@example.test=libsieve", env=env)
    tap.contains(log, "libsieve crashed")


def test_shut_in(folder):
    """The limits and descriptors that the program gives itself: seen by a library that tells."""
    need_libsieve()
    code_in = os.path.join(os.path.dirname(tap.TODOKE), ".libs/todoke-main.so")
    maps = subprocess.run(["ldd", code_in], capture_output=True, text=True, check=False).stdout
    tap.contains(maps, "libglib", "what it is linked with")
    tap.same("libsieve" in maps, False, "the delivery itself is linked with libsieve")
    tap.need_strace()
    if tap.SANITIZED:
        raise tap.Skip("sanitizers make calls of their own")
    script = write(folder, "main.sieve", RULES)
    message = write(folder, "m.eml", MESSAGE.decode())
    trace = os.path.join(folder, "trace")
    subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=prlimit64,setrlimit,prctl,close,close_range,openat,read,write,execve", tap.TODOKE, "try",
                    "--engine", "libsieve", "--script", script, message], check=True, capture_output=True)
    with open(trace, encoding="utf-8") as file:
        lines = file.read().splitlines()
    start = [i for i, line in enumerate(lines) if "todoke-libsieve" in line and "execve" in line][0]
    child = lines[start].split()[0]
    calls = [line.split(None, 1)[1] for line in lines[start + 1:] if line.startswith(child + " ")]
    whole = "\n".join(calls)
    for limit in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NOFILE"):
        tap.contains(whole, limit, "limits")
    tap.contains(whole, "PR_SET_DUMPABLE, SUID_DUMP_DISABLE", "prctl")
    # Nothing of the request is read before, and when the last descriptor is closed only the way out is left.
    first_read = [i for i, call in enumerate(calls) if call.startswith("read(0")][0]
    tap.contains("\n".join(calls[:first_read]), "RLIMIT_NOFILE", "before the first octet")
    closed = [i for i, call in enumerate(calls) if call.startswith("close_range(2")][0]
    tap.contains("\n".join(calls[:closed]), "close(0)", "standard input")
    tap.same([call for call in calls[closed + 1:] if not call.startswith(("write(1", "<...", "+++"))], [], "calls while the library runs")


def test_check_names_each_line(folder):
    need_libsieve()
    script = write(folder, "main.sieve", 'require "copy";\nkeep;\nif size :over 2G { redirect :copy "a@b.example"; }\n')
    tap.same(tap.todoke("check", script).stdout, b"")
    result = tap.todoke("check", "--engine", "libsieve", script)
    tap.same(result.returncode, 1)
    findings = [line for line in result.stdout.decode().splitlines() if line.startswith("/")]
    tap.same([line.replace(script, "main.sieve") for line in findings], [
        'main.sieve:1:9: warning: "copy": libsieve does not have it',
        "main.sieve:3:15: warning: sizes of 2 GB and more: libsieve's numbers end there",
        "main.sieve:3:29: warning: ':copy': libsieve does not have it",
    ])


def test_try_shows_the_plan(folder):
    need_libsieve()
    script, message = write(folder, "main.sieve", RULES), write(folder, "m.eml", MESSAGE.decode())
    result = tap.todoke("try", "--engine", "libsieve", "--script", script, message)
    tap.same(result.returncode, 0)
    tap.contains(result.stdout, b'fileinto Work')
    result = tap.todoke("try", "--engine", "other", "--script", script, message)
    tap.same(result.returncode, 2)
    tap.contains(result.stderr, b"--engine: 'other' is none of native, libsieve")


def test_many_values(folder):
    """LIMIT_LIBSIEVE_VALUES: over a megabyte of values our own engine decides."""
    need_libsieve()
    big = "X-Fits: " + "v" * (1024 * 1024 - 6) + "end\n\n"
    script = write(folder, "main.sieve", 'require "fileinto";\nif header :contains "x-fits" "end" { fileinto "fits"; }\n'
                   'if header :contains "subject" "x" { fileinto "more"; }\n')
    for subject, decided in (("xxx", False), ("xxxx", True)):
        message = write(folder, "m.eml", "Subject: %s\n%s" % (subject, big))
        said = tap.todoke("try", "--engine", "libsieve", "--script", script, message).stdout.decode()
        tap.contains(said, 'fileinto fits')
        tap.contains(said, 'fileinto more')
        tap.same("decided by our own engine: the values are too many" in said, decided, "who decided")


def test_settings(folder):
    del folder
    if HAVE_LIBSIEVE:
        result = tap.todoke("config", "-o", "sieve_engine_of=ann=libsive")
        tap.contains(result.stderr, b"'ann=libsive' is not allowed for 'sieve_engine_of': it wants user=native or user=libsieve")
        return
    for setting in ("sieve_engine=libsieve", "sieve_engine_of=ann=libsieve"):
        tap.contains(tap.todoke("config", "-o", setting).stderr, b"this todoke was built without libsieve")


def test_version(folder):
    del folder
    lines = tap.todoke("--version").stdout.decode().splitlines()
    want = r"libsieve \S.* \(sieve_engine = libsieve\)" if HAVE_LIBSIEVE else "built without libsieve"
    if len(lines) != 3 or not re.fullmatch(want, lines[1]):
        raise AssertionError(lines)


tap.run([function for name, function in list(globals().items()) if name.startswith("test_")])
