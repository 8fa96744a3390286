#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the log tells, and what Postfix and strangers read: failures of others, peers that are down (todoke-log(7))."""

import contextlib
import json
import os
import re
import socket
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
import user_sources
from lmtp_client import Server
from smtp_peer import Peer

TARGET = "elsewhere@secret.test"
REDIRECT = 'redirect "%s";\n' % TARGET
MESSAGE = "From: s@x.test\nMessage-ID: <%s@x.test>\nSubject: x\n\nbody\n"
WARNING, NOTICE, INFO = "4", "5", "6"


class Journal:
    """The socket that systemd's journal has: what came, as a dict each."""

    def __init__(self, folder):
        self.path = folder + "/journal"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.settimeout(0.2)
        self.entries = []

    def read(self):
        """All entries until now."""
        self.socket.setblocking(False)
        while True:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return self.entries
            # values with a line end in them have their length before them; none of these tests makes one
            self.entries.append(dict(line.split("=", 1) for line in data.decode().splitlines()))

    def lines(self, **wanted):
        return [entry for entry in self.read() if all(entry.get(key) == value for key, value in wanted.items())]


def write(folder, name, text, mode=0o600):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def settings(folder, **more):
    rows = {"maildir": folder + "/mail/%d/%n", "tree_memory": folder + "/trees", "outage_folder": folder + "/outages",
            "sieve_scripts": folder + "/%n.sieve", "program_folder": folder + "/bin", **more}
    os.makedirs(folder + "/mail", exist_ok=True)
    return [word for name, value in rows.items() for word in ("-o", "%s=%s" % (name, value))]


def deliver(folder, journal, name="1", rcpt="ann@d.test", queue_id="4ABC", **more):
    options = settings(folder, log_journal=journal.path, **more)
    result = tap.todoke("deliver", "-f", "s@x.test", "-d", rcpt, *(["--queue-id", queue_id] if queue_id else []), *options,
                        stdin=(MESSAGE % name).encode())
    journal.read()
    return result


def check_answer(folder, result):
    """Neither the target, nor a path, nor a peer, nor what only an admin can do."""
    said = result.stdout.decode()
    for secret in (TARGET, "secret", "elsewhere", folder, "/", "127.0.0.1", "smtp:", "connect", "todoke.conf", "todoke check", "check "):
        tap.same(secret in said, False, "%r in %r" % (secret, said))
    tap.same(re.search(r"^[45]\.\d+\.\d+ \S.* \[4ABC\]$", said) is not None, True, said)


def put_off(folder, journal, code="T125", **more):
    """A delivery that fails. Its line."""
    result = deliver(folder, journal, **more)
    check_answer(folder, result)
    line = journal.read()[-1]
    tap.same(line["TODOKE_CODE"], code, line)
    return line


def outside(line):
    return tuple(line.get("TODOKE_" + key) for key in ("USER", "PROTOCOL", "PEER", "COMMAND", "REPLY"))


