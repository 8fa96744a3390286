#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""try: what a delivery would answer where the mailbox, the settings or the message are at fault; tests/diff/try-diff asks at random."""

import json
import os
import pwd
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: boss@example.org\nTo: me@example1.jp\nSubject: hello\nMessage-ID: <1@example.org>\n\nText.\n"


class Box:
    """A virtual user's mailbox, with a script or recipes."""

    def __init__(self, folder, script=None, recipes=None, message=MESSAGE):
        self.folder, self.maildir = folder, folder + "/mail/me"
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.maildir, name))
        self.options = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "users=virtual", "-o", "log_file=%s/log" % folder,
                        "-d", "me@example1.jp", "-f", "boss@example.org"]
        if script is not None:
            self.write("x.sieve", script)
        if recipes is not None:
            self.options += ["-o", "recipes=all", "-o", "recipe_files=" + self.write("rc", recipes)]
        self.message = message
        with open(folder + "/m.eml", "wb") as file:
            file.write(message)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return os.path.join(self.folder, name)

    def attempt(self, *settings):
        options = [word for setting in settings for word in ("-o", setting)]
        answer = json.loads(tap.todoke("try", "--json", *self.options, *options, self.folder + "/m.eml").stdout)
        return answer, options

    def both(self, *settings):
        """(status, answer, [(folder, in)]) of try, which deliver then gives too."""
        answer, options = self.attempt(*settings)
        done = tap.todoke("deliver", *self.options, *options, stdin=self.message)
        words = done.stdout.decode().strip()
        status = answer["status"]
        tap.same(words, answer["answer"] if done.returncode == 0 else "%s %s" % (status, answer["answer"]))
        return status, answer["answer"], [(item["folder"], item["in"]) for item in answer["stored"]]


def test_over_quota(folder):
    box = Box(folder)
    status, answer, stored = box.both("quota=site", "quota_bytes=600", "add_mark=no")
    tap.same((status, stored), ("2.0.0", [("", "new")]))
    status, answer, stored = box.both("quota=site", "quota_bytes=600", "add_mark=no")
    tap.same((status, answer.startswith("mailbox is full: "), stored), ("2.0.0", False, [("", "new")]), "a second one fits, too")
    box.write("mail/me/cur/1.M1P1.h,S=500:2,S", "x" * 500)
    os.unlink(box.maildir + "/maildirsize")
    status, answer, stored = box.both("quota=site", "quota_bytes=600", "add_mark=no")
    tap.same((status, answer.startswith("mailbox is full: "), stored), ("4.2.2", True, []))
    tap.same(box.both("quota=site", "quota_bytes=600", "add_mark=no", "quota_full=bounce")[0], "5.2.2")


def test_too_large(folder):
    box = Box(folder, message=MESSAGE + b"x" * 2000 + b"\n")
    status, answer, stored = box.both("message_size_limit=1000")
    tap.same((status, stored), ("5.2.3", []))
    tap.contains(answer, "bigger than 1000 bytes, the limit of this mailbox")


def test_no_right_to_write(folder):
    box = Box(folder)
    for place in ("new", "tmp"):
        os.chmod(os.path.join(box.maildir, place), 0o500)
        status, _, stored = box.both()
        tap.same((status, stored), ("4.3.0", []), place)
        os.chmod(os.path.join(box.maildir, place), 0o700)
    tap.same(box.both()[0], "2.0.0")


def test_where_names_lead(folder):
    box = Box(folder, 'require ["fileinto", "copy", "mailbox"];\nfileinto :copy "Lists.foo";\nfileinto "Work";\n')
    tap.same(box.both("folder_separator=/", "folder_escape=", "create_folders=no")[2], [("", "new")], "no such name, and no such folder")
    hint = " ".join(box.attempt("folder_separator=/", "folder_escape=", "create_folders=no")[0]["notes"])
    tap.contains(hint, 'write "Lists/foo"')
    tap.contains(hint, "No such file or directory")
    tap.same(box.both("folder_separator=/", "folder_escape=")[2], [("", "new"), (".Work", "new")])
    os.chmod(box.maildir + "/.Work/new", 0o500)
    tap.same(box.both("folder_separator=.")[2], [(".Lists.foo", "new"), ("", "new")], "a folder that is closed")


