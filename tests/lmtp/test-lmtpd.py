#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The door `todoke lmtpd`: sockets, workers that die, limits, stop and reload. What is said is tested in test-lmtp-session."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from lmtp_client import Client, Server, kill
from mark_waits import age_waits
from smtp_peer import Peer

BODY = b"Return-Path: <s@x.test>\nDelivered-To: %s\nSubject: x\n\nbody\n"
STAMPS = ["-o", "add_return_path=no", "-o", "add_delivered_to=no"]


def test_one_message_to_three(folder):
    with Server(folder) as server:
        client = server.client().greet()
        replies = client.deliver("ann@d.test", "bob@d.test", "ann@d.test")
        tap.same(replies, ["250 2.0.0 <%s> stored in INBOX" % who for who in ("ann@d.test", "bob@d.test", "ann@d.test")])
        tap.same(client.say("QUIT"), "221 2.0.0 bye")
        tap.same(client.read(), "", "end")
        tap.same(server.stored("d.test/ann"), [BODY % b"ann@d.test"])
        tap.same(server.stored("d.test/bob"), [BODY % b"bob@d.test"])


def test_answers_at_rcpt(folder):
    os.makedirs(folder + "/mail/d.test/ann/new")
    with Server(folder, "-o", "create_maildir=no") as server:
        client = server.client().greet()
        client.say("MAIL FROM:<s@x.test>")
        tap.contains(client.say("RCPT TO:<nobody@d.test>"), "550 5.1.1 <nobody@d.test> ")
        tap.contains(client.say("RCPT TO:<\"../../etc\"@d.test>"), "55", "path in an address")
        tap.same(client.say("DATA"), "503 5.5.1 no valid recipients")
        tap.contains(server.read_log(), "to=nobody@d.test")


