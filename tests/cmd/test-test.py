#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke test: its forms of output, its exit codes, and tests that must fail."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

SUITE = 'require ["vnd.dovecot.testsuite", "fileinto", "variables"];\n'


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(folder, *args):
    """todoke test with the defaults, in `folder`; what it leaves in the folder for temporary files is a fault."""
    conf = write(folder, "site.conf", "")
    temp = os.path.join(folder, "temp")
    os.makedirs(temp, exist_ok=True)
    result = tap.todoke("test", "-c", conf, *args, cwd=folder, env={"TMPDIR": temp})
    tap.same(os.listdir(temp), [], "left behind")
    return result


def failures(folder, body, *args):
    """The reasons of all failures of a suite that consists of `body`, with their lines."""
    write(folder, "a.svtest", SUITE + body)
    result = run(folder, "--json", *args, "a.svtest")
    answer = json.loads(result.stdout)
    found = [(failure["line"], failure["reason"]) for test in answer["files"][0]["tests"] for failure in test["failures"]]
    tap.same(result.returncode, 1 if found else 0, "exit code")
    tap.same(answer["failed"], len([test for test in answer["files"][0]["tests"] if not test["ok"]]))
    return found


TWO = SUITE + '''test "good" {
	if not true {
		test_fail "never";
	}
}
test "bad # one" {
	if not header :is "subject" "something else" {
		test_fail "the subject";
	}
	test_fail "never reached";
}
'''


def test_a_test_in_another(folder):
    found = failures(folder, 'test "outer" {\n\ttest "inner" {\n\t}\n\ttest_fail "never reached";\n}\ntest "next" {\n}\n')
    tap.same(found, [(3, "a test cannot stand in another one")])


def test_form_for_people(folder):
    write(folder, "a.svtest", TWO)
    result = run(folder, "a.svtest")
    tap.same(result.returncode, 1)
    tap.same(result.stderr, b"")
    tap.same(result.stdout.decode().splitlines(), [
        "a.svtest", "  ok    good", "  FAIL  bad = one", "        a.svtest:9: the subject",
        '          line 8: "a message" :is "something else": no', "          line 8: header: false", "          line 8: not: true",
        "2 tests, 1 failed"])


def test_form_tap(folder):
    write(folder, "a.svtest", TWO)
    result = run(folder, "--tap", "a.svtest")
    tap.same(result.returncode, 1)
    lines = result.stdout.decode().splitlines()
    tap.same([line for line in lines if not line.startswith("#")],
             ["ok 1 - a.svtest: good", "not ok 2 - a.svtest: bad = one", "1..2"])
    tap.same(lines[2], "# a.svtest:9: the subject")


def test_form_json(folder):
    write(folder, "a.svtest", TWO)
    answer = json.loads(run(folder, "--json", "a.svtest").stdout)
    tap.same((answer["schema"], answer["count"], answer["failed"]), ("todoke.test/1", 2, 1))
    (file,) = answer["files"]
    tap.same((file["file"], file["notes"], [test["name"] for test in file["tests"]]), ("a.svtest", [], ["good", "bad # one"]))
    tap.same([test["line"] for test in file["tests"]], [2, 7])
    tap.same(file["tests"][1]["failures"][0]["line"], 9)


def test_folders_are_searched_in_order(folder):
    good = SUITE + 'test "t" { keep; }\n'
    for name in ("s/b.svtest", "s/a.svtest", "s/deep/er/c.svtest", "s/not-one.sieve"):
        write(folder, name, good)
    result = run(folder, "--tap", "s")
    tap.same(result.returncode, 0)
    tap.same(result.stdout.decode().splitlines(),
             ["ok 1 - s/a.svtest: t", "ok 2 - s/b.svtest: t", "ok 3 - s/deep/er/c.svtest: t", "1..3"])


def test_usage(folder):
    os.makedirs(os.path.join(folder, "empty"))
    for args in ([], ["--wrong"], ["no-such-file"], ["empty"]):
        result = run(folder, *args)
        tap.same((args, result.returncode, result.stdout), (args, 2, b""))
        tap.contains(result.stderr, b"todoke test: ")


def test_suite_that_is_wrong(folder):
    tap.same(failures(folder, 'test "t" {\n\tkepp;\n}\n'), [(3, 'unknown command \'kepp\' - did you mean "keep"?')])
    tap.same(failures(folder, 'test "t" {\n\ttest_set "envelop.from" "a@b";\n}\n'),
             [(3, "a suite cannot set 'envelop.from' - there are message, envelope.from, envelope.to, envelope.orig_to, envelope.auth")])
    (found,) = failures(folder, 'test "t" {\n\ttest_message 0;\n}\n')
    tap.same(found, (3, '\'test_message\' needs to know where - add :smtp or :folder "NAME"'))


def test_binary_file(folder):
    with open(os.path.join(folder, "a.svtest"), "wb") as file:
        file.write(bytes(range(256)) * 50)
    result = run(folder, "a.svtest")
    tap.same(result.returncode, 1)
    tap.contains(result.stdout, b"FAIL  the whole file")


def test_faults_end_one_test_only(folder):
    found = failures(folder, 'test "faulty" {\n\tset "n" "";\n\tfileinto "${n}";\n\ttest_fail "never reached";\n}\n'
                             'test "next" {\n\ttest_fail "reached";\n}\n')
    tap.same([line for line, _ in found], [4, 8])
    tap.contains(found[0][1], "the name of a mailbox is empty")
    tap.same(found[1][1], "reached")


