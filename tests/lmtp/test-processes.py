#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who does what in lmtpd: no root where strangers are read, and a mailbox, a worker or a message that goes wrong alone."""

import fcntl
import os
import pwd
import re
import select
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server, kill

SHIM = os.path.join(os.path.dirname(tap.TODOKE), "tests", "faults", ".libs", "libshim.so")

MAIL = 64101  # an account that no system has


def need_root():
    if os.geteuid() != 0:
        raise tap.Skip("needs root")


def read_proc(pid, name):
    """Nothing where the process has ended."""
    try:
        with open("/proc/%d/%s" % (pid, name), encoding="ascii") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status_of(pid):
    return dict(line.split(":\t", 1) for line in read_proc(pid, "status").splitlines() if ":\t" in line)


def children_of(pid):
    return [int(child) for child in read_proc(pid, "task/%d/children" % pid).split()]


def sockets_of(pid):
    links = (os.path.join("/proc/%d/fd" % pid, fd) for fd in os.listdir("/proc/%d/fd" % pid))
    return {os.readlink(link) for link in links if os.readlink(link).startswith("socket:")}


def stored(who="ann@d.test"):
    return ["250 2.0.0 <%s> stored in INBOX" % who]


def is_split(server):
    """Both halves of all workers are there, and the front is what it shall be."""
    workers = server.workers()
    return workers and all(children_of(pid) and not status_of(pid).get("Uid", "0").startswith("0") for pid in workers)


def make_server(folder, *args, **more):
    """One whose recipients may have their mail in `folder`."""
    os.makedirs(folder + "/mail", exist_ok=True)
    os.chmod(folder, 0o755)
    if os.geteuid() == 0:  # the owner of the mail is who is become
        os.chown(folder + "/mail", MAIL, MAIL)
    return Server(folder, *args, **more)


def root_server(folder, *args, **more):
    """The same, once all its workers are at work."""
    server = make_server(folder, *args, **more)
    if os.geteuid() == 0:
        server.wait_for(lambda: is_split(server))
    return server


def test_who_talks_has_no_rights(folder):
    need_root()
    nobody = pwd.getpwnam("nobody")
    with root_server(folder, "-o", "lmtp_workers=1") as server:
        (front,) = server.workers()
        (back,) = children_of(front)
        before = sockets_of(front)
        client = server.client().greet()
        connection = sockets_of(front) - before
        tap.same(len(connection), 1, "sockets of a client")
        tap.same(connection & sockets_of(back), set(), "what the root half has of it")
        status = status_of(front)
        tap.same(status["Uid"].split(), [str(nobody.pw_uid)] * 4, "Uid")
        tap.same(status["Gid"].split(), [str(nobody.pw_gid)] * 4, "Gid")
        tap.same("0" in status["Groups"].split(), False, "Groups")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            tap.same(int(status[name], 16), 0, name)
        tap.same(status["NoNewPrivs"], "1")
        with open("/proc/%d/maps" % front, encoding="utf-8") as file:
            shared = [line for line in file if line.split()[1][3] == "s"]
        tap.same(shared, [], "memory that it shares with the root halves of others")
        tap.same(client.deliver("ann@d.test"), stored())
        tap.same(len(server.stored("d.test/ann")), 1)


def memory_of(pid):
    """All that the process can write to."""
    found = []
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, open("/proc/%d/mem" % pid, "rb") as mem:
        for line in maps:
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - start < 1 << 28:  # not the shadows of the address sanitizer
                mem.seek(start)
                found.append(mem.read(end - start))
    return b"".join(found)


def test_keys_are_not_with_strangers(folder):
    """Who delivers has the keys of the mark; the front and the master have not."""
    need_root()
    key = os.urandom(32)
    path = folder + "/key"
    with open(path, "w", encoding="ascii") as file:
        file.write("test %s\n" % key.hex())
    os.chmod(path, 0o600)
    with root_server(folder, "-o", "lmtp_workers=1", "-o", "add_mark=yes", "-o", "key_file=" + path) as server:
        (front,) = server.workers()
        (back,) = children_of(front)
        client = server.client().greet()  # it stays, and its worker with it
        client.deliver("ann@d.test")
        (copy,) = server.stored("d.test/ann")
        tap.contains(copy.decode(), "Todoke-Mark: ")
        for name, pid, wanted in (("back", back, True), ("front", front, False), ("master", server.process.pid, False)):
            memory = memory_of(pid)
            tap.same(len(memory) > 100000, True, name)
            tap.same(key in memory or key.hex().encode() in memory, wanted, "key in the " + name)
        tap.same(os.stat("/proc/%d/mem" % front).st_uid, 0, "others of its account may not look into it")