def test_programs_of_recipes(folder):
    os.mkdir(folder + "/bin")
    box = Box(folder, recipes="PATH=%s/bin:/bin\n:0\n| mine\n" % folder)
    answer, _ = box.attempt()
    tap.same((answer["actions"][0]["held"], answer["stored"][0]["folder"]), ("program 'mine' is not found in PATH", ""))
    os.chmod(box.write("bin/mine", "#!/bin/sh\ncat > %s/mail.out\n" % folder), 0o755)
    status, answer, stored = box.both()
    tap.same((status, answer, stored, os.path.getsize(folder + "/mail.out") > 50), ("2.0.0", "pipe", [], True))


def test_what_deliver_makes_is_only_told(folder):
    box = Box(folder, 'require ["fileinto", "imap4flags"];\nfileinto :flags ["\\\\Seen", "$Work"] "Work/New";\n')
    before = tap.files_below(folder), sorted(os.listdir(box.maildir))
    item = box.attempt()[0]["stored"][0]
    tap.same((item["mailbox"], item["folder"], item["in"], item["letters"], item["new_folder"]), ("Work/New", ".Work.New", "cur", "Sa", True))
    tap.same((tap.files_below(folder), sorted(os.listdir(box.maildir))), before)
    text = tap.todoke("try", *box.options, folder + "/m.eml").stdout.decode()
    tap.contains(text, "m.eml -> Work/New (.Work.New, new folder), flags \\Seen $Work  %s/x.sieve:2\nanswer: 2.0.0 stored in Work/New (exit 0)\n" % folder)


def test_the_owner_is_told(folder):
    box = Box(folder, "nonsense;\n")
    answer, _ = box.attempt()
    tap.same((answer["notices"], answer["stored"][0]["folder"]), (["Your mail rules have an error"], ""))


@tap.as_root
def test_in_the_rights_of(folder):
    box = Box(folder)
    for name in (".", "mail", "mail/me", "mail/me/tmp", "mail/me/new", "mail/me/cur"):
        os.chown(os.path.join(folder, name), tap.NOBODY, tap.NOBODY)
    os.chmod(folder + "/m.eml", 0o600)
    tree = ["-o", "tree_memory=%s/trees" % folder]
    nobody, other = pwd.getpwuid(tap.NOBODY).pw_name, "daemon"
    for user, status in ((nobody, "2.0.0"), (other, "4.3.0")):
        answer = json.loads(tap.todoke("try", "--json", "--as", user, *tree, *box.options, folder + "/m.eml").stdout)
        tap.same(answer.get("status") or answer["error"]["status"][:3] + ".0", status, user)
    wrong = tap.todoke("try", "--as", "root", *tree, *box.options, folder + "/m.eml")
    tap.same((wrong.returncode, b"uid 0" in wrong.stderr), (1, True))
    wrong = tap.todoke("try", "--as", "no-such-account", *tree, *box.options, folder + "/m.eml")
    tap.same((wrong.returncode, b"no-such-account" in wrong.stderr), (1, True))


def test_only_root_can_become_others(folder):
    box = Box(folder)
    result = tap.todoke("try", "--as", "daemon", *box.options, folder + "/m.eml")
    tap.same((result.returncode, b"only root" in result.stderr), (1, True))


def test_summary(folder):
    box = Box(folder, 'require ["fileinto", "reject"];\nif header :contains "Subject" "work" { fileinto "Work"; }\nelsif header :contains "Subject" "no" { reject "no"; }\n')
    for name in ("tmp", "new", "cur"):
        os.makedirs(box.maildir + "/.Work/" + name)
    for number, (place, subject) in enumerate((("new", "work 1"), ("cur", "work 2"), ("new", "other"), ("cur", "no"), (".Work/cur", "work 3"))):
        box.write("mail/me/%s/%d.M1P1.host:2," % (place, number), "From: a@example.org\nSubject: %s\n\nx\n" % subject)
    text = tap.todoke("try", "--summary", box.maildir, *box.options).stdout.decode()
    tap.same(text, "4 messages in %s\n      2  Work\n      1  INBOX\n      1  refused: 5.7.1\n3 would lie elsewhere\n" % box.maildir)
    answer = json.loads(tap.todoke("try", "--json", "--summary", box.maildir + "/.Work", *box.options).stdout)
    tap.same((answer["schema"], answer["messages"], answer["elsewhere"], answer["places"]), ("todoke.try-summary/1", 1, 0, {"Work": 1}))
    tap.same(tap.todoke("try", "--summary", folder + "/none", *box.options).returncode, 1)
    tap.same(tap.files_below(box.maildir + "/.Work"), ["cur/4.M1P1.host:2,"], "nothing moved")