def test_work_is_limited_for_each_test(folder):
    loop = "".join('\tset "a" "${a}${a}";\n' for _ in range(9)) + '\tif string :matches "${a}" "*a*a?a*b" { stop; }\n' * 50
    found = failures(folder, 'test "works too long" {\n\tset "a" "aaaaaaaa";\n' + loop + "}\ntest \"next\" {\n\tkeep;\n}\n",
                     "-o", "sieve_max_steps=10000")
    tap.same(len(found), 1)
    tap.contains(found[0][1], "sieve_max_steps")


def test_failure_outside_of_tests(folder):
    tap.same(failures(folder, 'test_fail "here";\ntest "t" { keep; }\ntest_fail "and here";\n'), [(2, "here"), (4, "and here")])


def test_what_cannot_be_done_fails(folder):
    found = failures(folder, '''
test "no message" { test_message :folder "INBOX" 0; }
test "none sent" { test_message :smtp 3; }
test "setting" { test_config_set "no_such_setting" "1"; }
test "value" { test_config_set "hop_limit" "many"; }
test "after it" { test_config_set "hop_limit" "20"; }
test "annotation" { test_imap_metadata_set :mailbox "INBOX" "/private/comment" "x"; }
test "name" { test_mailbox_create "a//b"; }
test "not there" { test_mailbox_delete "Nowhere"; }
test "the INBOX" { test_mailbox_delete "INBOX"; }
test "no script" { if not test_script_run { test_fail "nothing compiled"; } }
test "no execution" { test_config_set "folder_prefix" ""; fileinto "a//b"; }
''')
    tap.same([line for line, _ in found], [3, 4, 5, 6, 8, 9, 10, 11, 12])
    tap.same(found[0][1], "there is no message 0 in 'INBOX'")
    tap.same(found[1][1], "there is no message 3 sent")
    tap.same(found[2][1], "test_config_set: there is no setting 'no_such_setting'")
    tap.contains(found[3][1], "'many' is")
    tap.contains(found[4][1], "not supported")
    tap.contains(found[6][1], "Nowhere")


def test_failure_tells_what_scripts_complained_about(folder):
    write(folder, "wrong.sieve", "keep;\nfileinto \"a\";\n")
    write(folder, "a.svtest", SUITE + 'test "t" {\n\tif not test_script_compile "wrong.sieve" {\n\t\ttest_fail "compile";\n\t}\n}\n')
    result = run(folder, "a.svtest")
    tap.contains(result.stdout.decode(), "\n          wrong.sieve:2:1: ")


def test_settings_of_dovecot_are_told(folder):
    write(folder, "a.svtest", SUITE + 'test_config_set "sieve_max_cpu_time" "1s";\n')
    answer = json.loads(run(folder, "--json", "a.svtest").stdout)
    tap.same(answer["files"][0]["notes"],
             ["a.svtest:2: Dovecot's setting 'sieve_max_cpu_time' has nothing like it here: left as it is"])


def test_prints(folder):
    write(folder, "a.svtest", SUITE + 'fileinto "A";\ntest_result_print;\ntest_message_print;\n')
    tap.same(run(folder, "a.svtest").stdout.decode().splitlines(), [
        "a.svtest", '  note  a.svtest:3: fileinto in "A" (a.svtest:2)', "  note  a.svtest:4: From: sender@example.com",
        "          To: recipient@example.com", "          Subject: a message", "          (a body of 11 octets)",
        "0 tests, 0 failed"])


def test_settings_of_the_command_line(folder):
    body = 'test "t" {\n\ttest_mailbox_create "a/b.c";\n}\n'
    tap.same(len(failures(folder, body, "-o", "folder_escape=")), 1)
    tap.same(failures(folder, body), [])


def test_trust(folder):
    body = 'test "t" {\n\tif not test_script_compile "site.sieve" {\n\t\ttest_fail "compile";\n\t}\n}\n'
    write(folder, "site.sieve", 'require "date";\n')
    tap.same(len(failures(folder, body, "-o", "sieve_site_extensions=date")), 1)
    tap.same(failures(folder, body, "--site", "-o", "sieve_site_extensions=date"), [])


def test_nobody_else_has_the_extension(folder):
    script = write(folder, "a.sieve", 'require "vnd.dovecot.testsuite";\n')
    conf = write(folder, "all.conf", 'sieve_extensions = "+vnd.dovecot.testsuite"\nadd_mark = no\n')
    for args in (["check", "-c", conf, script], ["check", "--site", "-c", conf, script]):
        result = tap.todoke(*args)
        tap.same(result.returncode, 1)
        tap.contains(result.stdout, b"vnd.dovecot.testsuite")
    write(folder, "b.sieve", 'test_fail "x";\n')
    result = tap.todoke("check", os.path.join(folder, "b.sieve"))
    tap.contains(result.stdout, b"unknown command 'test_fail'")


def test_nothing_leaves_and_nothing_runs(folder):
    """Neither mail nor programs: the settings that would send it are not used."""
    conf = write(folder, "site.conf", 'program_folder = "/bin"\nsubmit = "sendmail:/bin/false"\nsieve_extensions = "+vnd.dovecot.pipe"\n')
    write(folder, "a.svtest", 'require ["vnd.dovecot.testsuite", "vnd.dovecot.pipe"];\n'
                              'test "sent" { redirect "a@example.org"; if not test_result_execute { test_fail "redirect"; } }\n'
                              'test "ran" { pipe "true"; test_result_execute; test_message :folder "INBOX" 0; }\n')
    result = tap.todoke("test", "--site", "-c", conf, os.path.join(folder, "a.svtest"))
    tap.same((result.returncode, result.stdout.decode().splitlines()[-1]), (0, "2 tests, 0 failed"))


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