def test_session_user(folder):
    need_root()
    with root_server(folder, "-o", "lmtp_session_user=daemon", "-o", "lmtp_workers=1") as server:
        tap.same(status_of(server.workers()[0])["Uid"].split()[0], str(pwd.getpwnam("daemon").pw_uid))
        tap.same(server.client().greet().deliver("ann@d.test"), stored())
    for setting in ("lmtp_session_user", "lmtp_user"):
        for name, why in (("no-such-user", "there is no user"), ("root", "must not be root")):
            result = tap.todoke("lmtpd", "--listen", "unix:%s/s" % folder, "-o", "%s=%s" % (setting, name),
                                "-o", "log_file=%s/log" % folder)
            tap.contains(result.stderr.decode(), "%s: %s" % (setting, why))


def test_root_half_killed(folder):
    need_root()
    with root_server(folder, "-o", "lmtp_workers=1") as server:
        (front,) = server.workers()
        client = server.client().greet()
        client.begin("ann@d.test")
        kill(children_of(front)[0])
        client.send("Subject: x\r\n\r\n.\r\n")
        tap.same(client.read(), "421 4.3.0 internal fault")
        tap.same(server.client().greet().deliver("ann@d.test"), stored(), "the next session")
        tap.same(len(server.stored("d.test/ann")), 1, "copies")


def test_no_half_stays(folder):
    need_root()
    with root_server(folder, "-o", "lmtp_workers=1") as server:
        (front,) = server.workers()
        (back,) = children_of(front)
        kill(front)
        server.wait_for(lambda: not os.path.exists("/proc/%d" % back))


def test_many_recipients_and_messages(folder):
    """Each recipient's process reads the spooled message from its beginning, small or big."""
    os.mkdir(folder + "/spool")
    os.chmod(folder + "/spool", 0o777)
    with root_server(folder, "-o", "lmtp_workers=1", "-o", "lmtp_spool=%s/spool" % folder, "-o", "add_return_path=no",
                     "-o", "add_delivered_to=no") as server:
        client = server.client().greet()
        for size in (10, 3000000):
            replies = client.deliver("ann@d.test", "bob@d.test", "cyd@d.test", body="x" * size + "\r\n")
            tap.same(replies, stored() + stored("bob@d.test") + stored("cyd@d.test"))
        for who in ("ann", "bob", "cyd"):
            tap.same(sorted(len(each) for each in server.stored("d.test/" + who)), [11, 3000001], who)


def test_lanes(folder):
    """Many recipients of one message: several at once, each with its own verdict and its own copy, those of one user in order."""
    with root_server(folder, "-o", "lmtp_workers=1") as server:
        os.makedirs(folder + "/mail/d.test")
        with open(folder + "/mail/d.test/u7", "w", encoding="ascii"):
            pass  # no mailbox can be there
        client = server.client().greet()
        who = ["u%d@d.test" % number for number in range(20)] + ["u3+x@d.test", "u3@d.test"]
        if os.geteuid() == 0:
            os.chown(folder + "/mail/d.test", MAIL, MAIL)
        for turn in range(1, 3):
            replies = client.deliver(*who, body="Subject: %d\r\n\r\nbody\r\n" % turn)
            tap.same([reply for number, reply in enumerate(replies) if number != 7], sum((stored(each) for each in who if each != who[7]), []))
            tap.same(replies[7][:4], "451 ")
            tap.contains(server.read_log(), "cannot open maildir '%s/mail/d.test/u7'" % folder)
            copies = {number: len(server.stored("d.test/u%d" % number)) for number in range(20) if number != 7}
            tap.same(copies, {number: turn * (2 if number == 3 else 1) for number in copies})


