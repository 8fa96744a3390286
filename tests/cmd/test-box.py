#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The box (setting sandbox): what a message that takes over the process that reads it cannot do, by every door; that mail is not
lost by it; and a kernel that has no such thing. tests/faults/hostile.c is what acts in the message's place."""

import ctypes
import errno
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from box_site import BUILD, MESSAGE, SMALL, Site, need
from lmtp_client import Server
from smtp_peer import Peer

NO_KERNEL = {"TODOKE_TEST_KERNEL": "no-landlock,no-seccomp"}
EX_TEMPFAIL = 75


def free_port():
    """A socket that listens; its port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, listener.getsockname()[1]


def try_paths(site, small):
    listener, port = free_port()
    with listener:
        wanted = {
            "read:" + site.other: errno.EACCES,  # another user's mailbox, of the same account
            "list:" + os.path.dirname(site.other): errno.EACCES,
            "write:" + site.folder + "/outside": errno.EACCES,
            "make:" + site.folder + "/mail/new": errno.EACCES,
            "write:/etc/passwd": errno.EACCES,
            "tcp:%d" % port: errno.EACCES,
            "udp:%d" % port: errno.EACCES,
            "make:" + site.folder + "/mail/x.test/ann/mine": 0,  # what the delivery is for
        }
        done = site.deliver(" ".join(wanted), small)
        tap.same((done.returncode, done.stderr), (0, b""), "outcome")
        tap.same(site.report(), wanted, "what was tried")
        tap.same(len(site.stored()), 1)


def test_paths_and_ports_of_a_delivery(folder):
    need("paths", "ports", "calls")
    try_paths(Site(folder), small=False)


def test_the_home_of_a_login(folder):
    """What its shell, local(8) or sshd read there would lead out of the box; sandbox_paths may open it."""
    need("paths", "calls")
    home = folder + "/home"
    for made in ("/.ssh", "/Maildir/cur", "/.local/state/todoke"):  # making them is flushed, and that is before the box
        os.makedirs(home + made)
    for name in ("/.forward", "/.ssh/id"):
        with open(home + name, "w", encoding="ascii") as file:
            file.write("secret\n")
    with open(home + "/.dovecot.sieve", "w", encoding="ascii") as file:
        file.write('require ["fileinto", "mailbox"]; fileinto :create "Work";\n')
    user = pwd.getpwuid(os.geteuid()).pw_name
    env = {"LOGNAME": user, "USER": user, "HOME": home, "RECIPIENT": user, "SENDER": "a@b.test", "ORIGINAL_RECIPIENT": user}
    wanted = {"write:%s/.forward" % home: errno.EACCES, "make:%s/.profile" % home: errno.EACCES, "read:%s/.ssh/id" % home: errno.EACCES,
              "make:%s/Maildir/mine" % home: 0, "make:%s/.local/state/todoke/mine" % home: 0}
    for more, opened in ([], False), (["-o", "sandbox_paths={~}"], True):
        site = Site(folder + "/%d" % opened, more=["-o", "users=system", "-o", "maildir=~/Maildir", "-o", "sieve_scripts={~/.dovecot.sieve}", *more])
        done = subprocess.run([tap.TODOKE, "deliver", *site.options], input=MESSAGE.replace(b"<1@", b"<%d@" % opened), capture_output=True, timeout=tap.PATIENCE,
                              env={**os.environ, **site.environment(" ".join(wanted)), **env}, check=False)
        tap.same((done.returncode, done.stdout), (0, b"stored in Work\n"), site.log())
        tap.same(site.report(), dict.fromkeys(wanted, 0) if opened else wanted)
        for made in ("/Maildir/mine", "/.local/state/todoke/mine"):
            os.unlink(home + made)


def new_folders(folder, sandbox):
    """{what a delivery to a mailbox that is not there makes: its mode}"""
    site = Site(folder, sandbox, ["-o", "umask=007", "-o", "maildir=%s/made/%%d/%%n" % folder, "-o", "state_folder=%s/state/%%n" % folder])
    os.mkdir(folder + "/made")  # the tree must be there
    done = site.deliver()
    tap.same((done.returncode, done.stdout[:5], done.stderr), (0, b"store", b""), "outcome")
    found = {}
    for top in ("made", "state"):
        for at, _, _ in os.walk(os.path.join(folder, top)):
            found[os.path.relpath(at, folder)] = oct(os.stat(at).st_mode & 0o7777)
    return found


def test_new_mailbox_is_as_without_a_box(folder):
    need("paths", "calls")
    with_box, without = folder + "/on", folder + "/off"
    os.mkdir(with_box)
    os.mkdir(without)
    found = new_folders(with_box, "on")
    tap.same({path: found.get(path) for path in ("made/x.test/ann", "made/x.test/ann/new")}, {"made/x.test/ann": "0o770", "made/x.test/ann/new": "0o770"})
    tap.same(found, new_folders(without, "off"), "with a box, and without")


def test_paths_and_ports_of_the_small_program(folder):
    need("paths", "ports", "calls")
    if not os.path.exists(SMALL):
        raise tap.Skip("built without todoke-deliver")
    try_paths(Site(folder), small=True)


def test_without_the_box_all_of_it_works(folder):
    """Or the tests above would prove nothing."""
    need("paths")
    site = Site(folder, sandbox="off")
    listener, port = free_port()
    with listener:
        tried = ["read:" + site.other, "write:" + site.folder + "/outside", "make:" + site.folder + "/mail/new", "tcp:%d" % port,
                 "udp:%d" % port]
        tap.same(site.deliver(" ".join(tried)).returncode, 0)
        tap.same(site.report(), dict.fromkeys(tried, 0))


def test_a_socket_of_this_host_is_not_reached(folder):
    """By the bus of a user's session another process could be asked to run a program."""
    need("calls")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(folder + "/bus")
        listener.listen()
        tried = "unix:%s/bus" % folder
        site = Site(folder)
        tap.same(site.deliver(tried).returncode, 0)
        tap.same(site.report(), {tried: errno.EACCES})
        other = Site(os.path.join(folder, "other"), sandbox="off")
        tap.same(other.deliver(tried).returncode, 0)
        tap.same(other.report(), {tried: 0})


