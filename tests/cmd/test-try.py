#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke try`: says what a delivery would do, and changes nothing."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

RCPT = "receiver@example1.jp"


def story(name):
    return os.path.join(tap.TOP, "contrib", "story", name + ".eml")


def attempt(folder, *args, **more):
    return tap.todoke("try", "--rcpt", RCPT, "-o", "maildir=%s/%%d/%%n" % folder, *args, **more)


def test_copied_header_for_people(folder):
    result = attempt(folder, story("copied-header"))
    tap.same(result.returncode, 0)
    for words in (b"line 5: Delivered-To: receiver@example1.jp", b"mail.test", b".eml -> INBOX (new folder)  no rule says otherwise\n", b"answer: 2.0.0"):
        tap.contains(result.stdout, words)
    tap.same(os.listdir(folder), [])


def test_real_loop_as_json(folder):
    result = attempt(folder, "--json", story("real-loop"))
    tap.same(result.returncode, 1)
    answer = json.loads(result.stdout)
    tap.same((answer["schema"], answer["ok"], answer["status"], answer["actions"]), ("todoke.try/1", False, "5.4.6", []))
    tap.same((answer["error"]["fault"], answer["loop"]["verdict"]), ("loop", "stamped"))
    tap.same(os.listdir(folder), [])


def test_plan_as_json(folder):
    answer = json.loads(attempt(folder, "--json", story("copied-header")).stdout)
    tap.same((answer["ok"], answer["error"], answer["loop"]["verdict"]), (True, None, "copied"))
    keep = answer["actions"][0]
    tap.same((keep["action"], keep["implicit"], keep["mailbox"], keep["flags"]), ("keep", True, "INBOX", []))


def test_message_from_a_pipe(folder):
    with open(story("copied-header"), "rb") as message:
        result = attempt(folder, "-", stdin=message.read())
    tap.same(result.returncode, 0)


def test_several_messages(folder):
    result = attempt(folder, "--json", story("copied-header"), story("real-loop"))
    tap.same([json.loads(line)["ok"] for line in result.stdout.splitlines()], [True, False])


def test_what_is_true_of_all_messages_is_said_once(folder):
    path = script(folder, 'require "vacation"; vacation :days 0 "x";')
    text = attempt(folder, "--script", path, story("copied-header"), story("copied-header")).stdout.decode()
    tap.same([text.count(part) for part in (".eml -> INBOX", "answer: 2.0.0", "for: receiver@example1.jp", "':days 0' is below sieve_vacation_min: 86400 seconds")],
             [2, 2, 1, 1], text)


def test_scripts_that_are_not_there(folder):
    """A delivery passes over them; whoever names one here and misspells it must not read that all is well."""
    good = script(folder, "keep;")
    for args in (["--script", folder + "/misspelt"], ["--recipes", folder + "/misspelt"], ["--script", good, "--script-before", folder + "/misspelt"],
                 ["--script", good, "--script-after", folder + "/misspelt"]):
        for more in ([], ["--json"]):
            result = attempt(folder, *more, *args, story("copied-header"))
            tap.same(result.returncode, 1, str(args))
            tap.contains(result.stderr, b"cannot open '%s/misspelt'" % folder.encode())
            tap.same(json.loads(result.stdout)["ok"] if more else result.stdout, False if more else b"")


@tap.as_root
def test_root_is_told_to_name_a_recipient(folder):
    for args in (("try", story("copied-header")), ("refilter", "INBOX")):
        result = tap.todoke(*args, "-o", "tree_memory=")
        tap.same((result.returncode != 0, result.stdout), (True, b""), str(args))
        tap.contains(result.stderr, b"root has no mailbox: say whose mail it is with --recipient ADDRESS")


def test_wrong_usage(folder):
    for args in ([], ["--no-such", "x"], ["--now", "yesterday", story("real-loop")]):
        tap.same(attempt(folder, *args).returncode, 2, str(args))
    tap.same(attempt(folder, folder + "/missing").returncode, 1)


def script(folder, text):
    path = folder + "/x.sieve"
    with open(path, "w") as file:
        file.write(text)
    return path


def test_script_for_people(folder):
    path = script(folder, 'require "fileinto";\nif header :contains "Subject" "good" { fileinto "Work"; }\n')
    result = tap.todoke("try", "--script", path, story("copied-header"))
    tap.same(result.returncode, 0)
    tap.contains(result.stdout.decode(), '.eml -> Work  %s:2  because Subject contains good\nanswer: 2.0.0 would be delivered (exit 0)\n' % path)