def hanging(folder, *args, part="d.test/stuck", deadline=15):
    if not os.path.exists(SHIM):
        raise tap.Skip("no " + SHIM)
    env = {"LD_PRELOAD": SHIM, "TODOKE_FAULT_HANG": part,
           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"}
    return root_server(folder, "-o", "deadline=%d" % deadline, *args, env=env)


def stopped(server):
    """Processes that hang."""
    found, todo = [], [server.process.pid]
    while todo:
        pid = todo.pop()
        todo += children_of(pid)
        if status_of(pid).get("State", "").startswith("T"):
            found.append(pid)
    return found


def test_hanging_mailbox(folder):
    """It holds those who deliver to it, up to lmtp_user_limit, and nobody else; who hung up counts too."""
    with hanging(folder, "-o", "lmtp_user_limit=2", "-o", "lmtp_workers=1") as server:
        gone, waiting = server.client().greet(), server.client().greet()
        # the first one: a reply that cannot be written ends what has not begun
        gone.begin("stuck@d.test", "u0@d.test", "u1@d.test", "u2@d.test")
        waiting.begin("stuck@d.test")
        gone.socket.shutdown(socket.SHUT_RD)  # no reply reaches it
        for number, client in enumerate((gone, waiting), 1):
            client.send("Subject: x\r\n\r\n.\r\n")
            server.wait_for(lambda number=number: len(stopped(server)) == number)
        other = server.client().greet()
        tap.same(other.deliver("ann@d.test"), stored())
        tap.same(other.deliver("ann@d.test", "bob@d.test"), stored() + stored("bob@d.test"))
        (reply,) = other.deliver("stuck@d.test")
        tap.same(reply, "451 4.3.2 <stuck@d.test> too many deliveries to this mailbox at once")
        tap.same(select.select([waiting.socket], [], [], 0)[0], [], "the client that hangs was answered: these waited for it")
        server.process.send_signal(signal.SIGTERM)
        tap.contains(waiting.read()[:4], "4")  # 421 by the master, or 451 by the root half: never silence
        server.process.wait(tap.PATIENCE)
        server.wait_for(lambda: not living(folder))  # a root half has patience for deadline and 10 s


def test_hanging_recipient_of_many(folder):
    """One that hangs is killed and put off; the others of its message have their mail long before."""
    with hanging(folder, "-o", "lmtp_workers=1") as server:
        client = server.client().greet()
        others = ["u%d@d.test" % number for number in range(9)]
        client.begin(*others, "stuck@d.test", "last@d.test")
        client.send("Subject: x\r\n\r\n.\r\n")
        tap.same([client.read() for _ in others], sum((stored(each) for each in others), []))
        tap.contains(client.read(), "4.3.0 ")
        tap.same([client.read()], stored("last@d.test"))
        tap.same(client.deliver("u0@d.test"), stored("u0@d.test"), "the next message")


def test_hanging_tree(folder):
    """A tree that hangs holds neither mail for another one, nor each recipient in it for the whole time."""
    need_root()
    with hanging(folder, "-o", "lmtp_workers=1", part="mail/dead.test", deadline=5) as server:
        client = server.client().greet()
        dead, others = ["u%d@dead.test" % number for number in range(6)], ["u%d@d.test" % number for number in range(12)]
        client.begin(*dead, *others)
        client.send("Subject: x\r\n\r\n.\r\n")
        new = [folder + "/mail/d.test/u%d/new" % number for number in range(12)]
        server.wait_for(lambda: all(os.path.isdir(each) and os.listdir(each) for each in new))
        tap.same(len(stopped(server)) > 0, True, "the tree still hangs")
        tap.same(select.select([client.socket], [], [], 0)[0], [], "replies come in the order of recipients")
        asked = time.monotonic()
        for who in dead:
            tap.contains(client.read(), "451 4.3.0 <%s>" % who)
        tap.same(time.monotonic() - asked < len(dead) * 15, True, "not one after the other")
        tap.same([client.read() for _ in others], sum((stored(each) for each in others), []))
        log = server.read_log()
        for who in dead:
            (line,) = [line for line in log.splitlines() if "to=" + who in line or 'to="%s"' % who in line]
            tap.contains(line, "4.3.0")


def test_rcpt_that_settings_answer(folder):
    """The half without rights asks the other one only for what it cannot know: not for a user of a virtual tree without quotas."""
    need_root()
    os.chmod(folder, 0o755)
    for settings, is_asked in ((["quota=off"], False), (["quota=site", "quota_bytes=1G"], True), (["users=system"], True)):
        place = os.path.join(folder, settings[0])
        os.makedirs(place)
        with root_server(place, "-o", "lmtp_workers=1", *sum((["-o", each] for each in settings), [])) as server:
            (front,) = server.workers()
            (back,) = children_of(front)
            client = server.client().greet()
            tap.contains(client.say("MAIL FROM:<s@x.test>"), "250")
            kill(back)
            tap.same(client.say("RCPT TO:<ann@d.test>")[:3], "421" if is_asked else "250", settings[0])
            if not is_asked:
                tap.same(client.say("RCPT TO:<SRS0=x@d.test>")[:3], "421", "keys are the other half's")


def test_no_owner_can_change_a_message(folder):
    """What a delivery process has of a message that others get too, it can only read; few octets it gets for itself."""
    need_root()
    os.makedirs(folder + "/spool")
    os.chmod(folder + "/spool", 0o777)
    os.chmod(folder, 0o755)
    for name, size in (("few", 1000), ("memory", 100_000), ("disk", 2_000_000)):
        place = os.path.join(folder, name)
        os.makedirs(place)
        with hanging(place, "-o", "lmtp_workers=1", "-o", "lmtp_spool=%s/spool" % folder) as server:
            client = server.client().greet()
            client.begin("stuck@d.test", "ann@d.test")
            client.send("Subject: x\r\n\r\n" + ("x" * 78 + "\r\n") * (size // 80) + ".\r\n")
            server.wait_for(lambda: stopped(server))
            (pid,) = stopped(server)
            tap.same(status_of(pid)["Uid"].split()[0], str(MAIL), "the owner's process")
            seen = []
            for number in os.listdir("/proc/%d/fd" % pid):
                link = "/proc/%d/fd/%s" % (pid, number)
                if "memfd:" not in os.readlink(link) and folder + "/spool" not in os.readlink(link):
                    continue
                seen.append(name)
                flags = int(read_proc(pid, "fdinfo/" + number).split("flags:")[1].split()[0], 8)
                tap.same(flags & os.O_ACCMODE, os.O_RDONLY, name)
                fd = os.open(link, os.O_RDONLY)
                if name == "memory":
                    sealed = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
                    tap.same(fcntl.fcntl(fd, fcntl.F_GET_SEALS) & sealed, sealed)
                else:
                    tap.same((os.fstat(fd).st_uid, os.fstat(fd).st_mode & 0o777), (0, 0o400), "whoever opens it anew")
                os.close(fd)
            tap.same(seen, [] if name == "few" else [name])
            for pid in stopped(server):
                kill(pid)
            tap.same([client.read()[:3] for _ in range(2)], ["451", "250"])


def test_killed_delivery_is_logged(folder):
    """Whoever delivers, a recipient whose process was killed has a line with its address and its status."""
    with hanging(folder, "-o", "lmtp_workers=1") as server:
        client = server.client().greet()
        client.begin("u0@d.test", "stuck@d.test", "u1@d.test", "u2@d.test")
        client.send("Subject: x\r\n\r\n.\r\n")
        server.wait_for(lambda: stopped(server))
        for pid in stopped(server):
            kill(pid)
        tap.same([client.read()[:9] for _ in range(4)], ["250 2.0.0", "451 4.3.0", "250 2.0.0", "250 2.0.0"])
        lines = [line for line in server.read_log().splitlines() if "to=stuck@d.test" in line]
        tap.same(len(lines), 1)
        tap.contains(lines[0], "4.3.0")


def test_slot_of_a_killed_front(folder):
    """What its root half began is not counted for ever among the deliveries to those mailboxes."""
    need_root()
    with hanging(folder, "-o", "lmtp_user_limit=1", "-o", "lmtp_workers=1", deadline=5) as server:
        (front,) = server.workers()
        (back,) = children_of(front)
        client = server.client().greet()
        client.begin("stuck1@d.test", "stuck2@d.test")
        client.send("Subject: x\r\n\r\n.\r\n")
        server.wait_for(lambda: len(stopped(server)) == 2)
        kill(front)
        server.wait_for(lambda: not os.path.exists("/proc/%d" % back))
        server.wait_for(lambda: is_split(server))
        other = server.client().greet()
        for who in ("stuck2@d.test", "stuck1@d.test"):  # it hangs, and is not refused as one that is busy
            tap.contains(other.deliver(who)[0], "451 4.3.0 ")


def living(folder):
    """Processes with our log in `folder` still open."""
    found = []
    for name in os.listdir("/proc"):
        try:
            files = [os.readlink("/proc/%s/fd/%s" % (name, fd)) for fd in os.listdir("/proc/%s/fd" % name)] if name.isdigit() else []
            if folder + "/log" in files:
                found.append(int(name))
        except OSError:
            continue
    return found


SCRIPT = b"""require ["body", "duplicate", "fileinto", "mailbox"];
if body :contains "wanted" { fileinto :create "Wanted"; }
if duplicate { discard; }
"""


def tasks_of(pid):
    """How many threads the process and each one below it has."""
    try:
        count = len(os.listdir("/proc/%d/task" % pid))
    except FileNotFoundError:
        return []
    return [count, *(each for child in children_of(pid) for each in tasks_of(child))]


def test_no_process_has_a_second_thread(folder):
    """With rules that read the body, a state, and counts that are served: all modules but that of outgoing mail are at work."""
    path = folder + "/rules.sieve"
    with open(path, "wb") as file:
        file.write(SCRIPT)
    os.chmod(path, 0o644)
    port = tap.unused_port()
    options = ("lmtp_workers=2", "metrics_listen=inet:127.0.0.1:%d" % port, "sieve_scripts={%s}" % path)
    with make_server(folder, *(word for option in options for word in ("-o", option))) as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test", body="Subject: =?utf-8?q?x?=\r\nMessage-ID: <1@x.test>\r\n\r\nwanted\r\n"),
                 ["250 2.0.0 <ann@d.test> stored in Wanted"])
        with socket.create_connection(("127.0.0.1", port), timeout=tap.PATIENCE):
            found = tasks_of(server.process.pid)
            tap.same(len(found) >= 4, True, "master, two workers, and who serves counts: %s" % found)
            tap.same(set(found), {1}, "threads of each process")


def test_no_program_starts_a_thread(folder):
    """Neither the program nor a module asks the C library or GLib for one; libcurl does, to look up a name."""
    build = os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE))
    modules = os.environ.get("TODOKE_MODULE_DIR", os.path.join(build, ".libs"))
    files = [tap.TODOKE, *(os.path.join(modules, name) for name in sorted(os.listdir(modules)) if re.fullmatch(r"todoke-.*\.so", name))]
    tap.same(len(files) > 2, True, "files: %s" % files)
    for path in files:
        with open(path, "rb") as file:
            octets = file.read()
        name = b"dlopen\0" if path == tap.TODOKE else b"g_free\0"
        tap.same(name in octets, True, "the names of what %s needs are in the file" % path)
        tap.same(re.findall(rb"(?:pthread_create|thrd_create|g_(?:thread|task|thread_pool)_\w*new\w*)(?:@\w+)?\0", octets), [], path)


