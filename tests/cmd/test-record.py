#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The record of deliveries: what a line says, what it must not say or cost, and `todoke record`."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"Received: from a by b with ESMTP id 4ABC12; Mon, 30 Nov 2026 09:00:00 +0000\nFrom: a@b.test\nTo: ann@x.test\n" \
          b"Subject: quarterly figures\nMessage-ID: <one@b.test>\n\nbody\n"
SCRIPT = """require ["fileinto", "imap4flags"];
if header :contains "subject" ["nothing", "figures"] {
    fileinto :flags "\\\\Flagged" "Work";
} elsif size :over 1K { discard; }
else { keep; }
"""


def settings(folder):
    return ("-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=%s/main.sieve" % folder,
            "-o", "tree_memory=", "-o", "early_record_folder=%s/early" % folder)


def deliver(folder, *options, script=SCRIPT, message=MESSAGE, code=0, queue_id="4ABC12", to="ann@x.test", sender="a@b.test"):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(script)
    result = tap.todoke("deliver", *settings(folder), *options, "-f", sender, "-d", to, "-a", to, "--queue-id", queue_id, stdin=message)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))


def record_path(folder, user="ann"):
    return "%s/mail/%s/todoke-state/record" % (folder, user)


def records(folder, user="ann"):
    with open(record_path(folder, user), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def last(folder, user="ann"):
    return records(folder, user)[-1]


def run_record(folder, *args, code=0):
    result = tap.todoke("record", *settings(folder), *args)
    tap.same(result.returncode, code, "exit code (%r)" % result.stderr)
    return result.stdout.decode()


def log_line(folder):
    with open(folder + "/log", encoding="utf-8") as log:
        return log.read().splitlines()[-1]


def test_what_a_line_says(folder):
    deliver(folder)
    line = last(folder)
    for key, want in (("schema", "todoke.record/1"), ("door", "pipe"), ("queue_id", "4ABC12"), ("message_id", "<one@b.test>"), ("from", "a@b.test"),
                      ("to", "ann@x.test"), ("orig_to", "ann@x.test"), ("user", "ann@x.test"), ("size", len(MESSAGE)), ("status", "sent"),
                      ("dsn", "2.0.0"), ("script", folder + "/main.sieve")):
        tap.same(line.get(key), want, key)
    tap.same(line["plan"], [{"action": "fileinto", "at": folder + "/main.sieve:3", "target": "Work", "flags": ["\\Flagged"],
                             "test": {"line": 2, "name": "header", "field": "Subject", "match": "contains", "key": "figures", "value": "quarterly figures"}}])
    done = line["done"]
    tap.same([(one["action"], one["folder"]) for one in done], [("fileinto", "Work")])
    tap.same(os.path.getsize("%s/mail/ann/%s" % (folder, done[0]["file"])), done[0]["bytes"], "bytes of the file that it names")
    tap.same(sorted(line["delay_us"]), ["judge", "read", "rules", "send", "store", "total"])
    with open(os.path.dirname(record_path(folder)) + "/marks", encoding="utf-8") as marks:
        tap.same(line["body"], marks.read().split()[2], "the print of the body that the mark has")
    tap.same(os.stat(record_path(folder)).st_mode & 0o777, 0o600)


def test_what_is_held_back(folder):
    """It stands beside what was done, and the line goes on behind it."""
    deliver(folder, script='require "vacation"; vacation "away";', sender="")
    record = last(folder)
    tap.same([(held["action"], bool(held["why"])) for held in record["held"]], [("vacation", True)])
    tap.same([done["action"] for done in record["done"]], ["keep"])
    deliver(folder, script="keep;", queue_id="4DEF")
    tap.same("held" in last(folder), False)


def test_delays(folder):
    """A part of the time for each stage that was reached: the rules begin where they are read."""
    deliver(folder)
    delays = last(folder)["delay_us"]
    tap.same(set(delays) >= {"total", "judge", "read", "rules", "store", "send"}, True, delays)
    parts = [delays[stage] for stage in ("judge", "read", "rules", "store", "send")]
    tap.same(all(part >= 0 for part in parts) and sum(parts) <= delays["total"], True, delays)


def test_which_branch(folder):
    deliver(folder, message=MESSAGE.replace(b"figures", b"jokes"))
    tap.same(last(folder)["plan"][0]["test"], {"line": 5, "name": "else"})
    deliver(folder, message=MESSAGE.replace(b"figures", b"jokes") + b"x\n" * 1000)
    tap.same(last(folder)["plan"], [{"action": "discard", "at": folder + "/main.sieve:4", "test": {"line": 4, "name": "size", "match": "over", "key": "1024"}}])
    deliver(folder, script="keep;")
    tap.same("test" in last(folder)["plan"][0], False, "a test where there is none")


def test_conditions_of_recipes(folder):
    with open(folder + "/rc", "w", encoding="utf-8") as file:
        file.write("MAILDIR=%s\n\n:0 c\n* ^From:.*a@b\ncopies/\n\n:0\n* ^Subject:.*figures\n* ! ^X-No:\nfigures/\n" % folder)
    more = ("-o", "recipes=all", "-o", "recipe_files=%s/rc" % folder, "-o", "sieve_scripts=%s/none" % folder)
    deliver(folder, *more)
    tap.same([(one["action"], one["at"].rsplit(":", 1)[1], one["test"]) for one in last(folder)["plan"]],
             [("store", "3", {"line": 4, "name": "* ^From:.*a@b"}), ("store", "7", {"line": 8, "name": "* ^Subject:.*figures * ! ^X-No:"})])
    deliver(folder, *more, message=MESSAGE.replace(b"figures", b"jokes"))
    tap.same([one.get("test") for one in last(folder)["plan"]], [{"line": 4, "name": "* ^From:.*a@b"}, None], "none led to the keep")


def test_rules_before(folder):
    """Rules that changed the flags or the header of mail that another rule, or none, has filed."""
    deliver(folder, script='require ["imap4flags", "editheader"];\nif exists "from" { addflag "\\\\Seen"; }\naddheader "X-A" "1";\n')
    plan = last(folder)["plan"][0]
    tap.same((plan["flags"], plan["flags_at"], plan["edited_at"]), (["\\Seen"], folder + "/main.sieve:2", folder + "/main.sieve:3"))
    with open(folder + "/rc", "w", encoding="utf-8") as file:
        file.write("MAILDIR=%s\n\n:0 fhw\n| formail -A 'X-A: 1'\n\n:0 c\ncopies/\n\n:0 fbw\n| /bin/cat\n" % folder)
    deliver(folder, "-o", "recipes=all", "-o", "recipe_files=%s/rc" % folder, "-o", "sieve_scripts=%s/none" % folder)
    tap.same([one.get("edited_at") for one in last(folder)["plan"]], [folder + "/rc:3"] * 2)


def test_nested(folder):
    deliver(folder, script='if address :domain "from" "b.test" {\n  if not exists "x-none" {\n    discard;\n  }\n}\n')
    tap.same(last(folder)["plan"], [{"action": "discard", "at": folder + "/main.sieve:3", "test": {"line": 2, "not": True, "name": "exists", "field": "X-None"},
                                     "within": [{"line": 1, "name": "address", "field": "From", "part": "domain", "match": "is", "key": "b.test", "value": "b.test"}]}])
    deliver(folder, "-o", "record_values=no", script='if exists "from" { if header :contains "subject" "figures" { if exists "to" { discard; } } }\n')
    tap.same(["value" in test for test in last(folder)["plan"][0]["within"]], [False, False])


def test_what_is_refused(folder):
    deliver(folder, script='require "reject"; reject "go away";', code=77)
    line = last(folder)
    tap.same((line["status"], line["dsn"], line["fault"]), ("bounced", "5.7.1", "rule-refused"))
    tap.contains(line["text"], "go away")


def test_what_is_put_off(folder):
    deliver(folder, "-o", "program_folder=" + folder)
    os.chmod(folder + "/mail/ann/new", 0o500)
    deliver(folder, script="keep;", code=75)
    os.chmod(folder + "/mail/ann/new", 0o700)
    tap.same(last(folder)["status"], "deferred")
    tap.contains(last(folder)["detail"], "ermission denied")


def test_a_loop_and_its_evidence(folder):
    stamped = MESSAGE.replace(b"From:", b"Delivered-To: ann@x.test\nReceived: from q by other.test; Mon, 30 Nov 2026 08:00:00 +0000\nFrom:", 1)
    deliver(folder, message=stamped)
    loop = last(folder)["loop"]
    tap.same((loop["kind"], loop["answer"]), ("copied", "deliver"))
    tap.same(loop["evidence"][0]["text"], "Delivered-To: ann@x.test")
    tap.same(loop["evidence"][0]["writer"], "another host")


def test_without_values(folder):
    stamped = MESSAGE.replace(b"From:", b"Delivered-To: ann@x.test\nReceived: from q by other.test; Mon, 30 Nov 2026 08:00:00 +0000\nFrom:", 1)
    deliver(folder, "-o", "record_values=no", message=stamped)
    with open(record_path(folder), encoding="utf-8") as file:
        text = file.read()
    for part in ("quarterly", "Delivered-To: ann"):
        tap.same(part in text, False, part)
    tap.same(last(folder)["plan"][0]["test"]["key"], "figures", "what the rule says itself")


def test_no_record(folder):
    deliver(folder, "-o", "record=no")
    tap.same(os.path.exists(record_path(folder)), False)


def test_a_file_for_all(folder):
    for user in ("ann", "bob"):
        deliver(folder, "-o", "record_file=%s/site/record" % folder, to=user + "@x.test")
    with open(folder + "/site/record", encoding="utf-8") as file:
        tap.same([json.loads(line)["to"] for line in file], ["ann@x.test", "bob@x.test"])
    tap.same(len(run_record(folder, "-o", "record_file=%s/site/record" % folder).splitlines()), 2)


def test_a_user_of_a_file_for_all(folder):
    """Named users' lines alone are printed, and forgotten."""
    more = ("-o", "record_file=%s/site/record" % folder)
    for user in ("ann", "bob", "cid", "annette"):
        deliver(folder, *more, to=user + "@x.test")

    def recipients(*users):
        return [json.loads(line)["to"] for line in run_record(folder, *more, *users).splitlines()]
    tap.same(recipients("ann@x.test"), ["ann@x.test"])
    tap.same(recipients("cid@x.test", "bob@x.test"), ["bob@x.test", "cid@x.test"])
    tap.same(run_record(folder, *more, "bob@x.test", "--forget", "a@b.test"), "1 lines are forgotten\n")
    tap.same(recipients(), ["ann@x.test", "cid@x.test", "annette@x.test"])


def test_a_record_that_cannot_be_written_fails_nothing(folder):
    deliver(folder)
    os.rename(record_path(folder), folder + "/aside")
    os.symlink(folder + "/aside", record_path(folder))
    before = os.path.getsize(folder + "/aside")
    deliver(folder, queue_id="4ABC13")
    tap.contains(log_line(folder), "no record: cannot open")
    tap.same(os.path.getsize(folder + "/aside"), before, "size of what the link names")

    os.unlink(record_path(folder))
    os.mkfifo(record_path(folder))
    deliver(folder, queue_id="4ABC14")
    tap.contains(log_line(folder), "no record: cannot open")


def test_hostile_values(folder):
    sender = "\"\\\x01\udcff" + "\u5c4a" * 400 + "@b.test"
    deliver(folder, sender=sender)
    line = last(folder)
    tap.contains(line["from"], "\"\\\x01\ufffd\u5c4a")
    tap.same(line["cut"], True)
    tap.same(set(line["from"][4:]), {"\u5c4a"}, "characters, none cut in two")
    tap.same(len(line["from"].encode()) <= tap.limit("RECORD_VALUE") + 2, True, "length of a value; U+FFFD is two octets longer")


def test_three_calls(folder):
    """One open, one write, one close, and no flush."""
    tap.need_strace()
    deliver(folder)
    trace = folder + "/trace"
    tap.make_trees(settings(folder))
    command = ["strace", "-f", "-qq", "-y", "-o", trace, tap.TODOKE, "deliver", *settings(folder), "-f", "a@b.test", "-d", "ann@x.test"]
    calls = []
    for number in range(100):  # one writer in 32 looks whether the file is too big
        result = subprocess.run(command + ["--queue-id", "4A%d" % number], input=MESSAGE, capture_output=True, check=False,
                                env=dict(os.environ, TODOKE_CONF="", ASAN_OPTIONS="detect_leaks=0"))
        tap.same(result.returncode, 0, "exit code (%r)" % result.stderr)
        with open(trace, encoding="utf-8", errors="replace") as file:
            calls.append([line.split(" ", 1)[1].split("(")[0].strip() for line in file if "todoke-state/record" in line])
        if calls[-1] == ["openat", "write", "close"]:
            return
    raise AssertionError("calls: %r" % calls)


def test_print(folder):
    deliver(folder)
    deliver(folder, to="bob@x.test", queue_id="4ABC13")
    tap.same([json.loads(line)["user"] for line in run_record(folder, "bob@x.test").splitlines()], ["bob@x.test"])
    tap.same(sorted(json.loads(line)["user"] for line in run_record(folder).splitlines()), ["ann@x.test", "bob@x.test"], "all of the tree")
    tap.same(run_record(folder, "nobody@x.test", code=1), "")


def test_users_of_a_passwd_file(folder):
    with open(folder + "/users", "w", encoding="utf-8") as file:
        file.write("ann@x.test::::::\nbroken\nbob::::Bob:%s/bob:\ncat@x.test::::Cat:%s/cat:\n" % (folder, folder))
    more = ("-o", "passwd_file=%s/users" % folder, "-o", "maildir=%h/Maildir")
    for user in ("bob", "cat@x.test"):
        deliver(folder, *more, to=user)
    found = run_record(folder, *more).splitlines()
    tap.same([json.loads(line)["user"] for line in found], ["bob", "cat@x.test"])


def test_more_accounts_than_one_looks_through(folder):
    """LIMIT_LISTED_ACCOUNTS, and one over."""
    most, more = tap.limit("LISTED_ACCOUNTS"), ("-o", "passwd_file=%s/users" % folder, "-o", "maildir=%h/Maildir")
    with open(folder + "/users", "w", encoding="utf-8") as file:
        file.writelines("u%d:::::/none:\n" % number for number in range(most))
    tap.same(tap.todoke("record", *settings(folder), *more).stderr, b"")
    with open(folder + "/users", "a", encoding="utf-8") as file:
        file.write("one:::::/none:\n")
    tap.contains(tap.todoke("record", *settings(folder), *more).stderr.decode(), "more than %d accounts" % most)


def test_forget(folder):
    deliver(folder)
    deliver(folder, queue_id="4ABC13", sender="joann@b.test", message=MESSAGE.replace(b"a@b.test", b"joann@b.test"))
    deliver(folder, queue_id="4ABC14", to="bob@x.test", sender="c@b.test")
    tap.same(run_record(folder, "--forget", "A@b.test"), "1 lines are forgotten\n")
    tap.same([line["queue_id"] for line in map(json.loads, run_record(folder).splitlines())].count("4ABC12"), 0)
    tap.same(len(run_record(folder).splitlines()), 2)
    tap.same(os.path.exists(folder + "/mail/ann/.Work"), True, "the mail is there")

    tap.same(run_record(folder, "--before", "2001-01-01", code=1), "0 lines are forgotten\n")
    tap.same(run_record(folder, "--before", "0s", "--forget", "bob@x.test"), "1 lines are forgotten\n")
    tap.same(run_record(folder, "--before", "0s"), "1 lines are forgotten\n")
    tap.same(run_record(folder, code=1), "")


def test_what_is_no_record_is_not_taken_away(folder):
    deliver(folder)
    path = record_path(folder)
    os.rename(path, path + ".kept")
    for make in (os.mkfifo, os.mkdir, lambda at: os.symlink(path + ".kept", at)):
        make(path)
        result = tap.todoke("record", *settings(folder), "--forget", "a@b.test")
        tap.same(result.returncode, 1)
        tap.contains(result.stderr.decode(), "'%s'" % path)
        tap.same(os.path.lexists(path + ".forget"), False, "taken away")
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)
    os.rename(path + ".kept", path)
    tap.same(run_record(folder, "--forget", "a@b.test"), "1 lines are forgotten\n")


