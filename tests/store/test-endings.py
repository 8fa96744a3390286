#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How deliveries end: by a signal, at a lock, as a retry; and what programs of rules inherit."""

import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp_client
import tap

# strace, the shim and the search for leaks exclude each other.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"

# Of today: rules put nothing off that is older than a day.
MESSAGE = b"Received: by mx.test; " + time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()).encode() + b"\nFrom: a@b.test\nSubject: x\n\nbody\n"


def command(folder, *args):
    return [tap.TODOKE, "deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "add_mark=no",
            "-f", "s@x.test", "-d", "ann@example.test", "--queue-id", "4ABC", *args]


def start(arguments, **more):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    env.pop("TODOKE_CONF", None)
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, **more)


def as_nobody(folder):
    """Recipes never run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chmod(folder, 0o755)
    for at, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(at, name), nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def make_home(folder, recipes):
    home = folder + "/home"
    for inside in ("tmp", "new", "cur"):
        os.makedirs(home + "/Maildir/" + inside)
    with open(home + "/rc", "wb") as file:
        file.write(recipes)
    return ["-o", "maildir=%s/Maildir" % home, "-o", "home=" + home, "-o", "recipes=all", "-o", "recipe_files=%s/rc" % home,
            "-o", "log_file=%s/log" % home]


def test_signals_leave_no_draft(folder):
    tmp = folder + "/example.test/ann/tmp"
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A shell that starts the tests in the background lets its children ignore SIGINT.
        one = start(command(folder), preexec_fn=lambda each=sig: signal.signal(each, signal.SIG_DFL))
        one.stdin.write(MESSAGE + b"x" * 200000)  # what the mark covers is read before the draft is begun
        one.stdin.flush()
        tap.wait_for("a draft", lambda: os.path.isdir(tmp) and os.listdir(tmp))
        one.send_signal(sig)
        said, _ = one.communicate(timeout=tap.PATIENCE)
        tap.same((one.returncode, said), (75, b"4.3.2 service is shutting down: stopped while reading the message [4ABC]\n"))
        tap.same(os.listdir(tmp), [], "tmp")


def test_signal_that_our_caller_ignores(folder):
    one = start(command(folder), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    tap.wait_for("todoke", lambda: b"todoke" in open("/proc/%d/cmdline" % one.pid, "rb").read())
    one.send_signal(signal.SIGHUP)
    said, _ = one.communicate(MESSAGE, timeout=tap.PATIENCE)
    tap.same((one.returncode, said), (0, b"stored in INBOX\n"))


def test_signal_while_a_program_runs(folder):
    """It is ended as well, and the draft goes; the next try delivers."""
    args = make_home(folder, b":0 w\n* B ?? again\n| echo $$ >pid; exec sleep 1000\n")
    user = as_nobody(folder)
    one = start(command(folder, *args), cwd="/", **user)
    one.stdin.write(MESSAGE.replace(b"body", b"again"))
    one.stdin.close()
    pid = int(tap.wait_for("the program", lambda: os.path.exists(folder + "/home/pid") and open(folder + "/home/pid").read().endswith("\n") and open(folder + "/home/pid").read()))
    one.send_signal(signal.SIGTERM)
    tap.same(one.wait(tap.PATIENCE), 75, "exit")
    tap.wait_for("its end", lambda: not tap.is_alive(pid))
    tap.same(tap.files_below(folder + "/home/Maildir"), [], "mailbox")


def test_signal_in_the_commit_waits(folder):
    """What is claimed is finished: SIGTERM at the first rename into new."""
    tap.need_strace()
    done = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:signal=TERM", *command(folder)],
                          input=MESSAGE, capture_output=True, env=dict(os.environ, LC_ALL="C.UTF-8"), check=False)
    tap.same((done.returncode, done.stdout), (0, b"stored in INBOX\n"))
    tap.same(tap.litter(folder), [], "tmp")


def test_retry_says_where_the_mail_is(folder):
    tap.same(tap.todoke(*command(folder)[1:], stdin=MESSAGE).stdout, b"stored in INBOX\n")
    tap.same(tap.todoke(*command(folder)[1:], stdin=MESSAGE).stdout, b"stored in INBOX by an earlier try\n")
    with lmtp_client.Server(folder) as server:
        client = server.client().greet()
        body = MESSAGE.decode().replace("\n", "\r\n")
        tap.same(client.deliver("bob@d.test", body=body), ["250 2.0.0 <bob@d.test> stored in INBOX"])
        tap.same(client.deliver("bob@d.test", body=body), ["250 2.0.0 <bob@d.test> stored in INBOX by an earlier try"])


def test_no_blank_for_the_line_end(folder):
    """Postfix's pipe is non-blocking, and it makes a blank of a line end."""
    for message, code, want in ((MESSAGE, 0, b"stored in INBOX"), (MESSAGE, 67, b"5.1.1 no such user here [4ABC]")):
        out, into = os.pipe()
        os.set_blocking(into, False)
        args = command(folder, "-o", "create_maildir=no", "-o", "maildir=%s/none" % folder) if code else command(folder)
        done = subprocess.run(args, input=message, stdout=into, stderr=into, env=dict(os.environ, LC_ALL="C.UTF-8"), check=False)
        os.close(into)
        said = os.read(out, 4096)
        os.close(out)
        if code == 67 and done.returncode != 67:
            continue  # a tree that is not there may be our fault
        tap.same((done.returncode, said), (code, want))