def try_call(folder, what, name, small=False):
    """The call ends the process, the mail is deferred, the log names the call, and the retry delivers."""
    site = Site(folder)
    done = site.deliver(what, small)
    tap.same((done.returncode, site.report(), site.stored()), (-signal.SIGSYS, {}, []), what)
    tap.contains(site.log(), "4AB1: code=T316, event=box-refused, call=%s," % name)
    tap.same(site.deliver(small=small).returncode, 0)
    tap.same(len(site.stored()), 1)


def test_no_program_is_started(folder):
    need("calls")
    try_call(folder, "execve:/bin/true", "execve")


def test_no_process_is_traced(folder):
    need("calls")
    try_call(folder, "ptrace:%d" % os.getpid(), "ptrace")


def test_no_connecting_without_connect(folder):
    """sendto with MSG_FASTOPEN connects as well, and Landlock does not see it."""
    need("calls")
    try_call(folder, "fastopen:25", "sendto")


def test_calls_of_every_kind(folder):
    """One of each family that lets a process grow: mounting, namespaces, keys, modules, BPF, io_uring, another's memory."""
    need("calls")
    if os.uname().machine != "x86_64":
        raise tap.Skip("the numbers are those of x86_64")
    calls = {"mount": 165, "unshare": 272, "keyctl": 250, "init_module": 175, "bpf": 321, "io_uring_setup": 425,
             "process_vm_writev": 311, "perf_event_open": 298, "userfaultfd": 323, "setns": 308, "personality": 135, "setuid": 105,
             "quotactl": 179, "setpriority": 141, "pidfd_send_signal": 424, "rt_sigqueueinfo": 129, "pidfd_getfd": 438, "sched_setaffinity": 203,
             "shmget": 29, "add_key": 248, "request_key": 249, "open_by_handle_at": 304, "mq_open": 240, "1000": 1000}
    for name, number in calls.items():
        box = os.path.join(folder, name)
        os.mkdir(box)
        try_call(box, "call:%d" % number, name)