def test_a_terminal_obeys_nothing(folder):
    """Neither what a stranger wrote into a header, nor what an owner wrote into the record."""
    subject = "figures \x9b31m \x7f \u202e \u65e5 \U000e0001"
    deliver(folder, message=MESSAGE.replace(b"quarterly figures", subject.encode()))
    with open(record_path(folder), "ab") as file:
        file.write(b'{"schema":"todoke.record/1","time":1.000,"to":"ann@x.test","queue_id":"\x1b]0;evil\x07\xff"}\n')
    text = run_record(folder)
    follow = tap.todoke("why", *settings(folder), "--json", "4ABC12").stdout.decode()
    for shown in (text, follow):
        tap.same([c for c in shown if c != "\n" and not c.isprintable()], [], "what a terminal obeys")
    lines = [json.loads(line) for line in text.splitlines()]
    tap.same(lines[0]["plan"][0]["test"]["value"], subject, "means the same")
    tap.same(lines[1]["queue_id"], "\x1b]0;evil\x07\ufffd")
    tap.same(json.loads(follow)["mails"][0]["record"]["plan"][0]["test"]["value"], subject)


def test_usage(folder):
    tap.contains(tap.todoke("record", *settings(folder), "--before", "soon").stderr.decode(), "'soon' is no time")
    tap.same(tap.todoke("record", *settings(folder), "--before", "soon").returncode, 2)
    tap.same(tap.todoke("record", "--nonsense").returncode, 2)


