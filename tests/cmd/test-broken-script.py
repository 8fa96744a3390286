#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scripts that cannot be used: the version that served last, the one notice to the owner; and the script for discarded mail."""

import email
import email.policy
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: x\n\nbody\n"
GOOD = 'require "fileinto";\nfileinto "Work";\n'
BROKEN = 'require "fileinto";\nfileinto "Other"\n'


class Home:
    """A virtual user with a script."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        self.script = folder + "/main.sieve"
        self.delivered, self.answer = 0, None
        os.makedirs(folder + "/mail", exist_ok=True)

    def write(self, text, name="main.sieve"):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def deliver(self, *options, code=0, message=MESSAGE, **more):
        self.delivered += 1
        result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % self.folder, "-o", "log_file=%s/log" % self.folder, "-o", "add_mark=no",
                            "-o", "sieve_scripts=" + self.script, "-o", "sieve_personal=%s/sieve" % self.folder, *self.options, *options,
                            "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "Q%d" % self.delivered, stdin=message, **more)
        self.answer = result.stdout.decode().rstrip("\n")
        tap.same(result.returncode, code, "exit code (%r %r)" % (result.stdout, result.stderr))
        with open(self.folder + "/log", encoding="utf-8") as log:
            return log.read().splitlines()[-1]

    def stored(self, box=""):
        root = os.path.join(self.folder, "mail/ann", box)
        names = [name for name in tap.files_below(root) if re.match("new/", name)]
        return [open(os.path.join(root, name), "rb").read() for name in names]

    def mails(self, box=""):
        return [mail for mail in self.stored(box) if b"\nbody\n" in mail]

    def notices(self):
        return [email.message_from_bytes(mail, policy=email.policy.default) for mail in self.stored() if b"MAILER-DAEMON" in mail]

    def state(self):
        return os.path.join(self.folder, "mail/ann/todoke-state")


def test_whom_a_notice_comes_from(folder):
    """From myhostname, and from the postmaster where the site has said who that is; a name that is none is not used."""
    for number, (options, sender, host) in enumerate((
            (["-o", "myhostname=mx.example.jp"], "Mail Delivery <MAILER-DAEMON@mx.example.jp>", "mx.example.jp"),
            (["-o", "myhostname=mx.example.jp", "-o", "postmaster_address=pm@example.jp"], "Mail Delivery <pm@example.jp>", "mx.example.jp"),
            (["-o", "myhostname=a>, b"], "Mail Delivery <MAILER-DAEMON@%s>" % socket.gethostname(), socket.gethostname()))):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        home = Home(place, *options)
        home.write(BROKEN)
        home.deliver()
        notice, = [email.message_from_bytes(mail, policy=email.policy.default) for mail in home.stored() if b"\nbody\n" not in mail]
        tap.same((notice["From"], notice["Message-ID"].strip("<>").split("@")[1]), (sender, host))


def test_the_last_good_version_serves(folder):
    home = Home(folder)
    home.write(GOOD)
    home.deliver()
    home.write(BROKEN)
    line = home.deliver()
    tap.contains(line, "main.sieve:2:17: ';' is missing; the script was not run; the version of the script that served last was run", "log")
    tap.contains(line, "the owner is told of the broken script", "log")
    tap.contains(line, 'main.sieve (last good):2"', "log")
    tap.same((len(home.mails("")), len(home.mails(".Work"))), (0, 2), "mails")
    notice, = home.notices()
    tap.same((notice["To"], notice["Subject"], notice["Auto-Submitted"]), ("ann@x.test", "Your mail rules have an error", "auto-generated (notice)"))
    checked = tap.todoke("check", home.script).stdout.decode()
    errors = re.sub(r"1 error in 1 file\n\Z", "", checked)
    tap.contains(errors, "main.sieve:2:17: error: ", "check")
    tap.contains(notice.get_content(), errors, "the errors as check prints them")
    tap.contains(notice.get_content(), "^\n", "a caret")
    tap.contains(notice.get_content(), "the version of the script that worked last is used", "what is done")
    # again and again: no further notice, the same rules
    for _ in range(3):
        home.deliver()
    tap.same((len(home.notices()), len(home.mails(".Work"))), (1, 5))
    # changed and still wrong: a further one
    home.write(BROKEN + "keep")
    home.deliver()
    home.deliver()
    tap.same(len(home.notices()), 2)
    # mended: normal again
    home.write('require "fileinto";\nfileinto "Other";\n')
    line = home.deliver()
    tap.same("note=" in line, False, line)
    tap.same((len(home.mails(".Other")), len(home.notices())), (1, 2))
    # and it is that version that serves from now on
    home.write("nonsense")
    home.deliver()
    tap.same((len(home.mails(".Other")), len(home.notices())), (2, 3))


def test_a_script_that_was_taken_away_serves_no_more(folder):
    """No mail comes while there is none, a broken one was there before, one place of two, or the state cannot be asked."""
    home = Home(folder)
    home.write(GOOD)
    home.deliver()
    os.unlink(home.script)
    line = home.deliver()
    tap.same(("note=" in line, len(home.mails())), (False, 1), line)
    home.write(BROKEN)
    tap.contains(home.deliver(), "the script was not run; the owner is told", "log")
    tap.same((len(home.mails()), len(home.mails(".Work"))), (2, 1), "mails")
    # good, broken (the last good one serves), none, broken
    home.write(GOOD)
    home.deliver()
    home.write(BROKEN + "keep")
    home.deliver()
    tap.same(len(home.mails(".Work")), 3)
    os.unlink(home.script)
    home.deliver()
    home.write(BROKEN)
    home.deliver()
    tap.same((len(home.mails()), len(home.mails(".Work"))), (4, 3), "mails")
    # its place is empty, and the next one has a script
    home.write(GOOD)
    home.deliver()
    os.rename(home.script, home.script + "2")
    both = ("-o", "sieve_scripts=%s, %s2" % (home.script, home.script))
    home.deliver(*both)
    home.write(BROKEN)
    home.deliver(*both)
    tap.same((len(home.mails()), len(home.mails(".Work"))), (5, 5), "mails")
    # the state cannot be asked in between: the next delivery without a script sees to it
    home.write(GOOD)
    home.deliver()
    os.unlink(home.script)
    os.rename(home.state() + "/state.db", folder + "/aside")
    os.mkdir(home.state() + "/state.db")
    home.deliver()
    os.rmdir(home.state() + "/state.db")
    os.rename(folder + "/aside", home.state() + "/state.db")
    home.deliver()
    home.write(BROKEN)
    home.deliver()
    tap.same((len(home.mails()), len(home.mails(".Work"))), (8, 6), "mails")


def test_what_was_mended_is_told_again(folder):
    """The same error comes back, be it after another good version or after the one that served before."""
    home = Home(folder)
    for told, good in enumerate((GOOD, GOOD, "keep;", GOOD), 1):
        home.write(good)
        home.deliver()
        home.write(BROKEN)
        home.deliver()
        home.deliver()
        tap.same(len(home.notices()), told, good)


def test_what_fails_now_and_then_is_told_once(folder):
    home = Home(folder)
    home.write('require "fileinto"; fileinto "A"; fileinto "B";')
    for most in (2, 1, 2, 1, 2, 1):
        home.deliver("-o", "sieve_max_actions=%d" % most)
    tap.same(len(home.notices()), 1)


def test_without_a_good_version_the_inbox(folder):
    home = Home(folder)
    home.write(BROKEN)
    line = home.deliver()
    tap.contains(line, "the script was not run; the owner is told", "log")
    tap.same(len(home.mails()), 1)
    tap.contains(home.notices()[0].get_content(), "your mail is stored as if there were no script", "what is done")


WAITS = ("-o", "rules_fallback=defer")
OLD = b"Received: from a by b.test; Mon, 2 Nov 2026 09:00:00 +0000\n" + MESSAGE


def test_without_a_good_version_it_may_wait(folder):
    """rules_fallback = defer: for defer_at_most; what the last good version treats does not wait."""
    home = Home(folder, *WAITS)
    home.write(BROKEN)
    tap.contains(home.deliver(code=75), "dsn=4.3.5, status=deferred, code=T131, fault=script", "log")
    tap.same(home.stored(), [])
    tap.contains(home.deliver(message=OLD), "status=sent", "waited for long enough")
    tap.same(len([mail for mail in home.stored() if mail.endswith(MESSAGE)]), 1, "the other one is the notice")
    home.write(GOOD)
    home.deliver()
    home.write(BROKEN)
    home.deliver()
    tap.same(len(home.stored(".Work")), 2)
    home.write(":0\nWork/\n", "rc")
    os.chmod(folder + "/rc", 0o666)
    recipes = ("-o", "recipes=all", "-o", "sieve_scripts=", "-o", "recipe_files=%s/rc" % folder)
    tap.contains(home.deliver(*recipes, code=75), "dsn=4.3.5, status=deferred, code=T130, fault=untrusted", "recipes")


def test_a_folder_that_cannot_be_may_be_waited_for(folder):
    """A file in its place, and a name that no folder has."""
    home = Home(folder, *WAITS, "-o", "folder_escape=")
    home.write("keep;")
    home.deliver()
    with open(folder + "/mail/ann/.Work", "w", encoding="ascii"):
        pass
    for text, log in ((GOOD, "dsn=4.3.0"), ('require "fileinto"; fileinto "a//b";', "dsn=4.2.0, status=deferred, code=T122, fault=mailbox"),
                      ('require ["fileinto", "copy"]; fileinto :copy "Work"; keep;', "dsn=4.3.0")):
        home.write(text)
        tap.contains(home.deliver(code=75), log, text)
        tap.same(len(home.stored()), 1, text)
    home.write(GOOD)
    home.deliver(message=OLD)
    home.deliver("-o", "rules_fallback=inbox")
    tap.same(len(home.stored()), 3, "the INBOX in the end")


def test_the_answer_names_the_folder_that_gave_way(folder):
    home = Home(folder)
    home.write("keep;")
    home.deliver()
    with open(folder + "/mail/ann/.Work", "w", encoding="ascii"):
        pass
    for script, answer in ((GOOD, "stored in INBOX instead of Work"), ('require "fileinto"; fileinto "inbox";', "stored in INBOX"),
                           ('require "fileinto"; fileinto "Other";', "stored in Other")):
        home.write(script)
        home.deliver()
        tap.same(home.answer, answer)


def test_a_program_that_fails_may_be_waited_for(folder):
    """Not where the mail is kept anyway: there nothing goes to the INBOX instead."""
    home = Home(folder, *WAITS, "-o", "program_folder=%s/bin" % folder)
    os.mkdir(folder + "/bin")
    home.write("#!/bin/sh\ncat >/dev/null; exit 3\n", "bin/three")
    os.chmod(folder + "/bin/three", 0o755)
    for name in ("three", "absent"):
        home.write('require "vnd.dovecot.pipe"; pipe "%s";' % name)
        tap.contains(home.deliver(code=75), "dsn=4.3.0, status=deferred, code=T114, fault=program", name)
        tap.same(home.stored(), [], name)
    home.write("#!/bin/sh\ncat >/dev/null; exit 75\n", "bin/later")
    os.chmod(folder + "/bin/later", 0o755)
    home.write('require "vnd.dovecot.pipe"; pipe "later";')
    home.deliver("-o", "rules_fallback=inbox", code=75)
    home.deliver("-o", "rules_fallback=inbox", message=OLD)
    tap.same(len(home.stored()), 1, "it has asked for a day")
    home.write('require ["vnd.dovecot.pipe", "copy"]; pipe :copy "three";')
    tap.contains(home.deliver(), "status=sent", "kept")
    home.write('require "vnd.dovecot.pipe"; pipe "three";')
    home.deliver("-o", "rules_fallback=inbox")
    tap.same(len(home.stored()), 3)


def test_the_site_s_rules_run_on(folder):
    home = Home(folder, "-o", "sieve_after=%s/after.sieve" % folder)
    home.write(BROKEN)
    home.write('require "fileinto"; fileinto "Site";', "after.sieve")
    home.deliver()
    tap.same((len(home.mails()), len(home.mails(".Site"))), (0, 1))


def test_a_broken_script_of_the_site_is_told_in_the_log_only(folder):
    home = Home(folder, "-o", "sieve_before=%s/before.sieve" % folder)
    home.write(GOOD)
    home.write('require ["copy", "fileinto"]; fileinto :copy "Site";', "before.sieve")
    home.deliver()
    home.write("nonsense", "before.sieve")
    tap.contains(home.deliver(), "the version of the script that served last was run", "log")
    tap.same((home.notices(), len(home.mails(".Work")), len(home.mails(".Site"))), ([], 2, 2))


def test_what_is_included_is_kept_too(folder):
    home = Home(folder)
    os.mkdir(folder + "/sieve")
    home.write('require "include";\ninclude "work";\n')
    home.write(GOOD, "sieve/work.sieve")
    home.deliver()
    home.write(BROKEN, "sieve/work.sieve")
    tap.contains(home.deliver(), "served last was run", "log")
    tap.same((len(home.mails(".Work")), len(home.notices())), (2, 1))
    tap.contains(home.notices()[0].get_content(), 'work.sieve:2:17: error: \';\' is missing\n    fileinto "Other"\n', "the included line")
    os.unlink(folder + "/sieve/work.sieve")
    tap.contains(home.deliver(), "served last was run", "log")
    tap.same(len(home.mails(".Work")), 3)
    # an included one that changes is a change
    home.write('require "fileinto"; fileinto "New";', "sieve/work.sieve")
    home.deliver()
    os.unlink(folder + "/sieve/work.sieve")
    home.deliver()
    tap.same(len(home.mails(".New")), 2)


def test_a_script_that_is_too_big_or_no_file(folder):
    home = Home(folder)
    home.write(GOOD)
    home.deliver()
    home.write(GOOD + "#" * 2000)
    tap.contains(home.deliver("-o", "sieve_max_script_size=1024"), "has more than 1024 bytes; the script was not run; the version", "log")
    tap.same((len(home.mails(".Work")), len(home.notices())), (2, 1))
    tap.contains(home.notices()[0].get_content(), "main.sieve' has more than 1024 bytes", "notice")
    os.unlink(home.script)
    os.mkdir(home.script)
    tap.contains(home.deliver(), "is not a regular file; the script was not run; the version", "log")
    tap.same(len(home.mails(".Work")), 3)


def test_scripts_as_managesieve_keeps_them(folder):
    """A link that goes from one script to the next; what worked behind the link serves when the next one is broken."""
    home = Home(folder, "-o", "sieve_personal=%s/sieve" % folder, "-o", "sieve_scripts=%s/.dovecot.sieve" % folder)
    os.mkdir(folder + "/sieve")
    home.script = folder + "/.dovecot.sieve"
    home.write('require "include";\ninclude :personal "part";\n', "sieve/one.sieve")
    home.write(GOOD, "sieve/part.sieve")
    home.write(BROKEN, "sieve/two.sieve")
    home.write('require "fileinto";\nfileinto "Three";\n', "sieve/three.sieve")
    for name, counts in (("one", (1, 0)), ("two", (2, 0)), ("three", (2, 1))):
        os.symlink("sieve/%s.sieve" % name, folder + "/new")
        os.rename(folder + "/new", home.script)
        home.deliver()
        tap.same((len(home.stored(".Work")), len(home.stored(".Three"))), counts, name)
    tap.same(len(home.stored()), 1, "the notice")


def test_an_unreadable_script(folder):
    if os.geteuid() == 0:
        preexec = lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534))
        os.chown(folder, 65534, 65534)
        os.chmod(folder, 0o755)
    else:
        preexec = None
    home = Home(folder)
    home.write(GOOD)
    home.deliver(preexec_fn=preexec)
    os.chmod(home.script, 0)
    tap.contains(home.deliver(preexec_fn=preexec), "ermission denied; the script was not run; the version", "log")
    tap.same((len(home.mails(".Work")), len(home.notices())), (2, 1))


def test_a_limit_while_it_runs(folder):
    """A new version that runs into a limit: the old one serves; of a version that has served before, the INBOX."""
    home = Home(folder)
    home.write(GOOD)
    home.deliver()
    home.write('redirect "a@b.test"; redirect "b@b.test"; redirect "c@b.test";')
    line = home.deliver("-o", "sieve_max_redirects=2")
    tap.contains(line, "the script's actions were dropped; the version of the script that served last was run", "log")
    tap.same((len(home.mails(".Work")), len(home.notices())), (2, 1))
    home.write('require "fileinto"; if header "subject" "x" { fileinto "A"; fileinto "B"; }')
    home.deliver()
    line = home.deliver("-o", "sieve_max_actions=1")
    tap.contains(line, "actions were dropped", "log")
    tap.same("served last" in line, False, line)
    tap.same((len(home.mails(".A")), len(home.mails())), (1, 1))


def test_a_program_that_fails_is_no_broken_script(folder):
    os.mkdir(folder + "/bin")
    home = Home(folder, "-o", "sieve_extensions=+vnd.dovecot.filter", "-o", "program_folder=%s/bin" % folder)
    home.write(GOOD)
    home.deliver()
    home.write('require ["vnd.dovecot.filter", "fileinto"]; filter "none"; fileinto "New";')
    home.deliver()
    tap.same(home.notices(), [])


def calls(home):
    """The files that a delivery opens."""
    log = home.folder + "/calls"
    env = dict(os.environ, LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")  # strace and the search for leaks exclude each other
    argv = ["strace", "-f", "-o", log, "-e", "trace=openat,open,readlink,mkdir,mkdirat,symlink,rename", tap.TODOKE, "deliver",
            "-o", "maildir=%s/mail/%%n" % home.folder, "-o", "log_file=%s/log" % home.folder, "-o", "add_mark=no",
            "-o", "sieve_scripts=" + home.script, "-f", "a@b.test", "-d", "ann@x.test"]
    subprocess.run(argv, input=MESSAGE, env=env, capture_output=True, timeout=tap.PATIENCE, check=True)
    with open(log, encoding="utf-8") as file:
        return file.read()


def test_an_unchanged_script_opens_no_state(folder):
    home = Home(folder)
    home.write(GOOD)
    tap.need_strace()
    first = calls(home)
    tap.contains(first, "state.db", "the first delivery keeps the script")
    again = calls(home)
    tap.same(("state.db" in again, "libsqlite" in again), (False, False), "the second one opens no state")
    tap.same(again.count("readlink(\"%s/script-" % home.state()), 1, "one look")


def test_spoiled_state_stops_nothing(folder):
    home = Home(folder)
    home.write(GOOD)
    os.makedirs(folder + "/mail/ann")
    with open(home.state(), "w", encoding="utf-8"):
        pass
    tap.same("note=" in home.deliver("-o", "record=no"), False, "a good script needs no state")
    note = re.search(r'note="([^"]*)"', home.deliver()).group(1)
    tap.same(re.fullmatch("no record: [^;]*todoke-state[^;]*", note) is not None, True, "only the record says that it needs one (%s)" % note)
    home.write(BROKEN)
    tap.contains(home.deliver(), "nothing can be remembered", "log")
    tap.same((len(home.mails(".Work")), len(home.mails()), home.notices()), (2, 1, []))
    os.unlink(home.state())
    home.write(GOOD)
    home.deliver()
    with open(home.state() + "/state.db", "wb") as file:
        file.write(os.urandom(20000))
    home.write(BROKEN)
    tap.contains(home.deliver(), "put aside", "log")
    tap.same((len(home.mails()), len(home.notices())), (2, 1), "the version that served last is lost")
    home.write(GOOD)  # the same texts as before the loss are kept again
    home.deliver()
    home.write(BROKEN)
    home.deliver()
    tap.same(len(home.mails(".Work")), 5)


def test_what_is_kept_may_be_nonsense(folder):
    home = Home(folder)
    home.write(GOOD)
    home.deliver()
    for value in (b"", b"x", b"2 3 3 999999999999\nabc", b"2 18446744073709551615 3 3\nabc", b"9 1 1 1\nabc", b"2 1 1 1\nabnonsense", b"\0" * 100):
        db = sqlite3.connect(home.state() + "/state.db")
        db.execute("UPDATE item SET value = ? WHERE kind = 3", (value,))
        db.commit()
        db.close()
        home.write(BROKEN)
        tap.same("served last" in home.deliver(), False, repr(value))
        home.write(GOOD)
        home.deliver()
        home.write(BROKEN)
        tap.contains(home.deliver(), "served last", repr(value))


def test_two_at_once_tell_once(folder):
    home = Home(folder)
    home.write(BROKEN)
    argv = [tap.TODOKE, "deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "add_mark=no",
            "-o", "sieve_scripts=" + home.script, "-f", "a@b.test", "-d", "ann@x.test"]
    running = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=dict(os.environ, LC_ALL="C.UTF-8")) for _ in range(6)]
    for process in running:
        process.communicate(MESSAGE, timeout=tap.PATIENCE)
    tap.same([process.returncode for process in running], [0] * 6)
    tap.same((len(home.mails()), len(home.notices())), (6, 1))


def test_a_notice_that_cannot_be_stored_comes_later(folder):
    """The disk is full for the notice: it is not counted as told."""
    home = Home(folder)
    home.write(BROKEN)
    missing = dict(os.environ, TODOKE_MODULE_DIR=folder)
    for module in ("todoke-main.so", "todoke-state.so"):
        shutil.copy(os.path.join(os.environ["TODOKE_MODULE_DIR"], module), os.path.join(folder, module))  # a link would lead out of the box
    tap.contains(home.deliver(env={"TODOKE_MODULE_DIR": missing["TODOKE_MODULE_DIR"]}), "the owner is not told", "log")
    tap.same((len(home.mails()), home.notices()), (1, []))
    home.deliver()
    tap.same((len(home.mails()), len(home.notices())), (2, 1))


def test_errors_without_end_are_cut(folder):
    home = Home(folder)
    home.write(("x" * 3000 + ' "";\n') * 90)
    home.deliver()
    notice, = home.notices()
    tap.same(10000 < len(notice.get_content()) < 70000, True, "%d octets" % len(notice.get_content()))


def test_try_says_what_is_wrong_and_remembers_nothing(folder):
    home = Home(folder)
    home.write(BROKEN)
    with open(folder + "/m", "wb") as file:
        file.write(MESSAGE)
    result = tap.todoke("try", "-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=" + home.script, "-d", "ann@x.test", folder + "/m")
    tap.contains(result.stdout, b"the script was not run", "try")
    tap.same(os.listdir(folder + "/mail"), [])


# sieve_discard

def discard_home(folder, script, discard):
    home = Home(folder, "-o", "sieve_discard=%s/discard.sieve" % folder)
    home.write(script)
    if discard is not None:
        home.write(discard, "discard.sieve")
    return home


def test_discarded_mail_has_a_script(folder):
    trash = 'require "fileinto"; fileinto "Trash";'
    home = discard_home(folder, "discard;", trash)
    line = home.deliver()
    tap.same((len(home.mails()), len(home.mails(".Trash"))), (0, 1))
    tap.contains(line, "script=%s/discard.sieve" % folder, "log")
    # not for what is kept, filed, sent on or refused
    for script, box in (("keep;", ""), ('require "fileinto"; fileinto "Work";', ".Work"), ("", "")):
        home.write(script)
        before = len(home.mails(box))
        home.deliver()
        tap.same((len(home.mails(box)), len(home.mails(".Trash"))), (before + 1, 1), script)
    home.write('require "reject"; reject "no";')
    home.deliver(code=77)
    tap.same(len(home.mails(".Trash")), 1)
    # a discard beside a keep is no discard
    home.write("keep; discard;")
    home.deliver()
    tap.same(len(home.mails(".Trash")), 1)


def test_a_discard_script_that_does_nothing(folder):
    home = discard_home(folder, "discard;", "# nothing")
    tap.contains(home.deliver(), "action=discard", "log")
    tap.same((home.stored(), home.stored(".Trash")), ([], []))
    home.write("keep;", "discard.sieve")
    home.deliver()
    tap.same(len(home.mails()), 1)


def test_a_broken_discard_script_keeps(folder):
    home = discard_home(folder, "discard;", "nonsense")
    tap.contains(home.deliver(), "the message is not discarded", "log")
    tap.same((len(home.mails()), home.notices()), (1, []))
    home.write('require "fileinto"; fileinto "Trash";', "discard.sieve")
    home.deliver()
    home.write("nonsense", "discard.sieve")
    home.deliver()
    tap.same((len(home.mails()), len(home.mails(".Trash"))), (1, 2))


def test_a_reject_behind_a_store_of_the_site(folder):
    """The owner's script is right, and cannot help what the site's has stored: no mail that somebody here has is refused, and nobody is told of an error."""
    home = Home(folder, "-o", "sieve_before=%s/site.sieve" % folder)
    home.write('require ["fileinto", "copy"]; fileinto :copy "Archive";', "site.sieve")
    home.write('require "fileinto"; fileinto "Work";')
    home.deliver()
    home.write('require "reject"; reject "no";')
    line = home.deliver()
    tap.contains(line, "main.sieve:1: 'reject' cannot stand beside 'fileinto' of %s/site.sieve:1" % folder, "log")
    tap.same((len(home.mails()), len(home.mails(".Work")), len(home.mails(".Archive")), home.notices()), (1, 1, 2, []))
    home.write('require ["reject", "fileinto"]; fileinto "Work"; reject "no";')
    tap.contains(home.deliver(), "the owner is told", "log")


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
