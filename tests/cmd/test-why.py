#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke why`: which mail is found, what is told of it, where it is now; and how long that takes with many users."""

import json
import os
import re
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: quarterly figures\nMessage-ID: <one@b.test>\n\nbody\n"
SCRIPT = 'require "fileinto";\nif header :is "subject" "quarterly figures" { fileinto "Work"; }\n'


def settings(folder):
    return ("-o", "maildir=%s/mail/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=%s/main.sieve" % folder,
            "-o", "tree_memory=", "-o", "early_record_folder=%s/early" % folder)


def deliver(folder, queue_id, message=MESSAGE, to="ann@x.test", sender="a@b.test", script=SCRIPT, code=0, options=()):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(script)
    result = tap.todoke("deliver", *settings(folder), *options, "-f", sender, "-d", to, "-a", to, "--queue-id", queue_id, stdin=message)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))


def why(folder, *args, code=0):
    result = tap.todoke("why", *settings(folder), *args)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
    return result.stdout.decode()


def found(folder, *args, code=0):
    """The queue ids of what is found."""
    return [mail["record"]["queue_id"] for mail in json.loads(why(folder, "--json", *args, code=code))["mails"]]


def now(folder, *args):
    return json.loads(why(folder, "--json", *args))["mails"][0]["now"][0]


def mailbox(folder, *below):
    return os.path.join(folder, "mail/x.test/ann", *below)


def only_file(folder, *below):
    (name,) = os.listdir(mailbox(folder, *below))
    return mailbox(folder, *below, name)


def test_which_mail_is_found(folder):
    deliver(folder, "4A1")
    deliver(folder, "4A2", sender="C@d.test", message=MESSAGE.replace(b"one@", b"two@"))
    deliver(folder, "4A3", to="bob@x.test", message=MESSAGE.replace(b"one@", b"three@"))
    for args, want in ((("4A1",), ["4A1"]), (("4a1",), []), (("<two@b.test>",), ["4A2"]), (("two@b.test",), ["4A2"]), (("4A1", "three@b.test"), ["4A1", "4A3"]),
                       (("--from", "c@D.test"), ["4A2"]), (("--from", "@b.test"), ["4A1", "4A3"]), (("--from", "@b.tes"), []), (("--from", "b.test"), []),
                       (("--to", "BOB@x.test"), ["4A3"]), (("--to", "@x.test", "--from", "a@b.test"), ["4A1", "4A3"]), (("--last",), ["4A3"]),
                       (("--last", "2"), ["4A2", "4A3"]), (("--last=2",), ["4A2", "4A3"]), (("--last=2", "--recipient", "ann@x.test"), ["4A1", "4A2"]),
                       (("--last=1", "-d", "bob@x.test"), ["4A3"]), (("--from", "a@b.test", "--last", "1"), ["4A3"]), (("--since", "1h"), ["4A1", "4A2", "4A3"]),
                       (("--since", "0s"), []), (("--user", "bob@x.test", "--last", "9"), ["4A3"]), (("--user", "bob@x.test", "4A1"), [])):
        tap.same(found(folder, *args, code=0 if want else 1), want, " ".join(args))


def test_a_file_names_its_mail(folder):
    deliver(folder, "4A1", message=MESSAGE.replace(b"Message-ID: <one@b.test>\n", b""))
    tap.same(found(folder, only_file(folder, ".Work", "new")), ["4A1"], "by the name of the file")
    with open(folder + "/copy.eml", "wb") as file:
        file.write(MESSAGE)
    deliver(folder, "4A2")
    tap.same(found(folder, folder + "/copy.eml"), ["4A2"], "by the Message-ID in the file")
    tap.contains(tap.todoke("why", *settings(folder), folder + "/none.eml").stderr.decode(), "cannot open")


def test_one_line_has_one_writer(folder):
    """Below the second Delivered-To nobody received the mail: who wrote it is not known, and no sentence names a host for it."""
    deliver(folder, "4A1", message=b"Delivered-To: ann@x.test\n" * 2 + MESSAGE)
    told = why(folder, "4A1")
    tap.contains(told, "copied")
    tap.contains(told, "(written by unknown: ")
    tap.same("another host" in told, False)
    deliver(folder, "4A2", message=b"Received: from p by mx.x.test; Mon, 30 Nov 2026 08:00:02 +0000\nDelivered-To: ann@x.test\n"
            b"Received: from q by other.test; Mon, 30 Nov 2026 08:00:00 +0000\n" + MESSAGE.replace(b"one@", b"two@"))
    told = why(folder, "4A2")
    tap.same((told.count("(written by another host: "), told.count("this host did not write the Delivered-To line")), (1, 1))


def test_what_is_no_mail(folder):
    os.mkfifo(folder + "/fifo")
    for path in ("/fifo", "/mail"):
        os.makedirs(folder + "/mail", exist_ok=True)
        result = tap.todoke("why", *settings(folder), folder + path)
        tap.same((result.returncode, result.stderr.decode()), (1, "todoke why: '%s%s' is not the file of a mail\n" % (folder, path)))
    with open(folder + "/open", "wb"):
        os.chmod(folder + "/open", 0)
    tap.contains(tap.todoke("why", *settings(folder), folder + "/open").stderr.decode(), "'%s/open': Permission denied" % folder)
    for args, words in ((("",), "a MAIL is empty"), (("--last", "0"), "--last takes a number from 1 on"),
                        (("--last=0",), "--last takes a number from 1 on")):
        result = tap.todoke("why", *settings(folder), *args)
        tap.same(result.returncode, 2, "exit code of %r" % (args,))
        tap.contains(result.stderr.decode(), words)


def test_the_id_of_a_copy_that_went_out(folder):
    """As the other side's answer has it: the whole id, not its beginning."""
    deliver(folder, "4A1")
    with open(mailbox(folder, "todoke-state/record"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"schema": "todoke.record/1", "time": 1.5, "queue_id": "4A9",
                               "done": [{"action": "redirect", "to": "c@d.test", "reply": "250 2.0.0 Ok: queued as 4ABC12"}]},
                              separators=(",", ":")) + "\n")
    tap.same(found(folder, "4ABC12"), ["4A9"])
    tap.same(found(folder, "4ABC", code=1), [])


def test_the_story(folder):
    deliver(folder, "4A1")
    text = why(folder, "4A1")
    for part in ("4A1  a@b.test -> ann@x.test\n", "by pipe, %d octets, Message-ID <one@b.test>" % len(MESSAGE), "main.sieve:2 asks for fileinto Work\n",
                 "because Subject is quarterly figures (line 2)\n", "fileinto: stored in Work\n",
                 "still there, as it was stored, in Work\n", "2.0.0 delivered, after "):
        tap.contains(text, part)


