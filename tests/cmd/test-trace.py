#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The story of a delivery as a file (trace_dir, trace_users), and `todoke try --trace json`."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: hello\n\nbody\n"
SCRIPT = """require ["vnd.dovecot.debug", "fileinto", "variables"];
if header :contains "subject" "hel" { debug_log "it is here"; fileinto "Work"; }
"""


def deliver(folder, *options, script=SCRIPT, message=MESSAGE, code=0, queue_id="4ABC12"):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(script)
    result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder,
                        "-o", "sieve_scripts=%s/main.sieve" % folder, *options, "-f", "a@b.test", "-d", "ann@x.test",
                        "--queue-id", queue_id, stdin=message)
    tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
    with open(folder + "/log", encoding="utf-8") as log:
        return log.read().splitlines()[-1]


def traces(folder, where="traces"):
    path = os.path.join(folder, where)
    return [open(os.path.join(path, name), encoding="utf-8").read() for name in sorted(os.listdir(path))]


def test_a_folder_that_is_there_gets_a_file_a_delivery(folder):
    os.mkdir(folder + "/traces")
    setting = ("-o", "trace_dir=%s/traces" % folder)
    deliver(folder, *setting)
    deliver(folder, *setting)
    names = sorted(os.listdir(folder + "/traces"))
    tap.same(len(names), 2)
    tap.contains(names[0], ".4ABC12.")
    tap.same(os.stat(os.path.join(folder, "traces", names[0])).st_mode & 0o777, 0o600)
    text = traces(folder)[0]
    for part in ("queue id: 4ABC12\nfrom: a@b.test\nto: ann@x.test\n", "main.sieve:2: DEBUG: it is here\n",
                 '"hello" :contains "hel": yes', "fileinto in \"Work\" (", "main.sieve:2)\n", "answer: 2.0.0 stored in Work\n"):
        tap.contains(text, part)


def test_no_folder_no_trace(folder):
    tap.same("no trace" in deliver(folder, "-o", "trace_dir=%s/traces" % folder), False)
    tap.same(os.path.exists(folder + "/traces"), False)


def test_a_user_who_is_named(folder):
    for number, name in enumerate(("ann@x.test", "ANN@X.TEST")):
        where = "made%d/%%n" % number
        deliver(folder, "-o", "trace_dir=%s/%s" % (folder, where), "-o", "trace_users=" + name)
        tap.same(len(traces(folder, "made%d/ann" % number)), 1, name)
    deliver(folder, "-o", "trace_dir=%s/other" % folder, "-o", "trace_users=bob@x.test")
    tap.same(os.path.exists(folder + "/other"), False)


def test_a_delivery_that_fails_is_traced(folder):
    os.mkdir(folder + "/traces")
    deliver(folder, "-o", "trace_dir=%s/traces" % folder, script='require "reject"; reject "go away";', code=77)
    text = traces(folder)[0]
    tap.contains(text, "answer: 5.7.1 ")


def test_a_broken_script_is_traced(folder):
    os.mkdir(folder + "/traces")
    deliver(folder, "-o", "trace_dir=%s/traces" % folder, script="nonsense", queue_id="other")
    tap.contains(traces(folder)[0], "unknown command 'nonsense'; the script was not run")


def test_what_cannot_be_written_loses_nothing(folder):
    os.mkdir(folder + "/real")
    os.symlink(folder + "/real", folder + "/traces")
    line = deliver(folder, "-o", "trace_dir=%s/traces" % folder)
    tap.contains(line, "no trace: cannot open")
    tap.contains(line, "status=sent")
    tap.same(os.listdir(folder + "/real"), [])
    with open(folder + "/file", "w", encoding="ascii"):
        pass
    tap.contains(deliver(folder, "-o", "trace_dir=%s/file" % folder), "no trace: ")


