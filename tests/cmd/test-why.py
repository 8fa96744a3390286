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
            "-o", "tree_memory=")


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
                       (("--last", "2"), ["4A2", "4A3"]), (("--from", "a@b.test", "--last", "1"), ["4A3"]), (("--since", "1h"), ["4A1", "4A2", "4A3"]),
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


def test_what_is_no_mail(folder):
    os.mkfifo(folder + "/fifo")
    for path in ("/fifo", "/mail"):
        os.makedirs(folder + "/mail", exist_ok=True)
        result = tap.todoke("why", *settings(folder), folder + path)
        tap.same((result.returncode, result.stderr.decode()), (1, "todoke why: '%s%s' is not the file of a mail\n" % (folder, path)))
    with open(folder + "/open", "wb"):
        os.chmod(folder + "/open", 0)
    tap.contains(tap.todoke("why", *settings(folder), folder + "/open").stderr.decode(), "'%s/open': Permission denied" % folder)
    for args, words in ((("",), "a MAIL is empty"), (("--last", "0"), "--last takes a number from 1 on")):
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
                 'because of header in line 2: "quarterly figures" :is "quarterly figures"\n', "fileinto: stored in Work\n",
                 "still there, as it was stored, in Work\n", "2.0.0 delivered, after "):
        tap.contains(text, part)


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


def follow_hint(folder, query):
    """What is advised, typed into a shell, finds the line of Postfix, whatever the id begins with."""
    log = folder + "/mail.log"
    with open(log, "w", encoding="utf-8") as file:
        file.write("host postfix/smtpd[1]: other: x\nhost postfix/qmgr[1]: %s: removed\n" % query)
    hints = [hint for hint in re.findall(r"grep -F .*", why(folder, "--", query, code=1)) if query in hint]
    tap.same(len(hints) > 0, True, "hints")
    for hint in hints:
        result = subprocess.run(["sh", "-c", hint.replace("/var/log/mail.log", log)], capture_output=True, check=False)
        tap.same((result.returncode, result.stdout.count(b"removed"), result.stderr), (0, 1, b""), hint)


def test_never_seen(folder):
    deliver(folder, "4A1")
    text = why(folder, "--from", "no'body@x.test", code=1)
    tap.contains(text, "No record of todoke holds such a mail.\n")
    tap.contains(text, "grep -F -- 'from=<no'\\''body@x.test>' /var/log/mail.log\n")
    tap.contains(why(folder, "4NONE", "--json", code=1), "grep -F -- '4NONE:' /var/log/mail.log")
    follow_hint(folder, "-4NONE")


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
    result = tap.todoke("why", *settings(folder), "4A1", "--maillog", folder + "/none")
    tap.same(result.returncode, 0, "the story is told without the log")
    tap.contains(result.stderr.decode(), "cannot open")


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