def test_an_alias_is_another_recipient(folder):
    """local(8) names an account without its domain, or with it; that is no alias."""
    deliver(folder, "4A1")
    rows = (("ann", "ann@x.test", False), ("ann@x.test", "ann", False), ("Ann@X.test", "ann@x.test", False), ("ann", "ann", False), ("info", "ann", True),
            ("info@x.test", "ann@x.test", True), ("ann@old.test", "ann@x.test", True), ("an", "ann@x.test", True))
    with open(mailbox(folder, "todoke-state/record"), "a", encoding="utf-8") as file:
        for number, (original, to, _) in enumerate(rows):
            file.write(json.dumps({"schema": "todoke.record/1", "time": 2.5, "queue_id": "4B%d" % number, "door": "pipe", "from": "a@b.test", "to": to,
                                   "orig_to": original, "size": 10}, separators=(",", ":")) + "\n")
    for number, (original, to, is_alias) in enumerate(rows):
        tap.same("it was sent to %s, which is an alias" % original in why(folder, "4B%d" % number), is_alias, (original, to))


def test_orcpt_is_no_alias(folder):
    """By LMTP it is what ORCPT says, and a redirect passes that on."""
    deliver(folder, "4A1")
    with open(mailbox(folder, "todoke-state/record"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"schema": "todoke.record/1", "time": 2.5, "queue_id": "4B1", "door": "lmtp", "from": "a@b.test", "to": "ann@x.test",
                               "orig_to": "ben@x.test", "size": 10}, separators=(",", ":")) + "\n")
    text = why(folder, "4B1")
    tap.contains(text, "it was first sent to ben@x.test, and came here by an alias or a redirect\n")
    tap.same("which is an alias" in text, False, text)


def test_a_chain_in_the_order_of_its_hops(folder):
    """Whoever passes a mail on writes their line when the next hop may have ended already."""
    for to in ("ann@x.test", "ben@x.test"):
        deliver(folder, "4A1", to=to)
    for user, queue_id, at, total in (("ann", "4B1", 10.9, 900000), ("ann", "4B3", 10.6, 100000), ("ben", "4B2", 10.7, 500000)):
        with open(os.path.join(folder, "mail/x.test", user, "todoke-state/record"), "a", encoding="utf-8") as file:
            file.write(json.dumps({"schema": "todoke.record/1", "time": at, "queue_id": queue_id, "message_id": "<chain@b.test>", "from": 'x"total":9',
                                   "delay_us": {"total": total, "judge": 1}}, separators=(",", ":")) + "\n")
    tap.same(found(folder, "<chain@b.test>"), ["4B1", "4B2", "4B3"])


def test_this_hop_alone_is_no_news(folder):
    """local(8) and pipe(8) stamp each mail: where nothing is suspected, their line is not told; --json has it."""
    deliver(folder, "4A1", message=b"Delivered-To: ann@x.test\nReceived: from q by mx.x.test (Postfix) with ESMTP id 4A1; Mon, 30 Nov 2026 08:00:00 +0000\n" + MESSAGE)
    record = json.loads(why(folder, "4A1", "--json"))["mails"][0]["record"]
    tap.same((record["loop"]["kind"], record["loop"]["evidence"][0]["writer"]), ("none", "this hop"), record)
    text = why(folder, "4A1")
    tap.same(re.findall(r"(?m)^  loop .*|written by.*", text), [], text)


def test_an_exit_code_that_a_recipe_asks_for(folder):
    """W says that the program's answer is no failure, as of formail -D to mail that is new; procmail logs it under w. A shell that finds no program is told all the same."""
    rows = (("4W", ":0 Wh: lock\n| formail -D 8192 cache\n", False), ("4PW", ":0 W\n| /bin/false\n", False), ("4PL", ":0 w\n| /bin/false\n", True),
            ("4PN", ":0 W\n| no-such-program; no-such-program\n", True), ("4FW", ":0 fW\n| /bin/false\n", False), ("4FL", ":0 fw\n| /bin/false\n", True))
    os.makedirs(folder + "/home")
    for queue_id, recipe, is_told in rows:
        with open(folder + "/rc", "w", encoding="ascii") as file:
            file.write("PATH=/usr/bin:/bin\nMAILDIR=%s/home\n%s:0\n%s/home/box/\n" % (folder, recipe, folder))
        os.chmod(folder + "/rc", 0o600)
        deliver(folder, queue_id, options=("-o", "sieve_scripts=", "--recipes", folder + "/rc"), message=MESSAGE.replace(b"one@", queue_id.encode() + b"@"))
        text = why(folder, queue_id)
        tap.same("failed with exit code" in text, is_told, text)
        tap.contains(text, "done ")


def test_in_japanese(folder):
    deliver(folder, "4A1")
    text = why(folder, "4A1", "--language", "ja")
    for part in ("%s/main.sieve:2 の指示は fileinto Work" % folder, "Work に保存しました", "保存したときのまま Work にあります"):
        tap.contains(text, part)


def test_refused_and_put_off(folder):
    deliver(folder, "4A1", script='require "reject"; reject "go away";', code=77)
    text = why(folder, "4A1")
    tap.contains(text, "5.7.1 refused: Postfix sends it back to the sender")
    tap.contains(text, "go away")
    tap.contains(text, "todoke code rule-refused")
    os.chmod(mailbox(folder, "new"), 0o500)
    deliver(folder, "4A2", script="keep;", code=75)
    tap.contains(why(folder, "4A2"), "put off: Postfix keeps it and tries again")


def test_where_it_is_now(folder):
    deliver(folder, "4A1")
    tap.same(now(folder, "4A1")["state"], "there")

    name = os.path.basename(only_file(folder, ".Work", "new"))
    os.rename(mailbox(folder, ".Work/new", name), mailbox(folder, ".Work/cur", name + ":2,FS"))
    place = now(folder, "4A1")
    tap.same((place["state"], place["folder"], place["flags"]), ("changed", "Work", "FS"))
    tap.contains(why(folder, "4A1"), "still in Work, touched by a mail program at ")

    os.makedirs(mailbox(folder, ".Old.Things/cur"))
    os.rename(mailbox(folder, ".Work/cur", name + ":2,FS"), mailbox(folder, ".Old.Things/cur", name + ":2,S"))
    place = now(folder, "4A1")
    tap.same((place["state"], place["folder"], place["found_by"]), ("moved", "Old/Things", "name"))

    os.rename(mailbox(folder, ".Old.Things/cur", name + ":2,S"), mailbox(folder, ".Old.Things/cur", "1700000000.M1P1.other:2,S"))
    place = now(folder, "4A1")
    tap.same((place["state"], place["folder"], place["found_by"]), ("moved", "Old/Things", "content"))

    before = place["last_seen"]
    os.unlink(mailbox(folder, ".Old.Things/cur", "1700000000.M1P1.other:2,S"))
    place = now(folder, "4A1")
    tap.same((place["state"], place["last_folder"], place["last_seen"]), ("gone", "Old/Things", before), "it was last seen at the last look")
    tap.contains(why(folder, "4A1"), "gone: it was last seen in Old/Things at ")