def test_another_process_of_the_account_is_left_alone(folder):
    """As long as it is outside of the box: no signal, no word to a socket of it, no octet of its memory, no limit; and nothing out of /proc."""
    need("paths", "calls")
    with subprocess.Popen(["sleep", "600"]) as other, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as talks:
        try:
            name = "todoke-test-box-%d" % os.getpid()
            talks.bind("\0" + name)
            wanted = {"memory:%d" % other.pid: errno.EPERM, "read:/proc/%d/environ" % other.pid: errno.EACCES,
                      "write:/proc/%d/mem" % other.pid: errno.EACCES}
            free = ["read:/proc/%d/environ" % other.pid, "kill:%d" % other.pid, "abstract:" + name]
            if landlock_version() >= 6:
                wanted.update({"kill:%d" % other.pid: errno.EPERM, "abstract:" + name: errno.EPERM})
            site = Site(folder)
            tap.same(site.deliver(" ".join(wanted)).returncode, 0, site.report())
            tap.same(site.report(), wanted)
            outside = Site(os.path.join(folder, "outside-of-it"), sandbox="off")
            tap.same(outside.deliver(" ".join(free)).returncode, 0)
            tap.same(outside.report(), dict.fromkeys(free, 0), "without the box all of it works")
            try_call(os.path.join(folder, "limit"), "limit:%d" % other.pid, "prlimit64")
        finally:
            other.kill()


def landlock_version():
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1))


def test_without_paths_memory_is_still_its_own(folder):
    """Landlock also keeps others' memory; where a kernel lacks it, the list of calls has to."""
    need("calls")
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            site = Site(folder, sandbox="auto")
            tried = "memory:%d" % other.pid
            tap.same(site.deliver(tried, env={"TODOKE_TEST_KERNEL": "no-landlock"}).returncode, 0)
            tap.same(site.report(), {tried: errno.EPERM})
        finally:
            other.kill()


def test_no_terminal_is_typed_into(folder):
    need("calls")
    site = Site(folder)
    tap.same((site.deliver("tiocsti:0").returncode, site.report()), (0, {"tiocsti:0": errno.ENOTTY}))


def test_no_program_without_a_file(folder):
    need("calls")
    try_call(folder, "memfd:program", "execveat")


def test_no_namespace_of_users_by_clone(folder):
    need("calls")
    try_call(folder, "users:0", "clone")


