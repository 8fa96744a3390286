#!/usr/bin/env python3
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
    for words in (b"line 5: Delivered-To: receiver@example1.jp", b"mail.test", b"keep in \"INBOX\"", b"answer: 2.0.0"):
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
    tap.contains(result.stdout.decode(), 'fileinto in "Work" (%s:2)' % path)


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
    answer = json.loads(tap.todoke("try", "--json", "--before", before, "--script", script(folder, "keep;"),
                                   "--after", before, story("copied-header")).stdout)
    tap.same([action["action"] for action in answer["actions"]], ["fileinto", "keep"])


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