def test_words_of_the_mail_server(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    steps = {"RCPT": ("RCPT TO:<%s>" % TARGET, "452 4.2.2 mailbox full"), "MAIL": ("MAIL FROM:<s@x.test>", "451 4.3.0 later"),
             "DATA": ("DATA", "450 4.1.1 not now"), "DOT": ("end of DATA", "451 4.7.1 greylisted")}
    for step, (command, reply) in steps.items():
        with Peer({step: reply}) as peer:
            line = put_off(folder, journal, name=step, submit=peer.submit)
            got = (line["TODOKE_USER"], line["TODOKE_PROTOCOL"], line["TODOKE_PEER"], line["TODOKE_COMMAND"].split(" BODY=")[0].split(" RET=")[0].split(" NOTIFY=")[0].split(" ORCPT=")[0], line["TODOKE_REPLY"])
            tap.same(got, ("ann@d.test", "smtp", peer.submit[5:], command, reply), step)
            tap.same(line["PRIORITY"], WARNING, "it answers")
    tap.same(journal.lines(TODOKE_CODE="T401"), [], "nobody is down")


def test_a_server_that_says_nothing(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    for step, command in (("greeting", "connect"), ("RCPT", "RCPT TO:<%s>" % TARGET), ("DOT", "end of DATA")):
        with Peer({step: "die"}) as peer:
            line = put_off(folder, journal, name=step, submit=peer.submit)
            tap.same((line.get("TODOKE_COMMAND") or "").split(" NOTIFY=")[0].split(" ORCPT=")[0], command or "", step)
            tap.same(line["TODOKE_REPLY"] != "", True, line)
            tap.same(line["PRIORITY"], INFO, "the other line warns")


def test_nobody_listens(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    port = tap.unused_port()
    line = put_off(folder, journal, name="port", submit="smtp:127.0.0.1:%d" % port)
    tap.same(outside(line)[:4], ("ann@d.test", "smtp", "127.0.0.1:%d" % port, "connect"))
    line = put_off(folder, journal, name="socket", submit="smtp:unix:%s/none" % folder)
    tap.same(outside(line)[1:4], ("smtp", "unix:%s/none" % folder, "connect"))


def test_a_refusal_names_no_target(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    with Peer({"RCPT": "550 5.1.1 <%s> unknown" % TARGET}) as peer:
        result = deliver(folder, journal, submit=peer.submit)
    tap.same(result.returncode, 69)
    check_answer(folder, result)
    tap.same(journal.read()[-1]["TODOKE_REPLY"], "550 5.1.1 <%s> unknown" % TARGET)


def test_sendmail(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    program = write(folder, "sendmail", "#!/bin/sh\ncat >/dev/null\necho 'queue is full' >&2\nexit 75\n", 0o755)
    line = put_off(folder, journal, submit="sendmail:" + program)
    tap.same(outside(line)[1:3] + outside(line)[4:], ("sendmail", program, "exit code 75: queue is full"))
    tap.contains(line["TODOKE_COMMAND"], "%s -i -f s@x.test" % program)
    line = put_off(folder, journal, name="2", submit="sendmail:%s/none" % folder)
    tap.same(outside(line)[1:3], ("sendmail", folder + "/none"))


def test_programs(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", 'require "vnd.dovecot.pipe";\npipe "scan" ["a b"];\n')
    write(folder, "bin/scan", "#!/bin/sh\ncat >/dev/null\necho 'no virus data' >&2\nexit 75\n", 0o755)
    os.chmod(folder + "/bin", 0o755)
    line = put_off(folder, journal, code="T114")
    tap.same(outside(line), ("ann@d.test", "program", "scan", "scan a b", "program 'scan' ended with exit code 75: no virus data"))
    write(folder, "bin/scan", "#!/bin/sh\ncat >/dev/null\nexit 3\n", 0o755)
    tap.same(deliver(folder, journal, name="2").returncode, 0)
    line = journal.read()[-1]
    tap.same((line["TODOKE_CODE"], line["TODOKE_PROTOCOL"], line["TODOKE_FOLDER"]), ("T002", "program", "INBOX"))


def test_the_state(folder):
    """What is only noted has the words, too."""
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    state = folder + "/mail/d.test/ann/todoke-state"
    with Peer() as peer:
        tap.same(deliver(folder, journal, submit=peer.submit).returncode, 0)
        keeper = sqlite3.connect(state + "/state.db", isolation_level=None)
        keeper.execute("BEGIN EXCLUSIVE")
        deliver(folder, journal, name="2", submit=peer.submit)
        keeper.close()
    line = journal.read()[-1]
    tap.same(outside(line)[1:3], ("sqlite", state + "/state.db"), line)
    tap.contains(line["TODOKE_REPLY"], "locked")


def test_the_list_of_users(folder):
    journal = Journal(folder)
    line = put_off(folder, journal, code="T113", users="passwd_file", passwd_file=folder + "/no/users")
    tap.same((line["TODOKE_PROTOCOL"], line["TODOKE_PEER"]), ("users", folder + "/no/users"))


def test_told_once_and_when_it_is_back(folder):
    """Thirty deliveries by one account, each a process of its own, for three owners."""
    journal = Journal(folder)
    port = tap.unused_port()
    for name in ("ann", "bob", "cy"):
        write(folder, name + ".sieve", REDIRECT)
    for i in range(30):
        rcpt = "%s@d.test" % ("ann", "bob", "cy")[i % 3]
        tap.same(deliver(folder, journal, name=str(i), rcpt=rcpt, submit="smtp:127.0.0.1:%d" % port).returncode, 75)
    warnings = journal.lines(PRIORITY=WARNING)
    tap.same([line["TODOKE_CODE"] for line in warnings], ["T401"], "warnings")
    tap.contains(warnings[0]["TODOKE_REPLY"], ": Connection refused")
    tap.contains(warnings[0]["TODOKE_TEXT"], "submit server 127.0.0.1:%d does not answer since " % port)
    tap.same(len(journal.lines(TODOKE_CODE="T125", PRIORITY=INFO)), 30, "lines of the mails")
    tap.same({line["TODOKE_PEER"] for line in journal.lines(TODOKE_CODE="T125")}, {"127.0.0.1:%d" % port})

    with Peer({}) as peer:
        # the memory of the port that was closed belongs to the one that is open now
        for name in os.listdir(folder + "/outages"):
            tap.same(name.startswith("down-"), True, name)
        tap.same(deliver(folder, journal, name="0", submit=peer.submit).returncode, 0)
    tap.same(journal.lines(TODOKE_CODE="T403"), [], "another server answers")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.close()
    back = again_at(port)
    with back:
        for name in ("1", "2"):
            tap.same(deliver(folder, journal, name=name, rcpt="%s@d.test" % ("ann", "bob", "cy")[int(name) % 3],
                             submit="smtp:127.0.0.1:%d" % port).returncode, 0)
    told = journal.lines(TODOKE_CODE="T403")
    tap.same([(line["PRIORITY"], line["TODOKE_COUNT"]) for line in told], [(NOTICE, "30")], "back")


def dovecot_of(folder):
    """(settings that ask a Dovecot, what starts one)."""
    def answer(verb, number, name):
        return ("USER\t%s\t%s\thome=%s/home/ann\n" % (number, name, folder)).encode()
    os.makedirs(folder + "/home/ann")
    return ({"users": "dovecot", "dovecot_socket": folder + "/userdb", "users_cache": "0", "early_record_folder": ""},
            lambda: user_sources.FakeDovecot(folder + "/userdb", answer))


def test_a_source_of_users_is_told_of_once_as_well(folder):
    """Dovecot is gone, then back; the lines of the mails do not warn."""
    journal = Journal(folder)
    users, start = dovecot_of(folder)
    for i in range(5):
        put_off(folder, journal, name=str(i), code="T113", **users)
    warnings = journal.lines(PRIORITY=WARNING)
    tap.same([line["TODOKE_CODE"] for line in warnings], ["T401"])
    tap.contains(warnings[0]["TODOKE_TEXT"], "source of users %s/userdb does not answer since " % folder)
    tap.same(len(journal.lines(TODOKE_CODE="T113", PRIORITY=INFO)), 5)
    server = start()
    for _ in range(2):
        tap.same(deliver(folder, journal, **users).returncode, 0)
    server.close()
    told = journal.lines(TODOKE_CODE="T403")
    tap.same([(line["PRIORITY"], line["TODOKE_COUNT"]) for line in told], [(NOTICE, "5")])


def test_a_source_of_users_that_lmtpd_asks(folder):
    """The same at RCPT. A restart between two questions is no outage."""
    users, start = dovecot_of(folder)
    with Server(folder, *settings(folder, lmtp_workers="1", **users)) as server:
        client = server.client().greet()

        def ask(want):
            client.say("MAIL FROM:<s@x.test>")
            tap.contains(client.say("RCPT TO:<ann@d.test>"), want)
            client.say("RSET")

        def told(code):
            return len(re.findall("code=%s\\b" % code, server.read_log()))
        for _ in range(4):
            ask("451 4.3.0")
        tap.same((told("T401"), told("T403"), told("T113")), (1, 0, 4))
        dovecot = start()
        ask("250 ")
        dovecot.drop()
        ask("250 ")
        dovecot.close()
        tap.same((told("T401"), told("T403"), told("T113")), (1, 1, 4))


def test_a_source_that_answers_is_not_down(folder):
    """It says that it cannot look: that is no outage, and each mail warns."""
    journal = Journal(folder)
    server = user_sources.FakeDovecot(folder + "/userdb", lambda verb, number, name: b"FAIL\t%s\n" % number.encode())
    for _ in range(2):
        put_off(folder, journal, code="T113", users="dovecot", dovecot_socket=folder + "/userdb")
    server.close()
    tap.same((len(journal.lines(TODOKE_CODE="T113", PRIORITY=WARNING)), journal.lines(TODOKE_CODE="T401")), (2, []))


def again_at(port):
    """A good server at a port of before."""
    class Again(Peer):
        def __init__(self):
            kind = socket.socket.bind
            socket.socket.bind = lambda sock, where: kind(sock, ("127.0.0.1", port))
            try:
                super().__init__({})
            finally:
                socket.socket.bind = kind
    return Again()


def test_a_journal_that_hangs(folder):
    """Nobody reads: lines are lost, mail is not."""
    journal = Journal(folder)
    for i in range(16):
        options = settings(folder, log_journal=journal.path)
        result = tap.todoke("deliver", "-f", "s@x.test", "-d", "ann@d.test", *options, stdin=(MESSAGE % i).encode())
        tap.same(result.returncode, 0)
    tap.same(len(os.listdir(folder + "/mail/d.test/ann/new")), 16)
    tap.same(1 <= len(journal.read()) < 16, True)


def test_without_a_folder_each_mail_warns(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", REDIRECT)
    port = tap.unused_port()
    os.makedirs(folder + "/open")
    os.chmod(folder + "/open", 0o777)
    for i in range(3):
        deliver(folder, journal, name=str(i), submit="smtp:127.0.0.1:%d" % port, outage_folder=folder + "/open", state_folder=folder + "/open")
    tap.same([line["PRIORITY"] for line in journal.lines(TODOKE_CODE="T125")], [WARNING] * 3)
    tap.same(journal.lines(TODOKE_CODE="T401"), [])


def test_a_thousand_mails(folder):
    """By LMTP, to a server that is down: a handful of warnings, and a line for each mail."""
    write(folder, "ann.sieve", REDIRECT)
    options = settings(folder, submit="smtp:127.0.0.1:%d" % tap.unused_port(), lmtp_workers="2", redirect_limit="0")
    with Server(folder, *options) as server:
        client = server.client().greet()
        for i in range(1000):
            client.begin("ann@d.test")
            reply = client.say((MESSAGE % i).replace("\n", "\r\n") + ".")
            tap.same(reply[:10], "451 4.4.0 ", reply)
            tap.same([word for word in (TARGET, "127.0.0.1", folder) if word in reply], [], reply)
        log = server.read_log().splitlines()
    tap.same(len([line for line in log if "code=T125" in line and "status=deferred" in line]), 1000)
    tap.same(len({re.search(r"message-id=(\S+),", line)[1] for line in log if "code=T125" in line}), 1000)
    told = [line for line in log if "code=T4" in line]
    tap.same(1 <= len(told) <= 5, True, told)


def test_fields_masks_and_json(folder):
    journal = Journal(folder)
    tap.same(deliver(folder, journal, log_fields="status, code, message-id", log_masked="message-id").returncode, 0)
    tap.same(journal.read()[-1]["MESSAGE"], "4ABC: message-id=<*@x.test>, status=sent, code=T001")
    tap.same(deliver(folder, journal, log_form="json", log_fields="to, from, size", log_masked="to").returncode, 0)
    line = json.loads(journal.read()[-1]["MESSAGE"])
    tap.same((line["queue_id"], line["to"], line["from"]), ("4ABC", "*@d.test", "s@x.test"))
    tap.same(sorted(line), ["from", "queue_id", "size", "to"])
    for more in ({"log_fields": "subject"}, {"log_masked": "dsn"}, {"log_masked": "-to"}):
        result = deliver(folder, journal, **more)
        tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "), str(more))


def test_kinds_of_success(folder):
    journal = Journal(folder)
    write(folder, "ann.sieve", "discard;\n")
    deliver(folder, journal)
    tap.same(journal.read()[-1]["TODOKE_CODE"], "T003")
    write(folder, "ann.sieve", "keep;\n")
    deliver(folder, journal)
    tap.same(journal.read()[-1]["TODOKE_CODE"], "T001")


def test_queue_id_of_local(folder):
    """local(8) says none: it stands in the newest line, if this host wrote it."""
    journal = Journal(folder)
    for host, want in (("mx.d.test", "4NEW"), ("other.test", "NOQUEUE")):
        raw = "Received: from a.test (a.test [192.0.2.1])\n\tby %s (Postfix) with ESMTP id 4NEW\n" % host + MESSAGE % "1"
        options = settings(folder, log_journal=journal.path, hostnames="mx.d.test")
        env = {**os.environ, "USER": "nobody", "LOGNAME": "nobody", "HOME": folder, "RECIPIENT": "ann@d.test", "SENDER": "s@x.test"}
        result = tap.todoke("deliver", *options, "-o", "maildir=%s/mail/ann" % folder, stdin=raw.encode(), env=env)
        tap.same(result.returncode, 0, result.stdout)
        tap.same(journal.read()[-1]["TODOKE_QUEUE_ID"], want, host)


def test_lines_of_lmtpd(folder):
    """What it says of itself, each with its code."""
    result = tap.todoke("lmtpd", "-o", "log_file=%s/none" % folder, *settings(folder))
    tap.same(result.returncode != 0, True)
    with open(folder + "/none", encoding="utf-8") as file:
        tap.contains(file.read(), "NOQUEUE: code=T304, event=server-failed, text=")
    with Server(folder, *settings(folder, lmtp_connections="1")) as server:
        first, second = server.client(), server.client()
        first.greet()
        server.wait_for(lambda: "code=T305, event=server-full" in server.read_log())
        second.close()
        os.kill(server.workers()[0], 9)
        server.wait_for(lambda: "code=T307, event=worker-died" in server.read_log())
    with Server(folder, *settings(folder, lmtp_allow="user:daemon")) as server:
        tap.contains(server.client().read(), "421 4.7.0 ")
        server.wait_for(lambda: "code=T306, event=client-refused" in server.read_log())
        tap.contains(server.read_log(), "code=T301, event=server-ready, ")


def test_a_loop_that_waits(folder):
    journal = Journal(folder)
    hops = "".join("Received: from a.test by b%d.test; Thu, 3 Aug 2017 00:00:00 +0900\n" % i for i in range(12))
    options = settings(folder, log_journal=journal.path, loop_action="defer", hop_limit="10")
    result = tap.todoke("deliver", "-f", "s@x.test", "-d", "ann@d.test", *options, stdin=(hops + MESSAGE % 1).encode())
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.4.6 "))
    tap.same(journal.read()[-1]["TODOKE_CODE"], "T126")


def test_no_permission(folder):
    journal = Journal(folder)
    os.makedirs(folder + "/mail/d.test", mode=0o500)
    line = put_off(folder, journal, code="T107")
    tap.contains(line["TODOKE_DETAIL"], folder)


def test_a_log_file_that_cannot_be_opened(folder):
    """The log goes where it would go without it, and says so; the mail is delivered."""
    journal = Journal(folder)
    write(folder, "ann.sieve", "keep;\n")
    tap.same(deliver(folder, journal, log_file=folder + "/none/log").returncode, 0)
    (told,) = journal.lines(TODOKE_CODE="T313")
    tap.contains(told["MESSAGE"], "/none/log")
    tap.same(len(journal.lines(TODOKE_CODE="T001")), 1)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
