#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mail that is answered before a delivery begins: the record of the site has it, within bounds, and todoke why finds it (todoke-record(1))."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MESSAGE = b"Received: from a.test by mx.x.test (Postfix) with ESMTP id 4RECEIVED\nFrom: a@b.test\nMessage-ID: <one@b.test>\n\nbody\n"


def settings(folder, **more):
    users = folder + "/users"
    if not os.path.exists(users):
        with open(users, "w", encoding="ascii") as file:
            file.write("ann:::::%s/mail/ann:\n" % folder)
    os.makedirs(folder + "/mail/ann", exist_ok=True)
    rows = {"users": "passwd_file", "passwd_file": users, "maildir": "~/Maildir", "early_record_folder": folder + "/early", "log_file": folder + "/log",
            "hostnames": "mx.x.test", "tree_memory": "", **more}
    return [word for name, value in rows.items() for word in ("-o", "%s=%s" % (name, value))]


def deliver(folder, rcpt, *args, code=67, queue_id="4A1", message=MESSAGE, **more):
    result = tap.todoke("deliver", *settings(folder, **more), "-f", "a@b.test", "-a", "alias@x.test", "-d", rcpt,
                        *(("--queue-id", queue_id) if queue_id else ()), *args, stdin=message)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))


def found(folder, *args, code=0, **more):
    result = tap.todoke("why", *settings(folder, **more), "--json", *args)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
    return [mail["record"] for mail in json.loads(result.stdout)["mails"]]


def test_an_unknown_user(folder):
    deliver(folder, "nobody@x.test")
    for name in ("4A1", "<one@b.test>"):
        (record,) = found(folder, name)
        want = {"schema": "todoke.record/1", "door": "pipe", "queue_id": "4A1", "message_id": "<one@b.test>", "from": "a@b.test", "to": "nobody@x.test",
                "orig_to": "alias@x.test", "status": "bounced", "dsn": "5.1.1", "code": "T201", "fault": "unknown-user"}
        tap.same({key: record.get(key) for key in want}, want, name)
    text = tap.todoke("why", *settings(folder), "4A1").stdout.decode()
    for part in ("4A1  a@b.test -> nobody@x.test\n", "by pipe, Message-ID <one@b.test>; it was answered before a delivery began\n",
                 "it was sent to alias@x.test, which is an alias\n", "5.1.1 refused: Postfix sends it back to the sender", "todoke code unknown-user"):
        tap.contains(text, part)
    tap.contains(tap.todoke("why", *settings(folder), "4A1", "--language", "ja").stdout.decode(), "配送を始める前に応答しました")
    tap.same(os.stat(folder + "/early").st_mode & 0o777, 0o700)
    tap.same(os.stat(folder + "/early/unknown").st_mode & 0o777, 0o600)


def test_each_fault_before_a_delivery(folder):
    """Wrong settings, wrong arguments, an address that names nobody, a list of users that is not there."""
    wrong = folder + "/wrong.conf"
    with open(wrong, "w", encoding="ascii") as file:
        file.write("early_record_folder = \"%s/early\"\nno_such_setting = 1\n" % folder)
    result = tap.todoke("deliver", "-c", wrong, "-d", "ann@x.test", "--queue-id", "4CONF", stdin=MESSAGE)
    tap.same((result.returncode, result.stdout[:6]), (75, b"4.3.5 "))
    deliver(folder, "ann@x.test", "--no-such-option", queue_id="4USAGE", code=75)
    deliver(folder, "../ann@x.test", queue_id="4ADDRESS", code=67)
    deliver(folder, "ann@x.test", queue_id="4USERS", code=75, passwd_file=folder + "/none")
    deliver(folder, "ann@x.test", queue_id="4RULE", code=75, record_max_size="no size")
    for queue_id, fault, name in (("4CONF", "config", "record"), ("4USAGE", "usage", "record"), ("4ADDRESS", "unknown-user", "unknown"), ("4USERS", "lookup", "record"),
                                  ("4RULE", "config", "record")):
        (record,) = found(folder, queue_id)
        tap.same(record["fault"], fault, queue_id)
        with open("%s/early/%s" % (folder, name), encoding="utf-8") as file:
            tap.contains(file.read(), queue_id)


def test_without_a_queue_id(folder):
    """As the mda of a fetcher: by what the header says."""
    deliver(folder, "nobody@x.test", queue_id=None)
    tap.same([record["to"] for record in found(folder, "4RECEIVED")], ["nobody@x.test"])
    tap.same([record["to"] for record in found(folder, "one@b.test")], ["nobody@x.test"])