def test_another_mail_of_the_same_size_is_not_it(folder):
    deliver(folder, "4A1")
    path = only_file(folder, ".Work", "new")
    with open(path, "rb") as file:
        octets = file.read()
    os.unlink(path)
    for number, other in enumerate((octets.replace(b"\n\nbody", b"\n\nbodz"), octets.replace(b"one@b", b"onf@b"))):
        with open(mailbox(folder, ".Work/new", "other%d,S=%d" % (number, len(octets))), "wb") as file:
            file.write(other)
    tap.same(now(folder, "4A1")["state"], "gone")


def test_a_hostile_record(folder):
    """The owner can write anything into it; a terminal must not obey that, and nothing may end the program."""
    deliver(folder, "4A1")
    record = mailbox(folder, "todoke-state/record")
    lines = [{"queue_id": "4H%d" % number, **more} for number, more in enumerate((
        {}, {"time": "x", "from": ["a"], "to": {}, "plan": "x", "done": [1, {}, {"file": "../../../../etc/passwd"}, {"file": "new/"}]},
        {"from": "\x1b[31m\x07", "done": [{"action": "keep", "folder": "\x1b]0;x\x07", "file": "../new/x"}], "status": "\x1b[2J", "plan": [{}, 7]},
        {"delay_us": 3, "loop": {"evidence": [{}]}, "held": [{}], "outside": [{}], "notes": [7], "header_rules": [{}], "time": 1e300}))]
    with open(record, "a", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps({"schema": "todoke.record/1", **line}, separators=(",", ":")) + "\n")
    for line in lines:
        text = why(folder, line["queue_id"])
        tap.same([char for char in text if ord(char) < 32 and char != "\n"], [], "what a terminal would obey")
        why(folder, line["queue_id"], "--json")


def grep_in_log(word):
    """The command that is advised on this host, which has a log file or only the journal."""
    log = next((path for path in ("/var/log/mail.log", "/var/log/maillog") if os.path.exists(path)), None)
    return "grep -F -- %s %s" % (word, log) if log else "journalctl --no-pager --facility=mail | grep -F -- %s" % word


def follow_hint(folder, query):
    """What is advised, typed into a shell, finds the line of Postfix, whatever the id begins with."""
    log = folder + "/mail.log"
    with open(log, "w", encoding="utf-8") as file:
        file.write("host postfix/smtpd[1]: other: x\nhost postfix/qmgr[1]: %s: removed\n" % query)
    journalctl(folder, "cat %s" % log)
    hints = [hint for hint in re.findall(r"(?:journalctl|grep -F) .*", why(folder, "--", query, code=1)) if query in hint]
    tap.same(len(hints) > 0, True, "hints")
    for hint in hints:
        result = subprocess.run(["sh", "-c", re.sub(r"/var/log/mail\.?log", log, hint)], capture_output=True, check=False,
                                env={**os.environ, "PATH": folder + "/bin:" + os.environ["PATH"]})
        tap.same((result.returncode, result.stdout.count(b"removed"), result.stderr), (0, 1, b""), hint)


def test_never_seen(folder):
    deliver(folder, "4A1")
    text = why(folder, "--from", "no'body@x.test", code=1)
    tap.contains(text, "No record of todoke holds such a mail.\n")
    tap.contains(text, grep_in_log("'from=<no'\\''body@x.test>'") + "\n")
    tap.contains(why(folder, "4NONE", "--json", code=1), grep_in_log("'4NONE:'"))
    follow_hint(folder, "-4NONE")


def test_whose_mail_is_not_there(folder):
    """Each says whether there is such a user, or only no mail yet; and what it says to do tells the rest."""
    deliver(folder, "4A1")
    text = why(folder, "--last", "--user", "eve@x.test", code=1)
    tap.contains(text, "No mailbox of 'eve@x.test' is there yet: '%s/mail/x.test/eve'. Either no mail was delivered, or that is not the name: "
                       "`todoke account --list` prints all.\n" % folder)
    for part in ("--wait 60 waits for it", grep_in_log("'to=<eve@x.test>'") + "\n"):
        tap.contains(text, part)
    tap.same(tap.todoke("account", *settings(folder), "--list").stdout, b"ann@x.test\n")
    deliver(folder, "4A2", to="bob@x.test", options=("-o", "record=no"))
    tap.contains(why(folder, "--last", "--user", "bob@x.test", code=1), "No delivery to 'bob@x.test' is recorded yet: there is no '%s/mail/x.test/bob/" % folder)
    tap.same("is there yet" in why(folder, "--last", "--user", "ann@x.test", "--since", "0s", code=1), False, "ann has mail, and only none of that time")
    result = tap.todoke("why", "--last", "--user", "no-such-user")
    tap.same((result.returncode, result.stderr),
             (1, b"todoke why: 'no-such-user': the system has no account of this name; `todoke account --list` prints all\n"))


def test_refused_by_a_setting(folder):
    """The sender reads only that there is nobody; the log, and so `why`, names what decided it."""
    os.mkdir(folder + "/early", 0o700)
    deliver(folder, "4A1")
    deliver(folder, "4A2", to="eve@x.test", code=67, options=("-o", "create_maildir=no"))
    text = why(folder, "4A2")
    tap.contains(text, "Postfix was told: no such user here\n")
    tap.contains(text, "the log says: there is no '%s/mail/x.test/eve', and create_maildir = no makes none" % folder)


def postqueue(folder, script):
    """A program of that name, which counts how often it is asked; the folder goes before the system's."""
    path = folder + "/bin/postqueue"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho x >>%s/asked\n%s\n" % (folder, script))
    os.chmod(path, 0o755)
    return {"PATH": folder + "/bin:" + os.environ["PATH"]}


def asked(folder):
    with open(folder + "/asked", encoding="utf-8") as file:
        return len(file.readlines())


def test_wait_for_mail_on_its_way(folder):
    """The mail arrives while Postfix is asked for the third time; a list that misses it once is not believed."""
    deliver(folder, "4A1")
    os.rename(mailbox(folder), folder + "/aside")
    line = '{"queue_name": "%s", "queue_id": "4A1", "recipients": [{"address": "ann@x.test"}]}'
    env = postqueue(folder, "case $(wc -l <%s/asked) in\n1) echo '%s' ;;\n2) ;;\n3) mv %s/aside %s; echo '%s' ;;\n*) echo '%s' ;;\nesac" %
                    (folder, line % "maildrop", folder, mailbox(folder), line % "active", line % "deferred"))
    text, errors = ask_journal(folder, env, "--last", "--user", "ann@x.test", "--wait", str(tap.PATIENCE))
    tap.contains(text, "stored in Work")
    tap.same((errors, asked(folder)), ("", 6), "mail that was put off is not on its way; the sixth looks for mail without a record")