def test_values_that_each_test_compared(folder):
    path = script(folder, 'if header :contains "Subject" "good" { discard; }\n')
    told = tap.todoke("try", "--script", path, plain(folder, "a@b.c")).stdout
    tap.contains(told.decode(), '%s:1: "hello" :contains "good": no\n' % path)


def test_long_values_are_cut_between_characters(folder):
    """A value, a key, a variable, what debug_log says, and the fault of a script."""
    long = "\u5c4a" * 400
    for shift in range(3):
        text = "x" * shift + long
        path = script(folder, 'require ["variables", "vnd.dovecot.debug", "duplicate", "enotify"]; set "v" "%s"; debug_log "${v}";\n'
                              'if string :is "${v}" "%s." { stop; }\nif duplicate :uniqueid "${v}" { stop; }\nnotify :from "${v}" "mailto:a@b.test";' % (text, text))
        said = attempt(folder, "--script", path, story("copied-header")).stdout
        tap.same(("\ufffd" in said.decode(), said.decode().count("\u5c4a" * 60) > 4), (False, True), said.decode())


def test_a_sender_does_not_speak_to_the_terminal(folder):
    """Subject, with the escapes of a terminal that an encoded word hides, in trace, plan and reply."""
    message = folder + "/escape.eml"
    with open(message, "w") as file:
        file.write("From: a@example.org\nTo: me@example1.jp\nSubject: =?utf-8?q?=1b]0;x=07red=c2=9b1m_=e6=9c=ac?=\n\nx\n")
    path = script(folder, 'require ["variables", "fileinto", "vacation"];\nif header :matches "Subject" "*" { set "s" "${1}"; }\n'
                  'fileinto "${s}";\nvacation :subject "${s}" "${s}";\n')
    result = tap.todoke("try", "--script", path, "--rcpt", "me@example1.jp", message)
    told = result.stdout.decode()
    tap.same([c for c in told if ord(c) < 32 and c not in "\t\n" or 127 <= ord(c) < 160], [])
    tap.contains(told, '.eml -> ?]0;x?red?1m \u672c')
    tap.contains(told, "would be sent from <> to <a@example.org>")


def test_message_that_is_missing_as_json(folder):
    result = tap.todoke("try", "--json", "--script", script(folder, "keep;"), folder + "/missing", plain(folder, "a@b.c"))
    tap.same(result.returncode, 1)
    missing, good = [json.loads(line) for line in result.stdout.splitlines()]
    tap.same((missing["schema"], missing["ok"], missing["error"]["fault"], missing["message"], missing["actions"], good["ok"]),
             ("todoke.try/1", False, "missing", folder + "/missing", [], True))


def test_unknown_recipient_has_an_answer_for_each_message(folder):
    """What deliver would answer, in its words and with its exit code."""
    with open(folder + "/m.eml", "wb") as file:
        file.write(b"Subject: x\n\nx\n")
    os.makedirs(folder + "/tree/other/cur")
    options = ("-o", "maildir=%s/tree/%%n" % folder, "-o", "create_maildir=no", "-o", "tree_memory=%s/trees" % folder, "-d", "who@example.jp")
    delivered = tap.todoke("deliver", "-f", "", *options, stdin=b"Subject: x\n\nx\n")
    said = delivered.stdout.decode().strip()
    tried = tap.todoke("try", *options, folder + "/m.eml")
    tap.same((delivered.returncode, tried.returncode, tried.stdout.decode()), (67, 1, "answer: %s (exit 67)\n" % said))
    tried = tap.todoke("try", "--json", *options, folder + "/m.eml", folder + "/m.eml")
    answers = [json.loads(line) for line in tried.stdout.splitlines()]
    tap.same(["%s %s" % (answer["status"], answer["answer"]) for answer in answers], [said, said])


def test_unknown_recipient_as_json(folder):
    result = tap.todoke("try", "--json", "-o", "users=system", "--rcpt", "no-such-user-here", plain(folder, "a@b.c"))
    answer = json.loads(result.stdout)
    tap.same((result.returncode, answer["ok"], answer["error"]["fault"]), (1, False, "unknown-user"))