def test_lmtp(folder):
    with Server(folder, *settings(folder)) as server:
        client = server.client().greet()
        client.say("MAIL FROM:<a@b.test>")
        tap.same(client.say("RCPT TO:<nobody@x.test>")[:10], "550 5.1.1 ")
    (record,) = found(folder, "--to", "nobody@x.test")
    tap.same([record.get(key) for key in ("door", "from", "fault")], ["lmtp", "a@b.test", "unknown-user"])


def early_text(folder):
    text = ""
    for name in tap.files_below(folder + "/lib/early") if os.path.isdir(folder + "/lib/early") else []:
        with open(os.path.join(folder, "lib/early", name), encoding="utf-8") as file:
            text += file.read()
    return text


def test_of_one_user(folder):
    """An answer at RCPT to a mailbox that is there: the newest mail of that user, under the queue id that Postfix's XFORWARD gave."""
    box = folder + "/mail/x.test/ann"
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(box, part))
    words = ("-o", "early_record_folder=%s/lib/early" % folder)
    full = (*words, "-o", "quota=site", "-o", "quota_bytes=5000", "-o", "quota_full=bounce")
    site = (*full, "-o", "maildir=%s/mail/%%d/%%n" % folder)
    os.makedirs(folder + "/lib")
    with Server(folder, *full, "-o", "create_maildir=no") as server:
        client = server.client().greet()
        tap.same(client.deliver("ann@x.test")[0][:4], "250 ", server.read_log())
        time.sleep(0.05)  # the record has milliseconds, and mails of one have no order
        for ident, rcpt, reply in (("4FULL", "Ann+list@x.test", "552 5.2.2 "), ("4OTHER", "anne@x.test", "550 5.1.1 ")):
            client.say("XFORWARD IDENT=" + ident)
            client.say("MAIL FROM:<a@b.test> SIZE=5000")
            tap.same(client.say("RCPT TO:<%s>" % rcpt)[:10], reply)
            client.say("RSET")
            server.wait_for(lambda ident=ident: ident in early_text(folder))  # it is written behind the reply
            tap.contains(server.read_log(), "]: %s: to=%s, " % (ident, rcpt))

    def ask(*args, code=0):
        result = tap.todoke("why", *site, "--json", *args)
        tap.same(result.returncode, code, result.stderr)
        return [mail["record"].get("queue_id", mail["record"]["status"]) for mail in json.loads(result.stdout)["mails"]]

    tap.same(ask("--last", "--user", "ann@x.test"), ["4FULL"])
    tap.same(ask("--last", "5", "--user", "ann@x.test"), ["sent", "4FULL"])
    tap.same(ask("--last", "--user", "anne@x.test"), ["4OTHER"])
    tap.same(ask("4FULL"), ["4FULL"])
    tap.same(ask("4OTHER", "--user", "ann@x.test", code=1), [])
    tap.contains(tap.todoke("why", *site, "--last", "--user", "ann@x.test").stdout.decode(), "  4FULL  a@b.test -> Ann+list@x.test\n")


def test_how_old(folder):
    """--last shows the newest, and that may be an old one."""
    deliver(folder, "nobody@x.test")
    with open(folder + "/early/unknown", encoding="utf-8") as file:
        line = json.loads(file.read())
    now = line["time"]
    for seconds, want in ((0, "(just now)"), (40, "(just now)"), (60, "(1 minute ago)"), (185, "(3 minutes ago)"), (3600, "(1 hour ago)"), (2 * 86400 - 60, "(47 hours ago)"),
                          (2 * 86400, "(2 days ago)")):
        with open(folder + "/early/unknown", "w", encoding="utf-8") as file:
            file.write(json.dumps(dict(line, time=now - seconds), separators=(",", ":")) + "\n")
        tap.contains(tap.todoke("why", *settings(folder), "--last").stdout.decode().split("\n")[0], want)
    text = tap.todoke("why", *settings(folder), "4A1").stdout.decode()
    tap.same(" ago)" in text, False, text)
    tap.contains(tap.todoke("why", *settings(folder), "--last", "--language", "ja").stdout.decode().split("\n")[0], "日前")


def test_of_one_user_in_one_file(folder):
    """record_file for all: --user takes what is that user's."""
    one = folder + "/all"
    deliver(folder, "ann@x.test", queue_id="4ANN", code=0, record_file=one)
    deliver(folder, "nobody@x.test", queue_id="4NOBODY", record_file=one)
    tap.same([record["queue_id"] for record in found(folder, "--last", record_file=one)], ["4NOBODY"])
    tap.same([record["queue_id"] for record in found(folder, "--last", "--user", "ann@x.test", record_file=one)], ["4ANN"])


