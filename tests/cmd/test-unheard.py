#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A configuration that is wrong, where there is no syslog, as in containers: somebody hears of it all the same."""

import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@d.test\nSubject: x\n\nbody\n"
GENERIC = "4.3.5 mail system is configured incorrectly"


def boxed(folder, log=None):
    """What runs a command where /dev/log is not there, or is the socket `log`."""
    if log is None and not os.path.exists("/dev/log"):
        return []
    words = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--bind", folder, folder]
    words += ["--ro-bind", log, "/dev/log"] if log is not None else []
    if shutil.which("bwrap") is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
        raise tap.Skip("bwrap does not run here")
    return words


def write(folder, text, name="todoke.conf"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(prefix, *args, stdin=MESSAGE):
    result = subprocess.run([*prefix, tap.TODOKE, *args], input=stdin, capture_output=True, check=False,
                            timeout=tap.PATIENCE)
    return result.returncode, result.stdout.decode().rstrip("\n"), result.stderr.decode()


def deliver(prefix, conf, *more):
    return run(prefix, "deliver", "-c", conf, "-f", "s@x.test", "-d", "ann@d.test", *more)


def test_the_status_line_says_it(folder):
    conf = write(folder, 'hop_limit = 30\n\nmaildri = "/var/vmail/%d/%n"\n')
    tap.same(deliver(boxed(folder), conf), (75, GENERIC + ": todoke.conf:3: unknown setting 'maildri'", ""))


def test_no_path_is_told(folder):
    """Of paths, which strangers may read in a bounce, only the last name is left."""
    for text in ('maildir = "var/secret-place/%n"\n', 'state_folder = "/var/secret-place/%x"\n', 'maildir = "/var/secret-place/%q"\n'):
        code, said, _ = deliver(boxed(folder), write(folder, text))
        tap.same(code, 75)
        tap.contains(said, GENERIC + ": todoke.conf:1: ", text)
        tap.same([word for word in ("secret", folder, "/var") if word in said], [], said)
    code, said, _ = deliver(boxed(folder), folder + "/not-there.conf")
    tap.same((code, said), (75, GENERIC + ": not-there.conf: cannot open it: No such file or directory"))


def test_other_faults_of_the_configuration(folder):
    conf = write(folder, 'maildir = "/var/vmail/%d/%n"\n')
    code, said, _ = run(boxed(folder), "deliver", "-c", conf, "-f", "s@x.test", "-d", "ann")
    tap.same((code, said), (75, GENERIC + ": '%n' needs a domain, and the recipient 'ann' has none: give the whole address (in master.cf: -d ${recipient})"))


def test_the_log_file_of_the_broken_configuration(folder):
    for text in ('log_file = "%s/log"\nmaildri = "x"\n', 'maildri = "x"\nlog_file = "%s/log"\n'):
        conf = write(folder, text % folder)
        tap.same(deliver(boxed(folder), conf), (75, GENERIC, ""))
        with open(folder + "/log", encoding="utf-8") as log:
            tap.contains(log.read(), "todoke.conf:%d: unknown setting 'maildri'" % (2 if text.startswith("log") else 1))
        os.unlink(folder + "/log")
    conf = write(folder, 'log_file = "%s/no/log"\nmaildri = "x"\n' % folder)
    tap.contains(deliver(boxed(folder), conf)[1], ": todoke.conf:2: unknown setting")


def test_with_syslog_the_status_line_is_short(folder):
    path = folder + "/dev-log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(tap.PATIENCE)
        conf = write(folder, 'maildri = "x"\n')
        tap.same(deliver(boxed(folder, path), conf), (75, GENERIC, ""))
        tap.contains(listener.recv(65536).decode(), "unknown setting 'maildri'")


def test_lmtpd_says_it_to_stderr(folder):
    conf = write(folder, 'maildri = "x"\n')
    code, said, err = run(boxed(folder), "lmtpd", "-c", conf, "--listen", "unix:%s/socket" % folder)
    tap.same((code, said, err.count("unknown setting 'maildri'")), (78, "", 1))
    code, said, err = run(boxed(folder), "lmtpd", "--stdio", "-c", conf, stdin=b"")
    tap.same((code, said.rstrip("\r"), err), (78, "421 " + GENERIC + ": todoke.conf:1: unknown setting 'maildri'", ""))


def test_lmtpd_goes_on_to_log_to_stderr(folder):
    """After the start too: what it says of a reload, and of each mail."""
    os.mkdir(folder + "/mail")
    conf = write(folder, 'maildir = "%s/mail/%%n"\n' % folder)
    with open(folder + "/err", "wb") as err:
        server = subprocess.Popen([*boxed(folder), tap.TODOKE, "lmtpd", "-c", conf, "-o", "add_mark=no", "--listen", "unix:%s/socket" % folder], stderr=err)

    def said():
        with open(folder + "/err", encoding="utf-8") as file:
            return file.read()
    try:
        tap.wait_for("lmtpd", lambda: "is ready" in said())
        write(folder, 'maildri = "x"\n')
        pid = server.pid if boxed(folder) == [] else int(open("/proc/%d/task/%d/children" % (server.pid, server.pid), encoding="ascii").read().split()[0])
        os.kill(pid, signal.SIGHUP)
        tap.wait_for("the reload", lambda: "the old configuration stays: %s:1: unknown setting 'maildri'" % conf in said())
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(folder + "/socket")
            client.sendall(b"LHLO x\r\nMAIL FROM:<s@x.test>\r\nRCPT TO:<ann@d.test>\r\nDATA\r\n")
            client.sendall(b"Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n")
            while client.recv(4096):
                pass
        tap.contains(said(), "to=ann@d.test")
    finally:
        server.terminate()
        server.wait(tap.PATIENCE)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