def test_special_use_finds_its_mailbox(folder):
    """What the person at the terminal describes, and the folders of an account: the one that is there, whichever has the use."""
    path = script(folder, 'require ["fileinto", "special-use"];\nif not specialuse_exists "\\\\Archive" { discard; stop; }\n'
                  'fileinto :specialuse "\\\\Archive" "X";\n')
    answer = json.loads(tap.todoke("try", "--json", "--script", path, "--exists", "Old:\\Archive", plain(folder, "a@b.c")).stdout)
    tap.same([(action["mailbox"], action["special_use"]) for action in answer["actions"]], [("Old", "\\Archive")])
    for name in ("new", "cur", "tmp", ".Second/new", ".Second/cur", ".Second/tmp"):
        os.makedirs(os.path.join(folder, "example1.jp/receiver", name))
    answer = json.loads(attempt(folder, "--json", "-o", "sieve_scripts=" + path, "-o", "special_use=\\Archive=First,\\Archive=Second",
                                plain(folder, "a@b.c")).stdout)
    tap.same([(action["action"], action.get("mailbox")) for action in answer["actions"]], [("fileinto", "Second")])


def test_errors_are_no_warnings(folder):
    path = script(folder, "foo;\nstop;\nkeep;\n")
    answer = json.loads(tap.todoke("try", "--json", "--script", path, plain(folder, "a@b.c")).stdout)
    tap.same([problem["line"] for problem in answer["error"]["problems"]], [1])
    tap.same([(problem["line"], problem["severity"]) for problem in answer["warnings"]], [(3, "warning")])


def test_script_as_json(folder):
    path = script(folder, 'require "fileinto";\nif header :contains "Subject" "good" { fileinto "Work"; }\n')
    answer = json.loads(tap.todoke("try", "--json", "--script", path, "--emit", folder, story("copied-header")).stdout)
    action = answer["actions"][0]
    tap.same((answer["ok"], action["action"], action["mailbox"], action["at"]), (True, "fileinto", "Work", path + ":2"))
    with open(action["file"], "rb") as emitted, open(story("copied-header"), "rb") as original:
        tap.same(emitted.read(), original.read(), "emitted")


def test_broken_script_keeps(folder):
    result = tap.todoke("try", "--json", "--script", script(folder, "foo;\nbar;\n"), story("copied-header"))
    tap.same(result.returncode, 1)
    answer = json.loads(result.stdout)
    tap.same((answer["ok"], answer["actions"][0]["action"], answer["actions"][0]["implicit"]), (False, "keep", True))
    tap.same([problem["line"] for problem in answer["error"]["problems"]], [1, 2])


def test_scripts_in_their_order(folder):
    before = folder + "/b.sieve"
    with open(before, "w") as file:
        file.write('require ["fileinto", "copy"]; fileinto :copy "Before";')
    answer = json.loads(tap.todoke("try", "--json", "--script-before", before, "--script", script(folder, "keep;"),
                                   "--script-after", before, story("copied-header")).stdout)
    tap.same([action["action"] for action in answer["actions"]], ["fileinto", "keep"])

VACATION = 'require ["vacation"]; vacation :days 7 "I am away";\n'


def test_sent_messages_are_emitted(folder):
    path = script(folder, 'require ["vacation", "enotify", "copy"];\nredirect :copy "other@example.net";\n'
                  'notify "mailto:a@example.net,b@example.net";\nvacation "I am away";\n')
    result = tap.todoke("try", "--json", "--script", path, "--rcpt", "me@example1.jp", "-f", "boss@example.org",
                        "--emit", folder, plain(folder, "me@example1.jp"))
    answer = json.loads(result.stdout)
    got = [(a["action"], a.get("envelope_from"), a.get("recipients")) for a in answer["actions"]]
    tap.same(got, [("redirect", "boss@example.org", ["other@example.net"]),
                   ("notify", "me@example1.jp", ["a@example.net", "b@example.net"]),
                   ("vacation", "", ["boss@example.org"]), ("keep", None, None)])
    redirect, notice, reply, keep = [open(a["file"], "rb").read() for a in answer["actions"]]
    original = open(plain(folder, "me@example1.jp"), "rb").read()
    tap.same(keep, original, "kept")
    tap.same(redirect.endswith(original), True, "redirected as it came")
    tap.contains(notice, b"Auto-Submitted: auto-notified")
    tap.contains(reply, b"I am away")


def test_who_asks_for_notices_gets_them(folder):
    """RFC 6009 6.1: the owner is the sender where :notify or :ret is given, but nobody answers the null sender"""
    for sender, tags, want in (("boss@example.org", ':notify "FAILURE"', "me@example1.jp"), ("boss@example.org", ':ret "HDRS"', "me@example1.jp"),
                               ("boss@example.org", "", "boss@example.org"), ("", ':notify "FAILURE"', "")):
        path = script(folder, 'require "redirect-dsn";\nredirect %s "other@example.net";\n' % tags)
        result = tap.todoke("try", "--json", "--script", path, "--rcpt", "me@example1.jp", "-f", sender, "--emit", folder, plain(folder, "me@example1.jp"))
        tap.same(json.loads(result.stdout)["actions"][0].get("envelope_from"), want, "%s %s" % (sender, tags))