def test_a_sender_writes_no_lines_of_the_trace(folder):
    os.mkdir(folder + "/traces")
    script = 'require ["variables", "body"];\nif body :raw :contains "answer" { stop; }\n'
    deliver(folder, "-o", "trace_dir=%s/traces" % folder, script=script, message=MESSAGE + b"answer: 9.9.9 forged\nplan: x\n")
    text = traces(folder)[0]
    tap.same([line for line in text.split("\n") if line.startswith(("answer: ", "plan: "))], ["answer: 2.0.0 stored in INBOX"])
    tap.contains(text, "\t| answer: 9.9.9 forged")


def test_a_trace_has_an_end(folder):
    """LIMIT_TRACE_BYTES"""
    os.mkdir(folder + "/traces")
    rules = 'if header :contains "x-long" "%s" { stop; }\n' % ("k" * 180)
    long = b"X-Long: " + b"v" * 600 + b"\n"
    deliver(folder, "-o", "trace_dir=%s/traces" % folder, "-o", "sieve_max_script_size=8M", script=rules * 12000, message=long + MESSAGE)
    text = traces(folder)[0]
    tap.same(4 * 1024 * 1024 - 2000 < len(text) < 4 * 1024 * 1024 + 4000, True, "length %d" % len(text))
    tap.same(text.count("the trace is too long"), 1)
    tap.contains(text, "answer: 2.0.0 stored in INBOX\n")


def test_recipes_note_as_without_a_trace(folder):
    with open(folder + "/rc", "w", encoding="ascii") as file:
        file.write(":0\n* ^Subject: (\n/dev/null\n:0\n.lists/\n")
    notes = []
    for options in ((), ("-o", "trace_dir=%s/traces" % folder, "-o", "trace_users=ann@x.test")):
        line = deliver(folder, *options, "--recipes", folder + "/rc", "-o", "recipes=yes")
        notes.append(line[line.index("note="):] if "note=" in line else "")
    tap.same(notes[0], notes[1])


def test_what_no_line_asks_for_names_no_line(folder):
    """DEFAULT of recipes stores what no recipe files: their file is named, and no line 0 of it."""
    with open(folder + "/rc", "w", encoding="ascii") as file:
        file.write("DEFAULT=%s/default\n:0\n* ^Subject: no such thing\n.lists/\n" % folder)
    os.mkdir(folder + "/traces")
    line = deliver(folder, "-o", "trace_dir=%s/traces" % folder, "--recipes", folder + "/rc", "-o", "recipes=yes", script="# decides nothing\n")
    tap.contains(line, " by=%s/rc," % folder)
    with open(folder + "/mail.eml", "wb") as file:
        file.write(MESSAGE)
    tried = tap.todoke("try", "-o", "recipes=yes", "--recipes", folder + "/rc", folder + "/mail.eml").stdout.decode()
    tap.contains(tried, "%s/rc" % folder)
    for name, text in (("log", line), ("trace", traces(folder)[0]), ("try", tried)):
        tap.same("/rc:0" in text, False, name)


def test_trace_json(folder):
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    paths = []
    for name in ("one", "two"):
        paths.append(os.path.join(folder, name))
        with open(paths[-1], "wb") as file:
            file.write(MESSAGE)
    result = tap.todoke("try", "--trace", "json", "--script", folder + "/main.sieve", *paths)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    tap.same((len(answers), answers[0]["schema"], result.stderr), (2, "todoke.try/1", b""))
    for answer in answers:
        tap.same([(told["level"], told["line"]) for told in answer["trace"]],
                 [("commands", 1), ("matching", 2), ("tests", 2), ("commands", 2), ("actions", 2), ("commands", 2), ("actions", 2)])
        tap.same(answer["trace"][4]["text"], "DEBUG: it is here")
        tap.same(answer["trace"][4]["file"], folder + "/main.sieve")
    plain = json.loads(tap.todoke("try", "--json", "--script", folder + "/main.sieve", paths[0]).stdout)
    tap.same("trace" in plain, False)


def test_trace_of_a_level_that_is_none(folder):
    tap.same(tap.todoke("try", "--trace", "xml", folder).returncode, 2)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