def test_summary_of_recipes(folder):
    """A recipe names a folder by its path: mail that lies there would lie nowhere else."""
    box = Box(folder)
    for name in ("tmp", "new", "cur"):
        os.makedirs(box.maildir + "/.Work/" + name)
    box.write("mail/me/.Work/cur/1.M1P1.host:2,", "From: a@example.org\nSubject: work\n\nx\n")
    box.write("mail/me/.Work/cur/2.M1P1.host:2,", "From: a@example.org\nSubject: other\n\nx\n")
    rc = box.write("rc", "MAILDIR=%s\n:0\n* ^Subject: work\n.Work/\n" % box.maildir)
    answer = json.loads(tap.todoke("try", "--json", "--summary", box.maildir + "/.Work", *box.options, "-o", "recipes=all", "-o", "recipe_files=" + rc).stdout)
    tap.same((answer["messages"], answer["elsewhere"]), (2, 1))


def test_summary_of_a_script_alone(folder):
    """Without a mailbox nothing is stored: what counts is what the rules ask for."""
    box = Box(folder)
    script = box.write("r.sieve", 'require ["fileinto", "reject", "copy"];\n'
                       'if header :contains "subject" "work" { fileinto "Work"; }\n'
                       'elsif header :contains "subject" "no" { reject "no"; }\n'
                       'elsif header :contains "subject" "both" { redirect :copy "x@example.org"; }\n'
                       'elsif header :contains "subject" "away" { redirect "x@example.org"; }\n'
                       'elsif header :contains "subject" "gone" { discard; }\n')
    os.mkdir(folder + "/old")
    for number, subject in enumerate(("work 1", "work 2", "no", "both", "away", "gone", "other")):
        box.write("old/%d" % number, "From: a@example.org\nSubject: %s\n\nx\n" % subject)
    asked = ("--script", script, "-d", "me@example1.jp", "--summary", folder + "/old")
    text = tap.todoke("try", *asked).stdout.decode()
    tap.same(text, "7 messages in %s/old\n      2  INBOX\n      2  Work\n      1  discard\n"
             "      1  redirect\n      1  refused: 5.7.1\n" % folder)
    answer = json.loads(tap.todoke("try", "--json", *asked).stdout)
    places = {"INBOX": 2, "Work": 2, "discard": 1, "redirect": 1, "refused: 5.7.1": 1}
    tap.same((answer["messages"], answer["elsewhere"], answer["places"]), (7, None, places))


def test_addresses_of_a_script_alone(folder):
    box = Box(folder)
    script = box.write("r.sieve", 'redirect "second@example1.jp";\n')
    for setting in ("addresses=second@example1.jp", 'addresses={"second@example1.jp", "third@example1.jp"}', "addresses=third@example1.jp"):
        answer = json.loads(tap.todoke("try", "--json", "--script", script, "-d", "me@example1.jp", "-o", setting, folder + "/m.eml").stdout)
        tap.same(answer["actions"][0].get("held"), "that is the owner" if "second" in setting else None, setting)


def test_a_list_in_braces(folder):
    shown = tap.todoke("config", "-o", 'addresses={"a@b.test", "c@d.test"}').stdout.decode()
    tap.contains(shown, 'addresses = {"a@b.test", "c@d.test"}')
    wrong = tap.todoke("config", "-o", 'addresses={"a@b.test"')
    tap.same((wrong.returncode != 0, b"'}' is missing" in wrong.stderr + wrong.stdout), (True, True))


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