def test_emit_where_nothing_can_be_written(folder):
    result = tap.todoke("try", "--script", script(folder, "keep;"), "--emit", folder + "/x.sieve", plain(folder, "x@y.z"))
    tap.same((result.returncode, result.stdout), (1, b""))
    tap.contains(result.stderr, b"x.sieve")


def plain(folder, to):
    path = folder + "/plain.eml"
    with open(path, "w") as file:
        file.write("From: boss@example.org\nTo: %s\nSubject: hello\nMessage-ID: <1@example.org>\n\nText.\n" % to)
    return path


def test_several_messages_are_emitted(folder):
    path = script(folder, "keep;\n")
    lines = tap.todoke("try", "--json", "--script", path, "--emit", folder, plain(folder, "a@b.c"), plain(folder, "a@b.c")).stdout
    tap.same([json.loads(line)["actions"][0]["file"] for line in lines.splitlines()], [folder + "/1-1.eml", folder + "/2-1.eml"])


def test_emitted_for_people(folder):
    path = script(folder, 'redirect "other@example.net";\n')
    result = tap.todoke("try", "--script", path, "-f", "boss@example.org", "--emit", folder, plain(folder, "me@example1.jp"))
    tap.contains(result.stdout.decode(), "would be sent from <boss@example.org> to <other@example.net>")
    tap.contains(result.stdout.decode(), "written to %s/1.eml" % folder)


def recipients(folder, path, *more):
    result = tap.todoke("try", "--json", "--script", path, "--rcpt", "me@example1.jp", "-f", "boss@example.org", *more,
                        plain(folder, "me@example1.jp"))
    answer = json.loads(result.stdout)
    return answer["actions"][0].get("recipients"), answer.get("notes", [])


def test_state_remembers_answers(folder):
    path, state = script(folder, VACATION), folder + "/state"
    tap.same(recipients(folder, path, "--state", state), (["boss@example.org"], []))
    tap.same(recipients(folder, path, "--state", state, "--now", "2040-01-01T00:00:00Z")[0], ["boss@example.org"], "years later")
    again = recipients(folder, path, "--state", state)
    tap.same((again[0], "was answered before" in again[1][0]), (None, True))
    tap.same(recipients(folder, path)[0], ["boss@example.org"], "without the state")


def test_state_remembers_duplicates(folder):
    path, state = script(folder, 'require "duplicate"; if duplicate { discard; }\n'), folder + "/state"
    def first_action(*more):
        return json.loads(tap.todoke("try", "--json", "--script", path, *more, plain(folder, "a@b.c")).stdout)["actions"][0]["action"]
    tap.same([first_action("--state", state) for _ in range(2)], ["keep", "discard"])
    tap.same([first_action() for _ in range(2)], ["keep", "keep"])


def test_refused_message_is_no_duplicate(folder):
    path, state = script(folder, 'require ["duplicate", "reject"]; if duplicate { discard; } else { reject "no"; }\n'), folder + "/state"
    for _ in range(2):
        answer = json.loads(tap.todoke("try", "--json", "--script", path, "--state", state, plain(folder, "a@b.c")).stdout)
        tap.same((answer["ok"], answer["error"], answer["status"]), (True, None, "5.7.1"))
        tap.same((answer["actions"][0]["action"], "file" in answer["actions"][0]), ("reject", False))


def test_answer_tells_the_refusal(folder):
    path = script(folder, 'require "reject"; reject "not today";\n')
    result = tap.todoke("try", "--script", path, plain(folder, "a@b.c"))
    tap.same(result.returncode, 0)
    tap.contains(result.stdout.decode(), "answer: 5.7.1 ")
    tap.contains(result.stdout.decode(), "not today")


def test_rehearsal_runs_no_program(folder):
    programs = folder + "/programs"
    os.mkdir(programs)
    with open(programs + "/touch", "w") as file:
        file.write("#!/bin/sh\ntouch %s/ran\n" % folder)
    os.chmod(programs + "/touch", 0o755)
    path = script(folder, 'require ["vnd.dovecot.pipe", "vnd.dovecot.execute"]; execute "touch"; pipe "touch";\n')
    args = ("-o", "program_folder=" + programs, "--state", folder + "/state", "--emit", folder)
    answer = json.loads(tap.todoke("try", "--json", "--script", path, *args, plain(folder, "a@b.c")).stdout)
    tap.same([action["action"] for action in answer["actions"]], ["execute", "pipe"])
    tap.same(os.path.exists(folder + "/ran"), False, "a program ran")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