def test_mail_that_waits_without_a_record(folder):
    """Who delivers could write no record: Postfix's queue knows of the mail, and why it waits."""
    line = '{"queue_name": "deferred", "queue_id": "4W1", "recipients": [{"address": "Cid@x.test", "delay_reason": "4.2.0 mailbox unavailable"}]}'
    result = tap.todoke("why", *settings(folder), "--last", "--user", "cid@x.test", env=postqueue(folder, "echo '%s'" % line))
    tap.same(result.returncode, 1)
    tap.contains(result.stdout, b"In Postfix's queue mail for 'cid@x.test' waits (1):\n  4W1: 4.2.0 mailbox unavailable\n")
    for nothing in ("true", "exit 69", "echo '{}'", "echo '[]'", "printf x"):
        result = tap.todoke("why", *settings(folder), "--last", "--user", "cid@x.test", env=postqueue(folder, nothing))
        tap.same((result.returncode, b"waits (" in result.stdout, b"CRITICAL" in result.stderr), (1, False, False), nothing)


def test_wait_that_ends(folder):
    """Neither a queue that stays full, nor a Postfix that cannot be asked, nor strangers' words keep `why` from answering."""
    deliver(folder, "4A1")
    for script, words in (('echo \'{"queue_name": "active"}\'', "todoke why: --wait: after 1 s mail is still on its way in Postfix's queue (`mailq`)\n"),
                          ("echo 'fatal: no right to look' >&2; exit 69", "todoke why: --wait: postqueue: fatal: no right to look\n"),
                          ("exec sleep %d" % tap.PATIENCE, "todoke why: --wait: "),
                          ('echo \'{"queue_name": "deferred", "sender": "\\\\\\"queue_name\\\\\\": \\\\\\"active\\\\\\""}\'', "")):
        text, errors = ask_journal(folder, postqueue(folder, script), "--last", "--wait", "1")
        tap.contains(text, "stored in Work", script)
        tap.same(errors.startswith(words) and bool(errors) == bool(words), True, "%s: %r" % (script, errors))
    tap.same(tap.todoke("why", *settings(folder), "--last", "--wait", "0").returncode, 2)


def test_logs(folder):
    deliver(folder, "4A1")
    stamp = time.strftime("%b %d %H:%M:%S")
    with open(folder + "/maillog", "w", encoding="utf-8") as file:
        file.write("%s mx postfix/smtpd[1]: 4A1: client=x[192.0.2.1]\n%s mx postfix/pipe[1]: 4A1: to=<ann@x.test>, status=sent (delivered)\n" % (stamp, stamp))
    with open(folder + "/dovecot", "w", encoding="utf-8") as file:
        file.write("%s imap-login: Info: Login: user=<ann>, rip=192.0.2.9, session=<s1>\n"
                   "%s imap(ann)<1><s1>: Info: expunge: box=Work, uid=1, msgid=<one@b.test>, size=1\n" % (stamp, stamp))
    text = why(folder, "4A1", "--maillog", folder + "/maillog", "--maillog", folder + "/dovecot")
    for part in ("Postfix   ", "smtpd 4A1: client=x[192.0.2.1]", "ann logged in from 192.0.2.9", "expunge, folder Work, by the client at 192.0.2.9"):
        tap.contains(text, part)
    # Dovecot 2.4 begins with the folder
    with open(folder + "/dovecot", "w", encoding="utf-8") as file:
        file.write("%s imap-login: Info: Logged in: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=508, secured, session=<s1>\n"
                   "%s imap(ann)<1><s1>: Info: Mailbox Work/a: b: expunge: box=Work/a: b, uid=1, msgid=<one@b.test>, size=517\n"
                   "%s imap(ann)<1><s1>: Info: Mailbox Trash: copy from INBOX: box=Trash, uid=1, msgid=<one@b.test>, size=517\n" % (stamp, stamp, stamp))
    text = why(folder, "4A1", "--maillog", folder + "/dovecot")
    for part in ("ann: expunge, folder Work/a: b, by the client at 192.0.2.9", "ann: copy from INBOX, folder Trash, by the client at 192.0.2.9"):
        tap.contains(text, part)
    result = tap.todoke("why", *settings(folder), "4A1", "--maillog", folder + "/none")
    tap.same(result.returncode, 0, "the story is told without the log")
    tap.contains(result.stderr.decode(), "cannot open")
    result = tap.todoke("why", *settings(folder), "4NONE", "--maillog", folder + "/none")
    tap.same((result.returncode, result.stderr.count(b"cannot open"), result.stderr.count(b"--maillog auto")), (1, 1, 1), result.stderr)


def maillog(folder, *rows):
    """A log of Postfix: seconds from now, and "program: text"."""
    with open(folder + "/maillog", "w", encoding="utf-8") as file:
        for seconds, row in rows:
            program, text = row.split(": ", 1)
            file.write("%s mx postfix/%s[1]: %s\n" % (time.strftime("%b %d %H:%M:%S", time.localtime(time.time() + seconds)), program, text))
    return ("--maillog", folder + "/maillog")


CAME = (-60, "qmgr: 4A1: from=<a@b.test>, size=99, nrcpt=1 (queue active)")
DELIVERED = (0, "pipe: 4A1: to=<ann@x.test>, relay=todoke, dsn=2.0.0, status=sent (delivered via todoke service)")
UNKNOWN = 'virtual: 4B1: to=<ann@x.test>, relay=virtual, dsn=5.1.1, status=bounced (unknown user: "ann@x.test")'


def test_newer_mail_without_a_record(folder):
    """The newest record is not the newest mail: Postfix's log has what was refused or bounced before todoke was asked."""
    deliver(folder, "4A1")
    log = maillog(folder, CAME, DELIVERED, (5, "qmgr: 4B1: from=<c@d.test>, size=99, nrcpt=1 (queue active)"), (6, UNKNOWN),
                  (7, "virtual: 4B2: to=<bob@x.test>, relay=virtual, dsn=5.1.1, status=bounced (unknown user: \"bob@x.test\")"))
    for args in (("--last", "--user", "ann@x.test"), ("--last", "--to", "Ann@x.test"), ("--to", "@x.test"), ("--last", "--user", "ann@x.test", "--since", "1h")):
        text = why(folder, *args, *log)
        story, newer = text.split("\n\nNEWER than that, in no record, and in Postfix's log (%s): " % log[1])
        tap.contains(story, "stored in Work")
        tap.same(newer.startswith("2\n" if "@x.test" in args else "1\n"), True, newer)
        for part in ("4B1  c@d.test -> ann@x.test\n", UNKNOWN.split(": ", 1)[1] + "\n", "answer    by Postfix itself (virtual); no delivery agent was asked\n",
                     "sent back to the sender: unknown user: \"ann@x.test\"\n"):
            tap.contains(newer, part)
    tap.contains(why(folder, "--last", *log), "Postfix's log (%s): 2\n" % log[1])
    tap.contains(why(folder, "--from", "c@d.test", *log, code=1), "no delivery agent was asked")
    mails = json.loads(why(folder, "--json", "--last", "--user", "ann@x.test", *log))
    tap.same([(one["queue_id"], one["by"], one["status"], one["from"], one["to"], one["code"]) for one in mails["unrecorded"]],
             [("4B1", "postfix", "bounced", "c@d.test", "ann@x.test", "5.1.1")])
    tap.same(mails["log_read"], {"place": log[1], "complete": True})