def test_lmtp_in_its_box(folder):
    """The folder is made before the worker enters its box, which has the tree of mailboxes and not what lies beside it, as /var/vmail and /var/lib."""
    os.makedirs(folder + "/mail/x.test/ann")
    os.makedirs(folder + "/lib")
    early = ("-o", "early_record_folder=%s/lib/early" % folder, "-o", "create_maildir=no")
    with Server(folder, *early) as server:
        client = server.client().greet()
        client.say("MAIL FROM:<a@b.test>")
        tap.same(client.say("RCPT TO:<nobody@x.test>")[:10], "550 5.1.1 ", server.read_log())
        server.wait_for(lambda: "nobody@x.test" in early_text(folder))  # it is written behind the reply
    result = tap.todoke("why", *early, "-o", "maildir=%s/mail/%%d/%%n" % folder, "--json", "--to", "nobody@x.test")
    tap.same([mail["record"]["fault"] for mail in json.loads(result.stdout)["mails"]], ["unknown-user"], result.stderr)


def test_a_dictionary_attack(folder):
    """It pushes out nothing but its own kind, and the folder does not grow without end."""
    deliver(folder, "ann@x.test", queue_id="4USERS", code=75, passwd_file=folder + "/none")
    least = 65536
    with Server(folder, *settings(folder, record_max_size=str(least))) as server:
        sent = 0
        for _ in range(40 if tap.SANITIZED else 120):
            client = server.client().greet()
            client.say("MAIL FROM:<a@b.test>")
            for _ in range(8):
                sent += 1
                client.say("RCPT TO:<%s%d@x.test>" % ("guess" * 12, sent))
            client.close()
    sizes = {name: os.stat(os.path.join(folder, "early", name)).st_size for name in os.listdir(folder + "/early")}
    tap.same(set(sizes) <= {"record", "unknown", "unknown.old"}, True, sizes)
    # one writer of 32 looks at the size; a line has the path of the mailbox that is not there
    tap.same(max(sizes.values()) < least + 400 * (700 + len(folder)), True, sizes)
    tap.same([record["fault"] for record in found(folder, "4USERS")], ["lookup"])
    tap.same(len(found(folder, "--to", "%s%d@x.test" % ("guess" * 12, sent))), 1, "the last guess")


def test_a_folder_that_cannot_be_used(folder):
    """Someone else's, one that others write to, a link, a file, none: the mail is answered as ever, and nothing is written."""
    os.mkdir(folder + "/open")
    os.chmod(folder + "/open", 0o777)
    os.mkdir(folder + "/mine", 0o700)
    os.symlink(folder + "/mine", folder + "/link")
    with open(folder + "/file", "w", encoding="ascii"):
        pass
    for name in ("open", "link", "file", "none/below"):
        deliver(folder, "nobody@x.test", early_record_folder=folder + "/" + name)
    deliver(folder, "nobody@x.test", early_record_folder="")
    tap.same((os.listdir(folder + "/open"), os.listdir(folder + "/mine"), os.path.exists(folder + "/none")), ([], [], False))
    deliver(folder, "nobody@x.test", record="no")
    tap.same(os.path.exists(folder + "/early"), False, "record = no")


def test_hostile_files_in_it(folder):
    os.mkdir(folder + "/early", 0o700)
    with open(folder + "/prey", "w", encoding="ascii") as file:
        file.write("prey")
    os.symlink(folder + "/prey", folder + "/early/unknown")
    os.mkfifo(folder + "/early/record")
    deliver(folder, "nobody@x.test")
    deliver(folder, "ann@x.test", code=75, passwd_file=folder + "/none")
    with open(folder + "/prey", encoding="ascii") as file:
        tap.same(file.read(), "prey")
    result = tap.todoke("why", *settings(folder), "4A1")
    tap.same(result.returncode, 1)
    tap.contains(result.stderr.decode(), "/early/")


def test_forget_and_stats(folder):
    deliver(folder, "nobody@x.test")
    deliver(folder, "other@x.test", queue_id="4A2")
    counts = json.loads(tap.todoke("stats", *settings(folder), "--json").stdout)
    tap.contains(json.dumps(counts), "unknown-user")
    tap.same(tap.todoke("record", *settings(folder)).stdout.count(b"todoke.record/1"), 2)
    tap.contains(tap.todoke("record", *settings(folder), "--forget", "nobody@x.test").stdout.decode(), "1 lines are forgotten")
    found(folder, "4A1", code=1)
    tap.same(len(found(folder, "4A2")), 1)
    tap.same(found(folder, "--user", "ann", "4A2", code=1), [], "it is nobody's")


def test_hostile_words(folder):
    """What strangers write becomes text."""
    deliver(folder, 'a"b\\\x1b[31m@x.test', message=b"Message-ID: <\xff\"\\\x01x@b.test>\n\n", code=67, queue_id="4A1")
    (record,) = found(folder, "4A1")
    tap.contains(record["to"], "\x1b[31m")
    text = tap.todoke("why", *settings(folder), "4A1").stdout.decode()
    tap.same([char for char in text if ord(char) < 32 and char != "\n"], [], "what a terminal would obey")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