def test_the_small_program_runs_todoke_alone_and_in_the_box(folder):
    """It may become todoke, and whatever it becomes has no more than it had."""
    need("paths", "calls")
    if not os.path.exists(SMALL):
        raise tap.Skip("built without todoke-deliver")
    site = Site(folder)
    program = folder + "/program"
    with open(program, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat %s\n" % site.other)
    os.chmod(program, 0o755)
    tried = "execve:" + program
    tap.same(site.deliver(tried, small=True).returncode, 0)
    tap.same(site.report(), {tried: errno.EACCES})


def test_the_small_program_hands_over_in_the_box(folder):
    """What todoke needs when it starts, it finds there: settings, log, modules."""
    need("paths", "calls")
    if not os.path.exists(SMALL):
        raise tap.Skip("built without todoke-deliver")
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write('require ["fileinto", "mailbox"]; if header :contains "subject" "\u65e5" { fileinto :create "Work"; }\n')
    os.mkdir(folder + "/etc")
    with open(folder + "/etc/todoke.conf", "w", encoding="utf-8") as file:
        file.write('hop_limit = 20\n')
    site = Site(folder, more=["-o", "sieve_scripts={%s/main.sieve}" % folder, "-c", folder + "/etc/todoke.conf"])
    encoded = MESSAGE.replace(b"Subject: x", b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=")
    done = site.deliver(small=True, message=encoded)
    tap.same((done.returncode, done.stderr), (0, b""))
    tap.same((site.stored(), len(os.listdir(folder + "/mail/x.test/ann/.Work/new"))), ([], 1))


def test_the_small_program_hands_over_below_a_remembered_folder(folder):
    """todoke asks in the box whether the folder of all mailboxes is the one of before: its mark is there to be read."""
    need("paths", "calls")
    if not os.path.exists(SMALL):
        raise tap.Skip("built without todoke-deliver")
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write('require ["fileinto", "mailbox"]; if header :contains "subject" "\u65e5" { fileinto :create "Work"; }\n')
    os.mkdir(folder + "/trees")
    site = Site(folder, more=["-o", "tree_memory=%s/trees" % folder, "-o", "sieve_scripts={%s/main.sieve}" % folder])
    tap.same(site.deliver().returncode, 0)
    tap.same((len(os.listdir(folder + "/trees")), os.path.exists(folder + "/mail/.todoke-tree")), (1, True), "remembered")
    encoded = MESSAGE.replace(b"Subject: x", b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=")
    done = site.deliver(small=True, message=encoded)
    tap.same((done.returncode, done.stdout), (0, b"stored in Work\n"))


def test_a_message_that_always_does_it_is_delivered_without_rules(folder):
    """As one that crashes the rules."""
    need("calls")
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write('require ["fileinto", "mailbox"]; if header :contains "subject" "\u65e5" { fileinto :create "Work"; }\n')
    site = Site(folder, more=["-o", "sieve_scripts={%s/main.sieve}" % folder])
    encoded = MESSAGE.replace(b"Subject: x", b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=")
    for _ in range(tap.limit("CRASHES")):  # the words of the subject are read by a module that rules load
        done = site.deliver("execve:/bin/true", env={"TODOKE_HOSTILE_AT": "dlopen"}, message=encoded)
        tap.same(done.returncode, -signal.SIGSYS)
    tap.same(site.deliver(message=encoded).returncode, 0)
    tap.same(len(site.stored()), 1)
    tap.contains(site.log().splitlines()[-1], "no rules ran")


def test_a_kernel_without_it(folder):
    """auto delivers, on puts off and says why, check and doctor say it too."""
    site = Site(folder, sandbox="auto")
    tap.same(site.deliver(env=NO_KERNEL).returncode, 0)
    site = Site(os.path.join(folder, "on"))
    done = site.deliver(env=NO_KERNEL)
    tap.same(done.returncode, EX_TEMPFAIL)
    tap.contains(done.stdout.decode(), "4.3.5")
    tap.contains(site.log(), "sandbox = on: this kernel lacks Landlock and filters of system calls")
    conf = folder + "/todoke.conf"
    with open(conf, "w", encoding="ascii") as file:
        file.write("sandbox = on\n")
    tap.contains(tap.todoke("check", conf, env=NO_KERNEL).stdout.decode(), "sandbox is on, and what can be had is: nothing")
    tap.contains(tap.todoke("--version", env=NO_KERNEL).stdout.decode(), "sandbox: nothing")


def test_one_of_the_two_is_better_than_none(folder):
    need("paths", "calls")
    site = Site(folder, sandbox="auto")
    tried = "read:" + site.other
    for lacks, code in (("no-seccomp", errno.EACCES), ("no-landlock", 0)):
        tap.same(site.deliver(tried, env={"TODOKE_TEST_KERNEL": lacks}).returncode, 0)
        tap.same(site.report(), {tried: code}, lacks)


def test_mail_leaves_the_box_by_the_way_that_submit_names(folder):
    """A port, a port of a name that has to be looked up, and a socket; what else there is of sockets stays closed."""
    need("paths", "ports", "calls")
    with open(folder + "/main.sieve", "w", encoding="ascii") as file:
        file.write('require "copy"; redirect :copy "far@outside.test";\n')
    tried = "udp:53"
    for number, (path, name, udp) in enumerate(((None, None, errno.EACCES), (None, "localhost", 0), (folder + "/smtp", None, errno.EACCES))):
        with Peer(path=path) as peer:
            submit = peer.submit.replace("127.0.0.1", name) if name else peer.submit
            site = Site(folder + "/%d" % number, more=["-o", "sieve_scripts={%s/main.sieve}" % folder, "-o", "submit=" + submit])
            done = site.deliver(tried)
            tap.same((done.returncode, len(peer.mails), len(site.stored())), (0, 1, 1), "%s: %s" % (submit, site.log()))
            tap.same(site.report(), {tried: udp}, submit)


def test_links_out_of_the_mailbox(folder):
    """A folder elsewhere has to be named; until then mail for it goes to the INBOX, and the log says what to do."""
    need("paths")
    site = Site(folder)
    with open(folder + "/main.sieve", "w", encoding="ascii") as file:
        file.write('require "fileinto"; fileinto "Archive";\n')
    for part in ("cur", "new", "tmp"):
        os.makedirs(folder + "/archive/" + part)
    os.symlink(folder + "/archive", folder + "/mail/x.test/ann/.Archive")
    site.options += ["-o", "sieve_scripts={%s/main.sieve}" % folder]
    tap.same(os.listdir(folder + "/archive/new"), [])
    tap.same(site.deliver().returncode, 0)
    tap.same((os.listdir(folder + "/archive/new"), len(site.stored())), ([], 1))
    tap.contains(site.log(), "stored in the INBOX: folder '.Archive'")
    tap.contains(site.log(), "(it is not in the box: sandbox_paths): Permission denied")
    site.options += ["-o", "sandbox_paths={%s/archive}" % folder]
    tap.same(site.deliver(message=MESSAGE.replace(b"<1@", b"<2@")).returncode, 0)
    tap.same(len(os.listdir(folder + "/archive/new")), 1)


def serve(folder, hostile, at="fsync", more=(), site=None, sandbox="on"):
    site = site or Site(folder, sandbox=sandbox)
    env = site.environment(hostile, TODOKE_HOSTILE_AT=at)
    env["TODOKE_HOSTILE_REPORT"] = site.report_path
    return site, Server(folder, "-o", "sandbox=" + sandbox, "-o", "submit=smtp:127.0.0.1:25", "-o", "early_record_folder=",
                        "-o", "outage_folder=", "-o", "key_file=", *more, env=env)


def test_a_worker_of_lmtpd(folder):
    """One account for all mail: the tree of the mailboxes, and nothing else."""
    need("paths", "ports", "calls")
    listener, port = free_port()
    wanted = {"write:%s/outside" % folder: errno.EACCES, "read:/etc/shadow": errno.EACCES, "tcp:%d" % port: errno.EACCES,
              "make:%s/elsewhere" % folder: errno.EACCES}
    site, server = serve(folder, " ".join(wanted))
    with listener, server:
        tap.contains(server.read_log(), "sandbox: paths, ports, calls")
        tap.contains(server.client().greet().deliver("ann@x.test")[0], "250 ")
        tap.same(site.report(), wanted)


def test_a_worker_that_cannot_know_the_paths(folder):
    """The line at start says what is in force, and no more; with "on" mail waits until the folders are named."""
    need("paths", "ports", "calls")
    with open(folder + "/passwd", "w", encoding="ascii") as file:
        file.write("ann@x.test:::::%s/mail/x.test/ann\n" % folder)
    os.chmod(folder + "/passwd", 0o600)
    site, outside = Site(folder, sandbox="auto"), "write:%s/outside" % folder
    users = ["-o", "users=passwd_file", "-o", "passwd_file=%s/passwd" % folder]
    named = ["-o", "sandbox_paths={%s/mail}" % folder]
    for sandbox, more, told, code in (("auto", [], "sandbox: calls\"", 0), ("auto", named, "sandbox: paths, ports, calls", errno.EACCES)):
        _, server = serve(folder, outside, more=[*users, *more], site=site, sandbox=sandbox)
        with server:
            tap.contains(server.read_log(), told)
            tap.contains(server.client().greet().deliver("ann@x.test")[0], "250 ")
            tap.same(site.report(), {outside: code})
        os.unlink(site.report_path)
        os.unlink(server.log)
    _, server = serve(folder, "", more=users, site=site)
    with server:
        tap.contains(server.client().read(), "421 4.3.")
        server.wait_for(lambda: "name their folders in sandbox_paths" in server.read_log())


def test_a_script_that_is_a_link(folder):
    """A release of the site's rules: the process that lives long reads what the link leads to, and the next version there."""
    need("paths")
    os.mkdir(folder + "/rules")
    os.mkdir(folder + "/release")
    os.symlink(folder + "/release/main.sieve", folder + "/rules/main.sieve")

    def release(name):
        with open(folder + "/release/new", "w", encoding="ascii") as file:
            file.write('require ["fileinto", "mailbox"]; fileinto :create "%s";\n' % name)
        os.rename(folder + "/release/new", folder + "/release/main.sieve")

    release("One")
    site, server = serve(folder, "", more=["-o", "sieve_scripts={%s/rules/main.sieve}" % folder])
    with server:
        for name in ("One", "Two"):
            release(name)
            body = "Message-ID: <%s@b.test>\r\nSubject: x\r\n\r\nx\r\n" % name
            tap.contains(server.client().greet().deliver("ann@x.test", body=body)[0], "250 ")
            tap.same(len(os.listdir(folder + "/mail/x.test/ann/.%s/new" % name)), 1, server.read_log())
        tap.same(site.stored(), [])


@tap.as_root
def test_an_inbox_that_is_a_link(folder):
    """A mailbox on another disk, by a process of its owner."""
    need("paths", "calls")
    os.chmod(folder, 0o755)
    site = Site(folder)
    os.rmdir(folder + "/mail/x.test/ann/cur")
    os.rmdir(folder + "/mail/x.test/ann")
    os.makedirs(folder + "/disk/ann")
    os.symlink(folder + "/disk/ann", folder + "/mail/x.test/ann")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    subprocess.run(["chown", "-hR", "64101:64101", folder + "/mail", folder + "/disk/ann"], check=True)
    with open(site.report_path, "w", encoding="ascii"):
        os.chmod(site.report_path, 0o666)
    _, server = serve(folder, "", site=site)
    with server:
        tap.contains(server.client().greet().deliver("ann@x.test")[0], "250 ", server.read_log())
        tap.same(len(site.stored()), 1)


@tap.as_root
def test_a_second_mailbox_that_is_a_link(folder):
    """A process that is kept for the tree does not reach it; the log names the setting, by which it does."""
    need("paths", "calls")
    os.chmod(folder, 0o755)
    site = Site(folder)
    shutil.rmtree(folder + "/mail/x.test/bob")
    os.makedirs(folder + "/disk/bob")
    os.symlink(folder + "/disk/bob", folder + "/mail/x.test/bob")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    subprocess.run(["chown", "-hR", "64101:64101", folder + "/mail", folder + "/disk/bob"], check=True)
    for more, reply in (([], "451 4.3.0"), (["-o", "sandbox_paths={%s/disk}" % folder], "250 ")):
        _, server = serve(folder, "", site=site, more=["-o", "lmtp_workers=1", *more])
        with server:
            client = server.client().greet()
            tap.contains(client.deliver("ann@x.test")[0], "250 ")
            tap.contains(client.deliver("bob@x.test")[0], reply, server.read_log())
            if not more:
                tap.contains(server.read_log(), "/mail/x.test/bob' (it is not in the box: sandbox_paths)")


def test_a_state_folder_that_is_a_link(folder):
    """Below the INBOX and yet elsewhere: what is remembered is remembered."""
    need("paths")
    site = Site(folder, "auto", ["-o", "state_folder=%s/mail/%%d/%%n/todoke-state" % folder])
    os.mkdir(folder + "/elsewhere")
    os.symlink(folder + "/elsewhere", folder + "/mail/x.test/ann/todoke-state")
    tap.same(site.deliver().returncode, 0)
    tap.same(os.path.exists(folder + "/elsewhere/record"), True, site.log())
    tap.same("note=" in site.log(), False, site.log())


def test_a_new_inbox_is_as_without_the_box(folder):
    """It is made before the box closes: with the mode that the site has for mailboxes, and flushed."""
    need("paths")
    modes = []
    for sandbox in ("on", "off"):
        site = Site(os.path.join(folder, sandbox), sandbox, ["-o", "umask=007"])
        os.rmdir(site.folder + "/mail/x.test/ann/cur")
        os.rmdir(site.folder + "/mail/x.test/ann")
        tap.same(site.deliver().returncode, 0)
        modes.append(os.stat(site.folder + "/mail/x.test/ann").st_mode & 0o7777)
    tap.same(modes[0], modes[1])
    tap.same(modes[0] & 0o070, 0o070)


def test_a_fault_while_the_box_is_built_is_told_as_that(folder):
    """Not by "permission denied" of a path that is not in the box then; the next try delivers."""
    need("paths")
    shim = os.path.join(BUILD, "tests/faults/.libs/libshim.so")
    site = Site(folder)
    for err, code in ((errno.ENOSPC, "4.3.1"), (errno.EDQUOT, "4.2.2"), (errno.ENOMEM, "4.3.0")):
        done = site.deliver(env={"LD_PRELOAD": shim, "TODOKE_FAULT_PATH": "/ann:%d" % err})
        tap.same((done.returncode, done.stdout.decode().split(" ")[0]), (EX_TEMPFAIL, code), site.log())
        tap.contains(site.log().splitlines()[-1], os.strerror(err))
    tap.same(site.deliver().returncode, 0)
    tap.same(len(site.stored()), 1)


def test_a_worker_that_is_ended_by_it_loses_nothing(folder):
    need("calls")
    site, server = serve(folder, "execve:/bin/true")
    with server:
        tap.contains(server.client().greet().deliver("ann@x.test")[0], "421 4.3.0")
        server.wait_for(lambda: "call=execve" in server.read_log())
        tap.same(site.stored(), [])


@tap.as_root
def test_the_front_of_lmtpd_has_no_file(folder):
    """Root's worker in two halves: who talks with the client reaches nothing at all but the spool."""
    need("paths", "ports", "calls")
    os.chmod(folder, 0o755)
    site = Site(folder)
    readable = folder + "/for-all"
    with open(readable, "w", encoding="ascii") as file:
        file.write("x\n")
    for path in (readable, site.other):
        os.chmod(path, 0o666)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    subprocess.run(["chown", "-R", "64101:64101", folder + "/mail/x.test"], check=True)
    spool = folder + "/spool"
    os.mkdir(spool)
    os.chmod(spool, 0o777)
    with open(site.report_path, "w", encoding="ascii"):
        os.chmod(site.report_path, 0o666)
    listener, port = free_port()
    wanted = {"read:" + readable: errno.EACCES, "write:" + readable: errno.EACCES, "read:/etc/passwd": errno.EACCES,
              "list:/": errno.EACCES, "read:" + site.other: errno.EACCES, "tcp:%d" % port: errno.EACCES, "make:%s/a" % spool: 0}
    _, server = serve(folder, " ".join(wanted), "memfd_create", ["-o", "lmtp_spool=" + spool], site)
    with listener, server:
        big = "Subject: x\r\n\r\n" + "body\r\n" * 50000  # a message that does not go in a packet
        tap.contains(server.client().greet().deliver("ann@x.test", body=big)[0], "250 ")
        tap.same(site.report(), wanted)


@tap.as_root
def test_an_owners_process_of_lmtpd(folder):
    need("paths", "calls")
    os.chmod(folder, 0o755)
    site = Site(folder)
    os.makedirs(folder + "/mail/x.test/ann", exist_ok=True)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    subprocess.run(["chown", "-R", "64101:64101", folder + "/mail", folder + "/outside"], check=True)
    with open(site.report_path, "w", encoding="ascii"):
        os.chmod(site.report_path, 0o666)
    wanted = {"write:%s/outside" % folder: errno.EACCES, "read:%s/outside" % folder: errno.EACCES}
    _, server = serve(folder, " ".join(wanted), site=site)
    with server:
        tap.contains(server.client().greet().deliver("ann@x.test")[0], "250 ")
        tap.same(site.report(), wanted)


def test_the_cage_of_libsieve(folder):
    """It is in the box before it reads: without a file, a port or a call that opens one."""
    need("paths", "calls")
    cage = os.path.join(BUILD, "todoke-libsieve")
    if not os.path.exists(cage):
        raise tap.Skip("built without libsieve")
    tap.need_strace()
    trace = folder + "/trace"
    subprocess.run(["strace", "-o", trace, cage], input=b"no request", capture_output=True, check=False)
    with open(trace, encoding="utf-8") as file:
        calls = [line.split("(", 1)[0] for line in file.read().splitlines()]
    load = calls.index("seccomp", calls.index("landlock_restrict_self"))
    tap.same("read" in calls[load:], True, "it reads its request in the box")
    tap.same([call for call in calls[load:] if call in ("open", "openat", "socket")], [])


if __name__ == "__main__":
    tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