def test_what_is_not_newer(folder):
    """Nothing is said of mail that a record is about, that is another's, older, or only passes by."""
    deliver(folder, "4A1")
    deliver(folder, "4A2", to="bob@x.test")
    os.mkdir(folder + "/early", 0o700)
    full = '{"schema":"todoke.record/1","time":%.3f,"door":"lmtp","from":"a@b.test","to":"ann@x.test","user":"ann@x.test","status":"bounced","code":"T1"}\n'
    with open(folder + "/early/record", "w", encoding="utf-8") as file:
        file.write(full % (time.time() + 20))
    rows = (CAME, DELIVERED, (-30, UNKNOWN), (6, UNKNOWN.replace("ann@", "eve@")),
            (7, "pipe: 4A2: to=<bob@x.test>, relay=todoke, dsn=2.0.0, status=sent (delivered via todoke service)"),
            (8, "lmtp: 4C1: to=<ann@x.test>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4A1)"),
            (9, "local: 4C2: to=<ann@x.test>, relay=local, dsn=2.0.0, status=sent (forwarded as 4A1)"),
            (10, "smtp: 4C3: to=<ann@x.test>, relay=mx.x.test[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)"),
            (11, "virtual: 4C5: to=<ann@x.test>, relay=virtual, dsn=2.1.5, status=deliverable (delivers to mailbox)"),
            (21, "lmtp: 4C4: to=<ann@x.test>, relay=mx[private/todoke], dsn=5.2.2, status=bounced (host mx[private/todoke] said: 552 5.2.2 <ann@x.test>: "
                 "mailbox is full (in reply to RCPT TO command))"))
    log = maillog(folder, *rows)
    for args in (("--user", "ann@x.test"), ("--to", "ann@x.test")):
        text = why(folder, "--last", *args, *log)
        tap.same("NEWER" in text, False, text)
    tap.contains(why(folder, "--last", "--user", "ann@x.test", *log), "\n\nPostfix's log (%s) has no newer mail for 'ann@x.test'.\n" % log[1])
    tap.contains(why(folder, "--last", "--user", "bob@x.test", *log), "has no newer mail for 'bob@x.test'.\n")


EXPIRED = "qmgr: 4A1: from=<a@b.test>, status=expired, returned to sender"
BOUNCED = 'pipe: 4A1: to=<ann@x.test>, relay=todoke, dsn=5.3.0, status=bounced (Command died with status 1: "/bin/other")'


def test_what_became_of_mail_that_was_put_off(folder):
    """The record says that it waits; Postfix has sent it back since. Told with the mail's story, or as news where another story is told."""
    put_off(folder, "4A1")
    put_off_line = (0, "pipe: 4A1: to=<ann@x.test>, relay=todoke, dsn=4.3.5, status=deferred (mail system is configured incorrectly)")
    for row, words, status in ((EXPIRED, "sent back to the sender, as it waited too long: returned to sender\n", "expired"),
                               (BOUNCED, 'sent back to the sender: Command died with status 1: "/bin/other"\n', "bounced")):
        log = maillog(folder, CAME, put_off_line, (5, row), (6, "qmgr: 4A1: removed"))
        for args in (("4A1",), ("--last", "--user", "ann@x.test"), ("--to", "ann@x.test")):
            text = why(folder, *args, *log)
            tap.same((text.count(words), text.count("\n  later     20"), "NEWER" in text), (1, 1, False), text)
            mails = json.loads(why(folder, "--json", *args, *log))
            tap.same((mails["mails"][0]["later"]["status"], mails.get("unrecorded", [])), (status, []))
    for rows in ((CAME, put_off_line), (CAME, (-30, BOUNCED), put_off_line), (CAME, put_off_line, (5, BOUNCED.replace("ann@", "bob@"))),
                 (CAME, put_off_line, (5, EXPIRED.replace("4A1", "4A9")))):
        text = why(folder, "4A1", *maillog(folder, *rows))
        tap.same(("\n  later " in text, "put off" in text), (False, True), text)
    # another mail came since: then it is news
    deliver(folder, "4A2", message=MESSAGE.replace(b"one@", b"two@"))
    for row in (EXPIRED, BOUNCED):
        log = maillog(folder, CAME, put_off_line, (1, "pipe: 4A2: to=<ann@x.test>, relay=todoke, dsn=2.0.0, status=sent (delivered)"), (5, row))
        text = why(folder, "--last", "--user", "ann@x.test", *log)
        tap.contains(text, "NEWER than that, in no record, and in Postfix's log (%s): 1\n" % log[1])


def put_off(folder, queue_id):
    """A mail of which a record says that it waits: todoke.conf is wrong for a moment."""
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    result = tap.todoke("deliver", *settings(folder), "-o", "quota=dovecot", "-o", "quota_service=unix:%s/none" % folder, "-o", "quota_unanswered=defer", "-f",
                        "a@b.test", "-d", "ann@x.test", "-a", "ann@x.test", "--queue-id", queue_id, stdin=MESSAGE)
    tap.same(result.returncode, 75, result.stdout)


def test_doubt_about_what_became_of_it(folder):
    """Once, however many mails were put off; and only where one was."""
    doubt = "Whether Postfix still keeps what was put off"
    put_off(folder, "4A1")
    put_off(folder, "4A2")
    tap.same(why(folder, "4A1", "4A2", "--maillog", folder + "/none").count(doubt), 1)
    tap.same(why(folder, "--last", "2", "--maillog", folder + "/none").count("Postfix's log has what it refused or bounced itself"), 1)
    deliver(folder, "4A3")
    tap.same(why(folder, "4A3", "--maillog", folder + "/none").count(doubt), 0)


def test_doubt_about_the_newest(folder):
    """A log that cannot tell is no proof that there is no newer mail; the queue may know."""
    deliver(folder, "4A1")
    doubt = "That is the newest of the records ("
    waits = postqueue(folder, "echo '%s'; echo '%s'" % tuple(
        '{"queue_name": "deferred", "queue_id": "%s", "recipients": [{"address": "ann+x@x.test", "delay_reason": "%s"}]}' % row
        for row in (("4A1", "known"), ("4W1", "transport gone"))))
    for rows, path, words in (([(5, "qmgr: 4Z1: removed")], "/maillog", "begins at 20"), ([], "/none", "cannot open"), ([], "/early", "not a regular file"),
                              ([], "/maillog", "has no line of Postfix")):
        os.makedirs(folder + "/early", exist_ok=True)
        maillog(folder, *rows)
        result = tap.todoke("why", *settings(folder), "--last", "--user", "ann@x.test", "--maillog", folder + path, env=waits)
        text = result.stdout.decode()
        tap.same((result.returncode, text.count(doubt)), (0, 1), text)
        tap.contains(text, words)
        tap.contains(text, "waits (1):\n  4W1: transport gone\n")
    text, errors = ask_journal(folder, journalctl(folder, "echo '-- No entries --'"), "--last")
    if why_log_is_journal():
        tap.contains(text, "was not looked through: the journal has no line of Postfix of that time\n")
    tap.same(errors, "", "nobody asked for the log")