def test_lock_timeout_names_the_lock(folder):
    args = make_home(folder, b":0:\n* ^Subject: x\nbox\n\n:0:named.lock\n* ^Subject: y\nother\n")
    for name in ("box.lock", "named.lock"):
        with open(folder + "/home/" + name, "w", encoding="ascii"):
            pass
    user = as_nobody(folder)
    for subject, lock in ((b"x", b"box.lock"), (b"y", b"named.lock")):
        done = tap.todoke(*command(folder, *args, "-o", "recipe_lock_wait=0")[1:], stdin=MESSAGE.replace(b": x", b": " + subject), **user)
        tap.same((done.returncode, done.stdout), (75, b"4.2.0 the lock '%s' is held by another program [4ABC]\n" % lock))
        tap.contains(open(folder + "/home/log").read(), "%s/home/%s" % (folder, lock.decode()), "log")


def test_lockfile_of_recipes_names_the_lock(folder):
    args = make_home(folder, b"LOCKFILE=$HOME/all.lock\n:0\nbox\n")
    with open(folder + "/home/all.lock", "w", encoding="ascii"):
        pass
    done = tap.todoke(*command(folder, *args, "-o", "recipe_lock_wait=0")[1:], stdin=MESSAGE, **as_nobody(folder))
    tap.same(done.returncode, 75)
    tap.contains(done.stdout, b"4.2.0 the lock 'all.lock' of the recipient's rules is held", "answer")


def test_program_under_lmtpd_has_its_memory(folder):
    """lmtp_memory_limit bounds our parsers; the limits of whoever started lmtpd hold for all."""
    if tap.SANITIZED:
        raise tap.Skip("sanitizers reserve more address space than any limit allows")
    os.makedirs(folder + "/programs")
    with open(folder + "/programs/limits", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat >/dev/null\n{ ulimit -v; ulimit -Hv; } >%s/said\n" % folder)
    os.chmod(folder + "/programs/limits", 0o755)
    with open(folder + "/main.sieve", "w", encoding="ascii") as file:
        file.write('require ["vnd.dovecot.pipe", "copy"];\npipe :copy "limits";\n')
    args = ["-o", "sieve_extensions=+vnd.dovecot.pipe", "-o", "program_folder=%s/programs" % folder,
            "-o", "sieve_scripts=%s/main.sieve" % folder, "-o", "lmtp_memory_limit=300M"]
    limit = 4096 * 1024 * 1024
    for before, want in ((None, "unlimited\nunlimited\n"), ((limit, limit), "%d\n%d\n" % (limit // 1024, limit // 1024))):
        if before is None and resource.getrlimit(resource.RLIMIT_AS) != (resource.RLIM_INFINITY, resource.RLIM_INFINITY):
            continue
        preexec = (lambda: resource.setrlimit(resource.RLIMIT_AS, before)) if before else None
        with lmtp_client.Server(folder, *args, preexec=preexec) as server:
            worker = server.workers()[0]
            with open("/proc/%d/limits" % worker, encoding="ascii") as file:
                soft = [line.split()[3] for line in file if line.startswith("Max address space")]
            tap.same(soft == [str(300 * 1024 * 1024)], not tap.SANITIZED, "the worker's own limit")
            tap.contains(server.client().greet().deliver("ann@d.test")[0], "250 ", "reply")
            tap.same(os.path.exists(folder + "/said"), True, server.read_log())
            with open(folder + "/said", encoding="ascii") as file:
                tap.same(file.read(), want, "ulimit")


def one_client():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        return socket.create_connection(listener.getsockname()), listener.accept()[0]


def test_stdio_leaves_after_a_refusal(folder):
    """Not in lmtp_allow, and with a worker that could not be given the client."""
    tap.need_strace()
    wrap = ["strace", "-f", "-o", "/dev/null", "-e", "trace=sendmsg", "-e", "inject=sendmsg:error=ENOMEM:when=1"]
    for before, more, want in (([], ["-o", "lmtp_allow=10.0.0.0/8"], b"421 4.7.0 "), (wrap, [], b"421 4.3.2 ")):
        ours, its = one_client()
        server = subprocess.Popen([*before, tap.TODOKE, "lmtpd", "--stdio", "-o", "log_file=%s/log" % folder,
                                   "-o", "maildir=%s/%%d/%%n" % folder, *more], stdin=its, stdout=its)
        its.close()
        tap.contains(ours.recv(500), want, "greeting")
        tap.same(server.wait(tap.PATIENCE), 0, "exit")
        tap.same(ours.recv(1), b"", "the end")
        ours.close()


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