@tap.as_root
def test_root_reads_with_the_owners_rights(folder):
    """What the owner may not read is not read for the owner: a folder that the owner swapped for a link."""
    if os.geteuid() != 0:
        raise tap.Skip("needs root")
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/mail/ann")
    os.chown(folder + "/mail/ann", tap.NOBODY, tap.NOBODY)
    deliver(folder)
    tap.same(len(run_record(folder).splitlines()), 1)
    tap.same(os.stat(record_path(folder)).st_uid, tap.NOBODY)

    os.makedirs(folder + "/secret", 0o700)
    os.rename(record_path(folder), folder + "/secret/record")
    os.rename(folder + "/mail/ann/todoke-state", folder + "/mail/ann/was")
    os.symlink(folder + "/secret", folder + "/mail/ann/todoke-state")
    tap.same(run_record(folder, code=1), "")



@tap.as_root
def test_root_and_a_file_for_all(folder):
    """The site's file is read with the rights of who owns its folder: a link there leads root nowhere."""
    os.chmod(folder, 0o755)
    for name in ("mail", "site"):
        os.makedirs(folder + "/" + name)
        os.chown(folder + "/" + name, tap.NOBODY, tap.NOBODY)
    os.makedirs(folder + "/mail/ann")
    os.chown(folder + "/mail/ann", tap.NOBODY, tap.NOBODY)
    more = ("-o", "record_file=%s/site/record" % folder)
    deliver(folder, *more)
    tap.same(os.stat(folder + "/site/record").st_uid, tap.NOBODY)
    tap.same(len(run_record(folder, *more).splitlines()), 1)
    tap.same(run_record(folder, *more, "--forget", "a@b.test"), "1 lines are forgotten\n")
    tap.same(os.stat(folder + "/site/record.old").st_uid, tap.NOBODY, "who owns what was written anew")

    os.makedirs(folder + "/secret", 0o700)
    with open(folder + "/secret/record", "w", encoding="ascii") as file:
        file.write('{"schema":"todoke.record/1","secret":"x"}\n')
    os.rename(folder + "/site", folder + "/was")
    os.makedirs(folder + "/site")
    os.chown(folder + "/site", tap.NOBODY, tap.NOBODY)
    os.symlink(folder + "/secret/record", folder + "/site/record")
    tap.same(run_record(folder, *more, code=1), "")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