def why_log_is_journal():
    return not os.path.exists("/var/log/mail.log") and not os.path.exists("/var/log/maillog")


# A line of Postfix 3.7 each, who answered, what became of the mail, the reason, and the name that `todoke code` has for it.
ANSWERS = (
    ("smtpd: NOQUEUE: reject: RCPT from x[192.0.2.7]: 550 5.1.1 <ann@x.test>: Recipient address rejected: User unknown in virtual mailbox table; "
     "from=<c@d.test> to=<ann@x.test> proto=ESMTP helo=<x>", "by Postfix itself (smtpd)", "refused", "550 5.1.1 <ann@x.test>: Recipient address rejected: User unknown in "
     "virtual mailbox table", "postfix-user-unknown"),
    ("smtpd: NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.test; from=<c@d.test> to=<ann@x.test> "
     "proto=ESMTP helo=<x>", "by Postfix itself (smtpd)", "refused", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.test", "blocklist"),
    ("postscreen: NOQUEUE: reject: RCPT from [192.0.2.7]:4711: 550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.test; from=<c@d.test>, "
     "to=<ann@x.test>, proto=ESMTP, helo=<x>", "by Postfix itself (postscreen)", "refused", "550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.test", "blocklist"),
    ("cleanup: 4B1: milter-reject: END-OF-MESSAGE from x[192.0.2.7]: 5.7.1 Spam message rejected; from=<c@d.test> to=<ann@x.test> proto=ESMTP helo=<x>",
     "by Postfix itself (cleanup)", "refused", "5.7.1 Spam message rejected", None),
    ("cleanup: 4B1: reject: header Subject: viagra from x[192.0.2.7]; from=<c@d.test> to=<ann@x.test> proto=ESMTP helo=<x>: 5.7.1 message content rejected",
     "by Postfix itself (cleanup)", "refused", "5.7.1 message content rejected", None),
    ("smtp: 4B1: to=<ann@x.test>, relay=none, delay=0.1, dsn=5.4.6, status=bounced (mail for x.test loops back to myself)", "by Postfix itself (smtp)",
     "sent back", "mail for x.test loops back to myself", "loops-to-itself"),
    ("error: 4B1: to=<ann@x.test>, relay=none, delay=0.1, dsn=4.3.0, status=deferred (mail transport unavailable)", "by Postfix itself (error)", "put off",
     "mail transport unavailable", "transport-fault"),
    ('local: 4B1: to=<ann@x.test>, relay=local, delay=0.1, dsn=5.1.1, status=bounced (unknown user: "ann")', "by Postfix itself (local)", "sent back",
     'unknown user: "ann"', "unknown-address"),
    ("local: 4B1: to=<ann@x.test>, relay=local, delay=0.1, dsn=2.0.0, status=sent (delivered to mailbox)", "by Postfix itself (local)", "delivered",
     "delivered to mailbox", None),
    ("pipe: 4B1: to=<ann@x.test>, relay=todoke, dsn=5.4.6, status=bounced (mail forwarding loop for ann@x.test)", "by Postfix itself (pipe)", "sent back",
     "mail forwarding loop for ann@x.test", None),
    ("pipe: 4B1: to=<ann@x.test>, relay=todoke, dsn=4.3.5, status=deferred (mail system is configured incorrectly [4B1])", "by todoke, which left no record", "put off",
     "mail system is configured incorrectly [4B1]", "config"),
    ("local: 4B1: to=<ann@x.test>, relay=local, dsn=5.3.0, status=bounced (Command died with status 1: \"/bin/other\")", "by local, to which Postfix handed it", "sent back",
     'Command died with status 1: "/bin/other"', None),
)


def test_who_answered(folder):
    """Mail that never reached todoke: Postfix's reason, and what `todoke code` says of it."""
    for line, who, fate, reason, name in ANSWERS:
        log = maillog(folder, (0, line))
        query = ("4B1",) if ": 4B1: " in line else ("--to", "ann@x.test")
        text = why(folder, *query, *log, code=1)
        tap.contains(text, "answer    %s" % who, line)
        tap.contains(text, "\n            %s" % fate, line)
        tap.contains(text, ": %s\n" % reason, line)
        if name is not None:
            meaning = json.loads(tap.todoke("code", "--json", name).stdout)["meanings"][0]
            tap.contains(text, "%s: %s\n            what to do: %s\n" % (name, meaning["what"], meaning["todo"]), line)
        (answer,) = json.loads(why(folder, *query, *log, "--json", code=1))["answers"]
        tap.same((answer["to"], answer["reason"]), ("ann@x.test", reason), line)


def test_a_refusal_at_rcpt_without_an_id(folder):
    """Postfix names lmtpd no id of mail that sendmail(1) handed over: recipient and time lead from the log to the record."""
    os.mkdir(folder + "/early", 0o700)
    full = '{"schema":"todoke.record/1","time":%.3f,"door":"lmtp","from":"a@b.test","to":"ann@x.test","user":"ann@x.test","status":"bounced","dsn":"5.2.2",' \
           '"text":"%s","code":"T1"}\n'
    with open(folder + "/early/record", "w", encoding="utf-8") as file:
        file.write(full % (time.time() - 600, "an earlier one") + full % (time.time(), "mailbox full"))
    log = maillog(folder, (-1, "cleanup: 4D1: message-id=<full@b.test>"), (0, "lmtp: 4D1: to=<ann@x.test>, relay=mx[private/todoke], dsn=5.2.2, status=bounced "
                  "(host mx[private/todoke] said: 552 5.2.2 <ann@x.test>: mailbox is full (in reply to RCPT TO command))"))
    for name in ("4D1", "<full@b.test>"):
        text = why(folder, name, *log)
        tap.contains(text, "the log leads from it to what follows")
        tap.contains(text, "Postfix was told: mailbox full\n")
        tap.same("an earlier one" in text, False)
    tap.contains(why(folder, "--last", "--to", "ann@x.test"), "Postfix was told: mailbox full\n")
    tap.contains(why(folder, "4D1", "--maillog", folder + "/none", code=1), "`todoke why --last --to ADDRESS`")


def test_log_of_this_host(folder):
    """--maillog auto: the file where there is one, else the journal."""
    deliver(folder, "4A1")
    text, errors = ask_journal(folder, journalctl(folder, "cat <<'END'\n%sEND" % JOURNAL), "4A1", "--maillog", "auto")
    has_file = os.path.exists("/var/log/mail.log") or os.path.exists("/var/log/maillog")
    tap.same(os.path.exists(folder + "/arguments"), not has_file, errors)
    tap.same("client=localhost[127.0.0.1]" in text, not has_file, text)


def test_lines_that_two_mails_share(folder):
    """One mail for two: the log is told with the first."""
    deliver(folder, "4A1")
    deliver(folder, "4A1", to="bob@x.test")
    with open(folder + "/maillog", "w", encoding="utf-8") as file:
        file.write("".join(time.strftime("%b %d %H:%M:%S") + " mx postfix/qmgr[1]: 4A1: %s\n" % words for words in ("from=<a@b.test>, nrcpt=2", "removed")))
    text = why(folder, "4A1", "--maillog", folder + "/maillog")
    tap.same([text.count(part) for part in ("nrcpt=2", "qmgr 4A1: removed", "lines that stand above already: 2\n", "-> bob@x.test")], [1, 1, 1, 1], text)


# What journalctl 252 prints with --all --output=short-iso-precise of lines that Postfix and Dovecot gave to a journald of systemd 252.
JOURNAL = """\
-- Boot 122f42da38c94433829ed732de78e505 --
2026-11-30T17:28:38.655019+0000 mx postfix/smtpd[77]: 4A1: client=localhost[127.0.0.1]
2026-11-30T17:28:38.655333+0000 mx postfix/cleanup[78]: 4A1: message-id=<one@b.test>
2026-11-30T17:28:38.655340+0000 mx dovecot[9]: imap-login: Login: user=<ann>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=1, session=<s1>
2026-11-30T17:28:38.655367+0000 mx dovecot[9]: imap(ann)<1><s1>: expunge: box=Work, uid=1, msgid=<one@b.test>, size=1
2026-11-30T17:28:38.655391+0000 mx postfix/pipe[79]: 4A1: to=<ann@x.test>, status=sent (\x1b[31mred\x01 届け)
                                                     4A1: the second line of a message
"""


def journalctl(folder, script):
    """A program of that name that does what the script says; its folder is all of PATH but the system's programs that it needs."""
    path = folder + "/bin/journalctl"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s/arguments\n%s\n" % (folder, script))
    os.chmod(path, 0o755)
    return {"PATH": folder + "/bin"}


def ask_journal(folder, env, *args, code=0):
    result = tap.todoke("why", *settings(folder), *args, env=env)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
    return result.stdout.decode(), result.stderr.decode()


def test_the_journal(folder):
    deliver(folder, "4A1")
    with open(folder + "/printed", "w", encoding="utf-8") as file:
        file.write(JOURNAL)
    env = journalctl(folder, "cat %s/printed" % folder)
    text, errors = ask_journal(folder, env, "4A1", "--maillog", "journal")
    for part in ("2026-11-30 17:28:38 smtpd 4A1: client=localhost", "ann logged in from 192.0.2.9", "expunge, folder Work, by the client at 192.0.2.9", "届け)"):
        tap.contains(text, part)
    tap.same([char for char in text if ord(char) < 32 and char != "\n"], [], "what a terminal would obey")
    tap.same((errors, "second line" in text), ("", False), "what is no head of a line")
    with open(folder + "/arguments", encoding="utf-8") as file:
        arguments = file.read().splitlines()
    since = [int(word.removeprefix("--since=@")) for word in arguments if word.startswith("--since=@")]
    tap.same(len(since) == 1 and 0 <= time.time() - 86400 - since[0] < tap.PATIENCE, True, "a day before the mail: %s" % since)
    tap.same(sorted(set(arguments) - {"--since=@%d" % since[0]}), ["--all", "--facility=mail", "--lines=%d" % tap.limit("WHY_JOURNAL_LINES"), "--no-pager",
                                                                  "--output=short-iso-precise"])


def test_another_journal(folder):
    deliver(folder, "4A1")
    env = journalctl(folder, "true")
    os.mkdir(folder + "/far")
    for path, want in ((folder + "/far", "--directory=" + folder + "/far"), (folder + "/far/x.journal", "--file=" + folder + "/far/x.journal"),
                       ("far", "--directory=" + folder + "/far")):
        result = tap.todoke("why", *settings(folder), "4A1", "--maillog", "journal:" + path, env=env, cwd=folder)
        tap.same(result.returncode, 0)
        with open(folder + "/arguments", encoding="utf-8") as file:
            tap.contains(file.read().splitlines(), want)


def test_a_journal_that_cannot_be_read(folder):
    """The story is told all the same, and one sentence says why it has no lines of the journal."""
    deliver(folder, "4A1")
    denied = "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1"
    hint = "printf 'Hint: You are currently not seeing messages from other users and the system.\\n      Users in groups can.\\n' >&2; echo '-- No entries --'"
    many = "while :; do printf '%%0100000d\\n' 1; done"
    for script, words in ((denied, "journalctl: No journal files were opened due to insufficient permissions."), (hint, "journalctl: Hint: You are currently not seeing"),
                          ("exit 3", "journalctl: it failed and says nothing"), ("kill -9 $$", "journalctl: it failed and says nothing"), (many, "journalctl: ")):
        text, errors = ask_journal(folder, journalctl(folder, script), "4A1", "--maillog", "journal")
        tap.contains(text, "2.0.0 delivered")
        tap.same((errors.count("\n"), words in errors), (1, True), "%s: %r" % (script, errors))
    os.unlink(folder + "/bin/journalctl")
    errors = ask_journal(folder, {"PATH": folder + "/bin"}, "4A1", "--maillog", "journal")[1]
    tap.contains(errors, "there is no program journalctl in PATH, so the journal cannot be read: name a log file")
    for empty in ("true", "echo '-- No entries --'"):
        text, errors = ask_journal(folder, journalctl(folder, empty), "4NONE", "--maillog", "journal", code=1)
        tap.contains(text, "The log has no line about it either")
        tap.same(errors, "")


def test_a_part_of_the_journal(folder):
    """What journalctl complains of while it prints lines is told, and the lines are used."""
    deliver(folder, "4A1")
    env = journalctl(folder, "echo 'Journal file x is truncated, ignoring file.' >&2; echo '2026-11-30T17:28:38.655019+0000 mx postfix/qmgr[7]: 4A1: removed'")
    text, errors = ask_journal(folder, env, "4A1", "--maillog", "journal")
    tap.contains(text, "qmgr 4A1: removed")
    tap.same(errors, "todoke why: journalctl: Journal file x is truncated, ignoring file.\n")


def test_an_id_that_only_the_log_knows(folder):
    """Of the mail before a content filter: the log leads from it to the decision."""
    deliver(folder, "4A2")
    deliver(folder, "4A3", message=MESSAGE.replace(b"one@", b"other@"))
    stamp = time.strftime("%b %d %H:%M:%S")
    rows = ("smtpd[1]: 4A1: client=x[192.0.2.1]", "smtp[2]: 4A1: to=<ann@x.test>, relay=127.0.0.1[127.0.0.1]:10024, status=sent (250 2.0.0 from MTA: 250 Ok: queued as 4A2)",
            "smtpd[3]: 4B2: client=localhost, orig_queue_id=4B1, orig_client=x[192.0.2.1]", "smtpd[4]: 4B1: client=x[192.0.2.1]",
            "cleanup[5]: 4C1: message-id=<one@b.test>")
    with open(folder + "/maillog", "w", encoding="utf-8") as file:
        file.writelines("%s mx postfix/%s\n" % (stamp, row) for row in rows)
    log = ("--maillog", folder + "/maillog")
    tap.same(found(folder, "4A1", *log), ["4A2"], "by \"queued as\"")
    tap.same(found(folder, "4C1", *log), ["4A2"], "by the Message-ID")
    tap.same(found(folder, "4A1", code=1), [], "without the log")
    tap.same(found(folder, "4A1", *log, "--to", "bob@x.test", code=1), [], "another recipient")
    tap.contains(why(folder, "4A1", *log), "No record has this id; the log leads from it to what follows.\n")
    tap.same(found(folder, "4A1", "4A3", *log), ["4A3"], "one of them is recorded")
    tap.same(found(folder, "4B2", *log, code=1), [])
    tap.contains(why(folder, "4B2", *log, code=1), "smtpd 4B1: client=x[192.0.2.1]")


def test_a_log_of_many_ids_and_sessions(folder):
    """Each line is looked at once, however many ids and sessions are followed."""
    deliver(folder, "4A1")
    others = 2000 if tap.SANITIZED else 100000
    stamp = "Nov 30 10:00:00 "
    with open(folder + "/maillog", "w", encoding="ascii") as file:
        for number in range(2 * tap.limit("WHY_IDS")):
            file.write("%smx postfix/smtp[1]: 4A1: to=<a@b.test>, queued as 5%07d\n%simap(a)<1><s%d>: Info: expunge: box=X, uid=1, msgid=<one@b.test>, size=1\n"
                       % (stamp, number, stamp, number))
        for number in range(others):
            file.write("%smx postfix/smtp[1]: 6%07d: to=<other@b.test>, relay=b.test[192.0.2.1]:25, status=sent (250 2.0.0 Ok: queued as 7%07d)\n" % (stamp, number, number))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = why(folder, "4A1", "--maillog", folder + "/maillog")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    tap.same(len(text.splitlines()) <= tap.limit("WHY_LOG_LINES") + 20, True)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print("# %d other lines: %.2f s" % (others, seconds))
    tap.same(seconds < 4, True, "%.2f s of work" % seconds)


def test_only_the_end_of_a_huge_log_is_read(folder):
    """LIMIT_WHY_LOG_BYTES: what stands before them is too old."""
    deliver(folder, "4A1")
    line = b"\nNov 30 10:00:00 mx postfix/qmgr[1]: 4A1: %s\n"
    with open(folder + "/maillog", "wb") as file:
        file.write(line % b"first")
        file.seek(tap.limit("WHY_LOG_BYTES"))
        file.write(line % b"last")
    text = why(folder, "4A1", "--maillog", folder + "/maillog")
    tap.contains(text, "qmgr 4A1: last")
    tap.same("4A1: first" in text, False, "a line before the end")


def test_sightings_do_not_grow_without_end(folder):
    """LIMIT_SIGHTINGS octets, then the file starts anew."""
    deliver(folder, "4A1")
    sightings = mailbox(folder, "todoke-state/sightings")
    with open(sightings, "w", encoding="ascii") as file:
        file.write("1 x INBOX\n" * (tap.limit("SIGHTINGS") // 10 + 1))
    why(folder, "4A1")
    with open(sightings, encoding="utf-8") as file:
        (line,) = file.read().splitlines()
    tap.same(line.split(" ")[2], "Work")


def test_usage(folder):
    tap.same(tap.todoke("why", *settings(folder)).returncode, 2)
    tap.contains(tap.todoke("why", *settings(folder)).stderr.decode(), "which mail?")
    tap.same(tap.todoke("why", *settings(folder), "--since", "soon").returncode, 2)


def test_follow(folder):
    deliver(folder, "4A1")
    command = [tap.TODOKE, "why", *settings(folder), "--follow"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=dict(os.environ, TODOKE_CONF="")) as process:
        os.set_blocking(process.stdout.fileno(), False)
        seen, number = b"", 1

        def one_more():
            nonlocal seen, number
            number += 1
            deliver(folder, "4B%d" % number)
            if number == 4:  # put aside, as a writer would do it
                os.rename(mailbox(folder, "todoke-state/record"), mailbox(folder, "todoke-state/record.old"))
            seen += process.stdout.read() or b""
            return b"4B5" in seen
        tap.wait_for("a line after the file was put aside", one_more)
        process.terminate()
        tap.same(process.wait(tap.PATIENCE), 0)
    lines = seen.decode().splitlines()
    tap.same([line for line in lines if "4A1" in line], [], "what was there before")
    tap.contains(lines[-1], "a@b.test -> ann@x.test sent fileinto Work  %s/main.sieve:2" % folder)


def test_many_users(folder):
    """1,000 users and 100,000 records: less than half a second of work for a queue id, a Message-ID, an address."""
    users, each = (100, 10) if tap.SANITIZED else (1000, 100)
    line = ('{"schema":"todoke.record/1","time":%d.000,"door":"pipe","queue_id":"4%05X%03X","message_id":"<m%d.%d@client.test>",'
            '"from":"customer%d@client.test","to":"u%d@x.test","orig_to":"u%d@x.test","user":"u%d@x.test","size":2048,'
            '"body":"1596.6f4cc78a0a58b014a8cd47bf9bb2456b","status":"sent","dsn":"2.0.0","code":"T101",'
            '"delay_us":{"total":147546,"judge":30750,"read":32949,"rules":5621,"store":20724,"send":6445},"script":"/home/x/main.sieve",'
            '"plan":[{"action":"fileinto","at":"/etc/x/main.sieve:3","target":"Work","test":{"line":2,"name":"header","match":"contains","key":"figures","value":"quarterly figures"}}],'
            '"done":[{"action":"fileinto","folder":"Work","file":".Work/new/1796031021.M861030P26712Q%dRabc%d.vm,S=2197,W=2236","bytes":2197}]}\n')
    for user in range(users):
        state = "%s/mail/x.test/u%d/todoke-state" % (folder, user)
        os.makedirs(state)
        with open(state + "/record", "w", encoding="ascii") as file:
            file.writelines(line % (1796000000 + number, user, number, user, number, user, user, user, user, number, user) for number in range(each))
    for args, want in ((("4%05X%03X" % (users - 1, 7),), 1), (("m5.9@client.test",), 1), (("--from", "customer7@client.test", "--last", "3"), 3), (("--last", "2"), 2), (("4NONE",), 0)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        tap.same(len(found(folder, *args, code=0 if want else 1)), want, " ".join(args))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print("# %s: %.2f s" % (" ".join(args), seconds))
        tap.same(seconds < 0.5 or tap.SANITIZED, True, "%s: %.2f s of work" % (" ".join(args), seconds))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