def test_memory_of_a_worker(folder):
    """A header takes memory; a worker that may not have it dies, and its client is told to come again."""
    need_root()  # the figures below are of a worker in two halves
    with root_server(folder, "-o", "lmtp_workers=1") as server:
        (worker,) = server.workers()
        with open("/proc/%d/limits" % worker, encoding="ascii") as file:
            if "536870912" not in next(line for line in file if line.startswith("Max address space")):
                raise tap.Skip("no limit with the address sanitizer")
        client = server.client().greet()  # it stays: a worker without one may end where there are more
        client.deliver("ann@d.test")
        size_kb = int(status_of(worker)["VmSize"].split()[0])
    limit = (size_kb + 10500) * 1024  # enough for a module that is opened, too little for a hundred thousand fields
    with root_server(folder, "-o", "lmtp_memory_limit=%d" % limit, "-o", "lmtp_workers=2") as server:
        client = server.client().greet()
        client.begin("bob@d.test")
        client.send("X: y\r\n" * 1_000_000 + "\r\n.\r\n")
        tap.contains(client.read(), "4.3.0 ")
        tap.same(server.client().greet().deliver("ann@d.test"), stored(), "the others")
        new = folder + "/mail/d.test/bob/new"  # in tmp something may stay, as after each crash
        tap.same(os.listdir(new) if os.path.isdir(new) else [], [])


def of_session(session):
    """Who still runs in it; what has ended and waits to be asked for counts, too."""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and read_proc(int(pid), "stat").rpartition(")")[2].split()[3:4] == [str(session)]]


def test_the_master_ends_last(folder):
    """systemd kills what a service's main process leaves behind, and logs it."""
    for turn in range(8):
        with root_server(folder, "-o", "lmtp_workers=4", preexec=os.setsid) as server:
            clients = [server.client().greet() for _ in range(3)]
            for number, client in enumerate(clients):
                tap.same(client.deliver("u%d@d.test" % number), stored("u%d@d.test" % number))
            before = of_session(server.process.pid)
            tap.same(len(before) >= 4, True, "processes at work: %s" % before)
            tap.same(server.stop(), 0, "exit code")
            left = of_session(server.process.pid)
            tap.same(left, [], "still there behind the master's end, turn %d" % turn)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