def test_many_messages_in_a_session(folder):
    with Server(folder, *STAMPS) as server:
        client = server.client().greet()
        for _ in range(50):
            tap.same(client.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
            tap.same(client.say("RSET"), "250 2.0.0 ok")
        tap.same(server.stored("d.test/ann"), [b"Subject: x\n\nbody\n"] * 50)


def test_queue_id_of_xforward(folder):
    with Server(folder) as server:
        client = server.client().greet()
        tap.same(client.say("XFORWARD IDENT=4ABC12 ADDR=192.0.2.1"), "250 2.0.0 ok")
        client.deliver("ann@d.test", body=came_by(1))
        tap.contains(server.read_log(), "NOQUEUE: to=ann@d.test, ")
        tap.contains(server.read_log(), ", message-id=<1@x.test>, origin_id=4ABC12, ")


def test_queue_id_of_received(folder):
    """The client's name stands in the line that it wrote; IDENT of another queue file changes nothing."""
    with Server(folder) as server:
        client = server.client()
        client.read()
        client.say("LHLO mx.test")
        tap.same(client.say("XFORWARD IDENT=4ABC12"), "250 2.0.0 ok")
        client.deliver("ann@d.test", body=came_by(1))
        tap.contains(server.read_log(), " 4AB1: to=ann@d.test, ")
        tap.contains(server.read_log(), ", origin_id=4ABC12, ")


def refusing(folder):
    """A script of the site that refuses mail, and passes some on to where nobody answers."""
    path = folder + "/before.sieve"
    with open(path, "w", encoding="ascii") as file:
        file.write('require "reject"; if header :is "subject" "pass" { redirect "secret@elsewhere.test"; } else { reject "no, thanks"; }\n')
    os.chmod(folder, 0o755)
    os.chmod(path, 0o644)
    return ["-o", "sieve_before=" + path, "-o", "submit=smtp:127.0.0.1:%d" % tap.unused_port()]


def test_reference_in_replies(folder):
    """A refusal names the queue file, as the log line does; Postfix quotes it in the bounce. Nothing inside of the host is told."""
    with Server(folder, *refusing(folder)) as server:
        client = server.client()
        client.read()
        client.say("LHLO mx.test")
        many = ["u%d@d.test" % number for number in range(8)]  # by processes of their own
        for recipients in (["ann@d.test"], many):
            tap.same(client.deliver(*recipients, body=came_by(1)), ["550 5.7.1 <%s> no, thanks [4AB1]" % who for who in recipients])
        tap.contains(server.read_log(), " 4AB1: to=ann@d.test, ")
        reply = client.deliver("ann@d.test", body=came_by(2, b"Subject: pass\n\nbody\n"))[0]
        tap.contains(reply, "451 4.")
        tap.same(reply.endswith(" [4AB2]"), True, reply)
        for secret in ("elsewhere", "secret", "127.0.0.1", "smtp", folder, "submit"):
            tap.same(secret in reply, False, "%s in %r" % (secret, reply))


def test_reference_of_xforward(folder):
    """Where the mail does not say it: the id that Postfix gave; what is no queue id is not repeated."""
    with Server(folder, *refusing(folder)) as server:
        for ident, tail in (("4ABC12", " [4ABC12]"), ("a+20b", ""), ("x]+20[y", ""), ("4" * 65, "")):
            client = server.client().greet()
            client.say("XFORWARD IDENT=" + ident)
            tap.same(client.deliver("ann@d.test"), ["550 5.7.1 <ann@d.test> no, thanks" + tail])
            client.say("XFORWARD IDENT=" + ident)
            client.say("MAIL FROM:<s@x.test>")
            reply = client.say('RCPT TO:<"../../etc"@d.test>')
            tap.same(reply.startswith("55") and reply.endswith(tail) and ("[" in reply) == (tail != ""), True, reply)


def records_below(folder):
    """The lines of all records, parsed, and the sizes of the files by name; a torn line is a fault."""
    lines, sizes = [], {}
    for root, _, files in os.walk(folder):
        for name in {"record", "record.old"} & set(files):
            with open(os.path.join(root, name), "rb") as file:
                text = file.read()
            tap.same(text[-1:], b"\n", "the end of " + name)
            lines += [json.loads(line) for line in text.splitlines()]
            sizes[name] = len(text)
    return lines, sizes


def test_record_of_many_writers(folder):
    """Workers that write to one record while it is full and becomes the old one: each line is there, whole, once."""
    clients, each = 6, 15 if tap.SANITIZED else 40
    with Server(folder, "-o", "record_max_size=65536") as server:
        server.client().greet().deliver("ann@d.test")  # makes the mailbox

        def deliver(number):
            client = server.client().greet()
            for turn in range(each):
                body = "Message-ID: <%d.%d@x.test>\r\nSubject: x\r\n\r\n%s\r\n" % (number, turn, "x" * 10)
                tap.same(client.deliver("ann@d.test", body=body)[0][:4], "250 ")

        threads = [threading.Thread(target=deliver, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(tap.PATIENCE)
        lines, sizes = records_below(folder + "/mail")
        want = sorted("<%d.%d@x.test>" % (number, turn) for number in range(clients) for turn in range(each))
        tap.same(sorted(line["message_id"] for line in lines if "message_id" in line), want)
        if not tap.SANITIZED:
            tap.same(sizes.get("record.old", 0) > 65536, True, "it was full once: %r" % sizes)


def test_record_grows_old(folder):
    """By the time of its first line, though it is small; what is no line hurts nobody."""
    with Server(folder, "-o", "record_max_age=1h") as server:
        client = server.client().greet()
        client.deliver("ann@d.test")
        place = [os.path.join(root, "record") for root, _, files in os.walk(folder + "/mail") if "record" in files]
        tap.same(len(place), 1, "records")
        with open(place[0], "rb") as file:
            first = file.read()
        for stands, is_old in ((re.sub(rb'"time":\d+', rb'"time":1600000000', first), True), (b"torn", False), (b"\0" * 5000 + b"\n", False)):
            if os.path.exists(place[0] + ".old"):
                os.unlink(place[0] + ".old")
            with open(place[0], "wb") as file:
                file.write(stands)
            for _ in range(800 if is_old else 150):  # one of 32 writers looks
                tap.same(client.deliver("ann@d.test")[0][:4], "250 ")
                if os.path.exists(place[0] + ".old"):
                    break
            tap.same(os.path.exists(place[0] + ".old"), is_old, repr(stands[:60]))


def test_hostile_xforward(folder):
    """What is no attribute is refused and changes nothing; what is one forges no log line, and comes before MAIL only."""
    with Server(folder) as server:
        for wrong in ("", "IDENT", "=", "FOO=bar", "IDENT=4+", "IDENT=4+G1", "IDENT=+00", "IDENT=a+0Ab", "NAME=x+0D+0A250+20ok", "ADDR=1.2.3.4+0A",
                      "IDENT=" + "A" * 256):
            client = server.client().greet()
            tap.same(client.say(("XFORWARD " + wrong).rstrip())[:4], "501 ", wrong)
            tap.same(client.deliver("ann@d.test")[0][:4], "250 ", "after " + wrong)
        before = len(server.read_log().splitlines())
        for odd in ("IDENT=x,+20status=bounced", "HELO=+22+2C+20status=bounced", "NAME=x,+20to=root@d.test", "IDENT=[UNAVAILABLE]", "IDENT="):
            client = server.client().greet()
            tap.same(client.say("XFORWARD " + odd), "250 2.0.0 ok", odd)
            tap.same(client.deliver("ann@d.test")[0][:4], "250 ")
        lines = server.read_log().splitlines()[before:]
        tap.same(len(lines), 5, "lines")
        for line in lines:
            bare = re.sub(r'"(?:[^"\\\\]|\\\\.)*"', "", line)
            tap.same((bare.count("status="), bare.count(" to="), "UNAVAILABLE" in line), (1, 1, False), line)
        client = server.client().greet()
        client.say("MAIL FROM:<s@x.test>")
        tap.same(client.say("XFORWARD IDENT=7A")[:4], "503 ", "after MAIL")
        client.say("RCPT TO:<ann@d.test>")
        tap.same(client.say("XFORWARD IDENT=7A")[:4], "503 ", "after RCPT")
        client.say("DATA")
        tap.same(client.say("x\r\n.")[:4], "250 ")
        tap.same("7A," in server.read_log().splitlines()[-1], False, "an id that came too late")


def came_by(number, raw=b""):
    """A message with the Received line of a hop of its own; CRLF."""
    hop = b"Received: from x.test (x.test [192.0.2.1])\n\tby mx.test (Postfix) with ESMTP id 4AB%d; Thu, 3 Aug 2017 00:00:0%d +0900\n" % (number, number)
    first = b"From: s@x.test\nDate: Thu, 3 Aug 2017 00:00:00 +0900\nMessage-ID: <1@x.test>\n\nbody\n"
    return (hop + (raw or first)).replace(b"\n", b"\r\n").decode()


def test_mail_that_comes_back(folder):
    """Put off for whom it is still here, delivered to others; each of many recipients has a key of their own."""
    with Server(folder, "-o", "add_mark=yes") as server:
        client = server.client().greet()
        everybody = ["%s@d.test" % name for name in ("ann", "bob", "cy", "dan", "eve", "flo")]
        client.deliver(*everybody, body=came_by(0))
        copies = {name: server.stored("d.test/" + name.split("@")[0]) for name in everybody}
        keys = {re.search(rb"X-Todoke-Mark: v=2; k=(\w+); a=stored", copy).group(1) for copy, in copies.values()}
        tap.same(len(keys), len(everybody), "keys")
        for number in (1, 2):
            ann, bob = client.deliver("ann@d.test", "bob@d.test", body=came_by(number, copies["ann@d.test"][0]))
            tap.contains(ann, "451 4.4.6 <ann@d.test> mail is fetched from the mailbox that it goes to")
            tap.contains(bob, "stored in INBOX")
        tap.same([len(server.stored("d.test/" + name)) for name in ("ann", "bob", "cy")], [1, 3, 1])


def test_fetched_mail_waits_once(folder):
    """Postfix tries again for those who were put off, not for all: it is the same arrival."""
    with Server(folder, "-o", "add_mark=yes") as server:
        server.client().greet().deliver("ann@d.test", body=came_by(0))
        copy, = server.stored("d.test/ann")
        replies = server.client().greet().deliver("ann@d.test", "cy@d.test", body=came_by(1, copy))
        tap.contains(replies[0], "451 4.4.6 ")
        tap.same(age_waits(folder + "/mail/d.test/ann/todoke-state", tap.limit("FETCH_WAIT_SECONDS")), 1)
        tap.contains(server.client().greet().deliver("ann@d.test", body=came_by(1, copy))[0], "it is in INBOX", server.read_log())


def test_retry_alone_does_not_meet_itself(folder):
    """Mail that came back for two is stored, and its redirect put off; the next try is for one, and takes what the first stored for no copy of before."""
    script = folder + "/script.sieve"
    with open(script, "w", encoding="utf-8") as file:
        file.write('require ["copy", "envelope"]; if envelope "to" "ann@d.test" { redirect :copy "far@away.test"; }')
    options = ("-o", "add_mark=yes", "-o", "sieve_scripts={%s}" % script)
    with Server(folder, *options, "-o", "submit=smtp:127.0.0.1:%d" % tap.unused_port()) as server:
        tap.same(server.client().greet().deliver("ann@d.test", body=came_by(0))[0][:3], "451", server.read_log())
        copy, = server.stored("d.test/ann")
        new = folder + "/mail/d.test/ann/new"
        os.remove(os.path.join(new, *os.listdir(new)))
        replies = server.client().greet().deliver("ann@d.test", "cy@d.test", body=came_by(1, copy))
        tap.same((replies[0][:3], len(server.stored("d.test/ann"))), ("451", 1), server.read_log())
    with Peer() as peer, Server(folder, *options, "-o", "submit=" + peer.submit) as server:
        tap.same(server.client().greet().deliver("ann@d.test", body=came_by(1, copy))[0][:3], "250", server.read_log())
        tap.same((len(peer.mails), len(server.stored("d.test/ann"))), (1, 1), server.read_log())


def test_big_message(folder):
    line = b"x" * 98
    os.chmod(folder, 0o777)  # as root, lmtp_session_user writes the spool
    with Server(folder, *STAMPS, "-o", "lmtp_spool=" + folder) as server:
        client = server.client().greet()
        body = (line.decode() + "\r\n") * 60000
        tap.same(client.deliver("ann@d.test", "bob@d.test", body=body),
                 ["250 2.0.0 <%s@d.test> stored in INBOX" % who for who in ("ann", "bob")])
        for box in ("ann", "bob"):
            tap.same(server.stored("d.test/" + box) == [(line + b"\n") * 60000], True, "bytes")


def test_no_spool(folder):
    with Server(folder, *STAMPS, "-o", "lmtp_spool=%s/none" % folder) as server:
        client = server.client().greet()
        tap.contains(client.deliver("ann@d.test", body="x" * 1500000 + "\r\n")[0], "451 4.3.0 <ann@d.test> ")
        tap.same(client.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])


def test_size_limit(folder):
    with Server(folder, "-o", "message_size_limit=100") as server:
        client = server.client()
        client.read()
        tap.contains(client.say("LHLO c"), "250-SIZE 100|")
        tap.contains(client.say("MAIL FROM:<a@b> SIZE=101"), "552 5.3.4 ")
        tap.contains(client.deliver("ann@d.test", body="x" * 200 + "\r\n")[0], "552 5.2.3 <ann@d.test> ")
        tap.same(server.stored("d.test/ann"), [])


def test_stdio_socket(folder):
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([tap.TODOKE, "lmtpd", "--stdio", "-o", "maildir=%s/%%d/%%n" % folder], stdin=theirs, stdout=theirs,
                               stderr=theirs)
    theirs.close()
    client = Client(ours).greet()
    tap.same(client.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
    client.say("QUIT")
    tap.same(client.read(), "", "end")
    tap.same(process.wait(tap.PATIENCE), 0, "exit")


def test_stdio_pipes(folder):
    said = b"LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@d.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
    result = tap.todoke("lmtpd", "--stdio", "-o", "maildir=%s/%%d/%%n" % folder, stdin=said)
    tap.same((result.returncode, result.stderr), (0, b""))
    tap.same(result.stdout.split(b"\r\n")[-3:], [b"250 2.0.0 <ann@d.test> stored in INBOX", b"221 2.0.0 bye", b""])


def test_stdio_wrong_configuration(folder):
    del folder
    result = tap.todoke("lmtpd", "--stdio", "-o", "no_such_setting=1")
    cause = b": -o: unknown setting 'no_such_setting'" if not os.path.exists("/dev/log") else b""
    tap.same(result.stdout, b"421 4.3.5 mail system is configured incorrectly" + cause + b"\r\n")
    tap.same(result.stderr, b"", "stderr is the client's too")


def test_inet_and_allow(folder):
    port = tap.unused_port()
    with Server(folder, "--listen", "inet:127.0.0.1:%d" % port) as server:
        client = Client(("127.0.0.1", port)).greet()
        tap.contains(client.say("XFORWARD IDENT=1"), "550 5.7.0 ")
        tap.same(client.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
        client.close()
        server.stop()
    with Server(folder, "--listen", "inet:127.0.0.1:%d" % port, "-o", "lmtp_allow=192.0.2.0/24") as server:
        tap.contains(Client(("127.0.0.1", port)).read(), "421 4.7.0 ")
        server.client().greet()
    with Server(folder, "-o", "lmtp_allow=user:daemon") as server:
        tap.contains(server.client().read(), "421 4.7.0 ")


def test_wrong_starts(folder):
    def fails(*args):
        result = tap.todoke("lmtpd", "-o", "log_file=%s/log" % folder, *args)
        tap.same(result.returncode != 0, True, "exit")
        return result.stderr.decode()
    tap.contains(fails(), "nowhere to listen")
    tap.contains(fails("--listen", "frob:x"), "'frob:x'")
    tap.contains(fails("--listen", "inet:localhost"), "inet:ADDRESS:PORT")
    tap.contains(fails("--listen", "unix:" + folder + "/x" * 100), "longer than")
    tap.contains(fails("--listen", "unix:" + folder), "is not a socket")
    tap.contains(fails("--listen", "unix:%s/s" % folder, "-o", "lmtp_allow=1.2.3"), "cannot read '1.2.3'")
    tap.contains(fails("--stdio", "--listen", "unix:x"), "exclude each other")
    tap.contains(fails("--stidio"), "did you mean '--stdio'?")


def test_socket_file(folder):
    with Server(folder, "-o", "lmtp_socket_mode=0600") as server:
        server.wait_for(lambda: stat.S_IMODE(os.stat(server.path).st_mode) == 0o600)
        result = tap.todoke("lmtpd", "--listen", "unix:" + server.path)
        tap.contains(result.stderr.decode(), "is served already")
        server.stop(signal.SIGKILL)
        server.wait_for(lambda: not tap.is_served(server.path))  # its workers notice, and go
    with Server(folder) as server:  # the dead one's file is replaced
        server.wait_for(lambda: stat.S_IMODE(os.stat(server.path).st_mode) == 0o660)
        server.client().greet()


def test_worker_killed_in_a_message(folder):
    with Server(folder, "-o", "lmtp_workers=1") as server:
        (busy,) = server.workers()
        client = server.client().greet()
        client.begin("ann@d.test")
        client.send("Subject: x\r\n")
        server.wait_for(lambda: len(server.workers()) == 2)
        other = server.client().greet()
        os.kill(busy, signal.SIGKILL)
        tap.same(client.read(), "421 4.3.0 internal fault")
        tap.same(client.read(), "", "end")
        tap.same(other.deliver("bob@d.test"), ["250 2.0.0 <bob@d.test> stored in INBOX"], "the other session")
        tap.same(server.client().greet().deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"], "the next session")
        tap.same(len(server.stored("d.test/ann")), 1, "copies")
        tap.contains(server.read_log(), "signal 9")


def test_idle_workers_killed(folder):
    with Server(folder) as server:
        for _ in range(3):
            for pid in server.workers():
                kill(pid)
            with contextlib.suppress(ConnectionError):  # its worker may be dying: 421 or a session, never silence
                tap.contains(server.client().read()[:3] + " 220 421", server.client().read()[:3])
        server.wait_for(lambda: len(server.workers()) == 4)
        server.client().greet()


def test_master_killed(folder):
    with Server(folder) as server:
        client = server.client().greet()
        client.begin("ann@d.test")
        server.stop(signal.SIGKILL)
        client.send("Subject: x\r\n\r\nbody\r\n.\r\n")
        tap.same(client.read(), "250 2.0.0 <ann@d.test> stored in INBOX")
        tap.contains(client.read(), "421 4.3.2 ")


def test_stop_finishes_what_was_begun(folder):
    with Server(folder) as server:
        idle = server.client().greet()
        client = server.client().greet()
        client.begin("ann@d.test")
        client.send("Subject: x\r\n")
        server.process.send_signal(signal.SIGTERM)
        tap.contains(idle.read(), "421 4.3.2 ")
        try:
            server.client()
            raise AssertionError("still listening")
        except ConnectionError:
            pass
        client.send("\r\nbody\r\n.\r\n")
        tap.same(client.read(), "250 2.0.0 <ann@d.test> stored in INBOX")
        tap.contains(client.read(), "421 4.3.2 ")
        tap.same(server.stop(), 0, "exit")
        tap.same(server.stored("d.test/ann"), [BODY % b"ann@d.test"])


def test_reload(folder):
    conf = folder + "/conf"

    def write(text):
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
    write("maildir = \"%s/mail/%%d/%%n\"\n" % folder)
    os.makedirs(folder + "/mail/second")
    with Server(folder, conf=conf) as server:
        old = server.client().greet()
        write("maildir = \"%s/mail/second/%%d/%%n\"\n" % folder)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "loaded anew" in server.read_log())
        tap.contains(server.read_log(), "code=T302, event=server-reloaded")
        tap.same(old.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"], "a session that was there")
        tap.same(len(server.stored("d.test/ann")), 1)
        server.client().greet().deliver("ann@d.test")
        tap.same(len(server.stored("second/d.test/ann")), 1)
        write("maildir = (\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "the old configuration stays" in server.read_log())
        tap.contains(server.read_log(), "code=T303, event=server-keeps-conf")
        server.client().greet().deliver("ann@d.test")
        tap.same(len(server.stored("second/d.test/ann")), 2)


def test_reload_of_sockets(folder):
    """A reload opens, closes and dresses what changed; sessions on a socket that is closed go on."""
    conf, first, second = folder + "/conf", folder + "/first", folder + "/second"

    def load(server, text, wanted="loaded anew"):
        seen = server.read_log().count(wanted)
        with open(conf, "w", encoding="utf-8") as file:
            file.write("maildir = \"%s/mail/%%d/%%n\"\n%s\n" % (folder, text))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: server.read_log().count(wanted) > seen)

    with open(conf, "w", encoding="utf-8") as file:
        file.write("maildir = \"%s/mail/%%d/%%n\"\nlmtp_listen = {\"unix:%s\"}\n" % (folder, first))
    with Server(folder, conf=conf) as server:
        old, kept = Client(first).greet(), server.client().greet()
        inode = os.stat(server.path).st_ino
        load(server, "lmtp_listen = {\"unix:%s\"}\nlmtp_socket_mode = 0600" % second)
        Client(second).greet()
        tap.same((tap.is_served(first), os.path.exists(first)), (False, False), "the socket that is gone")
        tap.same(old.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"], "a session on it")
        tap.same(kept.deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"], "a session on one that stays")
        tap.same(os.stat(server.path).st_ino, inode, "the socket of --listen is the same")
        tap.same([stat.S_IMODE(os.stat(path).st_mode) for path in (server.path, second)], [0o600, 0o600], "mode")
        load(server, "lmtp_listen = {\"unix:%s\", \"unix:%s/none/x\"}" % (first, folder), "the old configuration stays")
        tap.same((os.path.exists(first), tap.is_served(second)), (False, True), "after a reload that failed")
        load(server, "lmtp_listen = {\"unix:%s\"}\nlmtp_socket_mode = 0600\nlmtp_socket_owner = \"no-such-user\"" % first,
             "the old configuration stays")
        tap.same((os.path.exists(first), tap.is_served(second)), (False, True), "after one with a wrong owner")
        load(server, "lmtp_listen = {\"unix:%s\", \"unix:%s/none/x\"}\nlmtp_socket_mode = 0640" % (first, folder), "the old configuration stays")
        tap.same([stat.S_IMODE(os.stat(path).st_mode) for path in (server.path, second)], [0o600, 0o600], "mode after that")
        Client(second).greet().deliver("ann@d.test")
        load(server, "lmtp_listen = {\"unix:%s\", \"unix:%s\", \"unix:%s\"}" % (second, first, first))
        tap.same((tap.is_served(first), tap.is_served(second)), (True, True), "both")


def test_reload_to_nowhere(folder):
    """A configuration with no socket at all leaves those that there are."""
    conf, place = folder + "/conf", folder + "/place"

    def write(listen):
        with open(conf, "w", encoding="utf-8") as file:
            file.write("maildir = \"%s/mail/%%d/%%n\"\nlmtp_listen = {%s}\n" % (folder, listen))
    write("\"unix:%s\"" % place)
    with Server(folder, conf=conf, listen=False) as server:
        write("")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: "the old configuration stays: nowhere to listen" in server.read_log())
        tap.same(Client(place).greet().deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])


def test_connection_limit(folder):
    with Server(folder, "-o", "lmtp_connections=2", "-o", "lmtp_workers=1") as server:
        first, second = server.client().greet(), server.client().greet()
        tap.same(server.client().read(), "421 4.3.2 too many connections")
        first.say("QUIT")
        first.read()
        server.wait_for(lambda: server.client().read().startswith("220"))
        second.say("NOOP")


def test_silent_client(folder):
    with Server(folder, "-o", "lmtp_idle_timeout=1") as server:
        client = server.client()
        client.read()
        tap.contains(client.read(), "421 4.4.2 nothing heard")


def test_slow_client(folder):
    with Server(folder, "-o", "lmtp_message_timeout=5", "-o", "lmtp_workers=1") as server:
        client = server.client().greet()
        client.begin("ann@d.test")
        tap.same(server.client().greet().deliver("bob@d.test"), ["250 2.0.0 <bob@d.test> stored in INBOX"], "nobody waits for it")
        with contextlib.suppress(ConnectionError):
            for _ in range(10 * tap.PATIENCE):
                client.send("x")
                time.sleep(0.1)
        tap.contains(client.read(), "421 4.4.2 session took too long")
        tap.same(server.stored("d.test/ann"), [])


def test_client_that_does_not_read(folder):
    with Server(folder, "-o", "lmtp_idle_timeout=5", "-o", "lmtp_connections=1", "-o", "lmtp_workers=1") as server:
        client = server.client().greet()
        with contextlib.suppress(ConnectionError, socket.timeout):
            client.socket.settimeout(1)
            client.send("MAIL FROM:<a@b>\r\n" + "RCPT TO:<ann@d.test>\r\n" * 200000)
        server.wait_for(lambda: server.client().read().startswith("220"))


def test_hang_up_anywhere(folder):
    said = b"LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@d.test>\r\nDATA\r\nx\r\n.\r\n"
    with Server(folder, "-o", "lmtp_connections=200") as server:
        for end in range(0, len(said)):
            client = server.client()
            client.send(said[:end])
            client.close()
        server.client().greet().deliver("bob@d.test")
        server.wait_for(lambda: len(server.workers()) <= 4)
        tap.same(server.stored("d.test/ann"), [], "nothing without a dot")
        tap.same("died" in server.read_log(), False, server.read_log())


def test_socket_activation(folder):
    """LISTEN_PID must be the process's own, so it is set between fork and exec."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(folder + "/activated")
    listener.listen()
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(folder + "/notify")
    notify.settimeout(tap.PATIENCE)
    script = "exec 3<&%d; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"" % listener.fileno()
    process = subprocess.Popen(["sh", "-c", script, "sh", tap.TODOKE, "lmtpd", "-o", "maildir=%s/%%d/%%n" % folder,
                                "-o", "lmtp_listen=unix:%s/activated" % folder, "-o", "lmtp_socket_mode=0600",
                                "-o", "log_file=%s/log" % folder],
                               env=dict(os.environ, NOTIFY_SOCKET=folder + "/notify"), pass_fds=[listener.fileno()])
    try:
        tap.contains(notify.recv(1000), b"READY=1\nSTATUS=configuration '")
        tap.same(Client(folder + "/activated").greet().deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
        process.send_signal(signal.SIGHUP)
        tap.contains(notify.recv(100), b"RELOADING=1\nMONOTONIC_USEC=")
        tap.contains(notify.recv(1000), b"READY=1\nSTATUS=configuration '")
        tap.same(stat.S_IMODE(os.stat(folder + "/activated").st_mode) != 0o600, True, "its mode is systemd's matter")
        process.terminate()
        tap.same(notify.recv(100), b"STOPPING=1")
        tap.same(process.wait(tap.PATIENCE), 0)
    finally:
        process.kill()


def owned_box(folder, name, uid):
    box = "%s/mail/d.test/%s" % (folder, name)
    os.makedirs(box)
    os.chown(box, uid, uid)
    for path in (folder, folder + "/mail", folder + "/mail/d.test"):
        os.chmod(path, 0o755)
    return box


@tap.as_root
def test_root_becomes_each_recipient(folder):
    boxes = {name: owned_box(folder, name, uid) for name, uid in (("ann", 4001), ("bob", 4002))}
    with Server(folder) as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test", "bob@d.test"),
                 ["250 2.0.0 <%s@d.test> stored in INBOX" % who for who in ("ann", "bob")])
        for name, uid in (("ann", 4001), ("bob", 4002)):
            new = boxes[name] + "/new"
            owners = {os.stat(os.path.join(new, file)).st_uid for file in os.listdir(new)}
            tap.same(owners, {uid}, name)


@tap.as_root
def test_worker_becomes_lmtp_user(folder):
    box = owned_box(folder, "ann", 65534)
    os.chmod(folder, 0o777)
    with Server(folder, "-o", "lmtp_user=nobody", "-o", "lmtp_workers=1") as server:
        (worker,) = server.workers()
        server.wait_for(lambda: "Uid:\t65534\t65534\t65534\t65534" in open("/proc/%d/status" % worker, encoding="ascii").read())
        tap.same(server.client().greet().deliver("ann@d.test"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
        tap.same({os.stat(os.path.join(box, "new", file)).st_uid for file in os.listdir(box + "/new")}, {65534})


@tap.as_root
def test_without_root(folder):
    os.chmod(folder, 0o777)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    os.mkdir(folder + "/mail")
    os.chmod(folder + "/mail", 0o777)
    with Server(folder, preexec=become_nobody) as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@d.test", "bob@d.test"),
                 ["250 2.0.0 <%s@d.test> stored in INBOX" % who for who in ("ann", "bob")])
        tap.same(server.stored("d.test/bob"), [BODY % b"bob@d.test"])


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
